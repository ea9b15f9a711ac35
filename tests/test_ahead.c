/*
 * Thinking ahead: the decisions alone, against their formulas.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/ahead.h"

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)
#define NOON INT64_C(1795521600000) /* 2026-11-24 12:00 UTC */

static void
what_is_not_fresh_is_fetched(void **state)
{
	(void)state;
	assert_int_equal(
	    ahead_decide(1, CACHE_STALE, 5000, 100, 1), AHEAD_REFRESH);
	assert_int_equal(ahead_decide(0, CACHE_STALE, -1, 0, 1), AHEAD_REFRESH);
	assert_int_equal(ahead_decide(0, CACHE_ABSENT, 0, 0, 1), AHEAD_REFRESH);
}

static void
beta_0_and_unknown_cost_are_never_early(void **state)
{
	(void)state;
	for (int64_t left = -1000; left < 10000; left += 100) {
		assert_int_equal(ahead_decide(0, CACHE_FRESH, left, 100, 1e-15),
		    AHEAD_NOTHING);
		assert_int_equal(ahead_decide(1, CACHE_FRESH, left, 0, 1e-15),
		    AHEAD_NOTHING);
	}
}

/* How many of n values of u, evenly spread, make it early. */
static int
early_of(double beta, int64_t left, int64_t cost, int n)
{
	int early = 0;

	for (int i = 1; i <= n; i++)
		early += ahead_decide(beta, CACHE_FRESH, left, cost,
			     (double)i / n) == AHEAD_EARLY;
	return early;
}

/* P(cost * beta * -ln u >= left) = exp(-left / (cost * beta)). */
static void
early_as_often_as_the_formula_says(void **state)
{
	static const double betas[] = { 0.25, 1, 2.5, 100 };
	static const int64_t costs[] = { 1, 900, 13000, 300000 };
	enum { N = 20000 };
	int seen = 0;

	(void)state;
	for (size_t b = 0; b < 4; b++)
		for (size_t c = 0; c < 4; c++)
			for (int64_t left = 0; left < HOUR; left += 97003) {
				double scale = (double)costs[c] * betas[b];
				double p = exp(-(double)left / scale);
				int n = early_of(betas[b], left, costs[c], N);

				assert_true(fabs(n - p * N) <= 1.0);
				seen += n > N / 100 && n < N - N / 100;
			}
	assert_true(seen > 50); /* and not only at its ends */
}

static void
who_asks_first_whether_chance_matters_is_told_right(void **state)
{
	double least = 1.0 / 9007199254740992.0; /* the smallest u there is */

	(void)state;
	for (int64_t left = -5000; left < 100000; left += 7)
		if (ahead_decide(1, CACHE_FRESH, left, 1500, least) ==
		    AHEAD_EARLY)
			assert_true(ahead_may_be_early(1, left, 1500));
	assert_false(ahead_may_be_early(1, 3600000, 13000));
	assert_true(ahead_may_be_early(1, 60000, 13000));
}

/* A day counts half as much with every week, whichever came first. */
static void
days_fade_by_half_a_week(void **state)
{
	long double sum = 0;

	(void)state;
	for (int i = 0; i <= 21; i += 7)
		sum += ahead_weight(NOON - i * DAY);
	assert_true(fabs(ahead_days(sum, NOON) - 1.875) < 1e-9);
	assert_true(fabs(ahead_days(sum, NOON + 7 * DAY) - 0.9375) < 1e-9);
	/* years later it is no less exact */
	sum = ahead_weight(NOON + 9000 * DAY) + ahead_weight(NOON + 8993 * DAY);
	assert_true(fabs(ahead_days(sum, NOON + 9000 * DAY) - 1.5) < 1e-9);
	assert_true(ahead_days(ahead_weight(NOON), NOON + 9000 * DAY) < 1e-300);
}

static void
hours_are_those_of_utc(void **state)
{
	(void)state;
	assert_int_equal(ahead_hour(NOON), 12);
	assert_int_equal(ahead_hour(NOON - 1), 11);
	assert_int_equal(ahead_hour(NOON + 12 * HOUR), 0);
}

/* Known for a month, read at noon on the last n days, the last time then. */
static struct cache_habit
habit(int n, int64_t fresh_ms)
{
	struct cache_habit h = { .there = 1,
		.fresh_ms = fresh_ms,
		.read_ms = NOON - DAY,
		.since_ms = NOON - 30 * DAY };

	for (int i = 1; i <= n; i++)
		h.hours[12] += ahead_weight(NOON - i * DAY);
	return h;
}

static int
wanted(const struct cache_habit *h, int64_t now_ms, int *likely)
{
	return ahead_is_wanted(h, now_ms, now_ms + HOUR, likely);
}

static void
what_is_likely_is_wanted_and_nothing_else(void **state)
{
	struct cache_habit h = habit(2, NOON + HOUR);
	int likely;

	(void)state;
	assert_true(wanted(&h, NOON, &likely));
	assert_true(likely);
	/* the run a moment early is for the same hour */
	h.fresh_ms = NOON;
	assert_true(wanted(&h, NOON - 60000, &likely));
	/* another hour; one day only; long ago */
	assert_false(wanted(&h, NOON + HOUR, &likely));
	assert_false(wanted(&h, NOON - HOUR, &likely));
	assert_false(wanted(&h, NOON + 7 * DAY, &likely));
	h = habit(1, 0);
	assert_false(wanted(&h, NOON, &likely));
	/* fresh beyond the next run; absent; stale */
	h = habit(9, NOON + HOUR + 1);
	assert_false(wanted(&h, NOON, &likely));
	h.there = 0;
	assert_true(wanted(&h, NOON, &likely) && likely);
	h = habit(9, NOON - DAY);
	assert_true(wanted(&h, NOON, &likely) && likely);
}

static void
until_two_days_are_known_a_read_of_the_last_day_will_do(void **state)
{
	struct cache_habit h = habit(0, NOON);
	int likely;

	(void)state;
	h.read_ms = NOON - DAY + 1;
	assert_false(wanted(&h, NOON, &likely));
	h.since_ms = NOON - 2 * DAY + 1;
	assert_true(wanted(&h, NOON, &likely));
	assert_false(likely);
	h.since_ms = 0;
	assert_true(wanted(&h, NOON, &likely));
	h.read_ms = NOON - DAY;
	assert_false(wanted(&h, NOON, &likely));
	h.read_ms = NOON;
	h.there = 0;
	assert_false(wanted(&h, NOON, &likely));
}

static void
sweeps_of_warming_have_their_share_of_the_time(void **state)
{
	(void)state;
	assert_int_equal(ahead_pause_ms(13000, 0), 43333);
	/* 2 calls of 2 a second are a second, however near the second is */
	assert_int_equal(ahead_pause_ms(500, 2), 3333);
	assert_int_equal(ahead_pause_ms(0, 1000), 200003);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_fresh_is_fetched),
		cmocka_unit_test(beta_0_and_unknown_cost_are_never_early),
		cmocka_unit_test(early_as_often_as_the_formula_says),
		cmocka_unit_test(
		    who_asks_first_whether_chance_matters_is_told_right),
		cmocka_unit_test(days_fade_by_half_a_week),
		cmocka_unit_test(hours_are_those_of_utc),
		cmocka_unit_test(what_is_likely_is_wanted_and_nothing_else),
		cmocka_unit_test(
		    until_two_days_are_known_a_read_of_the_last_day_will_do),
		cmocka_unit_test(
		    sweeps_of_warming_have_their_share_of_the_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

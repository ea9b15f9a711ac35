/*
 * The rate limit and the hold of the guard in a real Redis.
 */
#include "guard_fixture.h"

static void
slots_are_reserved_an_interval_apart(void **state)
{
	struct guard *guard = open_guard(*state);
	struct grant g[3] = { { 0 } };

	for (int i = 0; i < 3; i++)
		assert_int_equal(take(guard, &slow, LONG, &g[i], NULL), RC_OK);
	assert_int_equal(g[0].wait_ms, 0);
	assert_int_equal(g[1].due_us, g[0].due_us + SECOND);
	assert_int_equal(g[2].due_us, g[0].due_us + 2 * SECOND);
	assert_about(g[2].wait_ms, 2000);
	assert_int_equal(ctl(*state, "LLEN " GRANTS), 1);
	guard_close(guard);
}

static void
too_long_a_wait_reserves_nothing(void **state)
{
	struct guard *guard = open_guard(*state);
	int64_t wait = 0;

	assert_int_equal(take(guard, &slow, 0, NULL, NULL), RC_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    take(guard, &slow, 100, NULL, &wait), RC_LIMITED);
		assert_about(wait, 1000);
	}
	guard_close(guard);
}

static void
a_place_given_up_is_free_again(void **state)
{
	struct guard *guard = open_guard(*state);
	struct grant a = { 0 }, b = { 0 };
	int64_t tat, wait;

	take(guard, &slow, LONG, NULL, NULL);
	tat = ctl(*state, "HGET " HASH " tat_us");
	take(guard, &slow, LONG, &a, NULL);
	ctl(*state, "HSET " HASH " hold_until_us %lld", ll(tat + 50 * SECOND));
	assert_int_equal(take(guard, &slow, 10, &a, &wait), RC_LIMITED);
	assert_int_equal(a.due_us, 0);
	assert_int_equal(ctl(*state, "HGET " HASH " tat_us"), tat);
	ctl(*state, "HSET " HASH " hold_until_us 0");
	take(guard, &slow, LONG, &b, NULL);
	assert_int_equal(b.due_us, tat);
	guard_close(guard);
}

static void
a_place_that_is_not_needed_is_free_again(void **state)
{
	struct guard *guard = open_guard(*state);
	struct grant go = { 0 }, a = { 0 }, b = { .booking = 0 };
	int64_t tat;

	take(guard, &slow, LONG, &go, NULL);
	tat = ctl(*state, "HGET " HASH " tat_us");
	take(guard, &slow, LONG, &a, NULL);
	take(guard, &slow, LONG, &b, NULL);
	b.booking = 7;
	/* One that others wait behind is lost, */
	assert_int_equal(guard_leave(guard, "finviz", &slow, &a, NULL), RC_OK);
	assert_int_equal(a.due_us, 0);
	assert_int_equal(ctl(*state, "HGET " HASH " tat_us"), tat + 2 * SECOND);
	/* the last one is not. */
	assert_int_equal(guard_leave(guard, "finviz", &slow, &b, NULL), RC_OK);
	assert_int_equal(b.due_us, 0);
	assert_int_equal(b.booking, 7);
	assert_int_equal(ctl(*state, "HGET " HASH " tat_us"), tat + SECOND);
	/* What was made was made. */
	assert_int_equal(guard_leave(guard, "finviz", &slow, &go, NULL), RC_OK);
	assert_int_equal(ctl(*state, "HGET " HASH " tat_us"), tat + SECOND);
	guard_close(guard);
}

static void
a_hold_moves_those_who_wait_behind_it(void **state)
{
	struct guard *guard = open_guard(*state);
	struct grant g[4] = { { 0 } };
	int64_t end, due, wait = 0;

	for (int i = 0; i < 4; i++)
		take(guard, &slow, LONG, &g[i], NULL);
	assert_about(report(guard, &g[0], RC_LIMITED, 30000), 30000);
	end = ctl(*state, "HGET " HASH " hold_until_us");
	for (int i = 1; i < 4; i++) {
		assert_int_equal(take(guard, &slow, LONG, &g[i], NULL), RC_OK);
		assert_int_equal(g[i].due_us, end + (i - 1) * SECOND);
		due = g[i].due_us; /* and is kept there */
		assert_int_equal(take(guard, &slow, LONG, &g[i], NULL), RC_OK);
		assert_int_equal(g[i].due_us, due);
	}
	assert_int_equal(take(guard, &slow, 10000, NULL, &wait), RC_LIMITED);
	assert_about(wait, 33000);
	assert_int_equal(ctl(*state, "LLEN " GRANTS), 1);
	guard_close(guard);
}

static void
who_comes_late_gets_a_new_slot(void **state)
{
	struct guard *guard = open_guard(*state);
	struct grant g = { 0 };
	int64_t now;

	take(guard, &slow, LONG, NULL, NULL);
	take(guard, &slow, LONG, &g, NULL);
	pass(*state, 100);
	g.due_us -= 100 * SECOND;
	now = redis_now(*state);
	assert_int_equal(take(guard, &slow, LONG, &g, NULL), RC_OK);
	assert_int_equal(g.wait_ms, 0);
	assert_true(g.due_us >= now);
	guard_close(guard);
}

static void
who_comes_a_little_late_keeps_its_slot(void **state)
{
	struct guard *guard = open_guard(*state);
	struct grant g = { 0 };
	char want[64], got[256];
	int64_t due;

	take(guard, &slow, LONG, NULL, NULL);
	take(guard, &slow, LONG, &g, NULL);
	/* half an interval late */
	ctl(*state, "HINCRBY " HASH " tat_us -1500000");
	g.due_us -= 1500000;
	due = g.due_us;
	assert_int_equal(take(guard, &slow, LONG, &g, NULL), RC_OK);
	assert_int_equal(g.wait_ms, 0);
	assert_int_equal(g.due_us, due);
	snprintf(want, sizeof(want), "%lld ", (long long)due);
	assert_memory_equal(
	    ctl_text(*state, got, "LINDEX " GRANTS " 0"), want, strlen(want));
	guard_close(guard);
}

static void
a_state_that_vanished_or_a_clock_set_back_blocks_nobody(void **state)
{
	struct guard *guard = open_guard(*state);
	struct fixture *f = *state;
	struct grant g = { 0 };
	int64_t far = redis_now(f) + 7200 * SECOND;

	take(guard, &slow, LONG, NULL, NULL);
	take(guard, &slow, LONG, &g, NULL);
	ctl(f, "DEL " HASH);
	assert_int_equal(take(guard, &slow, 0, &g, NULL), RC_OK);
	assert_int_equal(g.wait_ms, 0);
	/* two hours ahead, and the clock was so too */
	ctl(f, "HSET " HASH " seen_us %lld tat_us %lld", (long long)far,
	    (long long)far);
	g = (struct grant){ 0 };
	assert_int_equal(take(guard, &slow, 0, &g, NULL), RC_OK);
	assert_int_equal(g.wait_ms, 0);
	guard_close(guard);
}

static void
the_log_of_grants_is_capped(void **state)
{
	struct guard *guard = open_guard(*state);

	for (int i = 0; i < 1000; i++)
		ctl(*state, "RPUSH " GRANTS " old");
	go(guard);
	assert_int_equal(ctl(*state, "LLEN " GRANTS), 1000);
	guard_close(guard);
}

static void
holds_double_once_an_incident(void **state)
{
	static const int64_t minutes[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	struct guard *guard = open_guard(*state);
	struct grant g, late;

	for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
		int64_t ms = minutes[i] * 60000;

		g = go(guard);
		late = g;
		assert_about(report(guard, &g, RC_LIMITED, -1), ms);
		assert_about(report(guard, &g, RC_BLOCKED, -1), ms);
		assert_about(report(guard, &g, RC_LIMITED, 1000), ms);
		assert_about(
		    report(guard, &g, RC_LIMITED, ms + 5000), ms + 5000);
		pass(*state, minutes[i] * 60 + 5);
		late.due_us -= (minutes[i] * 60 + 5) * SECOND;
		/* Late answers of calls begun before: no reset. */
		report(guard, &late, RC_OK, -1);
	}
	call(guard, RC_OK);
	g = go(guard);
	assert_about(report(guard, &g, RC_LIMITED, -1), 60000);
	guard_close(guard);
}

static void
a_late_refusal_of_a_call_begun_before_does_not_double(void **state)
{
	struct guard *guard = open_guard(*state);
	struct grant g = go(guard);

	report(guard, &g, RC_LIMITED, 1000);
	pass(*state, 2);
	g.due_us -= 2 * SECOND;
	assert_about(report(guard, &g, RC_LIMITED, -1), 60000);
	assert_int_equal(ctl(*state, "HGET " HASH " hold_n"), 1);
	guard_close(guard);
}

static void
a_retry_after_is_the_longest_day_at_most(void **state)
{
	struct guard *guard = open_guard(*state);
	struct grant g = go(guard);

	assert_about(report(guard, &g, RC_LIMITED, INT64_MAX),
	    INT64_C(1000) * 25 * 3600);
	guard_close(guard);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(slots_are_reserved_an_interval_apart),
		WITH_REDIS(too_long_a_wait_reserves_nothing),
		WITH_REDIS(a_place_given_up_is_free_again),
		WITH_REDIS(a_place_that_is_not_needed_is_free_again),
		WITH_REDIS(a_hold_moves_those_who_wait_behind_it),
		WITH_REDIS(who_comes_late_gets_a_new_slot),
		WITH_REDIS(who_comes_a_little_late_keeps_its_slot),
		WITH_REDIS(
		    a_state_that_vanished_or_a_clock_set_back_blocks_nobody),
		WITH_REDIS(the_log_of_grants_is_capped),
		WITH_REDIS(holds_double_once_an_incident),
		WITH_REDIS(
		    a_late_refusal_of_a_call_begun_before_does_not_double),
		WITH_REDIS(a_retry_after_is_the_longest_day_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

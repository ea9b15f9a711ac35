/*
 * The circuit breaker of the guard in a real Redis.
 */
#include "guard_fixture.h"

static void
open_breaker(struct guard *guard)
{
	for (int i = 0; i < 5; i++)
		call(guard, RC_TIMEOUT);
}

static void
five_failures_in_a_row_open_the_breaker(void **state)
{
	static const enum rc fails[] = { RC_NET, RC_TIMEOUT, RC_UPSTREAM,
		RC_PARSE, RC_NET };
	struct guard *guard = open_guard(*state);
	struct fixture *f = *state;
	int64_t wait = 0, tat, grants;
	char name[256];

	for (int i = 0; i < 4; i++)
		call(guard, fails[i]);
	call(guard, RC_NOTFOUND); /* an answer: the row is broken */
	for (int i = 0; i < 20; i++)
		call(guard, RC_OK);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(take(guard, &fast, LONG, NULL, NULL), RC_OK);
		call(guard, fails[i]);
	}
	tat = ctl(f, "HGET " HASH " tat_us");
	grants = ctl(f, "LLEN " GRANTS);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    take(guard, &fast, LONG, NULL, &wait), RC_OPEN);
		assert_about(wait, 30000);
	}
	assert_int_equal(ctl(f, "HGET " HASH " tat_us"), tat);
	assert_int_equal(ctl(f, "LLEN " GRANTS), grants);
	assert_string_equal(
	    ctl_text(f, name, "HGET " HASH " last_error"), "network");
	guard_close(guard);
}

static void
half_of_ten_calls_open_the_breaker(void **state)
{
	struct guard *guard = open_guard(*state);

	for (int i = 0; i < 9; i++) /* fails on 0, 2, 4, 6, 8: five of nine */
		call(guard, i % 2 ? RC_EMPTY : RC_UPSTREAM);
	call(guard, RC_INVALID); /* five of ten, but this was no failure */
	assert_int_equal(take(guard, &fast, LONG, NULL, NULL), RC_OK);
	call(guard, RC_UPSTREAM);
	assert_int_equal(take(guard, &fast, LONG, NULL, NULL), RC_OPEN);
	guard_close(guard);
}

static void
what_is_older_than_a_minute_is_forgotten(void **state)
{
	struct guard *guard = open_guard(*state);
	struct fixture *f = *state;
	long long slot = redis_now(f) / (10 * SECOND);

	/* nine failures of 60 s ago, in the bucket that is next to be used */
	ctl(f, "HSET " HASH " w%lld %s", slot % 6, "1 9 9");
	ctl(f, "HSET " HASH " w%lld %lld-9-9", (slot + 1) % 6, slot - 5);
	call(guard, RC_UPSTREAM);
	call(guard, RC_OK);
	call(guard, RC_UPSTREAM);
	assert_int_equal(take(guard, &fast, LONG, NULL, NULL), RC_OK);
	guard_close(guard);
}

static void
limits_and_our_own_troubles_are_no_failures(void **state)
{
	static const enum rc other[] = { RC_NOMEM, RC_SYS, RC_BUG, RC_STORE,
		RC_BUSY };
	struct guard *guard = open_guard(*state);
	struct grant g;

	for (int i = 0; i < 20; i++)
		call(guard, other[i % 5]);
	for (int i = 0; i < 20; i++) {
		g = go(guard);
		report(guard, &g, i % 2 ? RC_LIMITED : RC_BLOCKED, 0);
	}
	assert_int_equal(take(guard, &fast, LONG, NULL, NULL), RC_OK);
	assert_int_equal(ctl(*state, "HGET " HASH " cons"), 0);
	guard_close(guard);
}

static void
one_probe_at_a_time_and_two_successes_close(void **state)
{
	struct guard *guard = open_guard(*state);
	struct grant a, b;
	int64_t wait = 0;

	open_breaker(guard);
	pass(*state, 30);
	a = go(guard);
	assert_true(a.probe > 0);
	assert_int_equal(take(guard, &fast, LONG, NULL, &wait), RC_OPEN);
	assert_about(wait, 60000);
	report(guard, &a, RC_OK, -1);
	b = go(guard);
	assert_true(b.probe > a.probe);
	report(guard, &a, RC_OK, -1); /* said already */
	assert_int_equal(take(guard, &fast, LONG, NULL, NULL), RC_OPEN);
	report(guard, &b, RC_NOTFOUND, -1);
	b = go(guard);
	assert_int_equal(b.probe, 0);
	assert_int_equal(take(guard, &fast, LONG, NULL, NULL), RC_OK);
	guard_close(guard);
}

static void
a_failed_probe_opens_for_twice_as_long(void **state)
{
	static const int64_t seconds[] = { 30, 60, 120, 240, 480, 600, 600 };
	struct guard *guard = open_guard(*state);
	int64_t wait = 0;

	open_breaker(guard);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		assert_int_equal(
		    take(guard, &fast, LONG, NULL, &wait), RC_OPEN);
		assert_about(wait, seconds[i] * 1000);
		pass(*state, seconds[i]);
		call(guard, RC_NET);
	}
	pass(*state, 600);
	call(guard, RC_OK);
	call(guard, RC_OK);
	open_breaker(guard);
	take(guard, &fast, LONG, NULL, &wait);
	assert_about(wait, 30000);
	guard_close(guard);
}

static void
a_dead_prober_frees_the_place_when_its_lease_runs_out(void **state)
{
	struct guard *guard = open_guard(*state);
	struct grant dead, next;
	int64_t wait = 0;

	open_breaker(guard);
	pass(*state, 30);
	dead = go(guard);
	assert_int_equal(take(guard, &fast, LONG, NULL, &wait), RC_OPEN);
	pass(*state, 59);
	assert_int_equal(take(guard, &fast, LONG, NULL, &wait), RC_OPEN);
	pass(*state, 2);
	next = go(guard);
	assert_true(next.probe > 0 && next.probe != dead.probe);
	/* It was not dead after all, but is too late. */
	report(guard, &dead, RC_NET, -1);
	report(guard, &next, RC_OK, -1);
	call(guard, RC_OK);
	assert_int_equal(go(guard).probe, 0);
	guard_close(guard);
}

static void
a_waiting_prober_renews_its_lease(void **state)
{
	struct guard *guard = open_guard(*state);
	struct fixture *f = *state;
	struct grant g = { 0 };
	int64_t token;

	open_breaker(guard);
	pass(f, 30);
	ctl(f, "HSET " HASH " tat_us %lld", ll(redis_now(f) + 300 * SECOND));
	assert_int_equal(take(guard, &slow, LONG, &g, NULL), RC_OK);
	assert_true(g.wait_ms > 0 && g.probe > 0);
	token = g.probe;
	ctl(f, "HSET " HASH " probe_until_us 1");
	assert_int_equal(take(guard, &slow, LONG, &g, NULL), RC_OK);
	assert_int_equal(g.probe, token);
	assert_int_equal(take(guard, &slow, LONG, NULL, NULL), RC_OPEN);
	guard_close(guard);
}

static void
a_probe_that_is_limited_frees_the_place(void **state)
{
	struct guard *guard = open_guard(*state);
	struct fixture *f = *state;
	struct grant g;
	int64_t open;

	open_breaker(guard);
	pass(f, 30);
	open = ctl(f, "HGET " HASH " open_until_us");
	for (int i = 0; i < 4; i++) {
		g = go(guard);
		assert_true(g.probe > 0);
		report(guard, &g, i % 2 ? RC_LIMITED : RC_BLOCKED, 0);
	}
	/* neither failure nor success */
	assert_int_equal(ctl(f, "HGET " HASH " open_until_us"), open);
	assert_int_equal(ctl(f, "HGET " HASH " successes"), 0);
	/* one that would wait too long does not keep it either */
	g = go(guard);
	report(guard, &g, RC_BLOCKED, 50000);
	assert_int_equal(take(guard, &fast, 10, NULL, NULL), RC_LIMITED);
	assert_int_equal(ctl(f, "HGET " HASH " probe"), 0);
	guard_close(guard);
}

static void
late_answers_neither_close_nor_prolong(void **state)
{
	struct guard *guard = open_guard(*state);
	struct fixture *f = *state;
	struct grant late = go(guard);
	int64_t open;

	open_breaker(guard);
	open = ctl(f, "HGET " HASH " open_until_us");
	for (int i = 0; i < 9; i++)
		report(guard, &late, i % 2 ? RC_OK : RC_NET, -1);
	assert_int_equal(ctl(f, "HGET " HASH " open_until_us"), open);
	pass(f, 30);
	for (int i = 0; i < 9; i++)
		report(guard, &late, i % 2 ? RC_OK : RC_NET, -1);
	assert_true(go(guard).probe > 0);
	guard_close(guard);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(five_failures_in_a_row_open_the_breaker),
		WITH_REDIS(half_of_ten_calls_open_the_breaker),
		WITH_REDIS(what_is_older_than_a_minute_is_forgotten),
		WITH_REDIS(limits_and_our_own_troubles_are_no_failures),
		WITH_REDIS(one_probe_at_a_time_and_two_successes_close),
		WITH_REDIS(a_failed_probe_opens_for_twice_as_long),
		WITH_REDIS(
		    a_dead_prober_frees_the_place_when_its_lease_runs_out),
		WITH_REDIS(a_waiting_prober_renews_its_lease),
		WITH_REDIS(a_probe_that_is_limited_frees_the_place),
		WITH_REDIS(late_answers_neither_close_nor_prolong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Of src/store what needs no server: addresses, errors, the limiter's steps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/guard_limit.h"
#include "store/redis_address.h"

#define SECOND INT64_C(1000000)
#define SECRET "s3cret"

/* Addresses */

static struct config
plain_config(void)
{
	struct config c = { .redis_host = "localhost",
		.redis_port = 6379,
		.redis_timeout = 1 };

	return c;
}

static void
urls_are_read(void **state)
{
	static const struct {
		const char *url;
		struct redis_address want;
	} cases[] = {
		{ "redis://localhost", { 0, "localhost", 6379, 0, "", "" } },
		{ "redis://h:7000/3", { 0, "h", 7000, 3, "", "" } },
		{ "redis://h/", { 0, "h", 6379, 0, "", "" } },
		{ "redis://:pw@h", { 0, "h", 6379, 0, "", "pw" } },
		{ "redis://u:p%40w%2Fx@h:1/2", { 0, "h", 1, 2, "u", "p@w/x" } },
		{ "redis://u:a:b@c@h", { 0, "h", 6379, 0, "u", "a:b@c" } },
		{ "redis://:50%25@h", { 0, "h", 6379, 0, "", "50%" } },
		{ "redis://[::1]:7000/1", { 0, "::1", 7000, 1, "", "" } },
		{ "redis://[fe80::1]", { 0, "fe80::1", 6379, 0, "", "" } },
		{ "unix:///run/redis.sock",
		    { 1, "/run/redis.sock", 6379, 0, "", "" } },
		{ "unix:///a%20b?db=15", { 1, "/a b", 6379, 15, "", "" } },
		{ "unix://u:p@/s?db=2", { 1, "/s", 6379, 2, "u", "p" } },
		{ "unix:///a@b", { 1, "/a@b", 6379, 0, "", "" } },
	};
	struct redis_address got;
	struct config c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = plain_config();
		snprintf(c.redis_url, sizeof(c.redis_url), "%s", cases[i].url);
		assert_int_equal(redis_address_read(&c, &got, NULL), RC_OK);
		assert_int_equal(got.is_unix, cases[i].want.is_unix);
		assert_string_equal(got.host, cases[i].want.host);
		assert_int_equal(got.port, cases[i].want.port);
		assert_int_equal(got.db, cases[i].want.db);
		assert_string_equal(got.user, cases[i].want.user);
		assert_string_equal(got.password, cases[i].want.password);
	}
}

static void
bad_urls_are_refused_without_their_password(void **state)
{
	static const char *const urls[] = {
		"rediss://:" SECRET "@h",
		"http://:" SECRET "@h",
		"redis:" SECRET,
		"redis://",
		"redis://:" SECRET "@",
		"redis://" SECRET "@h",
		"redis://:" SECRET "@:6379",
		"redis://:" SECRET "@h:0",
		"redis://:" SECRET "@h:65536",
		"redis://:" SECRET "@h:",
		"redis://:" SECRET "@h:6379x",
		"redis://:" SECRET "@h/x",
		"redis://:" SECRET "@h/-1",
		"redis://:" SECRET "@h/1/2",
		"redis://:" SECRET "@h?db=1",
		"redis://:" SECRET "%@h",
		"redis://:" SECRET "%4@h",
		"redis://:" SECRET "%zz@h",
		"redis://:" SECRET "%00@h",
		"redis://u:" SECRET "/x@h",
		"redis://:" SECRET "@[::1",
		"redis://u:@h",
		"unix://" SECRET,
		"unix://:" SECRET "@run/redis",
		"unix://:" SECRET "@/run/redis?db=x",
		"unix://:" SECRET "@/run/redis?password=" SECRET,
	};
	struct redis_address got;
	struct config c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		c = plain_config();
		snprintf(c.redis_url, sizeof(c.redis_url), "%s", urls[i]);
		memset(&got, 'x', sizeof(got));
		e = (struct err){ 0 };
		if (redis_address_read(&c, &got, &e) != RC_CONFIG)
			fail_msg("%s was read", urls[i]);
		assert_int_equal(e.rc, RC_CONFIG);
		assert_int_equal(got.host[0], 'x');
		if (strstr(e.msg, SECRET) != NULL)
			fail_msg("%s: \"%s\"", urls[i], e.msg);
	}
}

static void
settings_are_used_without_a_url(void **state)
{
	struct config c = plain_config();
	struct redis_address got;

	(void)state;
	c.redis_db = 4;
	snprintf(c.redis_username, sizeof(c.redis_username), "u");
	snprintf(c.redis_password, sizeof(c.redis_password), "p");
	assert_int_equal(redis_address_read(&c, &got, NULL), RC_OK);
	assert_int_equal(got.is_unix, 0);
	assert_string_equal(got.host, "localhost");
	assert_int_equal(got.db, 4);
	assert_string_equal(got.user, "u");
	assert_string_equal(got.password, "p");
	snprintf(c.redis_host, sizeof(c.redis_host), "/run/r.sock");
	assert_int_equal(redis_address_read(&c, &got, NULL), RC_OK);
	assert_int_equal(got.is_unix, 1);
}

static void
a_socket_path_too_long_for_the_system_is_refused(void **state)
{
	struct config c = plain_config();
	struct redis_address got;

	(void)state;
	memset(c.redis_host, 'a', 108);
	c.redis_host[0] = '/';
	c.redis_host[108] = '\0';
	assert_int_equal(redis_address_read(&c, &got, NULL), RC_CONFIG);
	c.redis_host[107] = '\0';
	assert_int_equal(redis_address_read(&c, &got, NULL), RC_OK);
}

static void
error_replies_have_codes(void **state)
{
	static const struct {
		const char *text;
		enum rc want;
	} cases[] = {
		{ "OOM command not allowed when used memory > 'maxmemory'.",
		    RC_FULL },
		{ "LOADING Redis is loading the dataset in memory", RC_BUSY },
		{ "BUSY Redis is busy running a script.", RC_BUSY },
		{ "BUSYGROUP Consumer Group name already exists", RC_STORE },
		{ "TRYAGAIN Multiple keys request", RC_BUSY },
		{ "CLUSTERDOWN The cluster is down", RC_BUSY },
		{ "MASTERDOWN Link with MASTER is down", RC_BUSY },
		{ "NOAUTH Authentication required.", RC_DENIED },
		{ "WRONGPASS invalid username-password pair", RC_DENIED },
		{ "NOPERM this user has no permissions", RC_DENIED },
		{ "READONLY You can't write against a read only replica.",
		    RC_DENIED },
		{ "DENIED Redis is running in protected mode", RC_DENIED },
		{ "WRONGTYPE Operation against a key", RC_INVALID },
		{ "NOSCRIPT No matching script.", RC_STORE },
		{ "ERR unknown command `OOM`", RC_STORE },
		{ "ERR", RC_STORE },
		{ "", RC_STORE },
		{ "OOMPH", RC_STORE },
		/* as Redis 6.2 passes on what a script met */
		{ "ERR Error running script (call to f_ab): @user_script:3: "
		  "@user_script: 3: -OOM command not allowed",
		    RC_FULL },
		{ "ERR Error running script (call to f_ab): @user_script:3: "
		  "-WRONGTYPE Operation against a key",
		    RC_INVALID },
		{ "ERR Error running script (call to f_ab): @user_script:3: "
		  "attempt to index a nil value: -1",
		    RC_STORE },
		{ "ERR The user executing the script can't run this command "
		  "or subcommand",
		    RC_DENIED },
	};
	const char *advice;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (redis_error_rc(cases[i].text, &advice) != cases[i].want)
			fail_msg("%s: %s", cases[i].text,
			    rc_name(redis_error_rc(cases[i].text, &advice)));
}

/* The limiter as pure code */

static void
a_policy_without_a_rate_has_no_interval(void **state)
{
	static const struct {
		double rate;
		int burst;
		int64_t want;
	} cases[] = {
		{ 2, 1, 500000 },
		{ 3, 1, 333334 },
		{ 0.01, 1, 100 * SECOND },
		{ 0, 1, 0 },
		{ -1, 1, 0 },
		{ 2, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy p = { .rate = cases[i].rate,
			.burst = cases[i].burst };

		assert_int_equal(guard_interval_us(&p), cases[i].want);
	}
}

static void
slots_are_an_interval_apart(void **state)
{
	const int64_t t0 = 1000 * SECOND;
	struct guard_limit l = { 0 };
	int64_t wait;

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct grant g = { 0 };

		assert_int_equal(
		    guard_limit_take(&l, t0, SECOND, 1, 10 * SECOND, &g, &wait),
		    RC_OK);
		assert_int_equal(wait, i * SECOND);
		assert_int_equal(g.due_us, t0 + i * SECOND);
	}
}

static void
a_burst_comes_at_once_after_a_rest(void **state)
{
	static const int64_t want[] = { 0, 0, 0, 1, 2 };
	struct guard_limit l = { 0 };
	int64_t wait;

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct grant g = { 0 };

		guard_limit_take(
		    &l, 1000 * SECOND, SECOND, 3, 10 * SECOND, &g, &wait);
		assert_int_equal(wait, want[i] * SECOND);
	}
}

static void
too_long_a_wait_reserves_nothing(void **state)
{
	const int64_t t0 = 1000 * SECOND;
	struct guard_limit l = { 0 };
	struct grant a = { 0 }, b = { 0 };
	int64_t wait;

	(void)state;
	guard_limit_take(&l, t0, SECOND, 1, 0, &a, &wait);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    guard_limit_take(&l, t0, SECOND, 1, 0, &b, &wait),
		    RC_LIMITED);
		assert_int_equal(wait, SECOND);
		assert_int_equal(b.due_us, 0);
	}
}

static void
a_hold_moves_waiting_slots_behind_it(void **state)
{
	const int64_t t0 = 1000 * SECOND;
	struct guard_limit l = { 0 };
	struct grant g[3] = { { 0 } };
	int64_t wait;

	(void)state;
	for (int i = 0; i < 3; i++)
		guard_limit_take(&l, t0, SECOND, 2, 99 * SECOND, &g[i], &wait);
	guard_limit_report(&l, t0, &g[0], RC_LIMITED, 10 * SECOND);
	/* Woken in the midst of it, and once more a little early: a place
	 * behind the hold is kept. */
	for (int again = 0; again < 2; again++)
		for (int i = 1; i < 3; i++) {
			guard_limit_take(&l, t0 + (again ? 10 : 1) * SECOND - 1,
			    SECOND, 2, 99 * SECOND, &g[i], &wait);
			assert_int_equal(g[i].due_us, t0 + (9 + i) * SECOND);
		}
}

static void
who_comes_late_gets_a_new_slot(void **state)
{
	const int64_t t0 = 1000 * SECOND;
	struct guard_limit l = { 0 };
	struct grant a = { 0 }, b = { 0 };
	int64_t wait;

	(void)state;
	guard_limit_take(&l, t0, SECOND, 1, 9 * SECOND, &a, &wait);
	guard_limit_take(&l, t0, SECOND, 1, 9 * SECOND, &b, &wait);
	/* an interval late is in time */
	guard_limit_take(&l, t0 + 2 * SECOND, SECOND, 1, 0, &b, &wait);
	assert_int_equal(b.due_us, t0 + SECOND);
	assert_int_equal(wait, 0);
	guard_limit_take(
	    &l, t0 + 2 * SECOND + 1, SECOND, 1, 9 * SECOND, &b, &wait);
	assert_int_equal(b.due_us, t0 + 2 * SECOND + 1);
}

static void
holds_double_once_an_incident(void **state)
{
	static const int64_t minutes[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	int64_t now = 1000 * SECOND, hold;
	struct guard_limit l = { 0 };
	struct grant g;

	(void)state;
	for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
		hold = minutes[i] * 60 * SECOND;
		g = (struct grant){ .due_us = now };
		for (int calls = 0; calls < 3; calls++)
			guard_limit_report(&l, now + calls, &g, RC_BLOCKED, -1);
		assert_int_equal(l.hold_us, now + hold);
		/* A longer Retry-After of the same incident counts. */
		guard_limit_report(&l, now, &g, RC_LIMITED, hold + 7 * SECOND);
		assert_int_equal(l.hold_us, now + hold + 7 * SECOND);
		guard_limit_report(&l, now, &g, RC_LIMITED, SECOND);
		assert_int_equal(l.hold_us, now + hold + 7 * SECOND);
		/* A late success of a call begun before says nothing. */
		guard_limit_report(&l, l.hold_us, &g, RC_OK, -1);
		now = l.hold_us;
	}
	g.due_us = now;
	guard_limit_report(&l, now, &g, RC_OK, -1);
	guard_limit_report(&l, now, &g, RC_LIMITED, -1);
	assert_int_equal(l.hold_us, now + 60 * SECOND);
}

static void
a_hold_is_the_longest_day_at_most(void **state)
{
	struct guard_limit l = { 0 };
	struct grant g = { .due_us = 5 };
	int64_t wait = 0;

	(void)state;
	guard_limit_report(&l, 5, &g, RC_LIMITED, INT64_C(1) << 50);
	assert_int_equal(l.hold_us, 5 + SECOND * 25 * 3600);
	guard_limit_take(&l, 5, SECOND, 1, 0, &g, &wait);
	assert_int_equal(wait, SECOND * 25 * 3600);
}

static void
a_clock_set_back_takes_the_times_along(void **state)
{
	const int64_t t0 = 100000 * SECOND, back = 3600 * SECOND;
	struct guard_limit l = { 0 };
	struct grant g = { 0 }, waiting = { 0 };
	int64_t wait;

	(void)state;
	guard_limit_take(&l, t0, SECOND, 1, 9 * SECOND, &g, &wait);
	guard_limit_take(&l, t0, SECOND, 1, 9 * SECOND, &waiting, &wait);
	g = (struct grant){ 0 };
	assert_int_equal(
	    guard_limit_take(&l, t0 - back, SECOND, 1, 9 * SECOND, &g, &wait),
	    RC_OK);
	assert_int_equal(wait, 2 * SECOND);
	/* A slot of the old time is worth nothing. */
	assert_int_equal(guard_limit_take(&l, t0 - back, SECOND, 1, 9 * SECOND,
			     &waiting, &wait),
	    RC_OK);
	assert_int_equal(wait, 3 * SECOND);
}

struct log {
	int64_t due[4000], start[4000];
	int n;
};

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* In any window W at most n + W / interval of them. */
static void
check_windows(int64_t *at, int n, int64_t interval, int most)
{
	qsort(at, (size_t)n, sizeof(at[0]), by_value);
	for (int i = 0; i < n; i++)
		for (int j = i; j < n; j++)
			if (j - i + 1 > most + (at[j] - at[i]) / interval)
				fail_msg("%d calls in %lld us", j - i + 1,
				    (long long)(at[j] - at[i]));
}

/* Eight callers that sleep a little too long, on a clock of our own. */
static void
simulate(unsigned seed, int burst, struct log *log)
{
	struct guard_limit l = { 0 };
	struct grant g[8] = { { 0 } };
	int64_t now = 1000 * SECOND, wake[8] = { 0 }, wait, hold_end = 0;

	log->n = 0;
	srandom(seed);
	for (int step = 0; step < 20000 && log->n < 4000; step++) {
		int k = (int)(random() % 8);

		now += random() % 2000;
		if (now < wake[k])
			continue;
		if (guard_limit_take(&l, now, SECOND / 100, burst,
			random() % 200000, &g[k], &wait) != RC_OK) {
			g[k] = (struct grant){ 0 };
			wake[k] = now + random() % 20000;
			continue;
		}
		wake[k] = now + wait + random() % 8000;
		if (wait > 0)
			continue;
		assert_true(now >= hold_end);
		assert_true(g[k].due_us <= now);
		log->due[log->n] = g[k].due_us;
		log->start[log->n++] = now;
		if (random() % 50 == 0) {
			guard_limit_report(
			    &l, now, &g[k], RC_LIMITED, random() % 100000);
			hold_end = l.hold_us;
		}
		g[k] = (struct grant){ 0 };
	}
}

static void
no_window_holds_more_than_burst_and_rate(void **state)
{
	static struct log log;

	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		int burst = 1 + (int)(seed % 4);

		simulate(seed, burst, &log);
		assert_true(log.n > 500);
		check_windows(log.due, log.n, SECOND / 100, burst);
		check_windows(log.start, log.n, SECOND / 100, burst + 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_read),
		cmocka_unit_test(bad_urls_are_refused_without_their_password),
		cmocka_unit_test(settings_are_used_without_a_url),
		cmocka_unit_test(
		    a_socket_path_too_long_for_the_system_is_refused),
		cmocka_unit_test(error_replies_have_codes),
		cmocka_unit_test(a_policy_without_a_rate_has_no_interval),
		cmocka_unit_test(slots_are_an_interval_apart),
		cmocka_unit_test(a_burst_comes_at_once_after_a_rest),
		cmocka_unit_test(too_long_a_wait_reserves_nothing),
		cmocka_unit_test(a_hold_moves_waiting_slots_behind_it),
		cmocka_unit_test(who_comes_late_gets_a_new_slot),
		cmocka_unit_test(holds_double_once_an_incident),
		cmocka_unit_test(a_hold_is_the_longest_day_at_most),
		cmocka_unit_test(a_clock_set_back_takes_the_times_along),
		cmocka_unit_test(no_window_holds_more_than_burst_and_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The quota of a day in a real Redis.  Its clock cannot be moved, but where
 * midnight is can: the script is given a zone in which it is near.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "guard_fixture.h"

static const struct policy three = { .rate = 1000,
	.burst = 1,
	.connections = 1,
	.day_quota = 3,
	.zone = ZONE_NEW_YORK };

/* Take until GO or a refusal. */
static enum rc
try(struct guard *guard, const struct policy *p, int64_t *wait)
{
	struct grant g = { 0 };
	enum rc rc;

	do
		rc = guard_take(guard, "finviz", p, LONG, &g, wait, NULL);
	while (rc == RC_OK && g.wait_ms > 0);
	return rc;
}

/* The script alone, with a zone; its code, and *wait_us. */
static int64_t
script(struct fixture *f, const char *zone, int64_t *wait_us)
{
	static const char grants[] = GRANTS;
	const char *argv[] = { HASH, grants, "1", "1", "1000000", "0", "0",
		"1000000", "3", "1", zone };
	redisReply *reply = NULL;
	int64_t code;

	assert_int_equal(redis_script(f->r, &script_guard_take, 2, 11, argv,
			     NULL, &reply, NULL),
	    RC_OK);
	code = redis_int(reply, 0, -1);
	*wait_us = redis_int(reply, 1, -1);
	freeReplyObject(reply);
	return code;
}

static void
a_day_has_its_quota(void **state)
{
	struct guard *guard = open_guard(*state);
	int64_t wait = -1, now, left;
	struct err e;
	struct grant g = { 0 };

	for (int i = 0; i < 3; i++)
		assert_int_equal(try(guard, &three, &wait), RC_OK);
	now = redis_now(*state) / SECOND;
	left = zone_midnight(ZONE_NEW_YORK, now) - now;
	assert_int_equal(try(guard, &three, &wait), RC_LIMITED);
	assert_true(wait <= left * 1000 && wait >= (left - 2) * 1000);
	assert_int_equal(ctl(*state, "LLEN " GRANTS), 3);
	assert_int_equal(ctl(*state, "HGET " HASH " day_used"), 3);
	assert_int_equal(
	    ctl(*state, "HGET " HASH " day"), zone_day(ZONE_NEW_YORK, now));
	assert_int_equal(
	    guard_take(guard, "finviz", &three, LONG, &g, &wait, &e),
	    RC_LIMITED);
	assert_non_null(strstr(e.msg, "quota of its day"));
	/* Who has no quota is not concerned. */
	assert_int_equal(try(guard, &fast, &wait), RC_OK);
	assert_int_equal(ctl(*state, "HGET " HASH " day_used"), 3);
	guard_close(guard);
}

static void
what_needs_more_is_not_begun(void **state)
{
	struct guard *guard = open_guard(*state);
	struct policy p = three;
	int64_t wait;

	p.need = 3;
	assert_int_equal(try(guard, &p, &wait), RC_OK);
	assert_int_equal(try(guard, &p, &wait), RC_LIMITED);
	p.need = 2;
	assert_int_equal(try(guard, &p, &wait), RC_OK);
	guard_close(guard);
}

static void
the_quota_is_exact_across_midnight(void **state)
{
	int64_t s = redis_now(*state) / SECOND + 2, wait = 0, before, code;
	char zone[64];

	/* Midnight is when the clock says s. */
	snprintf(zone, sizeof(zone), "0:%lld", ll(86400 - s % 86400));
	for (int i = 0; i < 3; i++)
		assert_int_equal(script(*state, zone, &wait), 0);
	assert_int_equal(script(*state, zone, &wait), 3);
	assert_true(wait > 0 && wait <= 2 * SECOND);
	do {
		before = redis_now(*state);
		code = script(*state, zone, &wait);
		if (redis_now(*state) < s * SECOND)
			assert_int_equal(code, 3);
		if (before >= s * SECOND)
			assert_int_equal(code, 0);
	} while (code == 3);
	while (script(*state, zone, &wait) == 0)
		continue;
	assert_int_equal(ctl(*state, "HGET " HASH " day_used"), 3);
	assert_true(wait > 86390 * SECOND);
	assert_int_equal(ctl(*state, "LLEN " GRANTS), 6);
}

static void
a_change_of_the_zone_before_midnight_counts(void **state)
{
	int64_t s = redis_now(*state) / SECOND, wait = 0, now;
	char zone[128];

	/* It is noon; in an hour the clock goes an hour back, or forward. */
	for (int change = -3600; change <= 3600; change += 7200) {
		int64_t noon = 43200 - s % 86400;

		ctl(*state, "DEL " HASH);
		snprintf(zone, sizeof(zone), "0:%lld %lld:%lld", ll(noon),
		    ll(s + 3600), ll(noon + change));
		for (int i = 0; i < 3; i++)
			assert_int_equal(script(*state, zone, &wait), 0);
		assert_int_equal(script(*state, zone, &wait), 3);
		now = redis_now(*state);
		assert_about((wait + now - s * SECOND) / 1000,
		    (43200 - change) * 1000 + 900);
	}
}

static void
a_day_set_back_keeps_what_was_used(void **state)
{
	struct guard *guard = open_guard(*state);
	int64_t wait;

	for (int i = 0; i < 3; i++)
		try(guard, &three, &wait);
	ctl(*state, "HINCRBY " HASH " day 1");
	assert_int_equal(try(guard, &three, &wait), RC_LIMITED);
	/* far ahead is nonsense */
	ctl(*state, "HINCRBY " HASH " day 50");
	assert_int_equal(try(guard, &three, &wait), RC_OK);
	guard_close(guard);
}

/* Take until the day is over; how many were GO goes to fd. */
static void
caller(const struct config *config, int fd)
{
	static const struct policy p = {
		.rate = 1000, .burst = 1, .connections = 1, .day_quota = 25
	};
	struct redis *r = NULL;
	struct guard *guard = NULL;
	char gone = 0;
	int64_t wait;

	if (redis_open(&r, config, NULL) != RC_OK ||
	    guard_open(&guard, config, r, NULL) != RC_OK)
		_exit(1);
	for (;;) {
		struct grant g = { 0 };
		enum rc rc;

		while ((rc = guard_take(guard, "finviz", &p, LONG, &g, &wait,
			    NULL)) == RC_OK &&
		       g.wait_ms > 0)
			clock_sleep_ms(g.wait_ms);
		if (rc != RC_OK)
			break;
		gone++;
	}
	_exit(write(fd, &gone, 1) != 1);
}

static void
sixteen_processes_share_the_day(void **state)
{
	struct fixture *f = *state;
	int fds[2], status, sum = 0;
	char n;

	assert_int_equal(pipe(fds), 0);
	for (int i = 0; i < 16; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			caller(&f->config, fds[1]);
	}
	close(fds[1]);
	while (read(fds[0], &n, 1) == 1)
		sum += n;
	close(fds[0]);
	while (wait(&status) > 0)
		assert_int_equal(status, 0);
	assert_int_equal(sum, 25);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(a_day_has_its_quota),
		WITH_REDIS(what_needs_more_is_not_begun),
		WITH_REDIS(the_quota_is_exact_across_midnight),
		WITH_REDIS(a_change_of_the_zone_before_midnight_counts),
		WITH_REDIS(a_day_set_back_keeps_what_was_used),
		WITH_REDIS(sixteen_processes_share_the_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

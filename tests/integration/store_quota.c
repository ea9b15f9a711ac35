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

/* One call until GO or a refusal, with a booking or (0) without. */
static enum rc
call_with(struct guard *guard, const struct policy *p, int64_t *booking,
    int64_t *wait, struct err *e)
{
	struct grant g = { .booking = *booking };
	enum rc rc;

	do {
		rc = guard_take(guard, "finviz", p, LONG, &g, wait, e);
		clock_sleep_ms(rc == RC_OK ? g.wait_ms : 0);
	} while (rc == RC_OK && g.wait_ms > 0);
	*booking = g.booking;
	return rc;
}

static enum rc
try(struct guard *guard, const struct policy *p, int64_t *wait)
{
	int64_t booking = 0;

	return call_with(guard, p, &booking, wait, NULL);
}

/* The script alone, with a zone, and a booking of need calls; its code, and
 * *wait_us. */
static int64_t
script_booking(struct fixture *f, const char *zone, int need, int64_t *booking,
    int64_t *wait_us)
{
	static const char grants[] = GRANTS;
	char needs[16], id[24];
	const char *argv[] = { HASH, grants, "1", "1", "1000000", "0", "0",
		"1000000", "3", needs, id, "60000000", zone };
	redisReply *reply = NULL;
	int64_t code;

	snprintf(needs, sizeof(needs), "%d", need);
	snprintf(id, sizeof(id), "%lld", ll(*booking));
	assert_int_equal(redis_script(f->r, &script_guard_take, 2, 13, argv,
			     NULL, &reply, NULL),
	    RC_OK);
	code = redis_int(reply, 0, -1);
	*wait_us = redis_int(reply, 1, -1);
	*booking = redis_int(reply, 4, 0);
	freeReplyObject(reply);
	return code;
}

static int64_t
script(struct fixture *f, const char *zone, int64_t *wait_us)
{
	int64_t none = 0;

	return script_booking(f, zone, 1, &none, wait_us);
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

/* A policy of need calls that stay booked for a minute. */
static struct policy
needing(int need)
{
	struct policy p = three;

	p.need = need;
	p.book_ms = 60000;
	return p;
}

static void
what_needs_more_is_not_begun(void **state)
{
	struct guard *guard = open_guard(*state);
	struct policy p = needing(3);
	int64_t wait;
	struct err e;
	int64_t booking = 0;

	assert_int_equal(try(guard, &three, &wait), RC_OK);
	assert_int_equal(call_with(guard, &p, &booking, &wait, &e), RC_LIMITED);
	assert_non_null(strstr(e.msg, "3 calls, 3 needed"));
	assert_int_equal(ctl(*state, "HGET " HASH " day_used"), 1);
	p.need = 2;
	assert_int_equal(try(guard, &p, &wait), RC_OK);
	guard_close(guard);
}

/* How it stands s seconds from now. */
static struct guard_state
peek(struct fixture *f, int64_t s)
{
	struct guard_state seen;
	redisReply *reply;

	assert_int_equal(guard_peek_ask(f->r, "finviz", NULL), RC_OK);
	assert_int_equal(redis_fetch(f->r, &reply, 1, NULL), RC_OK);
	guard_peek_read(reply, redis_now(f) + s * SECOND, &seen);
	freeReplyObject(reply);
	return seen;
}

static void
what_is_booked_is_nobody_elses(void **state)
{
	struct guard *guard = open_guard(*state);
	struct policy p = needing(2);
	int64_t mine = 0, other = 0, wait = 0;
	struct err e;

	assert_int_equal(call_with(guard, &p, &mine, &wait, NULL), RC_OK);
	assert_true(mine > 0);
	/* One is made, one is booked, one is free. */
	assert_int_equal(call_with(guard, &p, &other, &wait, &e), RC_LIMITED);
	assert_int_equal(other, 0);
	assert_non_null(strstr(e.msg, "booked by others"));
	assert_about(wait, 60000);
	assert_int_equal(try(guard, &three, &wait), RC_OK);
	assert_int_equal(try(guard, &three, &wait), RC_LIMITED);
	assert_int_equal(peek(*state, 0).day_used, 2);
	assert_int_equal(peek(*state, 0).day_booked, 1);
	assert_int_equal(peek(*state, 61).day_booked, 0);
	/* Its holder is not asked how many it still needs. */
	p.need = 99;
	assert_int_equal(call_with(guard, &p, &mine, &wait, NULL), RC_OK);
	assert_int_equal(ctl(*state, "HGET " HASH " day_used"), 3);
	assert_int_equal(ctl(*state, "HSTRLEN " HASH " booked"), 0);
	guard_close(guard);
}

static void
what_was_not_needed_is_given_back(void **state)
{
	struct guard *guard = open_guard(*state);
	struct policy p = needing(3);
	int64_t mine = 0, wait = 0, none = 0;
	char left[256];

	assert_int_equal(call_with(guard, &p, &mine, &wait, NULL), RC_OK);
	assert_int_equal(try(guard, &three, &wait), RC_LIMITED);
	assert_int_equal(guard_unbook(guard, "finviz", none, NULL), RC_OK);
	assert_int_equal(guard_unbook(guard, "finviz", mine + 1, NULL), RC_OK);
	assert_int_equal(try(guard, &three, &wait), RC_LIMITED);
	assert_int_equal(guard_unbook(guard, "finviz", mine, NULL), RC_OK);
	p.need = 2;
	assert_int_equal(try(guard, &p, &wait), RC_OK);
	/* One's own, and no other's. */
	ctl(*state, "HSET " HASH " booked %s", "1:4:5 2:4:5 3:4:5");
	assert_int_equal(guard_unbook(guard, "finviz", 2, NULL), RC_OK);
	assert_string_equal(
	    ctl_text(*state, left, "HGET " HASH " booked"), "1:4:5 3:4:5");
	guard_close(guard);
}

static void
a_refused_first_take_books_nothing(void **state)
{
	struct guard *guard = open_guard(*state);
	struct policy first = three, p = needing(2);
	struct grant g = { 0 };
	int64_t wait;

	first.rate = p.rate = 0.1;
	assert_int_equal(try(guard, &first, &wait), RC_OK);
	assert_int_equal(
	    guard_take(guard, "finviz", &p, 0, &g, &wait, NULL), RC_LIMITED);
	assert_int_equal(g.booking, 0);
	/* One that waits has booked, once. */
	assert_int_equal(
	    guard_take(guard, "finviz", &p, LONG, &g, &wait, NULL), RC_OK);
	assert_true(g.wait_ms > 0 && g.booking > 0);
	assert_int_equal(
	    guard_take(guard, "finviz", &p, LONG, &g, &wait, NULL), RC_OK);
	assert_int_equal(ctl(*state, "HGET " HASH " day_used"), 1);
	assert_int_equal(try(guard, &three, &wait), RC_LIMITED);
	guard_close(guard);
}

static void
the_booking_of_the_dead_runs_out(void **state)
{
	struct guard *guard = open_guard(*state);
	struct policy p = needing(3), brief = needing(2);
	int64_t dead = 0, wait = 0;

	p.book_ms = 300;
	assert_int_equal(call_with(guard, &p, &dead, &wait, NULL), RC_OK);
	assert_int_equal(try(guard, &brief, &wait), RC_LIMITED);
	assert_true(wait <= 300);
	clock_sleep_ms(wait + 2);
	assert_int_equal(try(guard, &three, &wait), RC_OK);
	/* It was only asleep: one call is left, which is not all it needs. */
	p.need = 2;
	assert_int_equal(call_with(guard, &p, &dead, &wait, NULL), RC_LIMITED);
	p.need = 1;
	assert_int_equal(call_with(guard, &p, &dead, &wait, NULL), RC_OK);
	assert_int_equal(dead, 0);
	guard_close(guard);
}

static void
a_clock_set_back_keeps_what_is_booked_as_long(void **state)
{
	struct guard *guard = open_guard(*state);
	struct policy p = needing(3);
	int64_t wait, now = redis_now(*state), until = now + 5000 * SECOND;

	ctl(*state, "HSET " HASH " seen_us %lld day %lld booked %s:3:%lld",
	    ll(now + 4990 * SECOND), ll(zone_day(three.zone, now / SECOND)),
	    "77", ll(until));
	assert_int_equal(peek(*state, 0).day_booked, 3);
	assert_int_equal(try(guard, &p, &wait), RC_LIMITED);
	assert_about(wait, 10000);
	/* That had run out before. */
	ctl(*state, "HSET " HASH " booked %s:3:%lld", "77",
	    ll(now + 4980 * SECOND));
	assert_int_equal(peek(*state, 0).day_booked, 0);
	assert_int_equal(try(guard, &p, &wait), RC_OK);
	guard_close(guard);
}

static void
nothing_is_booked_for_longer_than_a_day(void **state)
{
	struct guard *guard = open_guard(*state);
	int64_t now = redis_now(*state), wait;
	char booked[256];

	ctl(*state, "HSET " HASH " day %lld booked 77:1:%lld",
	    ll(zone_day(three.zone, now / SECOND)), ll(now * 2));
	assert_int_equal(try(guard, &three, &wait), RC_OK);
	ctl_text(*state, booked, "HGET " HASH " booked");
	assert_memory_equal(booked, "77:1:", 5);
	assert_about((strtoll(booked + 5, NULL, 10) - now) / 1000,
	    25 * 3600 * 1000 + 900);
	guard_close(guard);
}

static void
what_is_booked_at_midnight_is_of_the_next_day(void **state)
{
	int64_t s = redis_now(*state) / SECOND + 2, wait = 0, mine = 0, code;
	int64_t other = 0;
	char zone[64];

	/* Midnight is when the clock says s. */
	snprintf(zone, sizeof(zone), "0:%lld", ll(86400 - s % 86400));
	assert_int_equal(script_booking(*state, zone, 3, &mine, &wait), 0);
	assert_int_equal(script(*state, zone, &wait), 4);
	while (redis_now(*state) < s * SECOND)
		clock_sleep_ms(10);
	/* One call was of yesterday; two of today's three are booked. */
	assert_int_equal(script_booking(*state, zone, 2, &other, &wait), 4);
	do
		code = script(*state, zone, &wait);
	while (code == 0 && wait > 0);
	assert_int_equal(code, 0);
	assert_int_equal(script(*state, zone, &wait), 4);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    script_booking(*state, zone, 0, &mine, &wait), 0);
	assert_int_equal(ctl(*state, "HGET " HASH " day_used"), 3);
	assert_int_equal(ctl(*state, "LLEN " GRANTS), 4);
	assert_int_equal(script(*state, zone, &wait), 3);
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

/* Calls of a day of 25, as many as there are, or of a job of need; how many
 * were GO goes to fd. */
static void
caller(const struct config *config, int need, int fd)
{
	const struct policy p = { .rate = 1000,
		.burst = 1,
		.connections = 1,
		.day_quota = 25,
		.need = need,
		.book_ms = 60000 };
	struct redis *r = NULL;
	struct guard *guard = NULL;
	int64_t wait, booking = 0;
	char gone = 0;

	if (redis_open(&r, config, NULL) != RC_OK ||
	    guard_open(&guard, config, r, NULL) != RC_OK)
		_exit(1);
	while ((need == 1 || gone < need) &&
	       call_with(guard, &p, &booking, &wait, NULL) == RC_OK)
		gone++;
	_exit(write(fd, &gone, 1) != 1);
}

/* The calls of sixteen processes. */
static void
sixteen(const struct config *config, int need, char gone[16])
{
	int fds[2], status;

	assert_int_equal(pipe(fds), 0);
	for (int i = 0; i < 16; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			caller(config, need, fds[1]);
	}
	close(fds[1]);
	for (int i = 0; i < 16; i++)
		assert_int_equal(read(fds[0], &gone[i], 1), 1);
	close(fds[0]);
	while (wait(&status) > 0)
		assert_int_equal(status, 0);
}

static void
sixteen_processes_share_the_day(void **state)
{
	struct fixture *f = *state;
	char gone[16];
	int sum = 0;

	sixteen(&f->config, 1, gone);
	for (int i = 0; i < 16; i++)
		sum += gone[i];
	assert_int_equal(sum, 25);
}

static void
no_process_begins_what_it_cannot_end(void **state)
{
	struct fixture *f = *state;
	int whole = 0, none = 0;
	char gone[16];

	sixteen(&f->config, 8, gone);
	for (int i = 0; i < 16; i++) {
		whole += gone[i] == 8;
		none += gone[i] == 0;
	}
	assert_int_equal(whole, 3);
	assert_int_equal(none, 13);
	assert_int_equal(ctl(f, "HGET " HASH " day_used"), 24);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(a_day_has_its_quota),
		WITH_REDIS(what_needs_more_is_not_begun),
		WITH_REDIS(what_is_booked_is_nobody_elses),
		WITH_REDIS(what_was_not_needed_is_given_back),
		WITH_REDIS(a_refused_first_take_books_nothing),
		WITH_REDIS(the_booking_of_the_dead_runs_out),
		WITH_REDIS(a_clock_set_back_keeps_what_is_booked_as_long),
		WITH_REDIS(nothing_is_booked_for_longer_than_a_day),
		WITH_REDIS(what_is_booked_at_midnight_is_of_the_next_day),
		WITH_REDIS(the_quota_is_exact_across_midnight),
		WITH_REDIS(a_change_of_the_zone_before_midnight_counts),
		WITH_REDIS(a_day_set_back_keeps_what_was_used),
		WITH_REDIS(sixteen_processes_share_the_day),
		WITH_REDIS(no_process_begins_what_it_cannot_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

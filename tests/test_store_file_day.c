/*
 * The quota of a day where there is no Redis: several processes and one file.
 */
#include <string.h>

#include "guard_file_fixture.h"

/* One whose midnight does not come in between. */
static enum zone
zone_of_an_hour(void)
{
	int64_t now = clock_wall_us() / 1000000;

	return zone_midnight(ZONE_UTC, now) - now > 3600 ? ZONE_UTC
							 : ZONE_NEW_YORK;
}

/* A job of eight calls of a day of 25: all of them, or none. */
static void
job(int fd)
{
	struct policy p = { .rate = 1000,
		.burst = 25,
		.connections = 1,
		.zone = zone_of_an_hour(),
		.day_quota = 25,
		.need = 8,
		.book_ms = 60000 };
	struct guard *guard = open_guard();
	struct grant g = { 0 };
	int64_t wait;
	char gone = 0;

	while (gone < 8 && guard_take(guard, "finviz", &p, 1000, &g, &wait,
			       NULL) == RC_OK) {
		clock_sleep_ms(g.wait_ms);
		if (g.wait_ms == 0)
			gone++;
		g = (struct grant){ .due_us = g.wait_ms > 0 ? g.due_us : 0,
			.booking = g.booking };
	}
	_exit(write(fd, &gone, 1) != 1);
}

static void
no_process_begins_what_it_cannot_end(void **state)
{
	struct guard *guard = open_guard();
	struct policy rest = { .rate = 1000,
		.burst = 25,
		.connections = 1,
		.zone = zone_of_an_hour(),
		.day_quota = 25 };
	struct grant g = { 0 };
	int fd = start(8, job), all = 0;
	int64_t wait;
	char n;

	(void)state;
	while (read(fd, &n, 1) == 1) {
		assert_true(n == 0 || n == 8);
		all += n == 8;
	}
	end(fd);
	assert_int_equal(all, 3);
	assert_int_equal(
	    guard_take(guard, "finviz", &rest, 1000, &g, &wait, NULL), RC_OK);
	guard_close(guard);
}

static void
what_was_not_needed_is_given_back(void **state)
{
	struct policy p = { .rate = 1000,
		.burst = 25,
		.connections = 1,
		.zone = zone_of_an_hour(),
		.day_quota = 5,
		.need = 4,
		.book_ms = 60000 };
	struct guard *a = open_guard(), *b = open_guard();
	struct grant x = { 0 }, y = { 0 };
	int64_t wait = 0;
	struct err e;

	(void)state;
	assert_int_equal(
	    guard_take(a, "finviz", &p, 1000, &x, &wait, NULL), RC_OK);
	assert_int_equal(
	    guard_take(b, "finviz", &p, 1000, &y, &wait, &e), RC_LIMITED);
	assert_true(wait > 59000 && wait <= 60000);
	assert_non_null(strstr(e.msg, "booked by others"));
	assert_int_equal(guard_unbook(a, "finviz", x.booking, NULL), RC_OK);
	assert_int_equal(
	    guard_take(b, "finviz", &p, 1000, &y, &wait, NULL), RC_OK);
	guard_close(a);
	guard_close(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(no_process_begins_what_it_cannot_end),
		FILE_TEST(what_was_not_needed_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The days of the sources, against the C library's own reading of New York's
 * rule; and the quota of a day without Redis, whose clock is an argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/zone.h"
#include "store/guard_limit.h"

#define SECOND INT64_C(1000000)
#define HOUR   INT64_C(3600)
#define DAY    INT64_C(86400)

/* 2026-11-01 00:00 in New York, a day of 25 hours, and its 2026-03-08, of 23.
 */
#define LONG_DAY  INT64_C(1793505600)
#define SHORT_DAY INT64_C(1772946000)

static const struct policy five = { .rate = 1,
	.burst = 1,
	.connections = 1,
	.day_quota = 5,
	.zone = ZONE_NEW_YORK };

static void
new_york(void)
{
	setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
	tzset();
}

static void
offsets_are_those_of_the_c_library(void **state)
{
	(void)state;
	new_york();
	/* every 17 minutes of 1.7 e9 (2023) to 2.0 e9 (2033) */
	for (time_t s = 1700000000; s < 2000000000; s += 1021) {
		struct tm tm;

		localtime_r(&s, &tm);
		assert_int_equal(zone_offset(ZONE_NEW_YORK, s), tm.tm_gmtoff);
	}
	assert_int_equal(zone_offset(ZONE_UTC, 1700000000), 0);
}

static void
midnights_begin_days(void **state)
{
	(void)state;
	new_york();
	for (int64_t s = 1700000000; s < 2000000000; s += 3593) {
		int64_t at = zone_midnight(ZONE_NEW_YORK, s);
		time_t t = (time_t)at;
		struct tm tm;

		localtime_r(&t, &tm);
		assert_int_equal(
		    tm.tm_hour * HOUR + tm.tm_min * INT64_C(60) + tm.tm_sec, 0);
		assert_true(at > s && at - s <= 25 * HOUR);
		assert_int_equal(zone_day(ZONE_NEW_YORK, at),
		    zone_day(ZONE_NEW_YORK, s) + 1);
		assert_int_equal(zone_day(ZONE_NEW_YORK, at - 1),
		    zone_day(ZONE_NEW_YORK, s));
	}
	assert_int_equal(zone_midnight(ZONE_UTC, 86399), 86400);
	assert_int_equal(zone_midnight(ZONE_UTC, 86400), 2 * DAY);
}

static void
dates_are_those_of_the_c_library(void **state)
{
	(void)state;
	for (int64_t day = -800000; day < 800000; day += 37) {
		time_t t = (time_t)(day * DAY);
		int year, month, mday;
		struct tm tm;

		gmtime_r(&t, &tm);
		zone_date(day, &year, &month, &mday);
		assert_int_equal(year, tm.tm_year + 1900);
		assert_int_equal(month, tm.tm_mon + 1);
		assert_int_equal(mday, tm.tm_mday);
		assert_int_equal(zone_days(year, month, mday), day);
	}
}

/* What the script reads out of the text is what zone_offset says. */
static void
text_says_the_same(void **state)
{
	static const int64_t now = 1795000000; /* 2026-11-18 */
	char text[ZONE_TEXT];

	(void)state;
	zone_text(ZONE_NEW_YORK, now, text);
	for (int64_t s = now - 300 * DAY; s < now + 300 * DAY; s += 1777) {
		int64_t offset = 0;
		long long since;
		int n, is;

		for (const char *p = text;
		     sscanf(p, " %lld:%d%n", &since, &is, &n) == 2; p += n)
			if (s >= since)
				offset = is;
		assert_int_equal(zone_offset(ZONE_NEW_YORK, s), offset);
	}
	zone_text(ZONE_UTC, now, text);
	assert_string_equal(text, "0:0");
}

static const struct grant none = { 0 };

/* Calls that the day lets pass, of n asked for at now. */
static int
passed(struct guard_limit *l, const struct policy *p, int64_t now_us, int n,
    int64_t *wait)
{
	int got = 0;

	for (int i = 0; i < n; i++) {
		struct grant g = { 0 };

		if (guard_limit_day(l, now_us, p, &g, wait) != DAY_FREE)
			continue;
		guard_limit_count(l, now_us, p, &g, 1);
		got++;
	}
	return got;
}

static void
a_day_has_its_quota_and_no_more(void **state)
{
	static const struct {
		int64_t begin, hours;
	} days[] = { { LONG_DAY, 25 }, { SHORT_DAY, 23 },
		{ LONG_DAY + 25 * HOUR, 24 } };

	(void)state;
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		int64_t begin = days[i].begin * SECOND, wait = -1;
		int64_t end = begin + days[i].hours * HOUR * SECOND;
		struct guard_limit l = { 0 };

		/* Up to the last microsecond of the day before, */
		assert_int_equal(passed(&l, &five, begin - 1, 9, &wait), 5);
		assert_int_equal(wait, 1);
		/* then a new day, from its first to its last. */
		assert_int_equal(passed(&l, &five, begin, 3, &wait), 3);
		assert_int_equal(passed(&l, &five, end - 1, 9, &wait), 2);
		assert_int_equal(passed(&l, &five, begin, 1, &wait), 0);
		assert_int_equal(wait, end - begin);
		assert_int_equal(passed(&l, &five, end, 9, &wait), 5);
	}
}

static void
what_needs_more_than_is_left_is_not_begun(void **state)
{
	struct policy p = five;
	struct guard_limit l = { 0 };
	int64_t now = LONG_DAY * SECOND, wait;

	(void)state;
	p.need = 4;
	assert_int_equal(guard_limit_day(&l, now, &p, &none, &wait), DAY_FREE);
	assert_int_equal(passed(&l, &five, now, 2, &wait), 2);
	assert_int_equal(guard_limit_day(&l, now, &p, &none, &wait), DAY_SPENT);
	p.need = 3;
	assert_int_equal(guard_limit_day(&l, now, &p, &none, &wait), DAY_FREE);
}

/* One of the calls of a booking; g keeps it. */
static enum guard_day
booked_call(struct guard_limit *l, const struct policy *p, int64_t now_us,
    struct grant *g, int64_t *wait)
{
	enum guard_day day = guard_limit_day(l, now_us, p, g, wait);

	if (day == DAY_FREE)
		guard_limit_count(l, now_us, p, g, 1);
	return day;
}

static void
what_is_booked_at_midnight_is_of_the_next_day(void **state)
{
	int64_t end = (LONG_DAY + 25 * HOUR) * SECOND, wait = 0;
	struct policy p = five;
	struct guard_limit l = { 0 };
	struct grant mine = { 0 }, other = { 0 };

	(void)state;
	p.need = 4;
	p.book_ms = 60000;
	assert_int_equal(passed(&l, &five, end - 3, 1, &wait), 1);
	assert_int_equal(booked_call(&l, &p, end - 2, &mine, &wait), DAY_FREE);
	assert_int_equal(passed(&l, &five, end - 1, 1, &wait), 0);
	/* The booking may be given back before, but not after midnight. */
	assert_int_equal(wait, 1);
	/* Three of the new day's five are booked. */
	assert_int_equal(booked_call(&l, &p, end, &other, &wait), DAY_BOOKED);
	assert_int_equal(wait, 60 * SECOND - 2);
	assert_int_equal(passed(&l, &five, end, 9, &wait), 2);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    booked_call(&l, &p, end + i, &mine, &wait), DAY_FREE);
	assert_int_equal(l.nbooked, 0);
	assert_int_equal(passed(&l, &five, end + 9, 1, &wait), 0);
	assert_int_equal(wait, 24 * HOUR * SECOND - 9);
}

static void
a_booking_runs_out_or_is_given_back(void **state)
{
	int64_t now = LONG_DAY * SECOND, wait = 0;
	struct policy p = five;
	struct guard_limit l = { 0 };
	struct grant mine = { 0 }, other = { 0 };

	(void)state;
	p.need = 5;
	p.book_ms = 1000;
	assert_int_equal(booked_call(&l, &p, now, &mine, &wait), DAY_FREE);
	now += SECOND - 1;
	assert_int_equal(passed(&l, &five, now, 1, &wait), 0);
	assert_int_equal(wait, 1);
	/* Each call of its holder renews it, and one that waits takes none. */
	guard_limit_count(&l, now, &p, &mine, 0);
	assert_int_equal(l.booked[0].left, 4);
	assert_int_equal(l.used, 1);
	assert_int_equal(booked_call(&l, &p, now, &mine, &wait), DAY_FREE);
	assert_int_equal(passed(&l, &five, now + 1, 1, &wait), 0);
	/* A little late it is still there where nobody wanted it. */
	now += SECOND + 1;
	assert_int_equal(booked_call(&l, &p, now, &mine, &wait), DAY_FREE);
	now += SECOND;
	assert_int_equal(passed(&l, &five, now, 1, &wait), 1);
	p.need = 2;
	assert_int_equal(booked_call(&l, &p, now, &mine, &wait), DAY_SPENT);
	p.need = 1;
	assert_int_equal(booked_call(&l, &p, now, &mine, &wait), DAY_FREE);
	assert_int_equal(mine.booking, 0);
	now += 25 * HOUR * SECOND;
	p.need = 5;
	assert_int_equal(booked_call(&l, &p, now, &mine, &wait), DAY_FREE);
	guard_limit_unbook(&l, mine.booking + 1);
	p.need = 4;
	assert_int_equal(booked_call(&l, &p, now, &other, &wait), DAY_BOOKED);
	guard_limit_unbook(&l, mine.booking);
	assert_int_equal(passed(&l, &five, now, 9, &wait), 4);
}

static void
bookings_are_as_many_as_the_file_holds(void **state)
{
	int64_t now = LONG_DAY * SECOND, wait = 0;
	struct policy p = five;
	struct guard_limit l = { 0 };

	(void)state;
	p.day_quota = 1000;
	p.need = 2;
	p.book_ms = 1000;
	for (int i = 0; i < GUARD_BOOKINGS; i++) {
		struct grant g = { 0 };

		assert_int_equal(booked_call(&l, &p, now, &g, &wait), DAY_FREE);
		assert_int_equal(g.booking, now + i);
	}
	assert_int_equal(
	    guard_limit_day(&l, now, &p, &none, &wait), DAY_BOOKED);
	assert_int_equal(wait, SECOND);
	assert_int_equal(passed(&l, &five, now, 1, &wait), 0);
	p.need = 1;
	assert_int_equal(passed(&l, &p, now, 1, &wait), 1);
}

static void
a_clock_set_back_keeps_bookings_as_long(void **state)
{
	int64_t now = LONG_DAY * SECOND + HOUR * SECOND, wait = 0;
	struct policy p = five;
	struct guard_limit l = { 0 };
	struct grant mine = { 0 };

	(void)state;
	p.need = 5;
	p.book_ms = 60000;
	assert_int_equal(booked_call(&l, &p, now, &mine, &wait), DAY_FREE);
	now -= 600 * SECOND;
	assert_int_equal(passed(&l, &five, now, 1, &wait), 0);
	assert_int_equal(wait, 60 * SECOND);
}

static void
a_clock_set_back_gives_no_calls(void **state)
{
	struct guard_limit l = { 0 };
	int64_t noon = (LONG_DAY + 12 * HOUR) * SECOND, wait;

	(void)state;
	passed(&l, &five, noon, 5, &wait);
	assert_int_equal(
	    passed(&l, &five, noon - 20 * HOUR * SECOND, 5, &wait), 0);
	/* but a clock that was years ahead does not block for years */
	passed(&l, &five, noon + 400 * DAY * SECOND, 5, &wait);
	assert_int_equal(passed(&l, &five, noon, 5, &wait), 5);
}

static void
without_a_quota_nothing_is_counted(void **state)
{
	struct policy p = { .rate = 1, .burst = 1, .connections = 1 };
	struct guard_limit l = { 0 };
	int64_t wait;

	(void)state;
	assert_int_equal(passed(&l, &p, LONG_DAY * SECOND, 99, &wait), 99);
	assert_int_equal(l.day, 0);
	assert_int_equal(l.used, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_are_those_of_the_c_library),
		cmocka_unit_test(midnights_begin_days),
		cmocka_unit_test(dates_are_those_of_the_c_library),
		cmocka_unit_test(text_says_the_same),
		cmocka_unit_test(a_day_has_its_quota_and_no_more),
		cmocka_unit_test(what_needs_more_than_is_left_is_not_begun),
		cmocka_unit_test(what_is_booked_at_midnight_is_of_the_next_day),
		cmocka_unit_test(a_booking_runs_out_or_is_given_back),
		cmocka_unit_test(bookings_are_as_many_as_the_file_holds),
		cmocka_unit_test(a_clock_set_back_keeps_bookings_as_long),
		cmocka_unit_test(a_clock_set_back_gives_no_calls),
		cmocka_unit_test(without_a_quota_nothing_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

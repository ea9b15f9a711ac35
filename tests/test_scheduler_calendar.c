/* When the jobs are due, over ten years and both DST changes of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "scheduler_calendar.h"

#define DAY  INT64_C(86400)
#define HOUR INT64_C(3600)

static const char *const zones[] = { "America/New_York", "Europe/Berlin" };

static void
zone_set(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

/* The instant of a local time, as UTC in the zone UTC. */
static int64_t
utc(const char *text)
{
	struct tm tm = { 0 };

	assert_non_null(strptime(text, "%Y-%m-%dT%H:%M", &tm));
	return (int64_t)timegm(&tm);
}

static void
shown(int64_t at, char out[20])
{
	time_t t = (time_t)at;
	struct tm tm;

	assert_non_null(localtime_r(&t, &tm));
	assert_true(strftime(out, 20, "%Y-%m-%dT%H:%M", &tm) > 0);
}

/* Due, shown in local time, and its slot. */
static void
expect(enum scheduler_job job, int minutes, const char *now_utc,
    const char *due_utc, const char *slot)
{
	char name[SCHEDULER_SLOT];
	int64_t at =
	    calendar_due(job, minutes, utc(now_utc), calendar_local, name);

	if (at != utc(due_utc) || strcmp(name, slot) != 0)
		fail_msg("%s %d at %s: due %+lld s of %s, slot %s",
		    calendar_job_name(job), minutes, now_utc,
		    (long long)(at - utc(due_utc)), due_utc, name);
}

static void
minutes_are_of_a_day(void **state)
{
	static const char *const bad[] = { "", "8:00", "24:00", "08:60", "0800",
		"08:00 ", "-1:00", "08:0x", "008:00", "08-00" };

	(void)state;
	assert_int_equal(calendar_minutes("00:00"), 0);
	assert_int_equal(calendar_minutes("08:05"), 485);
	assert_int_equal(calendar_minutes("23:59"), 1439);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(calendar_minutes(bad[i]), -1);
}

static void
slots_have_their_names(void **state)
{
	(void)state;
	zone_set("America/New_York");
	expect(JOB_DAILY, 480, "2026-11-23T12:59", "2026-11-22T13:00",
	    "daily:2026-11-22");
	expect(JOB_DAILY, 480, "2026-11-23T13:00", "2026-11-23T13:00",
	    "daily:2026-11-23");
	expect(JOB_HOURLY, 0, "2026-11-23T13:59", "2026-11-23T13:00",
	    "hourly:2026-11-23T13Z");
	expect(JOB_WEEKLY, 120, "2026-11-22T07:00", "2026-11-22T07:00",
	    "weekly:2026-W47");
	expect(JOB_WEEKLY, 120, "2026-11-22T06:59", "2026-11-15T07:00",
	    "weekly:2026-W46");
	/* the year of the week is not that of the day */
	expect(JOB_WEEKLY, 120, "2027-01-03T08:00", "2027-01-03T07:00",
	    "weekly:2026-W53");
}

static void
warming_is_due_on_the_days_of_the_market(void **state)
{
	(void)state;
	zone_set("America/New_York");
	expect(JOB_WARM, 540, "2026-11-23T13:59", "2026-11-20T14:00",
	    "warm:2026-11-20"); /* Monday too early: Friday */
	expect(JOB_WARM, 540, "2026-11-23T14:00", "2026-11-23T14:00",
	    "warm:2026-11-23");
	expect(JOB_WARM, 540, "2026-11-22T20:00", "2026-11-20T14:00",
	    "warm:2026-11-20"); /* Sunday */
	assert_int_equal(calendar_next(JOB_WARM, 540, utc("2026-11-20T14:00"),
			     calendar_local),
	    utc("2026-11-23T14:00"));
}

static void
only_the_minutes_of_hourly_count(void **state)
{
	(void)state;
	zone_set("Europe/Berlin");
	for (int hour = 0; hour < 24; hour++) {
		int minutes = hour * 60 + 15;

		expect(JOB_HOURLY, minutes, "2026-11-23T13:14",
		    "2026-11-23T12:15", "hourly:2026-11-23T12Z");
		expect(JOB_HOURLY, minutes, "2026-11-23T13:15",
		    "2026-11-23T13:15", "hourly:2026-11-23T13Z");
		assert_int_equal(calendar_next(JOB_HOURLY, minutes,
				     utc("2026-11-23T13:15"), calendar_local),
		    utc("2026-11-23T14:15"));
	}
	zone_set("Asia/Kolkata"); /* +05:30: :15 there is :45 in UTC */
	expect(JOB_HOURLY, 15, "2026-11-23T13:50", "2026-11-23T13:45",
	    "hourly:2026-11-23T13Z");
}

static void
a_time_that_does_not_exist_is_due_at_the_change(void **state)
{
	(void)state;
	zone_set("America/New_York"); /* 02:00 becomes 03:00 at 07:00Z */
	expect(JOB_WEEKLY, 120, "2026-03-08T07:00", "2026-03-08T07:00",
	    "weekly:2026-W10");
	expect(JOB_DAILY, 150, "2026-03-08T07:00", "2026-03-08T07:00",
	    "daily:2026-03-08");
	expect(JOB_DAILY, 150, "2026-03-08T06:59", "2026-03-07T07:30",
	    "daily:2026-03-07");
	zone_set("Europe/Berlin"); /* likewise at 01:00Z */
	expect(JOB_WEEKLY, 120, "2026-03-29T01:00", "2026-03-29T01:00",
	    "weekly:2026-W13");
	expect(JOB_WEEKLY, 120, "2026-03-29T00:59", "2026-03-22T01:00",
	    "weekly:2026-W12");
}

static void
a_time_that_exists_twice_is_due_the_first_time(void **state)
{
	(void)state;
	zone_set("America/New_York"); /* 02:00 becomes 01:00 at 06:00Z */
	expect(JOB_DAILY, 90, "2026-11-01T06:45", "2026-11-01T05:30",
	    "daily:2026-11-01");
	assert_int_equal(calendar_next(JOB_DAILY, 90, utc("2026-11-01T05:30"),
			     calendar_local),
	    utc("2026-11-02T06:30"));
	zone_set("Europe/Berlin"); /* 03:00 becomes 02:00 at 01:00Z */
	expect(JOB_WEEKLY, 120, "2026-10-25T01:30", "2026-10-25T00:00",
	    "weekly:2026-W43");
}

/* A date that a zone skipped has no slot; one whose change lies across
 * midnight has one. */
static void
odd_zones(void **state)
{
	(void)state;
	zone_set("Pacific/Apia"); /* 2011-12-30 was left out */
	expect(JOB_DAILY, 480, "2011-12-30T17:59", "2011-12-29T18:00",
	    "daily:2011-12-29");
	expect(JOB_DAILY, 480, "2011-12-30T18:00", "2011-12-30T18:00",
	    "daily:2011-12-31");
	zone_set("America/Sao_Paulo"); /* 00:00 became 01:00 at 03:00Z */
	expect(JOB_DAILY, 0, "2018-11-04T03:00", "2018-11-04T03:00",
	    "daily:2018-11-04");
	expect(JOB_DAILY, 0, "2018-11-04T02:59", "2018-11-03T03:00",
	    "daily:2018-11-03");
	zone_set("America/St_Johns"); /* 00:01 became 23:01 of the day before */
	expect(JOB_DAILY, 0, "2006-10-29T02:45", "2006-10-29T02:30",
	    "daily:2006-10-29");
	assert_int_equal(calendar_next(JOB_DAILY, 0, utc("2006-10-29T02:30"),
			     calendar_local),
	    utc("2006-10-30T03:30"));
	zone_set("Australia/Lord_Howe"); /* half an hour */
	expect(JOB_DAILY, 135, "2026-10-03T15:30", "2026-10-03T15:30",
	    "daily:2026-10-04");
}

/* What holds at any instant. */
static void
check_instant(enum scheduler_job job, int minutes, int64_t now)
{
	char slot[SCHEDULER_SLOT], again[SCHEDULER_SLOT];
	int64_t due = calendar_due(job, minutes, now, calendar_local, slot);
	int64_t next = calendar_next(job, minutes, now, calendar_local);

	assert_true(due <= now && now < next);
	assert_int_equal(
	    calendar_due(job, minutes, due, calendar_local, again), due);
	assert_string_equal(slot, again);
	assert_int_equal(
	    calendar_due(job, minutes, next - 1, calendar_local, again), due);
	assert_string_equal(slot, again);
	assert_int_equal(
	    calendar_next(job, minutes, due, calendar_local), next);
	calendar_due(job, minutes, next, calendar_local, again);
	assert_true(strcmp(again, slot) > 0);
}

/* The next change of the offset, to the second. */
static int64_t
next_change(int64_t at)
{
	int64_t offset = calendar_local(at);

	while (calendar_local(at + DAY) == offset)
		at += DAY;
	while (calendar_local(at) == offset)
		at += 60;
	return at;
}

static void
every_minute_around_the_changes(void **state)
{
	static const int minutes[] = { 0, 59, 60, 90, 119, 120, 121, 150, 179,
		180, 480, 1439 };
	size_t n = sizeof(minutes) / sizeof(minutes[0]);

	(void)state;
	for (size_t z = 0; z < 2; z++) {
		int64_t at;

		zone_set(zones[z]);
		at = utc("2020-01-01T00:00");
		for (int i = 0; i < 20; i++) {
			int64_t change = at = next_change(at);

			for (int64_t t = change - 3 * HOUR;
			     t <= change + 3 * HOUR; t += 60)
				for (size_t m = 0; m < n; m++) {
					check_instant(JOB_DAILY, minutes[m], t);
					check_instant(
					    JOB_WEEKLY, minutes[m], t);
					check_instant(
					    JOB_HOURLY, minutes[m], t + 1);
				}
		}
		assert_true(at > utc("2029-10-01T00:00"));
	}
}

/* Ten years, from due to due: a slot a local day, no day left out; and it is
 * due when the clock shows that time, or first shows a later one. */
static void
exactly_one_slot_a_local_day(void **state)
{
	static const int minutes[] = { 0, 60, 90, 120, 150, 180, 480, 1439 };

	(void)state;
	for (size_t z = 0; z < 2; z++)
		for (size_t m = 0; m < 8; m++) {
			int64_t day = utc("2020-01-02T12:00"), at;
			char slot[SCHEDULER_SLOT], want[40], local[20];

			zone_set(zones[z]);
			at = calendar_next(JOB_DAILY, minutes[m],
			    utc("2020-01-02T00:00") - calendar_local(day) - 1,
			    calendar_local);
			for (int i = 0; i < 3653; i++, day += DAY) {
				time_t t = (time_t)day;
				struct tm tm;

				gmtime_r(&t, &tm);
				strftime(
				    want, sizeof(want), "daily:%Y-%m-%d", &tm);
				assert_int_equal(
				    calendar_due(JOB_DAILY, minutes[m], at,
					calendar_local, slot),
				    at);
				assert_string_equal(slot, want);
				shown(at, local);
				assert_memory_equal(local, want + 6, 10);
				local[16] = '\0';
				if (calendar_minutes(local + 11) != minutes[m])
					assert_true(
					    calendar_minutes(local + 11) >
						minutes[m] &&
					    calendar_local(at) !=
						calendar_local(at - 1));
				at = calendar_next(
				    JOB_DAILY, minutes[m], at, calendar_local);
			}
		}
}

static void
a_slot_each_hour_and_each_week(void **state)
{
	(void)state;
	for (size_t z = 0; z < 2; z++) {
		char slot[SCHEDULER_SLOT], last[SCHEDULER_SLOT] = "";
		int64_t at, next;

		zone_set(zones[z]);
		at = calendar_due(JOB_HOURLY, 15, utc("2020-01-01T00:00"),
		    calendar_local, NULL);
		for (int i = 0; i < 24 * 366; i++, at = next) {
			next =
			    calendar_next(JOB_HOURLY, 15, at, calendar_local);
			assert_int_equal(next - at, HOUR);
		}
		at = calendar_due(JOB_WEEKLY, 120, utc("2020-01-01T00:00"),
		    calendar_local, NULL);
		for (int i = 0; i < 522; i++) {
			calendar_due(JOB_WEEKLY, 120, at, calendar_local, slot);
			assert_true(strcmp(slot, last) > 0);
			memcpy(last, slot, sizeof(last));
			next =
			    calendar_next(JOB_WEEKLY, 120, at, calendar_local);
			assert_in_range(
			    next - at, 7 * DAY - 2 * HOUR, 7 * DAY + 2 * HOUR);
			at = next;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(minutes_are_of_a_day),
		cmocka_unit_test(slots_have_their_names),
		cmocka_unit_test(warming_is_due_on_the_days_of_the_market),
		cmocka_unit_test(only_the_minutes_of_hourly_count),
		cmocka_unit_test(
		    a_time_that_does_not_exist_is_due_at_the_change),
		cmocka_unit_test(
		    a_time_that_exists_twice_is_due_the_first_time),
		cmocka_unit_test(odd_zones),
		cmocka_unit_test(every_minute_around_the_changes),
		cmocka_unit_test(exactly_one_slot_a_local_day),
		cmocka_unit_test(a_slot_each_hour_and_each_week),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

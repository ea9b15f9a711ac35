#include <stdio.h>
#include <string.h>
#include <time.h>

#include "scheduler_calendar.h"

#define DAY    INT64_C(86400)
#define MINUTE INT64_C(60)

static const char *const names[JOB__MAX] = {
	[JOB_DAILY] = "daily",
	[JOB_HOURLY] = "hourly",
	[JOB_WEEKLY] = "weekly",
	[JOB_WARM] = "warm",
};

const char *
calendar_job_name(enum scheduler_job job)
{
	return names[job];
}

enum rc
calendar_job_of(const char *name, enum scheduler_job *out, struct err *e)
{
	for (int i = 0; i < JOB__MAX; i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum scheduler_job)i;
			return RC_OK;
		}
	return err_set(e, RC_USAGE,
	    "no job is \"%.40s\"; allowed: daily, hourly, weekly, "
	    "warm",
	    name);
}

int
calendar_minutes(const char *s)
{
	int hours, minutes;

	if (strlen(s) != 5 || s[2] != ':' || strspn(s, "0123456789") != 2 ||
	    strspn(s + 3, "0123456789") != 2)
		return -1;
	hours = (s[0] - '0') * 10 + s[1] - '0';
	minutes = (s[3] - '0') * 10 + s[4] - '0';
	return hours < 24 && minutes < 60 ? hours * 60 + minutes : -1;
}

int64_t
calendar_local(int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;

	return localtime_r(&t, &tm) != NULL ? (int64_t)tm.tm_gmtoff : 0;
}

/* a / b and a mod b, rounded down. */
static int64_t
quotient(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t
rest(int64_t a, int64_t b)
{
	return a - quotient(a, b) * b;
}

/* The number of a local date: days since 1970-01-01. */
static int64_t
local_day(int64_t at, calendar_zone *zone)
{
	return quotient(at + zone(at), DAY);
}

/* 0 is Sunday. */
static int
weekday(int64_t day)
{
	return (int)rest(day + 4, 7);
}

/* The instant between from and to at which the offset changes. */
static int64_t
change(int64_t from, int64_t to, calendar_zone *zone)
{
	int64_t before = zone(from), middle;

	while (to - from > 1) {
		middle = from + (to - from) / 2;
		if (zone(middle) == before)
			from = middle;
		else
			to = middle;
	}
	return to;
}

/*
 * The first instant of a local date at which its clock shows at least these
 * minutes.  0: there is no such date (a zone that crossed the date line).
 */
static int
due_on(int64_t day, int minutes, calendar_zone *zone, int64_t *out)
{
	int64_t shown = day * DAY + minutes * MINUTE;
	int64_t before = zone(shown - DAY), after = zone(shown + DAY), at;
	int64_t early = shown - (before > after ? before : after);
	int64_t late = shown - (before > after ? after : before);

	if (early + zone(early) == shown) {
		*out = early;
		return 1;
	}
	if (late + zone(late) == shown) {
		*out = late;
		return 1;
	}
	at = change(shown - DAY - before, shown + DAY - after, zone);
	*out = at;
	return local_day(at - 1, zone) == day || local_day(at, zone) == day;
}

/* An instant at which the clock shows these minutes of an hour: the nearest
 * one from the minute at on, in steps of a minute. */
static int64_t
due_hourly(int minutes, int64_t at, int64_t step, calendar_zone *zone)
{
	while (rest(quotient(at + zone(at), MINUTE), 60) != minutes)
		at += step;
	return at;
}

/* Is the job due on that day of the week at all? */
static int
is_day(enum scheduler_job job, int64_t day)
{
	if (job == JOB_WARM)
		return weekday(day) >= 1 && weekday(day) <= 5;
	return job != JOB_WEEKLY || weekday(day) == 0;
}

/* local: seconds of the clock that the slot is named by, as if UTC. */
static void
name_slot(enum scheduler_job job, int64_t local, char out[SCHEDULER_SLOT])
{
	time_t t = (time_t)local;
	struct tm tm;
	size_t n = 0;

	if (out == NULL)
		return;
	if (gmtime_r(&t, &tm) == NULL)
		n = 0;
	else if (job == JOB_DAILY)
		n = strftime(out, SCHEDULER_SLOT, "daily:%Y-%m-%d", &tm);
	else if (job == JOB_WARM)
		n = strftime(out, SCHEDULER_SLOT, "warm:%Y-%m-%d", &tm);
	else if (job == JOB_HOURLY)
		n = strftime(out, SCHEDULER_SLOT, "hourly:%Y-%m-%dT%HZ", &tm);
	else
		n = strftime(out, SCHEDULER_SLOT, "weekly:%G-W%V", &tm);
	if (n == 0)
		out[0] = '\0';
}

int64_t
calendar_due(enum scheduler_job job, int minutes, int64_t now,
    calendar_zone *zone, char slot[SCHEDULER_SLOT])
{
	int64_t day, at;

	if (job == JOB_HOURLY) {
		at = due_hourly(minutes % 60, quotient(now, MINUTE) * MINUTE,
		    -MINUTE, zone);
		name_slot(job, at, slot);
		return at;
	}
	/* From tomorrow: after a change across midnight it may be due. */
	for (day = local_day(now, zone) + 1;; day--)
		if (is_day(job, day) && due_on(day, minutes, zone, &at) &&
		    at <= now)
			break;
	name_slot(job, day * DAY, slot);
	return at;
}

int64_t
calendar_next(
    enum scheduler_job job, int minutes, int64_t now, calendar_zone *zone)
{
	int64_t day, at;

	if (job == JOB_HOURLY)
		return due_hourly(minutes % 60,
		    (quotient(now, MINUTE) + 1) * MINUTE, MINUTE, zone);
	for (day = local_day(now, zone) - 1;; day++)
		if (is_day(job, day) && due_on(day, minutes, zone, &at) &&
		    at > now)
			return at;
}

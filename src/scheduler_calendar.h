/*
 * When the jobs of the scheduler are due, and what their slots are called.
 * Pure: the instant and the zone are arguments.  Instants are seconds since
 * the epoch.
 *
 *	daily   at HH:MM local      daily:2026-11-23      the local date
 *	hourly  at :MM local        hourly:2026-11-23T13Z the UTC hour
 *	weekly  Sunday HH:MM local  weekly:2026-W47       the ISO week
 *	warm    at HH:MM local      warm:2026-11-23       Monday to Friday
 *
 * As Debian's cron has it: a HH:MM that does not exist on the day of a DST
 * change is due at the change, one that exists twice is due the first time.
 * Within a job, slots compare as text in the order of time.
 */
#ifndef SCHEDULER_CALENDAR_H
#define SCHEDULER_CALENDAR_H

#include <stdint.h>

#include "base/rc.h"

enum scheduler_job { JOB_DAILY, JOB_HOURLY, JOB_WEEKLY, JOB_WARM, JOB__MAX };

#define SCHEDULER_SLOT 32 /* bytes of a slot's name */

/* Seconds east of UTC at an instant. */
typedef int64_t calendar_zone(int64_t at);

/* That of this process: TZ, else /etc/localtime. */
calendar_zone calendar_local;

/* "daily", "hourly", "weekly", "warm" */
const char *calendar_job_name(enum scheduler_job);
/* RC_USAGE: another, with the allowed ones. */
enum rc calendar_job_of(const char *name, enum scheduler_job *, struct err *);

/* Minutes since midnight of "HH:MM", 00:00 to 23:59; -1: not one. */
int calendar_minutes(const char *s);

/* The latest instant not after now at which the job was due; slot (may be
 * NULL) becomes the name of it. */
int64_t calendar_due(enum scheduler_job, int minutes, int64_t now,
    calendar_zone *, char slot[SCHEDULER_SLOT]);

/* The first instant after now at which it is due. */
int64_t calendar_next(
    enum scheduler_job, int minutes, int64_t now, calendar_zone *);

#endif

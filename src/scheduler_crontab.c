#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scheduler_part.h"

#define BIN "/usr/local/bin"

static const char *const names[JOB__MAX] = {
	[JOB_DAILY] = "SCHEDULER_DAILY_REFRESH",
	[JOB_HOURLY] = "SCHEDULER_HOURLY_CHECK",
	[JOB_WEEKLY] = "SCHEDULER_WEEKLY_CLEANUP",
	[JOB_WARM] = "SCHEDULER_WARM",
};

const char *
scheduler_setting(const struct config *c, enum scheduler_job job)
{
	return job == JOB_DAILY    ? c->scheduler_daily_refresh
	       : job == JOB_HOURLY ? c->scheduler_hourly_check
	       : job == JOB_WEEKLY ? c->scheduler_weekly_cleanup
				   : c->scheduler_warm;
}

enum rc
scheduler_check_line(const struct config *c, enum scheduler_job job,
    const char *at, struct err *e)
{
	const char *is = scheduler_setting(c, job);

	if (strcmp(at, is) == 0 ||
	    (job == JOB_HOURLY && strcmp(at + 3, is + 3) == 0))
		return RC_OK;
	return err_set(e, RC_CONFIG,
	    "the crontab has %s at %s, but %s is %s: \"schedule crontab\" "
	    "makes it anew",
	    calendar_job_name(job), at, names[job], *is != '\0' ? is : "empty");
}

/* A path that means itself in a crontab, and in the PATH of a shell. */
static enum rc
check_path(const char *what, const char *path, struct err *e)
{
	if (path == NULL || path[0] != '/' || strlen(path) > 200)
		return err_set(e, RC_USAGE,
		    "%s: \"%.60s\" is not an absolute path", what,
		    path == NULL ? "" : path);
	for (const char *p = path; *p != '\0'; p++)
		if ((unsigned char)*p <= 0x20 || strchr("\"'\\:%$`\x7f", *p))
			return err_set(e, RC_USAGE,
			    "%s: a character that cannot stand in a crontab",
			    what);
	return RC_OK;
}

/* As useradd has them. */
static enum rc
check_user(const char *user, struct err *e)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz_";
	static const char more[] = "abcdefghijklmnopqrstuvwxyz_0123456789-";

	if (user[0] == '\0' || strchr(first, user[0]) == NULL ||
	    strspn(user, more) != strlen(user) || strlen(user) > 32)
		return err_set(
		    e, RC_USAGE, "\"%.40s\" is not the name of a user", user);
	return RC_OK;
}

/* In a checkout the programs have their short names. */
static const char *
prefix_in(const char *bin)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/schedule", bin);
	return access(path, X_OK) == 0 ? "" : "stocknity-";
}

static void
line(struct buf *b, const struct scheduler_crontab *t, const char *prefix,
    const char *when)
{
	buf_addf(b, "%-11s ", when);
	if (t->user != NULL)
		buf_addf(b, "%s  ", t->user);
	buf_adds(b, prefix);
}

/* The line of a job says what it was made for: see scheduler_check_line. */
static void
job_line(struct buf *b, const struct scheduler_crontab *t, const char *prefix,
    const struct config *c, enum scheduler_job job)
{
	const char *at = scheduler_setting(c, job);
	int minutes = calendar_minutes(at);
	char when[40];

	if (minutes < 0)
		return;
	if (job == JOB_HOURLY)
		snprintf(when, sizeof(when), "%d * * * *", minutes % 60);
	else
		snprintf(when, sizeof(when), "%d %d * * %s", minutes % 60,
		    minutes / 60,
		    job == JOB_WEEKLY ? "0"
		    : job == JOB_WARM ? "1-5"
				      : "*");
	line(b, t, prefix, when);
	buf_addf(b, "schedule run %s --at %s\n", calendar_job_name(job), at);
}

static void
head(struct buf *b, const struct scheduler_crontab *t, const char *bin)
{
	buf_addf(b,
	    "# Stocknity Data: made by \"stocknity-schedule crontab%s\".\n"
	    "# Times are those of this machine's zone.\n"
	    "SHELL=/bin/sh\n"
	    "PATH=%s:%s/usr/bin:/bin\n",
	    t->user != NULL ? " --system" : "", bin,
	    strcmp(bin, BIN) == 0 ? "" : BIN ":");
	if (t->conf != NULL)
		buf_addf(b, "STOCKNITY_CONF=%s\n", t->conf);
	else
		buf_adds(b, "#STOCKNITY_CONF=/etc/stocknity.conf\n");
	buf_adds(b, "\n");
}

enum rc
scheduler_crontab(const struct config *c, const struct scheduler_crontab *t,
    struct buf *b, struct err *e)
{
	const char *bin = t->bin != NULL ? t->bin : BIN;
	const char *prefix = t->bin != NULL ? prefix_in(bin) : "stocknity-";
	enum rc rc = check_path("--bin", bin, e);

	if (rc == RC_OK && t->user != NULL)
		rc = check_user(t->user, e);
	if (rc == RC_OK && t->conf != NULL)
		rc = check_path("STOCKNITY_CONF", t->conf, e);
	if (rc != RC_OK)
		return rc;
	head(b, t, bin);
	for (int job = 0; job < JOB__MAX; job++)
		job_line(b, t, prefix, c, (enum scheduler_job)job);
	buf_adds(b, "# A generation of workers a minute; each hands over to "
		    "the next.\n");
	line(b, t, prefix, "* * * * *");
	buf_adds(b, "drain-queue --wait -t 70\n");
	return buf_check(b, "crontab", e);
}

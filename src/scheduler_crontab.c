#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scheduler_part.h"

#define BIN "/usr/local/bin"

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
    const char *when, const char *command)
{
	buf_addf(b, "%-11s ", when);
	if (t->user != NULL)
		buf_addf(b, "%s  ", t->user);
	buf_addf(b, "%s%s\n", prefix, command);
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
	int daily = calendar_minutes(c->scheduler_daily_refresh);
	int hourly = calendar_minutes(c->scheduler_hourly_check);
	int weekly = calendar_minutes(c->scheduler_weekly_cleanup);
	int warm = calendar_minutes(c->scheduler_warm);
	enum rc rc = check_path("--bin", bin, e);
	char when[40];

	if (rc == RC_OK && t->user != NULL)
		rc = check_user(t->user, e);
	if (rc == RC_OK && t->conf != NULL)
		rc = check_path("STOCKNITY_CONF", t->conf, e);
	if (rc != RC_OK)
		return rc;
	head(b, t, bin);
	snprintf(when, sizeof(when), "%d %d * * *", daily % 60, daily / 60);
	line(b, t, prefix, when, "schedule run daily");
	snprintf(when, sizeof(when), "%d * * * *", hourly % 60);
	line(b, t, prefix, when, "schedule run hourly");
	snprintf(when, sizeof(when), "%d %d * * 0", weekly % 60, weekly / 60);
	line(b, t, prefix, when, "schedule run weekly");
	if (warm >= 0) {
		snprintf(
		    when, sizeof(when), "%d %d * * 1-5", warm % 60, warm / 60);
		line(b, t, prefix, when, "schedule run warm");
	}
	buf_adds(b, "# A generation of workers a minute; each hands over to "
		    "the next.\n");
	line(b, t, prefix, "* * * * *", "drain-queue --wait -t 70");
	return buf_check(b, "crontab", e);
}

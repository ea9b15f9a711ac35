#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/num.h"
#include "data/envelope.h"
#include "data/text.h"
#include "report.h"

#define OLDEST_MAJOR  6
#define OLDEST_MINOR  2
#define CLOCK_WARN_MS 1000
#define CLOCK_BAD_MS  30000
#define MEMORY_WARN   80 /* per cent of maxmemory */
#define DISK_WARN     10 /* per cent free */
#define VALUE         128

enum level { GOOD, WARN, BAD };

/* What was learned of the server. */
struct patient {
	const struct report *r;
	struct buf *b;
	const char *info; /* INFO; NULL: we may not */
	int64_t now_us;   /* Redis TIME */
	int64_t took_us, ours_us;
	char dir[512], save[VALUE], fsync[VALUE]; /* "": not told */
	int save_told;
	int scripts; /* of ours that it knows; -1: we may not */
	enum level worst;
	int n;
};

static const char *const words[] = {
	[GOOD] = "ok", [WARN] = "warn", [BAD] = "BAD"
};

/* One line: how it is, and what to do about it (NULL: nothing). */
static void
say(struct patient *p, enum level level, const char *name, const char *text,
    const char *advice)
{
	struct buf *b = p->b;

	if (level > p->worst)
		p->worst = level;
	if (!p->r->json) {
		buf_addf(b, "%-5s %-12s ", words[level], name);
		text_clean(b, text);
		buf_addc(b, '\n');
		if (advice != NULL)
			buf_addf(b, "%-18s -> %s\n", "", advice);
		return;
	}
	buf_addf(b, "%s{\"level\":\"%s\",\"name\":\"%s\",\"text\":",
	    p->n++ > 0 ? "," : "", level == BAD ? "bad" : words[level], name);
	envelope_string(b, text);
	buf_adds(b, ",\"advice\":");
	if (advice != NULL)
		envelope_string(b, advice);
	else
		buf_adds(b, "null");
	buf_addc(b, '}');
}

static const char *
info(const struct patient *p, const char *name, char out[VALUE])
{
	return redis_info(p->info, name, out, VALUE);
}

static int64_t
info_int(const struct patient *p, const char *name)
{
	char text[VALUE];
	int64_t v = -1;

	num_int(info(p, name, text), 0, INT64_MAX, &v, NULL);
	return v;
}

static void
connection(struct patient *p)
{
	char text[VALUE * 2];

	snprintf(text, sizeof(text), "%.160s, answered in %.1f ms",
	    redis_name(p->r->redis), (double)p->took_us / 1000);
	say(p, GOOD, "connection", text, NULL);
	if (p->info == NULL)
		say(p, WARN, "info", "we may not ask INFO",
		    "allow this user INFO, or look yourself");
}

static void
version(struct patient *p)
{
	char text[VALUE];
	int major = 0, minor = 0;

	if (p->info == NULL)
		return;
	info(p, "redis_version", text);
	if (sscanf(text, "%4d.%4d", &major, &minor) == 2 &&
	    (major > OLDEST_MAJOR ||
		(major == OLDEST_MAJOR && minor >= OLDEST_MINOR)))
		say(p, GOOD, "version", text, NULL);
	else
		say(p, BAD, "version", text, "Redis 6.2 or newer is needed");
}

static void
role(struct patient *p)
{
	char text[VALUE];

	if (p->info == NULL)
		return;
	info(p, "role", text);
	if (strcmp(text, "master") == 0)
		say(p, GOOD, "role", text, NULL);
	else
		say(p, BAD, "role", text,
		    "a replica refuses to write: REDIS_HOST must be the "
		    "master");
	if (info_int(p, "cluster_enabled") == 1)
		say(p, WARN, "cluster", "enabled",
		    "keys that are elsewhere are not followed: use one node "
		    "for all slots");
}

static void
persistence(struct patient *p)
{
	char status[VALUE], text[VALUE * 2];

	if (p->info == NULL)
		return;
	if (info_int(p, "aof_enabled") == 1) {
		snprintf(text, sizeof(text), "AOF, fsync %.20s",
		    *p->fsync != '\0' ? p->fsync : "not told");
		if (strcmp(info(p, "aof_last_write_status", status), "ok") != 0)
			say(p, BAD, "persistence", "AOF cannot be written",
			    "look at the disk and at Redis' log");
		else if (strcmp(p->fsync, "no") == 0)
			say(p, WARN, "persistence", text,
			    "a crash of the machine loses tasks: appendfsync "
			    "everysec or always");
		else
			say(p, GOOD, "persistence", text, NULL);
		return;
	}
	if (*p->save != '\0')
		snprintf(
		    text, sizeof(text), "no AOF, snapshots at %.100s", p->save);
	else
		snprintf(text, sizeof(text), "%s",
		    p->save_told ? "neither AOF nor snapshots" : "no AOF");
	say(p, *p->save == '\0' && p->save_told ? BAD : WARN, "persistence",
	    text, "a restart loses tasks: appendonly yes");
	if (strcmp(info(p, "rdb_last_bgsave_status", status), "ok") != 0)
		say(p, BAD, "snapshots", "the last one failed",
		    "look at the disk and at Redis' log");
}

static void
eviction(struct patient *p)
{
	char text[VALUE];

	if (p->info == NULL)
		return;
	info(p, "maxmemory_policy", text);
	if (redis_evicts_tasks(text))
		say(p, BAD, "eviction", text,
		    "it throws tasks away: maxmemory-policy noeviction");
	else if (strcmp(text, "noeviction") == 0)
		say(p, GOOD, "eviction", text, NULL);
	else
		say(p, WARN, "eviction", text,
		    "cached datasets may go early: maxmemory-policy "
		    "noeviction");
}

static void
memory(struct patient *p)
{
	int64_t used = info_int(p, "used_memory");
	int64_t max = info_int(p, "maxmemory");
	char text[VALUE];

	if (p->info == NULL || used < 0)
		return;
	if (max <= 0) {
		snprintf(text, sizeof(text), "%.1f MB used, no limit",
		    (double)used / 1e6);
		say(p, GOOD, "memory", text, NULL);
		return;
	}
	snprintf(text, sizeof(text), "%.1f MB used of %.1f MB",
	    (double)used / 1e6, (double)max / 1e6);
	if (used >= max)
		say(p, BAD, "memory", text,
		    "Redis is full and refuses to write: raise maxmemory");
	else if (used / (max / 100 > 0 ? max / 100 : 1) >= MEMORY_WARN)
		say(p, WARN, "memory", text, "raise maxmemory");
	else
		say(p, GOOD, "memory", text, NULL);
}

static void
clock_of(struct patient *p)
{
	int64_t ms = (p->now_us - p->ours_us) / 1000;
	int64_t size = ms < 0 ? -ms : ms;
	char text[VALUE];

	snprintf(text, sizeof(text), "Redis is %.3f s %s of this machine",
	    (double)size / 1e3, ms < 0 ? "behind" : "ahead");
	say(p,
	    size >= CLOCK_BAD_MS    ? BAD
	    : size >= CLOCK_WARN_MS ? WARN
				    : GOOD,
	    "clock", text, size >= CLOCK_WARN_MS ? "set both by NTP" : NULL);
}

static const struct script *const scripts[] = {
	&script_guard_take,
	&script_guard_unbook,
	&script_guard_report,
	&script_flight,
	&script_cache_put,
	&script_queue_enqueue,
	&script_queue_claim,
	&script_queue_complete,
	&script_queue_fail,
	&script_queue_stats,
};

#define SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

static void
scripts_known(struct patient *p)
{
	char text[VALUE];

	if (p->scripts < 0) {
		say(p, BAD, "scripts", "we may not run any",
		    "allow this user EVAL, EVALSHA and SCRIPT");
		return;
	}
	snprintf(text, sizeof(text),
	    "%d of %d are known, the others are sent when they are needed",
	    p->scripts, (int)SCRIPTS);
	say(p, GOOD, "scripts", text, NULL);
}

/* Of the folder that Redis writes to, where it is on this machine. */
static void
disk(struct patient *p)
{
	const char *name = redis_name(p->r->redis);
	struct statvfs fs;
	char text[VALUE];
	double free_part;

	if ((strncmp(name, "unix:", 5) != 0 &&
		strncmp(name, "localhost:", 10) != 0 &&
		strncmp(name, "127.", 4) != 0 &&
		strncmp(name, "[::1]", 5) != 0) ||
	    *p->dir == '\0' || statvfs(p->dir, &fs) != 0 || fs.f_blocks == 0)
		return;
	free_part = 100.0 * (double)fs.f_bavail / (double)fs.f_blocks;
	snprintf(text, sizeof(text), "%.1f GB free (%.0f %%) at %.80s",
	    (double)fs.f_bavail * (double)fs.f_frsize / 1e9, free_part, p->dir);
	say(p, free_part < DISK_WARN ? WARN : GOOD, "disk", text,
	    free_part < DISK_WARN ? "make room: a full disk stops the AOF"
				  : NULL);
}

/* Answers in the order of the questions. */
enum { TIME_IS, INFO_IS, DIR_IS, SAVE_IS, FSYNC_IS, EXISTS_IS, ANSWERS };

static enum rc
ask(const struct report *r, struct err *e)
{
	static const char *const now[] = { "TIME" };
	static const char *const about[] = { "INFO" };
	static const char *const config[][3] = { { "CONFIG", "GET", "dir" },
		{ "CONFIG", "GET", "save" },
		{ "CONFIG", "GET", "appendfsync" } };
	const char *exists[2 + SCRIPTS] = { "SCRIPT", "EXISTS" };
	enum rc rc = redis_add(r->redis, 1, now, NULL, e);

	for (size_t i = 0; i < SCRIPTS; i++)
		exists[2 + i] = scripts[i]->sha;
	if (rc == RC_OK)
		rc = redis_add(r->redis, 1, about, NULL, e);
	for (size_t i = 0; i < 3 && rc == RC_OK; i++)
		rc = redis_add(r->redis, 3, config[i], NULL, e);
	if (rc == RC_OK)
		rc = redis_add(r->redis, (int)(2 + SCRIPTS), exists, NULL, e);
	return rc;
}

/* The value of a CONFIG GET; "" where we may not. */
static void
setting(const redisReply *reply, char *out, size_t size)
{
	*out = '\0';
	if (reply != NULL && reply->type == REDIS_REPLY_ARRAY &&
	    reply->elements == 2 &&
	    reply->element[1]->type == REDIS_REPLY_STRING)
		snprintf(out, size, "%s", reply->element[1]->str);
}

static void
read_answers(struct patient *p, redisReply *const v[ANSWERS])
{
	const redisReply *known = v[EXISTS_IS];

	p->now_us = redis_reply_us(v[TIME_IS]);
	if (v[INFO_IS] != NULL && v[INFO_IS]->str != NULL)
		p->info = v[INFO_IS]->str;
	setting(v[DIR_IS], p->dir, sizeof(p->dir));
	setting(v[SAVE_IS], p->save, sizeof(p->save));
	p->save_told = v[SAVE_IS] != NULL && v[SAVE_IS]->elements == 2;
	setting(v[FSYNC_IS], p->fsync, sizeof(p->fsync));
	p->scripts = known == NULL ? -1 : 0;
	for (size_t i = 0; known != NULL && i < known->elements; i++)
		p->scripts += redis_int(known, i, 0) == 1;
}

static void
examine(struct patient *p)
{
	static void (*const steps[])(struct patient *) = { connection, version,
		role, persistence, eviction, memory, clock_of, scripts_known,
		disk };

	if (p->r->json)
		buf_adds(p->b, "{\"findings\":[");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		steps[i](p);
	if (p->r->json)
		buf_addf(p->b, "],\"healthy\":%s}\n",
		    p->worst < BAD ? "true" : "false");
}

enum rc
report_doctor(const struct report *r, struct buf *b, struct err *e)
{
	redisReply *v[ANSWERS] = { NULL };
	struct patient *p = calloc(1, sizeof(*p));
	int64_t before = clock_wall_us();
	struct err why = { 0 };
	enum rc rc;

	if (p == NULL)
		return err_set(e, RC_NOMEM, "report: out of memory");
	p->r = r;
	p->b = b;
	rc = ask(r, &why);
	if (rc == RC_OK)
		rc = redis_fetch(r->redis, v, ANSWERS, &why);
	p->took_us = clock_wall_us() - before;
	p->ours_us = before + p->took_us / 2;
	/* What we may not ask is left out. */
	if ((rc == RC_DENIED || rc == RC_STORE) && v[TIME_IS] != NULL)
		rc = RC_OK;
	if (rc != RC_OK) {
		err_set(e, rc, "%s", why.msg);
		goto out;
	}
	read_answers(p, v);
	examine(p);
	if (p->worst == BAD)
		rc = err_set(e, RC_UNHEALTHY, "Redis is not as it should be");
out:
	for (int i = 0; i < ANSWERS; i++)
		if (v[i] != NULL)
			freeReplyObject(v[i]);
	free(p);
	return rc;
}

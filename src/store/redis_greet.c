#include <stdio.h>
#include <string.h>

#include "store/redis_part.h"

static int
append(struct redis *r, int argc, const char **argv)
{
	return redisAppendCommandArgv(r->c, argc, argv, NULL);
}

static int
ask_auth(struct redis *r)
{
	const char *argv[3] = { "AUTH" };
	int argc = 1;

	if (r->address.user[0] != '\0')
		argv[argc++] = r->address.user;
	argv[argc++] = r->address.password;
	return append(r, argc, argv);
}

static enum rc
read_auth(struct redis *r, const redisReply *reply, struct err *e)
{
	const char *advice;

	if (reply->type != REDIS_REPLY_ERROR)
		return RC_OK;
	/* Its text may quote what it was sent: only ours is shown. */
	if (redis_error_rc(reply->str, &advice) == RC_BUSY)
		return err_set(e, RC_BUSY, "redis at %s: busy", r->name);
	return err_set(e, RC_DENIED,
	    "redis at %s: refused the password of %s (or has none set)",
	    r->name, r->setting);
}

static int
ask_db(struct redis *r)
{
	const char *argv[2] = { "SELECT" };
	char db[24];

	snprintf(db, sizeof(db), "%lld", (long long)r->address.db);
	argv[1] = db;
	return append(r, 2, argv);
}

static enum rc
read_db(struct redis *r, const redisReply *reply, struct err *e)
{
	return reply->type == REDIS_REPLY_ERROR
		   ? redis_refused(r, reply, "database", e)
		   : RC_OK;
}

static int
ask_ping(struct redis *r)
{
	const char *argv[1] = { "PING" };

	return append(r, 1, argv);
}

/* Is somebody there who serves us?  That we may not PING, or that the server
 * cannot write to its disk, is no answer to that. */
static enum rc
read_ping(struct redis *r, const redisReply *reply, struct err *e)
{
	return reply->type == REDIS_REPLY_ERROR &&
		       strncmp(reply->str, "NOPERM", 6) != 0 &&
		       strncmp(reply->str, "MISCONF", 7) != 0
		   ? redis_refused(r, reply, NULL, e)
		   : RC_OK;
}

static int
ask_eviction(struct redis *r)
{
	const char *argv[2] = { "INFO", "memory" };

	return append(r, 2, argv);
}

/* Where we may not ask it is unknown, and no error. */
static enum rc
read_eviction(struct redis *r, const redisReply *reply, struct err *e)
{
	(void)e;
	redis_info(reply->type == REDIS_REPLY_ERROR ? NULL : reply->str,
	    "maxmemory_policy", r->eviction, sizeof(r->eviction));
	return RC_OK;
}

static const struct step {
	int (*ask)(struct redis *);
	enum rc (*read)(struct redis *, const redisReply *, struct err *);
} steps[] = {
	{ ask_auth, read_auth },
	{ ask_db, read_db },
	{ ask_ping, read_ping },
	{ ask_eviction, read_eviction },
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

static int
is_wanted(const struct redis *r, const struct step *s)
{
	if (s->ask == ask_auth)
		return r->address.password[0] != '\0';
	if (s->ask == ask_db)
		return r->address.db != 0;
	if (s->ask == ask_eviction)
		return (r->how & REDIS_EVICTION) != 0;
	return 1;
}

enum rc
redis_greet_ask(struct redis *r, struct err *e)
{
	for (size_t i = 0; i < STEPS; i++)
		if (is_wanted(r, &steps[i]) && steps[i].ask(r) != REDIS_OK)
			return redis_lost(r, e);
	r->greeting = 1;
	return RC_OK;
}

enum rc
redis_greet_read(struct redis *r, struct err *e)
{
	enum rc rc = RC_OK;
	void *p;

	r->greeting = 0;
	for (size_t i = 0; i < STEPS && rc == RC_OK; i++) {
		if (!is_wanted(r, &steps[i]))
			continue;
		p = NULL;
		if (redisGetReply(r->c, &p) != REDIS_OK || p == NULL)
			return redis_lost(r, e);
		redis_answers(r);
		rc = steps[i].read(r, p, e);
		freeReplyObject(p);
	}
	if (rc != RC_OK)
		redis_drop(r);
	return rc;
}

const char *
redis_info(const char *info, const char *name, char *out, size_t size)
{
	const char *at = info;
	size_t n = strlen(name);

	*out = '\0';
	while (at != NULL && *at != '\0') {
		if (strncmp(at, name, n) == 0 && at[n] == ':') {
			at += n + 1;
			snprintf(
			    out, size, "%.*s", (int)strcspn(at, "\r\n"), at);
			return out;
		}
		at = strchr(at, '\n');
		if (at != NULL)
			at++;
	}
	return out;
}

int
redis_evicts_tasks(const char *policy)
{
	return strncmp(policy, "allkeys-", 8) == 0;
}

enum rc
redis_check_eviction(const struct redis *r, struct err *e)
{
	if (!redis_evicts_tasks(r->eviction))
		return RC_OK;
	return err_set(e, RC_CONFIG,
	    "redis at %.80s throws tasks away when it is full "
	    "(maxmemory-policy %s): set its maxmemory-policy to noeviction",
	    r->name, r->eviction);
}

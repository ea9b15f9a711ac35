#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/cache.h"

enum { FRESH, READ, SINCE, COST, HOURS, FIELDS = HOURS + 24 };
#define ASKS 2 /* commands a dataset */

enum rc
cache_ask(struct redis *r, const struct dataset *d, int64_t ms, int *first,
    struct err *e)
{
	struct cache_keys k;
	char lasts[24];
	const char *argv[] = { "SET", k.asked, "1", "NX", "PX", lasts };
	redisReply *reply;
	enum rc rc = cache_keys(d, &k, e);

	if (rc != RC_OK)
		return rc;
	snprintf(lasts, sizeof(lasts), "%lld", (long long)(ms > 0 ? ms : 1));
	rc = redis_call(r, 6, argv, NULL, &reply, e);
	if (rc != RC_OK)
		return rc;
	*first = reply->type == REDIS_REPLY_STATUS;
	freeReplyObject(reply);
	return RC_OK;
}

enum rc
cache_note_failed(struct redis *r, const struct dataset *d, const char *id,
    int64_t ms, struct err *e)
{
	struct cache_keys k;
	char lasts[24];
	const char *argv[] = { "SET", k.failed, id, "PX", lasts };
	redisReply *reply;
	enum rc rc = cache_keys(d, &k, e);

	snprintf(lasts, sizeof(lasts), "%lld", (long long)ms);
	if (rc == RC_OK)
		rc = redis_call(r, 5, argv, NULL, &reply, e);
	if (rc == RC_OK)
		freeReplyObject(reply);
	return rc;
}

enum rc
cache_failed(struct redis *r, const struct dataset *d, char id[CACHE_FAILED],
    int64_t *left_ms, struct err *e)
{
	struct cache_keys k;
	const char *get[] = { "GETRANGE", k.failed, "0", "63" };
	const char *left[] = { "PTTL", k.failed };
	redisReply *v[2] = { NULL, NULL };
	enum rc rc = cache_keys(d, &k, e);

	if (rc == RC_OK)
		rc = redis_add(r, 4, get, NULL, e);
	if (rc == RC_OK)
		rc = redis_add(r, 2, left, NULL, e);
	if (rc == RC_OK)
		rc = redis_fetch(r, v, 2, e);
	if (rc == RC_OK) {
		*left_ms = v[1]->integer > 0 && v[0]->len == CACHE_FAILED - 1
			       ? v[1]->integer
			       : 0;
		if (*left_ms > 0)
			memcpy(id, v[0]->str, CACHE_FAILED);
	}
	for (int i = 0; i < 2; i++)
		if (v[i] != NULL)
			freeReplyObject(v[i]);
	return rc;
}

enum rc
cache_count_early(struct redis *r, const struct dataset *d, struct err *e)
{
	struct cache_keys k;
	const char *argv[] = { "HINCRBY", k.meta, "early", "1" };
	redisReply *reply;
	enum rc rc = cache_keys(d, &k, e);

	if (rc == RC_OK)
		rc = redis_call(r, 4, argv, NULL, &reply, e);
	if (rc == RC_OK)
		freeReplyObject(reply);
	return rc;
}

enum rc
cache_count_ahead(
    struct redis *r, const struct dataset *d, int64_t now_ms, struct err *e)
{
	struct cache_keys k;
	char now[24];
	const char *argv[] = { k.meta, now };
	redisReply *reply;
	enum rc rc = cache_keys(d, &k, e);

	if (rc != RC_OK)
		return rc;
	snprintf(now, sizeof(now), "%lld", (long long)now_ms);
	rc = redis_script(r, &script_cache_ahead, 1, 2, argv, NULL, &reply, e);
	if (rc == RC_OK)
		freeReplyObject(reply);
	return rc;
}

static enum rc
ask(struct redis *r, const struct dataset *d, struct err *e)
{
	struct cache_keys k;
	char hours[24][4];
	const char *get[2 + FIELDS] = { "HMGET", k.meta,
		[2 + FRESH] = "fresh_ms", [2 + READ] = "last_read_ms",
		[2 + SINCE] = "hours_since_ms", [2 + COST] = "cost_ms" };
	const char *exists[] = { "EXISTS", k.value };
	enum rc rc = cache_keys(d, &k, e);

	for (int i = 0; i < 24; i++) {
		snprintf(hours[i], sizeof(hours[i]), "h%02d", i);
		get[2 + HOURS + i] = hours[i];
	}
	if (rc == RC_OK)
		rc = redis_add(r, 2 + FIELDS, get, NULL, e);
	return rc == RC_OK ? redis_add(r, 2, exists, NULL, e) : rc;
}

/* NULL: a key of another type; it has no habit. */
static void
take(const redisReply *meta, const redisReply *exists, struct cache_habit *h)
{
	*h = (struct cache_habit){ 0 };
	if (meta == NULL || meta->type != REDIS_REPLY_ARRAY ||
	    meta->elements != FIELDS)
		return;
	h->fresh_ms = redis_int(meta, FRESH, 0);
	h->read_ms = redis_int(meta, READ, 0);
	h->since_ms = redis_int(meta, SINCE, 0);
	h->cost_ms = redis_int(meta, COST, 0);
	h->there = h->fresh_ms > 0 && exists != NULL &&
		   exists->type == REDIS_REPLY_INTEGER && exists->integer == 1;
	for (int i = 0; i < 24; i++)
		if (meta->element[HOURS + i]->type == REDIS_REPLY_STRING)
			h->hours[i] =
			    strtold(meta->element[HOURS + i]->str, NULL);
}

enum rc
cache_habits(struct redis *r, const struct dataset *d, size_t n,
    struct cache_habit *out, struct err *e)
{
	redisReply *v[ASKS * DATASET_INDEXES * DATASET_SECTORS] = { NULL };
	struct err why = { 0 };
	enum rc rc = RC_OK;

	if (n > sizeof(v) / sizeof(v[0]) / ASKS)
		return err_set(e, RC_BUG, "cache: %zu datasets at once", n);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = ask(r, &d[i], e);
	if (rc != RC_OK)
		return rc;
	rc = redis_fetch(r, v, ASKS * n, &why);
	for (size_t i = 0; i < n; i++) {
		take(v[ASKS * i], v[ASKS * i + 1], &out[i]);
		for (size_t j = ASKS * i; j < ASKS * (i + 1); j++)
			if (v[j] != NULL)
				freeReplyObject(v[j]);
	}
	return rc == RC_OK || rc == RC_INVALID ? RC_OK
					       : err_set(e, rc, "%s", why.msg);
}

#include <stdio.h>
#include <string.h>

#include "store/cache.h"

enum {
	FETCHED,
	FRESH,
	ROWS,
	BYTES,
	SOURCE,
	HITS,
	STALE,
	MISSES,
	READ,
	COST,
	EARLY,
	PREDICTED,
	PREDICTED_AT,
	USED,
	USED_AT,
	FIELDS
};

static const char *const names[FIELDS] = { [FETCHED] = "fetched_us",
	[FRESH] = "fresh_ms",
	[ROWS] = "rows",
	[BYTES] = "bytes",
	[SOURCE] = "source",
	[HITS] = "hits",
	[STALE] = "stale",
	[MISSES] = "misses",
	[READ] = "last_read_ms",
	[COST] = "cost_ms",
	[EARLY] = "early",
	[PREDICTED] = "predicted",
	[PREDICTED_AT] = "predicted_ms",
	[USED] = "predicted_used",
	[USED_AT] = "used_ms" };

enum rc
cache_peek_ask(struct redis *r, const struct dataset *d, struct err *e)
{
	const char *get[2 + FIELDS] = { "HMGET" };
	const char *exists[] = { "EXISTS", NULL };
	struct cache_keys k;
	enum rc rc = cache_keys(d, &k, e);

	if (rc != RC_OK)
		return rc;
	get[1] = k.meta;
	memcpy(get + 2, names, sizeof(names));
	exists[1] = k.value;
	rc = redis_add(r, 2 + FIELDS, get, NULL, e);
	return rc == RC_OK ? redis_add(r, 2, exists, NULL, e) : rc;
}

void
cache_peek_read(redisReply *const replies[CACHE_PEEK], struct cache_about *out)
{
	const redisReply *meta = replies[0], *exists = replies[1];
	struct cache_about a = { 0 };

	*out = a;
	if (meta == NULL || meta->type != REDIS_REPLY_ARRAY ||
	    meta->elements != FIELDS)
		return;
	a.hits = redis_int(meta, HITS, 0);
	a.stale = redis_int(meta, STALE, 0);
	a.misses = redis_int(meta, MISSES, 0);
	a.read_ms = redis_int(meta, READ, 0);
	a.cost_ms = redis_int(meta, COST, 0);
	a.early = redis_int(meta, EARLY, 0);
	a.predicted = redis_int(meta, PREDICTED, 0);
	/* The last one is not among those yet (lua/cache_ahead.lua). */
	a.used = redis_int(meta, USED, 0) +
		 (redis_int(meta, PREDICTED_AT, 0) > 0 &&
		     redis_int(meta, USED_AT, 0) ==
			 redis_int(meta, PREDICTED_AT, 0));
	a.fetched_us = redis_int(meta, FETCHED, 0);
	a.fresh_ms = redis_int(meta, FRESH, 0);
	a.rows = redis_int(meta, ROWS, 0);
	a.bytes = redis_int(meta, BYTES, 0);
	if (meta->element[SOURCE]->type == REDIS_REPLY_STRING)
		snprintf(a.source, sizeof(a.source), "%s",
		    meta->element[SOURCE]->str);
	a.there = a.fetched_us > 0 && exists != NULL &&
		  exists->type == REDIS_REPLY_INTEGER && exists->integer == 1;
	*out = a;
}

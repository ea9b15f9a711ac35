#include <stdio.h>
#include <string.h>

#include "store/cache_part.h"

/* The replies of one reading, and the fields of its two HMGET. */
enum { META, VALUE, PLAIN, NOW, AFTER, PARTS };
enum {
	FETCHED,
	FRESH,
	EXPIRES,
	BYTES,
	ETAG,
	GZIP_BYTES,
	GZIP_ETAG,
	WRITTEN, /* those before it are written with the value */
	COST = WRITTEN,
	READ,
	AHEAD,
	FIELDS
};

#define TRIES 3

/*
 * Meta stands before and after the value: where both are the same, nothing
 * was written in between, and digest and bytes belong together.  (MULTI would
 * say so too, but a full Redis refuses it.)  GETRANGE and not GET: whatever
 * stands there has a ceiling.
 */
static enum rc
ask(struct redis *r, const struct cache_keys *k, int gzip, struct err *e)
{
	char last[24];
	const char *meta[] = { "HMGET", k->meta, "fetched_us", "fresh_ms",
		"expires_ms", "bytes", "etag", "gzip_bytes", "gzip_etag",
		"cost_ms", "last_read_ms", "predicted_ms" };
	const char *get[] = { "GETRANGE", gzip ? k->gzip : k->value, "0",
		last };
	const char *plain[] = { "STRLEN", k->value };
	const char *now[] = { "TIME" };
	const struct {
		int argc;
		const char *const *argv;
	} commands[PARTS] = { [META] = { 2 + FIELDS, meta },
		[VALUE] = { 4, get },
		[PLAIN] = { 2, plain },
		[NOW] = { 1, now },
		[AFTER] = { 2 + WRITTEN, meta } };
	enum rc rc = RC_OK;

	snprintf(last, sizeof(last), "%lld", (long long)LIMIT_ENVELOPE);
	for (int i = 0; i < PARTS && rc == RC_OK; i++)
		rc = redis_add(r, commands[i].argc, commands[i].argv, NULL, e);
	return rc;
}

static void
free_replies(redisReply *v[PARTS])
{
	for (int i = 0; i < PARTS; i++) {
		if (v[i] != NULL)
			freeReplyObject(v[i]);
		v[i] = NULL;
	}
}

/* Was the same written, so far as we read it? */
static int
is_same(const redisReply *a, const redisReply *b)
{
	for (size_t i = 0; i < WRITTEN; i++) {
		const redisReply *x = a->element[i], *y = b->element[i];

		if (x->type != y->type ||
		    (x->type == REDIS_REPLY_STRING &&
			(x->len != y->len ||
			    memcmp(x->str, y->str, x->len) != 0)))
			return 0;
	}
	return 1;
}

/* PARTS replies; one of a key of another type is NULL. */
static enum rc
read_once(struct redis *r, const struct cache_keys *k, int gzip,
    redisReply *v[PARTS], struct err *e)
{
	struct err why = { 0 };
	enum rc rc = ask(r, k, gzip, &why);

	if (rc == RC_OK)
		rc = redis_fetch(r, v, PARTS, &why);
	if (rc == RC_OK || (rc == RC_INVALID && v[NOW] != NULL))
		return RC_OK;
	free_replies(v);
	return err_set(e, rc, "%s", why.msg);
}

static enum rc
read_all(struct redis *r, const struct cache_keys *k, int gzip,
    redisReply *v[PARTS], struct err *e)
{
	for (int i = 0; i < TRIES; i++) {
		enum rc rc = read_once(r, k, gzip, v, e);

		if (rc != RC_OK)
			return rc;
		if (v[META] == NULL || v[AFTER] == NULL ||
		    is_same(v[META], v[AFTER]))
			return RC_OK;
		free_replies(v);
	}
	return err_set(e, RC_BUSY, "%s is being written", k->value);
}

/* Is the value the one that meta tells of? */
static int
is_ours(redisReply *const v[PARTS], int gzip)
{
	const redisReply *value = v[VALUE], *meta = v[META], *plain = v[PLAIN];

	if (value == NULL || meta == NULL || plain == NULL ||
	    v[AFTER] == NULL || redis_int(meta, FETCHED, 0) <= 0 ||
	    plain->integer <= 0 || plain->integer > LIMIT_ENVELOPE ||
	    redis_int(meta, BYTES, -1) != plain->integer)
		return 0;
	if (gzip)
		return value->len > 0 &&
		       redis_int(meta, GZIP_BYTES, -1) == (int64_t)value->len;
	return value->len >= strlen(CACHE_HEAD) &&
	       memcmp(value->str, CACHE_HEAD, strlen(CACHE_HEAD)) == 0;
}

/* Is it fresh, by what meta tells? */
static int
is_fresh(redisReply *const v[PARTS])
{
	const struct cache_entry entry = { .fetched_us =
					       redis_int(v[META], FETCHED, 0),
		.fresh_ms = redis_int(v[META], FRESH, 0),
		.now_ms = redis_reply_us(v[NOW]) / 1000 };

	return cache_age(&entry, -1) == CACHE_FRESH;
}

/* The value passes into s. */
static void
fill(struct cache_served *s, redisReply *v[PARTS], int gzip)
{
	const redisReply *etag = v[META]->element[gzip ? GZIP_ETAG : ETAG];
	struct cache_entry *entry = &s->entry;

	entry->bytes = v[VALUE]->str;
	entry->len = v[VALUE]->len;
	entry->fetched_us = redis_int(v[META], FETCHED, 0);
	entry->fresh_ms = redis_int(v[META], FRESH, 0);
	entry->expires_ms = redis_int(v[META], EXPIRES, entry->expires_ms);
	entry->state = cache_age(entry, -1);
	entry->reply = v[VALUE];
	v[VALUE] = NULL;
	s->gzip = gzip;
	if (etag->type == REDIS_REPLY_STRING && etag->len == DIGEST - 1)
		memcpy(s->etag, etag->str, DIGEST);
}

enum rc
cache_serve(struct redis *r, const struct cache_keys *k, int gzip,
    struct cache_served *out, struct err *e)
{
	redisReply *v[PARTS] = { NULL };
	struct cache_served s = { 0 };
	enum rc rc = read_all(r, k, gzip, v, e);

	/* A stale one is asked for plain: see cache.h. */
	if (rc == RC_OK && gzip && !(is_ours(v, gzip) && is_fresh(v))) {
		free_replies(v);
		gzip = 0;
		rc = read_all(r, k, gzip, v, e);
	}
	if (rc != RC_OK)
		return rc;
	s.entry.now_ms = redis_reply_us(v[NOW]) / 1000;
	s.entry.expires_ms = s.entry.now_ms + CACHE_MISS_KEPT_MS;
	if (is_ours(v, gzip))
		fill(&s, v, gzip);
	if (v[META] != NULL) {
		s.entry.cost_ms = redis_int(v[META], COST, 0);
		s.entry.read_ms = redis_int(v[META], READ, 0);
		s.entry.ahead_ms = redis_int(v[META], AHEAD, 0);
		cache_count_add(k, &s.entry, redis_tell, r);
	}
	redis_send(r);
	free_replies(v);
	*out = s;
	return RC_OK;
}

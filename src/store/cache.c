#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/ahead.h"
#include "store/cache_part.h"

#define CLOCK_SLACK_MS 60000
#define MEMBERS_KEPT_S (30 * INT64_C(86400))

/* The others, named after the key of the value. */
static void
companions(struct cache_keys *k)
{
	snprintf(k->meta, sizeof(k->meta), "stocknity:meta:{%.*s}", LIMIT_KEY,
	    k->value);
	snprintf(k->gzip, sizeof(k->gzip), "stocknity:gzip:{%.*s}", LIMIT_KEY,
	    k->value);
	snprintf(k->members, sizeof(k->members), "stocknity:members:{%.*s}",
	    LIMIT_KEY, k->value);
	snprintf(k->asked, sizeof(k->asked), "stocknity:asked:{%.*s}",
	    LIMIT_KEY, k->value);
	snprintf(k->failed, sizeof(k->failed), "stocknity:failed:{%.*s}",
	    LIMIT_KEY, k->value);
}

int
cache_is_returns(const struct dataset *d)
{
	return strcmp(d->sector, CACHE_RETURNS) == 0;
}

enum rc
cache_keys(const struct dataset *d, struct cache_keys *k, struct err *e)
{
	int returns = cache_is_returns(d);
	int n = snprintf(k->value, LIMIT_KEY, "%s%s%s%s%s",
	    returns ? CACHE_RETURNS : "stock_data", d->index[0] ? ":" : "",
	    d->index, returns ? "" : ":", returns ? "" : d->sector);

	if (n < 0 || n >= LIMIT_KEY)
		return err_set(e, RC_BUG, "cache: key too long");
	companions(k);
	return RC_OK;
}

static const char *
decimal(char buf[24], int64_t v)
{
	snprintf(buf, 24, "%lld", (long long)v);
	return buf;
}

static void
free_replies(redisReply **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] != NULL)
			freeReplyObject(v[i]);
}

/* Value, meta and time in one go.  A key of another type is a NULL reply. */
static enum rc
read_all(struct redis *r, const struct cache_keys *k, redisReply *v[3],
    struct err *e)
{
	/* GETRANGE and not GET: whatever stands there has a ceiling. */
	char last[24];
	const char *get[] = { "GETRANGE", k->value, "0",
		decimal(last, LIMIT_ENVELOPE) };
	const char *meta[] = { "HMGET", k->meta, "fetched_us", "fresh_ms",
		"expires_ms", "bytes", "cost_ms", "last_read_ms",
		"predicted_ms" };
	const char *now[] = { "TIME" };
	struct err why = { 0 };
	enum rc rc;

	rc = redis_add(r, 4, get, NULL, &why);
	if (rc == RC_OK)
		rc = redis_add(r, 9, meta, NULL, &why);
	if (rc == RC_OK)
		rc = redis_add(r, 1, now, NULL, &why);
	if (rc == RC_OK)
		rc = redis_fetch(r, v, 3, &why);
	if (rc == RC_OK || (rc == RC_INVALID && v[2] != NULL))
		return RC_OK;
	return err_set(e, rc, "%s", why.msg);
}

/* Is this the first read of what was fetched because it was likely? */
static int
is_used(const struct cache_entry *entry)
{
	return entry->state == CACHE_FRESH && entry->ahead_ms > 0 &&
	       entry->fetched_us / 1000 >= entry->ahead_ms;
}

/* The day counts for this hour, if it has not been read within it yet.  Several
 * readers may be the first, as far as they know: the script counts one. */
static size_t
count_hour(const struct cache_keys *k, const struct cache_entry *entry,
    cache_add *add, struct redis *r)
{
	char weight[40];
	/* By its text: nobody waits for the answer, and so for NOSCRIPT. */
	const char *argv[] = { "EVAL", script_cache_hour.text, "1", k->meta,
		weight };

	if (entry->read_ms / 3600000 == entry->now_ms / 3600000)
		return 0;
	snprintf(weight, sizeof(weight), "%.17Lg", ahead_weight(entry->now_ms));
	return add(r, 5, argv, NULL, NULL) == RC_OK;
}

size_t
cache_count_add(const struct cache_keys *k, const struct cache_entry *entry,
    cache_add *add, struct redis *r)
{
	static const char *const names[] = { [CACHE_ABSENT] = "misses",
		[CACHE_FRESH] = "hits",
		[CACHE_STALE] = "stale" };
	char now[24], expires[24], ahead[24];
	const char *incr[] = { "HINCRBY", k->meta, names[entry->state], "1" };
	const char *set[] = { "HSET", k->meta, "last_read_ms",
		decimal(now, entry->now_ms), "used_ms",
		decimal(ahead, entry->ahead_ms) };
	/* Meta that expired meanwhile must not come back to stay. */
	const char *expire[] = { "PEXPIREAT", k->meta,
		decimal(expires, entry->expires_ms) };
	size_t n;

	if (add(r, 4, incr, NULL, NULL) != RC_OK)
		return 0;
	if (add(r, is_used(entry) ? 6 : 4, set, NULL, NULL) != RC_OK)
		return 1;
	n = 2 + count_hour(k, entry, add, r);
	return n + (add(r, 3, expire, NULL, NULL) == RC_OK);
}

/*
 * Count a read.  A cache that cannot count (full, read-only) is read all the
 * same, so that no failure matters here.
 */
static void
count_read(struct redis *r, const struct cache_keys *k,
    const struct cache_entry *entry)
{
	redisReply *v[CACHE_COUNTS] = { NULL };
	size_t n = cache_count_add(k, entry, redis_add, r);

	redis_fetch(r, v, n, NULL);
	free_replies(v, n);
}

static int
is_ours(const redisReply *value, const redisReply *meta)
{
	return value->len <= LIMIT_ENVELOPE &&
	       value->len >= strlen(CACHE_HEAD) &&
	       memcmp(value->str, CACHE_HEAD, strlen(CACHE_HEAD)) == 0 &&
	       redis_int(meta, 0, 0) > 0 &&
	       redis_int(meta, 3, -1) == (int64_t)value->len;
}

enum cache_state
cache_age(const struct cache_entry *entry, int64_t max_age_ms)
{
	int64_t ms = entry->now_ms - entry->fetched_us / 1000;
	int fresh =
	    max_age_ms < 0 ? entry->now_ms < entry->fresh_ms : ms <= max_age_ms;

	if (ms < -CLOCK_SLACK_MS) /* from before the clock was set back */
		fresh = 0;
	return fresh ? CACHE_FRESH : CACHE_STALE;
}

enum rc
cache_get(struct redis *r, const struct dataset *d, int64_t max_age_ms,
    enum cache_count count, struct cache_entry *out, int *foreign,
    struct err *e)
{
	redisReply *v[3] = { NULL, NULL, NULL }; /* value, meta, time */
	struct cache_entry entry = { 0 };
	int64_t expires_ms;
	struct cache_keys k;
	enum rc rc;
	int odd;

	rc = cache_keys(d, &k, e);
	if (rc == RC_OK)
		rc = read_all(r, &k, v, e);
	if (rc != RC_OK)
		goto out;
	entry.now_ms = redis_reply_us(v[2]) / 1000;
	expires_ms = entry.now_ms + CACHE_MISS_KEPT_MS;
	odd = v[0] == NULL || v[1] == NULL ||
	      (v[0]->len > 0 && !is_ours(v[0], v[1]));
	if (!odd && v[0]->len > 0) {
		entry.bytes = v[0]->str;
		entry.len = v[0]->len;
		entry.fetched_us = redis_int(v[1], 0, 0);
		entry.fresh_ms = redis_int(v[1], 1, 0);
		expires_ms = redis_int(v[1], 2, expires_ms);
		entry.state = cache_age(&entry, max_age_ms);
		entry.reply = v[0];
		v[0] = NULL;
	}
	entry.expires_ms = expires_ms;
	if (v[1] != NULL) {
		entry.cost_ms = redis_int(v[1], 4, 0);
		entry.read_ms = redis_int(v[1], 5, 0);
		entry.ahead_ms = redis_int(v[1], 6, 0);
	}
	if (v[1] != NULL && count == CACHE_COUNT_ALL)
		count_read(r, &k, &entry);
	if (foreign != NULL)
		*foreign = odd;
	*out = entry;
out:
	free_replies(v, 3);
	return rc;
}

void
cache_count_read(
    struct redis *r, const struct dataset *d, const struct cache_entry *entry)
{
	struct cache_keys k;

	if (cache_keys(d, &k, NULL) == RC_OK)
		count_read(r, &k, entry);
}

enum rc
cache_newest(
    struct redis *r, const struct dataset *d, int64_t *fence_us, struct err *e)
{
	struct cache_keys k;
	redisReply *reply;
	enum rc rc = cache_keys(d, &k, e);
	const char *argv[] = { "HMGET", k.meta, "fetched_us" };

	if (rc == RC_OK)
		rc = redis_call(r, 3, argv, NULL, &reply, e);
	if (rc == RC_INVALID) { /* a key of another type */
		*fence_us = 0;
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	*fence_us = redis_int(reply, 0, 0);
	freeReplyObject(reply);
	return RC_OK;
}

void
cache_entry_fini(struct cache_entry *entry)
{
	if (entry->reply != NULL)
		freeReplyObject(entry->reply);
	*entry = (struct cache_entry){ 0 };
}

/* What cache_put.lua answered. */
static enum rc
put_result(const redisReply *reply, const struct cache_value *v, struct err *e)
{
	char when[32];

	switch (redis_int(reply, 0, -1)) {
	case 0:
		return RC_OK;
	case 1:
		return err_set(e, RC_BUSY, "newer data is in the cache");
	case 2:
		if (reply->elements < 3)
			break;
		return err_set(e, RC_DENIED,
		    "%.100s in Redis is not ours, but a %.20s: rename or "
		    "delete it, or use another REDIS_DB",
		    reply->element[1]->str, reply->element[2]->str);
	case 3:
		clock_utc(redis_int(reply, 2, 0) / 1000, when, sizeof(when));
		return err_set(e, RC_INVALID,
		    "held back: %lld rows where %lld were; a sweep after %s "
		    "that agrees is stored",
		    (long long)v->rows, (long long)redis_int(reply, 1, 0),
		    strlen(when) == 20 ? when + 11 : when);
	}
	return err_set(e, RC_STORE, "cache_put: unexpected answer");
}

enum rc
cache_put(struct redis *r, const struct config *c, const struct dataset *d,
    const struct cache_value *v, struct err *e)
{
	enum {
		VALUE,
		META,
		GZIP,
		BYTES,
		FENCE,
		FRESH,
		STALE,
		ROWS,
		SOURCE,
		HASH,
		GUARD,
		ETAG,
		PACKED,
		PACKED_ETAG,
		COST,
		N
	};
	char fence[24], fresh[24], stale[24], rows[24], cost[24];
	char etag[DIGEST], packed_etag[DIGEST] = "";
	size_t lens[N];
	redisReply *reply;
	struct cache_keys k;
	enum rc rc;

	if (v->len > LIMIT_ENVELOPE)
		return err_set(e, RC_INVALID, "a dataset of %zu bytes", v->len);
	if (v->source == NULL || v->hash == NULL)
		return err_set(e, RC_BUG, "cache: a dataset without a source");
	rc = cache_keys(d, &k, e);
	if (rc != RC_OK)
		return rc;
	const char *argv[N] = {
		[VALUE] = k.value,
		[META] = k.meta,
		[GZIP] = k.gzip,
		[BYTES] = v->bytes,
		[FENCE] = decimal(fence, v->fence_us),
		[FRESH] = decimal(fresh, v->fresh_ms),
		[STALE] = decimal(stale, c->stale_ttl * 1000),
		[ROWS] = decimal(rows, v->rows),
		[SOURCE] = v->source,
		[HASH] = v->hash,
		[GUARD] = v->guard_shrink ? "1" : "0",
		[ETAG] = etag,
		[PACKED] = v->packed != NULL ? v->packed : "",
		[PACKED_ETAG] = packed_etag,
		[COST] = decimal(cost, v->cost_ms),
	};
	digest_text(v->bytes, v->len, etag);
	if (v->packed != NULL)
		digest_text(v->packed, v->packed_len, packed_etag);
	for (int i = 0; i < N; i++)
		lens[i] = i == BYTES                         ? v->len
			  : i == PACKED && v->packed != NULL ? v->packed_len
							     : strlen(argv[i]);
	rc = redis_script(r, &script_cache_put, 3, N, argv, lens, &reply, e);
	if (rc != RC_OK)
		return rc;
	rc = put_result(reply, v, e);
	freeReplyObject(reply);
	return rc;
}

/* A text of at most max bytes; RC_NOTFOUND: none, or not one of ours. */
static enum rc
text_get(
    struct redis *r, const char *key, int64_t max, char **out, struct err *e)
{
	char last[24], *copy = NULL;
	const char *argv[] = { "GETRANGE", key, "0", decimal(last, max) };
	redisReply *reply;
	enum rc rc;

	rc = redis_call(r, 4, argv, NULL, &reply, e);
	if (rc == RC_INVALID)
		return err_set(e, RC_NOTFOUND, "%s is not ours", key);
	if (rc != RC_OK)
		return rc;
	if (reply->type != REDIS_REPLY_STRING || reply->len == 0 ||
	    reply->len > (size_t)max)
		rc = err_set(e, RC_NOTFOUND, "no %s", key);
	else if ((copy = strdup(reply->str)) == NULL)
		rc = err_set(e, RC_NOMEM, "%s: out of memory", key);
	else
		*out = copy;
	freeReplyObject(reply);
	return rc;
}

static enum rc
text_put(struct redis *r, const char *key, const char *text, size_t len,
    int64_t ttl_s, struct err *e)
{
	char ttl[24];
	const char *argv[] = { "SET", key, text, "EX",
		decimal(ttl, ttl_s > 0 ? ttl_s : 1) };
	size_t lens[] = { 3, strlen(key), len, 2, strlen(ttl) };
	redisReply *reply;
	enum rc rc;

	rc = redis_call(r, 5, argv, lens, &reply, e);
	if (rc == RC_OK)
		freeReplyObject(reply);
	return rc;
}

enum rc
cache_members_get(
    struct redis *r, const struct dataset *d, char **out, struct err *e)
{
	struct cache_keys k;
	enum rc rc = cache_keys(d, &k, e);

	return rc != RC_OK ? rc : text_get(r, k.members, LIMIT_BODY, out, e);
}

enum rc
cache_members_put(struct redis *r, const struct dataset *d, const char *text,
    size_t len, struct err *e)
{
	struct cache_keys k;
	enum rc rc = cache_keys(d, &k, e);

	if (rc == RC_OK && len > LIMIT_BODY)
		rc = err_set(e, RC_INVALID, "members of %zu bytes", len);
	return rc != RC_OK
		   ? rc
		   : text_put(r, k.members, text, len, MEMBERS_KEPT_S, e);
}

static void
session_key(const char *source, char key[LIMIT_KEY])
{
	snprintf(key, LIMIT_KEY, "stocknity:session:{%s}", source);
}

enum rc
cache_session_get(
    struct redis *r, const char *source, char **out, struct err *e)
{
	char key[LIMIT_KEY];

	session_key(source, key);
	return text_get(r, key, LIMIT_HEADERS, out, e);
}

enum rc
cache_session_put(struct redis *r, const char *source, const char *session,
    int64_t ttl_s, struct err *e)
{
	char key[LIMIT_KEY];

	session_key(source, key);
	return text_put(r, key, session, strlen(session), ttl_s, e);
}

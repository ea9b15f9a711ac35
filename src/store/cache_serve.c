#include <stdio.h>
#include <string.h>

#include "store/cache_part.h"

/* Elements of the EXEC, and fields of its HMGET. */
enum { VALUE, META, PLAIN, NOW, PARTS };
enum { FETCHED, FRESH, EXPIRES, BYTES, ETAG, GZIP_BYTES, GZIP_ETAG, FIELDS };

#define COMMANDS (PARTS + 2) /* with MULTI and EXEC */

/*
 * MULTI makes it one moment, so that digest and bytes belong together.
 * GETRANGE and not GET: whatever stands there has a ceiling.
 */
static enum rc
ask(struct redis *r, const struct cache_keys *k, int gzip, struct err *e)
{
	char last[24];
	const char *multi[] = { "MULTI" }, *exec[] = { "EXEC" };
	const char *get[] = { "GETRANGE", gzip ? k->gzip : k->value, "0",
		last };
	const char *meta[] = { "HMGET", k->meta, "fetched_us", "fresh_ms",
		"expires_ms", "bytes", "etag", "gzip_bytes", "gzip_etag" };
	const char *plain[] = { "STRLEN", k->value };
	const char *now[] = { "TIME" };
	const struct {
		int argc;
		const char *const *argv;
	} commands[COMMANDS] = { { 1, multi }, { 4, get }, { 2 + FIELDS, meta },
		{ 2, plain }, { 1, now }, { 1, exec } };
	enum rc rc = RC_OK;

	snprintf(last, sizeof(last), "%lld", (long long)LIMIT_ENVELOPE);
	for (int i = 0; i < COMMANDS && rc == RC_OK; i++)
		rc = redis_add(r, commands[i].argc, commands[i].argv, NULL, e);
	return rc;
}

/* The answer to EXEC: PARTS elements, any of which may be an error. */
static enum rc
read_all(struct redis *r, const struct cache_keys *k, int gzip,
    redisReply **out, struct err *e)
{
	redisReply *v[COMMANDS] = { NULL };
	enum rc rc = ask(r, k, gzip, e);

	if (rc == RC_OK)
		rc = redis_fetch(r, v, COMMANDS, e);
	if (rc == RC_OK && (v[COMMANDS - 1]->type != REDIS_REPLY_ARRAY ||
			       v[COMMANDS - 1]->elements != PARTS))
		rc = err_set(e, RC_STORE, "cache: unexpected answer");
	if (rc == RC_OK) {
		*out = v[COMMANDS - 1];
		v[COMMANDS - 1] = NULL;
	}
	for (int i = 0; i < COMMANDS; i++)
		if (v[i] != NULL)
			freeReplyObject(v[i]);
	return rc;
}

/* Is the value the one that meta tells of? */
static int
is_ours(const redisReply *exec, int gzip)
{
	const redisReply *value = exec->element[VALUE];
	const redisReply *meta = exec->element[META];
	const redisReply *plain = exec->element[PLAIN];

	return value->type == REDIS_REPLY_STRING &&
	       meta->type == REDIS_REPLY_ARRAY &&
	       plain->type == REDIS_REPLY_INTEGER && plain->integer > 0 &&
	       plain->integer <= LIMIT_ENVELOPE &&
	       redis_int(meta, BYTES, -1) == plain->integer &&
	       redis_int(meta, FETCHED, 0) > 0 &&
	       (gzip ? (int64_t)value->len == redis_int(meta, GZIP_BYTES, -1) &&
			   value->len > 0
		     : value->len >= strlen(CACHE_HEAD) &&
			   memcmp(value->str, CACHE_HEAD, strlen(CACHE_HEAD)) ==
			       0);
}

static void
fill(struct cache_served *s, redisReply *exec, int gzip)
{
	const redisReply *meta = exec->element[META], *etag;
	struct cache_entry *entry = &s->entry;

	etag = meta->element[gzip ? GZIP_ETAG : ETAG];
	entry->bytes = exec->element[VALUE]->str;
	entry->len = exec->element[VALUE]->len;
	entry->fetched_us = redis_int(meta, FETCHED, 0);
	entry->fresh_ms = redis_int(meta, FRESH, 0);
	entry->expires_ms = redis_int(meta, EXPIRES, entry->expires_ms);
	entry->state = cache_age(entry, -1);
	entry->reply = exec;
	s->gzip = gzip;
	if (etag->type == REDIS_REPLY_STRING && etag->len == DIGEST - 1)
		memcpy(s->etag, etag->str, DIGEST);
}

enum rc
cache_serve(struct redis *r, const struct cache_keys *k, int gzip,
    struct cache_served *out, struct err *e)
{
	struct cache_served s = { 0 };
	redisReply *exec = NULL;
	enum rc rc = read_all(r, k, gzip, &exec, e);

	if (rc == RC_OK && gzip && !is_ours(exec, gzip)) {
		freeReplyObject(exec);
		exec = NULL;
		gzip = 0;
		rc = read_all(r, k, gzip, &exec, e);
	}
	if (rc != RC_OK)
		return rc;
	s.entry.now_ms = redis_reply_us(exec->element[NOW]) / 1000;
	s.entry.expires_ms = s.entry.now_ms + CACHE_MISS_KEPT_MS;
	if (is_ours(exec, gzip))
		fill(&s, exec, gzip);
	cache_count_add(k, &s.entry, redis_tell, r);
	redis_send(r);
	if (s.entry.reply == NULL)
		freeReplyObject(exec);
	*out = s;
	return RC_OK;
}

enum rc
cache_clear(struct redis *r, const struct dataset *d, int64_t *n, struct err *e)
{
	struct cache_keys k;
	redisReply *v[2];
	enum rc rc = cache_keys(d, &k, e);
	const char *value[] = { "UNLINK", k.value };
	const char *gzip[] = { "UNLINK", k.gzip };

	if (rc == RC_OK)
		rc = redis_add(r, 2, value, NULL, e);
	if (rc == RC_OK)
		rc = redis_add(r, 2, gzip, NULL, e);
	if (rc == RC_OK)
		rc = redis_fetch(r, v, 2, e);
	if (rc != RC_OK)
		return rc;
	*n = v[0]->integer;
	freeReplyObject(v[0]);
	freeReplyObject(v[1]);
	return RC_OK;
}

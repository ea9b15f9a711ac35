#include <stdlib.h>
#include <string.h>

#include "annual.h"
#include "base/clock.h"
#include "data/envelope.h"
#include "publish.h"
#include "store/cache.h"

struct annual {
	const struct drive_env *env;
	struct drive *drive;
	struct member *members;
	struct returns *returns;
	unsigned char *taken;
	size_t n;
};

void
annual_end(struct annual *a)
{
	if (a == NULL)
		return;
	drive_end(a->drive);
	free(a->members);
	free(a->returns);
	free(a->taken);
	free(a);
}

enum rc
annual_begin(struct annual **out, const struct drive_env *env,
    const char *const *tickers, size_t n, int64_t deadline_ms, struct err *e)
{
	struct annual *a = calloc(1, sizeof(*a));
	struct query q = { .dataset = { DATASET_ANY, DATASET_ANY },
		.config = env->config,
		.nmembers = n };
	enum rc rc;

	if (a != NULL) {
		a->env = env;
		a->n = n;
		a->members = calloc(n + 1, sizeof(*a->members));
		a->returns = calloc(n + 1, sizeof(*a->returns));
		a->taken = calloc(n + 1, 1);
	}
	if (a == NULL || a->members == NULL || a->returns == NULL ||
	    a->taken == NULL) {
		annual_end(a);
		return err_set(e, RC_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < n; i++)
		a->members[i].ticker = tickers[i];
	q.members = a->members;
	q.returns = a->returns;
	rc = n == 0 ? RC_OK
		    : drive_begin(&a->drive, env, &source_yahoo_year, &q,
			  deadline_ms, e);
	if (rc != RC_OK) {
		annual_end(a);
		return rc;
	}
	*out = a;
	return RC_OK;
}

enum rc
annual_step(struct annual *a, int64_t timeout_ms, struct err *e)
{
	int64_t now_ms = clock_mono_ms(), wake_ms = now_ms;
	enum rc rc;

	if (a->drive == NULL)
		return RC_OK;
	rc = drive_step(a->drive, now_ms, &wake_ms, e);
	if (rc != RC_BUSY)
		return rc;
	if (wake_ms - now_ms < timeout_ms)
		timeout_ms = wake_ms > now_ms ? wake_ms - now_ms : 0;
	rc = http_poll(a->env->http, timeout_ms, e);
	return rc == RC_OK ? RC_BUSY : rc;
}

const struct returns *
annual_next(struct annual *a, const char **ticker)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->returns[i].answered && !a->taken[i]) {
			a->taken[i] = 1;
			*ticker = a->members[i].ticker;
			return &a->returns[i];
		}
	return NULL;
}

void
annual_progress(const struct annual *a, struct drive_progress *p)
{
	*p = (struct drive_progress){ 0 };
	if (a->drive != NULL)
		drive_progress(a->drive, clock_mono_ms(), p);
}

int64_t
annual_wait_ms(const struct annual *a)
{
	return a->drive != NULL ? drive_wait_ms(a->drive) : 0;
}

enum rc
annual_tickers(struct redis *redis, const char *index, struct buf *out,
    size_t *n, struct err *e)
{
	struct dataset d = { index, DATASET_ANY };
	struct cache_entry entry = { 0 };
	struct envelope_head head;
	struct table t;
	enum rc rc;

	table_init(&t);
	rc = cache_get(redis, &d, -1, CACHE_COUNT_NONE, &entry, NULL, e);
	if (rc == RC_OK && entry.state != CACHE_FRESH)
		rc = err_set(
		    e, RC_NOTFOUND, "%s is not fresh in the cache", index);
	if (rc == RC_OK)
		rc = envelope_read(entry.bytes, entry.len, &head, &t, e);
	for (size_t i = 0; i < t.count && rc == RC_OK; i++) {
		buf_adds(out, i > 0 ? " " : "");
		buf_adds(out, t.rows[i].v[FIELD_TICKER].u.text);
	}
	*n = t.count;
	table_fini(&t);
	cache_entry_fini(&entry);
	return rc == RC_OK ? buf_check(out, "tickers", e) : rc;
}

/* What the cache is to know of a document; it finds the hash in its head. */
static enum rc
put(const struct config *c, struct redis *redis, const struct dataset *d,
    const struct envelope *env, int64_t fence_us, const struct buf *b,
    struct err *e)
{
	static const char key[] = "\"data_hash\":\"";
	const char *at = strstr(b->data, key);
	char hash[33] = "";

	if (at != NULL)
		memcpy(hash, at + sizeof(key) - 1, 32);
	return publish_put(c, redis, d,
	    &(struct cache_value){ .bytes = b->data,
		.len = b->len,
		.fence_us = fence_us,
		.fresh_ms = env->fresh_ms,
		.rows = (int64_t)env->nrecords,
		.source = env->source,
		.hash = hash,
		.guard_shrink = 1 },
	    e);
}

enum rc
annual_publish(const struct config *c, struct redis *redis,
    const struct annual_document *doc, struct buf *b, enum rc *rc_of,
    struct err *stored, struct err *e)
{
	const char **records = calloc(doc->n + 1, sizeof(*records));
	struct dataset key = { doc->index, CACHE_RETURNS };
	struct dataset plain = { "", CACHE_RETURNS };
	struct envelope env = { .dataset = { doc->index, DATASET_ANY },
		.source = source_yahoo_year.name,
		.members = doc->members,
		.fetched_ms = doc->fence_us / 1000,
		.total = (int64_t)doc->n,
		.records = records };
	enum rc rc;

	if (records == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (strcmp(c->yahoo_url, source_yahoo_year.origin) != 0)
		env.origin = c->yahoo_url;
	env.fresh_ms = env.fetched_ms + c->annual_returns_ttl * 1000;
	for (size_t i = 0; i < doc->n; i++)
		if (doc->records[i] != NULL)
			records[env.nrecords++] = doc->records[i];
	envelope_write(b, &env);
	rc = buf_check(b, "annual returns", e);
	*stored = (struct err){ 0 };
	/* First what the application reads: it is not asked for again. */
	if (rc == RC_OK && redis != NULL &&
	    strcmp(doc->index, DATASET_DEFAULT_INDEX) == 0)
		(void)put(c, redis, &plain, &env, doc->fence_us, b, stored);
	if (rc == RC_OK && redis != NULL)
		(void)put(c, redis, &key, &env, doc->fence_us, b, stored);
	*rc_of = env.nrecords < doc->n ? RC_PARTIAL : RC_OK;
	free(records);
	return rc;
}

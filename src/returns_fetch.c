#include <stdlib.h>
#include <string.h>

#include "annual.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/envelope.h"
#include "membership.h"
#include "returns_fetch.h"
#include "store/cache.h"

#define STEP_MS     200
#define DEADLINE_MS INT64_C(21600000)

/* The work in the foreground. */
struct work {
	const struct config *config;
	const struct returns_request *request;
	struct drive_env env;
	struct table members;
	char from[64];
	const char **tickers;
	char **records;
	size_t n, answered;
	int64_t fence_us;
};

/* Who is in the index. */
static enum rc
find_tickers(struct work *w, struct err *e)
{
	struct dataset d = { w->request->index, DATASET_ANY };
	struct cache_entry entry = { 0 };
	struct envelope_head head;
	enum rc rc = RC_NOTFOUND;

	if (w->env.redis != NULL &&
	    cache_get(w->env.redis, &d, -1, CACHE_COUNT_NONE, &entry, NULL,
		NULL) == RC_OK &&
	    entry.state == CACHE_FRESH)
		rc = envelope_read(
		    entry.bytes, entry.len, &head, &w->members, e);
	cache_entry_fini(&entry);
	if (rc != RC_OK)
		rc = membership_load(w->config, w->env.redis, &d, &w->members,
		    w->from, sizeof(w->from), e);
	if (rc != RC_OK)
		return rc;
	w->n = w->members.count;
	w->tickers = calloc(w->n + 1, sizeof(*w->tickers));
	w->records = calloc(w->n + 1, sizeof(*w->records));
	if (w->tickers == NULL || w->records == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	for (size_t i = 0; i < w->n; i++)
		w->tickers[i] = w->members.rows[i].v[FIELD_TICKER].u.text;
	return RC_OK;
}

static enum rc
take(struct work *w, struct annual *a, struct err *e)
{
	const struct returns *r;
	const char *ticker;

	while ((r = annual_next(a, &ticker)) != NULL) {
		struct buf b;
		size_t i = 0;

		while (w->tickers[i] != ticker)
			i++;
		buf_init(&b, LIMIT_RECORD);
		returns_record(&b, r, ticker);
		w->records[i] = buf_take(&b);
		w->answered += w->records[i] != NULL;
		buf_fini(&b);
		if (w->records[i] == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
	}
	return RC_OK;
}

static enum rc
ask(struct work *w, struct err *e)
{
	struct annual *a = NULL;
	struct drive_progress p;
	struct err why;
	enum rc rc = annual_begin(
	    &a, &w->env, w->tickers, w->n, clock_mono_ms() + DEADLINE_MS, e);

	while (rc == RC_OK) {
		annual_progress(a, &p);
		if (!w->request->watch(
			w->request->arg, w->request->index, &p)) {
			rc = err_set(e, RC_BUSY, "told to stop");
			break;
		}
		rc = annual_step(a, STEP_MS, e);
		if (take(w, a, &why) != RC_OK)
			rc = err_set(e, why.rc, "%s", why.msg);
		else if (rc == RC_OK)
			break;
		else if (rc == RC_BUSY)
			rc = RC_OK;
	}
	annual_end(a);
	return rc;
}

static enum rc
publish(struct work *w, struct buf *b, enum rc *what, struct err *e)
{
	struct err stored;
	enum rc rc = annual_publish(w->config, w->env.redis,
	    &(struct annual_document){ .index = w->request->index,
		.members = w->from[0] != '\0' ? w->from : NULL,
		.fence_us = w->fence_us,
		.records = (const char *const *)w->records,
		.n = w->n },
	    b, what, &stored, e);

	if (rc == RC_OK && stored.rc != RC_OK)
		log_warn("annual returns of %s: not cached: %s",
		    w->request->index, stored.msg);
	return rc;
}

static enum rc
run(struct work *w, struct buf *b, enum rc *what, struct err *e)
{
	struct err why = { 0 };
	enum rc rc = find_tickers(w, e);

	if (rc == RC_OK)
		rc = guard_open(&w->env.guard, w->config, w->env.redis, e);
	if (rc == RC_OK)
		rc = http_open(&w->env.http, w->config, e);
	w->fence_us = clock_wall_us();
	if (rc == RC_OK && w->env.redis != NULL)
		rc = redis_time_us(w->env.redis, &w->fence_us, e);
	if (rc != RC_OK)
		return rc;
	rc = ask(w, &why);
	if (rc == RC_BUSY || (rc != RC_OK && w->answered == 0))
		return err_set(e, rc, "%s", why.msg);
	if (rc != RC_OK)
		log_warn("annual returns of %s: %zu of %zu: %s",
		    w->request->index, w->answered, w->n, why.msg);
	return publish(w, b, what, e);
}

static void
fini(struct work *w)
{
	http_close(w->env.http);
	guard_close(w->env.guard);
	for (size_t i = 0; i < w->n && w->records != NULL; i++)
		free(w->records[i]);
	free(w->records);
	free(w->tickers);
	table_fini(&w->members);
}

/* Nothing new: what the cache still has. */
static void
serve_stale(
    struct buf *b, const struct cache_entry *entry, const struct err *why)
{
	struct attempts attempts = { .n = 0 };

	attempts_add(&attempts, source_yahoo_year.name, 0, why);
	envelope_stale(b, entry->bytes, entry->len, &attempts);
}

enum rc
returns_fetch(const struct config *c, struct redis *redis,
    const struct returns_request *request, struct buf *b, enum rc *what,
    struct err *e)
{
	struct work w = { .config = c,
		.request = request,
		.env = { .config = c, .redis = redis } };
	struct dataset d = { request->index, CACHE_RETURNS };
	struct cache_entry entry = { 0 };
	struct err why = { 0 };
	int64_t count;
	int partial = 0;
	enum rc rc;

	table_init(&w.members);
	if (redis != NULL)
		(void)cache_get(redis, &d, request->max_age_ms, CACHE_COUNT_ALL,
		    &entry, NULL, NULL);
	if (entry.state == CACHE_FRESH && !request->refresh) {
		buf_add(b, entry.bytes, entry.len);
		envelope_peek(entry.bytes, &count, &partial);
		*what = partial ? RC_PARTIAL : RC_OK;
		rc = RC_OK;
	} else {
		rc = run(&w, b, what, &why);
	}
	if (rc != RC_OK && rc != RC_BUSY && entry.bytes != NULL) {
		buf_clear(b);
		serve_stale(b, &entry, &why);
		log_warn(
		    "annual returns of %s: stale: %s", request->index, why.msg);
		*what = RC_STALE;
		rc = RC_OK;
	}
	cache_entry_fini(&entry);
	fini(&w);
	if (rc != RC_OK)
		return err_set(e, rc, "%s", why.msg);
	return buf_check(b, "annual returns", e);
}

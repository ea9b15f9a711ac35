#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annual.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/envelope.h"
#include "membership.h"
#include "returns_fetch.h"
#include "store/cache.h"
#include "store/flight.h"
#include "store/returns.h"

#define DEADLINE_MS INT64_C(21600000)
#define LOOK_MS     300 /* between looks at another process's work */

/* The work in the foreground. */
struct work {
	const struct config *config;
	const struct returns_request *request;
	struct drive_env env;
	struct flight flight;
	int64_t renew_ms;
	struct table members;
	char from[64];
	struct returns_work kept; /* that Redis has; fence_us 0: it has none */
	const char **own;         /* tickers, where it has none */
	const char *const *tickers;
	char **records; /* a ticker each, NULL: not answered yet */
	size_t n, answered;
	size_t ask[RETURNS_CHUNK]; /* which are asked for just now */
	int64_t began_us, fence_us;
	struct err why; /* it could not be asked for all of them */
};

/* Who is in the index. */
static enum rc
find_members(struct work *w, struct err *e)
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
	return rc;
}

/* Begin the work, or find the one that somebody left; without Redis it is ours
 * alone. */
static enum rc
begin(struct work *w, struct err *e)
{
	size_t n = w->members.count;
	struct err why;
	struct buf text;

	w->own = calloc(n + 1, sizeof(*w->own));
	if (w->own == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	buf_init(&text, (size_t)LIMIT_ROWS * (LIMIT_TICKER + 1));
	for (size_t i = 0; i < n; i++) {
		w->own[i] = w->members.rows[i].v[FIELD_TICKER].u.text;
		buf_addf(&text, i > 0 ? " %s" : "%s", w->own[i]);
	}
	w->tickers = w->own;
	w->n = n;
	w->began_us = w->fence_us = clock_wall_us();
	if (w->env.redis != NULL && text.rc == RC_OK && n > 0 &&
	    returns_begin(w->env.redis, w->request->index, text.data, n,
		w->request->refresh ? RETURNS_ANEW : RETURNS_GO_ON, &w->kept,
		&why) == RC_OK) {
		w->tickers = w->kept.tickers;
		w->n = w->kept.n;
		w->fence_us = w->kept.fence_us;
		w->began_us = w->kept.began_us;
	}
	buf_fini(&text);
	w->records = calloc(w->n + 1, sizeof(*w->records));
	return w->records != NULL ? RC_OK
				  : err_set(e, RC_NOMEM, "out of memory");
}

static enum rc
set_record(struct work *w, size_t i, const char *record, struct err *e)
{
	w->records[i] = strdup(record);
	if (w->records[i] == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	w->answered++;
	return RC_OK;
}

/* annual_asker */

static int
go_on(void *arg, const struct drive_progress *asked)
{
	struct work *w = arg;
	struct drive_progress p = *asked;
	int64_t now_ms = clock_mono_ms();

	if (w->flight.fence_us != 0 && now_ms >= w->renew_ms) {
		/* A lease that is lost is only the right to be waited for. */
		(void)flight_renew(w->env.redis, &w->flight, NULL);
		w->renew_ms = now_ms + FLIGHT_RENEW_MS;
	}
	p.rows = (int64_t)w->answered;
	p.total = (int64_t)w->n;
	return w->request->watch(w->request->arg, w->request->index, &p);
}

/* What Redis does not take is had here all the same. */
static enum rc
keep(void *arg, size_t i, const char *record, struct err *e)
{
	struct work *w = arg;
	size_t at = w->ask[i];
	enum rc rc = RC_OK;
	struct err why;

	if (w->kept.fence_us != 0)
		rc = returns_keep(w->env.redis, w->request->index, w->fence_us,
		    w->tickers[at], record, &why);
	if (rc != RC_OK && rc != RC_NOTFOUND) {
		log_warn("annual returns of %s: not kept as they come: %s",
		    w->request->index, why.msg);
		w->kept.fence_us = 0;
	}
	return set_record(w, at, record, e);
}

/* What is known by now. */
static enum rc
look(struct work *w, struct err *e)
{
	struct returns_work now = { 0 };
	enum rc rc = RC_OK;

	if (w->kept.fence_us == 0 ||
	    returns_find(w->env.redis, w->request->index, &now, NULL) != RC_OK)
		return RC_OK;
	for (size_t i = 0;
	     i < w->n && now.fence_us == w->fence_us && rc == RC_OK; i++)
		if (w->records[i] == NULL && now.records[i] != NULL)
			rc = set_record(w, i, now.records[i], e);
	returns_work_fini(&now);
	return rc;
}

/* The last first: workers who are at it come from the other end. */
static enum rc
ask(struct work *w, struct err *e)
{
	const struct annual_asker asker = { go_on, keep, w };
	struct annual_talk talk;
	const char *tickers[RETURNS_CHUNK];
	int64_t end_ms = clock_mono_ms() + DEADLINE_MS;
	size_t chunks = (w->n + RETURNS_CHUNK - 1) / RETURNS_CHUNK, n;
	enum rc rc = RC_OK;

	while (rc == RC_OK && chunks-- > 0) {
		rc = look(w, e);
		n = 0;
		for (size_t i = chunks * RETURNS_CHUNK;
		     i < w->n && i < (chunks + 1) * RETURNS_CHUNK; i++)
			if (w->records[i] == NULL) {
				tickers[n] = w->tickers[i];
				w->ask[n++] = i;
			}
		if (rc == RC_OK)
			rc = annual_ask(
			    &w->env, tickers, n, end_ms, &asker, &talk, e);
	}
	return rc;
}

/* The document is there, or cannot be made: what is left of the work?  One that
 * the queue is at is the queue's to end. */
static void
settle(struct work *w, enum rc rc, const struct annual_made *made)
{
	struct redis *redis = w->env.redis;
	const char *index = w->request->index;
	struct returns_look *l = NULL;
	int tasks = 0;

	if (w->kept.fence_us == 0)
		return;
	if (rc == RC_OK && !made->partial &&
	    (made->stored.rc == RC_OK || made->stored.rc == RC_BUSY)) {
		(void)returns_done(redis, index, w->fence_us, NULL);
		return;
	}
	l = malloc(sizeof(*l));
	if (l == NULL || returns_look(redis, index, l, NULL) != RC_OK ||
	    l->fence_us != w->fence_us)
		goto out;
	for (size_t i = 0; i < l->chunks; i++)
		tasks |= l->task[i][0] != '\0';
	if (!tasks)
		(void)returns_over(redis, index, w->fence_us, "-", 0,
		    RC_PARTIAL, "left by fetch", NULL);
out:
	free(l);
}

static enum rc
publish(struct work *w, struct buf *b, enum rc *what, struct err *e)
{
	const char *index = w->request->index;
	struct annual_made made = { 0 };
	struct err none;
	enum rc rc = annual_publish(w->config, w->env.redis,
	    &(struct annual_document){ .index = index,
		.members = w->from[0] != '\0' ? w->from : NULL,
		.began_us = w->began_us,
		.fence_us = w->fence_us,
		.records = (const char *const *)w->records,
		.n = w->n },
	    b, &made, &none);

	settle(w, rc, &made);
	if (rc == RC_NOSOURCE && w->why.rc != RC_OK)
		return err_set(e, w->why.rc, "%s", w->why.msg);
	if (rc != RC_OK)
		return err_set(e, rc, "%s", none.msg);
	if (w->why.rc != RC_OK)
		log_warn("annual returns of %s: %zu of %zu: %s", index,
		    made.count, w->n, w->why.msg);
	if (made.stored.rc != RC_OK && made.stored.rc != RC_BUSY)
		log_warn("annual returns of %s: not cached: %s", index,
		    made.stored.msg);
	*what = made.partial ? RC_PARTIAL : RC_OK;
	return RC_OK;
}

static enum rc
run(struct work *w, struct buf *b, enum rc *what, struct err *e)
{
	enum rc rc = find_members(w, e);

	if (rc == RC_OK)
		rc = guard_open(&w->env.guard, w->config, w->env.redis, e);
	if (rc == RC_OK)
		rc = http_open(&w->env.http, w->config, e);
	if (rc == RC_OK)
		rc = begin(w, e);
	if (rc != RC_OK)
		return rc;
	rc = ask(w, &w->why);
	if (rc == RC_BUSY)
		return err_set(e, rc, "%s", w->why.msg);
	w->why.rc = rc;
	return publish(w, b, what, e);
}

static void
fini(struct work *w)
{
	http_close(w->env.http);
	guard_close(w->env.guard);
	if (w->env.redis != NULL)
		flight_release(w->env.redis, &w->flight);
	for (size_t i = 0; i < w->n && w->records != NULL; i++)
		free(w->records[i]);
	free(w->records);
	free(w->own);
	returns_work_fini(&w->kept);
	table_fini(&w->members);
}

/* How far somebody else is.  0: stop. */
static int
watch_other(struct work *w)
{
	struct drive_progress p = { .total = -1 };
	struct returns_look *l = malloc(sizeof(*l));

	if (l != NULL &&
	    returns_look(w->env.redis, w->request->index, l, NULL) == RC_OK &&
	    l->fence_us != 0) {
		p.rows = (int64_t)l->kept;
		p.total = (int64_t)l->n;
	}
	free(l);
	return w->request->watch(w->request->arg, w->request->index, &p);
}

/*
 * Be the one who asks, or wait for what comes of another's asking: *entry is
 * newer than it was, then.  RC_BUSY: told to stop.
 */
static enum rc
take_turn(struct work *w, struct cache_entry *entry, struct err *e)
{
	struct dataset d = { w->request->index, CACHE_RETURNS };
	int64_t seen_us = entry->fetched_us;
	char what[64];
	enum rc rc;

	snprintf(what, sizeof(what), "returns:%s", w->request->index);
	for (;;) {
		rc = flight_take(w->env.redis, what, "", &w->flight, e);
		w->renew_ms = clock_mono_ms() + FLIGHT_RENEW_MS;
		/* Without the right to be waited for it goes as well. */
		if (rc != RC_OK && rc != RC_BUSY)
			return RC_OK;
		cache_entry_fini(entry);
		(void)cache_get(w->env.redis, &d, w->request->max_age_ms,
		    CACHE_COUNT_NONE, entry, NULL, NULL);
		if (rc == RC_OK || entry->fetched_us > seen_us)
			return RC_OK;
		if (!watch_other(w))
			return err_set(e, RC_BUSY, "told to stop");
		clock_sleep_ms(LOOK_MS);
	}
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

static void
serve(struct buf *b, const struct cache_entry *entry, enum rc *what)
{
	int64_t count;
	int partial = 0;

	buf_add(b, entry->bytes, entry->len);
	envelope_peek(entry->bytes, &count, &partial);
	*what = partial ? RC_PARTIAL : RC_OK;
}

/* Ask, or take what another has asked for meanwhile. */
static enum rc
renew(struct work *w, struct cache_entry *entry, struct buf *b, enum rc *what,
    struct err *e)
{
	int64_t seen_us = entry->fetched_us;
	enum rc rc = RC_OK;

	if (w->env.redis != NULL)
		rc = take_turn(w, entry, e);
	if (rc == RC_OK && entry->state == CACHE_FRESH &&
	    entry->fetched_us > seen_us)
		serve(b, entry, what);
	else if (rc == RC_OK)
		rc = run(w, b, what, e);
	return rc;
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
	enum rc rc = RC_OK;

	table_init(&w.members);
	if (redis != NULL)
		(void)cache_get(redis, &d, request->max_age_ms, CACHE_COUNT_ALL,
		    &entry, NULL, NULL);
	if (entry.state == CACHE_FRESH && !request->refresh)
		serve(b, &entry, what);
	else
		rc = renew(&w, &entry, b, what, &why);
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

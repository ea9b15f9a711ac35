#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fetcher_part.h"
#include "publish.h"

#define POLL_LEAST_MS 100  /* between looks at another process's sweep, */
#define POLL_MOST_MS  1000 /* doubling */
#define HURRY_MS      300  /* for Redis, when we are about to leave */

enum rc
fetcher_open(struct fetcher **out, const struct config *c, struct redis *redis,
    fetch_watch *watch, void *arg, struct err *e)
{
	struct fetcher *f = calloc(1, sizeof(*f));
	enum rc rc;

	if (f == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	f->config = c;
	f->env.config = c;
	f->env.redis = redis;
	f->watch = watch;
	f->watch_arg = arg;
	rc = source_list(c->sources, f->sources, &f->nsources, e);
	if (rc == RC_OK)
		rc = fill_parse("FILL_FIELDS", c->fill_fields, f->plan.want, e);
	f->plan.sources = f->sources;
	f->plan.n = f->nsources;
	f->fills = c->fill_fields[0] != '\0';
	if (rc == RC_OK)
		rc = guard_open(&f->env.guard, c, redis, e);
	if (rc == RC_OK)
		rc = http_open(&f->env.http, c, e);
	if (rc != RC_OK) {
		fetcher_close(f);
		return rc;
	}
	*out = f;
	return RC_OK;
}

/* The flight of a path goes back, also by a Redis that was lost once. */
static void
path_free(struct fetcher *f, struct path *p)
{
	struct redis *redis = f->env.redis != NULL ? f->env.redis : f->lost;

	sweep_end(p->sweep);
	if (p->flight.fence_us != 0 && redis != NULL &&
	    flight_release(redis, &p->flight) != RC_OK)
		f->lost = NULL; /* not once more for each */
	free(p);
}

void
fetcher_cancel(struct fetcher *f)
{
	struct path *p;
	struct job *j;

	while ((p = f->paths) != NULL) {
		f->paths = p->next;
		path_free(f, p);
	}
	while ((j = f->jobs) != NULL) {
		f->jobs = j->next;
		fetcher_free_job(j);
	}
	f->active = 0;
}

void
fetcher_close(struct fetcher *f)
{
	if (f == NULL)
		return;
	if (f->env.redis != NULL)
		redis_hurry(f->env.redis, HURRY_MS);
	fetcher_cancel(f);
	http_close(f->env.http);
	guard_close(f->env.guard);
	free(f);
}

size_t
fetcher_active(const struct fetcher *f)
{
	return f->active;
}

void
fetcher_need_redis(struct fetcher *f)
{
	f->needs_redis = 1;
}

enum rc
fetcher_lose_redis(struct fetcher *f, const struct err *why, struct err *e)
{
	struct guard *fresh;
	enum rc rc;

	if (f->env.redis == NULL)
		return RC_OK;
	if (f->needs_redis)
		return err_set(e, why->rc == RC_DENIED ? RC_DENIED : RC_STORE,
		    "%s", why->msg);
	log_warn("going on without Redis, uncached: %s", why->msg);
	rc = guard_open(&fresh, f->config, NULL, e);
	if (rc != RC_OK)
		return rc;
	guard_close(f->env.guard);
	f->env.guard = fresh;
	f->lost = f->env.redis;
	f->env.redis = NULL;
	redis_hurry(f->lost, HURRY_MS);
	return RC_OK;
}

/* What nobody was to fill is not fresh for who wants it filled. */
static void
need_filled(const struct fetch_request *r, struct cache_entry *entry)
{
	if (r->filled && entry->state == CACHE_FRESH &&
	    !envelope_is_filled(entry->bytes))
		entry->state = CACHE_STALE;
}

/* Count a read.  What is there but no answer, was missed. */
static void
count_read(struct fetcher *f, const struct fetch_request *r,
    const struct cache_entry *entry)
{
	struct cache_entry read = *entry;

	need_filled(r, &read);
	if (r->refresh || read.state != entry->state)
		read.state = CACHE_ABSENT;
	cache_count_read(f->env.redis, &r->dataset, &read);
}

enum rc
fetcher_look(struct fetcher *f, const struct fetch_request *r,
    enum cache_count count, struct cache_entry *entry, struct err *e)
{
	struct err why;
	int foreign = 0;
	enum rc rc;

	*entry = (struct cache_entry){ 0 };
	if (f->env.redis == NULL)
		return RC_OK;
	if (r->uncounted)
		count = CACHE_COUNT_NONE;
	rc = cache_get(f->env.redis, &r->dataset, r->max_age_ms,
	    CACHE_COUNT_NONE, entry, &foreign, &why);
	why.rc = redis_trouble(rc);
	if (foreign && count != CACHE_COUNT_NONE)
		log_warn("the cached value of %s / %s is not ours: passed over",
		    r->dataset.index, r->dataset.sector);
	if (rc == RC_OK && count == CACHE_COUNT_ALL)
		count_read(f, r, entry);
	need_filled(r, entry);
	return rc == RC_OK ? RC_OK : fetcher_lose_redis(f, &why, e);
}

/* A path that a request may still join, or the first of an index. */
static struct path *
path_find(const struct fetcher *f, const struct fetch_request *r)
{
	struct path *p = f->paths;
	int whole = strcmp(r->dataset.index, DATASET_ANY) == 0;

	/* All of "Any" is the whole market: its sectors stay apart. */
	while (
	    p != NULL &&
	    (strcmp(p->dataset.index, r->dataset.index) != 0 ||
		p->only != r->only || p->sweep != NULL || p->closing ||
		(whole && strcmp(p->dataset.sector, r->dataset.sector) != 0)))
		p = p->next;
	return p;
}

static enum rc
path_join(struct fetcher *f, struct job *j, struct err *e)
{
	const struct fetch_request *r = &j->request;
	struct path *p = path_find(f, r), **end = &f->paths;

	if (p == NULL) {
		p = calloc(1, sizeof(*p));
		if (p == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
		p->dataset = r->dataset;
		p->only = r->only;
		p->begun_ms = clock_mono_ms();
		p->pause_ms = POLL_LEAST_MS;
		while (*end != NULL)
			end = &(*end)->next;
		*end = p;
	}
	if (strcmp(p->dataset.sector, r->dataset.sector) != 0)
		p->dataset.sector = DATASET_ANY;
	j->path = p;
	return RC_OK;
}

/* Is what the cache has an answer? */
static int
is_answer(const struct fetch_request *r, const struct cache_entry *entry)
{
	return entry->state == CACHE_FRESH &&
	       (!r->refresh ||
		   (r->newer_us > 0 && entry->fetched_us >= r->newer_us));
}

enum rc
fetcher_add(struct fetcher *f, const struct fetch_request *r, fetch_done *done,
    void *arg, struct err *e)
{
	struct job *j = calloc(1, sizeof(*j));
	enum rc rc;

	if (j == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	j->request = *r;
	j->done = done;
	j->arg = arg;
	rc = fetcher_look(f, r, CACHE_COUNT_ALL, &j->entry, e);
	if (rc == RC_OK && !r->refresh && f->env.redis != NULL &&
	    j->entry.state != CACHE_FRESH) {
		publish_derive(f->config, f->env.redis, &r->dataset,
		    r->max_age_ms, &j->entry);
		need_filled(r, &j->entry);
	}
	if (rc == RC_OK && !is_answer(r, &j->entry))
		rc = path_join(f, j, e);
	if (rc != RC_OK) {
		fetcher_free_job(j);
		return rc;
	}
	fetcher_append(f, j);
	return RC_OK;
}

/* Is a sweep of this process ahead of it?  Then it waits for its turn. */
static int
is_behind(const struct fetcher *f, const struct path *p)
{
	const struct path *q = f->paths;

	while (q != p && strcmp(q->dataset.index, p->dataset.index) != 0)
		q = q->next;
	return q != p;
}

/*
 * Take the flight, unless another process has it: then its result is waited
 * for.  RC_OK: go, if there is still somebody to fetch for.
 */
static enum rc
take_flight(struct fetcher *f, struct path *p, int64_t now_ms, int64_t *wake_ms,
    struct err *e)
{
	struct err why;
	enum rc rc, seen;

	if (f->env.redis == NULL)
		return RC_OK;
	rc = flight_take(f->env.redis, p->dataset.index, p->dataset.sector,
	    &p->flight, &why);
	if (rc == RC_FULL)
		return err_set(e, rc, "%s", why.msg);
	if (rc != RC_OK && rc != RC_BUSY) {
		why.rc = redis_trouble(rc);
		return fetcher_lose_redis(f, &why, e);
	}
	seen = fetcher_answer_newer(f, p, e);
	if (seen != RC_OK || !fetcher_has_jobs(f, p))
		return seen;
	if (rc == RC_BUSY) {
		p->poll_ms = *wake_ms = now_ms + p->pause_ms;
		if (p->pause_ms < POLL_MOST_MS)
			p->pause_ms *= 2;
		return RC_BUSY;
	}
	if (p->flight.widen && strcmp(p->dataset.index, DATASET_ANY) != 0)
		p->dataset.sector = DATASET_ANY;
	return RC_OK;
}

static enum rc
take_off(struct fetcher *f, struct path *p, int64_t now_ms, int64_t *wake_ms,
    struct err *e)
{
	int64_t deadline_ms = p->begun_ms + f->config->task_deadline * 1000;
	enum rc rc;

	if (is_behind(f, p)) {
		p->begun_ms = now_ms;
		return RC_BUSY;
	}
	if (now_ms < p->poll_ms) {
		*wake_ms = p->poll_ms;
		return RC_BUSY;
	}
	if (now_ms >= deadline_ms)
		return err_set(e, RC_LIMITED,
		    "another process is fetching %s, "
		    "and did not end in time",
		    p->dataset.index);
	rc = take_flight(f, p, now_ms, wake_ms, e);
	if (rc != RC_OK || !fetcher_has_jobs(f, p))
		return rc;
	p->renew_ms = now_ms + FLIGHT_RENEW_MS;
	p->swept_ms = now_ms;
	rc = sweep_begin(&p->sweep, &f->env, &p->dataset,
	    p->only != NULL ? &p->only : f->sources,
	    p->only != NULL ? 1 : f->nsources, deadline_ms, e);
	if (rc == RC_OK && f->fills)
		sweep_plan(p->sweep, &f->plan);
	return rc;
}

static void
watch(struct fetcher *f, const struct path *p, int64_t now_ms)
{
	struct fetch_progress w = { .dataset = p->dataset, .total = -1 };
	struct drive_progress d;

	if (f->watch == NULL)
		return;
	if (p->sweep != NULL && sweep_asked(p->sweep) != NULL) {
		sweep_progress(p->sweep, now_ms, &d);
		w.source = sweep_asked(p->sweep)->name;
		w.pages = d.pages;
		w.rows = d.rows;
		w.total = d.total;
		w.wait_ms = d.wait_ms;
	}
	f->watch(f->watch_arg, &w);
}

static void
renew(struct fetcher *f, struct path *p, int64_t now_ms)
{
	struct err why;

	if (f->env.redis == NULL || now_ms < p->renew_ms)
		return;
	p->renew_ms = now_ms + FLIGHT_RENEW_MS;
	/* What is lost with the lease is only the right to be waited for: the
	 * cache looks at the fence. */
	if (flight_renew(f->env.redis, &p->flight, &why) != RC_OK)
		log_warn("flight of %s: %s", p->dataset.index, why.msg);
}

/* RC_BUSY: not done.  RC_OK: its jobs are answered.  Else they all fail. */
static enum rc
path_step(struct fetcher *f, struct path *p, int64_t *wake_ms, struct err *e)
{
	int64_t now_ms = clock_mono_ms();
	struct err why;
	enum rc rc = RC_OK;

	if (p->sweep == NULL)
		rc = take_off(f, p, now_ms, wake_ms, e);
	if (rc == RC_OK && p->sweep != NULL) {
		renew(f, p, now_ms);
		rc = sweep_step(p->sweep, now_ms, wake_ms, e);
		if ((rc == RC_STORE || rc == RC_DENIED) &&
		    f->env.redis != NULL) {
			why = *e;
			rc = fetcher_lose_redis(f, &why, e);
			sweep_again(p->sweep);
			*wake_ms = now_ms;
			rc = rc == RC_OK ? RC_BUSY : rc;
		} else if (rc == RC_OK) {
			rc = fetcher_land(f, p, e);
			*wake_ms = now_ms;
		}
	}
	if (rc == RC_BUSY)
		watch(f, p, now_ms);
	return rc;
}

/* A path is at its end: whoever still waits for it has no data. */
static void
path_end(struct fetcher *f, struct path *p, enum rc rc, struct err *why)
{
	struct path **at = &f->paths;

	p->closing = 1;
	if (rc == RC_OK)
		err_set(why, RC_BUG,
		    "the sweep of %s / %s made no such "
		    "dataset",
		    p->dataset.index, p->dataset.sector);
	fetcher_answer_failed(f, p, why);
	/* Answers may have begun new paths: find it again. */
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	path_free(f, p);
}

enum rc
fetcher_step(struct fetcher *f, int64_t timeout_ms, struct err *e)
{
	int64_t now_ms = clock_mono_ms(), wake_ms, until = now_ms + timeout_ms;
	struct path *p, *next;
	struct err why = { 0 };
	enum rc rc;

	fetcher_answer_cached(f);
	for (p = f->paths; p != NULL; p = next) {
		wake_ms = until;
		rc = fetcher_has_jobs(f, p) ? path_step(f, p, &wake_ms, &why)
					    : RC_OK;
		if (rc != RC_BUSY)
			wake_ms = now_ms; /* who is behind it may begin */
		if (wake_ms < until)
			until = wake_ms;
		next = p->next; /* taken late: an answer may have added one */
		if (rc != RC_BUSY) {
			path_end(f, p, rc, &why);
			if (next == NULL && f->paths != NULL)
				until = now_ms;
		}
	}
	if (f->active == 0)
		return RC_OK;
	now_ms = clock_mono_ms();
	return http_poll(f->env.http, until > now_ms ? until - now_ms : 0, e);
}

enum rc
fetcher_get(struct fetcher *f, const struct fetch_request *r, fetch_done *done,
    void *arg, struct err *e)
{
	enum rc rc = fetcher_add(f, r, done, arg, e);

	while (rc == RC_OK && fetcher_active(f) > 0)
		rc = fetcher_step(f, 1000, e);
	return rc;
}

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fetcher.h"
#include "membership.h"
#include "outcome.h"
#include "publish.h"
#include "store/cache.h"
#include "store/flight.h"
#include "sweep.h"

#define POLL_MS 200 /* between looks at another process's sweep */

/* A request for a dataset. */
struct job {
	struct fetch_request request;
	fetch_done *done;
	void *arg;
	struct flightpath *path;  /* NULL: answered from the cache at once */
	struct cache_entry entry; /* what the cache had */
	struct job *next;
};

/* The work for one index: jobs, and the sweep they wait for. */
struct flightpath {
	struct dataset dataset;    /* its sector grows to Any while it waits */
	const struct source *only; /* as in the request */
	struct sweep *sweep;       /* NULL: no flight yet */
	struct flight flight;
	int64_t begun_ms, poll_ms, renew_ms;
	struct flightpath *next;
};

struct fetcher {
	const struct config *config;
	struct drive_env env;
	const struct source *sources[LIMIT_SOURCES];
	size_t nsources;
	fetch_watch *watch;
	void *watch_arg;
	struct job *jobs;
	struct flightpath *paths;
	size_t active;
};

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

static void
path_free(struct fetcher *f, struct flightpath *p)
{
	sweep_end(p->sweep);
	if (p->flight.fence_us != 0 && f->env.redis != NULL)
		flight_release(f->env.redis, &p->flight);
	free(p);
}

static void
job_free(struct job *j)
{
	cache_entry_fini(&j->entry);
	free(j);
}

void
fetcher_close(struct fetcher *f)
{
	struct flightpath *p;
	struct job *j;

	if (f == NULL)
		return;
	while ((p = f->paths) != NULL) {
		f->paths = p->next;
		path_free(f, p);
	}
	while ((j = f->jobs) != NULL) {
		f->jobs = j->next;
		job_free(j);
	}
	http_close(f->env.http);
	guard_close(f->env.guard);
	free(f);
}

size_t
fetcher_active(const struct fetcher *f)
{
	return f->active;
}

/* Redis went away: go on without it, said once. */
static enum rc
lose_redis(struct fetcher *f, const struct err *why, struct err *e)
{
	struct guard *fresh;
	enum rc rc;

	if (f->env.redis == NULL)
		return RC_OK;
	log_warn("going on without Redis, uncached: %s", why->msg);
	rc = guard_open(&fresh, f->config, NULL, e);
	if (rc != RC_OK)
		return rc;
	guard_close(f->env.guard);
	f->env.guard = fresh;
	f->env.redis = NULL;
	for (struct flightpath *p = f->paths; p != NULL; p = p->next)
		p->flight.fence_us = 0;
	return RC_OK;
}

/* Look a job up in the cache; absent where there is none. */
static enum rc
look(struct fetcher *f, const struct fetch_request *r, enum cache_count count,
    struct cache_entry *entry, struct err *e)
{
	struct err why;
	int foreign = 0;
	enum rc rc;

	*entry = (struct cache_entry){ 0 };
	if (f->env.redis == NULL)
		return RC_OK;
	rc = cache_get(f->env.redis, &r->dataset, r->max_age_ms, count, entry,
	    &foreign, &why);
	if (foreign)
		log_warn("the cached value of %s / %s is not ours: passed over",
		    r->dataset.index, r->dataset.sector);
	return rc == RC_OK ? RC_OK : lose_redis(f, &why, e);
}

static struct flightpath *
path_find(const struct fetcher *f, const struct fetch_request *r)
{
	struct flightpath *p = f->paths;

	while (p != NULL && (strcmp(p->dataset.index, r->dataset.index) != 0 ||
				p->only != r->only || p->sweep != NULL))
		p = p->next;
	return p;
}

/* Join the index's sweep that has not begun, or begin one.  All of "Any" is
 * the whole market: its sectors stay apart. */
static enum rc
path_join(struct fetcher *f, struct job *j, struct err *e)
{
	const struct fetch_request *r = &j->request;
	struct flightpath *p = path_find(f, r);
	int whole = strcmp(r->dataset.index, DATASET_ANY) == 0;

	if (p != NULL && strcmp(p->dataset.sector, r->dataset.sector) != 0) {
		if (whole)
			p = NULL;
		else
			p->dataset.sector = DATASET_ANY;
	}
	if (p == NULL) {
		p = calloc(1, sizeof(*p));
		if (p == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
		p->dataset = r->dataset;
		p->only = r->only;
		p->begun_ms = clock_mono_ms();
		p->next = f->paths;
		f->paths = p;
	}
	j->path = p;
	return RC_OK;
}

enum rc
fetcher_add(struct fetcher *f, const struct fetch_request *r, fetch_done *done,
    void *arg, struct err *e)
{
	struct job *j = calloc(1, sizeof(*j)), **end = &f->jobs;
	enum rc rc;

	if (j == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	j->request = *r;
	j->done = done;
	j->arg = arg;
	rc = look(f, r, CACHE_COUNT_ALL, &j->entry, e);
	if (rc == RC_OK && !r->refresh && f->env.redis != NULL &&
	    j->entry.state != CACHE_FRESH)
		rc = publish_derive(f->config, f->env.redis, &r->dataset,
		    r->max_age_ms, &j->entry, e);
	if (rc == RC_OK && (r->refresh || j->entry.state != CACHE_FRESH))
		rc = path_join(f, j, e);
	if (rc != RC_OK) {
		job_free(j);
		return rc;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = j;
	f->active++;
	return RC_OK;
}

/* Answer a job and forget it; *at points to it. */
static void
answer(struct fetcher *f, struct job **at, struct fetch_result *r)
{
	struct job *j = *at;

	*at = j->next;
	f->active--;
	r->dataset = j->request.dataset;
	j->done(j->arg, r);
	job_free(j);
}

static void
answer_cached(struct fetcher *f, struct job **at)
{
	const struct cache_entry *entry = &(*at)->entry;
	struct fetch_result r = {
		.bytes = entry->bytes, .len = entry->len, .cached = 1
	};
	int64_t count = 0;
	int partial = 0;

	envelope_peek(entry->bytes, &count, &partial);
	r.rc = outcome_of(count, partial);
	answer(f, at, &r);
}

/* No source has it: what the cache still has, else a failure; with every
 * attempt. */
static void
answer_failed(struct fetcher *f, struct job **at,
    const struct attempts *attempts, const struct err *why)
{
	const struct cache_entry *entry = &(*at)->entry;
	struct fetch_result r = { .why = *why, .rc = why->rc };
	int64_t now_ms = clock_wall_us() / 1000;
	struct buf b;

	buf_init(&b, LIMIT_ENVELOPE);
	if (entry->bytes != NULL) {
		envelope_stale(&b, entry->bytes, entry->len, attempts);
		r.rc = RC_STALE;
		r.cached = 1;
	} else {
		envelope_write(
		    &b, &(struct envelope){ .dataset = (*at)->request.dataset,
			    .error = why,
			    .attempts = attempts,
			    .fetched_ms = now_ms,
			    .fresh_ms = now_ms,
			    .total = -1 });
	}
	for (size_t i = 0; i < attempts->n; i++)
		if (attempts->v[i].wait_ms > 0 &&
		    (r.wait_ms == 0 || attempts->v[i].wait_ms < r.wait_ms))
			r.wait_ms = attempts->v[i].wait_ms;
	r.bytes = b.rc == RC_OK ? b.data : NULL;
	r.len = b.rc == RC_OK ? b.len : 0;
	answer(f, at, &r);
	buf_fini(&b);
}

/* Each job of a path, where *at may be taken out by the body. */
static struct job **
next_of(struct job **at, const struct flightpath *p)
{
	while (*at != NULL && (*at)->path != p)
		at = &(*at)->next;
	return *at != NULL ? at : NULL;
}

static void
path_failed(struct fetcher *f, struct flightpath *p, const struct err *why)
{
	static const struct attempts none;
	struct job **at = &f->jobs;

	while ((at = next_of(at, p)) != NULL)
		answer_failed(
		    f, at, p->sweep ? sweep_attempts(p->sweep) : &none, why);
}

/* Answer the jobs of a path that newer data in the cache serves. */
static enum rc
path_from_cache(struct fetcher *f, struct flightpath *p, struct err *e)
{
	struct job **at = &f->jobs;
	struct cache_entry entry;
	enum rc rc;

	while ((at = next_of(at, p)) != NULL && f->env.redis != NULL) {
		struct job *j = *at;

		rc = look(f, &j->request, CACHE_COUNT_NONE, &entry, e);
		if (rc != RC_OK)
			return rc;
		if (entry.state != CACHE_FRESH ||
		    entry.fetched_us <= j->entry.fetched_us) {
			cache_entry_fini(&entry);
			at = &j->next;
			continue;
		}
		cache_entry_fini(&j->entry);
		j->entry = entry;
		answer_cached(f, at);
	}
	return RC_OK;
}

struct handing {
	struct fetcher *fetcher;
	struct flightpath *path;
};

/* An envelope of a sweep is ready: answer who waits for it. */
static void
hand_out(void *arg, const struct dataset *ds, const struct buf *b, int64_t rows,
    int64_t total)
{
	struct handing *h = arg;
	struct fetch_result r = { .bytes = b->data,
		.len = b->len,
		.rc = outcome_of(rows, total >= 0 && rows < total) };
	struct job **at = &h->fetcher->jobs;

	while ((at = next_of(at, h->path)) != NULL)
		if (strcmp((*at)->request.dataset.sector, ds->sector) == 0)
			answer(h->fetcher, at, &r);
		else
			at = &(*at)->next;
}

/* The source's address where it is not its own. */
static const char *
origin(const struct source *source, const struct config *c)
{
	const char *at = source->address(c);

	return strcmp(at, source->origin) != 0 ? at : NULL;
}

/* Who answered is not who was asked first: that is news. */
static void
tell_attempts(const struct flightpath *p)
{
	const struct attempts *a = sweep_attempts(p->sweep);

	for (size_t i = 0; i < a->n; i++)
		log_warn("%s / %s: source=%s rc=%s: %s; taken from %s",
		    p->dataset.index, p->dataset.sector, a->v[i].source,
		    rc_name(a->v[i].why.rc), a->v[i].why.msg,
		    sweep_source(p->sweep)->name);
}

/* The sweep has a table: publish it.  RC_BUSY: it was held back, and the next
 * source has its turn. */
static enum rc
land(struct fetcher *f, struct flightpath *p, struct err *e)
{
	struct handing h = { f, p };
	const struct source *source = sweep_source(p->sweep);
	struct publication pub = {
		.dataset = p->dataset,
		.source = source->name,
		.origin = origin(source, f->config),
		.fence_us = p->flight.fence_us != 0 ? p->flight.fence_us
						    : clock_wall_us(),
	};
	struct err why = { 0 };
	enum rc rc, stored;

	pub.asked = sweep_members(p->sweep, &pub.members);
	pub.table = sweep_table(p->sweep, &pub.total);
	rc =
	    publish(f->config, f->env.redis, &pub, hand_out, &h, &stored, &why);
	if (rc == RC_INVALID) {
		sweep_reject(p->sweep, &why);
		return RC_BUSY;
	}
	if (rc != RC_OK)
		return err_set(e, rc, "%s", why.msg);
	tell_attempts(p);
	if (stored == RC_BUSY)
		log_info(
		    "newer data of %s is cached already", p->dataset.index);
	else if (stored != RC_OK)
		log_warn("not cached: %s", why.msg);
	if (f->env.redis != NULL && !source->needs_members && stored == RC_OK &&
	    membership_save(f->env.redis, &pub.dataset, pub.table,
		pub.fence_us / 1000, &why) != RC_OK)
		log_warn("members not kept: %s", why.msg);
	return RC_OK;
}

/* Take the flight and begin the sweep, or wait for who has it. */
static enum rc
take_off(struct fetcher *f, struct flightpath *p, int64_t now_ms,
    int64_t *wake_ms, struct err *e)
{
	struct err why;
	enum rc rc = RC_OK;

	if (f->env.redis != NULL) {
		rc = flight_take(f->env.redis, p->dataset.index,
		    p->dataset.sector, &p->flight, &why);
		if (rc == RC_OK || rc == RC_BUSY) {
			enum rc seen = path_from_cache(f, p, e);

			if (seen != RC_OK)
				return seen;
		}
		if (rc == RC_BUSY) {
			p->poll_ms = *wake_ms = now_ms + POLL_MS;
			return RC_BUSY;
		}
		if (rc == RC_FULL)
			return err_set(e, rc, "%s", why.msg);
		if (rc != RC_OK && (rc = lose_redis(f, &why, e)) != RC_OK)
			return rc;
		if (p->flight.widen &&
		    strcmp(p->dataset.index, DATASET_ANY) != 0)
			p->dataset.sector = DATASET_ANY;
	}
	p->renew_ms = now_ms + FLIGHT_RENEW_MS;
	return sweep_begin(&p->sweep, &f->env, &p->dataset,
	    p->only != NULL ? &p->only : f->sources,
	    p->only != NULL ? 1 : f->nsources, now_ms, e);
}

static void
watch(struct fetcher *f, const struct flightpath *p, int64_t now_ms)
{
	struct fetch_progress w = { .dataset = p->dataset, .total = -1 };
	struct drive_progress d;

	if (f->watch == NULL)
		return;
	if (p->sweep != NULL && sweep_source(p->sweep) != NULL) {
		sweep_progress(p->sweep, now_ms, &d);
		w.source = sweep_source(p->sweep)->name;
		w.pages = d.pages;
		w.rows = d.rows;
		w.total = d.total;
		w.wait_ms = d.wait_ms;
	}
	f->watch(f->watch_arg, &w);
}

/* RC_BUSY: not done.  RC_OK: its jobs are answered.  Else they all fail. */
static enum rc
path_step(
    struct fetcher *f, struct flightpath *p, int64_t *wake_ms, struct err *e)
{
	int64_t now_ms = clock_mono_ms();
	struct err why;
	enum rc rc;

	if (p->sweep == NULL) {
		if (now_ms < p->poll_ms) {
			*wake_ms = p->poll_ms;
			return RC_BUSY;
		}
		if (now_ms - p->begun_ms > f->config->task_deadline * 1000)
			return err_set(e, RC_LIMITED,
			    "another process is "
			    "sweeping %s, and did not end in time",
			    p->dataset.index);
		rc = take_off(f, p, now_ms, wake_ms, e);
		if (rc != RC_OK)
			return rc;
	}
	if (f->env.redis != NULL && now_ms >= p->renew_ms) {
		p->renew_ms = now_ms + FLIGHT_RENEW_MS;
		if (flight_renew(f->env.redis, &p->flight, &why) != RC_OK)
			log_warn("flight of %s: %s", p->dataset.index, why.msg);
	}
	rc = sweep_step(p->sweep, now_ms, wake_ms, e);
	if (rc == RC_STORE && f->env.redis != NULL) {
		why = *e;
		rc = lose_redis(f, &why, e);
		sweep_again(p->sweep);
		*wake_ms = now_ms;
		return rc == RC_OK ? RC_BUSY : rc;
	}
	if (rc == RC_OK) {
		rc = land(f, p, e);
		*wake_ms = now_ms;
	}
	if (rc == RC_BUSY)
		watch(f, p, now_ms);
	return rc;
}

static void
cached_jobs(struct fetcher *f)
{
	struct job **at = &f->jobs;

	while ((at = next_of(at, NULL)) != NULL)
		answer_cached(f, at);
}

enum rc
fetcher_step(struct fetcher *f, int64_t timeout_ms, struct err *e)
{
	int64_t now_ms = clock_mono_ms(), wake_ms, until = now_ms + timeout_ms;
	struct flightpath **at = &f->paths, *p;
	struct err why = { 0 };
	enum rc rc;

	cached_jobs(f);
	while ((p = *at) != NULL) {
		wake_ms = until;
		rc = next_of(&f->jobs, p) != NULL
			 ? path_step(f, p, &wake_ms, &why)
			 : RC_OK;
		if (wake_ms < until)
			until = wake_ms;
		if (rc == RC_BUSY) {
			at = &p->next;
			continue;
		}
		if (rc != RC_OK)
			path_failed(f, p, &why);
		*at = p->next;
		path_free(f, p);
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

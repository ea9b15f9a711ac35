#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fetcher_part.h"
#include "outcome.h"

void
fetcher_append(struct fetcher *f, struct job *j)
{
	struct job **end = &f->jobs;

	while (*end != NULL)
		end = &(*end)->next;
	*end = j;
	f->active++;
}

void
fetcher_free_job(struct job *j)
{
	cache_entry_fini(&j->entry);
	free(j);
}

/* The first job of a path from *at on; the body may take it out. */
static struct job **
next_of(struct job **at, const struct path *p)
{
	while (*at != NULL && (*at)->path != p)
		at = &(*at)->next;
	return *at != NULL ? at : NULL;
}

int
fetcher_has_jobs(struct fetcher *f, const struct path *p)
{
	return next_of(&f->jobs, p) != NULL;
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
	fetcher_free_job(j);
}

static void
answer_entry(struct fetcher *f, struct job **at)
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

void
fetcher_answer_cached(struct fetcher *f)
{
	struct job **at = &f->jobs;

	while ((at = next_of(at, NULL)) != NULL)
		answer_entry(f, at);
}

/* Is that new to the job: later than what it saw, and late enough for it? */
static int
is_news(const struct job *j, int64_t fetched_us)
{
	return fetched_us > j->entry.fetched_us &&
	       fetched_us >= j->request.newer_us;
}

/* Has the cache something newer than the job saw, and fresh for it? */
static enum rc
look_again(struct fetcher *f, struct job *j, int *found, struct err *e)
{
	struct cache_entry entry;
	struct err why;
	int64_t newest;
	enum rc rc;

	*found = 0;
	rc = cache_newest(f->env.redis, &j->request.dataset, &newest, &why);
	if (rc != RC_OK) {
		why.rc = redis_trouble(rc);
		return fetcher_lose_redis(f, &why, e);
	}
	if (!is_news(j, newest))
		return RC_OK;
	rc = fetcher_look(f, &j->request, CACHE_COUNT_NONE, &entry, e);
	if (rc != RC_OK)
		return rc;
	if (entry.state != CACHE_FRESH || !is_news(j, entry.fetched_us)) {
		cache_entry_fini(&entry);
		return RC_OK;
	}
	cache_entry_fini(&j->entry);
	j->entry = entry;
	*found = 1;
	return RC_OK;
}

enum rc
fetcher_answer_newer(struct fetcher *f, const struct path *p, struct err *e)
{
	struct job **at = &f->jobs;
	int found;
	enum rc rc;

	/* Who asks one source is not served with another's. */
	while (p->only == NULL && f->env.redis != NULL &&
	       (at = next_of(at, p)) != NULL) {
		rc = look_again(f, *at, &found, e);
		if (rc != RC_OK)
			return rc;
		if (found)
			answer_entry(f, at);
		else
			at = &(*at)->next;
	}
	return RC_OK;
}

void
fetcher_answer_fetched(
    struct fetcher *f, const struct path *p, const struct fetch_result *r)
{
	struct job **at = &f->jobs;
	struct fetch_result mine = *r;

	while ((at = next_of(at, p)) != NULL)
		if (strcmp((*at)->request.dataset.sector, r->dataset.sector) ==
		    0)
			answer(f, at, &mine);
		else
			at = &(*at)->next;
}

/* May what is cached stand in for what could not be fetched? */
static int
may_be_stale(const struct job *j)
{
	return j->entry.bytes != NULL &&
	       (j->request.only == NULL ||
		   envelope_is_of(j->entry.bytes, j->request.only->name));
}

static void
answer_failed(struct fetcher *f, struct job **at,
    const struct attempts *attempts, const struct err *why)
{
	const struct job *j = *at;
	struct fetch_result r = { .why = *why, .rc = why->rc };
	int64_t now_ms = clock_wall_us() / 1000;
	struct buf b;

	buf_init(&b, LIMIT_ENVELOPE);
	if (may_be_stale(j)) {
		envelope_stale(&b, j->entry.bytes, j->entry.len, attempts);
		r.rc = RC_STALE;
		r.cached = 1;
	} else {
		envelope_write(
		    &b, &(struct envelope){ .dataset = j->request.dataset,
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

void
fetcher_answer_failed(
    struct fetcher *f, const struct path *p, const struct err *why)
{
	static const struct attempts none;
	struct job **at = &f->jobs;

	while ((at = next_of(at, p)) != NULL)
		answer_failed(
		    f, at, p->sweep ? sweep_attempts(p->sweep) : &none, why);
}

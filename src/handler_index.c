#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annual.h"
#include "base/log.h"
#include "data/envelope.h"
#include "handler_returns.h"
#include "store/cache.h"
#include "store/queue.h"
#include "store/returns.h"

#define FRESH_MS 30000 /* until we look for the index again */
#define WATCH_MS 2000  /* between looks at the work */
#define LONGEST_S                                                              \
	18000 /* then the document is written with what there is;              \
		 as in lua/returns_begin.lua */

/* The annual returns of an index, being seen to. */
struct affair {
	struct toolbox *tools;
	struct redis *redis;
	struct queue *queue;
	const struct task *task; /* as it was claimed, */
	struct task self;        /* and all that is known of it */
	const char *index;
	struct returns_look look;
	struct run *run;
};

static void
put_off(struct affair *a, const struct err *why, int64_t ms)
{
	handler_ends(a->run, why, ms, 0);
}

static void
done(struct affair *a, int64_t count, int partial, int cached)
{
	a->run->end = RUN_DONE;
	snprintf(a->run->result, sizeof(a->run->result),
	    "{\"companies\":%lld,\"partial\":%s,\"cached\":%s}",
	    (long long)count, partial ? "true" : "false",
	    cached ? "true" : "false");
}

/* The end */

/* It is over, and this run says so; another run, or task, begins again. */
static enum rc
over(struct affair *a, enum rc rc, const char *said, struct err *e)
{
	return returns_over(a->redis, a->index, a->look.fence_us, a->task->id,
	    a->task->retry_count, rc, said, e);
}

/* There is no document.  What the last chunk that failed has said goes first: a
 * task keeps but the beginning. */
static enum rc
fail(struct affair *a, const struct err *why, struct err *e)
{
	struct err said = *why;
	enum rc rc;

	if (a->look.why[0] != '\0')
		err_set(&said, why->rc, "%s: %s", a->look.why, why->msg);
	rc = over(a, said.rc, said.msg, e);
	if (rc == RC_OK)
		handler_ends(a->run, &said, 0, 1);
	return rc;
}

/* The document is written, or will not be. */
static enum rc
settle(struct affair *a, const struct annual_made *made, struct err *e)
{
	enum rc rc = made->stored.rc;

	if (rc == RC_INVALID)
		return fail(a, &made->stored, e);
	if (rc != RC_OK && rc != RC_BUSY)
		return err_set(e, rc, "%s", made->stored.msg);
	rc = made->partial
		 ? over(a, RC_PARTIAL, "", e)
		 : returns_done(a->redis, a->index, a->look.fence_us, e);
	if (rc == RC_OK)
		done(a, (int64_t)made->count, made->partial, 0);
	return rc;
}

/* Write the document of what there is. */
static enum rc
compose(struct affair *a, struct err *e)
{
	struct returns_work w = { 0 };
	struct annual_made made;
	struct err none;
	struct buf b;
	enum rc rc = returns_find(a->redis, a->index, &w, e);

	buf_init(&b, LIMIT_ENVELOPE);
	if (rc == RC_OK && w.fence_us != a->look.fence_us)
		rc = err_set(
		    e, RC_STORE, "the work on %s has changed", a->index);
	if (rc == RC_OK) {
		rc = annual_publish(a->tools->config, a->redis,
		    &(struct annual_document){ .index = a->index,
			.began_us = w.began_us,
			.fence_us = w.fence_us,
			.records = w.records,
			.n = w.n },
		    &b, &made, &none);
		rc = rc == RC_NOSOURCE ? fail(a, &none, e)
		     : rc != RC_OK     ? err_set(e, rc, "%s", none.msg)
				       : settle(a, &made, e);
	}
	buf_fini(&b);
	returns_work_fini(&w);
	return rc;
}

/* The chunks */

/* Put tasks of chunks (from 0) into the queue, and remember which they are. */
static enum rc
enqueue_chunks(struct affair *a, const size_t *chunks, size_t n, struct err *e)
{
	struct task_spec *specs = calloc(n + 1, sizeof(*specs));
	struct enqueue_result *results = calloc(n + 1, sizeof(*results));
	char(*names)[32] = calloc(n + 1, sizeof(*names));
	enum rc rc = RC_OK;

	if (specs == NULL || results == NULL || names == NULL) {
		rc = err_set(e, RC_NOMEM, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "%zu/%zu", chunks[i] + 1,
		    a->look.chunks);
		specs[i] = (struct task_spec){ .type = TASK_RETURNS,
			.dataset = { a->index, names[i] },
			.priority = a->task->priority };
	}
	if (n > 0)
		rc = queue_enqueue(a->queue, specs, n, results, e);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = results[i].what == ENQUEUED_FULL
			 ? err_set(e, RC_FULL, "the queue is full")
			 : returns_assign(a->redis, a->index, a->look.fence_us,
			       chunks[i] + 1, results[i].id, e);
out:
	free(names);
	free(results);
	free(specs);
	return rc;
}

/* Does a chunk that has not ended need a task?  One whose task will never run
 * again has ended. */
static enum rc
tend_chunk(struct affair *a, size_t i, int *needs, struct err *e)
{
	const char *id = a->look.task[i];
	int64_t position, left = 0;
	struct task t;
	enum rc rc;

	*needs = 1;
	if (id[0] == '\0')
		return RC_OK;
	rc = queue_get(a->queue, id, &t, &position, e);
	if (rc == RC_NOTFOUND || (rc == RC_OK && t.status == TASK_COMPLETED))
		return RC_OK;
	*needs = 0;
	if (rc != RC_OK ||
	    (t.status != TASK_FAILED && t.status != TASK_CANCELLED))
		return rc;
	snprintf(a->look.why, sizeof(a->look.why), "%s",
	    t.status == TASK_CANCELLED ? "cancelled"
	    : t.nerrors > 0            ? t.errors[t.nerrors - 1].text
				       : "failed");
	rc = returns_end(
	    a->redis, a->index, a->look.fence_us, i + 1, a->look.why, &left, e);
	a->look.left = left > 0 ? (size_t)left : 0;
	return rc;
}

/* Look after the work: RC_OK, and the run has its end. */
static enum rc
watch(struct affair *a, struct err *e)
{
	size_t chunks[RETURNS_CHUNKS], n = 0;
	enum rc rc = RC_OK;
	struct err why;

	for (size_t i = 0; i < a->look.chunks && rc == RC_OK; i++) {
		int needs = 0;

		if (!a->look.ended[i])
			rc = tend_chunk(a, i, &needs, e);
		if (needs)
			chunks[n++] = i;
	}
	if (rc == RC_OK)
		rc = enqueue_chunks(a, chunks, n, e);
	if (rc != RC_OK)
		return rc;
	if (a->look.left == 0 || a->look.age_us / 1000000 > LONGEST_S)
		return compose(a, e);
	err_set(&why, RC_BUSY, "%zu of %zu companies", a->look.kept, a->look.n);
	put_off(a, &why, WATCH_MS);
	return RC_OK;
}

/* The beginning */

/*
 * The index is not fresh: have it fetched, and come back.  Where that was asked
 * for before, and has ended without making it fresh, it is a failed run.
 */
static enum rc
not_fresh(struct affair *a, const struct err *why, struct err *e)
{
	struct task_spec spec = { .type = TASK_FETCH,
		.dataset = { a->index, DATASET_ANY },
		.priority = a->task->priority };
	struct enqueue_result result;
	int before = a->self.put_off.text[0] != '\0';
	enum rc rc = queue_enqueue(a->queue, &spec, 1, &result, e);

	if (rc == RC_OK && result.what == ENQUEUED_FULL)
		rc = err_set(e, RC_FULL, "the queue is full");
	if (rc != RC_OK)
		return rc;
	handler_ends(
	    a->run, why, FRESH_MS, before && result.what == ENQUEUED_NEW);
	/* Another run may find it fresh, so that it is worth one. */
	if (a->run->end == RUN_FAILED)
		a->run->why.rc = RC_NOSOURCE;
	return RC_OK;
}

/* Begin the work, or go on with one that was left. */
static enum rc
begin(struct affair *a, struct err *e)
{
	struct returns_work work = { 0 };
	struct buf tickers;
	struct err why;
	size_t n = 0;
	enum rc rc;
	int anew = a->task->force && a->task->retry_count == 0;

	buf_init(&tickers, (size_t)LIMIT_ROWS * (LIMIT_TICKER + 1));
	rc = annual_tickers(a->redis, a->index, &tickers, &n, &why);
	if (rc == RC_NOTFOUND) {
		buf_fini(&tickers);
		return not_fresh(a, &why, e);
	}
	if (rc == RC_OK && n == 0)
		rc = err_set(&why, RC_INVALID, "%s has no companies", a->index);
	if (rc == RC_OK)
		rc = returns_begin(a->redis, a->index, tickers.data, n,
		    anew ? RETURNS_ANEW : RETURNS_GO_ON, &work, &why);
	returns_work_fini(&work);
	buf_fini(&tickers);
	if (rc == RC_OK)
		rc = returns_look(a->redis, a->index, &a->look, &why);
	return rc == RC_OK ? watch(a, e) : err_set(e, rc, "%s", why.msg);
}

/* Is the cached document all that is asked for?  Made since, or fresh where no
 * other is wanted; a whole one in either case. */
static int
is_there(struct affair *a, struct err *e)
{
	const struct dataset d = { a->index, CACHE_RETURNS };
	struct cache_entry entry = { 0 };
	int64_t count = 0;
	int partial = 0, there = 0, since;

	e->rc = cache_get(a->redis, &d, -1, CACHE_COUNT_NONE, &entry, NULL, e);
	since = entry.fetched_us >= a->self.asked_us;
	if (e->rc == RC_OK && entry.bytes != NULL &&
	    (since || (!a->task->force && entry.state == CACHE_FRESH)) &&
	    envelope_peek(entry.bytes, &count, &partial) && !partial) {
		there = 1;
		done(a, count, 0, !since);
	}
	cache_entry_fini(&entry);
	return there;
}

static enum rc
see_to_it(struct affair *a, struct err *e)
{
	const struct returns_look *l = &a->look;
	int64_t position;
	enum rc rc = queue_get(a->queue, a->task->id, &a->self, &position, e);

	if (rc == RC_OK)
		rc = returns_look(a->redis, a->index, &a->look, e);
	if (rc != RC_OK)
		return rc;
	if (l->fence_us != 0 && !l->over)
		return watch(a, e);
	if (l->over && strcmp(l->over_id, a->task->id) == 0 &&
	    l->over_attempt == a->task->retry_count) {
		/* It died with its last word spoken. */
		if (l->over_said.rc == RC_PARTIAL)
			done(a, (int64_t)l->kept, 1, 0);
		else
			handler_ends(a->run, &l->over_said, 0, 1);
		return RC_OK;
	}
	if (is_there(a, e))
		return RC_OK;
	return e->rc != RC_OK ? e->rc : begin(a, e);
}

void
handler_index(struct toolbox *tools, const struct task *t, const char *index,
    struct run *run)
{
	struct affair *a = calloc(1, sizeof(*a));
	struct err e = { 0 };
	enum rc rc = RC_NOMEM;

	if (a != NULL) {
		a->tools = tools;
		a->redis = tools->redis;
		a->task = t;
		a->index = index;
		a->run = run;
		rc = queue_open(&a->queue, tools->config, tools->redis, &e);
	} else {
		err_set(&e, RC_NOMEM, "out of memory");
	}
	if (rc == RC_OK)
		rc = see_to_it(a, &e);
	if (rc != RC_OK)
		handler_ends(run, &e, 0, 1);
	if (a != NULL)
		queue_close(a->queue);
	free(a);
}

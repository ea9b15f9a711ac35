#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annual.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/envelope.h"
#include "handler_returns.h"
#include "store/cache.h"
#include "store/queue.h"
#include "store/returns.h"

#define STEP_MS  200
#define LATER_MS 1000 /* after Redis failed us on the way */
#define FULL_MS  30000
#define FRESH_MS 30000 /* until we look for the index again */
#define CHUNKS   (LIMIT_ROWS / RETURNS_CHUNK + 1)

/* Redis failed us, or a limit let nothing through: that is no attempt. */
static void
failed(struct run *run, const struct err *why, int64_t wait_ms, int charged)
{
	run->why = *why;
	run->wait_ms = wait_ms;
	run->end = charged ? RUN_FAILED : RUN_PUT_OFF;
	if (why->rc == RC_STORE || why->rc == RC_FULL) {
		run->end = RUN_PUT_OFF;
		run->wait_ms = why->rc == RC_FULL ? FULL_MS : LATER_MS;
	}
}

/* The task of an index */

static int
is_fresh(struct toolbox *tools, const struct dataset *d, struct err *e)
{
	struct cache_entry entry = { 0 };
	enum rc rc =
	    cache_get(tools->redis, d, -1, CACHE_COUNT_NONE, &entry, NULL, e);
	int fresh = rc == RC_OK && entry.state == CACHE_FRESH;

	cache_entry_fini(&entry);
	e->rc = rc;
	return fresh;
}

static enum rc
enqueue(struct toolbox *tools, const struct task_spec *specs, size_t n,
    struct err *e)
{
	struct enqueue_result *results = calloc(n + 1, sizeof(*results));
	struct queue *q = NULL;
	enum rc rc;

	if (results == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = queue_open(&q, tools->config, tools->redis, e);
	if (rc == RC_OK)
		rc = queue_enqueue(q, specs, n, results, e);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		if (results[i].what == ENQUEUED_FULL)
			rc = err_set(e, RC_FULL, "the queue is full");
	queue_close(q);
	free(results);
	return rc;
}

/* The index is not fresh: see to that, and come back. */
static void
not_fresh(struct toolbox *tools, const struct task *t, const char *index,
    const struct err *why, struct run *run)
{
	struct task_spec spec = { .type = TASK_FETCH,
		.dataset = { index, DATASET_ANY },
		.priority = t->priority };
	struct err e = { 0 };

	if (enqueue(tools, &spec, 1, &e) == RC_OK)
		failed(run, why, FRESH_MS, 0);
	else
		failed(run, &e, FRESH_MS, 0);
}

static enum rc
enqueue_chunks(struct toolbox *tools, const struct task *t, const char *index,
    const struct returns_work *w, struct err *e)
{
	struct task_spec specs[CHUNKS] = { 0 };
	char names[CHUNKS][32];

	for (size_t i = 0; i < w->chunks && i < CHUNKS; i++) {
		snprintf(
		    names[i], sizeof(names[i]), "%zu/%zu", i + 1, w->chunks);
		specs[i] = (struct task_spec){ .type = TASK_RETURNS,
			.dataset = { index, names[i] },
			.priority = t->priority };
	}
	return enqueue(
	    tools, specs, w->chunks < CHUNKS ? w->chunks : CHUNKS, e);
}

static void
whole(struct toolbox *tools, const struct task *t, const char *index,
    struct run *run)
{
	struct returns_work work = { 0 };
	struct buf tickers;
	struct err e = { 0 };
	size_t n = 0;
	enum rc rc;

	if (!t->force &&
	    is_fresh(tools, &(struct dataset){ index, CACHE_RETURNS }, &e)) {
		run->end = RUN_DONE;
		snprintf(run->result, sizeof(run->result), "{\"cached\":true}");
		return;
	}
	buf_init(&tickers, (size_t)LIMIT_ROWS * (LIMIT_TICKER + 1));
	rc = annual_tickers(tools->redis, index, &tickers, &n, &e);
	if (rc == RC_NOTFOUND) {
		not_fresh(tools, t, index, &e, run);
		goto out;
	}
	if (rc == RC_OK && n == 0)
		rc = err_set(&e, RC_INVALID, "%s has no companies", index);
	if (rc == RC_OK)
		rc = returns_begin(
		    tools->redis, index, tickers.data, n, &work, &e);
	if (rc == RC_OK)
		rc = enqueue_chunks(tools, t, index, &work, &e);
	if (rc != RC_OK) {
		failed(run, &e, 0, 1);
		goto out;
	}
	run->end = RUN_DONE;
	snprintf(run->result, sizeof(run->result),
	    "{\"tickers\":%zu,\"chunks\":%zu,\"cached\":false}", work.n,
	    work.chunks);
out:
	buf_fini(&tickers);
	returns_work_fini(&work);
}

/* The task of a chunk */

struct chunk {
	struct toolbox *tools;
	const struct task *task;
	const char *index;
	size_t number;
	struct returns_work work;
	size_t first, last; /* of its tickers; last is not one */
	const char *ask[RETURNS_CHUNK];
	size_t n; /* that are to be asked */
	size_t kept;
};

static enum rc
open_env(struct toolbox *tools, struct err *e)
{
	struct drive_env *env = &tools->env;
	enum rc rc = RC_OK;

	env->config = tools->config;
	env->redis = tools->redis;
	if (env->guard == NULL)
		rc = guard_open(&env->guard, tools->config, tools->redis, e);
	if (rc == RC_OK && env->http == NULL)
		rc = http_open(&env->http, tools->config, e);
	return rc;
}

static enum rc
keep(struct chunk *c, struct annual *a, struct err *e)
{
	const struct returns *r;
	const char *ticker;
	enum rc rc = RC_OK;
	struct buf b;

	while (rc == RC_OK && (r = annual_next(a, &ticker)) != NULL) {
		buf_init(&b, LIMIT_RECORD);
		returns_record(&b, r, ticker);
		rc = buf_check(&b, "record", e);
		if (rc == RC_OK)
			rc = returns_keep(c->tools->redis, c->index, &c->work,
			    ticker, b.data, e);
		c->kept += rc == RC_OK;
		buf_fini(&b);
	}
	return rc;
}

/* Ask for what is not there.  RC_BUSY: told to stop. */
static enum rc
ask(struct chunk *c, int64_t *wait_ms, struct err *e)
{
	int64_t deadline_ms =
	    clock_mono_ms() + c->tools->config->task_deadline * 1000;
	char progress[TASK_TEXT + 1];
	struct annual *a = NULL;
	struct err why;
	enum rc rc = annual_begin(
		    &a, &c->tools->env, c->ask, c->n, deadline_ms, e),
		stored;

	while (rc == RC_OK) {
		snprintf(progress, sizeof(progress), "%zu of %zu tickers",
		    c->kept, c->n);
		if (!c->tools->pulse(c->tools->arg, progress)) {
			rc = RC_BUSY;
			break;
		}
		rc = annual_step(a, STEP_MS, e);
		stored = keep(c, a, &why);
		if (stored != RC_OK)
			rc = err_set(e, stored, "%s", why.msg);
		else if (rc == RC_OK)
			break;
		else if (rc == RC_BUSY)
			rc = RC_OK;
	}
	*wait_ms = a != NULL ? annual_wait_ms(a) : 0;
	annual_end(a);
	return rc;
}

/* Write the document, and forget the work. */
static enum rc
compose(struct chunk *c, struct err *e)
{
	struct redis *redis = c->tools->redis;
	struct returns_work w = { 0 };
	struct err stored;
	enum rc rc, what;
	struct buf b;

	buf_init(&b, LIMIT_ENVELOPE);
	rc = returns_find(redis, c->index, &w, e);
	if (rc == RC_OK && w.fence_us == c->work.fence_us) {
		rc = annual_publish(c->tools->config, redis,
		    &(struct annual_document){ .index = c->index,
			.fence_us = w.fence_us,
			.records = w.records,
			.n = w.n },
		    &b, &what, &stored, e);
		if (rc == RC_OK && stored.rc == RC_INVALID)
			log_warn(
			    "annual returns of %s: %s", c->index, stored.msg);
		else if (rc == RC_OK && stored.rc != RC_OK &&
			 stored.rc != RC_BUSY)
			rc = err_set(e, stored.rc, "%s", stored.msg);
		if (rc == RC_OK)
			rc = returns_done(redis, c->index, &w, e);
	}
	returns_work_fini(&w);
	buf_fini(&b);
	return rc;
}

/* The chunk has ended; the last one composes. */
static enum rc
finish(struct chunk *c, int *last, struct err *e)
{
	enum rc rc = returns_end(
	    c->tools->redis, c->index, &c->work, c->number, last, e);

	if (rc == RC_OK && *last)
		rc = compose(c, e);
	return rc;
}

/* Will there be no other run? */
static int
is_last_run(const struct chunk *c, enum rc rc)
{
	return !rc_retryable(rc) ||
	       c->task->retry_count + 1 >= c->tools->config->task_max_attempts;
}

static void
run_chunk(struct chunk *c, struct run *run)
{
	int64_t wait_ms = 0;
	struct err e = { 0 }, why = { 0 };
	int last = 0, charged = 1;
	enum rc rc = ask(c, &wait_ms, &e);

	if (rc == RC_BUSY)
		return;
	if (rc == RC_OK)
		rc = finish(c, &last, &e);
	if (rc == RC_OK || rc == RC_NOTFOUND) {
		run->end = RUN_DONE;
		snprintf(run->result, sizeof(run->result),
		    "{\"tickers\":%zu,\"asked\":%zu,\"last\":%s}",
		    c->last - c->first, c->kept, last ? "true" : "false");
		return;
	}
	e.rc = rc;
	if ((rc == RC_LIMITED || rc == RC_OPEN) && c->kept == 0)
		charged = 0;
	if (wait_ms == 0 && !charged)
		wait_ms = c->tools->config->retry_delay * 1000;
	failed(run, &e, wait_ms, charged);
	if (run->end == RUN_FAILED && is_last_run(c, rc) &&
	    finish(c, &last, &why) != RC_OK)
		failed(run, &why, 0, 0);
}

/* "3/11": its tickers, and which of them are to be asked.  0: that work is
 * over, or was parted otherwise. */
static int
find_chunk(struct chunk *c)
{
	const struct returns_work *w = &c->work;
	size_t chunks = 0;

	if (w->fence_us == 0 ||
	    sscanf(c->task->sector, "%zu/%zu", &c->number, &chunks) != 2 ||
	    chunks != w->chunks || c->number == 0 || c->number > chunks)
		return 0;
	c->first = (c->number - 1) * RETURNS_CHUNK;
	c->last = c->first + RETURNS_CHUNK;
	if (c->last > w->n)
		c->last = w->n;
	for (size_t i = c->first; i < c->last; i++)
		if (w->records[i] == NULL)
			c->ask[c->n++] = w->tickers[i];
	return 1;
}

static void
chunk(struct toolbox *tools, const struct task *t, const char *index,
    struct run *run)
{
	struct chunk c = { .tools = tools, .task = t, .index = index };
	struct err e = { 0 };
	enum rc rc = returns_find(tools->redis, index, &c.work, &e);

	if (rc == RC_OK && !find_chunk(&c)) {
		run->end = RUN_DONE;
		snprintf(run->result, sizeof(run->result),
		    "{\"tickers\":0,\"asked\":0,\"last\":false}");
	} else if (rc == RC_OK && (rc = open_env(tools, &e)) != RC_OK) {
		failed(run, &e, 0, 0);
		run->end = RUN_BROKEN;
	} else if (rc == RC_OK) {
		run_chunk(&c, run);
	} else {
		failed(run, &e, 0, 1);
	}
	returns_work_fini(&c.work);
}

void
handler_returns(struct toolbox *tools, const struct task *t, struct run *run)
{
	const char *index;
	struct err e = { 0 };

	if (dataset_index(t->index, &index, &e) != RC_OK)
		failed(run, &e, 0, 1);
	else if (strcmp(t->sector, DATASET_ANY) == 0)
		whole(tools, t, index, run);
	else
		chunk(tools, t, index, run);
}

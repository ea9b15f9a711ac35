#include <stdio.h>
#include <string.h>

#include "annual.h"
#include "base/clock.h"
#include "base/log.h"
#include "handler_returns.h"
#include "store/queue.h"
#include "store/returns.h"

#define WAKE_TRIES 25 /* the task of the index may have a look just now */
#define WAKE_MS    20

void
handler_ends(
    struct run *run, const struct err *why, int64_t wait_ms, int charged)
{
	run->why = *why;
	run->wait_ms = wait_ms;
	run->end = charged ? RUN_FAILED : RUN_PUT_OFF;
	if (why->rc == RC_STORE || why->rc == RC_FULL) {
		run->end = RUN_PUT_OFF;
		run->wait_ms =
		    why->rc == RC_FULL ? HANDLER_FULL_MS : HANDLER_LATER_MS;
	}
}

/* A chunk that is being asked for. */
struct chunk {
	struct toolbox *tools;
	const struct task *task;
	const char *index;
	size_t number, n; /* from 1; its tickers */
	int64_t fence_us;
	const char *ask[RETURNS_CHUNK];
	size_t nask, kept;
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

static int
go_on(void *arg, const struct drive_progress *p)
{
	struct chunk *c = arg;
	char text[TASK_TEXT + 1];

	(void)p;
	snprintf(text, sizeof(text), "%zu of %zu companies", c->kept, c->nask);
	return c->tools->pulse(c->tools->arg, text);
}

static enum rc
keep(void *arg, size_t i, const char *record, struct err *e)
{
	struct chunk *c = arg;
	enum rc rc = returns_keep(
	    c->tools->redis, c->index, c->fence_us, c->ask[i], record, e);

	c->kept += rc == RC_OK;
	return rc;
}

/* The work has come to its end: its task need not wait to see it. */
static enum rc
wake_index(struct chunk *c, struct err *e)
{
	struct task_spec spec = { .type = TASK_RETURNS,
		.dataset = { c->index, DATASET_ANY },
		.priority = c->task->priority };
	struct enqueue_result result;
	struct queue *q = NULL;
	int awake = 0;
	enum rc rc = queue_open(&q, c->tools->config, c->tools->redis, e);

	/* Where it was cancelled there is a new one now. */
	if (rc == RC_OK)
		rc = queue_enqueue(q, &spec, 1, &result, e);
	for (int i = 0; i < WAKE_TRIES && rc == RC_OK && !awake; i++) {
		if (i > 0)
			clock_sleep_ms(WAKE_MS);
		rc = queue_wake(q, result.id, &awake, e);
	}
	queue_close(q);
	return rc;
}

/* The chunk has ended; why, where it failed. */
static enum rc
finish(struct chunk *c, const char *why, struct err *e)
{
	int64_t left = 0;
	enum rc rc = returns_end(
	    c->tools->redis, c->index, c->fence_us, c->number, why, &left, e);

	return rc == RC_OK && left == 0 ? wake_index(c, e) : rc;
}

/* Will there be no other run? */
static int
is_last_run(const struct chunk *c, enum rc rc)
{
	return !rc_retryable(rc) ||
	       c->task->retry_count + 1 >= c->tools->config->task_max_attempts;
}

static void
fail(struct chunk *c, struct run *run, const struct err *why,
    const struct annual_talk *talk)
{
	int kept_from =
	    talk->answers == 0 && (why->rc == RC_LIMITED || why->rc == RC_OPEN);
	int charged = c->kept == 0 && !kept_from;
	int64_t wait_ms = talk->wait_ms;
	struct err e = { 0 };

	if (wait_ms == 0 && !charged)
		wait_ms = c->tools->config->retry_delay * 1000;
	handler_ends(run, why, wait_ms, charged);
	if (run->end == RUN_FAILED && is_last_run(c, why->rc) &&
	    finish(c, why->msg, &e) != RC_OK)
		handler_ends(run, &e, 0, 0);
}

static void
run_chunk(struct chunk *c, struct run *run)
{
	const struct annual_asker asker = { go_on, keep, c };
	int64_t deadline_ms =
	    clock_mono_ms() + c->tools->config->task_deadline * 1000;
	struct annual_talk talk;
	struct err e = { 0 };
	enum rc rc = annual_ask(
	    &c->tools->env, c->ask, c->nask, deadline_ms, &asker, &talk, &e);

	if (rc == RC_BUSY) /* told to stop */
		return;
	if (rc == RC_OK)
		rc = finish(c, NULL, &e);
	if (rc != RC_OK && rc != RC_NOTFOUND) { /* else that work is over */
		e.rc = rc;
		fail(c, run, &e, &talk);
		return;
	}
	run->end = RUN_DONE;
	snprintf(run->result, sizeof(run->result),
	    "{\"tickers\":%zu,\"asked\":%zu}", c->n, c->kept);
}

/* "3/11": its tickers, and which of them are to be asked for.  0: that work is
 * over, or was parted otherwise. */
static int
find_chunk(struct chunk *c, const struct returns_work *w)
{
	size_t chunks = 0, first;

	if (w->fence_us == 0 || w->over ||
	    sscanf(c->task->sector, "%zu/%zu", &c->number, &chunks) != 2 ||
	    chunks != w->chunks || c->number == 0 || c->number > chunks)
		return 0;
	c->fence_us = w->fence_us;
	first = (c->number - 1) * RETURNS_CHUNK;
	for (size_t i = first; i < w->n && i < first + RETURNS_CHUNK; i++) {
		c->n++;
		if (w->records[i] == NULL)
			c->ask[c->nask++] = w->tickers[i];
	}
	return 1;
}

static void
chunk(struct toolbox *tools, const struct task *t, const char *index,
    struct run *run)
{
	struct chunk c = { .tools = tools, .task = t, .index = index };
	struct returns_work work = { 0 };
	struct err e = { 0 };
	enum rc rc = returns_find(tools->redis, index, &work, &e);

	if (rc == RC_OK && !find_chunk(&c, &work)) {
		run->end = RUN_DONE;
		snprintf(run->result, sizeof(run->result),
		    "{\"tickers\":0,\"asked\":0}");
	} else if (rc == RC_OK && (rc = open_env(tools, &e)) != RC_OK) {
		handler_ends(run, &e, 0, 0);
		run->end = RUN_BROKEN;
	} else if (rc == RC_OK) {
		run_chunk(&c, run);
	} else {
		handler_ends(run, &e, 0, 1);
	}
	returns_work_fini(&work);
}

void
handler_returns(struct toolbox *tools, const struct task *t, struct run *run)
{
	const char *index;
	struct err e = { 0 };

	if (dataset_index(t->index, &index, &e) != RC_OK)
		handler_ends(run, &e, 0, 1);
	else if (strcmp(t->sector, DATASET_ANY) == 0)
		handler_index(tools, t, index, run);
	else
		chunk(tools, t, index, run);
}

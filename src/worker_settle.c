#include "base/log.h"
#include "refresh_ahead.h"
#include "worker_part.h"

static void
count(_Atomic int64_t *what, int64_t n)
{
	atomic_fetch_add_explicit(what, n, memory_order_relaxed);
}

/* RC_BUSY of a settlement: the lease ran out, and someone else has it or will
 * have it.  Nothing of ours was changed. */
static enum rc
settled(struct bench *b, const struct task *t, _Atomic int64_t *what,
    const struct err *e, enum rc rc)
{
	if (rc == RC_OK)
		count(what, 1);
	if (rc != RC_BUSY)
		return rc;
	count(&b->seat->lost, 1);
	log_warn("task=%s not settled: %s", t->id, e->msg);
	return RC_OK;
}

static enum rc
settle_failed(
    struct bench *b, const struct task *t, const struct run *run, struct err *e)
{
	int again = rc_retryable(run->why.rc) &&
		    t->retry_count + 1 < b->plan->config->task_max_attempts;
	enum rc rc;

	do
		rc = queue_fail(b->queue, t, &run->why, run->wait_ms, e);
	while (worker_waited(b, rc));
	if (rc == RC_OK && again)
		log_info("task=%s %s / %s: rc=%s: %s; again later", t->id,
		    t->index, t->sector, rc_name(run->why.rc), run->why.msg);
	else if (rc == RC_OK)
		log_warn("task=%s %s / %s failed: rc=%s: %s", t->id, t->index,
		    t->sector, rc_name(run->why.rc), run->why.msg);
	if (rc == RC_OK && !again)
		refresh_failed(b->redis, t);
	return settled(
	    b, t, again ? &b->seat->retried : &b->seat->failed, e, rc);
}

static enum rc
settle_released(
    struct bench *b, const struct task *t, const struct held *h, struct err *e)
{
	const struct run *run = &h->run;
	int ours = run->end == RUN_ABORTED; /* not the task's doing */
	enum rc rc = queue_release(
	    b->queue, t, ours ? 0 : run->wait_ms, ours ? NULL : &run->why, e);

	if (!ours)
		log_info("task=%s %s / %s put off: rc=%s: %s", t->id, t->index,
		    t->sector, rc_name(run->why.rc), run->why.msg);
	if (run->end == RUN_PUT_OFF && run->why.rc == RC_FULL)
		atomic_store(&b->seat->refused, 1);
	rc = settled(b, t,
	    h->cancelled ? &b->seat->cancelled : &b->seat->released, e, rc);
	if (rc == RC_OK && run->end == RUN_BROKEN)
		b->fatal = run->why;
	return rc;
}

void
worker_completed(struct bench *b, size_t n, size_t lost)
{
	count(&b->seat->completed, (int64_t)(n - lost));
	count(&b->seat->lost, (int64_t)lost);
	if (lost > 0)
		log_warn("%zu tasks not settled: the lease ran out", lost);
}

/* Complete what is done, from i on; *next: the first that is not. */
static enum rc
settle_done(struct bench *b, size_t i, size_t *next, struct err *e)
{
	const char *results[QUEUE_CLAIM_LIGHT];
	size_t n = 0, lost = 0;
	enum rc rc;

	while (i + n < b->n && !b->held[i + n].gone &&
	       b->held[i + n].run.end == RUN_DONE) {
		results[n] = b->held[i + n].run.result;
		n++;
	}
	do
		rc = queue_complete(
		    b->queue, &b->tasks[i], results, n, &lost, e);
	while (worker_waited(b, rc));
	if (rc != RC_OK)
		return rc;
	*next = i + n;
	worker_completed(b, n, lost);
	return RC_OK;
}

enum rc
worker_settle(struct bench *b, struct err *e)
{
	enum rc rc = RC_OK;
	size_t i = 0;

	while (i < b->n && rc == RC_OK) {
		const struct held *h = &b->held[i];

		if (h->gone)
			count(&b->seat->lost, 1);
		else if (h->run.end == RUN_DONE) {
			rc = settle_done(b, i, &i, e);
			continue;
		} else if (h->run.end == RUN_FAILED)
			rc = settle_failed(b, &b->tasks[i], &h->run, e);
		else
			rc = settle_released(b, &b->tasks[i], h, e);
		i++;
	}
	return rc;
}

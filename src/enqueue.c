#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "enqueue.h"

#define AGAIN_MS 100 /* between two tries of a batch in doubt */

const char *
enqueue_status(const struct enqueue_result *r, const struct task_spec *s)
{
	static const char *const words[] = { [ENQUEUED_NEW] = "pending",
		[ENQUEUED_MERGED] = "merged",
		[ENQUEUED_SAME] = "same",
		[ENQUEUED_FULL] = "full" };

	return r->what == ENQUEUED_NEW && s->delay_ms > 0 ? "scheduled"
							  : words[r->what];
}

enum rc
enqueue_written(const struct enqueue *q, struct err *e)
{
	if (fflush(q->out) == 0 && !ferror(q->out))
		return RC_OK;
	return err_set(e, RC_SYS, "cannot write: %s", strerror(errno));
}

/* Connection lost, restarting, loading: worth another try. */
static int
in_doubt(enum rc rc)
{
	return rc == RC_STORE || rc == RC_BUSY;
}

enum rc
enqueue_batch(const struct enqueue *q, struct task_spec *specs, size_t n,
    struct enqueue_result *results, struct err *e)
{
	int64_t end = clock_mono_ms() + q->config->redis_timeout * 1000;
	unsigned char made[QUEUE_BATCH] = { 0 };
	struct task_ids ids = { .left = 0 };
	int again = 0;
	enum rc rc;

	for (size_t i = 0; i < n; i++)
		if (specs[i].id[0] == '\0') {
			task_ids_next(&ids, specs[i].id);
			specs[i].fresh = made[i] = 1;
		}
	for (;;) {
		rc = queue_enqueue(q->queue, specs, n, results, e);
		if (!in_doubt(rc) || clock_mono_ms() >= end)
			break;
		again = 1;
		for (size_t i = 0; i < n; i++)
			specs[i].fresh = 0;
		clock_sleep_ms(AGAIN_MS);
	}
	/* Nobody else knows the ids made here: what is there came from us. */
	for (size_t i = 0; i < n && rc == RC_OK && again; i++)
		if (made[i] && results[i].what == ENQUEUED_SAME)
			results[i].what = ENQUEUED_NEW;
	return rc;
}

static void
print_result(const struct enqueue *q, const struct enqueue_result *r,
    const struct task_spec *s)
{
	if (q->json && r->what == ENQUEUED_FULL)
		fputs("{\"status\":\"full\"}\n", q->out);
	else if (q->json)
		fprintf(q->out, "{\"id\":\"%s\",\"status\":\"%s\"}\n", r->id,
		    enqueue_status(r, s));
	else if (r->what != ENQUEUED_FULL)
		fprintf(q->out, "%s\n", r->id);
}

/* The tasks of the command line. */
static enum rc
put_tasks(const struct enqueue *q, struct err *e)
{
	struct enqueue_result results[LIMIT_DATASETS];
	struct task_spec specs[LIMIT_DATASETS];
	size_t full = 0, taken = 0;
	enum rc rc;

	for (size_t i = 0; i < q->ntasks; i++)
		specs[i] = q->tasks[i].spec;
	rc = enqueue_batch(q, specs, q->ntasks, results, e);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < q->ntasks; i++) {
		print_result(q, &results[i], &specs[i]);
		if (results[i].what == ENQUEUED_FULL)
			full++;
		else
			results[taken++] = results[i];
	}
	rc = enqueue_written(q, e);
	if (rc == RC_OK && q->wait && taken > 0)
		rc = enqueue_wait(q, results, taken, e);
	if (rc == RC_OK && full > 0)
		rc = err_set(e, RC_FULL,
		    "the queue is full for this priority (QUEUE_MAX): try "
		    "later, or with a higher one");
	return rc;
}

enum rc
enqueue_run(const struct enqueue *q, struct err *e)
{
	switch (q->action) {
	case ENQUEUE_TASKS:
		return put_tasks(q, e);
	case ENQUEUE_LINES:
		return enqueue_lines(q, e);
	default:
		return enqueue_manage(q, e);
	}
}

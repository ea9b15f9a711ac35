#include <string.h>

#include "enqueue.h"

#define CALLS    100000  /* of a step that is asked for until nothing is left */
#define REQUEUED 1000000 /* tasks at most */
#define DAY_MS   INT64_C(86400000)

/* One by its id, all of a type, or all. */
static enum rc
requeue(const struct enqueue *q, struct err *e)
{
	enum task_type type = TASK__MAX;
	int64_t n = 0;
	enum rc rc;

	if (strcmp(q->text, "all") != 0 &&
	    task_type_of(q->text, &type, NULL) != RC_OK) {
		rc = queue_requeue(q->queue, q->text, e);
		if (rc == RC_OK)
			fprintf(q->out, "%s\n", q->text);
		return rc;
	}
	rc = queue_requeue_all(q->queue, type, REQUEUED, &n, e);
	fprintf(q->out, "%lld requeued\n", (long long)n);
	return rc;
}

static enum rc
cancel(const struct enqueue *q, struct err *e)
{
	int told = 0;
	enum rc rc = queue_cancel(q->queue, q->text, &told, e);

	if (rc == RC_OK && q->json)
		fprintf(q->out, "{\"id\":\"%s\",\"status\":\"%s\"}\n", q->text,
		    told ? "told" : "cancelled");
	else if (rc == RC_OK)
		fprintf(q->out, "%s %s\n", q->text,
		    told ? "is running: its worker was told to stop"
			 : "cancelled");
	return rc;
}

static enum rc
pause_queue(const struct enqueue *q, struct err *e)
{
	return queue_pause(q->queue, q->text, q->for_ms, e);
}

static enum rc
resume(const struct enqueue *q, struct err *e)
{
	return queue_resume(q->queue, e);
}

static enum rc
purge(const struct enqueue *q, struct err *e)
{
	int64_t n = 0, total = 0;
	enum rc rc = RC_OK;

	for (int i = 0; i < CALLS; i++) {
		rc = queue_purge(q->queue, q->purge_days * DAY_MS, &n, e);
		if (rc != RC_OK || n == 0)
			break;
		total += n;
	}
	fprintf(q->out, "%lld purged\n", (long long)total);
	return rc;
}

static enum rc
audit(const struct enqueue *q, struct err *e)
{
	struct queue_audit a;
	enum rc rc = queue_audit(q->queue, q->repair, &a, e);
	int64_t found;

	if (rc != RC_OK)
		return rc;
	found = a.orphans + a.strays + a.duplicates;
	if (q->json)
		fprintf(q->out,
		    "{\"tasks\":%lld,\"orphans\":%lld,\"strays\":%lld,"
		    "\"duplicates\":%lld,\"repaired\":%lld}\n",
		    (long long)a.tasks, (long long)a.orphans,
		    (long long)a.strays, (long long)a.duplicates,
		    (long long)a.repaired);
	else
		fprintf(q->out,
		    "%lld tasks, %lld orphans, %lld strays, %lld duplicates, "
		    "%lld repaired\n",
		    (long long)a.tasks, (long long)a.orphans,
		    (long long)a.strays, (long long)a.duplicates,
		    (long long)a.repaired);
	if (found > a.repaired)
		return err_set(e, RC_UNHEALTHY, "the audit found %lld fault%s",
		    (long long)(found - a.repaired),
		    found - a.repaired == 1 ? "" : "s");
	return RC_OK;
}

static enum rc (*const actions[ENQUEUE_ACTION__MAX])(
    const struct enqueue *, struct err *) = {
	[ENQUEUE_REQUEUE] = requeue,
	[ENQUEUE_CANCEL] = cancel,
	[ENQUEUE_PAUSE] = pause_queue,
	[ENQUEUE_RESUME] = resume,
	[ENQUEUE_PURGE] = purge,
	[ENQUEUE_AUDIT] = audit,
};

enum rc
enqueue_manage(const struct enqueue *q, struct err *e)
{
	struct err why = { 0 };
	enum rc rc, written;

	if (q->action >= ENQUEUE_ACTION__MAX || actions[q->action] == NULL)
		return err_set(e, RC_BUG, "no such action");
	rc = actions[q->action](q, &why);
	written = enqueue_written(q, e);
	if (rc == RC_OK)
		return written;
	return err_set(e, rc, "%s", why.msg);
}

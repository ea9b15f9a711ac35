#include "api.h"

/* {"success":true[,"message":…],"task_id":…,"task":…}; *t is what it shows. */
static enum rc
show(struct call *c, const char *message, struct task *t, struct err *e)
{
	struct buf *b = &c->answer->body;
	enum rc rc;

	buf_adds(b, "{\"success\":true");
	if (message != NULL)
		buf_addf(b, ",\"message\":\"%s\"", message);
	rc = api_task(c, c->id, t, e);
	if (rc == RC_OK)
		buf_adds(b, "}\n");
	else
		buf_clear(b);
	return rc;
}

int
task_get(struct call *c, struct err *e)
{
	struct task t;
	enum rc rc = show(c, NULL, &t, e);

	return rc == RC_OK ? 200 : api_status(rc);
}

/* The state of the task does not allow it. */
static int
conflict(enum rc rc)
{
	return rc == RC_INVALID || rc == RC_BUSY ? 409 : api_status(rc);
}

int
task_cancel(struct call *c, struct err *e)
{
	struct task t;
	int told = 0;
	enum rc rc = queue_cancel(c->api->queue, c->id, &told, e);

	if (rc != RC_OK)
		return conflict(rc);
	rc = show(c, "Cancellation accepted", &t, e);
	if (rc != RC_OK)
		return api_status(rc);
	/* One that runs ends when its worker hears of it. */
	return told ? 202 : 200;
}

int
task_requeue(struct call *c, struct err *e)
{
	struct task t;
	enum rc rc = queue_requeue(c->api->queue, c->id, e);

	if (rc != RC_OK)
		return conflict(rc);
	rc = show(c, "Task put back into the queue", &t, e);
	if (rc != RC_OK)
		return api_status(rc);
	answer_header(c->answer, "Location", "/api/tasks/%s", t.id);
	return 202;
}

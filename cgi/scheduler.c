#include "scheduler.h"
#include "api.h"

static int
switch_to(struct call *c, int on, struct err *e)
{
	struct scheduler_turn turn;
	enum rc rc = scheduler_switch(c->api->scheduler, on, &turn, e);

	if (rc != RC_OK)
		return api_status(rc);
	buf_addf(&c->answer->body,
	    "{\"success\":true,\"message\":\"Scheduler %s%s",
	    turn.was == on ? "was already " : "", on ? "started" : "stopped");
	if (turn.dropped > 0)
		buf_addf(&c->answer->body, "; slots in the future dropped: %zu",
		    turn.dropped);
	buf_addf(
	    &c->answer->body, "\",\"running\":%s}\n", on ? "true" : "false");
	return 200;
}

int
scheduler_start(struct call *c, struct err *e)
{
	return switch_to(c, 1, e);
}

int
scheduler_stop(struct call *c, struct err *e)
{
	return switch_to(c, 0, e);
}

int
scheduler_status(struct call *c, struct err *e)
{
	struct scheduler_state state;
	struct buf json;
	enum rc rc = scheduler_state(c->api->scheduler, &state, e);

	if (rc != RC_OK)
		return api_status(rc);
	buf_init(&json, 64u << 10);
	scheduler_state_json(&json, c->api->config, &state);
	rc = buf_check(&json, "state", e);
	/* Its members behind ours. */
	if (rc == RC_OK && json.len > 0) {
		buf_adds(&c->answer->body, "{\"success\":true,");
		buf_add(&c->answer->body, json.data + 1, json.len - 1);
		buf_addc(&c->answer->body, '\n');
	}
	buf_fini(&json);
	return rc == RC_OK ? 200 : api_status(rc);
}

/* The task of id, and where to follow it. */
static enum rc
accepted(struct call *c, const char *id, struct err *e)
{
	struct task t;
	enum rc rc = api_task(c, id, &t, e);

	if (rc == RC_OK)
		answer_header(c->answer, "Location", "/api/tasks/%s", t.id);
	return rc;
}

/* Half an answer is none: the problem takes its place. */
static int
ended(struct call *c, enum rc rc)
{
	if (rc == RC_OK)
		return 202;
	buf_clear(&c->answer->body);
	return api_status(rc);
}

int
scheduler_refresh_post(struct call *c, struct err *e)
{
	struct enqueue_result result;
	struct dataset d;
	int status = api_dataset(c, &d, e);
	enum rc rc;

	if (status != 0)
		return status;
	rc = scheduler_refresh(c->api->scheduler, &d, &result, e);
	if (rc != RC_OK)
		return api_status(rc);
	buf_addf(&c->answer->body,
	    "{\"success\":true,\"message\":\"Refresh of %s / %s queued\"",
	    d.index, d.sector);
	rc = accepted(c, result.id, e);
	buf_adds(&c->answer->body, "}\n");
	return ended(c, rc);
}

int
scheduler_force_post(struct call *c, struct err *e)
{
	struct enqueue_result results[DATASET_INDEXES];
	struct buf *b = &c->answer->body;
	size_t n = 0;
	enum rc rc = scheduler_force_refresh(c->api->scheduler, results, &n, e);

	if (rc != RC_OK)
		return api_status(rc);
	buf_addf(b,
	    "{\"success\":true,\"message\":\"Refresh of %zu index%s queued\"",
	    n, n == 1 ? "" : "es");
	rc = accepted(c, results[0].id, e);
	buf_adds(b, ",\"tasks\":[");
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (i > 0)
			buf_addc(b, ',');
		rc = api_task_json(c, results[i].id, e);
	}
	buf_adds(b, "]}\n");
	return ended(c, rc);
}

#include <stdlib.h>

#include "base/clock.h"
#include "data/envelope.h"
#include "data/text.h"
#include "report.h"

static void
time_text(struct buf *b, const char *what, int64_t us)
{
	char text[32];

	if (us <= 0)
		return;
	clock_utc(us / 1000, text, sizeof(text));
	buf_addf(b, "%-11s %s\n", what, text);
}

static void
text_line(struct buf *b, const char *what, const char *text)
{
	if (*text == '\0')
		return;
	buf_addf(b, "%-11s ", what);
	text_clean(b, text);
	buf_addc(b, '\n');
}

static void
errors_text(struct buf *b, const struct task *t)
{
	char when[32];

	for (size_t i = 0; i < t->nerrors; i++) {
		clock_utc(t->errors[i].at_ms, when, sizeof(when));
		buf_addf(b, "error %-5zu %s ", i + 1, when);
		text_clean(b, t->errors[i].text);
		buf_addc(b, '\n');
	}
}

static void
task_text(struct buf *b, const struct task *t, int64_t position, int64_t max)
{
	buf_addf(b, "%-11s %s\n", "task", t->id);
	buf_addf(b, "%-11s %s", "type", task_types[t->type].name);
	if (t->index[0] != '\0') {
		buf_addc(b, ' ');
		text_clean(b, t->index);
	}
	if (t->sector[0] != '\0') {
		buf_adds(b, " / ");
		text_clean(b, t->sector);
	}
	buf_addf(b, "%s%s\n", t->force ? ", forced" : "",
	    t->rerun_us > 0 ? ", to run once more" : "");
	buf_addf(b, "%-11s %s\n", "priority", task_priority_name(t->priority));
	buf_addf(b, "%-11s %s", "status", task_status_name(t->status));
	if (t->status == TASK_PROCESSING && t->owner[0] != '\0') {
		buf_adds(b, " by ");
		text_clean(b, t->owner);
	}
	if (position >= 0)
		buf_addf(b, ", %lld before it", (long long)position);
	buf_addf(b, "\n%-11s %d of %lld failed", "runs", t->retry_count,
	    (long long)max);
	if (t->lost > 0)
		buf_addf(b, ", %d leases ran out", t->lost);
	buf_addc(b, '\n');
	if (t->cancel)
		text_line(b, "cancel", "its worker is told to stop");
	text_line(b, "progress", t->progress);
	text_line(b, "put off", t->put_off.text);
	time_text(b, "created", t->created_us);
	if (t->status == TASK_SCHEDULED)
		time_text(b, "due", t->due_us);
	time_text(b, "started", t->started_us);
	if (t->status == TASK_PROCESSING)
		time_text(b, "lease until", t->lease_us);
	time_text(b, "finished", t->finished_us);
	errors_text(b, t);
	text_line(b, "result", t->result);
}

static void
text_json(struct buf *b, const char *name, const char *text)
{
	buf_addf(b, ",\"%s\":", name);
	if (*text != '\0')
		envelope_string(b, text);
	else
		buf_adds(b, "null");
}

static void
time_json(struct buf *b, const char *name, int64_t us)
{
	buf_addf(b, ",\"%s\":", name);
	report_time_json(b, us);
}

static void
attempts_json(struct buf *b, const struct task *t)
{
	buf_adds(b, ",\"attempts\":[");
	for (size_t i = 0; i < t->nerrors; i++) {
		buf_adds(b, i > 0 ? ",{\"at\":" : "{\"at\":");
		report_time_json(b, t->errors[i].at_ms * 1000);
		buf_adds(b, ",\"error\":");
		envelope_string(b, t->errors[i].text);
		buf_addc(b, '}');
	}
	buf_addc(b, ']');
}

static int64_t
updated_us(const struct task *t)
{
	return t->finished_us > 0  ? t->finished_us
	       : t->started_us > 0 ? t->started_us
				   : t->created_us;
}

/* A task as JSON; position as queue_get says it. */
void
report_task_json(
    struct buf *b, const struct task *t, int64_t position, int64_t max)
{
	buf_adds(b, "{\"id\":");
	envelope_string(b, t->id);
	text_json(b, "type", task_types[t->type].name);
	text_json(b, "index", t->index);
	text_json(b, "sector", t->sector);
	text_json(b, "priority", task_priority_name(t->priority));
	text_json(b, "status", task_status_name(t->status));
	text_json(b, "error_message",
	    t->nerrors > 0 ? t->errors[t->nerrors - 1].text : "");
	buf_addf(b,
	    ",\"retry_count\":%d,\"max_retries\":%lld,\"lost\":%d,"
	    "\"force\":%s,\"rerun\":%s",
	    t->retry_count, (long long)max, t->lost,
	    t->force ? "true" : "false", t->rerun_us > 0 ? "true" : "false");
	time_json(b, "created_at", t->created_us);
	time_json(b, "updated_at", updated_us(t));
	time_json(b, "due_at", t->status == TASK_SCHEDULED ? t->due_us : 0);
	time_json(b, "started_at", t->started_us);
	time_json(b, "finished_at", t->finished_us);
	time_json(
	    b, "lease_until", t->status == TASK_PROCESSING ? t->lease_us : 0);
	text_json(b, "owner", t->owner);
	if (position >= 0)
		buf_addf(b, ",\"position\":%lld", (long long)position);
	else
		buf_adds(b, ",\"position\":null");
	text_json(b, "progress", t->progress);
	text_json(b, "put_off", t->put_off.text);
	text_json(b, "result", t->result);
	attempts_json(b, t);
	buf_addc(b, '}');
}

enum rc
report_task(const struct report *r, struct buf *b, struct err *e)
{
	int64_t max = r->config->task_max_attempts, position;
	struct task t;
	enum rc rc = queue_get(r->queue, r->id, &t, &position, e);

	if (rc != RC_OK)
		return rc;
	if (r->json) {
		report_task_json(b, &t, position, max);
		buf_addc(b, '\n');
	} else {
		task_text(b, &t, position, max);
	}
	return RC_OK;
}

/* Two lines of the list of failed tasks: which, and why. */
static void
failed_line(struct buf *b, const struct task *t)
{
	char when[32];

	clock_utc(t->finished_us / 1000, when, sizeof(when));
	buf_addf(b, "%s %s\n  %s", t->id, when, task_types[t->type].name);
	if (t->index[0] != '\0') {
		buf_addc(b, ' ');
		text_clean(b, t->index);
	}
	if (t->sector[0] != '\0') {
		buf_adds(b, " / ");
		text_clean(b, t->sector);
	}
	if (t->nerrors > 0) {
		buf_adds(b, ": ");
		text_clean(b, t->errors[t->nerrors - 1].text);
	}
	buf_addc(b, '\n');
}

/* One that is in Redis, but not as a task that we know. */
static void
unreadable(struct buf *b, int json, const char *id, const struct err *why)
{
	if (json) {
		buf_adds(b, "{\"id\":");
		envelope_string(b, id);
		text_json(b, "unreadable", why->msg);
		buf_addc(b, '}');
		return;
	}
	text_clean(b, id);
	buf_adds(b, "\n  unreadable: ");
	text_clean(b, why->msg);
	buf_addc(b, '\n');
}

/* The tasks of ids; *wrong: how many cannot be read. */
static enum rc
write_failed(const struct report *r, struct buf *b, char (*ids)[TASK_ID + 1],
    size_t n, size_t *wrong, struct err *e)
{
	int64_t max = r->config->task_max_attempts, position;
	size_t shown = 0;
	struct err why;
	struct task t;
	enum rc rc;

	for (size_t i = 0; i < n; i++) {
		rc = queue_get(r->queue, ids[i], &t, &position, &why);
		if (rc == RC_NOTFOUND) /* requeued or purged meanwhile */
			continue;
		if (rc != RC_OK && rc != RC_INVALID)
			return err_set(e, rc, "%s", why.msg);
		if (r->json && shown++ > 0)
			buf_adds(b, ",\n");
		if (rc == RC_INVALID) {
			unreadable(b, r->json, ids[i], &why);
			++*wrong;
		} else if (r->json) {
			report_task_json(b, &t, position, max);
		} else {
			failed_line(b, &t);
		}
	}
	return RC_OK;
}

enum rc
report_failed(const struct report *r, struct buf *b, struct err *e)
{
	char(*ids)[TASK_ID + 1] = calloc((size_t)r->limit, sizeof(*ids));
	size_t n = 0, wrong = 0;
	enum rc rc;

	if (ids == NULL)
		return err_set(e, RC_NOMEM, "report: out of memory");
	rc = queue_list(r->queue, "failed", (size_t)r->limit, ids, &n, e);
	if (rc == RC_OK && r->json)
		buf_addc(b, '[');
	if (rc == RC_OK)
		rc = write_failed(r, b, ids, n, &wrong, e);
	if (rc == RC_OK && r->json)
		buf_adds(b, "]\n");
	if (rc == RC_OK && wrong > 0)
		rc = err_set(e, RC_INVALID,
		    "%zu of %zu failed tasks cannot be read", wrong, n);
	free(ids);
	return rc;
}

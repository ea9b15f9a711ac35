#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "data/text.h"
#include "enqueue.h"

#define LOOK_MS      100   /* between two looks, at first */
#define LOOK_LONG_MS 1000  /* and after a while */
#define LOST_MS      30000 /* without Redis, then the wait is given up */

/* How a task failed, by the name that its last error begins with. */
static enum rc
failure(const struct task *t)
{
	const char *text = t->nerrors > 0 ? t->errors[t->nerrors - 1].text : "";
	size_t n = strcspn(text, ":");

	for (int rc = 1; rc < RC__MAX; rc++)
		if (strlen(rc_name((enum rc)rc)) == n &&
		    strncmp(text, rc_name((enum rc)rc), n) == 0)
			return (enum rc)rc;
	return RC_NOSOURCE;
}

/* What is said of a task that has ended. */
static enum rc
ended(const struct task *t, struct err *e)
{
	if (t->status == TASK_COMPLETED)
		return RC_OK;
	if (t->status == TASK_CANCELLED)
		return err_set(e, RC_BUSY, "%s was cancelled", t->id);
	return err_set(e, failure(t), "%s failed: %s", t->id,
	    t->nerrors > 0 ? t->errors[t->nerrors - 1].text
			   : "no reason given");
}

static int
has_ended(const struct task *t)
{
	return t->status == TASK_COMPLETED || t->status == TASK_FAILED ||
	       t->status == TASK_CANCELLED;
}

static void
draw_text(const struct enqueue *q, const char *text)
{
	struct buf clean;

	if (*text == '\0')
		return;
	buf_init(&clean, 1024);
	text_clean(&clean, text);
	fprintf(q->progress, ", %s", clean.len > 0 ? clean.data : "");
	buf_fini(&clean);
}

static void
draw(const struct enqueue *q, const struct task *t, int64_t position)
{
	if (q->progress == NULL)
		return;
	fprintf(
	    q->progress, "\r\033[K%s: %s", t->id, task_status_name(t->status));
	if (position > 0)
		fprintf(q->progress, ", %lld before it", (long long)position);
	if (t->retry_count > 0)
		fprintf(q->progress, ", %d run%s failed", t->retry_count,
		    t->retry_count == 1 ? "" : "s");
	/* Who puts itself off says there how far it is. */
	draw_text(q, t->progress[0] != '\0' ? t->progress : t->put_off.text);
	fflush(q->progress);
}

static void
wipe(const struct enqueue *q)
{
	if (q->progress != NULL)
		fputs("\r\033[K", q->progress);
}

/* Follow one task until end_ms. */
static enum rc
follow(const struct enqueue *q, const char *id, int64_t end_ms, struct err *e)
{
	int64_t position, now_ms, sleep_ms = LOOK_MS;
	int64_t seen_ms = clock_mono_ms();
	struct task t;
	enum rc rc;

	for (;;) {
		rc = queue_get(q->queue, id, &t, &position, e);
		now_ms = clock_mono_ms();
		if (rc == RC_OK) {
			seen_ms = now_ms;
			if (has_ended(&t))
				return ended(&t, e);
			draw(q, &t, position);
		} else if ((rc != RC_STORE && rc != RC_BUSY) ||
			   now_ms - seen_ms > LOST_MS) {
			return rc;
		}
		if (now_ms >= end_ms)
			return rc != RC_OK
				   ? rc
				   : err_set(e, RC_BUSY,
					 "%s is still %s: not waited any "
					 "longer",
					 id, task_status_name(t.status));
		if (sleep_ms > end_ms - now_ms)
			sleep_ms = end_ms - now_ms;
		clock_sleep_ms(sleep_ms);
		if (sleep_ms < LOOK_LONG_MS)
			sleep_ms += LOOK_MS / 2;
	}
}

enum rc
enqueue_wait(const struct enqueue *q, const struct enqueue_result *tasks,
    size_t n, struct err *e)
{
	int64_t end_ms = clock_mono_ms() + q->wait_s * 1000;
	enum rc worst = RC_OK, rc;
	struct err why;

	for (size_t i = 0; i < n; i++) {
		rc = follow(q, tasks[i].id, end_ms, &why);
		wipe(q);
		/* The first one that failed says it; a Redis that is gone ends
		 * it all. */
		if (rc != RC_OK && worst == RC_OK)
			worst = err_set(e, rc, "%s", why.msg);
		if (rc == RC_STORE)
			break;
	}
	return worst;
}

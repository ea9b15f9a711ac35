#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "store/queue_part.h"

#define ERROR_TEXT (TASK_TEXT - 14) /* behind "1763000000000 " */

/* RC_BUSY says that a lease is lost; a Redis that is busy or loading is away.
 */
static enum rc
away(enum rc rc, struct err *e)
{
	if (rc != RC_BUSY)
		return rc;
	if (e != NULL)
		e->rc = RC_STORE;
	return RC_STORE;
}

static enum rc
not_ours(const struct task *t, struct err *e)
{
	return err_set(e, RC_BUSY,
	    "task %s: the lease ran out, it is not ours any more", t->id);
}

enum rc
queue_renew(struct queue *q, const struct task *t, const char *progress,
    int *cancelled, struct err *e)
{
	char text[TASK_TEXT + 1];
	struct number lease;
	int64_t us = t->lease_us - t->started_us;
	const char *args[] = { t->id, t->run,
		queue_number(&lease, us > 0 ? us : q->lease_us), text };
	redisReply *reply = NULL;
	enum rc rc;

	snprintf(text, sizeof(text), "%s", progress);
	rc = queue_call(
	    q, &script_queue_renew, KEYS(KEY_PROCESSING), args, 4, &reply, e);
	if (rc != RC_OK)
		return rc;
	if (redis_int(reply, 0, 1) == 0)
		*cancelled = (int)redis_int(reply, 1, 0);
	else
		rc = not_ours(t, e);
	freeReplyObject(reply);
	return rc;
}

const enum queue_key queue_complete_keys[] = { KEY_READY, KEY_SCHEDULED,
	KEY_PROCESSING, KEY_UNIQUE, KEY_STATS, KEY_CONFIG, KEY_COMPLETED,
	QUEUE_KEYS };

void
queue_complete_fill(struct completion *c, const struct task *tasks,
    const char *const *results, size_t n)
{
	const char **at = c->args;

	*at++ = queue_head_start();
	for (size_t i = 0; i < n; i++) {
		*at++ = tasks[i].id;
		*at++ = tasks[i].run;
		/* Half a JSON text would be worse than none. */
		*at++ = results != NULL && results[i] != NULL &&
				strlen(results[i]) <= TASK_RESULT
			    ? results[i]
			    : "";
	}
	c->n = (size_t)(at - c->args);
}

static enum rc
complete_some(struct queue *q, const struct task *tasks,
    const char *const *results, size_t n, int64_t *lost, struct err *e)
{
	struct completion c;

	queue_complete_fill(&c, tasks, results, n);
	return queue_call_int(q, &script_queue_complete, queue_complete_keys,
	    c.args, c.n, lost, e);
}

enum rc
queue_complete(struct queue *q, const struct task *tasks,
    const char *const *results, size_t n, size_t *lost, struct err *e)
{
	int64_t all = 0, some;
	size_t part;
	enum rc rc;

	for (size_t i = 0; i < n; i += part) {
		part = n - i < QUEUE_CLAIM_LIGHT ? n - i : QUEUE_CLAIM_LIGHT;
		rc = complete_some(q, tasks + i,
		    results != NULL ? results + i : NULL, part, &some, e);
		if (rc != RC_OK)
			return rc;
		all += some;
	}
	if (lost != NULL)
		*lost = (size_t)all;
	return RC_OK;
}

/* Half of the back-off is random, so that tasks that failed together do not
 * come back together. */
static const char *
jitter(struct number *n)
{
	uint32_t r = 0;

	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		r = 0;
	snprintf(n->s, sizeof(n->s), "0.%06u", (unsigned)(r % 1000000));
	return n->s;
}

/* What fits beside the time, without half a character at the end. */
static void
failure_text(char out[ERROR_TEXT + 1], const struct err *why)
{
	char all[sizeof(why->msg) + 32];
	size_t n;

	snprintf(all, sizeof(all), "%s: %s", rc_name(why->rc), why->msg);
	n = strnlen(all, ERROR_TEXT);
	while (n > 0 && ((unsigned char)all[n] & 0xc0) == 0x80)
		n--;
	memcpy(out, all, n);
	out[n] = '\0';
}

enum rc
queue_fail(struct queue *q, const struct task *t, const struct err *why,
    int64_t not_before_ms, struct err *e)
{
	struct number attempts, retry, random, not_before;
	char text[ERROR_TEXT + 1];
	const char *args[] = { t->id, t->run, queue_head_start(),
		rc_retryable(why->rc) ? "0" : "1",
		queue_number(&attempts, q->attempts),
		queue_number(&retry, q->retry_us), jitter(&random),
		queue_number(&not_before, queue_us_of_ms(not_before_ms)),
		text };
	redisReply *reply = NULL;
	enum rc rc;

	failure_text(text, why);
	rc = queue_call(q, &script_queue_fail,
	    KEYS(KEY_READY, KEY_SCHEDULED, KEY_PROCESSING, KEY_UNIQUE,
		KEY_STATS, KEY_CONFIG, KEY_FAILED, KEY_CANCELLED),
	    args, 9, &reply, e);
	if (rc != RC_OK)
		return away(rc, e);
	if (redis_int(reply, 0, 1) != 0)
		rc = not_ours(t, e);
	freeReplyObject(reply);
	return rc;
}

enum rc
queue_release(struct queue *q, const struct task *t, int64_t delay_ms,
    const struct err *why, struct err *e)
{
	char text[ERROR_TEXT + 1] = "";
	struct number delay;
	const char *args[] = { t->id, t->run, queue_head_start(),
		queue_number(&delay, queue_us_of_ms(delay_ms)), text };
	int64_t code = 0;
	enum rc rc;

	if (why != NULL)
		failure_text(text, why);
	rc = queue_call_int(q, &script_queue_release,
	    KEYS(KEY_READY, KEY_SCHEDULED, KEY_PROCESSING, KEY_UNIQUE,
		KEY_STATS, KEY_CANCELLED),
	    args, 5, &code, e);
	if (rc != RC_OK)
		return away(rc, e);
	return code != 0 ? not_ours(t, e) : RC_OK;
}

enum rc
queue_cancel(struct queue *q, const char *id, int *told, struct err *e)
{
	int64_t code = 0;
	enum rc rc;

	rc = queue_call_int(q, &script_queue_cancel,
	    KEYS(
		KEY_READY, KEY_SCHEDULED, KEY_UNIQUE, KEY_STATS, KEY_CANCELLED),
	    &id, 1, &code, e);
	if (rc != RC_OK)
		return rc;
	if (code == 2)
		return err_set(e, RC_INVALID, "task %s has ended already", id);
	if (code == 3)
		return err_set(e, RC_NOTFOUND, "no task %s", id);
	*told = code == 1;
	return RC_OK;
}

enum rc
queue_wake(struct queue *q, const char *id, int *woken, struct err *e)
{
	struct number now;
	/* Only where it is there already, and only earlier. */
	const char *argv[] = { "ZADD", queue_keys[KEY_SCHEDULED], "XX", "LT",
		"CH", now.s, id };
	redisReply *reply = NULL;
	int64_t us;
	enum rc rc = redis_time_us(q->redis, &us, e);

	if (rc != RC_OK)
		return rc;
	queue_number(&now, us);
	rc = redis_call(
	    q->redis, sizeof(argv) / sizeof(argv[0]), argv, NULL, &reply, e);
	if (rc != RC_OK)
		return rc;
	*woken = reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
	freeReplyObject(reply);
	return RC_OK;
}

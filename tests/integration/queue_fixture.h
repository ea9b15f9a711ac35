/*
 * What the tests of the queue share beside store_fixture.h: a queue on the
 * emptied server, and short ways to its calls.
 */
#ifndef TESTS_QUEUE_FIXTURE_H
#define TESTS_QUEUE_FIXTURE_H

#include "store/queue.h"
#include "store_fixture.h"

#define K "stocknity:{default}:"

/* Open a queue with the settings of f. */
static inline struct queue *
open_queue(struct fixture *f)
{
	struct queue *q = NULL;

	assert_int_equal(queue_open(&q, &f->config, f->r, NULL), RC_OK);
	return q;
}

/* A probe of the text, not forced, of normal priority. */
static inline struct task_spec
probe(const char *text)
{
	struct task_spec s = { .type = TASK_PROBE,
		.dataset = { text, "" },
		.priority = PRIORITY_NORMAL };

	return s;
}

static inline struct task_spec
fetch(const char *index, const char *sector)
{
	struct task_spec s = { .type = TASK_FETCH,
		.dataset = { index, sector },
		.priority = PRIORITY_NORMAL };

	return s;
}

static inline struct enqueue_result
put(struct queue *q, struct task_spec s)
{
	struct enqueue_result r = { 0 };
	struct err e = { 0 };

	if (queue_enqueue(q, &s, 1, &r, &e) != RC_OK)
		fail_msg("enqueue: %s", e.msg);
	return r;
}

/* Claim up to most; how many, and the first into *t. */
static inline size_t
take_some(struct queue *q, struct task *tasks, int most, int64_t *next)
{
	struct claim c = { .owner = "test:1", .most = most };
	struct err e = { 0 };
	int64_t ignored;
	size_t n = 0;

	if (queue_claim(q, &c, tasks, &n, next ? next : &ignored, &e) != RC_OK)
		fail_msg("claim: %s", e.msg);
	return n;
}

static inline size_t
take(struct queue *q, struct task *t)
{
	static struct task tasks[QUEUE_CLAIM_LIGHT];
	size_t n = take_some(q, tasks, 1, NULL);

	if (n > 0)
		*t = tasks[0];
	return n;
}

static inline enum rc
done(struct queue *q, const struct task *t)
{
	const char *result = "{}";
	size_t lost = 0;
	enum rc rc = queue_complete(q, t, &result, 1, &lost, NULL);

	return rc == RC_OK && lost > 0 ? RC_BUSY : rc;
}

static inline enum rc
failed(struct queue *q, const struct task *t, enum rc why, const char *msg)
{
	struct err e = { .rc = why };

	snprintf(e.msg, sizeof(e.msg), "%s", msg);
	return queue_fail(q, t, &e, 0, NULL);
}

static inline enum rc
cancel(struct queue *q, const char *id)
{
	int told;

	return queue_cancel(q, id, &told, NULL);
}

static inline struct task
get(struct queue *q, const char *id)
{
	struct task t = { 0 };
	struct err e = { 0 };
	int64_t position;

	if (queue_get(q, id, &t, &position, &e) != RC_OK)
		fail_msg("get: %s", e.msg);
	return t;
}

static inline void
assert_status(struct queue *q, const char *id, enum task_status want)
{
	assert_string_equal(
	    task_status_name(get(q, id).status), task_status_name(want));
}

/* Nothing may be amiss. */
static inline void
assert_sound(struct queue *q)
{
	struct queue_audit a;
	struct err e = { 0 };

	if (queue_audit(q, 0, &a, &e) != RC_OK)
		fail_msg("audit: %s", e.msg);
	if (a.orphans + a.strays + a.duplicates != 0)
		fail_msg("audit: %lld orphans, %lld strays, %lld duplicates",
		    ll(a.orphans), ll(a.strays), ll(a.duplicates));
}

/* As if its lease had run out, or its time had come. */
static inline void
expire(struct fixture *f, const char *id)
{
	ctl(f, "ZADD " K "processing XX 1 %s", id);
}

static inline void
make_due(struct fixture *f, const char *id)
{
	ctl(f, "ZADD " K "scheduled XX 1 %s", id);
}

#endif

#include <stdio.h>
#include <string.h>

#include "store/queue_part.h"

#define REAPED 100 /* leases, and due tasks, of one claim */

enum {
	CLAIMED_CODE,
	CLAIMED_NOW,
	CLAIMED_LEASE,
	CLAIMED_TOKEN,
	CLAIMED_NEXT,
	CLAIMED_TASKS
};

#define CLAIMED_EACH (2 + QUEUE_CLAIMED) /* id, score, fields */

/* Codes of lua/queue_claim.lua. */
enum { CLAIM_REAP = 1, CLAIM_AGAIN = 2 };

/* Take back leases that ran out, promote due tasks, forget the oldest ended. */
static enum rc
reap(struct queue *q, struct err *e)
{
	struct number poison, most;
	const char *args[] = { queue_head_start(),
		queue_number(&poison, QUEUE_POISON),
		queue_number(&most, REAPED) };
	redisReply *reply = NULL;
	enum rc rc;

	rc = queue_call(q, &script_queue_reap,
	    KEYS(KEY_READY, KEY_SCHEDULED, KEY_PROCESSING, KEY_UNIQUE,
		KEY_STATS, KEY_CONFIG, KEY_FAILED, KEY_COMPLETED,
		KEY_CANCELLED),
	    args, 3, &reply, e);
	if (rc == RC_OK)
		freeReplyObject(reply);
	return rc;
}

/* The arguments of a claim. */
struct asked {
	struct number lease, most;
	const char *args[4 + 2 * TASK__MAX];
	size_t n;
};

static const enum queue_key claim_keys[] = { KEY_READY, KEY_SCHEDULED,
	KEY_PROCESSING, KEY_CONFIG, QUEUE_KEYS };

static void
fill_asked(
    struct asked *a, const struct queue *q, const struct claim *c, int may_reap)
{
	int light = c->most;

	if (light < 1)
		light = 1;
	if (light > QUEUE_CLAIM_LIGHT)
		light = QUEUE_CLAIM_LIGHT;
	a->n = 0;
	a->args[a->n++] = c->owner;
	a->args[a->n++] = queue_number(&a->lease,
	    c->lease_ms > 0 ? queue_us_of_ms(c->lease_ms) : q->lease_us);
	a->args[a->n++] = queue_number(&a->most, light);
	a->args[a->n++] = may_reap ? "1" : "0";
	for (size_t i = 0; i < TASK__MAX; i++) {
		a->args[a->n++] = task_types[i].name;
		a->args[a->n++] = task_types[i].light ? "1" : "0";
	}
}

static enum rc
claim_once(struct queue *q, const struct claim *c, int may_reap,
    redisReply **reply, struct err *e)
{
	struct asked a;

	fill_asked(&a, q, c, may_reap);
	return queue_call(
	    q, &script_queue_claim, claim_keys, a.args, a.n, reply, e);
}

static void
add_text(char *out, size_t size, const char *text)
{
	size_t at = strlen(out), n = strlen(text);

	if (n >= size - at)
		n = size - at - 1;
	memcpy(out + at, text, n);
	out[at + n] = '\0';
}

/* As lua/queue_claim.lua writes it; snprintf takes longer than all else here.
 */
static void
put_run(struct task *t, const char *token, const char *score)
{
	const char priority[] = { ' ', (char)('0' + t->priority), ' ', '\0' };

	t->run[0] = '\0';
	add_text(t->run, sizeof(t->run), token);
	add_text(t->run, sizeof(t->run), " ");
	add_text(t->run, sizeof(t->run), t->owner);
	add_text(t->run, sizeof(t->run), priority);
	add_text(t->run, sizeof(t->run), score);
}

static enum rc
read_claimed(const redisReply *reply, const struct claim *c, struct task *tasks,
    size_t *out, struct err *e)
{
	size_t n = (reply->elements - CLAIMED_TASKS) / CLAIMED_EACH;
	redisReply **it = reply->element + CLAIMED_TASKS;
	int64_t now = redis_int(reply, CLAIMED_NOW, 0);
	int64_t token = redis_int(reply, CLAIMED_TOKEN, 0);
	struct number text;
	int64_t lease = redis_int(reply, CLAIMED_LEASE, 0);
	enum rc rc = RC_OK;

	if (n > QUEUE_CLAIM_LIGHT ||
	    reply->elements != CLAIMED_TASKS + n * CLAIMED_EACH)
		return err_set(e, RC_STORE, "claim: unexpected answer");
	queue_number(&text, token);
	for (size_t i = 0; i < n && rc == RC_OK; i++, it += CLAIMED_EACH) {
		struct task *t = &tasks[i];

		snprintf(t->id, sizeof(t->id), "%s", it[0]->str);
		rc = queue_task_read(
		    (const redisReply *const *)it + 2, QUEUE_CLAIMED, t, e);
		queue_task_place(t, it[1]->str);
		t->token = token;
		t->started_us = now;
		t->lease_us = lease;
		snprintf(t->owner, sizeof(t->owner), "%s", c->owner);
		put_run(t, text.s, it[1]->str);
	}
	if (rc == RC_OK)
		*out = n;
	return rc;
}

/* From an answer (NULL: none yet) to one with tasks, or with none where nothing
 * is ready; each turn takes strays away. */
static enum rc
claim_some(
    struct queue *q, const struct claim *c, redisReply **reply, struct err *e)
{
	int may_reap = 1;
	int64_t code;
	enum rc rc;

	for (;;) {
		rc = *reply == NULL ? claim_once(q, c, may_reap, reply, e)
				    : RC_OK;
		if (rc != RC_OK)
			return rc;
		code = redis_int(*reply, CLAIMED_CODE, -1);
		if (code != CLAIM_REAP && code != CLAIM_AGAIN)
			return RC_OK;
		freeReplyObject(*reply);
		*reply = NULL;
		if (code == CLAIM_AGAIN)
			continue;
		rc = reap(q, e);
		if (rc != RC_OK)
			return rc;
		may_reap = 0;
	}
}

/* The answer is freed. */
static enum rc
claim_from(struct queue *q, const struct claim *c, redisReply *reply,
    struct task *tasks, size_t *n, int64_t *next_ms, struct err *e)
{
	enum rc rc = claim_some(q, c, &reply, e);
	int64_t due, now;

	if (rc != RC_OK)
		return rc;
	if (redis_int(reply, CLAIMED_CODE, -1) != 0 ||
	    reply->elements < CLAIMED_TASKS) {
		rc = err_set(e, RC_STORE, "claim: unexpected answer");
	} else {
		now = redis_int(reply, CLAIMED_NOW, 0);
		due = redis_int(reply, CLAIMED_NEXT, -1);
		rc = read_claimed(reply, c, tasks, n, e);
		if (rc == RC_OK)
			*next_ms = due < 0     ? -1
				   : due > now ? (due - now + 999) / 1000
					       : 0;
	}
	freeReplyObject(reply);
	return rc;
}

enum rc
queue_claim(struct queue *q, const struct claim *c, struct task *tasks,
    size_t *n, int64_t *next_ms, struct err *e)
{
	return claim_from(q, c, NULL, tasks, n, next_ms, e);
}

/* Both answers; NULL where Redis does not know the script. */
static enum rc
ask_both(struct queue *q, const struct completion *done, const struct claim *c,
    redisReply *replies[2], struct err *e)
{
	struct asked a;
	struct err why = { 0 };
	enum rc rc;

	fill_asked(&a, q, c, 1);
	replies[0] = replies[1] = NULL;
	rc = queue_add(q, &script_queue_complete, queue_complete_keys,
	    done->args, done->n, &why);
	if (rc == RC_OK)
		rc = queue_add(
		    q, &script_queue_claim, claim_keys, a.args, a.n, &why);
	if (rc == RC_OK)
		rc = redis_fetch(q->redis, replies, 2, &why);
	if (rc == RC_STORE && strstr(why.msg, ": NOSCRIPT ") != NULL)
		rc = RC_OK;
	if (rc == RC_OK)
		return RC_OK;
	freeReplyObject(replies[0]);
	freeReplyObject(replies[1]);
	return err_set(e, rc, "%.200s (in complete and claim)", why.msg);
}

enum rc
queue_turn(struct queue *q, struct task *tasks, const char *const *results,
    size_t *n, size_t *lost, const struct claim *c, int64_t *next_ms,
    struct err *e)
{
	struct completion done;
	redisReply *replies[2];
	enum rc rc;

	queue_complete_fill(&done, tasks, results, *n);
	rc = ask_both(q, &done, c, replies, e);
	if (rc != RC_OK)
		return rc;
	if (replies[0] == NULL)
		rc = queue_call(q, &script_queue_complete, queue_complete_keys,
		    done.args, done.n, &replies[0], e);
	if (rc == RC_OK && replies[0]->type != REDIS_REPLY_INTEGER)
		rc = err_set(e, RC_STORE, "complete: unexpected answer");
	if (rc == RC_OK)
		*lost = (size_t)replies[0]->integer;
	freeReplyObject(replies[0]);
	if (rc == RC_OK)
		return claim_from(q, c, replies[1], tasks, n, next_ms, e);
	freeReplyObject(replies[1]);
	return rc;
}

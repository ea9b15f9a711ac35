#include <stdio.h>
#include <string.h>

#include "store/queue_part.h"

/* Requeue, pause, purge */

static enum rc
requeue(struct queue *q, const char *how, const char *what, int64_t pass,
    int64_t most, const char *since, redisReply **out, struct err *e)
{
	struct number from, n;
	struct limits limits;
	const char *args[6 + PRIORITY__MAX] = { queue_head_start() };
	const char **rest = args + 1 + PRIORITY__MAX;

	queue_limits(q, &limits, args + 1);
	rest[0] = how;
	rest[1] = what;
	rest[2] = queue_number(&from, pass);
	rest[3] = queue_number(&n, most);
	rest[4] = since;
	return queue_call(q, &script_queue_requeue,
	    KEYS(KEY_READY, KEY_SCHEDULED, KEY_UNIQUE, KEY_CONFIG, KEY_FAILED,
		KEY_CANCELLED),
	    args, 6 + PRIORITY__MAX, out, e);
}

static enum rc
no_room(struct err *e)
{
	return err_set(e, RC_FULL, "the queue is full (QUEUE_MAX)");
}

enum rc
queue_requeue(struct queue *q, const char *id, struct err *e)
{
	redisReply *reply = NULL;
	int64_t why;
	enum rc rc;

	rc = requeue(q, "id", id, 0, 1, "", &reply, e);
	if (rc != RC_OK)
		return rc;
	why = redis_int(reply, 2, -1);
	freeReplyObject(reply);
	switch (why) {
	case 0:
		return RC_OK;
	case 1:
		return err_set(e, RC_NOTFOUND, "no task %s", id);
	case 2:
		return err_set(e, RC_INVALID, "task %s has not failed", id);
	case 3:
		return err_set(e, RC_BUSY,
		    "task %s: equal work waits or runs already", id);
	case 4:
		return no_room(e);
	default:
		return err_set(e, RC_STORE, "requeue: unexpected answer");
	}
}

enum rc
queue_requeue_all(struct queue *q, enum task_type type, int64_t most,
    int64_t *n, struct err *e)
{
	const char *name = type < TASK__MAX ? task_types[type].name : "";
	int64_t done = 0, pass = 0, some, over, step, why;
	struct number since = { "" };
	redisReply *reply = NULL;
	enum rc rc;

	while (done < most) {
		step = most - done < QUEUE_CHUNK ? most - done : QUEUE_CHUNK;
		rc = requeue(q, "all", name, pass, step, since.s, &reply, e);
		if (rc != RC_OK)
			return rc;
		some = redis_int(reply, 0, 0);
		over = redis_int(reply, 1, 0);
		why = redis_int(reply, 2, 0);
		queue_number(&since, redis_int(reply, 3, 0));
		freeReplyObject(reply);
		done += some;
		pass += over;
		*n = done;
		if (why == 4)
			return no_room(e);
		if (some + over < step)
			break;
	}
	*n = done;
	return RC_OK;
}

static enum rc
set_pause(struct queue *q, const char *on, const char *reason, int64_t for_ms,
    struct err *e)
{
	char text[TASK_TEXT + 1];
	struct number us;
	const char *args[] = { on, text,
		queue_number(&us, queue_us_of_ms(for_ms)) };
	int64_t code;

	snprintf(text, sizeof(text), "%s", reason);
	return queue_call_int(
	    q, &script_queue_pause, KEYS(KEY_CONFIG), args, 3, &code, e);
}

enum rc
queue_pause(struct queue *q, const char *reason, int64_t for_ms, struct err *e)
{
	return set_pause(q, "1", reason, for_ms, e);
}

enum rc
queue_resume(struct queue *q, struct err *e)
{
	return set_pause(q, "0", "", 0, e);
}

enum rc
queue_purge(struct queue *q, int64_t older_ms, int64_t *n, struct err *e)
{
	struct number older, most;
	const char *args[] = { queue_number(&older, queue_us_of_ms(older_ms)),
		queue_number(&most, QUEUE_CHUNK) };

	return queue_call_int(q, &script_queue_purge,
	    KEYS(KEY_FAILED, KEY_COMPLETED, KEY_CANCELLED), args, 2, n, e);
}

/* One task, and the ids of a set */

/* The answer of lua/queue_get.lua. */
enum {
	GOT_ID,
	GOT_POSITION,
	GOT_SCORE,
	GOT_LEASE,
	GOT_DUE,
	GOT_FINISHED,
	GOT_FIELDS,
	GOT__MAX
};

static enum rc
read_got(const redisReply *reply, struct task *t, struct err *e)
{
	const redisReply *fields = reply->element[GOT_FIELDS];
	enum rc rc;

	snprintf(t->id, sizeof(t->id), "%s", reply->element[GOT_ID]->str);
	/* the status again, which the script wants first */
	rc = queue_task_read((const redisReply *const *)fields->element + 1,
	    fields->elements - 1, t, e);
	if (rc != RC_OK)
		return rc;
	queue_task_place(t, reply->element[GOT_SCORE]->str);
	t->started_us = t->token;
	if (t->status >= TASK_COMPLETED) /* since its last run, it says */
		t->put_off = (struct task_error){ 0 };
	t->lease_us = redis_int(reply, GOT_LEASE, 0);
	t->due_us = redis_int(reply, GOT_DUE, 0);
	t->finished_us = redis_int(reply, GOT_FINISHED, 0);
	return RC_OK;
}

enum rc
queue_get(struct queue *q, const char *id, struct task *out, int64_t *position,
    struct err *e)
{
	const char *args[2 + QUEUE_FIELDS] = { id, "status" };
	struct task t = { 0 };
	redisReply *reply = NULL;
	enum rc rc;

	memcpy(&args[2], queue_fields, sizeof(queue_fields));
	rc = queue_call(q, &script_queue_get,
	    KEYS(KEY_READY, KEY_SCHEDULED, KEY_PROCESSING, KEY_FAILED,
		KEY_COMPLETED, KEY_CANCELLED),
	    args, 2 + QUEUE_FIELDS, &reply, e);
	if (rc != RC_OK)
		return rc;
	if (reply->elements < GOT__MAX)
		rc = err_set(e, RC_NOTFOUND, "no task %.36s", id);
	else
		rc = read_got(reply, &t, e);
	if (rc == RC_OK) {
		*position = redis_int(reply, GOT_POSITION, -1);
		*out = t;
	}
	freeReplyObject(reply);
	return rc;
}

static const struct set {
	const char *name;
	enum queue_key key;
	const char *command;
} sets[] = {
	{ "ready", KEY_READY, "ZRANGE" },
	{ "scheduled", KEY_SCHEDULED, "ZRANGE" },
	{ "processing", KEY_PROCESSING, "ZRANGE" },
	{ "failed", KEY_FAILED, "ZREVRANGE" },
	{ "completed", KEY_COMPLETED, "ZREVRANGE" },
	{ "cancelled", KEY_CANCELLED, "ZREVRANGE" },
};

#define SETS (sizeof(sets) / sizeof(sets[0]))

enum rc
queue_list(struct queue *q, const char *set, size_t most,
    char (*ids)[TASK_ID + 1], size_t *n, struct err *e)
{
	const char *argv[4] = { NULL, NULL, "0" };
	struct number last;
	redisReply *reply = NULL;
	size_t i = 0;
	enum rc rc;

	while (i < SETS && strcmp(sets[i].name, set) != 0)
		i++;
	if (i == SETS)
		return err_set(
		    e, RC_USAGE, "no set of tasks is \"%.20s\"", set);
	*n = 0;
	if (most == 0)
		return RC_OK;
	argv[0] = sets[i].command;
	argv[1] = queue_keys[sets[i].key];
	argv[3] = queue_number(&last, (int64_t)most - 1);
	rc = redis_call(q->redis, 4, argv, NULL, &reply, e);
	if (rc != RC_OK)
		return rc;
	for (i = 0; i < reply->elements && i < most; i++)
		snprintf(ids[i], sizeof(ids[i]), "%s", reply->element[i]->str);
	*n = i;
	freeReplyObject(reply);
	return RC_OK;
}

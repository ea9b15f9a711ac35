#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/queue_part.h"

#define PREFIX     "stocknity:{default}:"
#define PROBE_TEXT 40
#define REAPED     100 /* leases, and due tasks, of one claim */

static const char *const key_names[QUEUE_KEYS] = {
	[KEY_READY] = PREFIX "ready",
	[KEY_SCHEDULED] = PREFIX "scheduled",
	[KEY_PROCESSING] = PREFIX "processing",
	[KEY_UNIQUE] = PREFIX "unique",
	[KEY_STATS] = PREFIX "stats",
	[KEY_CONFIG] = PREFIX "config",
	[KEY_FAILED] = PREFIX "failed",
	[KEY_COMPLETED] = PREFIX "completed",
	[KEY_CANCELLED] = PREFIX "cancelled",
};

/* How much of QUEUE_MAX a priority may fill, in percent. */
static const int shares[PRIORITY__MAX] = {
	[PRIORITY_LOW] = 70,
	[PRIORITY_NORMAL] = 80,
	[PRIORITY_HIGH] = 90,
	[PRIORITY_URGENT] = 100,
};

const char *
queue_number(struct number *n, int64_t v)
{
	snprintf(n->s, sizeof(n->s), "%lld", (long long)v);
	return n->s;
}

const char *
queue_head_start(void)
{
#define STRING_OF(n) #n
#define STRING(n)    STRING_OF(n)
	return STRING(QUEUE_HEAD_START) "000000";
#undef STRING
#undef STRING_OF
}

int64_t
queue_us_of_ms(int64_t ms)
{
	if (ms < 0)
		return 0;
	return (ms < QUEUE_MAX_MS ? ms : QUEUE_MAX_MS) * 1000;
}

enum rc
queue_open(struct queue **out, const struct config *config, struct redis *redis,
    struct err *e)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return err_set(e, RC_NOMEM, "queue: out of memory");
	q->redis = redis;
	for (size_t i = 0; i < QUEUE_KEYS; i++)
		q->keys[i] = key_names[i];
	q->prefix = PREFIX "task:";
	for (size_t i = 0; i < PRIORITY__MAX; i++)
		q->limits[i] = (config->queue_max * shares[i] + 99) / 100;
	q->lease_us = config->task_lease * 1000000;
	q->attempts = config->task_max_attempts;
	q->retry_us = config->retry_delay * 1000000;
	*out = q;
	return RC_OK;
}

void
queue_close(struct queue *q)
{
	free(q);
}

enum rc
queue_call(struct queue *q, const struct script *script,
    const char *const *args, size_t n, redisReply **out, struct err *e)
{
	const char **argv = calloc(QUEUE_KEYS + n, sizeof(*argv));
	enum rc rc;

	if (argv == NULL) {
		err_set(e, RC_NOMEM, "queue: out of memory");
		return RC_NOMEM;
	}
	memcpy(argv, q->keys, sizeof(q->keys));
	if (n > 0)
		memcpy(argv + QUEUE_KEYS, args, n * sizeof(*argv));
	rc = redis_script(q->redis, script, QUEUE_KEYS, (int)(QUEUE_KEYS + n),
	    argv, NULL, out, e);
	free(argv);
	return rc;
}

enum rc
queue_call_int(struct queue *q, const struct script *script,
    const char *const *args, size_t n, int64_t *out, struct err *e)
{
	redisReply *reply = NULL;
	enum rc rc = queue_call(q, script, args, n, &reply, e);

	if (rc != RC_OK)
		return rc;
	if (reply->type == REDIS_REPLY_INTEGER)
		*out = reply->integer;
	else
		rc =
		    err_set(e, RC_STORE, "%s: unexpected answer", script->name);
	freeReplyObject(reply);
	return rc;
}

/* Enqueue */

#define ENQUEUE_HEAD (1 + PRIORITY__MAX) /* arguments before the tasks */
#define ENQUEUE_EACH 4

/* Room for the arguments of a batch. */
struct batch {
	struct number limits[PRIORITY__MAX];
	const char *args[ENQUEUE_HEAD + QUEUE_BATCH * ENQUEUE_EACH];
	char ids[QUEUE_BATCH][TASK_ID + 1];
	char how[QUEUE_BATCH][64];
};

static enum rc
check_spec(const struct task_spec *s, struct err *e)
{
	size_t longest =
	    s->type == TASK_PROBE ? (size_t)PROBE_TEXT : (size_t)TASK_TEXT;

	if (s->type >= TASK__MAX || s->priority >= PRIORITY__MAX)
		return err_set(e, RC_BUG, "queue: no such type or priority");
	if (s->id[0] != '\0' && !task_is_id(s->id))
		return err_set(e, RC_USAGE,
		    "not an id: \"%.36s\"; it is a UUID in lower case", s->id);
	if (strlen(s->dataset.index) > longest ||
	    strlen(s->dataset.sector) > longest)
		return err_set(e, RC_USAGE,
		    "a text of more than %zu bytes in a task", longest);
	/* It stands between them in the key of equal work. */
	if (strchr(s->dataset.index, '|') != NULL ||
	    strchr(s->dataset.sector, '|') != NULL)
		return err_set(e, RC_USAGE, "a text of a task holds a \"|\"");
	if (s->delay_ms < 0 || s->delay_ms > QUEUE_MAX_MS)
		return err_set(e, RC_USAGE, "a delay out of range");
	return RC_OK;
}

static int
is_alike(const struct task_spec *a, const struct task_spec *b)
{
	return a->type == b->type && a->priority == b->priority &&
	       (a->force != 0) == (b->force != 0) && a->delay_ms == b->delay_ms;
}

static void
batch_fill(struct batch *b, const struct task_spec *specs, size_t n)
{
	const char **at = &b->args[ENQUEUE_HEAD];

	for (size_t i = 0; i < n; i++, at += ENQUEUE_EACH) {
		const struct task_spec *s = &specs[i];

		if (s->id[0] != '\0')
			memcpy(b->ids[i], s->id, sizeof(b->ids[i]));
		else
			task_new_id(b->ids[i]);
		at[0] = b->ids[i];
		at[1] = b->how[i];
		at[2] = s->dataset.index;
		at[3] = s->dataset.sector;
		if (i > 0 && is_alike(s, s - 1))
			at[1] = at[1 - ENQUEUE_EACH];
		else
			snprintf(b->how[i], sizeof(b->how[i]), "%d%d%lld %s",
			    s->force != 0, (int)s->priority,
			    (long long)queue_us_of_ms(s->delay_ms),
			    task_types[s->type].name);
	}
}

/* A digit for each task, then the ids that the merged ones went into. */
static enum rc
read_enqueued(const redisReply *reply, const struct batch *b, size_t n,
    struct enqueue_result *out, struct err *e)
{
	size_t merged = 0, at = 1;
	const char *codes;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[0]->len != n)
		return err_set(e, RC_STORE, "enqueue: unexpected answer");
	codes = reply->element[0]->str;
	for (size_t i = 0; i < n; i++) {
		if (codes[i] < '0' || codes[i] > '0' + ENQUEUED_FULL)
			return err_set(
			    e, RC_STORE, "enqueue: unexpected answer");
		merged += codes[i] == '0' + ENQUEUED_MERGED;
	}
	if (reply->elements != 1 + merged)
		return err_set(e, RC_STORE, "enqueue: unexpected answer");
	for (size_t i = 0; i < n; i++) {
		out[i].what = (enum enqueued)(codes[i] - '0');
		if (out[i].what == ENQUEUED_MERGED)
			snprintf(out[i].id, sizeof(out[i].id), "%s",
			    reply->element[at++]->str);
		else
			memcpy(out[i].id, b->ids[i], sizeof(out[i].id));
	}
	return RC_OK;
}

enum rc
queue_enqueue(struct queue *q, const struct task_spec *specs, size_t n,
    struct enqueue_result *results, struct err *e)
{
	struct batch *b;
	redisReply *reply = NULL;
	enum rc rc = RC_OK;

	if (n > QUEUE_BATCH)
		return err_set(e, RC_USAGE, "%zu tasks at once: at most %d", n,
		    QUEUE_BATCH);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = check_spec(&specs[i], e);
	if (rc != RC_OK || n == 0)
		return rc;
	b = malloc(sizeof(*b));
	if (b == NULL)
		return err_set(e, RC_NOMEM, "queue: out of memory");
	b->args[0] = queue_head_start();
	for (size_t i = 0; i < PRIORITY__MAX; i++)
		b->args[1 + i] = queue_number(&b->limits[i], q->limits[i]);
	batch_fill(b, specs, n);
	rc = queue_call(q, &script_queue_enqueue, b->args,
	    ENQUEUE_HEAD + n * ENQUEUE_EACH, &reply, e);
	if (rc == RC_OK)
		rc = read_enqueued(reply, b, n, results, e);
	freeReplyObject(reply);
	free(b);
	return rc;
}

/* Claim */

enum {
	CLAIMED_CODE,
	CLAIMED_NOW,
	CLAIMED_LEASE,
	CLAIMED_TOKEN,
	CLAIMED_NEXT,
	CLAIMED_TASKS
};

/* Take back leases that ran out, and promote due tasks. */
static enum rc
reap(struct queue *q, struct err *e)
{
	struct number poison, most;
	const char *args[] = { queue_head_start(),
		queue_number(&poison, QUEUE_POISON),
		queue_number(&most, REAPED) };
	redisReply *reply = NULL;
	enum rc rc;

	rc = queue_call(q, &script_queue_reap, args, 3, &reply, e);
	if (rc == RC_OK)
		freeReplyObject(reply);
	return rc;
}

static enum rc
claim_once(struct queue *q, const struct claim *c, int may_reap,
    redisReply **reply, struct err *e)
{
	struct number lease, most;
	const char *args[4 + 2 * TASK__MAX] = { c->owner };
	int light = c->most;
	size_t n = 4;

	if (light < 1)
		light = 1;
	if (light > QUEUE_CLAIM_LIGHT)
		light = QUEUE_CLAIM_LIGHT;
	args[1] = queue_number(&lease,
	    c->lease_ms > 0 ? queue_us_of_ms(c->lease_ms) : q->lease_us);
	args[2] = queue_number(&most, light);
	args[3] = may_reap ? "1" : "0";
	for (size_t i = 0; i < TASK__MAX; i++) {
		if ((c->types & 1u << i) == 0)
			continue;
		args[n++] = task_types[i].name;
		args[n++] = task_types[i].light ? "1" : "0";
	}
	return queue_call(q, &script_queue_claim, args, n, reply, e);
}

static enum rc
read_claimed(const redisReply *reply, const struct claim *c, struct task *tasks,
    size_t *out, struct err *e)
{
	size_t n = reply->elements - CLAIMED_TASKS;
	const redisReply *it;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		it = reply->element[CLAIMED_TASKS + i];
		if (i >= QUEUE_CLAIM_LIGHT || it->type != REDIS_REPLY_ARRAY ||
		    it->elements != QUEUE_CLAIMED + 1)
			return err_set(e, RC_STORE, "claim: unexpected answer");
		snprintf(tasks[i].id, sizeof(tasks[i].id), "%s",
		    it->element[QUEUE_CLAIMED]->str);
		rc = queue_task_read((const redisReply *const *)it->element,
		    QUEUE_CLAIMED, &tasks[i], e);
		tasks[i].token =
		    redis_int(reply, CLAIMED_TOKEN, 0) + (int64_t)i;
		tasks[i].started_us = redis_int(reply, CLAIMED_NOW, 0);
		tasks[i].lease_us = redis_int(reply, CLAIMED_LEASE, 0);
		snprintf(
		    tasks[i].owner, sizeof(tasks[i].owner), "%s", c->owner);
	}
	if (rc == RC_OK)
		*out = n;
	return rc;
}

enum rc
queue_claim(struct queue *q, const struct claim *c, struct task *tasks,
    size_t *n, int64_t *next_ms, struct err *e)
{
	redisReply *reply = NULL;
	int64_t due, now;
	enum rc rc;

	rc = claim_once(q, c, 1, &reply, e);
	if (rc == RC_OK && redis_int(reply, CLAIMED_CODE, -1) == 1) {
		freeReplyObject(reply);
		rc = reap(q, e);
		if (rc == RC_OK)
			rc = claim_once(q, c, 0, &reply, e);
	}
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

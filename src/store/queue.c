#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/queue_part.h"

#define PREFIX "stocknity:{default}:"

const char *const queue_keys[QUEUE_KEYS] = {
	[KEY_READY] = PREFIX "ready",
	[KEY_SCHEDULED] = PREFIX "scheduled",
	[KEY_PROCESSING] = PREFIX "processing",
	[KEY_UNIQUE] = PREFIX "unique",
	[KEY_STATS] = PREFIX "stats",
	[KEY_CONFIG] = PREFIX "config",
	[KEY_FAILED] = PREFIX "failed",
	[KEY_COMPLETED] = PREFIX "completed",
	[KEY_CANCELLED] = PREFIX "cancelled",
	[KEY_SLOTS] = PREFIX "slots",
	[KEY_ALIASES] = PREFIX "aliases",
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

/* Ask, or (out not NULL) ask and fetch the answer. */
static enum rc
send_script(struct queue *q, const struct script *script,
    const enum queue_key *keys, const char *const *args, size_t n,
    redisReply **out, struct err *e)
{
	const char *few[64], **argv = few;
	int nkeys = 0;
	enum rc rc;

	if (n + QUEUE_KEYS > sizeof(few) / sizeof(few[0]))
		argv = malloc((n + QUEUE_KEYS) * sizeof(*argv));
	if (argv == NULL) {
		err_set(e, RC_NOMEM, "queue: out of memory");
		return RC_NOMEM;
	}
	for (; keys[nkeys] != QUEUE_KEYS; nkeys++)
		argv[nkeys] = queue_keys[keys[nkeys]];
	if (n > 0)
		memcpy(argv + nkeys, args, n * sizeof(*argv));
	rc = out == NULL ? redis_script_add(q->redis, script, nkeys,
			       nkeys + (int)n, argv, NULL, e)
			 : redis_script(q->redis, script, nkeys, nkeys + (int)n,
			       argv, NULL, out, e);
	if (argv != few)
		free(argv);
	return rc;
}

enum rc
queue_add(struct queue *q, const struct script *script,
    const enum queue_key *keys, const char *const *args, size_t n,
    struct err *e)
{
	return send_script(q, script, keys, args, n, NULL, e);
}

enum rc
queue_call(struct queue *q, const struct script *script,
    const enum queue_key *keys, const char *const *args, size_t n,
    redisReply **out, struct err *e)
{
	return send_script(q, script, keys, args, n, out, e);
}

enum rc
queue_call_int(struct queue *q, const struct script *script,
    const enum queue_key *keys, const char *const *args, size_t n, int64_t *out,
    struct err *e)
{
	redisReply *reply = NULL;
	enum rc rc = queue_call(q, script, keys, args, n, &reply, e);

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

void
queue_limits(const struct queue *q, struct limits *l, const char **args)
{
	for (size_t i = 0; i < PRIORITY__MAX; i++)
		args[i] = queue_number(&l->n[i], q->limits[i]);
}

/* Enqueue */

#define ENQUEUE_HEAD (1 + PRIORITY__MAX + 3) /* arguments before the tasks */
#define ENQUEUE_EACH 2
#define ENQUEUE_MOST (ENQUEUE_HEAD + QUEUE_BATCH * (2 + ENQUEUE_EACH))

/* The arguments of a batch, and room for them. */
struct batch {
	struct limits limits;
	const char *args[ENQUEUE_MOST];
	size_t n;
	struct task_ids ids; /* those that are made here */
	struct one {
		char id[TASK_ID + 1];
		char work[TASK_WORK + 1];
		char how[24];
		struct number count;
	} tasks[QUEUE_BATCH];
};

int
queue_work(char out[TASK_WORK + 1], const struct task_spec *s)
{
	const char *parts[] = { task_types[s->type].name, "|", s->dataset.index,
		"|", s->dataset.sector };
	size_t len = 0, n;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		n = strlen(parts[i]);
		if (n > TASK_WORK - len)
			return 0;
		memcpy(out + len, parts[i], n);
		len += n;
	}
	out[len] = '\0';
	return 1;
}

static enum rc
check_spec(const struct task_spec *s, struct err *e)
{
	char work[TASK_WORK + 1];

	if (s->type >= TASK__MAX || s->priority >= PRIORITY__MAX)
		return err_set(e, RC_BUG, "queue: no such type or priority");
	if (s->id[0] != '\0' && !task_is_id(s->id))
		return err_set(e, RC_USAGE,
		    "not an id: \"%.36s\"; it is a UUID in lower case", s->id);
	if (!queue_work(work, s))
		return err_set(e, RC_USAGE,
		    "type, index and sector of a task have more than %d bytes",
		    TASK_WORK - 2);
	/* It stands between them. */
	if (strchr(s->dataset.index, '|') != NULL ||
	    strchr(s->dataset.sector, '|') != NULL)
		return err_set(e, RC_USAGE, "a text of a task holds a \"|\"");
	if (s->delay_ms < 0 || s->delay_ms > QUEUE_MAX_MS)
		return err_set(e, RC_USAGE, "a delay out of range");
	return RC_OK;
}

/* Somebody else may know the id. */
static int
is_given(const struct task_spec *s)
{
	return s->id[0] != '\0' && !s->fresh;
}

static int
is_alike(const struct task_spec *a, const struct task_spec *b)
{
	return is_given(a) == is_given(b) && a->priority == b->priority &&
	       (a->force != 0) == (b->force != 0) && a->delay_ms == b->delay_ms;
}

/* Groups of tasks that are alike: how, count, then id and work of each. */
static void
batch_fill(struct batch *b, const struct task_spec *specs, size_t n)
{
	const char **at = &b->args[ENQUEUE_HEAD];
	size_t first = 0;

	for (size_t i = 0; i < n; i++) {
		const struct task_spec *s = &specs[i];
		struct one *it = &b->tasks[i];

		if (i == 0 || !is_alike(s, s - 1)) {
			first = i;
			snprintf(it->how, sizeof(it->how), "%d%d%d%lld",
			    is_given(s), s->force != 0, (int)s->priority,
			    (long long)queue_us_of_ms(s->delay_ms));
			*at++ = it->how;
			*at++ = it->count.s;
		}
		if (i + 1 == n || !is_alike(s, s + 1))
			queue_number(
			    &b->tasks[first].count, (int64_t)(i + 1 - first));
		if (s->id[0] != '\0')
			memcpy(it->id, s->id, sizeof(it->id));
		else
			task_ids_next(&b->ids, it->id);
		queue_work(it->work, s);
		*at++ = it->id;
		*at++ = it->work;
	}
	b->n = (size_t)(at - b->args);
}

#define PLACES ((size_t)2 * QUEUE_BATCH)

/* Is an id given, or work twice among them?  Seldom, and costly to look for in
 * the script. */
static int
needs_care(const struct batch *b, const struct task_spec *specs, size_t n)
{
	const char *seen[PLACES] = { NULL };

	for (size_t i = 0; i < n; i++) {
		const char *work = b->tasks[i].work;
		size_t at = 0;

		if (is_given(&specs[i]))
			return 1;
		for (const char *p = work; *p != '\0'; p++)
			at = (at ^ (unsigned char)*p) * 16777619u;
		for (at %= PLACES; seen[at] != NULL; at = (at + 1) % PLACES)
			if (strcmp(seen[at], work) == 0)
				return 1;
		seen[at] = work;
	}
	return 0;
}

/* Why a slot was not accepted; NULL: the answer says nothing of that. */
static const char *
refusal(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
		       reply->element[0]->len == 0
		   ? reply->element[1]->str
		   : NULL;
}

static enum rc
read_refusal(
    const char *why, const char *slot, enum slot_fate *fate, struct err *e)
{
	static const char *const words[] = { [SLOT_TAKEN] = "taken",
		[SLOT_OLDER] = "older",
		[SLOT_STOPPED] = "stopped" };

	if (strcmp(why, "full") == 0)
		return err_set(
		    e, RC_FULL, "the queue has no room for %s", slot);
	for (int i = SLOT_TAKEN; i <= SLOT_STOPPED; i++)
		if (strcmp(why, words[i]) == 0) {
			*fate = (enum slot_fate)i;
			return RC_OK;
		}
	return err_set(e, RC_STORE, "enqueue: unexpected answer");
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
			memcpy(out[i].id, b->tasks[i].id, sizeof(out[i].id));
	}
	return RC_OK;
}

static enum rc
send_batch(struct queue *q, const char *slot, const char *run,
    const struct task_spec *specs, size_t n, struct enqueue_result *results,
    enum slot_fate *fate, struct err *e)
{
	struct batch *b = malloc(sizeof(*b));
	redisReply *reply = NULL;
	const char *why;
	enum rc rc;

	if (b == NULL)
		return err_set(e, RC_NOMEM, "queue: out of memory");
	b->ids.left = b->ids.last = 0;
	b->args[0] = queue_head_start();
	queue_limits(q, &b->limits, b->args + 1);
	b->args[1 + PRIORITY__MAX] = slot;
	b->args[2 + PRIORITY__MAX] = run;
	batch_fill(b, specs, n);
	b->args[3 + PRIORITY__MAX] = needs_care(b, specs, n) ? "1" : "0";
	rc = queue_call(q, &script_queue_enqueue,
	    KEYS(KEY_READY, KEY_SCHEDULED, KEY_UNIQUE, KEY_STATS, KEY_CONFIG,
		KEY_SLOTS, KEY_ALIASES),
	    b->args, b->n, &reply, e);
	why = rc == RC_OK ? refusal(reply) : NULL;
	if (why != NULL)
		rc = read_refusal(why, slot, fate, e);
	else if (rc == RC_OK)
		rc = read_enqueued(reply, b, n, results, e);
	freeReplyObject(reply);
	free(b);
	return rc;
}

static enum rc
check_batch(const struct task_spec *specs, size_t n, struct err *e)
{
	enum rc rc = RC_OK;

	if (n > QUEUE_BATCH)
		return err_set(e, RC_USAGE, "%zu tasks at once: at most %d", n,
		    QUEUE_BATCH);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = check_spec(&specs[i], e);
	return rc;
}

enum rc
queue_enqueue(struct queue *q, const struct task_spec *specs, size_t n,
    struct enqueue_result *results, struct err *e)
{
	enum slot_fate none;
	enum rc rc = check_batch(specs, n, e);

	if (rc != RC_OK || n == 0)
		return rc;
	return send_batch(q, "", "", specs, n, results, &none, e);
}

enum rc
queue_accept(struct queue *q, const char *slot, const char *run,
    const struct task_spec *specs, size_t n, struct enqueue_result *results,
    enum slot_fate *fate, struct err *e)
{
	enum rc rc = check_batch(specs, n, e);

	if (rc != RC_OK)
		return rc;
	*fate = SLOT_ACCEPTED;
	return send_batch(q, slot, run, specs, n, results, fate, e);
}

#include <stdio.h>
#include <string.h>

#include "store/queue_part.h"

#define COUNTERS 10

/* The counters, in the order of their names in struct queue_stats. */
static const struct counter {
	const char *name;
	size_t offset;
} counters[COUNTERS] = {
#define AT(member)                                                             \
	{                                                                      \
#member, offsetof(struct queue_stats, member)                  \
	}
	AT(enqueued),
	AT(merged),
	AT(refused),
	AT(claimed),
	AT(done),
	AT(retried),
	AT(lost),
	AT(dead),
	AT(released),
	AT(cancelled),
#undef AT
};

/* What stands before the counters in the answer of lua/queue_stats.lua. */
static const size_t figures[] = {
	offsetof(struct queue_stats, now_us),
	offsetof(struct queue_stats, pending),
	offsetof(struct queue_stats, scheduled),
	offsetof(struct queue_stats, processing),
	offsetof(struct queue_stats, failed),
	offsetof(struct queue_stats, completed),
	offsetof(struct queue_stats, oldest_us),
	offsetof(struct queue_stats, expired),
	offsetof(struct queue_stats, pause_until_us),
	offsetof(struct queue_stats, done_minute),
	offsetof(struct queue_stats, failed_minute),
	offsetof(struct queue_stats, by_priority[PRIORITY_LOW]),
	offsetof(struct queue_stats, by_priority[PRIORITY_NORMAL]),
	offsetof(struct queue_stats, by_priority[PRIORITY_HIGH]),
	offsetof(struct queue_stats, by_priority[PRIORITY_URGENT]),
};

#define FIGURES (sizeof(figures) / sizeof(figures[0]))
#define ANSWERS (FIGURES + COUNTERS + 2)

static void
set_figure(struct queue_stats *s, size_t offset, int64_t v)
{
	memcpy((char *)s + offset, &v, sizeof(v));
}

/* The keys of the script, in its order. */
static const enum queue_key keys[] = { KEY_READY, KEY_SCHEDULED, KEY_PROCESSING,
	KEY_FAILED, KEY_COMPLETED, KEY_STATS, KEY_CONFIG };

#define KEYS_USED (sizeof(keys) / sizeof(keys[0]))
#define ARGUMENTS (KEYS_USED + 1 + COUNTERS)

/* The keys, the head start, the names of the counters. */
static void
arguments(const char *out[ARGUMENTS])
{
	for (size_t i = 0; i < KEYS_USED; i++)
		*out++ = queue_keys[keys[i]];
	*out++ = queue_head_start();
	for (size_t i = 0; i < COUNTERS; i++)
		*out++ = counters[i].name;
}

static enum rc
read_stats(const redisReply *reply, struct queue_stats *out, struct err *e)
{
	struct queue_stats s = { 0 };

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != ANSWERS ||
	    reply->element[ANSWERS - 1]->type != REDIS_REPLY_STRING)
		return err_set(e, RC_STORE, "stats: unexpected answer");
	for (size_t i = 0; i < FIGURES; i++)
		set_figure(&s, figures[i], redis_int(reply, i, 0));
	for (size_t i = 0; i < COUNTERS; i++)
		set_figure(
		    &s, counters[i].offset, redis_int(reply, FIGURES + i, 0));
	s.paused = (int)redis_int(reply, ANSWERS - 2, 0);
	snprintf(s.pause_reason, sizeof(s.pause_reason), "%s",
	    reply->element[ANSWERS - 1]->str);
	*out = s;
	return RC_OK;
}

enum rc
queue_stats_ask(struct queue *q, struct err *e)
{
	const char *argv[ARGUMENTS];

	arguments(argv);
	return redis_script_add(
	    q->redis, &script_queue_stats, KEYS_USED, ARGUMENTS, argv, NULL, e);
}

enum rc
queue_stats_read(struct queue *q, struct queue_stats *out, struct err *e)
{
	const char *argv[ARGUMENTS];
	redisReply *reply = NULL;
	enum rc rc;

	arguments(argv);
	rc = redis_script_fetch(q->redis, &script_queue_stats, KEYS_USED,
	    ARGUMENTS, argv, NULL, &reply, e);
	if (rc == RC_OK)
		rc = read_stats(reply, out, e);
	freeReplyObject(reply);
	return rc;
}

enum rc
queue_stats(struct queue *q, struct queue_stats *out, struct err *e)
{
	enum rc rc = queue_stats_ask(q, e);

	return rc == RC_OK ? queue_stats_read(q, out, e) : rc;
}

#include <stdlib.h>
#include <string.h>

#include "data/envelope.h"
#include "data/text.h"
#include "report.h"

#define PAIRS   (DATASET_INDEXES * DATASET_SECTORS)
#define CACHED  (PAIRS + DATASET_INDEXES)
#define REPLIES (4 + LIMIT_SOURCES + CACHED * CACHE_PEEK)

/* The i-th of what is cached: the datasets, then the annual returns. */
static struct dataset
cached(int i)
{
	if (i >= PAIRS)
		return (struct dataset){ dataset_indexes[i - PAIRS].name,
			CACHE_RETURNS };
	return (struct dataset){ dataset_indexes[i / DATASET_SECTORS].name,
		dataset_sectors[i % DATASET_SECTORS].name };
}

static struct cache_about *
place(struct report_state *s, int i)
{
	return i < PAIRS ? &s->cache[i / DATASET_SECTORS][i % DATASET_SECTORS]
			 : &s->returns[i - PAIRS];
}

static enum rc
ask_redis(const struct report *r, struct err *e)
{
	static const char *const info[] = { "INFO" };
	static const char *const save[] = { "CONFIG", "GET", "save" };
	enum rc rc = redis_add(r->redis, 1, info, NULL, e);

	return rc == RC_OK ? redis_add(r->redis, 3, save, NULL, e) : rc;
}

static enum rc
ask(const struct report *r, const struct report_state *s, unsigned parts,
    struct err *e)
{
	static const char *const now[] = { "TIME" };
	enum rc rc = redis_add(r->redis, 1, now, NULL, e);

	for (size_t i = 0; i < s->nsources && rc == RC_OK; i++)
		rc = guard_peek_ask(r->redis, s->sources[i], e);
	if (rc == RC_OK && (parts & REPORT_OF_REDIS) != 0)
		rc = ask_redis(r, e);
	if (rc == RC_OK && (parts & REPORT_OF_SLOTS) != 0)
		rc = scheduler_slots_ask(r->redis, e);
	for (int i = 0; i < CACHED && rc == RC_OK; i++) {
		struct dataset d = cached(i);

		if ((parts & REPORT_OF_CACHE) != 0)
			rc = cache_peek_ask(r->redis, &d, e);
	}
	if (rc == RC_OK && (parts & REPORT_OF_QUEUE) != 0)
		rc = queue_stats_ask(r->queue, e);
	return rc;
}

/* Where we may not ask, *told stays 0. */
static void
read_redis(redisReply *const replies[2], struct report_state *s)
{
	const redisReply *info = replies[0], *save = replies[1];
	char text[32];

	if (info == NULL || info->str == NULL || save == NULL ||
	    save->type != REDIS_REPLY_ARRAY || save->elements != 2 ||
	    save->element[1]->type != REDIS_REPLY_STRING)
		return;
	s->told = 1;
	s->aof =
	    strcmp(redis_info(info->str, "aof_enabled", text, sizeof(text)),
		"1") == 0;
	s->snapshots = save->element[1]->len > 0;
}

static void
read_future(const redisReply *reply, struct report_state *s)
{
	struct scheduler_slots slots;

	if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
		return;
	scheduler_slots_read(reply, &slots);
	scheduler_future(&slots, s->now_us, calendar_local, s->future);
}

static void
read_all(redisReply *const *replies, unsigned parts, struct report_state *s)
{
	size_t at = 1;

	s->now_us = redis_reply_us(replies[0]);
	for (size_t i = 0; i < s->nsources; i++)
		guard_peek_read(replies[at++], s->now_us, &s->guards[i]);
	if ((parts & REPORT_OF_REDIS) != 0) {
		if (replies[at] != NULL)
			redis_info(replies[at]->str, "maxmemory_policy",
			    s->eviction, sizeof(s->eviction));
		read_redis(&replies[at], s);
		at += 2;
	}
	if ((parts & REPORT_OF_SLOTS) != 0)
		read_future(replies[at++], s);
	if ((parts & REPORT_OF_CACHE) == 0)
		return;
	for (int i = 0; i < CACHED; i++, at += CACHE_PEEK)
		cache_peek_read(&replies[at], place(s, i));
}

enum rc
report_read(const struct report *r, unsigned parts, struct report_state *s,
    struct err *e)
{
	redisReply *replies[REPLIES] = { NULL };
	struct err why = { 0 };
	enum rc rc, stats = RC_OK;
	size_t n;

	*s = (struct report_state){ 0 };
	s->nsources = scheduled_sources(r->config, s->sources);
	rc = ask(r, s, parts, e);
	if (rc != RC_OK)
		return rc;
	n = 1 + s->nsources + ((parts & REPORT_OF_REDIS) != 0 ? 2 : 0) +
	    ((parts & REPORT_OF_SLOTS) != 0 ? 1 : 0) +
	    ((parts & REPORT_OF_CACHE) != 0 ? CACHED * CACHE_PEEK : 0);
	rc = redis_fetch(r->redis, replies, n, &why);
	/* A key of another type is as good as none, and so is what a check may
	 * not ask; where the connection was lost the last answer is missing. */
	if (replies[0] != NULL &&
	    (rc == RC_INVALID ||
		((parts & REPORT_OF_REDIS) != 0 && replies[n - 1] != NULL)))
		rc = RC_OK;
	if ((parts & REPORT_OF_QUEUE) != 0)
		stats = queue_stats_read(
		    r->queue, &s->queue, rc == RC_OK ? &why : NULL);
	if (rc == RC_OK)
		rc = stats;
	if (rc == RC_OK)
		read_all(replies, parts, s);
	else
		err_set(e, rc, "%s", why.msg);
	for (size_t i = 0; i < n; i++)
		if (replies[i] != NULL)
			freeReplyObject(replies[i]);
	return rc;
}

/* Datasets of one index, summed up. */
struct sum {
	int fresh, stale;
	int64_t newest_us, rows; /* rows: of Any, else of the newest */
	const char *source;
};

static struct sum
sum_up(const struct report_state *s, int index)
{
	struct sum sum = { 0 };

	for (int j = 0; j < DATASET_SECTORS; j++) {
		const struct cache_about *a = &s->cache[index][j];

		if (!a->there)
			continue;
		if (a->fresh_ms > s->now_us / 1000)
			sum.fresh++;
		else
			sum.stale++;
		if (a->fetched_us >= sum.newest_us) {
			sum.newest_us = a->fetched_us;
			sum.rows = a->rows;
			sum.source = a->source;
		}
	}
	return sum;
}

static void
returns_text(struct buf *b, const struct report_state *s)
{
	int n = 0;

	for (int i = 0; i < DATASET_INDEXES; i++) {
		const struct cache_about *a = &s->returns[i];

		if (!a->there)
			continue;
		buf_addf(b, "%s%s: %s, ", n++ == 0 ? "returns     " : ", ",
		    dataset_indexes[i].name,
		    a->fresh_ms > s->now_us / 1000 ? "fresh" : "stale");
		report_span(b, (s->now_us - a->fetched_us) / 1000);
		buf_adds(b, " old");
	}
	if (n > 0)
		buf_addc(b, '\n');
}

static void
cache_text(struct buf *b, const struct report_state *s)
{
	int n = 0;

	buf_adds(b, "datasets    ");
	for (int i = 0; i < DATASET_INDEXES; i++) {
		struct sum sum = sum_up(s, i);

		if (sum.fresh + sum.stale == 0)
			continue;
		if (n++ > 0)
			buf_adds(b, "            ");
		buf_addf(b, "%s: %d fresh, %d stale, newest ",
		    dataset_indexes[i].name, sum.fresh, sum.stale);
		report_span(b, (s->now_us - sum.newest_us) / 1000);
		buf_adds(b, " old, from ");
		text_clean(b, sum.source);
		buf_addc(b, '\n');
	}
	if (n == 0)
		buf_adds(b, "none in the cache\n");
}

enum rc
report_overview(const struct report *r, struct buf *b, struct err *e)
{
	struct report_state *s = malloc(sizeof(*s));
	enum rc rc;

	if (s == NULL)
		return err_set(e, RC_NOMEM, "report: out of memory");
	rc = report_read(r, REPORT_OF_QUEUE | REPORT_OF_CACHE, s, e);
	if (rc == RC_OK && r->json) {
		buf_adds(b, "{\"queue\":");
		report_queue_json(b, &s->queue);
		buf_adds(b, ",\"sources\":");
		report_sources_json(b, r->config, s);
		buf_addc(b, ',');
		report_cache_json(b, s);
		buf_adds(b, "}\n");
	} else if (rc == RC_OK) {
		report_queue_text(b, &s->queue);
		cache_text(b, s);
		returns_text(b, s);
		report_sources_text(b, r->config, s);
	}
	free(s);
	return rc;
}

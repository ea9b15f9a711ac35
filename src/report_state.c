#include <stdlib.h>

#include "data/envelope.h"
#include "report.h"

#define PAIRS   (DATASET_INDEXES * DATASET_SECTORS)
#define REPLIES (1 + LIMIT_SOURCES + PAIRS * CACHE_PEEK)

static enum rc
ask(const struct report *r, const struct report_state *s, int with_cache,
    struct err *e)
{
	static const char *const now[] = { "TIME" };
	enum rc rc = redis_add(r->redis, 1, now, NULL, e);

	for (size_t i = 0; i < s->nsources && rc == RC_OK; i++)
		rc = guard_peek_ask(r->redis, s->sources[i], e);
	for (int i = 0; i < PAIRS && with_cache && rc == RC_OK; i++) {
		struct dataset d = { dataset_indexes[i / DATASET_SECTORS].name,
			dataset_sectors[i % DATASET_SECTORS].name };

		rc = cache_peek_ask(r->redis, &d, e);
	}
	return rc;
}

enum rc
report_read(const struct report *r, int with_cache, struct report_state *s,
    struct err *e)
{
	redisReply *replies[REPLIES] = { NULL };
	struct err why = { 0 };
	size_t n, at = 1;
	enum rc rc;

	*s = (struct report_state){ 0 };
	s->nsources = scheduled_sources(r->config, s->sources);
	rc = ask(r, s, with_cache, e);
	if (rc != RC_OK)
		return rc;
	n = 1 + s->nsources + (with_cache ? PAIRS * CACHE_PEEK : 0);
	rc = redis_fetch(r->redis, replies, n, &why);
	/* A key of another type is as good as none. */
	if (rc == RC_INVALID && replies[0] != NULL)
		rc = RC_OK;
	if (rc != RC_OK) {
		err_set(e, rc, "%s", why.msg);
		goto out;
	}
	s->now_us = redis_reply_us(replies[0]);
	for (size_t i = 0; i < s->nsources; i++)
		guard_peek_read(replies[at++], s->now_us, &s->guards[i]);
	for (int i = 0; i < PAIRS && with_cache; i++, at += CACHE_PEEK)
		cache_peek_read(&replies[at],
		    &s->cache[i / DATASET_SECTORS][i % DATASET_SECTORS]);
out:
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
		report_clean(b, sum.source);
		buf_addc(b, '\n');
	}
	if (n == 0)
		buf_adds(b, "none in the cache\n");
}

enum rc
report_overview(const struct report *r, struct buf *b, struct err *e)
{
	struct report_state *s = malloc(sizeof(*s));
	struct queue_stats q;
	enum rc rc;

	if (s == NULL)
		return err_set(e, RC_NOMEM, "report: out of memory");
	rc = queue_stats(r->queue, &q, e);
	if (rc == RC_OK)
		rc = report_read(r, 1, s, e);
	if (rc == RC_OK && r->json) {
		buf_adds(b, "{\"queue\":");
		report_queue_json(b, &q);
		buf_adds(b, ",\"sources\":");
		report_sources_json(b, r->config, s);
		buf_adds(b, ",\"cache\":");
		report_cache_json(b, s);
		buf_adds(b, "}\n");
	} else if (rc == RC_OK) {
		report_queue_text(b, &q);
		cache_text(b, s);
		report_sources_text(b, r->config, s);
	}
	free(s);
	return rc;
}

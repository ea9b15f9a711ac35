#include <stdlib.h>
#include <string.h>

#include "data/envelope.h"
#include "data/text.h"
#include "report.h"

#define FAILED_MOST  10
#define OLDEST_US    (INT64_C(900) * 1000000)
#define FRESH_WITHIN 2 /* x CACHE_TTL */

/* What was found, as lines or as JSON. */
struct findings {
	struct buf *b;
	const struct report *r;
	int n;
};

/* Begin a finding; its text follows, then end(). */
static void
add(struct findings *f, const char *name, const char *text)
{
	if (f->r->json) {
		buf_addf(f->b,
		    "%s{\"name\":\"%s\",\"text\":", f->n > 0 ? "," : "", name);
		envelope_string(f->b, text);
		buf_addc(f->b, '}');
	} else {
		buf_addf(f->b, "%s: ", name);
		text_clean(f->b, text);
		buf_addc(f->b, '\n');
	}
	f->n++;
}

/* A finding whose text was put together in t, which is emptied. */
static void
add_text(struct findings *f, const char *name, struct buf *t)
{
	add(f, name, t->data != NULL ? t->data : "");
	buf_clear(t);
}

/* What Redis keeps, as far as it tells. */
static void
check_redis(struct findings *f, const struct report_state *s, struct buf *t)
{
	if (redis_evicts_tasks(s->eviction)) {
		buf_addf(t,
		    "Redis throws tasks away when it is full: "
		    "maxmemory-policy is %s",
		    s->eviction);
		add_text(f, "eviction", t);
	}
	if (s->told && !s->aof && !s->snapshots)
		add(f, "persistence",
		    "Redis keeps nothing over a restart: neither AOF nor "
		    "snapshots are on");
}

static void
check_queue(struct findings *f, const struct queue_stats *s, struct buf *t)
{
	if (s->failed > FAILED_MOST) {
		buf_addf(t, "%lld tasks failed (status --failed)",
		    (long long)s->failed);
		add_text(f, "failed", t);
	}
	if (s->pending > 0 && s->oldest_us > 0 &&
	    s->now_us - s->oldest_us > OLDEST_US) {
		buf_adds(t, "the first of ");
		buf_addf(
		    t, "%lld pending tasks waits for ", (long long)s->pending);
		report_span(t, (s->now_us - s->oldest_us) / 1000);
		buf_adds(t, ": does drain-queue run?");
		add_text(f, "pending", t);
	}
	if (s->expired > 0) {
		buf_addf(t, "%lld leases ran out and nobody took them back",
		    (long long)s->expired);
		add_text(f, "leases", t);
	}
	if (s->paused) {
		buf_addf(t, "the queue is paused: %s", s->pause_reason);
		add_text(f, "paused", t);
	}
}

static void
check_sources(struct findings *f, const struct report_state *s, struct buf *t)
{
	for (size_t i = 0; i < s->nsources; i++) {
		const struct guard_state *g = &s->guards[i];

		if (g->open_us == 0)
			continue;
		buf_addf(t, "the breaker of %s is open for ", s->sources[i]);
		report_span(t, g->open_us / 1000);
		if (g->last_error[0] != '\0')
			buf_addf(t, ", last error %s", g->last_error);
		add_text(f, "breaker", t);
	}
}

static void
check_slots(struct findings *f, const struct report_state *s, struct buf *t)
{
	for (int i = 0; i < JOB__MAX; i++) {
		if (s->future[i][0] == '\0')
			continue;
		scheduler_future_text(t, s->future[i]);
		add_text(f, "scheduler", t);
	}
}

/* When the newest dataset of an index was fetched; 0: there is none.  *fresh:
 * one of them is. */
static int64_t
newest(const struct report_state *s, const char *index, int *fresh)
{
	int64_t us = 0;

	*fresh = 0;
	for (int i = 0; i < DATASET_INDEXES; i++) {
		if (strcmp(dataset_indexes[i].name, index) != 0)
			continue;
		for (int j = 0; j < DATASET_SECTORS; j++) {
			const struct cache_about *a = &s->cache[i][j];

			if (a->there && a->fetched_us > us)
				us = a->fetched_us;
			if (a->there && a->fresh_ms > s->now_us / 1000)
				*fresh = 1;
		}
	}
	return us;
}

static enum rc
check_data(struct findings *f, const struct report_state *s, struct buf *t,
    struct err *e)
{
	int64_t most_us =
	    FRESH_WITHIN * f->r->config->cache_ttl * INT64_C(1000000);
	const char *indexes[DATASET_INDEXES];
	size_t n = 0;
	enum rc rc = scheduled_indexes(f->r->config, indexes, &n, e);

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		int fresh;
		int64_t us = newest(s, indexes[i], &fresh);

		if (fresh || (us > 0 && s->now_us - us <= most_us))
			continue;
		if (us == 0) {
			buf_addf(t, "no data of %s", indexes[i]);
		} else {
			buf_addf(t, "the data of %s are ", indexes[i]);
			report_span(t, (s->now_us - us) / 1000);
			buf_adds(t, " old");
		}
		add_text(f, "data", t);
	}
	return rc;
}

/* Look at everything; f->n counts what was found. */
static enum rc
find_all(struct findings *f, struct err *e)
{
	struct report_state *s = malloc(sizeof(*s));
	struct buf t;
	enum rc rc;

	if (s == NULL)
		return err_set(e, RC_NOMEM, "report: out of memory");
	buf_init(&t, 4096);
	rc = report_read(f->r,
	    REPORT_OF_QUEUE | REPORT_OF_CACHE | REPORT_OF_REDIS |
		REPORT_OF_SLOTS,
	    s, e);
	if (rc == RC_OK) {
		check_redis(f, s, &t);
		check_queue(f, &s->queue, &t);
		check_sources(f, s, &t);
		check_slots(f, s, &t);
		rc = check_data(f, s, &t, e);
	}
	if (rc == RC_OK)
		rc = buf_check(&t, "check", e);
	if (rc == RC_OK && f->n > 0)
		rc = err_set(e, RC_UNHEALTHY, "%d finding%s", f->n,
		    f->n == 1 ? "" : "s");
	buf_fini(&t);
	free(s);
	return rc;
}

enum rc
report_findings(const struct report *r, struct buf *b, struct err *e)
{
	struct findings f = { b, r, 0 };

	return find_all(&f, e);
}

enum rc
report_check(const struct report *r, struct buf *b, struct err *e)
{
	enum rc rc;

	if (r->json)
		buf_adds(b, "{\"findings\":[");
	rc = report_findings(r, b, e);
	if (r->json)
		buf_addf(
		    b, "],\"healthy\":%s}\n", rc == RC_OK ? "true" : "false");
	return rc;
}

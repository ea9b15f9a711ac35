#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "source/account.h"

/* Begin a family of metrics: its samples follow. */
static void
family(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP stocknity_%s %s\n# TYPE stocknity_%s %s\n", name,
	    help, name, type);
}

/* The value of a label, in its quotes. */
static void
quoted(struct buf *b, const char *text)
{
	buf_addc(b, '"');
	for (; *text != '\0'; text++)
		if (*text == '\n')
			buf_adds(b, "\\n");
		else if (*text == '"' || *text == '\\')
			buf_addf(b, "\\%c", *text);
		else
			buf_addc(b, *text);
	buf_addc(b, '"');
}

struct label {
	const char *name, *value;
};

/* A sample but for its value; labels end with one without a name. */
static void
sample(struct buf *b, const char *name, const struct label *labels)
{
	int n = 0;

	buf_addf(b, "stocknity_%s", name);
	for (; labels != NULL && labels->name != NULL; labels++) {
		buf_addf(b, "%c%s=", n++ == 0 ? '{' : ',', labels->name);
		quoted(b, labels->value);
	}
	buf_adds(b, n > 0 ? "} " : " ");
}

static void
whole(struct buf *b, const char *name, const struct label *labels, int64_t v)
{
	sample(b, name, labels);
	buf_addf(b, "%lld\n", (long long)v);
}

static void
seconds(struct buf *b, const char *name, const struct label *labels, int64_t us)
{
	sample(b, name, labels);
	buf_addf(b, "%.6f\n", (double)us / 1e6);
}

static void
server(struct buf *b, int up)
{
	const struct label version[] = { { "version", VERSION }, { 0 } };

	family(b, "build_info", "gauge", "The version, as a label; always 1.");
	whole(b, "build_info", version, 1);
	family(b, "redis_up", "gauge", "Whether Redis answered (1) or not.");
	whole(b, "redis_up", NULL, up);
}

/* The queue */

static const struct {
	const char *name, *help;
	size_t offset;
} counters[] = {
#define AT(member, name, help)                                                 \
	{                                                                      \
		"tasks_" name "_total", help,                                  \
		    offsetof(struct queue_stats, member)                       \
	}
	AT(enqueued, "enqueued", "Tasks put into the queue."),
	AT(merged, "merged", "Requests merged into equal work."),
	AT(refused, "refused", "Tasks refused because the queue was full."),
	AT(claimed, "claimed", "Runs that workers began."),
	AT(done, "completed", "Tasks that completed."),
	AT(retried, "retried", "Runs that failed and are tried again."),
	AT(lost, "lost", "Leases that ran out."),
	AT(dead, "failed", "Tasks that failed for good."),
	AT(released, "released", "Runs handed back uncharged."),
	AT(cancelled, "cancelled", "Tasks that were cancelled."),
#undef AT
};

static void
sizes(struct buf *b, const struct queue_stats *s)
{
	const struct {
		const char *state;
		int64_t n;
	} list[] = { { "pending", s->pending }, { "scheduled", s->scheduled },
		{ "processing", s->processing }, { "completed", s->completed },
		{ "failed", s->failed } };

	family(b, "queue_tasks", "gauge",
	    "Tasks by state; finished ones as far as they are kept.");
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		whole(b, "queue_tasks",
		    (const struct label[]){ { "state", list[i].state }, { 0 } },
		    list[i].n);
	if (s->by_priority[0] < 0) /* too many to be counted */
		return;
	family(b, "queue_pending_tasks", "gauge",
	    "Pending tasks by priority; absent where they are not counted.");
	for (int i = 0; i < PRIORITY__MAX; i++)
		whole(b, "queue_pending_tasks",
		    (const struct label[]){
			{ "priority", task_priority_name((enum priority)i) },
			{ 0 } },
		    s->by_priority[i]);
}

static void
queue(struct buf *b, const struct queue_stats *s)
{
	int64_t n;

	sizes(b, s);
	family(b, "queue_expired_leases", "gauge",
	    "Leases that ran out and were not taken back yet.");
	whole(b, "queue_expired_leases", NULL, s->expired);
	family(b, "queue_oldest_pending_seconds", "gauge",
	    "How long the first in line waits; 0 where none does.");
	seconds(b, "queue_oldest_pending_seconds", NULL,
	    s->oldest_us > 0 && s->now_us > s->oldest_us
		? s->now_us - s->oldest_us
		: 0);
	family(b, "queue_paused", "gauge", "Whether the queue is paused.");
	whole(b, "queue_paused", NULL, s->paused != 0);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		memcpy(&n, (const char *)s + counters[i].offset, sizeof(n));
		family(b, counters[i].name, "counter", counters[i].help);
		whole(b, counters[i].name, NULL, n);
	}
}

/* The sources */

enum unit { WHOLE, SECONDS };

static const struct figure {
	const char *name, *help;
	enum unit unit;
	size_t offset;
} figures[] = {
#define AT(member, unit, name, help)                                           \
	{                                                                      \
		"source_" name, help, unit,                                    \
		    offsetof(struct guard_state, member)                       \
	}
	AT(next_us, SECONDS, "next_slot_seconds",
	    "Until the rate limit allows the next call."),
	AT(hold_us, SECONDS, "hold_seconds",
	    "What is left of a hold that the source asked for."),
	AT(open_us, SECONDS, "breaker_open_seconds",
	    "Until an open circuit breaker lets a probe through."),
	AT(opens, WHOLE, "breaker_openings_in_row",
	    "Openings of the circuit breaker in a row."),
	AT(calls, WHOLE, "recent_calls", "Calls of the last 60 seconds."),
	AT(failures, WHOLE, "recent_failures",
	    "Calls of the last 60 seconds that failed."),
	AT(failures_in_row, WHOLE, "failures_in_row", "Failures in a row."),
#undef AT
};

static void
breakers(struct buf *b, const struct report_state *s)
{
	static const char *const states[] = { "closed", "open", "half-open" };

	family(b, "source_breaker_state", "gauge",
	    "The state of the circuit breaker: 1 for the one it is in.");
	for (size_t i = 0; i < s->nsources; i++)
		for (size_t j = 0; j < 3; j++) {
			const struct guard_state *g = &s->guards[i];
			const struct label labels[] = { { "source",
							    s->sources[i] },
				{ "state", states[j] }, { 0 } };

			whole(b, "source_breaker_state", labels,
			    j == (g->open_us > 0    ? 1
				     : g->half_open ? 2
						    : 0));
		}
}

/* Only of sources that have a quota of a day. */
static void
quotas(struct buf *b, const struct config *config, const struct report_state *s)
{
	static const struct {
		const char *name, *help;
	} of_day[] = {
		{ "source_day_quota",
		    "Calls that the source allows in a day of its own." },
		{ "source_day_left_calls", "What is left of them today." }
	};

	for (size_t j = 0; j < 2; j++) {
		family(b, of_day[j].name, "gauge", of_day[j].help);
		for (size_t i = 0; i < s->nsources; i++) {
			const struct label labels[] = {
				{ "source", s->sources[i] }, { 0 }
			};
			int64_t left,
			    quota = report_day_quota(config, s, i, &left);

			if (quota > 0)
				whole(b, of_day[j].name, labels,
				    j == 0 ? quota : left);
		}
	}
}

static void
guards(struct buf *b, const struct config *config, const struct report_state *s)
{
	int64_t v;

	family(b, "source_rate_limit", "gauge",
	    "Calls a second that the settings allow.");
	for (size_t i = 0; i < s->nsources; i++) {
		const struct label labels[] = { { "source", s->sources[i] },
			{ 0 } };

		sample(b, "source_rate_limit", labels);
		buf_addf(b, "%g\n", account_rate(config, s->sources[i]));
	}
	quotas(b, config, s);
	breakers(b, s);
	for (size_t j = 0; j < sizeof(figures) / sizeof(figures[0]); j++) {
		const struct figure *f = &figures[j];

		family(b, f->name, "gauge", f->help);
		for (size_t i = 0; i < s->nsources; i++) {
			const struct label labels[] = {
				{ "source", s->sources[i] }, { 0 }
			};

			memcpy(&v, (const char *)&s->guards[i] + f->offset,
			    sizeof(v));
			(f->unit == SECONDS ? seconds : whole)(
			    b, f->name, labels, v);
		}
	}
}

/* The datasets, and the annual returns as if they were a sector */

enum of { AGE, FRESH, ROWS, BYTES, READS, EARLY, PREDICTED, USED, OF__MAX };

static const struct {
	const char *name, *type, *help;
} of[OF__MAX] = {
	[AGE] = { "dataset_age_seconds", "gauge",
	    "Time since the dataset was fetched." },
	[FRESH] = { "dataset_fresh", "gauge",
	    "Whether the dataset is fresh (1), or stale or absent." },
	[ROWS] = { "dataset_rows", "gauge", "Records of the dataset." },
	[BYTES] = { "dataset_bytes", "gauge", "Size of the dataset as JSON." },
	[READS] = { "dataset_reads_total", "counter",
	    "Reads of the dataset by what they met; anew once it expires." },
	[EARLY] = { "dataset_early_refreshes_total", "counter",
	    "Refreshes queued by a read before the dataset was stale." },
	[PREDICTED] = { "dataset_predicted_refreshes_total", "counter",
	    "Refreshes queued because a read was likely." },
	[USED] = { "dataset_predicted_used_total", "counter",
	    "Those of them after which the dataset was read while fresh." },
};

static void
reads(struct buf *b, const struct dataset *d, const struct cache_about *a)
{
	const struct {
		const char *result;
		int64_t n;
	} list[] = { { "hit", a->hits }, { "stale", a->stale },
		{ "miss", a->misses } };

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		const struct label labels[] = { { "index", d->index },
			{ "sector", d->sector }, { "result", list[i].result },
			{ 0 } };

		whole(b, of[READS].name, labels, list[i].n);
	}
}

static void
dataset(struct buf *b, enum of what, const struct dataset *d,
    const struct cache_about *a, int64_t now_us)
{
	const struct label labels[] = { { "index", d->index },
		{ "sector", d->sector }, { 0 } };

	if (!a->there && a->hits + a->stale + a->misses == 0)
		return;
	if (what == READS)
		reads(b, d, a);
	else if (what == EARLY || what == PREDICTED || what == USED)
		whole(b, of[what].name, labels,
		    what == EARLY       ? a->early
		    : what == PREDICTED ? a->predicted
					: a->used);
	else if (what == FRESH)
		whole(b, of[what].name, labels,
		    a->there && a->fresh_ms > now_us / 1000);
	else if (what == AGE && a->there)
		seconds(b, of[what].name, labels,
		    now_us > a->fetched_us ? now_us - a->fetched_us : 0);
	else if (a->there)
		whole(b, of[what].name, labels,
		    what == ROWS ? a->rows : a->bytes);
}

static void
datasets(struct buf *b, const struct report_state *s)
{
	for (int what = 0; what < OF__MAX; what++) {
		family(b, of[what].name, of[what].type, of[what].help);
		for (int i = 0; i < DATASET_INDEXES * DATASET_SECTORS; i++) {
			int index = i / DATASET_SECTORS;
			int sector = i % DATASET_SECTORS;
			struct dataset d = { dataset_indexes[index].name,
				dataset_sectors[sector].name };
			const struct cache_about *a = &s->cache[index][sector];

			dataset(b, (enum of)what, &d, a, s->now_us);
		}
		for (int i = 0; i < DATASET_INDEXES; i++) {
			struct dataset d = { dataset_indexes[i].name,
				CACHE_RETURNS };

			dataset(
			    b, (enum of)what, &d, &s->returns[i], s->now_us);
		}
	}
}

enum rc
report_prometheus(const struct report *r, struct buf *b, struct err *e)
{
	struct report_state *s;
	enum rc rc;

	if (r->queue == NULL) {
		server(b, 0);
		return err_set(e, RC_STORE, "no Redis");
	}
	s = malloc(sizeof(*s));
	if (s == NULL)
		return err_set(e, RC_NOMEM, "report: out of memory");
	rc = report_read(r, REPORT_OF_QUEUE | REPORT_OF_CACHE, s, e);
	server(b, rc == RC_OK);
	if (rc == RC_OK) {
		queue(b, &s->queue);
		guards(b, r->config, s);
		datasets(b, s);
	}
	free(s);
	return rc;
}

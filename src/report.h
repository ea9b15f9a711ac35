/*
 * What the program status prints: how queue, sources, cache and Redis stand,
 * for people, as JSON and as metrics.  Reads only; the overview, the check and
 * the metrics ask Redis in one round trip.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/rc.h"
#include "scheduled.h"
#include "scheduler_slots.h"
#include "store/cache.h"
#include "store/guard.h"
#include "store/queue.h"

enum report_view {
	REPORT_OVERVIEW,
	REPORT_QUEUE,
	REPORT_TASK,
	REPORT_FAILED,
	REPORT_SOURCES,
	REPORT_CACHE,
	REPORT_DOCTOR,
	REPORT_CHECK,
	REPORT_PROMETHEUS,
	REPORT_VIEW__MAX
};

struct report {
	const struct config *config;
	struct redis *redis;
	struct queue *queue;
	FILE *out;
	enum report_view view;
	int json;
	int terminal; /* out is one: lines wrap at width, a watch redraws */
	int width;
	int watch;
	const char *id; /* of the task */
	int64_t limit;  /* of failed tasks */
};

/*
 * Write the view to out.  RC_NOTFOUND: no such task.  RC_UNHEALTHY: the check
 * or the doctor found something; RC_INVALID: some of what is in Redis cannot be
 * read; what there is to say is written already.
 */
enum rc report_run(const struct report *, struct err *);

/*
 * A view appends to the buffer.  The metrics (Prometheus' text format) are
 * complete also where it fails: without Redis (queue may be NULL) they say so.
 */
typedef enum rc report_writer(
    const struct report *, struct buf *, struct err *);

report_writer report_overview, report_queue, report_task, report_failed,
    report_sources, report_cache, report_doctor, report_check,
    report_prometheus;

/* What report_check finds, as its lines, or with json as the elements of its
 * list.  RC_UNHEALTHY: there is something. */
report_writer report_findings;

/* The parts of the overview. */
void report_queue_text(struct buf *, const struct queue_stats *);
void report_queue_json(struct buf *, const struct queue_stats *);

/* Queue, sources and datasets, read in one round trip. */
struct report_state {
	struct queue_stats queue;
	int64_t now_us; /* Redis TIME */
	size_t nsources;
	char sources[LIMIT_SOURCES][SCHEDULED_NAME];
	struct guard_state guards[LIMIT_SOURCES];
	struct cache_about cache[DATASET_INDEXES][DATASET_SECTORS];
	struct cache_about returns[DATASET_INDEXES]; /* annual returns */
	/* Slots of the scheduler that lie in the future, by job; "": none. */
	char future[JOB__MAX][SCHEDULER_SLOT];
	int told;           /* these three are known */
	int aof, snapshots; /* how Redis keeps what it has */
	char eviction[32];  /* its maxmemory-policy */
};

/* What to read besides the sources; the rest stays empty. */
enum report_part {
	REPORT_OF_QUEUE = 1,
	REPORT_OF_CACHE = 2,
	REPORT_OF_REDIS = 4,
	REPORT_OF_SLOTS = 8
};

enum rc report_read(
    const struct report *, unsigned parts, struct report_state *, struct err *);

void report_sources_text(
    struct buf *, const struct config *, const struct report_state *);
void report_sources_json(
    struct buf *, const struct config *, const struct report_state *);
/* A task; position as queue_get says it, max: runs until it has failed. */
void report_task_json(
    struct buf *, const struct task *, int64_t position, int64_t max);
/* The members datasets and annual_returns, lists of what is known. */
void report_cache_json(struct buf *, const struct report_state *);

/* Calls that the i-th source may have today, and what is left of them; both 0
 * where it has no such limit. */
int64_t report_day_quota(const struct config *, const struct report_state *,
    size_t i, int64_t *left);

/* "12 s", "5 min", "3 h", "2 d" */
void report_span(struct buf *, int64_t ms);
/* A time as JSON; null for 0. */
void report_time_json(struct buf *, int64_t us);
/* Seconds with a decimal as JSON. */
void report_seconds_json(struct buf *, int64_t us);

#endif

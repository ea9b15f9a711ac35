/*
 * After a read: have the dataset fetched, if that is better done before the
 * next one.  The reader has his answer already and never waits for a source.
 * Annual returns are a dataset here, with CACHE_RETURNS for a sector.
 *
 * One refresh, whoever and how many read: a marker in the cache lets one of
 * them through to the queue, and the queue is not asked twice for what it has
 * (a forced task that is asked for while it runs would run again).  Whether
 * and when is decided by ahead_decide.
 *
 * A task that has failed for good is a brake: for REFRESH_BRAKE_MS no read asks
 * for the same again.  Whoever asks for it by name lifts that: what waits or
 * runs is waited for.
 *
 * Who serves many readers calls this: the API.  The program fetch does not:
 * it fetches what is stale itself, and where it is used alone nobody drains
 * the queue.
 */
#ifndef REFRESH_AHEAD_H
#define REFRESH_AHEAD_H

#include "base/config.h"
#include "base/rc.h"
#include "data/dataset.h"
#include "store/ahead.h"
#include "store/cache.h"
#include "store/queue.h"
#include "store/redis.h"

/* What this read asks for.  Needs no Redis. */
enum ahead refresh_ahead_wants(
    const struct config *, const struct cache_entry *);

#define REFRESH_BRAKE_MS 60000

/*
 * Have it fetched, for that reason (AHEAD_NOTHING: do nothing).  *queued (may
 * be NULL): by us and now.  RC_FULL: the queue is full; some seconds later the
 * next reader tries.  No failure matters to the reader.
 */
enum rc refresh_ahead(struct redis *, struct queue *, const struct dataset *,
    enum ahead, int *queued, struct err *);

/* What a reader of what is not there waits for. */
struct refresh_wait {
	char id[TASK_ID + 1]; /* the task that fetches it */
	int64_t braked_ms;    /* 0; else it has failed, and no other is queued
				 for so long */
};

/* Have fetched what is not there.  RC_FULL: the queue is. */
enum rc refresh_absent(struct redis *, struct queue *, const struct dataset *,
    struct refresh_wait *, struct err *);

/* A task has failed for good.  No failure matters here. */
void refresh_failed(struct redis *, const struct task *);

#endif

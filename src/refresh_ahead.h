/*
 * After a read: have the dataset fetched, if that is better done before the
 * next one.  The reader has his answer already and never waits for a source.
 *
 * One refresh, whoever and how many read: a marker in the cache lets one of
 * them through to the queue, and the queue is not asked twice for what it has
 * (a forced task that is asked for while it runs would run again).  Whether
 * and when is decided by ahead_decide.
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

/*
 * *what (may be NULL): what was queued, AHEAD_NOTHING where nothing was.
 * RC_FULL: the queue is full, and some seconds later the next reader tries.
 * No failure matters to the reader.
 */
enum rc refresh_ahead(const struct config *, struct redis *, struct queue *,
    const struct dataset *, const struct cache_entry *, enum ahead *what,
    struct err *);

#endif

/*
 * From a table to what is stored and answered: the envelopes of a sweep, and
 * their way into the cache.  A sweep of an index with sector Any makes twelve
 * datasets, so that a sector is always read from its own key.
 */
#ifndef PUBLISH_H
#define PUBLISH_H

#include <stdint.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/rc.h"
#include "data/envelope.h"
#include "data/table.h"
#include "fill.h"
#include "store/cache.h"
#include "store/redis.h"

struct publication {
	struct dataset dataset; /* of the sweep */
	const char *source;
	const char *origin;  /* as in struct envelope */
	const char *members; /* likewise */
	struct table *table;
	const struct table *asked; /* the members that were asked for, where
				      the source may miss some; NULL: none */
	const struct fill *fill;   /* of table; NULL: nobody fills */
	int64_t total;             /* the site's own; -1: none */
	int64_t fence_us;          /* when the sweep began */
	int64_t cost_ms;           /* what it took; 0: unknown */
};

/* cache_put, with the gzip variant made of the bytes. */
enum rc publish_put(const struct config *, struct redis *,
    const struct dataset *, const struct cache_value *, struct err *);

/* Called with each envelope, whose bytes hold during the call, and why the
 * cache has not got it: RC_BUSY, it has newer data. */
typedef void publish_done(void *arg, const struct dataset *, const struct buf *,
    int64_t rows, int64_t total, const struct err *stored);

/*
 * Write the envelope of the sweep and, for Any, those of the eleven sectors;
 * put each into the cache (redis NULL: into none); hand each to done.
 *
 * RC_INVALID: the cache holds the table back (nothing was handed out).  Where
 * it refuses it otherwise that is *stored, and the envelopes are handed out all
 * the same; a sector that it refuses is logged.
 */
enum rc publish(const struct config *, struct redis *,
    const struct publication *, publish_done *, void *arg, struct err *stored,
    struct err *);

/*
 * A sector out of a fresh sweep of its whole index: where the cache has that,
 * *entry becomes the sector's envelope, cached as well, and fresh.  Else, and
 * where anything fails, it is left as it is: a miss, and fetched.
 */
void publish_derive(const struct config *, struct redis *,
    const struct dataset *, int64_t max_age_ms, struct cache_entry *entry);

#endif

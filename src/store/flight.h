/*
 * Single flight: one sweep of an index at a time, whoever runs it.
 *
 * The holder has a lease and a fence: the Redis time in microseconds at which
 * its sweep began, strictly growing for an index.  What it caches carries the
 * fence, and the cache refuses older data (store/cache.h): a holder that
 * outlived its lease replaces nothing newer.
 *
 * Also the lock around the making of a source's session, under its own key.
 */
#ifndef STORE_FLIGHT_H
#define STORE_FLIGHT_H

#include <stdint.h>

#include "base/rc.h"
#include "store/redis.h"

#define FLIGHT_LEASE_MS 60000
#define FLIGHT_RENEW_MS 20000

struct flight {
	char key[128];
	int64_t fence_us; /* 0: not held */
	int64_t wait_ms;  /* not held: what is left of the holder's lease */
	int widen;        /* another sector of this index was swept within
			     60 s: sweep Any instead */
};

/*
 * Take the flight of what ("S&P 500", "session:yahoo") for a sector (or "").
 * RC_OK: held.  RC_BUSY: someone else has it, see f->wait_ms.
 */
enum rc flight_take(struct redis *, const char *what, const char *sector,
    struct flight *, struct err *);

/* RC_BUSY: the lease ran out and was taken by another. */
enum rc flight_renew(struct redis *, struct flight *, struct err *);

/* Give it back; nothing happens where it is not ours any more.  Where this
 * fails the lease runs out. */
enum rc flight_release(struct redis *, struct flight *);

#endif

/*
 * fetch --returns: the annual returns of an index, out of the cache while they
 * are fresh, else by asking for each company here and now.
 *
 * The companies are those of the index's fresh dataset, else of its last good
 * sweep, else of the list shipped with the program (the document says so).
 *
 * One process at a time asks for an index; others wait for what comes of it.
 * What is known is kept in Redis as it comes (store/returns.h): who goes on
 * after a failure or a signal asks only for the rest, and so do the workers
 * where a task of the queue is at the same work.
 */
#ifndef RETURNS_FETCH_H
#define RETURNS_FETCH_H

#include <stdint.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/rc.h"
#include "drive.h"
#include "store/redis.h"

struct returns_request {
	const char *index;
	int refresh;
	int64_t max_age_ms; /* -1: ANNUAL_RETURNS_TTL */
	/* Called at every step, with companies for rows; 0: stop. */
	int (*watch)(
	    void *arg, const char *index, const struct drive_progress *);
	void *arg;
};

/*
 * Append the document.  redis may be NULL: then nothing is cached.  *what:
 * RC_OK, RC_PARTIAL (companies are missing), RC_STALE.  A failure after some
 * companies were answered gives what there is, as partial, and is logged; one
 * before that a stale document if there is one.  RC_BUSY: watch said stop.
 */
enum rc returns_fetch(const struct config *, struct redis *,
    const struct returns_request *, struct buf *, enum rc *what, struct err *);

#endif

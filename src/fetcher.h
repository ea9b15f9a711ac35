/*
 * Datasets, from cache or source: the engine of fetch, and of the workers.
 *
 * All requests of a fetcher run together on one event loop: fetcher_add any
 * number, fetcher_step until none is left.  Requests of one index share one
 * sweep; two sectors of an index become one sweep of Any, which fills twelve
 * datasets.  Other processes sweeping the same index are waited for.
 *
 * The cache first.  What it has fresh is the answer.  Else the index is taken
 * flight of; its sources are asked in order until one gives a valid table,
 * which is published and answered.  Where another process has the flight its
 * result is waited for.  Where every source fails, what the cache still has is
 * the answer, marked stale, or a failure; each attempt is listed in either.
 */
#ifndef FETCHER_H
#define FETCHER_H

#include <stdint.h>

#include "base/config.h"
#include "base/rc.h"
#include "data/dataset.h"
#include "data/envelope.h"
#include "source/source.h"
#include "store/redis.h"

struct fetch_request {
	struct dataset dataset;
	int refresh;               /* fetch, whatever the cache has, */
	int64_t newer_us;          /* unless its sweep began at that or later;
				      0: whenever it did */
	int filled;                /* gaps must have been filled */
	int uncounted;             /* nobody reads it: a worker keeps it */
	int64_t max_age_ms;        /* older is not fresh; -1: CACHE_TTL */
	const struct source *only; /* NULL: those of SOURCES, in order */
};

/* Valid during the callback. */
struct fetch_result {
	/* RC_OK, RC_EMPTY (count 0), RC_PARTIAL (rows missing), RC_STALE;
	 * else no data: RC_LIMITED, RC_FULL: try later; RC_PARSE, RC_INVALID;
	 * RC_NOSOURCE */
	enum rc rc;
	struct dataset dataset;
	const char *bytes; /* the envelope, also of a failure */
	size_t len;
	int cached;        /* answered from the cache */
	struct err stored; /* of fetched data: why the cache has not got it;
			      RC_BUSY: it has newer */
	struct err why;    /* of a failure or a stale answer */
	int64_t wait_ms;   /* of RC_LIMITED: try again after that; 0: unknown */
};

typedef void fetch_done(void *arg, const struct fetch_result *);

/* What a sweep is doing, for a line on a terminal. */
struct fetch_progress {
	struct dataset dataset;
	const char *source; /* NULL: waiting for another process */
	int pages;
	int64_t rows, total, wait_ms; /* as in struct drive_progress */
};

typedef void fetch_watch(void *arg, const struct fetch_progress *);

struct fetcher;

/*
 * redis is borrowed and may be NULL: then nothing is cached, and the limiter
 * is a file.  A Redis that is lost on the way is given up with a warning.
 * watch (may be NULL) is called at every step of a sweep.
 */
enum rc fetcher_open(struct fetcher **, const struct config *, struct redis *,
    fetch_watch *watch, void *arg, struct err *);
/* Aborts what runs and gives its flights back; calls nobody. */
void fetcher_close(struct fetcher *);
/* The same, but the fetcher and its connections stay for what comes next. */
void fetcher_cancel(struct fetcher *);

/* From now on a Redis that is lost fails its requests: why is RC_STORE then,
 * of a stale answer too; RC_DENIED: a key of ours holds something else. */
void fetcher_need_redis(struct fetcher *);

/* done is called once, out of fetcher_step.  It may add further requests, but
 * not close the fetcher. */
enum rc fetcher_add(struct fetcher *, const struct fetch_request *,
    fetch_done *done, void *arg, struct err *);

/* Requests that are not answered yet. */
size_t fetcher_active(const struct fetcher *);

/* Do what can be done, then wait up to timeout_ms for more. */
enum rc fetcher_step(struct fetcher *, int64_t timeout_ms, struct err *);

/* The synchronous way: add one and step until it is done. */
enum rc fetcher_get(struct fetcher *, const struct fetch_request *,
    fetch_done *done, void *arg, struct err *);

#endif

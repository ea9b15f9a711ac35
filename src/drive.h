/*
 * One conversation with a source, driven: guard, then http, then feed, as
 * many requests in flight as the source's policy allows.  It decides what is
 * asked again (a page that failed, once; a page refused by a rate limit after
 * its hold) and when the source is given up.  Which source is asked is
 * sweep.c's choice; for whom, and what becomes of the table, fetcher.c's.
 *
 * Nothing here blocks but Redis: drive_step does what can be done now and says
 * when to be called again.
 */
#ifndef DRIVE_H
#define DRIVE_H

#include <stdint.h>

#include "base/config.h"
#include "base/rc.h"
#include "data/table.h"
#include "net/http.h"
#include "source/source.h"
#include "store/guard.h"
#include "store/redis.h"

/* What all conversations of a process share; borrowed. */
struct drive_env {
	const struct config *config;
	struct redis *redis; /* NULL: none */
	struct guard *guard;
	struct http *http;
};

struct drive;

/* RC_NOTFOUND: the source cannot serve this query, and why. */
enum rc drive_begin(struct drive **, const struct drive_env *,
    const struct source *, const struct query *, int64_t deadline_ms,
    struct err *);
void drive_end(struct drive *);

/*
 * RC_BUSY: running; call again at *wake_ms (clock_mono_ms) or when http_poll
 * had an answer.  RC_OK: all answers are in, drive_finish.  RC_STORE, RC_FULL:
 * Redis failed us, not the source.  Anything else: the source failed.
 */
enum rc drive_step(
    struct drive *, int64_t now_ms, int64_t *wake_ms, struct err *);

/* The wait that a failed source asked for in milliseconds; 0: none. */
int64_t drive_wait_ms(const struct drive *);

struct drive_progress {
	int pages;     /* answers taken */
	int64_t rows;  /* records so far */
	int64_t total; /* in all; -1: not known yet */
	int64_t
	    wait_ms; /* the limiter lets us wait that long; 0: it does not */
};

void drive_progress(
    const struct drive *, int64_t now_ms, struct drive_progress *);

enum rc drive_finish(
    struct drive *, struct table *, int64_t *total, struct err *);

#endif

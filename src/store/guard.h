/*
 * What a source must not be asked to bear, shared by all processes: the rate
 * limit, the quota of its day, the hold after a 429, and the circuit breaker.
 *State is in Redis (one hash a source), each step is one Lua script, time is
 *Redis TIME.
 *
 *	take ──▶ GO            send the request now
 *	     ──▶ WAIT ms       sleep, then take again with the same grant
 *	     ──▶ RC_LIMITED    it would take longer than max_wait,
 *	                       or the day has too few calls left
 *	     ──▶ RC_OPEN       the breaker is open; wait says how long
 *	then, whatever came of it: report
 *
 * Rate: GCRA with reservation.  take reserves the next free slot and says how
 * long to sleep; who sleeps looks at the hold again on waking, which is the
 * second take.  A slot that its owner comes to more than an interval late is
 * given up for a new one, so that starts cannot bunch up.  Every slot that
 * becomes GO is put on the log of grants (the last 1000, as due times).
 *
 * Quota: what becomes GO is counted by the source's own day (base/zone.h), so
 * that no day has more, however many wait across midnight; day and count stand
 * in the hash.  Who needs several calls books all of them with the first take:
 * what others have booked is not free, and so nothing is begun that cannot be
 * ended.  Each GO takes one out of the booking.  What is left of it at midnight
 * is booked of the next day; what is not needed after all, guard_unbook gives
 * back; and after policy.book_ms without a take it is free again, for its
 * holder may be dead.  One that was only late books anew.
 *
 * Hold: RC_LIMITED or RC_BLOCKED reported holds the source until Retry-After
 * (25 hours at most, as long as the longest day), else 60 s, doubling up to an
 * hour while it goes on.
 *
 * Breaker: opens at 5 failures in a row, or half of at least 10 calls in 60 s;
 * open for 30 s x 2^n, at most 600 s; then one leased probe at a time; two
 * successes close it.  Failures are RC_NET, RC_TIMEOUT, RC_UPSTREAM and
 * RC_PARSE.
 *
 * Without Redis (redis NULL) rate, quota and hold, without the breaker, are
 * kept in a locked file of STATE_DIR that the user's processes share.
 */
#ifndef STORE_GUARD_H
#define STORE_GUARD_H

#include <stdint.h>

#include "base/config.h"
#include "base/limits.h"
#include "base/rc.h"
#include "source/source.h"
#include "store/redis.h"

struct guard;

/* redis is borrowed; NULL: none. */
enum rc guard_open(
    struct guard **, const struct config *, struct redis *, struct err *);
void guard_close(struct guard *);

/* A place in the queue of a source's calls; starts as { 0 }. */
struct grant {
	int64_t due_us;  /* the slot; 0: none yet */
	int64_t wait_ms; /* sleep that long, then take again; 0: GO */
	int64_t probe;   /* token of the breaker's probe; 0: not one */
	/* Calls of the day that are ours; 0: none yet.  A conversation takes
	 * all its calls with one, and keeps it where a take is refused. */
	int64_t booking;
};

/*
 * RC_OK: look at g->wait_ms.  RC_LIMITED (would wait longer than max_wait_ms)
 * or RC_OPEN: *wait_ms is how long; the slot is free again.  RC_FULL: Redis is
 * full, guards fail closed.
 */
enum rc guard_take(struct guard *, const char *source, const struct policy *,
    int64_t max_wait_ms, struct grant *, int64_t *wait_ms, struct err *);

/* A place that is not GO, and is not needed any more: it is free again where it
 * is the last one, and so is a probe.  *g is { 0 } but for its booking. */
enum rc guard_leave(struct guard *, const char *source, const struct policy *,
    struct grant *g, struct err *);

/* Nothing more is needed of the day's calls that were booked; 0: none were. */
enum rc guard_unbook(
    struct guard *, const char *source, int64_t booking, struct err *);

/* What came of a call that was GO.  retry_after_ms: -1 where none was said.
 * *hold_ms (may be NULL): how long the source is held now, 0 where it is not.
 */
enum rc guard_report(struct guard *, const char *source, const struct grant *,
    enum rc what, int64_t retry_after_ms, int64_t *hold_ms, struct err *);

/* The hash of a source; RC_BUG: its name is too long for a key. */
enum rc guard_key(char out[LIMIT_KEY], const char *source, struct err *);

#define GUARD_ERROR 32 /* bytes of the name of an error */

/* How a source stands, for those who only look (guard_peek.c). */
struct guard_state {
	int known;       /* it was asked at some time */
	int64_t next_us; /* the next free slot: from now, 0: at once */
	int64_t hold_us; /* what is left of a hold, 0: none */
	int64_t open_us; /* what is left of the opening, 0: not open */
	int half_open;   /* the next call is a probe */
	int64_t failures_in_row;
	int64_t calls, failures;      /* of the last 60 s */
	int64_t opens;                /* openings in a row */
	int64_t day, day_used;        /* calls of that local day (zone_day) */
	int64_t day_booked;           /* calls to come, of whichever day */
	char last_error[GUARD_ERROR]; /* "timeout"; "": none */
	int64_t last_error_us;        /* since the epoch */
};

/*
 * In two halves, so that several are read in one round trip: ask for a
 * source (one command), then read its reply (NULL: nothing is known).  Reads
 * only.
 */
enum rc guard_peek_ask(struct redis *, const char *source, struct err *);
void guard_peek_read(const redisReply *, int64_t now_us, struct guard_state *);

#endif

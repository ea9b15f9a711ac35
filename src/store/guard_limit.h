/*
 * Rate limit and hold as guard.h says, as pure code on the state of one
 * source: what lua/guard_take.lua and lua/guard_report.lua do in Redis, for
 * where there is no Redis.  Without log of grants and without breaker.
 */
#ifndef STORE_GUARD_LIMIT_H
#define STORE_GUARD_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "store/guard.h"

#define GUARD_BOOKINGS 16 /* at most, of one source */

/* Calls of the day that somebody will make. */
struct guard_booking {
	int64_t id; /* never 0 */
	int64_t left;
	int64_t until_us;
};

/* Microseconds since the epoch; all 0 is a source never asked. */
struct guard_limit {
	int64_t tat_us;  /* GCRA: when the bucket is full again */
	int64_t hold_us; /* no call before */
	int64_t hold_n;  /* holds in a row */
	int64_t seen_us; /* the last step, to notice a clock set back */
	int64_t day;     /* of the source's zone; 0: no quota was asked for */
	int64_t used;    /* calls of that day */
	struct guard_booking booked[GUARD_BOOKINGS];
	size_t nbooked;
};

enum guard_day {
	DAY_FREE,  /* it has the calls */
	DAY_SPENT, /* it has not */
	DAY_BOOKED /* it has, but others have booked them */
};

/* Microseconds between two calls, 0 where the policy is not one. */
int64_t guard_interval_us(const struct policy *);

/*
 * RC_OK: g->due_us is the slot, *wait_us how long until then (0: GO).
 * RC_LIMITED: *wait_us is more than max_wait_us, and nothing is reserved.
 * max_wait_us below 0 gives the place of the grant up.
 */
enum rc guard_limit_take(struct guard_limit *, int64_t now_us,
    int64_t interval_us, int burst, int64_t max_wait_us, struct grant *g,
    int64_t *wait_us);

/*
 * The quota of the day, before the take: has it the calls of the grant's
 * booking, or those that the policy needs?  If not, *wait_us is until its
 * midnight, or until a booking runs out.  Where the take succeeds the calls are
 * booked, and one that gives GO is counted.
 */
enum guard_day guard_limit_day(struct guard_limit *, int64_t now_us,
    const struct policy *, const struct grant *, int64_t *wait_us);
void guard_limit_count(struct guard_limit *, int64_t now_us,
    const struct policy *, struct grant *, int go);
void guard_limit_unbook(struct guard_limit *, int64_t id);

/* What came of a call; retry_after_us: -1 where none was said. */
void guard_limit_report(struct guard_limit *, int64_t now_us,
    const struct grant *g, enum rc what, int64_t retry_after_us);

#endif

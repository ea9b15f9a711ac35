/*
 * Thinking ahead: whether a dataset is to be fetched before somebody has to
 * wait for it.  Pure: the clock and chance are arguments.  Times in ms; a cost
 * is what the last sweep took.
 *
 *	after a read   stale: fetch it.  Fresh: early, with a probability that
 *	               grows as its end comes near (XFetch: cost * beta * -ln u
 *	               >= what is left; beta 0: never)
 *	every hour     what is likely to be read until the next run, and would
 *	               not be fresh then
 *	warming        one index after the other, so far apart that its sweeps
 *	               have AHEAD_SHARE of the limiter's calls
 *
 * What is likely: for each hour of the day (UTC, by the clock of Redis) there
 * is a sum of the days on which the dataset was read in it, and a day counts
 * half as much with every AHEAD_HALF_LIFE_MS that it is ago.  Instead of
 * halving the sums, later days are added with a greater weight: so the first
 * read of an hour adds once (lua/cache_hour.lua), and no sum is ever touched
 * else.  Twenty-four sums a dataset; weights are of Redis' own range, long
 * double.
 */
#ifndef STORE_AHEAD_H
#define STORE_AHEAD_H

#include <stdint.h>

#include "store/cache.h"

#define AHEAD_HALF_LIFE_MS INT64_C(604800000) /* a week */
#define AHEAD_LIKELY       1.5 /* days: more than one, of the last few */
#define AHEAD_KNOWN_MS     INT64_C(172800000) /* counted so long: known */
#define AHEAD_SHARE        0.3   /* of the limiter's calls, for warming */
#define AHEAD_COST_MS      60000 /* of a sweep that was never made */

enum ahead { AHEAD_NOTHING, AHEAD_REFRESH, AHEAD_EARLY };

/* After a read.  left_ms: until it is stale.  u: by chance, 0 < u <= 1. */
enum ahead ahead_decide(
    double beta, enum cache_state, int64_t left_ms, int64_t cost_ms, double u);

/* Could any u make it early? */
int ahead_may_be_early(double beta, int64_t left_ms, int64_t cost_ms);

/* The hour of the day, 0 to 23. */
int ahead_hour(int64_t at_ms);

/* What a day counts that is added at that time; and what a sum of such is
 * worth then: the days that it counts. */
long double ahead_weight(int64_t at_ms);
double ahead_days(long double sum, int64_t at_ms);

/*
 * Is it to be fetched by the hourly run at now_ms, the next being at next_ms?
 * likely: because it is likely to be read; else because it was read within a
 * day, which has to do until two days have been counted.
 */
int ahead_is_wanted(
    const struct cache_habit *, int64_t now_ms, int64_t next_ms, int *likely);

/* When the sweep after this one may begin, counted from its own beginning;
 * rate: calls a second that the limiter allows. */
int64_t ahead_pause_ms(int64_t cost_ms, double rate);

#endif

#include <math.h>

#include "store/ahead.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)
#define EPOCH   INT64_C(1767225600000) /* 2026-01-01, where a weight is 1 */
#define MOST    40                     /* more than -ln u, for a u of 53 bits */

int
ahead_may_be_early(double beta, int64_t left_ms, int64_t cost_ms)
{
	return beta > 0 && cost_ms > 0 &&
	       (double)left_ms <= (double)cost_ms * beta * MOST;
}

enum ahead
ahead_decide(double beta, enum cache_state state, int64_t left_ms,
    int64_t cost_ms, double u)
{
	if (state != CACHE_FRESH)
		return AHEAD_REFRESH;
	if (!ahead_may_be_early(beta, left_ms, cost_ms))
		return AHEAD_NOTHING;
	return (double)cost_ms * beta * -log(u) >= (double)left_ms
		   ? AHEAD_EARLY
		   : AHEAD_NOTHING;
}

int
ahead_hour(int64_t at_ms)
{
	return (int)(at_ms / HOUR_MS % 24);
}

long double
ahead_weight(int64_t at_ms)
{
	return exp2l((long double)(at_ms - EPOCH) / AHEAD_HALF_LIFE_MS);
}

double
ahead_days(long double sum, int64_t at_ms)
{
	return (double)(sum / ahead_weight(at_ms));
}

/* The hour that the run at now_ms is for: most of the time until the next. */
static int
coming_hour(int64_t now_ms)
{
	return ahead_hour(now_ms + HOUR_MS / 2);
}

int
ahead_is_wanted(
    const struct cache_habit *h, int64_t now_ms, int64_t next_ms, int *likely)
{
	*likely = 0;
	if (h->there && h->fresh_ms > next_ms)
		return 0;
	if (h->since_ms <= 0 || now_ms - h->since_ms < AHEAD_KNOWN_MS)
		return h->there && h->read_ms > now_ms - DAY_MS;
	*likely =
	    ahead_days(h->hours[coming_hour(now_ms)], now_ms) >= AHEAD_LIKELY;
	return *likely;
}

int64_t
ahead_pause_ms(int64_t cost_ms, double rate)
{
	/* n calls lie n - 1 slots of the limiter apart, and take n of them. */
	double slot_ms = rate > 0 ? 1000 / rate : 0;

	if (cost_ms <= 0)
		cost_ms = AHEAD_COST_MS;
	return (int64_t)(((double)cost_ms + slot_ms) / AHEAD_SHARE);
}

#include <math.h>

#include "store/guard_limit.h"

#define SECOND   INT64_C(1000000)
#define HOLD     (60 * SECOND)
#define HOLD_MAX (3600 * SECOND)
#define DAY      (86400 * SECOND)

static int64_t
max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
guard_interval_us(const struct policy *p)
{
	if (!(p->rate >= 1e-3 && p->rate <= 1e6) || p->burst < 1)
		return 0;
	return (int64_t)ceil(1e6 / p->rate);
}

/* Mend what cannot be: a clock set back takes the times along, and nothing
 * lies further ahead than a hold may. */
static void
settle(struct guard_limit *l, int64_t now)
{
	if (l->seen_us > now) {
		l->tat_us -= min64(l->tat_us, l->seen_us - now);
		l->hold_us -= min64(l->hold_us, l->seen_us - now);
	}
	l->seen_us = now;
	l->hold_us = min64(l->hold_us, now + DAY);
	l->tat_us = min64(l->tat_us, max64(now, l->hold_us) + 3600 * SECOND);
}

/* A place that is given up: its slot is free again where it is the last. */
static enum rc
refuse(struct guard_limit *l, int64_t interval, int burst, int64_t now,
    int64_t mine)
{
	if (mine > now && l->tat_us == mine + burst * interval)
		l->tat_us -= interval;
	return RC_LIMITED;
}

enum rc
guard_limit_take(struct guard_limit *l, int64_t now, int64_t interval,
    int burst, int64_t max_wait, struct grant *g, int64_t *wait)
{
	int64_t due = g->due_us, slack = (burst - 1) * interval, base;

	settle(l, now);
	/* A slot is kept unless a hold overtook it, its owner comes late, or
	 * it is not of this state. */
	if ((due < l->hold_us && now < l->hold_us) || now - due > interval ||
	    due > l->tat_us)
		due = 0;
	if (due == 0) {
		/* Behind a hold there is no burst. */
		base = max64(l->tat_us, l->hold_us + slack);
		due = max64(now, base - slack);
		*wait = due - now;
		if (*wait > max_wait)
			return refuse(l, interval, burst, now, g->due_us);
		l->tat_us = max64(base, now) + interval;
	}
	g->due_us = due;
	*wait = max64(0, due - now);
	return RC_OK;
}

enum rc
guard_limit_day(
    struct guard_limit *l, int64_t now, const struct policy *p, int64_t *wait)
{
	int64_t day = zone_day(p->zone, now / SECOND);

	if (p->day_quota == 0)
		return RC_OK;
	/* A clock set back across midnight keeps what was used. */
	if (day > l->day || day < l->day - 1)
		l->used = 0;
	l->day = day;
	if (l->used + max64(p->need, 1) <= p->day_quota)
		return RC_OK;
	*wait = zone_midnight(p->zone, now / SECOND) * SECOND - now;
	return RC_LIMITED;
}

void
guard_limit_count(struct guard_limit *l, const struct policy *p)
{
	l->used += p->day_quota > 0;
}

static int64_t
hold_for(int64_t n)
{
	return n < 6 ? min64(HOLD << n, HOLD_MAX) : HOLD_MAX;
}

void
guard_limit_report(struct guard_limit *l, int64_t now, const struct grant *g,
    enum rc what, int64_t retry_after)
{
	int64_t n, us;

	settle(l, now);
	if (what == RC_OK && g->due_us >= l->hold_us)
		l->hold_n = 0;
	if (what != RC_LIMITED && what != RC_BLOCKED)
		return;
	/* A call begun before the end of the last hold tells of the same
	 * incident: it may lengthen the hold, but does not double it. */
	n = l->hold_n;
	if (g->due_us < l->hold_us || l->hold_us > now) {
		if (retry_after < 0 && l->hold_us > now)
			return;
		n = max64(0, n - 1);
	} else {
		l->hold_n = min64(n + 1, 60);
	}
	us = retry_after >= 0 ? min64(retry_after, DAY) : hold_for(n);
	l->hold_us = max64(l->hold_us, now + us);
}

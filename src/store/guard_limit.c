#include <math.h>

#include "store/guard_limit.h"

#define SECOND   INT64_C(1000000)
#define HOLD     (60 * SECOND)
#define HOLD_MAX (3600 * SECOND)
#define LONG_DAY (SECOND * 25 * 3600) /* the longest there is */

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
		for (size_t i = 0; i < l->nbooked; i++)
			l->booked[i].until_us -= l->seen_us - now;
	}
	l->seen_us = now;
	l->hold_us = min64(l->hold_us, now + LONG_DAY);
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
	if (max_wait < 0) {
		*wait = 0;
		return refuse(l, interval, burst, now, due);
	}
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

/* NULL: it is not booked. */
static struct guard_booking *
booking(struct guard_limit *l, int64_t id)
{
	for (size_t i = 0; i < l->nbooked && id != 0; i++)
		if (l->booked[i].id == id)
			return &l->booked[i];
	return NULL;
}

void
guard_limit_unbook(struct guard_limit *l, int64_t id)
{
	struct guard_booking *b = booking(l, id);

	if (b != NULL)
		*b = l->booked[--l->nbooked];
}

/* Forget what ran out, but for ours; the calls that others have booked. */
static int64_t
booked_by_others(
    struct guard_limit *l, int64_t now, int64_t ours, int64_t *free_us)
{
	int64_t n = 0;

	for (size_t i = l->nbooked; i-- > 0;) {
		struct guard_booking *b = &l->booked[i];

		b->until_us = min64(b->until_us, now + LONG_DAY);
		if (b->id == ours)
			continue;
		if (b->until_us <= now) {
			guard_limit_unbook(l, b->id);
			continue;
		}
		n += b->left;
		*free_us = min64(*free_us, b->until_us);
	}
	return n;
}

enum guard_day
guard_limit_day(struct guard_limit *l, int64_t now, const struct policy *p,
    const struct grant *g, int64_t *wait)
{
	int64_t day = zone_day(p->zone, now / SECOND), others, need;
	int64_t midnight, free_us = INT64_MAX;
	const struct guard_booking *ours;

	if (p->day_quota == 0)
		return DAY_FREE;
	settle(l, now);
	/* A clock set back across midnight keeps what was used. */
	if (day > l->day || day < l->day - 1)
		l->used = 0;
	l->day = day;
	others = booked_by_others(l, now, g->booking, &free_us);
	ours = booking(l, g->booking);
	need = ours != NULL ? ours->left : max64(p->need, 1);
	if (l->used + others + need <= p->day_quota &&
	    (ours != NULL || need == 1 || l->nbooked < GUARD_BOOKINGS))
		return DAY_FREE;
	midnight = zone_midnight(p->zone, now / SECOND) * SECOND;
	if (l->used + need > p->day_quota) {
		*wait = midnight - now;
		return DAY_SPENT;
	}
	*wait = min64(midnight, free_us) - now;
	return DAY_BOOKED;
}

/* An id that no booking has had, as far as the clock can tell. */
static int64_t
fresh_id(struct guard_limit *l, int64_t now)
{
	while (booking(l, now) != NULL)
		now++;
	return now;
}

void
guard_limit_count(struct guard_limit *l, int64_t now, const struct policy *p,
    struct grant *g, int go)
{
	struct guard_booking *b = booking(l, g->booking);

	if (p->day_quota == 0)
		return;
	l->used += go;
	if (b == NULL)
		g->booking = 0;
	if (b == NULL && p->need > 1) {
		g->booking = fresh_id(l, now);
		b = &l->booked[l->nbooked++];
		*b = (struct guard_booking){ g->booking, p->need, 0 };
	}
	if (b == NULL)
		return;
	b->left -= go;
	b->until_us = now + min64(p->book_ms * 1000, LONG_DAY);
	if (b->left == 0)
		guard_limit_unbook(l, b->id);
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
	us = retry_after >= 0 ? min64(retry_after, LONG_DAY) : hold_for(n);
	l->hold_us = max64(l->hold_us, now + us);
}

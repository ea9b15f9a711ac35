/*
 * An access log, replayed against the decisions of store/ahead.h in virtual
 * time: how often a reader finds fresh data, and how many calls a source gets
 * for it, beside a cache that has a TTL and no more.
 *
 * The log (seed 1, or the first argument) is six weeks long, from Monday
 * 2026-01-05, in UTC; New York is five hours behind.  Reads are Poisson:
 *
 *	S&P 500     a desk: 4 an hour, Monday to Friday 14:30 to 21:00
 *	DJIA        two reports a weekday, at 12:05 and at 21:35, some minutes
 *	            late, two reads each
 *	NASDAQ 100  one evening reader: 1 an hour, every day 23:00 to 02:00
 *	each        somebody at any time: one in twenty hours
 *
 * The second argument has the desk read so many times as often.
 *
 * The first two weeks are for learning and not counted.  A sweep is 26, 2 or 6
 * calls at 2 a second; a task waits a quarter of a second for its worker.  A
 * read of what is absent waits for its sweep, and by TTL only so does one of
 * what has expired; else that is served stale.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/ahead.h"

#define MINUTE    INT64_C(60000)
#define HOUR      (60 * MINUTE)
#define DAY       (24 * HOUR)
#define BEGIN     INT64_C(1767571200000) /* 2026-01-05 00:00 UTC, a Monday */
#define DAYS      42
#define LEARN     14
#define TTL       HOUR
#define QUEUED    250
#define CALL_MS   500
#define READS_MAX 100000

enum { SP, DJIA, NDX, INDEXES };

static const int calls_of[INDEXES] = { [SP] = 26, [DJIA] = 2, [NDX] = 6 };

struct policy {
	const char *name;
	int waits; /* the reader of what has expired waits */
	double beta;
	int day;     /* hourly: all that was read within a day */
	int predict; /* hourly: what is likely */
	int warm;    /* 14:00, Monday to Friday */
};

static const struct policy policies[] = {
	{ "TTL only", 1, 0, 0, 0, 0 },
	{ "stale while it is refreshed", 0, 0, 0, 0, 0 },
	{ "and early refresh", 0, 1, 0, 0, 0 },
	{ "and hourly what was read within a day", 0, 1, 1, 0, 0 },
	{ "and instead warming and prediction", 0, 1, 0, 1, 1 },
};

struct read {
	int64_t at;
	int index;
};

struct index {
	struct cache_habit habit;
	int64_t begins, lands; /* of the sweep under way; 0: none */
	int64_t ahead_at;      /* it was predicted then; 0: no */
	int used;
};

struct sim {
	const struct policy *policy;
	struct index index[INDEXES];
	int64_t counted_from;
	uint64_t chance;
	int reads, fresh, stale, waited, calls, early, predicted, used;
};

/* splitmix64 */
static uint64_t
next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 < u <= 1 */
static double
uniform(uint64_t *state)
{
	return ((double)(next(state) >> 11) + 1) / 9007199254740992.0;
}

/* The log */

struct reads {
	struct read v[READS_MAX];
	size_t n;
	uint64_t chance;
};

static void
add(struct reads *list, int index, int64_t at)
{
	if (list->n == READS_MAX)
		abort();
	list->v[list->n++] = (struct read){ at, index };
}

/* So many an hour. */
static void
poisson(struct reads *list, int index, int64_t from, int64_t to, double rate)
{
	double at = (double)from;

	for (;;) {
		at += -log(uniform(&list->chance)) / rate * (double)HOUR;
		if (at >= (double)to)
			return;
		add(list, index, (int64_t)at);
	}
}

static void
report(struct reads *list, int64_t at)
{
	at += (int64_t)(uniform(&list->chance) * 5 * MINUTE);
	add(list, DJIA, at);
	add(list, DJIA, at + (int64_t)(uniform(&list->chance) * 20 * MINUTE));
}

static int
by_time(const void *a, const void *b)
{
	const struct read *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static void
make_reads(struct reads *list, uint64_t seed, double busy)
{
	list->n = 0;
	list->chance = seed;
	for (int i = 0; i < DAYS; i++) {
		int64_t day = BEGIN + i * DAY;

		if (i % 7 < 5) {
			poisson(list, SP, day + 14 * HOUR + 30 * MINUTE,
			    day + 21 * HOUR, 4 * busy);
			report(list, day + 12 * HOUR + 5 * MINUTE);
			report(list, day + 21 * HOUR + 35 * MINUTE);
		}
		poisson(list, NDX, day + 23 * HOUR, day + 26 * HOUR, 1);
		for (int x = 0; x < INDEXES; x++)
			poisson(list, x, day, day + DAY, 0.05);
	}
	qsort(list->v, list->n, sizeof(list->v[0]), by_time);
}

/* The cache */

static void
land(struct sim *s, int64_t now)
{
	for (int i = 0; i < INDEXES; i++) {
		struct index *x = &s->index[i];

		if (x->lands == 0 || x->lands > now)
			continue;
		x->habit.there = 1;
		x->habit.fresh_ms = x->begins + TTL;
		x->habit.cost_ms = x->lands - x->begins;
		if (x->lands >= s->counted_from)
			s->calls += calls_of[i];
		x->begins = x->lands = 0;
	}
}

/* One refresh, whoever asks; 1: there was none under way. */
static int
sweep(struct sim *s, int i, int64_t at)
{
	struct index *x = &s->index[i];

	if (x->lands != 0)
		return 0;
	x->begins = at;
	x->lands = at + (int64_t)calls_of[i] * CALL_MS;
	return 1;
}

/* As cache_count_add does. */
static void
count(struct cache_habit *h, int64_t now)
{
	if (h->read_ms / HOUR != now / HOUR)
		h->hours[ahead_hour(now)] += ahead_weight(now);
	if (h->since_ms == 0)
		h->since_ms = now;
	h->read_ms = now;
}

static void
read_one(struct sim *s, int i, int64_t now)
{
	struct index *x = &s->index[i];
	int64_t left = x->habit.fresh_ms - now;
	enum cache_state state = !x->habit.there ? CACHE_ABSENT
				 : left > 0      ? CACHE_FRESH
						 : CACHE_STALE;
	int waits =
	    state == CACHE_ABSENT || (state == CACHE_STALE && s->policy->waits);
	int counts = now >= s->counted_from;
	enum ahead what = ahead_decide(s->policy->beta, state, left,
	    x->habit.cost_ms, uniform(&s->chance));

	s->reads += counts;
	s->fresh += counts && state == CACHE_FRESH;
	s->waited += counts && waits;
	s->stale += counts && !waits && state == CACHE_STALE;
	if (state == CACHE_FRESH && x->ahead_at != 0 && !x->used &&
	    x->habit.fresh_ms - TTL >= x->ahead_at) {
		x->used = 1;
		s->used += x->ahead_at >= s->counted_from;
	}
	if (what != AHEAD_NOTHING && sweep(s, i, now + (waits ? 0 : QUEUED)))
		s->early += counts && what == AHEAD_EARLY;
	count(&x->habit, now);
}

static void
hourly(struct sim *s, int64_t now)
{
	for (int i = 0; i < INDEXES; i++) {
		struct index *x = &s->index[i];
		struct cache_habit h = x->habit;
		int likely;

		if (!s->policy->predict)
			h.since_ms = 0; /* nothing is known of its hours */
		if (!ahead_is_wanted(&h, now, now + HOUR, &likely) ||
		    !sweep(s, i, now + QUEUED) || !likely)
			continue;
		x->ahead_at = now;
		x->used = 0;
		s->predicted += now >= s->counted_from;
	}
}

/* As scheduler_warm_tasks does. */
static void
warm(struct sim *s, int64_t now)
{
	int64_t delay = 0;

	for (int i = 0; i < INDEXES; i++) {
		const struct cache_habit *h = &s->index[i].habit;

		if (h->there && h->fresh_ms >= now + TTL / 2)
			continue;
		sweep(s, i, now + delay + QUEUED);
		delay += ahead_pause_ms(h->cost_ms, 1000.0 / CALL_MS);
	}
}

static void
tick(struct sim *s, int64_t now)
{
	int64_t hour = (now - BEGIN) / HOUR;

	land(s, now);
	if (s->policy->day || s->policy->predict)
		hourly(s, now);
	if (s->policy->warm && hour % 24 == 14 && hour / 24 % 7 < 5)
		warm(s, now);
}

static void
replay(const struct policy *policy, const struct reads *list, uint64_t seed)
{
	struct sim s = { .policy = policy,
		.chance = ~seed,
		.counted_from = BEGIN + LEARN * DAY };
	int64_t hour = BEGIN;

	for (size_t i = 0; i < list->n; i++) {
		for (; hour <= list->v[i].at; hour += HOUR)
			tick(&s, hour);
		land(&s, list->v[i].at);
		read_one(&s, list->v[i].index, list->v[i].at);
	}
	printf("| %s | %.1f %% | %.1f %% | %.1f %% | %.0f | %d | %d | %d |\n",
	    policy->name, 100.0 * s.fresh / s.reads, 100.0 * s.stale / s.reads,
	    100.0 * s.waited / s.reads, (double)s.calls / (DAYS - LEARN),
	    s.early, s.predicted, s.used);
}

int
main(int argc, char *argv[])
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	double busy = argc > 2 ? strtod(argv[2], NULL) : 1;
	static struct reads list;
	int counted = 0;

	make_reads(&list, seed, busy);
	for (size_t i = 0; i < list.n; i++)
		counted += list.v[i].at >= BEGIN + LEARN * DAY;
	printf("access log of seed %llu, the desk x %g: %d reads in %d days\n\n"
	       "| cache | fresh | stale | waited | calls a day | early | "
	       "predicted | of those read |\n"
	       "| --- | --- | --- | --- | --- | --- | --- | --- |\n",
	    (unsigned long long)seed, busy, counted, DAYS - LEARN);
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		replay(&policies[i], &list, seed);
	return 0;
}

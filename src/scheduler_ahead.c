/*
 * The jobs that fetch before anybody asks: what the hourly run expects to be
 * read, and the warming before the market opens.  Both at low priority, both
 * forced: what is about to expire is fresh still.
 *
 * Warming keeps within AHEAD_SHARE (30 %) of the limiter's budget by the clock
 * and not by a rate of its own: a sweep takes at most the whole limiter for
 * what it cost the last time, with the slot of its last call, and the next one
 * is due only when that is 30 % of the time since the one before was.  So a
 * sweep is as short as any other, nobody waits long behind it, and the limiter
 * is free in between.  Where the workers come late the sweeps may follow
 * closer, at their low priority.
 */
#include <string.h>

#include "scheduled.h"
#include "scheduler_part.h"
#include "source/account.h"
#include "store/ahead.h"
#include "store/cache.h"

#define SECOND INT64_C(1000000) /* in microseconds */
#define SOON   INT64_C(3600000) /* until the market opens, and some more */

static struct task_spec
task_of(const char *index, const char *sector, int64_t delay_ms)
{
	return (struct task_spec){ .type = TASK_FETCH,
		.dataset = { index, sector },
		.force = 1,
		.priority = PRIORITY_LOW,
		.delay_ms = delay_ms };
}

/* The datasets of an index, in the order of dataset_sectors. */
static enum rc
habits(struct scheduler *s, const char *index, struct dataset *d,
    struct cache_habit *h, struct err *e)
{
	for (size_t i = 0; i < DATASET_SECTORS; i++)
		d[i] = (struct dataset){ index, dataset_sectors[i].name };
	return cache_habits(s->redis, d, DATASET_SECTORS, h, e);
}

/* Two sectors of an index, or Any, are one sweep of all of it. */
enum rc
scheduler_hourly_tasks(const struct scheduler_step *st, struct task_spec *specs,
    size_t *n, struct err *e)
{
	struct scheduler *s = st->scheduler;
	int64_t now_ms = st->redis_us / 1000, next_ms;
	enum rc rc = RC_OK;

	/* The next run is when this machine's clock says so. */
	next_ms = now_ms - st->now_us / 1000 +
		  1000 * calendar_next(JOB_HOURLY, s->minutes[JOB_HOURLY],
			     st->now_us / SECOND, calendar_local);
	s->nlikely = 0;
	for (size_t i = 0; i < s->nindexes && rc == RC_OK; i++) {
		struct dataset d[DATASET_SECTORS];
		struct cache_habit h[DATASET_SECTORS];
		const char *sector = NULL;
		int likely;

		rc = habits(s, s->indexes[i], d, h, e);
		for (size_t j = 0; j < DATASET_SECTORS && rc == RC_OK; j++) {
			if (!ahead_is_wanted(&h[j], now_ms, next_ms, &likely))
				continue;
			sector = sector == NULL ? d[j].sector : DATASET_ANY;
			if (likely)
				s->likely[s->nlikely++] = d[j];
		}
		if (sector != NULL)
			specs[(*n)++] = task_of(s->indexes[i], sector, 0);
	}
	return rc;
}

/* A count that cannot be made is not worth an error. */
void
scheduler_count_likely(const struct scheduler_step *st)
{
	const struct scheduler *s = st->scheduler;

	for (size_t i = 0; i < s->nlikely; i++)
		if (cache_count_ahead(s->redis, &s->likely[i],
			st->redis_us / 1000, NULL) != RC_OK)
			return;
}

/* Calls a second to the source that is asked first. */
static double
rate_of(const struct config *c)
{
	char names[LIMIT_SOURCES][SCHEDULED_NAME];

	return scheduled_sources(c, names) > 0 ? account_rate(c, names[0]) : 0;
}

/* What will be fresh for an hour, or half its life, is warm. */
enum rc
scheduler_warm_tasks(const struct scheduler_step *st, struct task_spec *specs,
    size_t *n, struct err *e)
{
	struct scheduler *s = st->scheduler;
	struct dataset d[DATASET_INDEXES];
	struct cache_habit h[DATASET_INDEXES];
	int64_t half_ms = s->config->cache_ttl * 1000 / 2, delay_ms = 0;
	int64_t until_ms =
	    st->redis_us / 1000 + (half_ms < SOON ? half_ms : SOON);
	enum rc rc;

	for (size_t i = 0; i < s->nindexes; i++)
		d[i] = (struct dataset){ s->indexes[i], DATASET_ANY };
	rc = cache_habits(s->redis, d, s->nindexes, h, e);
	for (size_t i = 0; i < s->nindexes && rc == RC_OK; i++) {
		if (h[i].there && h[i].fresh_ms >= until_ms)
			continue;
		specs[(*n)++] = task_of(d[i].index, DATASET_ANY, delay_ms);
		delay_ms += ahead_pause_ms(h[i].cost_ms, rate_of(s->config));
	}
	return rc;
}

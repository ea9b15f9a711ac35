#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "refresh_ahead.h"

#define ASK_MS 5000 /* between two readers that go to the queue */

/* 0 < u <= 1, of 53 bits; 1, which is never early, where there is no chance. */
static double
by_chance(void)
{
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
		return 1;
	return ((double)(bits >> 11) + 1) / 9007199254740992.0;
}

enum ahead
refresh_ahead_wants(const struct config *c, const struct cache_entry *entry)
{
	int64_t left_ms = entry->fresh_ms - entry->now_ms;

	if (entry->state == CACHE_FRESH &&
	    !ahead_may_be_early(c->early_refresh, left_ms, entry->cost_ms))
		return AHEAD_NOTHING;
	return ahead_decide(c->early_refresh, entry->state, left_ms,
	    entry->cost_ms, by_chance());
}

/* Is it, or all of its index, to be fetched already? */
static enum rc
is_queued(struct queue *q, const struct dataset *d, int *queued, struct err *e)
{
	const struct dataset both[] = { *d, { d->index, DATASET_ANY } };

	return queue_has(q, TASK_FETCH, both,
	    strcmp(d->sector, DATASET_ANY) == 0 ? 1 : 2, queued, e);
}

/* What is fresh is fetched only by a task that is forced. */
static enum rc
enqueue(struct queue *q, const struct dataset *d, int force, struct err *e)
{
	struct task_spec spec = { .type = TASK_FETCH,
		.dataset = *d,
		.force = force,
		.priority = PRIORITY_NORMAL };
	struct enqueue_result result;
	enum rc rc = queue_enqueue(q, &spec, 1, &result, e);

	if (rc == RC_OK && result.what == ENQUEUED_FULL)
		return err_set(e, RC_FULL, "the queue is full");
	return rc;
}

enum rc
refresh_ahead(struct redis *r, struct queue *q, const struct dataset *d,
    enum ahead why, int *queued, struct err *e)
{
	int first = 0, there = 0;
	enum rc rc;

	if (queued != NULL)
		*queued = 0;
	if (why == AHEAD_NOTHING)
		return RC_OK;
	rc = cache_ask(r, d, ASK_MS, &first, e);
	if (rc == RC_OK && first)
		rc = is_queued(q, d, &there, e);
	if (rc != RC_OK || !first || there)
		return rc;
	rc = enqueue(q, d, why == AHEAD_EARLY, e);
	if (rc == RC_OK && why == AHEAD_EARLY)
		cache_count_early(r, d, NULL);
	if (rc == RC_OK && queued != NULL)
		*queued = 1;
	return rc;
}

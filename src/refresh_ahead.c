#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "refresh_ahead.h"

_Static_assert(CACHE_FAILED == TASK_ID + 1, "an id");

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

static enum task_type
type_of(const struct dataset *d)
{
	return cache_is_returns(d) ? TASK_RETURNS : TASK_FETCH;
}

/* The dataset of the task that fetches it. */
static struct dataset
work_of(const struct dataset *d)
{
	return cache_is_returns(d) ? (struct dataset){ d->index, DATASET_ANY }
				   : *d;
}

/* Is it, or all of its index, to be fetched already? */
static enum rc
is_queued(struct queue *q, const struct dataset *d, int *queued, struct err *e)
{
	const struct dataset both[] = { work_of(d), { d->index, DATASET_ANY } };

	return queue_has(q, type_of(d), both,
	    strcmp(both[0].sector, DATASET_ANY) == 0 ? 1 : 2, queued, e);
}

/* What is fresh is fetched only by a task that is forced. */
static enum rc
enqueue(struct queue *q, const struct dataset *d, int force,
    char id[TASK_ID + 1], struct err *e)
{
	struct task_spec spec = { .type = type_of(d),
		.dataset = work_of(d),
		.force = force,
		.priority = PRIORITY_NORMAL };
	struct enqueue_result result;
	enum rc rc = queue_enqueue(q, &spec, 1, &result, e);

	if (rc == RC_OK && result.what == ENQUEUED_FULL)
		return err_set(e, RC_FULL, "the queue is full");
	if (rc == RC_OK)
		memcpy(id, result.id, sizeof(result.id));
	return rc;
}

/* Neither queued, nor just failed? */
static enum rc
is_free(struct redis *r, struct queue *q, const struct dataset *d, int *free,
    struct err *e)
{
	char failed[CACHE_FAILED];
	int64_t left_ms = 0;
	int there = 0;
	enum rc rc = is_queued(q, d, &there, e);

	if (rc == RC_OK && !there)
		rc = cache_failed(r, d, failed, &left_ms, e);
	*free = !there && left_ms == 0;
	return rc;
}

enum rc
refresh_ahead(struct redis *r, struct queue *q, const struct dataset *d,
    enum ahead why, int *queued, struct err *e)
{
	char id[TASK_ID + 1];
	int first = 0, free = 0;
	enum rc rc;

	if (queued != NULL)
		*queued = 0;
	if (why == AHEAD_NOTHING)
		return RC_OK;
	rc = cache_ask(r, d, ASK_MS, &first, e);
	if (rc == RC_OK && first)
		rc = is_free(r, q, d, &free, e);
	if (rc != RC_OK || !first || !free)
		return rc;
	rc = enqueue(q, d, why == AHEAD_EARLY, id, e);
	if (rc == RC_OK && why == AHEAD_EARLY)
		cache_count_early(r, d, NULL);
	if (rc == RC_OK && queued != NULL)
		*queued = 1;
	return rc;
}

/* Has the task failed, with none queued since?  One that is forgotten has
 * nothing to show. */
static enum rc
is_braked(struct queue *q, const struct dataset *d, const char *id, int *braked,
    struct err *e)
{
	int64_t position;
	int queued = 1;
	struct task t;
	enum rc rc = queue_get(q, id, &t, &position, e);

	if (rc == RC_OK && t.status == TASK_FAILED)
		rc = is_queued(q, d, &queued, e);
	*braked = !queued;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
refresh_absent(struct redis *r, struct queue *q, const struct dataset *d,
    struct refresh_wait *out, struct err *e)
{
	struct refresh_wait wait = { 0 };
	int braked = 0;
	enum rc rc = cache_failed(r, d, wait.id, &wait.braked_ms, e);

	if (rc == RC_OK && wait.braked_ms > 0)
		rc = is_braked(q, d, wait.id, &braked, e);
	if (rc == RC_OK && !braked) {
		wait.braked_ms = 0;
		rc = enqueue(q, d, 0, wait.id, e);
	}
	if (rc == RC_OK)
		*out = wait;
	return rc;
}

void
refresh_failed(struct redis *r, const struct task *t)
{
	struct dataset d;

	if (dataset_index(t->index, &d.index, NULL) != RC_OK ||
	    dataset_sector(t->sector, &d.sector, NULL) != RC_OK)
		return;
	if (t->type == TASK_RETURNS)
		d.sector = CACHE_RETURNS;
	else if (t->type != TASK_FETCH)
		return;
	(void)cache_note_failed(r, &d, t->id, REFRESH_BRAKE_MS, NULL);
}

#include "base/clock.h"
#include "base/log.h"
#include "worker_part.h"

#define LISTEN_MS 2000 /* between looks whether a task is still wanted */
#define AGAIN_MS  300  /* between tries where Redis is away */

int64_t
worker_lease_ms(const struct bench *b)
{
	return b->plan->config->task_lease * 1000;
}

/* A third of the lease, so that two renewals may fail; and soon enough for who
 * cancels a task, of which a renewal tells. */
void
worker_renewed(struct bench *b)
{
	int64_t ms = worker_lease_ms(b) / 3, now_ms = clock_mono_ms();

	b->renew_ms = now_ms + (ms < LISTEN_MS ? ms : LISTEN_MS);
	b->lease_ms = now_ms + worker_lease_ms(b);
}

/* Redis is away: is there time to wait for it, as what is in hand is ours? */
static int
can_wait(const struct bench *b, enum rc rc)
{
	return rc == RC_STORE && !worker_was_told() &&
	       clock_mono_ms() + AGAIN_MS < b->lease_ms;
}

int
worker_waited(const struct bench *b, enum rc rc)
{
	if (!can_wait(b, rc))
		return 0;
	clock_sleep_ms(AGAIN_MS);
	return !worker_was_told();
}

/* Renew all that is in hand; what has run waits for its batch to be settled. */
static void
renew(struct bench *b, const char *progress)
{
	int64_t lease_end_ms = b->lease_ms;

	worker_renewed(b);
	for (size_t i = 0; i < b->n; i++) {
		struct held *h = &b->held[i];
		struct err e;
		int cancelled = 0;
		enum rc rc;

		if (h->gone)
			continue;
		rc = queue_renew(b->queue, &b->tasks[i],
		    i == b->at ? progress : "", &cancelled, &e);
		if (rc == RC_OK) {
			h->cancelled |= cancelled;
			continue;
		}
		if (rc == RC_BUSY) {
			h->gone = 1;
			log_warn("task=%s: %s", b->tasks[i].id, e.msg);
			continue;
		}
		b->lease_ms = lease_end_ms;
		b->renew_ms = clock_mono_ms() + AGAIN_MS;
		if (!can_wait(b, rc))
			b->fatal = e;
		else
			log_debug("not renewed, again soon: %s", e.msg);
		return;
	}
}

int
worker_pulse(void *arg, const char *progress)
{
	struct bench *b = arg;
	struct held *h = &b->held[b->at];
	int64_t now_ms = clock_mono_ms();

	if (worker_was_told())
		return 0;
	if (now_ms >= b->end_ms) {
		h->late = 1;
		return 0;
	}
	if (now_ms >= b->renew_ms)
		renew(b, progress);
	return b->fatal.rc == RC_OK && !h->gone && !h->cancelled;
}

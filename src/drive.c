#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "drive_part.h"
#include "store/cache.h"

#define POLL_MS 200 /* between looks at another's session or probe */

enum rc
drive_begin(struct drive **out, const struct drive_env *env,
    const struct source *source, const struct query *query, int64_t deadline_ms,
    struct err *e)
{
	struct drive *d = calloc(1, sizeof(*d));
	enum rc rc;

	if (d == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	d->env = env;
	d->source = source;
	d->deadline_ms = deadline_ms;
	d->policy = (struct policy){ 0 };
	source->policy(env->config, &d->policy);
	d->nslots = d->policy.connections < DRIVE_SLOTS ? d->policy.connections
							: DRIVE_SLOTS;
	for (int i = 0; i < d->nslots; i++)
		d->slots[i].drive = d;
	rc = source->begin(&d->talk, query, e);
	if (rc != RC_OK) {
		free(d);
		return rc;
	}
	*out = d;
	return RC_OK;
}

/* A grant that no request will use: its place is free again where it is not due
 * yet, and so is the breaker's probe. */
static void
give_back(struct drive *d, struct slot *s)
{
	if (s->state == SLOT_SLEEP)
		guard_leave(d->env->guard, d->source->name, &d->policy,
		    &s->grant, NULL);
	else if (s->grant.probe != 0)
		guard_report(d->env->guard, d->source->name, &s->grant, RC_BUSY,
		    -1, NULL, NULL);
	s->grant = (struct grant){ 0 };
}

/* The slot whose place is the furthest ahead; NULL: none is in use. */
static struct slot *
last_place(struct drive *d)
{
	struct slot *last = NULL;

	for (int i = 0; i < d->nslots; i++) {
		struct slot *s = &d->slots[i];

		if (s->state != SLOT_FREE &&
		    (last == NULL || s->grant.due_us > last->grant.due_us))
			last = s;
	}
	return last;
}

void
drive_end(struct drive *d)
{
	struct slot *s;
	struct err e;

	if (d == NULL)
		return;
	for (int i = 0; i < d->nslots; i++)
		if (d->slots[i].state == SLOT_FLIGHT)
			http_cancel(d->env->http, d->slots[i].id);
	/* From the last place on: one behind which nobody waits is free. */
	while ((s = last_place(d)) != NULL) {
		give_back(d, s);
		s->state = SLOT_FREE;
	}
	if (d->making.fence_us != 0 && d->env->redis != NULL)
		flight_release(d->env->redis, &d->making);
	if (guard_unbook(d->env->guard, d->source->name, d->booking, &e) !=
	    RC_OK)
		log_debug("source=%s: calls not given back: %s",
		    d->source->name, e.msg);
	d->source->end(d->talk);
	free(d);
}

/* What Redis says of our question, as far as the sweep is concerned: an answer
 * of the guard, or trouble.  The source is not to blame. */
static enum rc
of_redis(enum rc rc, struct err *e)
{
	rc = redis_trouble(rc);
	if (e != NULL)
		e->rc = rc;
	return rc;
}

/* Use a session of Redis, or make one, or wait for who is making one.  Sets
 * session_ms where the conversation still needs one. */
static enum rc
find_session(struct drive *d, int64_t now_ms, struct err *e)
{
	const char *refused_ = d->source->refused(d->talk);
	struct redis *redis = d->env->redis;
	char *cached = NULL, what[64];
	enum rc rc;

	d->session_ms = 0;
	if (redis == NULL) {
		d->source->session(d->talk, NULL);
		return RC_OK;
	}
	rc = cache_session_get(redis, d->source->name, &cached, e);
	if (rc == RC_OK &&
	    (refused_ == NULL || strcmp(cached, refused_) != 0)) {
		d->source->session(d->talk, cached);
		free(cached);
		return RC_OK;
	}
	free(cached);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return of_redis(rc, e);
	if (d->making.fence_us == 0) {
		snprintf(what, sizeof(what), "session:%s", d->source->name);
		rc = flight_take(redis, what, "", &d->making, e);
		if (rc == RC_BUSY) {
			d->session_ms = now_ms + POLL_MS;
			return RC_OK;
		}
		if (rc != RC_OK)
			return of_redis(rc, e);
	}
	d->source->session(d->talk, NULL);
	return RC_OK;
}

/* Fill free slots with requests.  *done: the conversation has all it asked. */
static enum rc
hand_out(struct drive *d, int64_t now_ms, int *done, struct err *e)
{
	enum rc rc;

	for (int i = 0; i < d->nslots; i++) {
		struct slot *s = &d->slots[i];

		if (s->state != SLOT_FREE || d->session_ms > now_ms)
			continue;
		switch (d->source->next(d->talk, &s->request)) {
		case STEP_REQUEST:
			s->state = SLOT_TAKE;
			s->tries = s->limited = s->hops = s->again = 0;
			s->request.one_hop = 1;
			s->grant = (struct grant){ 0 };
			break;
		case STEP_SESSION:
			rc = find_session(d, now_ms, e);
			if (rc != RC_OK)
				return rc;
			i--; /* the same slot again, with the session */
			break;
		case STEP_WAIT:
			return RC_OK;
		case STEP_DONE:
			*done = 1;
			return RC_OK;
		}
	}
	return RC_OK;
}

static enum rc
start(struct drive *d, struct slot *s, struct err *e)
{
	enum rc rc = http_start(d->env->http, &s->request, d->deadline_ms,
	    drive_answered, s, &s->id, e);

	s->state = SLOT_TAKE; /* its grant is due */
	if (rc == RC_OK)
		s->state = SLOT_FLIGHT;
	else
		give_back(d, s);
	return rc;
}

/* Is a request of ours the breaker's probe?  Then the others wait for it. */
static int
is_probing(const struct drive *d)
{
	for (int i = 0; i < d->nslots; i++)
		if (d->slots[i].grant.probe != 0)
			return 1;
	return 0;
}

/* All calls of the conversation are booked of the source's day with the first.
 * One that is made again was not counted on: the day must have it free. */
static void
book(struct drive *d, struct slot *s, int64_t left_ms)
{
	int is_counted = d->source->calls != NULL && !s->again;

	s->grant.booking = s->again ? 0 : d->booking;
	d->policy.need = is_counted ? d->source->calls(d->talk) : 1;
	d->policy.book_ms = left_ms;
}

/* No grant: why the conversation ends. */
static enum rc
denied(struct drive *d, const struct slot *s, enum rc rc, int64_t wait_ms,
    struct err *e)
{
	int is_spare = rc == RC_LIMITED && s->again;

	if (rc == RC_LIMITED || rc == RC_OPEN)
		d->wait_ms = wait_ms;
	if ((rc != RC_OPEN && !is_spare) || d->last.rc == RC_OK)
		return of_redis(rc, e);
	/* What opened it was an answer to us: that is why we end.  So it is
	 * where there is no call to spare, for which the page is given up; what
	 * the day then waits for may be our own booking. */
	if (is_spare)
		d->wait_ms = d->hold_ms;
	return err_set(e, d->last.rc, "%s", d->last.msg);
}

/*
 * Get a grant for the slot's request and send it when it is due.  Before its
 * first call a task that would wait too long is put back; later it waits, for
 * what the calls before were spent on (a session is two) would be lost.
 */
static enum rc
take(struct drive *d, struct slot *s, int64_t now_ms, struct err *e)
{
	int64_t left = d->deadline_ms - now_ms, wait_ms = 0;
	int64_t most = d->env->config->max_wait * 1000;
	enum rc rc;

	if (most > left || d->begun)
		most = left;
	book(d, s, left);
	rc = guard_take(d->env->guard, d->source->name, &d->policy, most,
	    &s->grant, &wait_ms, e);
	if (rc == RC_OK && !s->again)
		d->booking = s->grant.booking;
	if (rc == RC_OK && s->grant.wait_ms == 0) {
		d->begun = 1;
		return start(d, s, e);
	}
	if (rc == RC_OPEN && is_probing(d)) {
		wait_ms = POLL_MS;
	} else if (rc != RC_OK) {
		return denied(d, s, rc, wait_ms, e);
	} else {
		wait_ms = s->grant.wait_ms;
	}
	s->state = SLOT_SLEEP;
	s->wake_ms = now_ms + wait_ms;
	return RC_OK;
}

/* Requests that an answer has overtaken before they were sent take no call. */
static void
drop_unwanted(struct drive *d)
{
	for (int i = 0; i < d->nslots && d->source->wants != NULL; i++) {
		struct slot *s = &d->slots[i];

		if ((s->state != SLOT_TAKE && s->state != SLOT_SLEEP) ||
		    d->source->wants(d->talk, s->request.tag))
			continue;
		give_back(d, s);
		s->state = SLOT_FREE;
	}
}

static int
is_busy(const struct drive *d)
{
	for (int i = 0; i < d->nslots; i++)
		if (d->slots[i].state != SLOT_FREE)
			return 1;
	return 0;
}

static void
earliest(int64_t *wake_ms, int64_t at)
{
	if (at < *wake_ms)
		*wake_ms = at;
}

enum rc
drive_step(struct drive *d, int64_t now_ms, int64_t *wake_ms, struct err *e)
{
	int done = 0;
	enum rc rc;

	if (d->failed.rc == RC_OK && now_ms >= d->deadline_ms)
		drive_fail(
		    d, &(struct err){ RC_TIMEOUT, "deadline reached" }, 0);
	if (d->failed.rc != RC_OK) {
		if (e != NULL)
			*e = d->failed;
		return d->failed.rc;
	}
	*wake_ms = d->deadline_ms;
	drop_unwanted(d);
	rc = hand_out(d, now_ms, &done, e);
	for (int i = 0; i < d->nslots && rc == RC_OK; i++) {
		struct slot *s = &d->slots[i];

		if (s->state == SLOT_TAKE ||
		    (s->state == SLOT_SLEEP && s->wake_ms <= now_ms))
			rc = take(d, s, now_ms, e);
		if (rc == RC_OK && s->state == SLOT_SLEEP)
			earliest(wake_ms, s->wake_ms);
	}
	if (rc != RC_OK)
		return rc;
	if (d->session_ms != 0)
		earliest(wake_ms, d->session_ms);
	else if (!done && !is_busy(d))
		return err_set(
		    e, RC_BUG, "%s waits for nothing", d->source->name);
	/* What is still on its way then belongs to a phase that was given up.
	 */
	return done ? RC_OK : RC_BUSY;
}

int64_t
drive_wait_ms(const struct drive *d)
{
	return d->wait_ms;
}

void
drive_progress(const struct drive *d, int64_t now_ms, struct drive_progress *p)
{
	int64_t wait = INT64_MAX;

	*p = (struct drive_progress){ .pages = d->pages };
	d->source->progress(d->talk, &p->rows, &p->total);
	for (int i = 0; i < d->nslots; i++) {
		if (d->slots[i].state == SLOT_FLIGHT)
			return;
		if (d->slots[i].state == SLOT_SLEEP)
			earliest(&wait, d->slots[i].wake_ms - now_ms);
	}
	p->wait_ms = wait != INT64_MAX && wait > 0 ? wait : 0;
}

enum rc
drive_finish(struct drive *d, struct table *t, int64_t *total, struct err *e)
{
	return d->source->finish(d->talk, t, total, e);
}

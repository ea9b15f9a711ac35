#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "drive.h"
#include "source/account.h"
#include "store/cache.h"
#include "store/flight.h"

#define SLOTS         8   /* requests of one conversation in flight at most */
#define TRIES         2   /* of one page, where it fails */
#define LIMITED_TRIES 4   /* of one page, where a rate limit refuses it */
#define POLL_MS       200 /* between looks at another's session or probe */
#define SESSION_TTL_S 86400

enum slot_state {
	SLOT_FREE,
	SLOT_TAKE,   /* has a request, needs a grant */
	SLOT_SLEEP,  /* has a grant that is due at wake_ms */
	SLOT_FLIGHT, /* is on its way */
};

struct slot {
	struct drive *drive;
	enum slot_state state;
	struct http_request request;
	struct grant grant;
	int64_t wake_ms;
	unsigned id; /* of http */
	int tries;
	int limited;
	int hops;  /* redirects that its page has led through */
	int again; /* a call more than the source counted on */
};

struct drive {
	const struct drive_env *env;
	const struct source *source;
	struct conversation *talk;
	struct policy policy;
	int64_t deadline_ms;
	struct slot slots[SLOTS];
	int nslots;
	int pages;
	int64_t wait_ms;
	int64_t booking;      /* our calls of the source's day; 0: none */
	int64_t session_ms;   /* look for a session again then; 0: need none */
	struct flight making; /* of our making a session */
	struct err last;   /* what the last answer lacked; rc RC_OK: nothing */
	struct err failed; /* rc RC_OK: not failed */
};

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
	d->nslots =
	    d->policy.connections < SLOTS ? d->policy.connections : SLOTS;
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

/* A grant that no request will use: the breaker's probe is free again. */
static void
give_back(struct drive *d, struct slot *s)
{
	if (s->grant.probe != 0)
		guard_report(d->env->guard, d->source->name, &s->grant, RC_BUSY,
		    -1, NULL, NULL);
	s->grant = (struct grant){ 0 };
}

void
drive_end(struct drive *d)
{
	struct err e;

	if (d == NULL)
		return;
	for (int i = 0; i < d->nslots; i++) {
		if (d->slots[i].state == SLOT_FLIGHT)
			http_cancel(d->env->http, d->slots[i].id);
		give_back(d, &d->slots[i]);
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

static void
fail(struct drive *d, const struct err *why, int64_t wait_ms)
{
	if (d->failed.rc != RC_OK)
		return;
	d->failed = *why;
	d->wait_ms = wait_ms;
}

/* A session that this conversation made goes to all processes. */
static void
share_session(struct drive *d)
{
	const char *made = d->source->made ? d->source->made(d->talk) : NULL;
	struct err e;

	if (made == NULL)
		return;
	if (d->env->redis == NULL) {
		d->making.fence_us = 0;
		return;
	}
	if (cache_session_put(d->env->redis, d->source->name, made,
		SESSION_TTL_S, &e) != RC_OK)
		log_warn("source=%s: session not shared: %s", d->source->name,
		    e.msg);
	if (d->making.fence_us != 0)
		flight_release(d->env->redis, &d->making);
	d->making.fence_us = 0;
}

/* Has it brought records?  A session is not one yet. */
static int
under_way(const struct drive *d)
{
	int64_t rows, total;

	d->source->progress(d->talk, &rows, &total);
	return rows > 0;
}

/* The answer was not taken: ask again, or give the source up? */
static void
refused(struct drive *d, struct slot *s, const struct err *why, int64_t hold_ms)
{
	int again;

	if (why->rc == RC_LIMITED)
		again = under_way(d) && ++s->limited < LIMITED_TRIES &&
			clock_mono_ms() + hold_ms < d->deadline_ms;
	else
		again = why->rc != RC_INVALID && rc_retryable(why->rc) &&
			++s->tries < TRIES;
	log_info("source=%s rc=%s again=%d: %s", d->source->name,
	    rc_name(why->rc), again, why->msg);
	s->state = again ? SLOT_TAKE : SLOT_FREE;
	s->again = 1;
	if (!again)
		fail(d, why, hold_ms);
}

/* What the guard is told: an address that is gone is an answer, no failure of
 * theirs that a pause would mend. */
static enum rc
reported(const struct http_response *r, enum rc rc)
{
	if (r->status >= 400 && r->status < 500 &&
	    (rc == RC_UPSTREAM || rc == RC_PARSE))
		return RC_NOTFOUND;
	return rc;
}

/* A redirect on the same host is one more call, with a grant of its own. */
static enum rc
redirected(struct slot *s, const char *location, struct err *why)
{
	if (++s->hops > LIMIT_REDIRECTS)
		return err_set(why, RC_UPSTREAM, "more than %d redirects",
		    LIMIT_REDIRECTS);
	snprintf(s->request.url, sizeof(s->request.url), "%s", location);
	s->again = 1;
	return RC_OK;
}

/* How long the source is to be left alone, in its own words; -1: it has none.
 */
static int64_t
pause_of(const struct drive *d, const struct http_response *r, enum rc rc)
{
	int64_t ms = -1, now_s = clock_wall_us() / 1000000;

	if (rc == RC_LIMITED && d->source->pause_ms != NULL)
		ms = d->source->pause_ms(d->talk);
	/* A day that is over is over, whatever a header says of a minute. */
	if (ms == SOURCE_DAY_OVER)
		return (zone_midnight(d->policy.zone, now_s) - now_s) * 1000;
	return r->retry_after_ms >= 0 ? r->retry_after_ms : ms;
}

static void
answered(void *arg, const struct http_response *r)
{
	struct slot *s = arg;
	struct drive *d = s->drive;
	struct err why = { 0 }, e;
	int64_t hold_ms = 0;
	enum rc rc, told;

	rc = r->location != NULL ? redirected(s, r->location, &why)
				 : d->source->feed(d->talk, r, &why);
	told = rc == RC_OK && r->location == NULL && d->source->verdict != NULL
		   ? d->source->verdict(d->talk)
		   : rc;
	account_hide(d->env->config, d->source->name, why.msg);
	if (guard_report(d->env->guard, d->source->name, &s->grant,
		reported(r, told), pause_of(d, r, rc), &hold_ms, &e) != RC_OK)
		log_debug(
		    "source=%s: not reported: %s", d->source->name, e.msg);
	s->grant = (struct grant){ 0 };
	d->last = why;
	d->last.rc = told;
	share_session(d);
	if (rc != RC_OK) {
		refused(d, s, &why, hold_ms);
		return;
	}
	s->state = r->location != NULL ? SLOT_TAKE : SLOT_FREE;
	d->pages += r->location == NULL;
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
	enum rc rc = http_start(
	    d->env->http, &s->request, d->deadline_ms, answered, s, &s->id, e);

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

/*
 * Get a grant for the slot's request and send it when it is due.  Before the
 * first page a task that would wait too long is put back; later it waits.
 */
static enum rc
take(struct drive *d, struct slot *s, int64_t now_ms, struct err *e)
{
	int64_t left = d->deadline_ms - now_ms, wait_ms = 0;
	int64_t most = d->env->config->max_wait * 1000;
	enum rc rc;

	if (most > left || under_way(d))
		most = left;
	book(d, s, left);
	rc = guard_take(d->env->guard, d->source->name, &d->policy, most,
	    &s->grant, &wait_ms, e);
	if (rc == RC_OK && !s->again)
		d->booking = s->grant.booking;
	if (rc == RC_OK && s->grant.wait_ms == 0)
		return start(d, s, e);
	if (rc == RC_OPEN && is_probing(d)) {
		wait_ms = POLL_MS;
	} else if (rc != RC_OK) {
		if (rc == RC_LIMITED || rc == RC_OPEN)
			d->wait_ms = wait_ms;
		/* What opened it was an answer to us: that is why we end. */
		if (rc == RC_OPEN && d->last.rc != RC_OK)
			return err_set(e, d->last.rc, "%s", d->last.msg);
		return of_redis(rc, e);
	} else {
		wait_ms = s->grant.wait_ms;
	}
	s->state = SLOT_SLEEP;
	s->wake_ms = now_ms + wait_ms;
	return RC_OK;
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
		fail(d, &(struct err){ RC_TIMEOUT, "deadline reached" }, 0);
	if (d->failed.rc != RC_OK) {
		if (e != NULL)
			*e = d->failed;
		return d->failed.rc;
	}
	*wake_ms = d->deadline_ms;
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

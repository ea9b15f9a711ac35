#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "drive_part.h"
#include "source/account.h"
#include "store/cache.h"

#define TRIES         2 /* of one page, where it fails */
#define LIMITED_TRIES 4 /* of one page, where a rate limit refuses it */
#define SESSION_TTL_S 86400

void
drive_fail(struct drive *d, const struct err *why, int64_t wait_ms)
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
		again = under_way(d) && ++s->limited < LIMITED_TRIES;
	else
		again = why->rc != RC_INVALID && rc_retryable(why->rc) &&
			++s->tries < TRIES;
	log_info("source=%s rc=%s again=%d: %s", d->source->name,
	    rc_name(why->rc), again, why->msg);
	s->state = again ? SLOT_TAKE : SLOT_FREE;
	s->again = 1;
	if (!again)
		drive_fail(d, why, hold_ms);
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

void
drive_answered(void *arg, const struct http_response *r)
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
	d->hold_ms = hold_ms;
	share_session(d);
	if (rc != RC_OK) {
		refused(d, s, &why, hold_ms);
		return;
	}
	s->state = r->location != NULL ? SLOT_TAKE : SLOT_FREE;
	d->pages += r->location == NULL;
}

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/redis_part.h"

#define IDLE_MS  1    /* a connection is trusted that long */
#define AGAIN_MS 1000 /* between looks at a Redis that hangs */

void
redis_drop(struct redis *r)
{
	if (r->c != NULL)
		redisFree(r->c);
	r->c = NULL;
	r->pending = 0;
	r->told = 0;
	r->greeting = 0;
}

/* It did not answer in time. */
static void
hangs(struct redis *r)
{
	if (r->how & REDIS_WARY)
		r->again_ms = clock_mono_ms() + AGAIN_MS;
}

void
redis_answers(struct redis *r)
{
	r->used_ms = clock_mono_ms();
	if (r->again_ms == 0)
		return;
	r->again_ms = 0;
	redisSetTimeout(r->c, r->timeout);
}

static struct timeval
patience(const struct redis *r)
{
	struct timeval wary = { .tv_usec = REDIS_WARY_MS * 1000L };

	return r->again_ms != 0 ? wary : r->timeout;
}

/* EAGAIN is what SO_RCVTIMEO gives. */
static int
timed_out(const redisContext *c)
{
	return c->err == REDIS_ERR_IO &&
	       (strcmp(c->errstr, strerror(EAGAIN)) == 0 ||
		   strcmp(c->errstr, strerror(ETIMEDOUT)) == 0);
}

enum rc
redis_lost(struct redis *r, struct err *e)
{
	char why[sizeof(r->c->errstr)];
	enum rc rc = RC_STORE;

	if (r->c == NULL) {
		rc = RC_NOMEM;
		snprintf(why, sizeof(why), "out of memory");
	} else if (timed_out(r->c)) {
		snprintf(why, sizeof(why), "no answer within %.3g s",
		    (double)patience(r).tv_sec +
			(double)patience(r).tv_usec / 1e6);
		hangs(r);
	} else {
		if (r->c->err == REDIS_ERR_OOM)
			rc = RC_NOMEM;
		memcpy(why, r->c->errstr, sizeof(why));
	}
	redis_drop(r);
	return err_set(e, rc, "redis at %s: %s", r->name, why);
}

enum rc
redis_refused(const struct redis *r, const redisReply *reply, const char *what,
    struct err *e)
{
	const char *advice;
	enum rc rc = redis_error_rc(reply->str, &advice);
	char hint[128] = "";

	/* What is denied with advice is for want of the right password. */
	if (advice != NULL && rc == RC_DENIED)
		snprintf(
		    hint, sizeof(hint), "%.80s (%s): ", advice, r->setting);
	else if (advice != NULL)
		snprintf(hint, sizeof(hint), "%.100s: ", advice);
	return err_set(e, rc, "redis at %.80s: %s%s%s%.100s", r->name, hint,
	    what != NULL ? what : "", what != NULL ? ": " : "", reply->str);
}

static enum rc
connect_now(struct redis *r, struct err *e)
{
	const struct redis_address *a = &r->address;
	struct timeval wait = patience(r);
	enum rc rc;
	int flags;

	if (r->again_ms != 0 && clock_mono_ms() < r->again_ms)
		return err_set(e, RC_STORE,
		    "redis at %s: has not answered just now", r->name);
	r->c = a->is_unix
		   ? redisConnectUnixWithTimeout(a->host, wait)
		   : redisConnectWithTimeout(a->host, (int)a->port, wait);
	if (r->c == NULL || r->c->err != 0 ||
	    redisSetTimeout(r->c, wait) != REDIS_OK)
		return redis_lost(r, e);
	flags = fcntl(r->c->fd, F_GETFD);
	if (flags >= 0)
		fcntl(r->c->fd, F_SETFD, flags | FD_CLOEXEC);
	rc = redis_greet_ask(r, e);
	if (rc == RC_OK && (r->how & REDIS_LATER) == 0)
		rc = redis_greet_read(r, e);
	return rc;
}

/* Take the answers that nobody waits for. */
static void
drop_answers(struct redis *r)
{
	void *p = NULL;

	for (; r->c != NULL && r->told > 0; r->told--) {
		if (redisGetReply(r->c, &p) != REDIS_OK || p == NULL) {
			redis_lost(r, NULL);
			return;
		}
		freeReplyObject(p);
	}
}

/*
 * A connection that can take a command.  One on which something is to be read
 * although nothing was asked was closed by the server (restarted, idle too
 * long): it is made anew, since nothing can be lost yet.  Not looked at where
 * it answered just now: a look costs a tenth of a call.
 */
static enum rc
ready(struct redis *r, struct err *e)
{
	struct pollfd p;

	if (r->pending == 0)
		drop_answers(r);
	if (r->c != NULL && r->pending == 0 &&
	    clock_mono_ms() - r->used_ms > IDLE_MS) {
		p = (struct pollfd){ .fd = r->c->fd, .events = POLLIN };
		if (poll(&p, 1, 0) > 0)
			redis_drop(r);
	}
	return r->c == NULL ? connect_now(r, e) : RC_OK;
}

enum rc
redis_open(struct redis **out, const struct config *config, struct err *e)
{
	return redis_open_as(out, config, 0, e);
}

enum rc
redis_open_as(struct redis **out, const struct config *config, unsigned how,
    struct err *e)
{
	struct redis *r = calloc(1, sizeof(*r));
	const struct redis_address *a;
	enum rc rc;

	if (r == NULL)
		return err_set(e, RC_NOMEM, "redis: out of memory");
	r->how = how;
	r->setting =
	    config->redis_url[0] != '\0' ? "REDIS_URL" : "REDIS_PASSWORD";
	a = &r->address;
	rc = redis_address_read(config, &r->address, e);
	if (rc != RC_OK)
		goto out;
	if (a->is_unix)
		snprintf(r->name, sizeof(r->name), "unix:%s", a->host);
	else
		snprintf(r->name, sizeof(r->name),
		    strchr(a->host, ':') ? "[%s]:%lld/%lld" : "%s:%lld/%lld",
		    a->host, (long long)a->port, (long long)a->db);
	r->timeout.tv_sec = (time_t)config->redis_timeout;
	if ((how & REDIS_UNCONNECTED) == 0)
		rc = connect_now(r, e);
out:
	if (rc == RC_OK)
		*out = r;
	else
		redis_close(r);
	return rc;
}

void
redis_close(struct redis *r)
{
	if (r == NULL)
		return;
	redis_drop(r);
	free(r);
}

const char *
redis_name(const struct redis *r)
{
	return r->name;
}

void
redis_hurry(struct redis *r, int64_t ms)
{
	r->timeout.tv_sec = (time_t)(ms / 1000);
	r->timeout.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	if (r->c != NULL)
		redisSetTimeout(r->c, r->timeout);
}

enum rc
redis_add(struct redis *r, int argc, const char *const *argv,
    const size_t *lens, struct err *e)
{
	enum rc rc = ready(r, e);

	if (rc != RC_OK)
		return rc;
	/* hiredis 0.14 lacks the consts, and changes nothing. */
	if (redisAppendCommandArgv(r->c, argc, (const char **)argv, lens) !=
	    REDIS_OK)
		return redis_lost(r, e);
	r->pending++;
	return RC_OK;
}

enum rc
redis_tell(struct redis *r, int argc, const char *const *argv,
    const size_t *lens, struct err *e)
{
	enum rc rc = r->told > 0 && r->c != NULL ? RC_OK : ready(r, e);

	if (rc != RC_OK)
		return rc;
	if (r->pending > 0)
		return err_set(e, RC_BUG, "redis: told between questions");
	if (redisAppendCommandArgv(r->c, argc, (const char **)argv, lens) !=
	    REDIS_OK)
		return redis_lost(r, e);
	r->told++;
	return RC_OK;
}

void
redis_send(struct redis *r)
{
	int done = 0;

	while (r->c != NULL && r->told > 0 && !done)
		if (redisBufferWrite(r->c, &done) != REDIS_OK)
			redis_drop(r);
}

enum rc
redis_fetch(struct redis *r, redisReply **out, size_t n, struct err *e)
{
	enum rc rc = RC_OK;
	void *p;

	for (size_t i = 0; i < n; i++)
		out[i] = NULL;
	if (n > r->pending)
		return err_set(e, RC_BUG,
		    "redis: more answers wanted than "
		    "questions asked");
	if (r->greeting)
		rc = redis_greet_read(r, e);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		p = NULL;
		if (redisGetReply(r->c, &p) != REDIS_OK || p == NULL)
			return redis_lost(r, e);
		r->pending--;
		redis_answers(r);
		out[i] = p;
		if (out[i]->type != REDIS_REPLY_ERROR)
			continue;
		if (rc == RC_OK)
			rc = redis_refused(r, out[i], NULL, e);
		freeReplyObject(out[i]);
		out[i] = NULL;
	}
	return rc;
}

enum rc
redis_idle(const struct redis *r, struct err *e)
{
	if (r->pending == 0)
		return RC_OK;
	return err_set(
	    e, RC_BUG, "redis: a call between questions and their answers");
}

void
redis_shrink(struct redis *r)
{
	redisReader *old = r->c != NULL ? r->c->reader : NULL, *empty;

	/* Half an answer must not be lost. */
	if (old == NULL || old->pos != old->len || old->ridx != -1)
		return;
	empty = redisReaderCreate();
	if (empty == NULL)
		return;
	r->c->reader = empty;
	redisReaderFree(old);
}

enum rc
redis_call(struct redis *r, int argc, const char *const *argv,
    const size_t *lens, redisReply **out, struct err *e)
{
	redisReply *reply = NULL;
	enum rc rc;

	rc = redis_idle(r, e);
	if (rc == RC_OK)
		rc = redis_add(r, argc, argv, lens, e);
	if (rc == RC_OK)
		rc = redis_fetch(r, &reply, 1, e);
	if (rc == RC_OK)
		*out = reply;
	return rc;
}

enum rc
redis_trouble(enum rc rc)
{
	switch (rc) {
	case RC_INVALID:
		return RC_DENIED;
	case RC_DENIED:
	case RC_BUSY:
	case RC_TIMEOUT:
		return RC_STORE;
	default:
		return rc;
	}
}

/* Short: a task keeps but the beginning of its error. */
enum rc
redis_blame_key(enum rc rc, const char *key, struct err *e)
{
	if (rc != RC_INVALID)
		return rc;
	return err_set(e, rc,
	    "%.100s in Redis is not ours, by its type: rename or delete it, "
	    "or use another REDIS_DB",
	    key);
}

int64_t
redis_int(const redisReply *reply, size_t i, int64_t deflt)
{
	const redisReply *at;
	char *end;
	long long v;

	if (reply == NULL || reply->type != REDIS_REPLY_ARRAY ||
	    i >= reply->elements)
		return deflt;
	at = reply->element[i];
	if (at->type == REDIS_REPLY_INTEGER)
		return at->integer;
	if (at->type != REDIS_REPLY_STRING)
		return deflt;
	errno = 0;
	v = strtoll(at->str, &end, 10);
	return errno == 0 && end != at->str && *end == '\0' ? v : deflt;
}

int64_t
redis_reply_us(const redisReply *time)
{
	return redis_int(time, 0, 0) * 1000000 + redis_int(time, 1, 0);
}

enum rc
redis_time_us(struct redis *r, int64_t *us, struct err *e)
{
	static const char *const argv[] = { "TIME" };
	redisReply *reply = NULL;
	enum rc rc = redis_call(r, 1, argv, NULL, &reply, e);

	if (rc != RC_OK)
		return rc;
	*us = redis_reply_us(reply);
	freeReplyObject(reply);
	return RC_OK;
}

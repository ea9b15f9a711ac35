#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "store/redis.h"
#include "store/redis_address.h"

struct redis {
	struct redis_address address;
	char name[LIMIT_SETTING + 32];
	struct timeval timeout;
	redisContext *c; /* NULL: not connected */
	size_t pending;  /* commands added and not yet fetched */
	size_t told;     /* commands whose answers are dropped */
};

static void
drop(struct redis *r)
{
	if (r->c != NULL)
		redisFree(r->c);
	r->c = NULL;
	r->pending = 0;
	r->told = 0;
}

/* The connection failed, as r->c says; it is dropped. */
static enum rc
lost(struct redis *r, struct err *e)
{
	char why[sizeof(r->c->errstr)];
	enum rc rc = RC_STORE;

	if (r->c == NULL) {
		rc = RC_NOMEM;
		snprintf(why, sizeof(why), "out of memory");
	} else if (r->c->err == REDIS_ERR_IO &&
		   strcmp(r->c->errstr, strerror(EAGAIN)) == 0) {
		/* What SO_RCVTIMEO gives. */
		snprintf(why, sizeof(why), "no answer within %lld s",
		    (long long)r->timeout.tv_sec);
	} else {
		if (r->c->err == REDIS_ERR_OOM)
			rc = RC_NOMEM;
		memcpy(why, r->c->errstr, sizeof(why));
	}
	drop(r);
	return err_set(e, rc, "redis at %s: %s", r->name, why);
}

/* An error reply as a code; what (may be NULL) was asked. */
static enum rc
refused(const struct redis *r, const redisReply *reply, const char *what,
    struct err *e)
{
	const char *advice;
	enum rc rc = redis_error_rc(reply->str, &advice);

	return err_set(e, rc, "redis at %.80s: %s%s%s%s%.100s", r->name,
	    advice != NULL ? advice : "", advice != NULL ? ": " : "",
	    what != NULL ? what : "", what != NULL ? ": " : "", reply->str);
}

/* One command of the handshake. */
static enum rc
ask(struct redis *r, int argc, const char **argv, redisReply **out,
    struct err *e)
{
	*out = redisCommandArgv(r->c, argc, argv, NULL);
	return *out == NULL ? lost(r, e) : RC_OK;
}

static enum rc
authenticate(struct redis *r, struct err *e)
{
	const char *argv[3] = { "AUTH" }, *advice;
	redisReply *reply;
	int argc = 1, bad;
	enum rc rc;

	if (r->address.user[0] != '\0')
		argv[argc++] = r->address.user;
	argv[argc++] = r->address.password;
	rc = ask(r, argc, argv, &reply, e);
	if (rc != RC_OK)
		return rc;
	bad = reply->type == REDIS_REPLY_ERROR;
	/* Its text may quote what it was sent: only ours is shown. */
	if (bad && redis_error_rc(reply->str, &advice) == RC_BUSY)
		rc = err_set(e, RC_BUSY, "redis at %s: busy", r->name);
	else if (bad)
		rc = err_set(e, RC_DENIED,
		    "redis at %s: refused the password (or has none set)",
		    r->name);
	freeReplyObject(reply);
	return rc;
}

static enum rc
choose_db(struct redis *r, struct err *e)
{
	const char *argv[2] = { "SELECT" };
	redisReply *reply;
	char db[24];
	enum rc rc;

	snprintf(db, sizeof(db), "%lld", (long long)r->address.db);
	argv[1] = db;
	rc = ask(r, 2, argv, &reply, e);
	if (rc != RC_OK)
		return rc;
	if (reply->type == REDIS_REPLY_ERROR)
		rc = refused(r, reply, "database", e);
	freeReplyObject(reply);
	return rc;
}

/* Is somebody there who serves us?  That we may not PING, or that the server
 * cannot write to its disk, is no answer to that. */
static enum rc
greet(struct redis *r, struct err *e)
{
	const char *argv[1] = { "PING" };
	redisReply *reply;
	enum rc rc;

	rc = ask(r, 1, argv, &reply, e);
	if (rc != RC_OK)
		return rc;
	if (reply->type == REDIS_REPLY_ERROR &&
	    strncmp(reply->str, "NOPERM", 6) != 0 &&
	    strncmp(reply->str, "MISCONF", 7) != 0)
		rc = refused(r, reply, NULL, e);
	freeReplyObject(reply);
	return rc;
}

static enum rc
connect_now(struct redis *r, struct err *e)
{
	const struct redis_address *a = &r->address;
	enum rc rc = RC_OK;
	int flags;

	r->c = a->is_unix
		   ? redisConnectUnixWithTimeout(a->host, r->timeout)
		   : redisConnectWithTimeout(a->host, (int)a->port, r->timeout);
	if (r->c == NULL || r->c->err != 0 ||
	    redisSetTimeout(r->c, r->timeout) != REDIS_OK)
		return lost(r, e);
	flags = fcntl(r->c->fd, F_GETFD);
	if (flags >= 0)
		fcntl(r->c->fd, F_SETFD, flags | FD_CLOEXEC);
	if (a->password[0] != '\0')
		rc = authenticate(r, e);
	if (rc == RC_OK && a->db != 0)
		rc = choose_db(r, e);
	if (rc == RC_OK)
		rc = greet(r, e);
	if (rc != RC_OK)
		drop(r);
	return rc;
}

/* Take the answers that nobody waits for. */
static void
drop_answers(struct redis *r)
{
	void *p = NULL;

	for (; r->c != NULL && r->told > 0; r->told--) {
		if (redisGetReply(r->c, &p) != REDIS_OK || p == NULL) {
			drop(r);
			return;
		}
		freeReplyObject(p);
	}
}

/*
 * A connection that can take a command.  One on which something is to be read
 * although nothing was asked was closed by the server (restarted, idle too
 * long): it is made anew, since nothing can be lost yet.
 */
static enum rc
ready(struct redis *r, struct err *e)
{
	struct pollfd p;

	if (r->pending == 0)
		drop_answers(r);
	if (r->c != NULL && r->pending == 0) {
		p = (struct pollfd){ .fd = r->c->fd, .events = POLLIN };
		if (poll(&p, 1, 0) > 0)
			drop(r);
	}
	return r->c == NULL ? connect_now(r, e) : RC_OK;
}

enum rc
redis_new(struct redis **out, const struct config *config, struct err *e)
{
	struct redis *r = calloc(1, sizeof(*r));
	const struct redis_address *a;
	enum rc rc;

	if (r == NULL)
		return err_set(e, RC_NOMEM, "redis: out of memory");
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
out:
	if (rc == RC_OK)
		*out = r;
	else
		redis_close(r);
	return rc;
}

enum rc
redis_open(struct redis **out, const struct config *config, struct err *e)
{
	struct redis *r = NULL;
	enum rc rc = redis_new(&r, config, e);

	if (rc == RC_OK)
		rc = connect_now(r, e);
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
	drop(r);
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
		return lost(r, e);
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
		return lost(r, e);
	r->told++;
	return RC_OK;
}

void
redis_send(struct redis *r)
{
	int done = 0;

	while (r->c != NULL && r->told > 0 && !done)
		if (redisBufferWrite(r->c, &done) != REDIS_OK)
			drop(r);
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
	for (size_t i = 0; i < n; i++) {
		p = NULL;
		if (redisGetReply(r->c, &p) != REDIS_OK || p == NULL)
			return lost(r, e);
		r->pending--;
		out[i] = p;
		if (out[i]->type != REDIS_REPLY_ERROR)
			continue;
		if (rc == RC_OK)
			rc = refused(r, out[i], NULL, e);
		freeReplyObject(out[i]);
		out[i] = NULL;
	}
	return rc;
}

enum rc
redis_call(struct redis *r, int argc, const char *const *argv,
    const size_t *lens, redisReply **out, struct err *e)
{
	redisReply *reply = NULL;
	enum rc rc;

	if (r->pending > 0) {
		err_set(e, RC_BUG,
		    "redis: a call between questions and their answers");
		return RC_BUG;
	}
	rc = redis_add(r, argc, argv, lens, e);
	if (rc == RC_OK)
		rc = redis_fetch(r, &reply, 1, e);
	if (rc == RC_OK)
		*out = reply;
	return rc;
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

/*
 * What the tests of src/store with a real Redis share: a server of REDIS_URL
 * that is emptied before each test, the connection under test, and one of our
 * own to look behind it.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>

#include "base/config.h"
#include "store/redis.h"

#define SECOND INT64_C(1000000)

struct fixture {
	struct config config;
	struct redis *r;
	redisContext *ctl;
};

/* For %lld. */
static inline long long
ll(int64_t v)
{
	return v;
}

/* A command behind the back of what is tested; its integer, or 0. */
static inline long long
ctl(struct fixture *f, const char *fmt, ...)
{
	redisReply *reply;
	long long n;
	va_list ap;

	va_start(ap, fmt);
	reply = redisvCommand(f->ctl, fmt, ap);
	va_end(ap);
	assert_non_null(reply);
	if (reply->type == REDIS_REPLY_ERROR)
		fail_msg("%s: %s", fmt, reply->str);
	n = reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10)
					      : reply->integer;
	freeReplyObject(reply);
	return n;
}

/* The same for a text; "" where there is none. */
static inline const char *
ctl_text(struct fixture *f, char out[256], const char *fmt, ...)
{
	redisReply *reply;
	va_list ap;

	va_start(ap, fmt);
	reply = redisvCommand(f->ctl, fmt, ap);
	va_end(ap);
	assert_non_null(reply);
	snprintf(out, 256, "%s", reply->str != NULL ? reply->str : "");
	freeReplyObject(reply);
	return out;
}

static inline int64_t
redis_now(struct fixture *f)
{
	int64_t us = 0;

	assert_int_equal(redis_time_us(f->r, &us, NULL), RC_OK);
	return us;
}

/* One command of up to three words; its answer is not looked at. */
static inline enum rc
call1(
    struct redis *r, const char *a, const char *b, const char *c, struct err *e)
{
	const char *argv[] = { a, b, c };
	redisReply *reply = NULL;
	enum rc rc;

	rc = redis_call(r,
	    c != NULL   ? 3
	    : b != NULL ? 2
			: 1,
	    argv, NULL, &reply, e);
	if (rc == RC_OK)
		freeReplyObject(reply);
	else
		assert_null(reply);
	return rc;
}

static inline const char *
socket_path(void)
{
	const char *url = getenv("REDIS_URL");

	return url != NULL && strncmp(url, "unix://", 7) == 0 ? url + 7 : NULL;
}

static inline int
fixture_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };

	signal(SIGPIPE, SIG_IGN);
	if (f == NULL || socket_path() == NULL ||
	    config_load(&f->config, &e) != RC_OK) {
		fprintf(stderr, "REDIS_URL=unix:///path is needed %s\n", e.msg);
		free(f);
		return -1;
	}
	f->config.redis_timeout = 1;
	f->ctl = redisConnectUnix(socket_path());
	if (f->ctl == NULL || f->ctl->err != 0 ||
	    redis_open(&f->r, &f->config, &e) != RC_OK) {
		fprintf(stderr, "no Redis: %s\n", e.msg);
		return -1;
	}
	*state = f;
	/* whatever a test that failed left behind */
	ctl(f, "CONFIG SET maxmemory 0");
	ctl(f, "REPLICAOF NO ONE");
	ctl(f, "FLUSHALL");
	return 0;
}

static inline int
fixture_down(void **state)
{
	struct fixture *f = *state;

	redis_close(f->r);
	redisFree(f->ctl);
	free(f);
	return 0;
}

#define WITH_REDIS(test)                                                       \
	cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

#endif

/*
 * What the drivers of the chaos tests share: a queue opened by the settings, a
 * journal outside of Redis, and random numbers by a seed.
 */
#ifndef TESTS_CHAOS_DRIVER_H
#define TESTS_CHAOS_DRIVER_H

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "store/queue.h"
#include "store/redis.h"

#define QUEUE_KEY "stocknity:{default}:"

struct driver {
	struct config config;
	struct redis *redis;
	struct queue *queue;
	int journal; /* -1: none */
	uint64_t seed;
};

static inline long long
ll(int64_t v)
{
	return v;
}

_Noreturn static inline void
die(const char *what, const struct err *e)
{
	printf("FAIL %s: %s: %s\n", what, rc_name(e->rc), e->msg);
	fflush(stdout);
	_exit(1);
}

static inline void
need(enum rc rc, const char *what, const struct err *e)
{
	if (rc != RC_OK)
		die(what, e);
}

/* A broken promise: said, and the end. */
_Noreturn __attribute__((format(printf, 1, 2))) static inline void
broken(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("FAIL ", stdout);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
	fflush(stdout);
	_exit(1);
}

/* xorshift64*: the same row of numbers for the same seed. */
static inline uint64_t
chance(struct driver *d, uint64_t below)
{
	d->seed ^= d->seed >> 12;
	d->seed ^= d->seed << 25;
	d->seed ^= d->seed >> 27;
	return (d->seed * UINT64_C(2685821657736338717) >> 32) % below;
}

static inline void
driver_seed(struct driver *d, uint64_t seed)
{
	d->seed = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (int i = 0; i < 8; i++)
		chance(d, 2);
}

static inline void
driver_open(struct driver *d, const char *journal, uint64_t seed)
{
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	driver_seed(d, seed);
	d->journal = -1;
	if (journal != NULL) {
		d->journal = open(journal, O_WRONLY | O_APPEND | O_CREAT, 0600);
		if (d->journal < 0)
			broken("no journal %s", journal);
	}
	need(config_load(&d->config, &e), "settings", &e);
	need(redis_open(&d->redis, &d->config, &e), "redis", &e);
	need(queue_open(&d->queue, &d->config, d->redis, &e), "queue_open", &e);
}

static inline void
driver_close(struct driver *d)
{
	queue_close(d->queue);
	redis_close(d->redis);
	if (d->journal >= 0)
		close(d->journal);
}

/* Lines to the journal, in one write: they stand together. */
static inline void
note(const struct driver *d, const char *text, size_t len)
{
	if (d->journal >= 0 && write(d->journal, text, len) != (ssize_t)len)
		broken("the journal cannot be written");
}

/* A command of words; its reply is freed by the caller. */
static inline redisReply *
command(struct redis *r, const char *words)
{
	char copy[256], *rest = NULL;
	const char *argv[16];
	redisReply *reply = NULL;
	struct err e;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *w = strtok_r(copy, " ", &rest); w != NULL && argc < 16;
	     w = strtok_r(NULL, " ", &rest))
		argv[argc++] = w;
	need(redis_call(r, argc, argv, NULL, &reply, &e), words, &e);
	return reply;
}

static inline void
order(struct redis *r, const char *words)
{
	freeReplyObject(command(r, words));
}

static inline int64_t
used_memory(struct redis *r)
{
	redisReply *reply = command(r, "INFO memory");
	const char *p = strstr(reply->str, "used_memory:");
	int64_t n = p != NULL ? strtoll(p + 12, NULL, 10) : -1;

	freeReplyObject(reply);
	return n;
}

static inline int64_t
whole(const char *text)
{
	char *end;
	long long v = strtoll(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v < 0)
		broken("\"%s\" is not a number", text);
	return v;
}

#endif

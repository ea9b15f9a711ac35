/*
 * The queue by its own functions, for what its programs do not do:
 *
 *	driver fill TASKS          that many probe tasks more
 *	driver drain MOST          claim up to MOST at a time and complete them,
 *	                           until none is left; prints how many
 *	driver claim MOST PAIRS SOCKET SOCKET
 *	                           claim by turns from two queues, and put as
 *	                           many back as were claimed; prints the
 *	                           nanoseconds of both claims, a pair a line
 *
 * Redis is that of the settings, but for claim.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/queue.h"

#define RESULT "{\"success\":true}"

struct bench {
	struct config config;
	struct redis *redis;
	struct queue *queue;
};

static void
need(enum rc rc, const struct err *e)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "driver: %s\n", e->msg);
	exit(1);
}

/* socket NULL: as the settings say. */
static void
bench_open(struct bench *b, const char *socket)
{
	struct err e = { 0 };

	memset(b, 0, sizeof(*b));
	need(config_load(&b->config, &e), &e);
	if (socket != NULL)
		snprintf(b->config.redis_url, sizeof(b->config.redis_url),
		    "unix://%s", socket);
	need(redis_open(&b->redis, &b->config, &e), &e);
	need(queue_open(&b->queue, &b->config, b->redis, &e), &e);
}

static void
bench_close(struct bench *b)
{
	queue_close(b->queue);
	redis_close(b->redis);
}

static void
fill(struct bench *b, size_t tasks)
{
	static struct task_spec specs[QUEUE_BATCH];
	static struct enqueue_result results[QUEUE_BATCH];
	struct err e = { 0 };

	while (tasks > 0) {
		size_t n = tasks < QUEUE_BATCH ? tasks : QUEUE_BATCH;

		for (size_t i = 0; i < n; i++) {
			/* Its id as its index: no task is equal work. */
			specs[i] = (struct task_spec){ .type = TASK_PROBE,
				.dataset = { specs[i].id, "" },
				.priority = PRIORITY_NORMAL };
			task_new_id(specs[i].id);
		}
		need(queue_enqueue(b->queue, specs, n, results, &e), &e);
		for (size_t i = 0; i < n; i++)
			if (results[i].what != ENQUEUED_NEW)
				need(err_set(&e, RC_BUG, "not a new task"), &e);
		tasks -= n;
	}
}

static size_t
claim(struct bench *b, int most, struct task *tasks)
{
	const struct claim how = { .owner = "bench:1", .most = most };
	struct err e = { 0 };
	int64_t next_ms;
	size_t n;

	need(queue_claim(b->queue, &how, tasks, &n, &next_ms, &e), &e);
	return n;
}

/* Complete them and claim the next, as a worker of drain-queue does. */
static size_t
turn(struct bench *b, int most, struct task *tasks, size_t n)
{
	const struct claim how = { .owner = "bench:1", .most = most };
	const char *results[QUEUE_CLAIM_LIGHT];
	struct err e = { 0 };
	int64_t next_ms;
	size_t lost;

	for (size_t i = 0; i < n; i++)
		results[i] = RESULT;
	need(
	    queue_turn(b->queue, tasks, results, &n, &lost, &how, &next_ms, &e),
	    &e);
	if (lost > 0)
		need(err_set(&e, RC_BUSY, "a task was lost"), &e);
	return n;
}

static void
complete(struct bench *b, const struct task *tasks, size_t n)
{
	const char *results[QUEUE_CLAIM_LIGHT];
	struct err e = { 0 };
	size_t lost;

	for (size_t i = 0; i < n; i++)
		results[i] = RESULT;
	need(queue_complete(b->queue, tasks, results, n, &lost, &e), &e);
	if (lost > 0)
		need(err_set(&e, RC_BUSY, "a task was lost"), &e);
}

static void
drain(struct bench *b, int most)
{
	static struct task tasks[QUEUE_CLAIM_LIGHT];
	int64_t done = 0;
	size_t n;

	for (n = claim(b, most, tasks); n > 0; n = turn(b, most, tasks, n))
		done += (int64_t)n;
	printf("%" PRId64 "\n", done);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t
timed_claim(struct bench *b, int most)
{
	static struct task tasks[QUEUE_CLAIM_LIGHT];
	int64_t begin = now_ns(), took;
	size_t n = claim(b, most, tasks);
	struct err e = { 0 };

	took = now_ns() - begin;
	if (n != (size_t)most)
		need(err_set(&e, RC_BUG, "%zu tasks of %d", n, most), &e);
	complete(b, tasks, n);
	fill(b, n);
	return took;
}

static void
claims(int most, int pairs, const char *first, const char *second)
{
	static struct bench a, b;

	bench_open(&a, first);
	bench_open(&b, second);
	for (int i = 0; i < pairs; i++) {
		int64_t ours = timed_claim(&a, most);

		printf(
		    "%" PRId64 " %" PRId64 "\n", ours, timed_claim(&b, most));
	}
	bench_close(&a);
	bench_close(&b);
}

int
main(int argc, char *argv[])
{
	static struct bench b;
	int n = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;

	if (argc == 6 && n > 0 && strcmp(argv[1], "claim") == 0) {
		claims(n, (int)strtol(argv[3], NULL, 10), argv[4], argv[5]);
		return 0;
	}
	if (argc != 3 || n <= 0) {
		fprintf(stderr, "usage: driver fill TASKS | drain MOST | "
				"claim MOST PAIRS SOCKET SOCKET\n");
		return 64;
	}
	bench_open(&b, NULL);
	if (strcmp(argv[1], "fill") == 0)
		fill(&b, (size_t)n);
	else
		drain(&b, n);
	bench_close(&b);
	return 0;
}

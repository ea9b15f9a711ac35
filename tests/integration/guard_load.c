/*
 * guard_load [-s seconds] [-r rate] [-b burst] [-p processes]
 *
 * Processes that call a source all at once through the guard of REDIS_URL, as
 * hard as it lets them, and now and then report that they were limited.  Then
 * the guard's own log of grants is judged: a line for each broken promise, and
 * "N passed, N failed, N skipped" at the end.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/opt.h"
#include "store/guard.h"

#define PROG      "guard_load"
#define SOURCE    "load"
#define MAX_HOLDS 1000
#define MAX_LOG   1000

/* A hold as its reporter knows it, in Redis time: surely recorded by then,
 * and surely lasting until then. */
struct hold {
	int64_t from_us;
	int64_t until_us;
};

struct shared {
	struct hold hold[MAX_HOLDS];
	int holds;
	int calls;
	int refusals; /* RC_LIMITED by our own limiter */
};

struct load {
	struct policy policy;
	int64_t seconds;
	int64_t processes;
	struct config config;
	struct shared *shared;
};

static void
die(const struct err *e)
{
	fprintf(stderr, PROG ": %s\n", e->msg);
	_exit(1);
}

static void
report(struct load *l, struct guard *guard, struct redis *r,
    const struct grant *g, int limited)
{
	int64_t before = 0, after = 0, hold = 0;
	struct err e;
	int i;

	if (!limited) {
		if (guard_report(guard, SOURCE, g, RC_OK, -1, NULL, &e) !=
		    RC_OK)
			die(&e);
		return;
	}
	if (redis_time_us(r, &before, &e) != RC_OK ||
	    guard_report(guard, SOURCE, g, RC_LIMITED, 300, &hold, &e) !=
		RC_OK ||
	    redis_time_us(r, &after, &e) != RC_OK)
		die(&e);
	i = __atomic_fetch_add(&l->shared->holds, 1, __ATOMIC_SEQ_CST);
	if (i < MAX_HOLDS) /* hold was rounded up to the next millisecond */
		l->shared->hold[i] =
		    (struct hold){ after, before + (hold - 1) * 1000 };
}

static void
caller(struct load *l, unsigned seed)
{
	int64_t end = clock_mono_ms() + l->seconds * 1000, wait;
	struct grant g = { 0 };
	struct guard *guard;
	struct redis *r;
	struct err e;
	enum rc rc;

	srandom(seed);
	if (redis_open(&r, &l->config, &e) != RC_OK ||
	    guard_open(&guard, &l->config, r, &e) != RC_OK)
		die(&e);
	while (clock_mono_ms() < end) {
		rc = guard_take(guard, SOURCE, &l->policy, 1000, &g, &wait, &e);
		if (rc == RC_LIMITED) {
			__atomic_fetch_add(
			    &l->shared->refusals, 1, __ATOMIC_SEQ_CST);
			clock_sleep_ms(wait < 100 ? wait : 100);
			continue;
		}
		if (rc != RC_OK)
			die(&e);
		if (g.wait_ms > 0) {
			clock_sleep_ms(g.wait_ms);
			continue;
		}
		__atomic_fetch_add(&l->shared->calls, 1, __ATOMIC_SEQ_CST);
		clock_sleep_ms(random() % 20);
		report(l, guard, r, &g, random() % 40 == 0);
		g = (struct grant){ 0 };
	}
	guard_close(guard);
	redis_close(r);
	_exit(0);
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* At most `most` and the rate in any window. */
static int
check_windows(const char *what, int64_t *at, int n, double rate, int most)
{
	qsort(at, (size_t)n, sizeof(at[0]), by_value);
	for (int i = 0; i < n; i++)
		for (int j = i; j < n; j++) {
			double us = (double)(at[j] - at[i]);

			if (j - i + 1 > most + us * rate / 1e6 + 1e-6) {
				printf("FAIL %s: %d in %.0f us\n", what,
				    j - i + 1, us);
				return 1;
			}
		}
	return 0;
}

static int
check_holds(const struct load *l, const int64_t *at, int n, const char *what)
{
	const struct shared *s = l->shared;

	for (int h = 0; h < s->holds && h < MAX_HOLDS; h++)
		for (int i = 0; i < n; i++)
			if (at[i] > s->hold[h].from_us &&
			    at[i] < s->hold[h].until_us) {
				printf("FAIL %s %lld us after a hold was "
				       "recorded\n",
				    what,
				    (long long)(at[i] - s->hold[h].from_us));
				return 1;
			}
	return 0;
}

/* Due and actual times of the log of grants. */
static int
read_log(struct redis *r, int64_t *due, int64_t *now)
{
	const char *argv[] = { "LRANGE", "stocknity:guard:{" SOURCE "}:grants",
		"0", "-1" };
	redisReply *reply;
	struct err e;
	int n = 0;

	if (redis_call(r, 4, argv, NULL, &reply, &e) != RC_OK)
		die(&e);
	for (size_t i = 0; i < reply->elements && n < MAX_LOG; i++, n++) {
		char *text = reply->element[i]->str;
		char *space = strchr(text, ' ');

		if (space == NULL)
			break;
		*space = '\0';
		if (num_int(text, 1, INT64_MAX, &due[n], NULL) != RC_OK ||
		    num_int(space + 1, due[n], INT64_MAX, &now[n], NULL) !=
			RC_OK)
			break;
	}
	freeReplyObject(reply);
	return n;
}

/* Returns how many promises were broken, of five. */
static int
judge(struct load *l, struct redis *r)
{
	static int64_t due[MAX_LOG], now[MAX_LOG];
	int n = read_log(r, due, now), failed = 0;
	struct shared *s = l->shared;

	if (n != s->calls || n < 10 || s->holds == 0) {
		printf("FAIL the log has %d grants, %d calls were made, with "
		       "%d holds\n",
		    n, s->calls, s->holds);
		failed++;
	}
	failed += check_holds(l, due, n, "a slot");
	failed += check_holds(l, now, n, "a start");
	failed +=
	    check_windows("slots", due, n, l->policy.rate, l->policy.burst);
	failed += check_windows(
	    "starts", now, n, l->policy.rate, l->policy.burst + 1);
	printf("%d grants, %d holds, %d refusals by %lld processes in %lld s\n",
	    n, s->holds, s->refusals, (long long)l->processes,
	    (long long)l->seconds);
	return failed;
}

static int
run(struct load *l)
{
	int status, bad = 0;

	for (int i = 0; i < l->processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid == 0)
			caller(l, (unsigned)i + 1);
	}
	while (wait(&status) > 0)
		bad |= status != 0;
	return bad;
}

int
main(int argc, char *argv[])
{
	struct load l = {
		.policy = { 50, 1, 2 }, .seconds = 3, .processes = 8
	};
	struct redis *r = NULL;
	struct err e = { 0 };
	int c, failed;

	while ((c = getopt(argc, argv, "b:p:r:s:")) != -1) {
		if (c == 'b')
			l.policy.burst =
			    (int)opt_int(PROG, "-b", optarg, 1, 99);
		else if (c == 'p')
			l.processes = opt_int(PROG, "-p", optarg, 1, 64);
		else if (c == 'r')
			l.policy.rate =
			    (double)opt_int(PROG, "-r", optarg, 1, 1000);
		else if (c == 's')
			l.seconds = opt_int(PROG, "-s", optarg, 1, 60);
		else
			return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	l.shared = mmap(NULL, sizeof(*l.shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l.shared == MAP_FAILED || config_load(&l.config, &e) != RC_OK ||
	    redis_open(&r, &l.config, &e) != RC_OK)
		return opt_report(PROG, &e);
	if (run(&l) != 0) {
		printf("FAIL a process ended badly\n");
		failed = 5;
	} else {
		failed = judge(&l, r);
	}
	redis_close(r);
	printf("%d passed, %d failed, 0 skipped\n", 5 - failed, failed);
	return failed != 0;
}

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "handler.h"
#include "store/queue.h"
#include "worker.h"

#define NAP_MS    10   /* the least sleep between claims */
#define LISTEN_MS 2000 /* between looks whether a task is still wanted */
#define AGAIN_MS  300  /* between tries where Redis is away */

static volatile sig_atomic_t stop;

/* A task in hand. */
struct held {
	struct run run;
	int gone;      /* its lease is lost */
	int cancelled; /* someone wants it to stop */
	int late;      /* it ran beyond TASK_DEADLINE */
};

struct bench {
	const struct worker_plan *plan;
	struct worker_seat *seat;
	struct redis *redis;
	struct queue *queue;
	struct toolbox tools;
	char owner[TASK_OWNER + 1];
	struct task tasks[QUEUE_CLAIM_LIGHT];
	struct held held[QUEUE_CLAIM_LIGHT];
	size_t n, at;     /* in hand; the one that runs */
	int64_t renew_ms; /* when to renew next */
	int64_t
	    lease_ms;   /* until then all in hand is ours, if renewed at all */
	int64_t end_ms; /* the deadline of the task that runs */
	struct err fatal; /* rc RC_OK: go on */
};

static void
on_signal(int sig)
{
	stop = sig;
}

int
worker_was_told(void)
{
	return stop != 0;
}

/*
 * Without SA_RESTART: a sleep or a wait for the lock ends at once.  What our
 * caller ignores (nohup) stays ignored.
 */
static void
listen_to_signals(void)
{
	static const int those[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal }, old;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(those) / sizeof(those[0]); i++) {
		if (sigaction(those[i], NULL, &old) != 0 ||
		    old.sa_handler != SIG_IGN)
			sigaction(those[i], &action, NULL);
		sigaddset(&set, those[i]);
	}
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* A worker does not outlive its supervisor, however that ends. */
static void
follow(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		stop = SIGTERM;
}

static int64_t
lease_ms(const struct bench *b)
{
	return b->plan->config->task_lease * 1000;
}

/* A third of the lease, so that two renewals may fail; and soon enough for who
 * cancels a task, of which a renewal tells. */
static void
renewed(struct bench *b)
{
	int64_t ms = lease_ms(b) / 3, now_ms = clock_mono_ms();

	b->renew_ms = now_ms + (ms < LISTEN_MS ? ms : LISTEN_MS);
	b->lease_ms = now_ms + lease_ms(b);
}

/* Redis is away: is there time to wait for it, as what is in hand is ours? */
static int
can_wait(const struct bench *b, enum rc rc)
{
	return rc == RC_STORE && !worker_was_told() &&
	       clock_mono_ms() + AGAIN_MS < b->lease_ms;
}

/* The same, and that was waited for. */
static int
waited(const struct bench *b, enum rc rc)
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

	renewed(b);
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

/* Go on with the task that runs? */
static int
pulse(void *arg, const char *progress)
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

static void
count(_Atomic int64_t *what, int64_t n)
{
	atomic_fetch_add_explicit(what, n, memory_order_relaxed);
}

/* RC_BUSY of a settlement: the lease ran out, and someone else has it or will
 * have it.  Nothing of ours was changed. */
static enum rc
settled(struct bench *b, const struct task *t, _Atomic int64_t *what,
    const struct err *e, enum rc rc)
{
	if (rc == RC_OK)
		count(what, 1);
	if (rc != RC_BUSY)
		return rc;
	count(&b->seat->lost, 1);
	log_warn("task=%s not settled: %s", t->id, e->msg);
	return RC_OK;
}

static enum rc
settle_failed(
    struct bench *b, const struct task *t, const struct run *run, struct err *e)
{
	int again = rc_retryable(run->why.rc) &&
		    t->retry_count + 1 < b->plan->config->task_max_attempts;
	enum rc rc;

	do
		rc = queue_fail(b->queue, t, &run->why, run->wait_ms, e);
	while (waited(b, rc));
	if (rc == RC_OK && again)
		log_info("task=%s %s / %s: rc=%s: %s; again later", t->id,
		    t->index, t->sector, rc_name(run->why.rc), run->why.msg);
	else if (rc == RC_OK)
		log_warn("task=%s %s / %s failed: rc=%s: %s", t->id, t->index,
		    t->sector, rc_name(run->why.rc), run->why.msg);
	return settled(
	    b, t, again ? &b->seat->retried : &b->seat->failed, e, rc);
}

static enum rc
settle_released(
    struct bench *b, const struct task *t, const struct held *h, struct err *e)
{
	const struct run *run = &h->run;
	int ours = run->end == RUN_ABORTED; /* not the task's doing */
	enum rc rc = queue_release(
	    b->queue, t, ours ? 0 : run->wait_ms, ours ? NULL : &run->why, e);

	if (!ours)
		log_info("task=%s %s / %s put off: rc=%s: %s", t->id, t->index,
		    t->sector, rc_name(run->why.rc), run->why.msg);
	if (run->end == RUN_PUT_OFF && run->why.rc == RC_FULL)
		atomic_store(&b->seat->refused, 1);
	rc = settled(b, t,
	    h->cancelled ? &b->seat->cancelled : &b->seat->released, e, rc);
	if (rc == RC_OK && run->end == RUN_BROKEN)
		b->fatal = run->why;
	return rc;
}

static void
tell_completed(struct bench *b, size_t n, size_t lost)
{
	count(&b->seat->completed, (int64_t)(n - lost));
	count(&b->seat->lost, (int64_t)lost);
	if (lost > 0)
		log_warn("%zu tasks not settled: the lease ran out", lost);
}

/* Complete what is done, from i on; *next: the first that is not. */
static enum rc
settle_done(struct bench *b, size_t i, size_t *next, struct err *e)
{
	const char *results[QUEUE_CLAIM_LIGHT];
	size_t n = 0, lost = 0;
	enum rc rc;

	while (i + n < b->n && !b->held[i + n].gone &&
	       b->held[i + n].run.end == RUN_DONE) {
		results[n] = b->held[i + n].run.result;
		n++;
	}
	do
		rc = queue_complete(
		    b->queue, &b->tasks[i], results, n, &lost, e);
	while (waited(b, rc));
	if (rc != RC_OK)
		return rc;
	*next = i + n;
	tell_completed(b, n, lost);
	return RC_OK;
}

/* Tell the queue what came of all that is in hand. */
static enum rc
settle(struct bench *b, struct err *e)
{
	enum rc rc = RC_OK;
	size_t i = 0;

	while (i < b->n && rc == RC_OK) {
		const struct held *h = &b->held[i];

		if (h->gone)
			count(&b->seat->lost, 1);
		else if (h->run.end == RUN_DONE) {
			rc = settle_done(b, i, &i, e);
			continue;
		} else if (h->run.end == RUN_FAILED)
			rc = settle_failed(b, &b->tasks[i], &h->run, e);
		else
			rc = settle_released(b, &b->tasks[i], h, e);
		i++;
	}
	return rc;
}

static int
time_is_over(const struct bench *b)
{
	return worker_was_told() ||
	       (b->plan->until_ms != 0 && clock_mono_ms() >= b->plan->until_ms);
}

/* Run the next of what is in hand; what its time did not suffice for has
 * failed, as a fetch that reaches its deadline has. */
static void
run_one(struct bench *b)
{
	struct held *h = &b->held[b->at];
	const struct task *t = &b->tasks[b->at];
	int64_t deadline = b->plan->config->task_deadline;

	log_debug("task=%s type=%s %s / %s attempt=%d", t->id,
	    task_types[t->type].name, t->index, t->sector, t->retry_count + 1);
	b->end_ms = clock_mono_ms() + deadline * 1000;
	if (pulse(b, ""))
		handlers[t->type](&b->tools, t, &h->run);
	if (h->late && h->run.end == RUN_ABORTED) {
		h->run.end = RUN_FAILED;
		err_set(&h->run.why, RC_TIMEOUT,
		    "not done within TASK_DEADLINE, %lld s",
		    (long long)deadline);
	}
}

static enum rc
lock(const struct worker_plan *plan, short how, struct err *e)
{
	struct flock l = { .l_type = how, .l_whence = SEEK_SET, .l_len = 1 };

	if (plan->tasks == 0 || fcntl(plan->lock, F_SETLKW, &l) == 0)
		return RC_OK;
	if (errno == EINTR)
		return RC_BUSY;
	return err_set(e, RC_SYS, "cannot lock: %s", strerror(errno));
}

/* How many tasks may be claimed still, up to what one claim takes. */
static int64_t
left(const struct worker_plan *plan)
{
	int64_t n = QUEUE_CLAIM_LIGHT;

	if (plan->tasks != 0 && plan->tasks - plan->crew->claimed < n)
		n = plan->tasks - plan->crew->claimed;
	return n;
}

static struct claim
claim_of(const struct bench *b)
{
	return (struct claim){ .owner = b->owner,
		.lease_ms = lease_ms(b),
		.most = (int)left(b->plan) };
}

/* What was claimed (or nothing, if not RC_OK) is in hand. */
static void
taken(struct bench *b, enum rc rc)
{
	if (rc != RC_OK)
		b->n = 0;
	atomic_fetch_add(&b->plan->crew->claimed, (int64_t)b->n);
	memset(b->held, 0, b->n * sizeof(b->held[0]));
}

/* Where the tasks are counted, one worker claims at a time. */
static enum rc
claim(struct bench *b, int64_t *next_ms, struct err *e)
{
	struct claim how;
	enum rc rc;

	b->n = 0;
	*next_ms = 0;
	rc = lock(b->plan, F_WRLCK, e);
	if (rc == RC_BUSY)
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	how = claim_of(b);
	if (how.most > 0) {
		renewed(b);
		rc = queue_claim(b->queue, &how, b->tasks, &b->n, next_ms, e);
	}
	taken(b, rc);
	lock(b->plan, F_UNLCK, NULL);
	return rc;
}

/* Is all in hand done, and more wanted, however many? */
static int
can_turn(const struct bench *b)
{
	if (b->plan->tasks != 0 || b->fatal.rc != RC_OK || time_is_over(b))
		return 0;
	for (size_t i = 0; i < b->n; i++)
		if (b->held[i].gone || b->held[i].run.end != RUN_DONE)
			return 0;
	return 1;
}

/* Complete all in hand and claim the next, in one round trip.  RC_STORE: all is
 * still in hand, as far as is known. */
static enum rc
turn(struct bench *b, int64_t *next_ms, struct err *e)
{
	const char *results[QUEUE_CLAIM_LIGHT];
	struct claim how = claim_of(b);
	size_t n = b->n, lost = 0;
	enum rc rc;

	for (size_t i = 0; i < n; i++)
		results[i] = b->held[i].run.result;
	renewed(b);
	rc = queue_turn(
	    b->queue, b->tasks, results, &b->n, &lost, &how, next_ms, e);
	if (rc == RC_OK)
		tell_completed(b, n, lost);
	taken(b, rc);
	return rc;
}

/*
 * Run all that is in hand, and settle it; *turned: and what is in hand now was
 * claimed in the same step.  What time did not suffice for goes back uncharged:
 * it was not begun.
 */
static enum rc
run(struct bench *b, int *turned, int64_t *next_ms, struct err *e)
{
	enum rc rc = RC_OK;

	atomic_store(&b->seat->running, (int64_t)b->n);
	for (b->at = 0; b->at < b->n && b->fatal.rc == RC_OK; b->at++)
		if (b->at == 0 || !time_is_over(b))
			run_one(b);
	*turned = can_turn(b);
	if (*turned)
		rc = turn(b, next_ms, e);
	if (*turned && rc == RC_STORE)
		*turned = 0;
	if (!*turned && b->fatal.rc == RC_OK)
		rc = settle(b, e);
	atomic_store(&b->seat->running, 0);
	if (rc == RC_OK && b->fatal.rc != RC_OK) {
		*e = b->fatal;
		rc = b->fatal.rc;
	}
	return rc;
}

/* Nothing to do: wait for more?  0: no, it is the end. */
static int
idle(const struct bench *b, int64_t next_ms)
{
	const struct worker_plan *plan = b->plan;
	int64_t ms = WORKER_IDLE_MS, now_ms = clock_mono_ms();

	if (!plan->wait || plan->seat >= atomic_load(&plan->crew->wanted))
		return 0;
	if (next_ms >= 0 && next_ms < ms)
		ms = next_ms;
	if (plan->until_ms != 0 && plan->until_ms - now_ms < ms)
		ms = plan->until_ms - now_ms;
	clock_sleep_ms(ms > NAP_MS ? ms : NAP_MS);
	return 1;
}

static enum rc
work(struct bench *b, struct err *e)
{
	int64_t next_ms = -1;
	int turned = 0;
	enum rc rc = RC_OK;

	while (turned || (!time_is_over(b) && left(b->plan) > 0)) {
		if (!turned)
			rc = claim(b, &next_ms, e);
		turned = 0;
		if (rc == RC_OK && b->n > 0)
			rc = run(b, &turned, &next_ms, e);
		else if (rc == RC_OK && !idle(b, next_ms))
			break;
		if (rc != RC_OK)
			break;
	}
	return rc;
}

static void
name_owner(char out[TASK_OWNER + 1])
{
	char host[TASK_TEXT + 1] = "";

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	snprintf(out, TASK_OWNER + 1, "%.16s:%d", host, (int)getpid());
}

enum rc
worker_run(const struct worker_plan *plan, struct err *e)
{
	struct bench *b = calloc(1, sizeof(*b));
	enum rc rc;

	if (b == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	listen_to_signals();
	follow(plan->parent);
	b->plan = plan;
	b->seat = &plan->crew->seats[plan->seat];
	name_owner(b->owner);
	rc = redis_open(&b->redis, plan->config, e);
	if (rc == RC_OK)
		rc = queue_open(&b->queue, plan->config, b->redis, e);
	b->tools = (struct toolbox){ .config = plan->config,
		.redis = b->redis,
		.pulse = pulse,
		.arg = b };
	if (rc == RC_OK)
		rc = work(b, e);
	toolbox_fini(&b->tools);
	queue_close(b->queue);
	redis_close(b->redis);
	free(b);
	return rc;
}

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
#include "worker_part.h"

#define NAP_MS 10 /* the least sleep between claims */

static volatile sig_atomic_t stop;

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
	if (worker_pulse(b, ""))
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
		.lease_ms = worker_lease_ms(b),
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
		worker_renewed(b);
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
	worker_renewed(b);
	rc = queue_turn(
	    b->queue, b->tasks, results, &b->n, &lost, &how, next_ms, e);
	if (rc == RC_OK)
		worker_completed(b, n, lost);
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
		rc = worker_settle(b, e);
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
		.pulse = worker_pulse,
		.arg = b };
	if (rc == RC_OK)
		rc = work(b, e);
	toolbox_fini(&b->tools);
	queue_close(b->queue);
	redis_close(b->redis);
	free(b);
	return rc;
}

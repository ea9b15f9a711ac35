#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/queue.h"
#include "supervisor.h"
#include "worker.h"

#define LOOK_MS   1000 /* between looks at the backlog */
#define DRAW_MS   200
#define MINUTE_MS 60000
#define CREW_SIZE                                                              \
	(sizeof(struct worker_crew) +                                          \
	    SUPERVISOR_WORKERS * sizeof(struct worker_seat))

struct crew {
	const struct config *config;
	const struct drain *drain;
	struct worker_crew *shared;
	struct worker_plan plan;        /* of every worker but for its seat */
	pid_t pids[SUPERVISOR_WORKERS]; /* 0: nobody */
	int running;
	int64_t crashes[SUPERVISOR_CRASHES]; /* when; a ring */
	size_t ncrashes;
	struct redis *redis; /* NULL where the backlog is of no interest */
	struct queue *queue;
	struct queue_stats stats;
	int64_t begun_ms, look_ms, stop_ms; /* stop_ms 0: not told to stop */
	int drawn;
	sigset_t signals, before;
	struct err why; /* why the drain ends early; rc RC_OK: it does not */
};

/* The end of a child. */
static void
be_worker(struct crew *c, int seat)
{
	struct worker_plan plan = c->plan;
	struct worker_seat *mine = &c->shared->seats[seat];
	struct err e = { 0 };

	plan.seat = seat;
	queue_close(c->queue);
	redis_close(c->redis); /* our copy of the descriptor */
	mine->why = (struct err){ 0 };
	if (worker_run(&plan, &e) != RC_OK)
		mine->why = e;
	munmap(c->shared, CREW_SIZE);
	/* Who was told by another than us is replaced, as one that crashed. */
	exit(e.rc != RC_OK ? rc_exit(e.rc) : worker_was_told());
}

static enum rc
start(struct crew *c, int seat, struct err *e)
{
	pid_t pid;

	fflush(NULL); /* or the child writes it once more */
	pid = fork();
	if (pid < 0)
		return err_set(
		    e, RC_SYS, "cannot start a worker: %s", strerror(errno));
	if (pid == 0)
		be_worker(c, seat);
	c->pids[seat] = pid;
	c->running++;
	log_debug("worker %ld started", (long)pid);
	return RC_OK;
}

static void
kill_all(const struct crew *c, int sig)
{
	for (int i = 0; i < SUPERVISOR_WORKERS; i++)
		if (c->pids[i] != 0)
			kill(c->pids[i], sig);
}

static void
stop_all(struct crew *c, int64_t now_ms)
{
	if (c->stop_ms != 0)
		return;
	c->stop_ms = now_ms;
	kill_all(c, SIGTERM);
}

/* End early, for the first reason there is. */
static void
give_up(struct crew *c, const struct err *why, int64_t now_ms)
{
	if (c->why.rc == RC_OK)
		c->why = *why;
	stop_all(c, now_ms);
}

/* A worker crashed: another takes its seat, unless that goes on and on. */
static void
replace(struct crew *c, int seat, int status, int64_t now_ms)
{
	int64_t *oldest = &c->crashes[c->ncrashes % SUPERVISOR_CRASHES];
	const char *how = WIFSIGNALED(status) ? "signal" : "status";
	int what = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	struct err e;

	if (c->stop_ms != 0)
		return;
	if (c->ncrashes >= SUPERVISOR_CRASHES && now_ms - *oldest < MINUTE_MS) {
		err_set(&e, RC_BUG,
		    "workers keep crashing: more than %d in a minute, the "
		    "last with %s %d",
		    SUPERVISOR_CRASHES, how, what);
		give_up(c, &e, now_ms);
		return;
	}
	*oldest = now_ms;
	c->ncrashes++;
	log_warn("a worker ended with %s %d: replaced", how, what);
	if (start(c, seat, &e) != RC_OK)
		give_up(c, &e, now_ms);
}

static void
reap(struct crew *c, int64_t now_ms)
{
	for (int i = 0; i < SUPERVISOR_WORKERS; i++) {
		const struct worker_seat *seat = &c->shared->seats[i];
		int status;

		if (c->pids[i] == 0 ||
		    waitpid(c->pids[i], &status, WNOHANG) != c->pids[i])
			continue;
		log_debug("worker %ld ended", (long)c->pids[i]);
		c->pids[i] = 0;
		c->running--;
		atomic_store(&c->shared->seats[i].running, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		if (WIFEXITED(status) && seat->why.rc != RC_OK)
			give_up(c, &seat->why, now_ms);
		else
			replace(c, i, status, now_ms);
	}
}

/* How many workers the backlog asks for. */
static int
wanted(const struct crew *c)
{
	int64_t most = c->config->max_workers;
	int64_t n = 1 + c->stats.pending / SUPERVISOR_PER_TASKS;

	if (c->drain->workers != 0)
		return c->drain->workers;
	return (int)(n < most ? n : most);
}

/* Start who is missing; those beyond end on their own when they are idle. */
static void
fill(struct crew *c, int64_t now_ms)
{
	struct err e;
	int n = wanted(c);

	atomic_store(&c->shared->wanted, n);
	for (int i = 0; i < n && c->stop_ms == 0; i++)
		if (c->pids[i] == 0 && start(c, i, &e) != RC_OK)
			give_up(c, &e, now_ms);
}

static enum rc
look(struct crew *c, int64_t now_ms, struct err *e)
{
	c->look_ms = now_ms + LOOK_MS;
	return queue_stats(c->queue, &c->stats, e);
}

/* Redis, to see at once whether it answers; kept where the backlog counts, or
 * a pause. */
static enum rc
first_look(struct crew *c, struct err *e)
{
	enum rc rc = redis_open_as(&c->redis, c->config, REDIS_EVICTION, e);

	if (rc == RC_OK)
		rc = redis_check_eviction(c->redis, e);
	if (rc == RC_OK)
		rc = queue_open(&c->queue, c->config, c->redis, e);
	if (rc == RC_OK)
		rc = look(c, c->begun_ms, e);
	if (rc == RC_OK && c->drain->workers != 0 && !c->drain->progress &&
	    !c->drain->watch_pause) {
		queue_close(c->queue);
		redis_close(c->redis);
		c->queue = NULL;
		c->redis = NULL;
	}
	return rc;
}

static void
add_up(const struct crew *c, struct drained *out)
{
	*out = (struct drained){ .ms = clock_mono_ms() - c->begun_ms };
	for (int i = 0; i < SUPERVISOR_WORKERS; i++) {
		struct worker_seat *s = &c->shared->seats[i];

		out->completed += s->completed;
		out->retried += s->retried;
		out->failed += s->failed;
		out->cancelled += s->cancelled;
		out->released += s->released;
		out->lost += s->lost;
	}
}

/* Is it paused that nothing more was done?  Not asked of a Redis that may hang
 * when we were told to stop. */
static void
last_look(struct crew *c, struct drained *out)
{
	if (!c->drain->watch_pause || c->queue == NULL)
		return;
	if (c->stop_ms == 0)
		look(c, clock_mono_ms(), NULL);
	out->paused = c->stats.paused;
	out->pause_until_us = c->stats.pause_until_us;
	snprintf(out->pause_reason, sizeof(out->pause_reason), "%s",
	    c->stats.pause_reason);
}

static void
draw(struct crew *c)
{
	struct drained d;
	int64_t running = 0, done, failed;

	add_up(c, &d);
	done = d.completed + d.cancelled;
	failed = d.retried + d.failed;
	for (int i = 0; i < SUPERVISOR_WORKERS; i++)
		running += c->shared->seats[i].running;
	fprintf(stderr,
	    "\r\033[K%lld done, %lld failed, %lld running, %lld waiting, "
	    "%lld s",
	    (long long)done, (long long)failed, (long long)running,
	    (long long)c->stats.pending, (long long)d.ms / 1000);
	if (c->stats.paused)
		fputs(", paused", stderr);
	fflush(stderr);
	c->drawn = 1;
}

static void
wipe(struct crew *c)
{
	if (c->drawn)
		fputs("\r\033[K", stderr);
	c->drawn = 0;
}

/* Until a child ends, we are told to stop, or it is time for a look. */
static void
doze(struct crew *c, int64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };
	int sig = sigtimedwait(&c->signals, NULL, &t);

	if (sig > 0 && sig != SIGCHLD)
		stop_all(c, clock_mono_ms());
}

static void
watch(struct crew *c)
{
	struct err e;
	int killed = 0;

	fill(c, c->begun_ms);
	while (c->running > 0) {
		int64_t now_ms;

		doze(c, c->drain->progress ? DRAW_MS : LOOK_MS);
		now_ms = clock_mono_ms();
		reap(c, now_ms);
		if (c->stop_ms != 0 && !killed &&
		    now_ms - c->stop_ms > SUPERVISOR_GRACE_MS) {
			kill_all(c, SIGKILL);
			killed = 1;
		}
		if (c->running > 0 && c->stop_ms == 0 && c->queue != NULL &&
		    now_ms >= c->look_ms) {
			if (look(c, now_ms, &e) != RC_OK)
				give_up(c, &e, now_ms);
			else if (c->drain->workers == 0)
				fill(c, now_ms);
		}
		if (c->drain->progress && c->running > 0)
			draw(c);
	}
	wipe(c);
}

/* Memory of all workers, and a file to lock. */
static enum rc
share(struct crew *c, struct err *e)
{
	void *p = mmap(NULL, CREW_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return err_set(e, RC_NOMEM, "out of memory");
	c->shared = p;
	c->plan.crew = p;
	if (c->drain->tasks == 0)
		return RC_OK;
	c->plan.lock = memfd_create("drain-queue", MFD_CLOEXEC);
	return c->plan.lock >= 0
		   ? RC_OK
		   : err_set(e, RC_SYS, "memfd: %s", strerror(errno));
}

/* Signals wait until doze asks for them; workers unblock their own.  What our
 * caller ignores (nohup) would be kept for us while it is blocked. */
static void
hold_signals(struct crew *c)
{
	static const int those[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction old;

	sigemptyset(&c->signals);
	sigaddset(&c->signals, SIGCHLD);
	for (size_t i = 0; i < sizeof(those) / sizeof(those[0]); i++)
		if (sigaction(those[i], NULL, &old) != 0 ||
		    old.sa_handler != SIG_IGN)
			sigaddset(&c->signals, those[i]);
	sigprocmask(SIG_BLOCK, &c->signals, &c->before);
}

static void
prepare(struct crew *c, const struct config *config, const struct drain *drain)
{
	c->config = config;
	c->drain = drain;
	c->begun_ms = clock_mono_ms();
	c->plan = (struct worker_plan){
		.config = config,
		.parent = getpid(),
		.wait = drain->wait,
		.until_ms = drain->seconds == 0
				? 0
				: c->begun_ms + drain->seconds * 1000,
		.tasks = drain->tasks,
		.lock = -1,
	};
	hold_signals(c);
}

static int
was_refused(const struct crew *c)
{
	for (int i = 0; i < SUPERVISOR_WORKERS; i++)
		if (c->shared->seats[i].refused)
			return 1;
	return 0;
}

enum rc
supervisor_run(const struct config *config, const struct drain *drain,
    struct drained *out, struct err *e)
{
	struct crew c = { 0 };
	enum rc rc;

	*out = (struct drained){ 0 };
	prepare(&c, config, drain);
	rc = share(&c, e);
	if (rc == RC_OK)
		rc = first_look(&c, e);
	if (rc == RC_OK) {
		watch(&c);
		add_up(&c, out);
		last_look(&c, out);
		rc = c.why.rc;
		if (rc != RC_OK && e != NULL)
			*e = c.why;
		else if (was_refused(&c))
			rc = err_set(
			    e, RC_FULL, "Redis is full: fetches were put off");
	}
	queue_close(c.queue);
	redis_close(c.redis);
	if (c.plan.lock >= 0)
		close(c.plan.lock);
	if (c.shared != NULL)
		munmap(c.shared, CREW_SIZE);
	sigprocmask(SIG_SETMASK, &c.before, NULL);
	return rc;
}

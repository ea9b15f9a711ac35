/*
 * chaos_worker -j journal [-s seed] [-l lease_ms] [-m most] [-w work_ms]
 *              [-f permille] [-L permille]
 *
 * A worker over src/store/queue.h that tells a journal outside of Redis what
 * it does, before it does it:
 *
 *	run PID ID TOKEN PRIORITY READY_US     claimed
 *	end PID ID TOKEN ok|fail|refuse        what came of it: settled next
 *	set PID ID TOKEN RC HELD_MS            what the queue said to that
 *
 * Of 1000 tasks -f fail: half of them for good, a fifth whenever they run.
 * Of 1000 -L take longer than the lease, which is renewed meanwhile.  It works
 * until SIGTERM; an error of the queue ends it with 1.
 */
#include "driver.h"

#define LINE 128

static volatile sig_atomic_t stop;

enum outcome { OK, FAIL, REFUSE };

static const char *const words[] = { "ok", "fail", "refuse" };

struct worker {
	struct driver d;
	int64_t lease_ms, most, work_ms, fail, longer;
	char owner[TASK_TEXT + 1];
	struct task tasks[QUEUE_CLAIM_LIGHT];
	enum outcome outcome[QUEUE_CLAIM_LIGHT];
	size_t n;
	int64_t claimed_ms;
};

static void
on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void
tell_all(struct worker *w, const char *what)
{
	char text[QUEUE_CLAIM_LIGHT * LINE];
	size_t len = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct task *t = &w->tasks[i];

		len += (size_t)snprintf(text + len, LINE, "%s %ld %s %lld ",
		    what, (long)getpid(), t->id, ll(t->token));
		if (*what == 'r')
			len += (size_t)snprintf(text + len, LINE, "%d %lld\n",
			    (int)t->priority, ll(t->ready_us));
		else
			len += (size_t)snprintf(
			    text + len, LINE, "%s\n", words[w->outcome[i]]);
	}
	note(&w->d, text, len);
}

static void
tell_set(struct worker *w, const struct task *t, enum rc rc)
{
	char text[LINE];
	int len = snprintf(text, sizeof(text), "set %ld %s %lld %s %lld\n",
	    (long)getpid(), t->id, ll(t->token), rc_name(rc),
	    ll(clock_mono_ms() - w->claimed_ms));

	note(&w->d, text, (size_t)len);
}

/* Some tasks fail whenever they run, by their id. */
static int
is_stubborn(const struct worker *w, const char *id)
{
	uint64_t h = 1469598103934665603U;

	for (; *id != '\0'; id++)
		h = (h ^ (unsigned char)*id) * 1099511628211U;
	return (int64_t)(h >> 20) % 1000 < w->fail / 5;
}

static void
decide(struct worker *w)
{
	for (size_t i = 0; i < w->n; i++) {
		int64_t dice = (int64_t)chance(&w->d, 1000);

		w->outcome[i] = OK;
		if (is_stubborn(w, w->tasks[i].id) || dice < w->fail / 3)
			w->outcome[i] = FAIL;
		else if (dice < w->fail * 5 / 6)
			w->outcome[i] = REFUSE;
	}
}

/* Now and then longer than the lease. */
static void
work(struct worker *w)
{
	int64_t end = clock_mono_ms(), renewed = end;
	struct err e;
	int cancelled;

	if ((int64_t)chance(&w->d, 1000) < w->longer)
		end += w->lease_ms + w->lease_ms / 2;
	else if (w->work_ms > 0)
		end += (int64_t)chance(&w->d, (uint64_t)w->work_ms + 1);
	while (!stop && clock_mono_ms() < end) {
		int64_t left = end - clock_mono_ms();

		clock_sleep_ms(left < w->lease_ms / 4 ? left : w->lease_ms / 4);
		if (clock_mono_ms() - renewed < w->lease_ms / 4)
			continue;
		renewed = clock_mono_ms();
		for (size_t i = 0; i < w->n; i++) {
			enum rc rc = queue_renew(w->d.queue, &w->tasks[i],
			    "half way", &cancelled, &e);
			if (rc != RC_OK && rc != RC_BUSY)
				die("renew", &e);
		}
	}
}

static void
settle_failed(struct worker *w, const struct task *t, enum outcome what)
{
	struct err why = { .rc = what == FAIL ? RC_UPSTREAM : RC_BLOCKED,
		.msg = "by chance" };
	struct err e;
	enum rc rc = queue_fail(w->d.queue, t, &why, 0, &e);

	if (rc != RC_OK && rc != RC_BUSY)
		die("fail", &e);
	tell_set(w, t, rc);
}

/* Who of several was lost is not said (partial): completed one by one half of
 * the time, so that the journal knows. */
static void
settle(struct worker *w)
{
	size_t lost, step;
	struct err e;

	tell_all(w, "end");
	for (size_t i = 0; i < w->n; i += step) {
		const char *results[QUEUE_CLAIM_LIGHT];
		int single = chance(&w->d, 2) != 0;

		step = 1;
		if (w->outcome[i] != OK) {
			settle_failed(w, &w->tasks[i], w->outcome[i]);
			continue;
		}
		while (!single && i + step < w->n && w->outcome[i + step] == OK)
			step++;
		for (size_t k = 0; k < step; k++)
			results[k] = "{\"chaos\":true}";
		need(queue_complete(
			 w->d.queue, &w->tasks[i], results, step, &lost, &e),
		    "complete", &e);
		for (size_t k = 0; k < step; k++)
			tell_set(w, &w->tasks[i + k],
			    lost == 0      ? RC_OK
			    : lost == step ? RC_BUSY
					   : RC_PARTIAL);
	}
}

static void
options(struct worker *w, int argc, char *argv[], const char **journal)
{
	int c;

	while ((c = getopt(argc, argv, "f:j:l:L:m:s:w:")) != -1) {
		if (c == 'f')
			w->fail = whole(optarg);
		else if (c == 'j')
			*journal = optarg;
		else if (c == 'l')
			w->lease_ms = whole(optarg);
		else if (c == 'L')
			w->longer = whole(optarg);
		else if (c == 'm')
			w->most = whole(optarg);
		else if (c == 's')
			w->d.seed = (uint64_t)whole(optarg);
		else if (c == 'w')
			w->work_ms = whole(optarg);
		else
			_exit(64);
	}
}

int
main(int argc, char *argv[])
{
	static struct worker w = { .lease_ms = 1000, .most = 1 };
	struct sigaction action = { .sa_handler = on_term };
	const char *journal = NULL;
	int64_t next;
	struct err e;

	options(&w, argc, argv, &journal);
	sigaction(SIGTERM, &action, NULL);
	snprintf(w.owner, sizeof(w.owner), "chaos:%ld", (long)getpid());
	driver_open(&w.d, journal, w.d.seed);
	while (!stop) {
		struct claim how = { .owner = w.owner,

			.lease_ms = w.lease_ms,
			.most = 1 + (int)chance(&w.d, (uint64_t)w.most) };

		w.claimed_ms = clock_mono_ms();
		need(queue_claim(w.d.queue, &how, w.tasks, &w.n, &next, &e),
		    "claim", &e);
		if (w.n == 0) {
			clock_sleep_ms(next >= 0 && next < 20 ? next + 1 : 20);
			continue;
		}
		tell_all(&w, "run");
		decide(&w);
		work(&w);
		settle(&w);
	}
	driver_close(&w.d);
	return 0;
}

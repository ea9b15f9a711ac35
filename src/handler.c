#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "handler.h"
#include "handler_returns.h"
#include "store/queue.h"

#define STEP_MS      200  /* between pulses */
#define LATER_MS     1000 /* after Redis failed us on the way */
#define FULL_MS      30000
#define PROBE_MAX_MS 60000

static void
failed(struct run *run, const struct err *why, int64_t wait_ms)
{
	run->end = RUN_FAILED;
	run->why = *why;
	run->wait_ms = wait_ms;
}

static void
put_off(struct run *run, const struct err *why, int64_t wait_ms)
{
	failed(run, why, wait_ms);
	run->end = RUN_PUT_OFF;
}

/* A fetch that is under way. */
struct fetching {
	const struct toolbox *tools;
	struct run *run;
	int answered;
};

static void
see(void *arg, const struct fetch_progress *p)
{
	struct toolbox *tools = arg;

	tools->seen = *p;
}

/* The whole number behind a key of the envelope's head; deflt: none. */
static long long
number_of(const char *bytes, const char *key, long long deflt)
{
	const char *p = strstr(bytes, key);
	char *end;
	long long v;

	if (p == NULL)
		return deflt;
	v = strtoll(p + strlen(key), &end, 10);
	return end != p + strlen(key) ? v : deflt;
}

/* As in data/envelope_peek.c: the first match of a key is the key. */
static void
describe(const struct fetch_result *r, char out[TASK_RESULT + 1])
{
	static const char key[] = "\"source\":\"";
	const char *p = strstr(r->bytes, key);
	int n = p != NULL ? (int)strcspn(p + sizeof(key) - 1, "\"\\") : 0;
	long long rows = number_of(r->bytes, ",\"count\":", 0);

	snprintf(out, TASK_RESULT + 1,
	    "{\"source\":\"%.*s\",\"rows\":%lld,\"total\":%lld,\"cached\":%s}",
	    n < 64 ? n : 64, n > 0 ? p + sizeof(key) - 1 : "", rows,
	    number_of(r->bytes, ",\"total\":", rows),
	    r->cached ? "true" : "false");
}

/* Redis failed us, or a limit let not even the first page through: that is no
 * attempt.  A key that holds something else (RC_DENIED) is one: it stays so. */
static void
not_fetched(struct fetching *f, const struct err *why, int64_t wait_ms)
{
	int64_t deflt = f->tools->config->retry_delay * 1000;

	if (why->rc == RC_STORE)
		put_off(f->run, why, LATER_MS);
	else if (why->rc == RC_FULL)
		put_off(f->run, why, FULL_MS);
	else if ((why->rc == RC_LIMITED || why->rc == RC_OPEN) &&
		 f->tools->seen.rows == 0)
		put_off(f->run, why, wait_ms > 0 ? wait_ms : deflt);
	else
		failed(f->run, why, wait_ms);
}

static void
fetched(void *arg, const struct fetch_result *r)
{
	struct fetching *f = arg;

	f->answered = 1;
	if (r->why.rc != RC_OK) {
		not_fetched(f, &r->why, r->wait_ms);
		return;
	}
	if (r->stored.rc != RC_OK && r->stored.rc != RC_BUSY) {
		not_fetched(f, &r->stored, 0);
		return;
	}
	f->run->end = RUN_DONE;
	describe(r, f->run->result);
}

static enum rc
open_fetcher(struct toolbox *tools, struct err *e)
{
	enum rc rc;

	if (tools->fetcher != NULL)
		return RC_OK;
	rc = fetcher_open(
	    &tools->fetcher, tools->config, tools->redis, see, tools, e);
	if (rc == RC_OK)
		fetcher_need_redis(tools->fetcher);
	return rc;
}

static void
progress_text(const struct fetch_progress *p, char *out, size_t size)
{
	if (p->rows == 0)
		out[0] = '\0';
	else if (p->total > 0)
		snprintf(out, size, "%lld of %lld rows", (long long)p->rows,
		    (long long)p->total);
	else
		snprintf(out, size, "%lld rows", (long long)p->rows);
}

/* Since when data is new enough for a task that is forced; 0: none is. */
static int64_t
asked_us(struct toolbox *tools, const struct task *t)
{
	struct task known = { .asked_us = 0 };
	struct queue *q = NULL;
	int64_t position;

	if (queue_open(&q, tools->config, tools->redis, NULL) == RC_OK)
		(void)queue_get(q, t->id, &known, &position, NULL);
	queue_close(q);
	return known.asked_us;
}

static void
fetch(struct toolbox *tools, const struct task *t, struct run *run)
{
	struct fetching f = { tools, run, 0 };
	struct fetch_request request = { .refresh = t->force,
		.newer_us = t->force ? asked_us(tools, t) : 0,
		.uncounted = 1,
		.max_age_ms = -1 };
	char progress[TASK_TEXT + 1];
	struct err e;
	enum rc rc;

	tools->seen = (struct fetch_progress){ .total = -1 };
	rc = dataset_index(t->index, &request.dataset.index, &e);
	if (rc == RC_OK)
		rc = dataset_sector(t->sector, &request.dataset.sector, &e);
	if (rc == RC_OK && open_fetcher(tools, &e) != RC_OK) {
		put_off(run, &e, 0);
		run->end = RUN_BROKEN;
		return;
	}
	if (rc == RC_OK)
		rc = fetcher_add(tools->fetcher, &request, fetched, &f, &e);
	while (rc == RC_OK && !f.answered) {
		progress_text(&tools->seen, progress, sizeof(progress));
		if (!tools->pulse(tools->arg, progress)) {
			fetcher_cancel(tools->fetcher);
			return;
		}
		rc = fetcher_step(tools->fetcher, STEP_MS, &e);
	}
	if (rc == RC_OK || f.answered)
		return;
	if (tools->fetcher != NULL)
		fetcher_cancel(tools->fetcher);
	not_fetched(&f, &e, 0);
}

/* Asleep, but not deaf.  0: told to stop. */
static int
probe_sleep(struct toolbox *tools, int64_t ms)
{
	int64_t now_ms = clock_mono_ms(), end_ms = now_ms + ms;

	while (now_ms < end_ms) {
		clock_sleep_ms(
		    end_ms - now_ms < STEP_MS ? end_ms - now_ms : STEP_MS);
		if (!tools->pulse(tools->arg, ""))
			return 0;
		now_ms = clock_mono_ms();
	}
	return 1;
}

static void
probe(struct toolbox *tools, const struct task *t, struct run *run)
{
	static const struct err fails = { RC_UPSTREAM, "as the probe asked" };
	static const struct err refuses = { RC_BLOCKED, "as the probe asked" };
	long long ms = number_of(t->index, "sleep:", 0);

	if (strncmp(t->index, "sleep:", 6) == 0 &&
	    !probe_sleep(tools, ms < PROBE_MAX_MS ? ms : PROBE_MAX_MS))
		return;
	if (strncmp(t->index, "fail", 4) == 0)
		failed(run, &fails, 0);
	else if (strncmp(t->index, "refuse", 6) == 0)
		failed(run, &refuses, 0);
	else
		run->end = RUN_DONE;
}

void
toolbox_fini(struct toolbox *tools)
{
	fetcher_close(tools->fetcher);
	tools->fetcher = NULL;
	http_close(tools->env.http);
	guard_close(tools->env.guard);
	tools->env = (struct drive_env){ 0 };
}

handler *const handlers[TASK__MAX] = {
	[TASK_FETCH] = fetch,
	[TASK_RETURNS] = handler_returns,
	[TASK_PROBE] = probe,
};

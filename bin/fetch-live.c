/*
 * fetch-live: what fetch becomes when the cache alone does not answer.  Reads
 * the same command line; runs all datasets together on one event loop.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/opt.h"
#include "fetch_args.h"
#include "fetcher.h"
#include "outcome.h"
#include "returns_fetch.h"
#include "returns_view.h"
#include "saved.h"
#include "store/cache.h"

#define PROG      "fetch"
#define STEP_MS   500
#define REDRAW_MS 100

static volatile sig_atomic_t stop;

struct run {
	const struct fetch_args *args;
	const struct source *source; /* NULL: those of SOURCES */
	enum rc worst;
	struct err why;   /* of writing */
	int terminal;     /* is stderr one? */
	int64_t drawn_ms; /* when the progress line was drawn; 0: it is not */
	double pace;      /* calls a second to Yahoo */
	struct redis *redis; /* NULL: none */
};

/* The second that a program has to end in; Redis may hang just then. */
static void
on_alarm(int sig)
{
	(void)sig;
	_exit(128 + (int)stop);
}

static void
on_signal(int sig)
{
	stop = sig;
	alarm(1);
}

/* End in good order on these, unless who started us ignores them (nohup). */
static void
catch_signals(void)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal }, old;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (sigaction(ends[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(ends[i], &action, NULL);
	action.sa_handler = on_alarm;
	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void
wipe(struct run *run)
{
	if (run->drawn_ms != 0)
		fputs("\r\033[K", stderr);
	run->drawn_ms = 0;
}

/* The progress line; on a terminal only. */
static void
draw(void *arg, const struct fetch_progress *p)
{
	struct run *run = arg;
	int64_t now_ms = clock_mono_ms();

	if (!run->terminal || now_ms - run->drawn_ms < REDRAW_MS)
		return;
	fprintf(
	    stderr, "\r\033[K%s / %s: ", p->dataset.index, p->dataset.sector);
	if (p->source == NULL) {
		fputs(
		    "waiting for another process that is fetching it", stderr);
	} else {
		fprintf(stderr, "%s, %d page%s, %lld", p->source, p->pages,
		    p->pages == 1 ? "" : "s", (long long)p->rows);
		if (p->total >= 0)
			fprintf(stderr, " of %lld", (long long)p->total);
		fputs(" rows", stderr);
		if (p->wait_ms >= 1000)
			fprintf(stderr, ", waiting %lld s",
			    (long long)((p->wait_ms + 999) / 1000));
	}
	fflush(stderr);
	run->drawn_ms = now_ms;
}

/* Fresh or stale; a body that was saved has none. */
static void
find_returns(struct run *run, const char *index, struct cache_entry *entry)
{
	const struct dataset d = { index, CACHE_RETURNS };

	if (run->redis != NULL)
		(void)cache_get(
		    run->redis, &d, -1, CACHE_COUNT_ALL, entry, NULL, NULL);
	if (entry->bytes == NULL)
		log_warn("no annual returns of %s are cached: fetch --returns, "
			 "or enqueue annual-returns, gets them",
		    index);
}

/* Write an envelope as it was asked to be seen. */
static void
show(struct run *run, const char *index, const char *bytes, size_t len)
{
	struct view view = run->args->view;
	struct cache_entry returns = { 0 };
	struct buf b;

	if (view_wants_returns(&view))
		find_returns(run, index, &returns);
	view.returns = returns.bytes;

	errno = 0;
	buf_init(&b, (size_t)2 * LIMIT_ENVELOPE);
	if (output_write(&b, &view, bytes, len, clock_wall_us() / 1000,
		&run->why) == RC_OK &&
	    (fwrite(b.data, 1, b.len, stdout) != b.len || fflush(stdout) != 0))
		err_set(&run->why, RC_SYS, "cannot write: %s", strerror(errno));
	if (errno == EPIPE && run->why.rc == RC_SYS)
		stop = SIGPIPE; /* nobody reads any more: no word of it */
	buf_fini(&b);
	cache_entry_fini(&returns);
}

/* Write a body's one object as it is. */
static void
show_object(struct run *run, const struct buf *b)
{
	errno = 0;
	if (fwrite(b->data, 1, b->len, stdout) != b->len ||
	    fputc('\n', stdout) == EOF || fflush(stdout) != 0)
		err_set(&run->why, RC_SYS, "cannot write: %s", strerror(errno));
	if (errno == EPIPE && run->why.rc == RC_SYS)
		stop = SIGPIPE;
}

/* A dataset is done. */
static void
done(void *arg, const struct fetch_result *r)
{
	struct run *run = arg;
	struct err why;

	wipe(run);
	run->worst = outcome_worse(run->worst, r->rc);
	if (r->bytes != NULL)
		show(run, r->dataset.index, r->bytes, r->len);
	if (r->why.rc == RC_OK)
		return;
	err_set(&why, r->rc, "%s / %s: %s%s", r->dataset.index,
	    r->dataset.sector, r->rc == RC_STALE ? "stale data: " : "",
	    r->why.msg);
	opt_report(PROG, &why);
	if (rc_exit(r->rc) == rc_exit(RC_LIMITED) && r->wait_ms > 0)
		fprintf(stderr, "%s: try again in %lld s\n", PROG,
		    (long long)((r->wait_ms + 999) / 1000));
}

static enum rc
fetch_all(
    struct run *run, const struct config *c, struct redis *redis, struct err *e)
{
	const struct fetch_args *a = run->args;
	struct fetcher *f = NULL;
	enum rc rc;

	rc = fetcher_open(&f, c, redis, draw, run, e);
	for (size_t i = 0; i < a->ndatasets && rc == RC_OK; i++) {
		struct fetch_request request = {
			.dataset = a->datasets[i],
			.refresh = a->refresh || a->source != NULL,
			.filled = a->fill,
			.max_age_ms = a->max_age_ms,
			.only = run->source,
		};

		rc = fetcher_add(f, &request, done, run, e);
	}
	while (rc == RC_OK && !stop && fetcher_active(f) > 0)
		rc = fetcher_step(f, STEP_MS, e);
	wipe(run);
	fetcher_close(f);
	return rc;
}

static int
file(const struct fetch_args *a, const struct config *c, struct run *run)
{
	struct buf b;
	struct err e = { 0 };
	int object;
	enum rc rc;

	buf_init(&b, LIMIT_ENVELOPE);
	rc = saved_read(c, run->source, &a->datasets[0], a->file, a->status, &b,
	    &object, &e);
	if (object && b.len > 0)
		show_object(run, &b);
	else if (b.rc == RC_OK && b.len > 0)
		show(run, a->datasets[0].index, b.data, b.len);
	buf_fini(&b);
	if (stop)
		return 128 + stop;
	if (run->why.rc != RC_OK)
		return opt_report(PROG, &run->why);
	if (e.rc != RC_OK)
		opt_report(PROG, &e);
	return rc_exit(rc);
}

/* The progress of a year's sweep; on a terminal only. */
static int
draw_returns(void *arg, const char *index, const struct drive_progress *p)
{
	struct run *run = arg;
	int64_t now_ms = clock_mono_ms();
	double left_s;

	if (!run->terminal || now_ms - run->drawn_ms < REDRAW_MS)
		return !stop;
	fprintf(stderr, "\r\033[K%s: yahoo", index);
	if (p->total >= 0)
		fprintf(stderr, ", %lld of %lld companies", (long long)p->rows,
		    (long long)p->total);
	left_s = (double)(p->total - p->rows) / run->pace;
	if (left_s >= 90)
		fprintf(stderr, ", some %.0f min", left_s / 60);
	if (p->wait_ms >= 2000)
		fprintf(stderr, ", waiting %lld s",
		    (long long)((p->wait_ms + 999) / 1000));
	fflush(stderr);
	run->drawn_ms = now_ms;
	return !stop;
}

/* Write the returns of an index as they were asked to be seen. */
static void
show_returns(struct run *run, const struct buf *doc)
{
	struct buf b;

	buf_init(&b, (size_t)2 * LIMIT_ENVELOPE);
	if (returns_view(&b, run->args->view.format, doc->data, doc->len,
		&run->why) == RC_OK) {
		b.len -= b.len > 0; /* show_object ends the line */
		show_object(run, &b);
	}
	buf_fini(&b);
}

/* One index that cannot be had is no reason to leave the others out. */
static void
returns_all(struct run *run, const struct config *c, struct redis *redis)
{
	const struct fetch_args *a = run->args;
	enum rc rc = RC_OK;
	struct err e;

	run->pace = c->yahoo_rate_limit;
	for (size_t i = 0; i < a->ndatasets && rc != RC_BUSY; i++) {
		struct returns_request request = {
			.index = a->datasets[i].index,
			.refresh = a->refresh,
			.max_age_ms = a->max_age_ms,
			.watch = draw_returns,
			.arg = run,
		};
		struct buf b;
		enum rc what = RC_OK;

		buf_init(&b, LIMIT_ENVELOPE);
		rc = returns_fetch(c, redis, &request, &b, &what, &e);
		wipe(run);
		if (rc == RC_OK && run->why.rc == RC_OK)
			show_returns(run, &b);
		else if (rc != RC_OK && rc != RC_BUSY)
			opt_report(PROG, &e);
		run->worst = outcome_worse(run->worst, rc == RC_OK ? what : rc);
		buf_fini(&b);
	}
}

static int
live(const struct config *c, struct run *run)
{
	struct redis *redis = NULL;
	struct err e = { 0 };

	if (redis_open(&redis, c, &e) != RC_OK) {
		if (e.rc == RC_CONFIG)
			return opt_report(PROG, &e);
		log_warn("uncached: %s", e.msg);
	}
	e.rc = RC_OK;
	run->redis = redis;
	if (run->args->returns)
		returns_all(run, c, redis);
	else
		e.rc = fetch_all(run, c, redis, &e);
	redis_close(redis);
	if (stop)
		return 128 + stop;
	if (e.rc != RC_OK)
		return opt_report(PROG, &e);
	if (run->why.rc != RC_OK)
		return opt_report(PROG, &run->why);
	return rc_exit(run->worst);
}

int
main(int argc, char *argv[])
{
	struct run run = { .worst = RC_EMPTY,
		.terminal = isatty(STDERR_FILENO) };
	struct fetch_args args;
	struct config config;
	struct err e;

	opt_descriptors();
	fetch_args(&args, &config, argc, argv);
	run.args = &args;
	if (args.source != NULL &&
	    source_by_name(args.source, &run.source, &e) != RC_OK)
		return opt_report(PROG, &e);
	catch_signals();
	return args.file != NULL ? file(&args, &config, &run)
				 : live(&config, &run);
}

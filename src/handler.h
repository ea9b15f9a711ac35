/*
 * What is done for a task, by type: one table.  A handler does the work and
 * says what came of it; claiming, renewing and settling are worker.c's.
 *
 * fetch_stock_data: the dataset goes into the cache, unless it is fresh there
 * and the task has no force, or the sweep that it is of began after the task
 * was asked for the last time: it was satisfied while it waited.  Its result:
 *	{"source":"finviz","rows":503,"total":503,"cached":false}
 *
 * calculate_annual_returns: see handler_returns.h.
 *
 * probe: proves the path, and does what its index says: "sleep:MS" takes that
 * long (at most a minute), "fail" fails and may be retried, "refuse" fails for
 * good; anything else is done at once.
 */
#ifndef HANDLER_H
#define HANDLER_H

#include "base/config.h"
#include "base/rc.h"
#include "drive.h"
#include "fetcher.h"
#include "store/redis.h"
#include "store/task.h"

/* A worker's tools, kept from task to task; zeroed but for what is borrowed. */
struct toolbox {
	const struct config *config;
	struct redis *redis;
	/* To be called every 200 ms or so while a task runs, with progress
	 * ("140 of 503 rows", ""): 0 means stop, whatever the reason. */
	int (*pulse)(void *arg, const char *progress);
	void *arg;
	struct fetcher *fetcher; /* NULL: not needed yet */
	struct drive_env env;    /* of the returns; guard NULL: likewise */
	struct fetch_progress seen;
};

void toolbox_fini(struct toolbox *);

enum run_end {
	RUN_ABORTED, /* pulse said stop */
	RUN_DONE,
	RUN_FAILED,  /* why, and no retry before wait_ms */
	RUN_PUT_OFF, /* it was not tried: again after wait_ms, uncharged */
	RUN_BROKEN,  /* likewise, and this worker cannot go on: why */
};

/* What came of a run; RUN_ABORTED to begin with. */
struct run {
	enum run_end end;
	struct err why;
	int64_t wait_ms;
	char result[TASK_RESULT + 1];
};

typedef void handler(struct toolbox *, const struct task *, struct run *);

extern handler *const handlers[TASK__MAX];

#endif

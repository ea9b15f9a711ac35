/*
 * What the program enqueue does: put tasks into the queue (given on the
 * command line, or as lines of JSON), follow them to their end, and the rest
 * of what changes a queue: requeue, cancel, pause, resume, purge, audit.
 *
 * A connection that is lost while tasks are put in leaves them in doubt.  Each
 * has its id before it is sent, so they are sent again, for REDIS_TIMEOUT
 * seconds: what is there already is the same task.
 */
#ifndef ENQUEUE_H
#define ENQUEUE_H

#include <stdint.h>
#include <stdio.h>

#include "base/config.h"
#include "base/limits.h"
#include "base/rc.h"
#include "store/queue.h"
#include "store/task_lines.h"

enum enqueue_action {
	ENQUEUE_TASKS, /* tasks[], ntasks */
	ENQUEUE_LINES, /* NDJSON from fd */
	ENQUEUE_REQUEUE,
	ENQUEUE_CANCEL,
	ENQUEUE_PAUSE,
	ENQUEUE_RESUME,
	ENQUEUE_PURGE,
	ENQUEUE_AUDIT,
	ENQUEUE_ACTION__MAX
};

struct enqueue {
	struct queue *queue;
	const struct config *config;
	const char *prog; /* for what is said of single lines */
	FILE *out;
	FILE *progress; /* of a wait; NULL: none */
	enum enqueue_action action;
	struct task_line tasks[LIMIT_DATASETS];
	size_t ntasks;
	int fd;
	int json;           /* results as NDJSON, not as ids */
	int wait;           /* follow the tasks to their end */
	int64_t wait_s;     /* at most that long */
	const char *text;   /* id (or "all") to requeue or cancel, reason */
	int64_t for_ms;     /* of a pause; 0: without end */
	int64_t purge_days; /* finished longer ago than that */
	int repair;
};

/*
 * Results are written to out as they come, a line each: the id of the task
 * that does the work, or {"line":3,"id":"…","status":"pending"}; status is
 * pending, scheduled, merged, same, full or error.
 *
 * RC_OK: done, and a followed task completed.  RC_FULL: some were refused.
 * RC_PARSE: some lines were wrong.  RC_BUSY: the wait was over before the task
 * was.  RC_NOTFOUND, RC_INVALID: no such task, or it cannot be done to it.
 * RC_UNHEALTHY: the audit found something.  Else how a followed task failed.
 */
enum rc enqueue_run(const struct enqueue *, struct err *);

/* The parts of it. */
enum rc enqueue_lines(const struct enqueue *, struct err *);
enum rc enqueue_wait(const struct enqueue *, const struct enqueue_result *,
    size_t n, struct err *);
enum rc enqueue_manage(const struct enqueue *, struct err *);

/* queue_enqueue, again where the answer was lost; fills the ids of specs. */
enum rc enqueue_batch(const struct enqueue *, struct task_spec *, size_t n,
    struct enqueue_result *, struct err *);

/* The word for a result. */
const char *enqueue_status(
    const struct enqueue_result *, const struct task_spec *);

/* out was written to.  RC_SYS: it could not be. */
enum rc enqueue_written(const struct enqueue *, struct err *);

#endif

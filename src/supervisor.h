/*
 * The parent of the workers: starts them, replaces one that crashes, hands
 * SIGTERM, SIGINT and SIGHUP on, and adds up what they did.
 *
 * A worker that ends on its own has no more to do.  One that gives up (no
 * Redis) ends the drain.  One that is killed or crashes is replaced, at most
 * SUPERVISOR_CRASHES times a minute; its task runs again after its lease.
 */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include <stdint.h>

#include "base/config.h"
#include "base/rc.h"
#include "store/task.h"

#define SUPERVISOR_WORKERS   64
#define SUPERVISOR_CRASHES   10
#define SUPERVISOR_GRACE_MS  900 /* from the signal to SIGKILL */
#define SUPERVISOR_PER_TASKS 4   /* tasks that wait for each worker of auto */

struct drain {
	int workers; /* 0: as many as the backlog asks for, up to MAX_WORKERS */
	int wait;    /* for more when the queue is empty, until seconds */
	int64_t seconds; /* of claiming; 0: without end */
	int64_t tasks;   /* claim at most that many; 0: any */
	int progress;    /* draw a line on stderr */
	int watch_pause; /* fill in what drained says of a pause */
};

struct drained {
	int64_t completed, retried, failed, cancelled;
	int64_t released; /* handed back, uncharged */
	int64_t lost;     /* not settled: the lease had run out */
	int64_t ms;
	int paused; /* the queue was, at the last look; until_us 0: no end */
	int64_t pause_until_us;
	char pause_reason[TASK_TEXT + 1]; /* whatever stands in Redis */
};

/*
 * Drain the queue.  RC_OK: it is empty, or the time is over, or a signal came.
 * RC_FULL: likewise, but fetches were put off because Redis is full.
 * RC_STORE, RC_BUSY (loading), RC_DENIED: Redis failed us; RC_BUG: workers
 * keep crashing; RC_SYS: none can be started.  *out is filled in any case.
 */
enum rc supervisor_run(const struct config *, const struct drain *,
    struct drained *out, struct err *);

#endif

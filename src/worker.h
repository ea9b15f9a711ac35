/*
 * One worker: a process that claims tasks, runs them and settles them, until
 * the queue is empty or its time is over.  It has one Redis connection, and
 * one fetcher whose connections last from task to task.
 *
 *	claim ──▶ run: handler.h ──▶ complete, fail, or release
 *	            │ every third of the lease, and every two seconds: renew
 *	            ▼
 *	          lease lost: abort, settle nothing
 *	          cancelled: abort, give back: the queue ends it
 *	          SIGTERM: abort, give back uncharged
 *
 * Nothing is done without Redis.  It is waited for as long as the lease of what
 * is in hand lasts; then the worker ends, and that is left to its lease.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/config.h"
#include "base/rc.h"

#define WORKER_IDLE_MS 500 /* between looks at an empty queue */

/* What a worker writes and its parent reads: memory shared by both, zeroed,
 * and kept when a worker is replaced. */
struct worker_seat {
	_Atomic int64_t completed;
	_Atomic int64_t retried; /* failed, and will be run again */
	_Atomic int64_t failed;  /* for good */
	_Atomic int64_t cancelled;
	_Atomic int64_t released; /* handed back, uncharged */
	_Atomic int64_t lost;     /* leases that ran out under it */
	_Atomic int64_t running;  /* held just now */
	_Atomic int refused;      /* Redis was too full to fetch */
	struct err why;           /* why it gave up; rc RC_OK: it did not */
};

/* Shared by all workers of a drain. */
struct worker_crew {
	_Atomic int64_t claimed; /* tasks so far */
	_Atomic int wanted;      /* workers; the others end when idle */
	struct worker_seat seats[];
};

struct worker_plan {
	const struct config *config;
	struct worker_crew *crew;
	int seat;
	pid_t parent;     /* the worker ends when it is not its child */
	int wait;         /* for more, when the queue is empty */
	int64_t until_ms; /* claim nothing after that (clock_mono_ms); 0: no
			     end */
	int64_t tasks;    /* claim at most that many, all together; 0: any */
	int lock;         /* a file to lock while claiming where tasks != 0 */
};

/*
 * Work until there is no more to do, or SIGTERM, SIGINT or SIGHUP: RC_OK.
 * Else the code why it could not go on: RC_STORE, RC_FULL, RC_BUSY (loading),
 * RC_DENIED of Redis.  Installs handlers of these signals and unblocks them.
 */
enum rc worker_run(const struct worker_plan *, struct err *);

/* Did a signal end it?  Its parent then decides whether that was meant. */
int worker_was_told(void);

#endif

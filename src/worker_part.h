/*
 * What the parts of a worker share: worker.c claims and runs, worker_lease.c
 * keeps what is in hand, worker_settle.c tells the queue what came of it.
 * Nobody else includes this.
 */
#ifndef WORKER_PART_H
#define WORKER_PART_H

#include "handler.h"
#include "store/queue.h"
#include "worker.h"

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

/* From now on all in hand is ours for a lease more, as far as is known; with
 * the claim, and with each renewal. */
void worker_renewed(struct bench *);

int64_t worker_lease_ms(const struct bench *);

/* Redis is away: is there time to wait for it, as what is in hand is ours, and
 * was that waited for? */
int worker_waited(const struct bench *, enum rc);

/* The toolbox' pulse, arg a struct bench: renews what is due.  Go on with the
 * task that runs? */
int worker_pulse(void *arg, const char *progress);

/* Tell the queue what came of all that is in hand.  A task whose lease ran out
 * is somebody else's by now: nothing of it is changed. */
enum rc worker_settle(struct bench *, struct err *);

/* n tasks were completed at once, but for those lost. */
void worker_completed(struct bench *, size_t n, size_t lost);

#endif

/* clang-format off */
/*
 * The task queue: at-least-once, crash-safe, fair, bounded.  All state is in
 * Redis, each arrow is one Lua script, time is Redis TIME.
 *
 *	enqueue ──▶ pending ──claim──▶ processing ──complete──▶ completed
 *	               ▲                    │
 *	               │◀─── release ───────┤ uncharged
 *	               │◀─── lease ran out ─┤ taken back by claim
 *	               │                    ├─ fail: permanent, or its attempts
 *	               │                    │  are used up ──▶ failed ─┐
 *	               │                    └─ fail: retry             │
 *	               │                           ▼                   │
 *	               │◀─── due, by claim ── scheduled ◀── enqueue    │
 *	               │                               with delay      │
 *	               └◀────────────── requeue ───────────────────────┘
 *
 *	cancel: pending and scheduled at once ──▶ cancelled; processing is told
 *	by renew, and ends so.  A lease that ran out 5 times in a row: failed,
 *	poison.
 *
 * Keys, all in one hash slot (stocknity:{default}:…):
 *
 *	task:<id>   HASH  what is known of a task, see below
 *	ready       ZSET  pending; score ready_us - level * HEAD_START
 *	scheduled   ZSET  delayed and retrying; score due_us
 *	processing  ZSET  leased; score end of the lease.  This *is* the
 *	                  record of what runs
 *	failed      ZSET  score finished_us; at most 10 000, 30 days
 *	completed   ZSET  likewise; at most 10 000, 7 days
 *	cancelled   ZSET  likewise; at most 10 000, 7 days
 *	unique      HASH  work to id; removed by the script that ends the task
 *	stats       HASH  counters that never fall
 *	config      HASH  pause; the last ready_us and token, and how many were
 *	                  claimed, now and when the sets were cleared last
 *	slots       HASH  of the scheduler: slot to "accepted_us run", and its
 *	                  switch
 *	aliases     LIST  ids that lead to another task, the oldest first; at
 *	                  most 10 000
 *
 * The fields of a task are few, as each costs time and memory, and none is over
 * 64 bytes while it waits, so that Redis keeps the hash compact:
 *
 *	spec        priority (0 to 3), flags (1 force, 2 look for tries, 4 has
 *	            run) and work (type|index|sector):
 *	            "10fetch_stock_data|DJIA|Any"
 *	status      a word
 *	created     microseconds
 *	asked       likewise, of the last merge by force or requeue; when it is
 *	            due, of a forced one with a delay
 *	run         of the claim: token, owner, priority then, score
 *	tries       failed runs, and leases lost in a row; absent: "0 0"
 *	rerun       when it is to run once more
 *	cancel      1: its worker is to stop
 *	put_off     why it was, since its last run
 *	progress, result
 *	errors      how many there were, the last 8 of them in e1 to e8
 *	as          of an id that was given and merged, which has no more than
 *	            this: the id of the task that does its work; for 7 days
 *
 * Head start: a level is worth 600 s (low 0, normal 1, high 2, urgent 3), so
 * priorities are strict within that window, FIFO inside one, and nothing
 * starves.  ready_us strictly increases (max(last + 1, TIME)).
 *
 * Fencing: token grows with every claim and never repeats; settling with an
 * old one is RC_BUSY and changes nothing.  It is the time of the claim in
 * microseconds, or the last one + 1 where that is later.
 *
 * Scripts that grow state write first with HSET (a full Redis refuses the
 * script whole: RC_FULL); those that shrink or renew begin with ZREM or
 * ZPOPMIN, which Redis never refuses.  Before that they read what they write,
 * so that a key of another type stops them with nothing changed; counters are
 * passed over then.  Nothing is newer than Redis 6.2.
 *
 * What has ended is bounded by claims, which forget the oldest every 500 tasks.
 */
/* clang-format on */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <stdint.h>

#include "base/config.h"
#include "base/rc.h"
#include "store/redis.h"
#include "store/task.h"

#define QUEUE_BATCH       1000 /* tasks of one enqueue */
#define QUEUE_CLAIM_LIGHT 50   /* light tasks of one claim */
#define QUEUE_HEAD_START  600  /* seconds a level is worth */
#define QUEUE_POISON      5    /* leases lost in a row */

struct queue;

/* redis and config are borrowed.  Settings: QUEUE_MAX, TASK_MAX_ATTEMPTS,
 * TASK_LEASE (60 s), RETRY_DELAY (30 s). */
enum rc queue_open(
    struct queue **, const struct config *, struct redis *, struct err *);
void queue_close(struct queue *);

enum enqueued {
	ENQUEUED_NEW,    /* it waits now */
	ENQUEUED_MERGED, /* equal work waits or runs already: priority raised,
			    force merged; a running one is marked to run once
			    more if forced, after the delay */
	ENQUEUED_SAME,   /* that very id is known: nothing was changed */
	ENQUEUED_FULL    /* QUEUE_MAX for its priority is reached (low 70 %,
			    normal 80, high 90, urgent 100) */
};

struct enqueue_result {
	enum enqueued what;
	char id[TASK_ID + 1]; /* of the task that does the work */
};

/*
 * At most QUEUE_BATCH tasks, in one step: either all were considered or (not
 * RC_OK) none was.  results has n places.  Equal specs within a batch merge.
 */
enum rc queue_enqueue(struct queue *, const struct task_spec *, size_t n,
    struct enqueue_result *results, struct err *);

/* *has: one of n datasets is the work of a task that waits or runs.  Read-only;
 * one round trip. */
enum rc queue_has(struct queue *, enum task_type, const struct dataset *,
    size_t n, int *has, struct err *);

enum slot_fate {
	SLOT_ACCEPTED,
	/* Not, and nothing was changed: */
	SLOT_TAKEN,  /* it was accepted before */
	SLOT_OLDER,  /* than one of its job that was accepted */
	SLOT_STOPPED /* the scheduler is switched off */
};

/*
 * Accept a slot of the scheduler ("job:time", those of a job in the order of
 * time as text) and enqueue its tasks, in one step; n may be 0.  Its field
 * becomes run behind the Redis time in microseconds and a space.  RC_FULL: the
 * queue has no room for all of them, and the slot is not accepted.
 */
enum rc queue_accept(struct queue *, const char *slot, const char *run,
    const struct task_spec *, size_t n, struct enqueue_result *results,
    enum slot_fate *, struct err *);

struct claim {
	const char *owner; /* "host:pid", at most TASK_OWNER bytes */
	int64_t lease_ms;  /* 0: TASK_LEASE */
	int most;          /* light tasks at a time, up to QUEUE_CLAIM_LIGHT */
};

/*
 * Take back expired leases, promote due tasks, then claim: one task of a type
 * that is not light, or up to most light ones (the first in line decides which
 * kind).  A task whose worker died is claimed alone, so that one that kills
 * workers takes no others with it.  Tasks of a type that is not known here are
 * put off by a minute.  tasks has QUEUE_CLAIM_LIGHT places.  *n 0:
 * nothing is ready, or the queue is paused; *next_ms is then when the next
 * scheduled task or lease is due, from now (-1: none).
 */
enum rc queue_claim(struct queue *, const struct claim *, struct task *tasks,
    size_t *n, int64_t *next_ms, struct err *);

/* Renew a lease, with progress ("140 of 503 rows", "" leaves it).  RC_BUSY:
 * the lease is lost; *cancelled: someone wants it to stop. */
enum rc queue_renew(struct queue *, const struct task *, const char *progress,
    int *cancelled, struct err *);

/* Done: n different tasks at once, each with a result text (JSON or ""; one
 * longer than TASK_RESULT is left out).  lost (may be NULL): how many were not
 * ours any more. */
enum rc queue_complete(struct queue *, const struct task *tasks,
    const char *const *results, size_t n, size_t *lost, struct err *);

/*
 * queue_complete of all n tasks in hand (at most QUEUE_CLAIM_LIGHT) and
 * queue_claim of the next, in one round trip.  Not RC_OK: it is not known what
 * was done of it; leases that nobody renews run out.
 */
enum rc queue_turn(struct queue *, struct task *tasks,
    const char *const *results, size_t *n, size_t *lost, const struct claim *,
    int64_t *next_ms, struct err *);

/*
 * The run failed with why: RC_INVALID, RC_BLOCKED … of rc_retryable decide
 * between retry and the failed set.  not_before_ms: no retry earlier than
 * that from now (Retry-After, breaker); 0: the back-off alone (30 s * 2^(n-1),
 * at most 15 min, half of it random).  RC_BUSY: not ours any more.
 */
enum rc queue_fail(struct queue *, const struct task *, const struct err *why,
    int64_t not_before_ms, struct err *);

/* Give it back uncharged, ready again after delay_ms; why (may be NULL) stays
 * with it until it has run. */
enum rc queue_release(struct queue *, const struct task *, int64_t delay_ms,
    const struct err *why, struct err *);

/* A task that is scheduled is due now.  *woken 0: it is due already, or not
 * scheduled. */
enum rc queue_wake(struct queue *, const char *id, int *woken, struct err *);

/* *told: it is processing, and its worker is told to stop; else it is cancelled
 * now.  RC_NOTFOUND: no such task.  RC_INVALID: it has ended already. */
enum rc queue_cancel(struct queue *, const char *id, int *told, struct err *);

/* Failed tasks back to pending with fresh attempts: one id, or up to most of
 * a type (TASK__MAX: of any).  *n how many.  Of one id, which may be cancelled
 * too: RC_NOTFOUND, RC_INVALID (it has not failed), RC_BUSY (equal work waits
 * or runs; requeue_all passes such tasks over).  RC_FULL: QUEUE_MAX is reached;
 * *n is set then too. */
enum rc queue_requeue(struct queue *, const char *id, struct err *);
enum rc queue_requeue_all(
    struct queue *, enum task_type, int64_t most, int64_t *n, struct err *);

/* Nothing is claimed until resume, or for_ms (0: without end). */
enum rc queue_pause(
    struct queue *, const char *reason, int64_t for_ms, struct err *);
enum rc queue_resume(struct queue *, struct err *);

/* Forget finished tasks older than that; at most 1000 a call.  *n how many. */
enum rc queue_purge(struct queue *, int64_t older_ms, int64_t *n, struct err *);

struct queue_stats {
	int64_t now_us;
	int64_t pending, scheduled, processing, completed, failed;
	int64_t by_priority[PRIORITY__MAX]; /* of pending; -1 if not counted */
	int64_t oldest_us; /* ready_us of the first in line; 0: none */
	int64_t expired;   /* leases that have run out */
	int paused;
	char pause_reason[TASK_TEXT + 1];
	int64_t pause_until_us;
	/* counters that never fall */
	int64_t enqueued, merged, refused, claimed, done, retried, lost, dead,
	    released, cancelled;
	int64_t done_minute, failed_minute; /* in the last 60 s, as far as the
					       sets keep them: 10 000 */
};

/* Read-only, one round trip. */
enum rc queue_stats(struct queue *, struct queue_stats *, struct err *);

/*
 * The same in two halves, so that it goes with other questions in one round
 * trip: ask for it last, fetch the replies to the others, then read (which
 * fetches its own, and asks again where Redis does not know the script).
 */
enum rc queue_stats_ask(struct queue *, struct err *);
enum rc queue_stats_read(struct queue *, struct queue_stats *, struct err *);

/* Everything about one task, or about the one that an id was merged into;
 * RC_NOTFOUND.  *position: in line from 0, -1 where it does not wait.
 * Read-only. */
enum rc queue_get(struct queue *, const char *id, struct task *,
    int64_t *position, struct err *);

/* Ids of a set ("failed", "completed", "cancelled", "processing", "scheduled",
 * "ready"),
 * newest first for finished ones; at most most.  ids is [most]. */
enum rc queue_list(struct queue *, const char *set, size_t most,
    char (*ids)[TASK_ID + 1], size_t *n, struct err *);

struct queue_audit {
	int64_t tasks;      /* looked at */
	int64_t orphans;    /* of no set although they have not ended */
	int64_t strays;     /* in a set without their hash, or in two sets; keys
			       of tasks that are none */
	int64_t duplicates; /* unique entries that point nowhere; equal work
			       held twice */
	int64_t repaired;
};

/* Look for what cannot be, in bounded steps; repair puts orphans back, cancels
 * the second of equal work, and never deletes a task. */
enum rc queue_audit(
    struct queue *, int repair, struct queue_audit *, struct err *);

#endif

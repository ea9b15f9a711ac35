/*
 * The scheduler: what cron's lines run, and the switch over them.
 *
 * A slot is the name of the latest instant at which a job was due:
 * daily:2026-11-23 by local date, hourly:2026-11-23T13Z by UTC hour,
 * weekly:2026-W47 by ISO week, warm:2026-11-23 (scheduler_calendar.h), by the
 * clock of this machine, which is cron's.  Redis accepts each slot once, in the
 * step that enqueues its tasks, so any number of hosts may carry the same
 * crontab.  One that is older than the newest accepted one of its job is
 * refused in that step: a clock that goes back runs nothing twice.
 *
 * accepted ──▶ done.  A run holds its slot by a lease of TASK_LEASE; a slot
 * whose run died is taken up by the next run of that job, or by the hourly
 * one.  Its tasks are there already; the rest of the work may be done twice.
 *
 * Keys, in the hash slot of the queue:
 *
 *	slots       HASH  of each job the newest slots, "<accepted_us> <run>",
 *	                  behind it " done"; "lease:<slot>", "<until_us> <run>";
 *	                  "switch", "<0|1> <since_us>"
 *	runs:<job>  LIST  the last SCHEDULER_HISTORY runs that ended
 *
 * Errors: those of queue.h.  RC_FULL: no room for the tasks; the slot stays
 * open, and the hourly run catches it up.
 */
#ifndef SCHEDULER_H
#define SCHEDULER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/rc.h"
#include "data/dataset.h"
#include "scheduler_calendar.h"
#include "scheduler_slots.h"
#include "store/queue.h"
#include "store/redis.h"

#define SCHEDULER_HISTORY 50 /* runs kept of a job */

struct scheduler;

/* All three are borrowed.  RC_CONFIG: SCHEDULER_INDEXES. */
enum rc scheduler_open(struct scheduler **, const struct config *,
    struct redis *, struct queue *, struct err *);
void scheduler_close(struct scheduler *);

/* How the switch was turned. */
struct scheduler_turn {
	int was;        /* how it stood */
	size_t dropped; /* slots in the future */
};

/* Durable, and the same twice is the same once.  On also drops the slots that
 * lie in the future.  on -1: only note since when it is on, where that is not
 * known, or in the future. */
enum rc scheduler_switch(
    struct scheduler *, int on, struct scheduler_turn *, struct err *);

/* One run of a slot.  Counts are -1 where the run that knew them died; those of
 * tasks alone where the answer that had them was lost. */
struct scheduler_run_info {
	char slot[SCHEDULER_SLOT];
	char run[SCHEDULER_RUN + 1]; /* its id */
	int64_t accepted_us;         /* 0: there is no such run */
	int64_t started_us; /* of the work; later than accepted if taken up */
	int64_t ended_us;   /* 0: not yet */
	int exit;           /* exit status; -1: not yet */
	int64_t enqueued;   /* tasks */
	int64_t merged;     /* tasks that were there already */
	int64_t missed;     /* slots caught up by this one run, itself too;
			       0: it ran in time */
	int64_t purged;     /* tasks and datasets (weekly) */
	int64_t repaired;   /* by the audit (weekly) */
	int64_t findings;   /* of health or audit */
};

struct scheduler_state {
	int running;
	int64_t since_us; /* of the switch; 0: never touched */
	int64_t now_us;   /* Redis TIME */
	/* The newest slot of each job that lies in the future; "": none. */
	char future[JOB__MAX][SCHEDULER_SLOT];
	struct {
		struct scheduler_run_info last;
		int64_t next_s; /* since the epoch; 0: stopped */
	} jobs[JOB__MAX];
	struct {
		int64_t pending, scheduled, processing, completed, failed,
		    cancelled;
	} queue;
};

/* Read-only, one round trip. */
enum rc scheduler_state(
    struct scheduler *, struct scheduler_state *, struct err *);

/* The state as one JSON object, all keys always, without a line end. */
void scheduler_state_json(
    struct buf *, const struct config *, const struct scheduler_state *);

/* The last runs of a job that ended, newest first, at most most.  Read-only. */
enum rc scheduler_history(struct scheduler *, enum scheduler_job,
    struct scheduler_run_info *, size_t most, size_t *n, struct err *);

/* The same with the last most runs of each job, as text or JSON: what
 * `schedule show` prints. */
enum rc scheduler_show(
    struct scheduler *, size_t most, int json, struct buf *, struct err *);

/* The crontab of the settings (scheduler_crontab.c). */
struct scheduler_crontab {
	const char *user; /* of the lines of /etc/cron.d; NULL: a user's own */
	const char *bin;  /* where the programs are; NULL: /usr/local/bin */
	const char *conf; /* STOCKNITY_CONF; NULL: none */
};

/* RC_USAGE: a text that cannot stand in a crontab. */
enum rc scheduler_crontab(const struct config *,
    const struct scheduler_crontab *, struct buf *, struct err *);

/* Does a line of a crontab that was made for HH:MM fit the settings?
 * RC_CONFIG: no, and how to mend it. */
enum rc scheduler_check_line(
    const struct config *, enum scheduler_job, const char *at, struct err *);

enum scheduler_what {
	SCHEDULER_RAN,     /* the slot was accepted and is done */
	SCHEDULER_STOPPED, /* the switch is off */
	SCHEDULER_NEVER,   /* its setting is empty */
	SCHEDULER_TAKEN,   /* this slot was accepted before */
	SCHEDULER_OLDER,   /* a newer one was */
	SCHEDULER_OVERLAP  /* a living run holds the slot */
};

struct scheduler_outcome {
	enum scheduler_what what;
	struct scheduler_run_info run; /* of the slot of now */
	char text[256];                /* findings, one line; "": none */
};

/*
 * What `schedule run` does, at the instant now_us of this machine's clock.
 * RC_OK, also if there was nothing to do.  RC_UNHEALTHY: done, but health or
 * audit found what stands in outcome->text.
 */
enum rc scheduler_run(struct scheduler *, enum scheduler_job, int64_t now_us,
    struct scheduler_outcome *, struct err *);

/* One urgent forced task: of a dataset, or for each index of
 * SCHEDULER_INDEXES (results has DATASET_INDEXES places).  The switch does not
 * matter.  RC_FULL: not (all) enqueued. */
enum rc scheduler_refresh(struct scheduler *, const struct dataset *,
    struct enqueue_result *, struct err *);
enum rc scheduler_force_refresh(
    struct scheduler *, struct enqueue_result *, size_t *n, struct err *);

#endif

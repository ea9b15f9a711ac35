/*
 * What the files of the scheduler share, and nobody else.
 */
#ifndef SCHEDULER_PART_H
#define SCHEDULER_PART_H

#include "scheduler.h"
#include "scheduler_slots.h"

#define SCHEDULER_GRACE 300 /* seconds after which a slot is late */

struct scheduler {
	const struct config *config; /* borrowed, as the next two */
	struct redis *redis;
	struct queue *queue;
	int minutes[JOB__MAX]; /* since midnight; -1: never */
	struct {
		int64_t at_s, next_s; /* asked then, it is due then */
	} due[JOB__MAX];
	const char *indexes[DATASET_INDEXES];
	size_t nindexes;
	/* Of the tasks of an hourly slot, what is likely to be read. */
	struct dataset likely[DATASET_INDEXES * DATASET_SECTORS];
	size_t nlikely;
};

/* The HH:MM of a job; "": never. */
const char *scheduler_setting(const struct config *, enum scheduler_job);

/* As scheduler_state, with the slots. */
enum rc scheduler_look(struct scheduler *, struct scheduler_state *,
    struct scheduler_slots *, struct err *);

/* A run as a line of the history, but for its end, and back. */
void scheduler_record(const struct scheduler_run_info *, struct buf *);
int scheduler_record_read(const char *line, struct scheduler_run_info *);

/* A script of the scheduler that answers an array or an integer; n is at most
 * SCHEDULER_ARGS. */
#define SCHEDULER_ARGS (1 + SCHEDULER_SLOTS)
enum rc scheduler_call(struct scheduler *, const struct script *,
    enum scheduler_job, int nkeys, const char *const *args, size_t n,
    redisReply **, struct err *);

/*
 * What there is to read, in one round trip of plain commands (half the work of
 * a script for Redis): its time, the sizes of six sets, the slots, and of each
 * job the newest run.
 */
enum scheduler_part {
	PART_NOW,
	PART_PENDING,
	PART_SCHEDULED,
	PART_PROCESSING,
	PART_FAILED,
	PART_COMPLETED,
	PART_CANCELLED,
	PART_SLOTS,
	PART_RUNS,
	SCHEDULER_PARTS = PART_RUNS + JOB__MAX
};

/* v is all NULL, before and where it fails. */
enum rc scheduler_call_state(
    struct scheduler *, redisReply *v[SCHEDULER_PARTS], struct err *);
void scheduler_free_state(redisReply *v[SCHEDULER_PARTS]);
/* The runs of a job. */
enum rc scheduler_call_runs(struct scheduler *, enum scheduler_job,
    const char *last, redisReply **, struct err *);

/* One step of scheduler_run: what it knows, and the slot it is at. */
struct scheduler_step {
	struct scheduler *scheduler;
	const struct scheduler_slots *slots;
	int64_t since_us; /* of the switch */
	int64_t now_us;   /* of this machine's clock: which slots are due */
	int64_t redis_us; /* that of Redis at its start, by which data ages */
	enum scheduler_job job;
	struct scheduler_run_info run; /* its counts are filled in */
	struct buf *text;              /* findings */
};

/* The tasks of the step's slot; specs has SCHEDULER_TASKS places. */
#define SCHEDULER_TASKS (DATASET_INDEXES * DATASET_SECTORS)
enum rc scheduler_tasks(const struct scheduler_step *, struct task_spec *specs,
    size_t *n, struct err *);

/* Those that think ahead (scheduler_ahead.c). */
enum rc scheduler_hourly_tasks(
    const struct scheduler_step *, struct task_spec *, size_t *n, struct err *);
enum rc scheduler_warm_tasks(
    const struct scheduler_step *, struct task_spec *, size_t *n, struct err *);
/* The hourly slot was accepted: count what is fetched because it is likely to
 * be read. */
void scheduler_count_likely(const struct scheduler_step *);

/* The latest slot of the step's job, under a new run. */
void scheduler_step_slot(struct scheduler_step *);

/* Accept the slot with its tasks, unless *fate says why not. */
enum rc scheduler_accept(
    struct scheduler_step *, enum slot_fate *fate, struct err *);

/* Hold an accepted slot by its lease, do its work, and write that it is done.
 * *what: how it went. */
enum rc scheduler_finish(
    struct scheduler_step *, enum scheduler_what *what, struct err *);

/* The lease for as long again; RC_BUSY: it is lost. */
enum rc scheduler_renew(struct scheduler_step *, struct err *);

/* The work of a slot whose tasks are enqueued already; it may be done twice.
 * RC_UNHEALTHY: done, findings stand in text. */
enum rc scheduler_work(struct scheduler_step *, struct err *);

#endif

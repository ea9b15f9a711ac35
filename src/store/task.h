/*
 * A task: what is to be done, for which dataset, and how it stands.
 *
 * Types are a table (task.c): a new one is a line there and a handler in
 * src/handler.c.  Two tasks of the same type, index and sector are equal work,
 * and the queue keeps one of them.
 */
#ifndef STORE_TASK_H
#define STORE_TASK_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "data/dataset.h"

#define TASK_ID     36 /* characters of an id: a UUID */
#define TASK_TEXT   64 /* bytes of a value that waits in Redis, see queue.h */
#define TASK_WORK   62 /* "type|index|sector" */
#define TASK_OWNER  28 /* of the name of a worker, without spaces */
#define TASK_RESULT 512
#define TASK_ERRORS 8

enum task_type {
	TASK_FETCH,   /* fetch_stock_data: refresh a dataset */
	TASK_RETURNS, /* calculate_annual_returns of an index; a part of it has
			 "3/11" for a sector */
	TASK_PROBE,   /* probe: does nothing but prove the path */
	TASK__MAX
};

enum priority {
	PRIORITY_LOW,
	PRIORITY_NORMAL,
	PRIORITY_HIGH,
	PRIORITY_URGENT,
	PRIORITY__MAX
};

enum task_status {
	TASK_PENDING,
	TASK_SCHEDULED, /* delayed, or waiting for its retry */
	TASK_PROCESSING,
	TASK_COMPLETED,
	TASK_FAILED,
	TASK_CANCELLED,
	TASK_STATUS__MAX
};

struct task_type_info {
	const char *name; /* "fetch_stock_data" */
	int light;        /* claimed up to 50 at a time */
	int has_dataset;  /* index and sector mean something */
};

extern const struct task_type_info task_types[TASK__MAX];

/* What is asked for.  Strings are borrowed. */
struct task_spec {
	char id[TASK_ID + 1]; /* "": one is made */
	enum task_type type;
	struct dataset dataset; /* "" and "" where the type has none; with the
				   name of the type up to TASK_WORK - 2 */
	int force;
	enum priority priority;
	int64_t delay_ms;
	int fresh; /* its id was made just now: nobody knows it */
};

/* One failed or lost run. */
struct task_error {
	int64_t at_ms;            /* since the epoch */
	char text[TASK_TEXT + 1]; /* "rate-limited: HTTP status 429", cut */
};

/* All that is known of a task. */
struct task {
	char id[TASK_ID + 1];
	enum task_type type;
	char index[TASK_TEXT + 1];
	char sector[TASK_TEXT + 1];
	int force;
	enum priority priority;
	enum task_status status;
	int retry_count;  /* runs that were charged */
	int lost;         /* leases that ran out since the last answer */
	int cancel;       /* its worker is to stop */
	int64_t rerun_us; /* asked for by force while it is processing: once
			     more then; 0: no */
	int64_t token;    /* of the claim; grows, never repeats */
	int64_t created_us, ready_us, due_us, started_us, finished_us;
	int64_t asked_us;           /* created, or the last time that it was
				       asked for by force (when it is due,
				       for a task of its own with a delay) */
	int64_t lease_us;           /* end of the lease, while processing */
	char owner[TASK_OWNER + 1]; /* "host:pid" */
	char run[TASK_TEXT + 1];    /* of the last claim, as Redis has it: its
				       fence */
	char progress[TASK_TEXT + 1];
	char result[TASK_RESULT + 1];
	struct task_error put_off; /* why it was last, since its last run */
	struct task_error errors[TASK_ERRORS];
	size_t nerrors;
};

/* RC_USAGE with the allowed names (and the nearest). */
enum rc task_type_of(const char *name, enum task_type *, struct err *);
/* "low" to "urgent", or "1" to "4". */
enum rc task_priority_of(const char *name, enum priority *, struct err *);
const char *task_priority_name(enum priority);
const char *task_status_name(enum task_status);
enum rc task_status_of(const char *name, enum task_status *, struct err *);

/* A new time-ordered id (UUIDv7 of the wall clock and getrandom). */
void task_new_id(char out[TASK_ID + 1]);

/* The same for many, each later than the one before; zeroed to begin with. */
#define TASK_RANDOM 128
struct task_ids {
	uint64_t last; /* time in the one before */
	size_t left;
	uint64_t random[TASK_RANDOM];
};
void task_ids_next(struct task_ids *, char out[TASK_ID + 1]);
/* Is it one: 8-4-4-4-12 lower-case hexadecimal digits? */
int task_is_id(const char *);

#endif

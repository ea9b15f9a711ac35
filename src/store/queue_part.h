/*
 * What the files of the queue share, and nobody else: the keys, the call of a
 * script, and the reading of a task.
 *
 * A script gets the keys that it uses, and makes the key of a task out of the
 * first one's prefix: they share its hash tag.
 */
#ifndef STORE_QUEUE_PART_H
#define STORE_QUEUE_PART_H

#include "store/queue.h"

#define QUEUE_MAX_MS (INT64_C(1) << 40) /* keeps sums far from overflow */
#define QUEUE_CHUNK  1000 /* ids of one step of purge, requeue and audit */

enum queue_key {
	KEY_READY,
	KEY_SCHEDULED,
	KEY_PROCESSING,
	KEY_UNIQUE,
	KEY_STATS,
	KEY_CONFIG,
	KEY_FAILED,
	KEY_COMPLETED,
	KEY_CANCELLED,
	KEY_SLOTS,
	KEY_ALIASES,
	QUEUE_KEYS
};

/* The keys of a script, in its order: KEYS(KEY_READY, KEY_CONFIG). */
#define KEYS(...) ((const enum queue_key[]){ __VA_ARGS__, QUEUE_KEYS })

struct queue {
	struct redis *redis; /* borrowed */
	int64_t limits[PRIORITY__MAX];
	int64_t lease_us;
	int64_t attempts;
	int64_t retry_us;
};

/* A number as an argument. */
struct number {
	char s[24];
};
const char *queue_number(struct number *, int64_t);

/* Not below 0, nor above QUEUE_MAX_MS. */
int64_t queue_us_of_ms(int64_t);

/* QUEUE_HEAD_START in microseconds, as an argument. */
const char *queue_head_start(void);

extern const char *const queue_keys[QUEUE_KEYS];
#define QUEUE_TASK "stocknity:{default}:task:" /* and the id */

/* How much of QUEUE_MAX each priority may fill, as PRIORITY__MAX arguments. */
struct limits {
	struct number n[PRIORITY__MAX];
};
void queue_limits(const struct queue *, struct limits *, const char **args);

/* Type, index and sector: what makes work equal.  0: too long. */
int queue_work(char out[TASK_WORK + 1], const struct task_spec *);

/* A script with its keys and n arguments. */
enum rc queue_call(struct queue *, const struct script *,
    const enum queue_key *, const char *const *args, size_t n, redisReply **,
    struct err *);

/* The same without the answer, which redis_fetch then gives. */
enum rc queue_add(struct queue *, const struct script *, const enum queue_key *,
    const char *const *args, size_t n, struct err *);

/* The same for a script that answers an integer. */
enum rc queue_call_int(struct queue *, const struct script *,
    const enum queue_key *, const char *const *args, size_t n, int64_t *,
    struct err *);

/* The fields of a task's hash that queue_task_read wants, in its order; the
 * first QUEUE_CLAIMED are those that lua/queue_claim.lua answers. */
#define QUEUE_FIELDS  19
#define QUEUE_CLAIMED 2
extern const char *const queue_fields[QUEUE_FIELDS];

/* A task out of the values of the first n fields (nil: absent).  RC_INVALID:
 * of a type or status that we do not know. */
enum rc queue_task_read(
    const redisReply *const *values, size_t n, struct task *, struct err *);

/* ready_us, out of a place in line ("": it has none). */
void queue_task_place(struct task *, const char *score);

/* The arguments of lua/queue_complete.lua, for up to QUEUE_CLAIM_LIGHT tasks,
 * which they borrow from. */
struct completion {
	const char *args[1 + 3 * QUEUE_CLAIM_LIGHT];
	size_t n;
};
extern const enum queue_key queue_complete_keys[];
void queue_complete_fill(struct completion *, const struct task *,
    const char *const *results, size_t n);

#endif

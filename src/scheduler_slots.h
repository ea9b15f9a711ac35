/*
 * The slots of the scheduler as they stand in Redis (scheduler.h has the
 * format), and the switch among them.
 */
#ifndef SCHEDULER_SLOTS_H
#define SCHEDULER_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "scheduler_calendar.h"
#include "store/redis.h"

#define SCHEDULER_SLOTS_KEY "stocknity:{default}:slots"
#define SCHEDULER_RUN       36  /* characters of a run's id */
#define SCHEDULER_SLOTS     256 /* of those in Redis, as many are looked at */
/* A clock may be so much before that of Redis, in microseconds. */
#define SCHEDULER_AHEAD_US (120 * INT64_C(1000000))

/* A slot that was accepted. */
struct scheduler_slot {
	char name[SCHEDULER_SLOT];
	char run[SCHEDULER_RUN + 1];
	enum scheduler_job job;
	int64_t accepted_us;
	int done;
};

struct scheduler_slots {
	struct scheduler_slot list[SCHEDULER_SLOTS];
	size_t n;
	int running;      /* the switch */
	int64_t since_us; /* of it; 0: never touched */
};

/* Send for them (redis_add); the reply is one. */
enum rc scheduler_slots_ask(struct redis *, struct err *);
/* What is not ours is passed over. */
void scheduler_slots_read(const redisReply *, struct scheduler_slots *);

/* The newest slot of a job; NULL: none was ever accepted. */
const struct scheduler_slot *scheduler_newest(
    const struct scheduler_slots *, enum scheduler_job);
const struct scheduler_slot *scheduler_find(
    const struct scheduler_slots *, const char *name);

/* Does a slot lie in the future at now_us of Redis?  A clock that was ahead
 * accepted it, and what is due before it is refused. */
int scheduler_is_future(
    const struct scheduler_slot *, int64_t now_us, calendar_zone *);
/* The newest of them of each job; "": none. */
void scheduler_future(const struct scheduler_slots *, int64_t now_us,
    calendar_zone *, char names[JOB__MAX][SCHEDULER_SLOT]);
/* What there is to say of one, without a line end. */
void scheduler_future_text(struct buf *, const char *name);

/* The words of a line.  Each returns where the next one begins; NULL: none, or
 * too long for out, or not a number. */
const char *scheduler_word(const char *, char *out, size_t size);
const char *scheduler_number(const char *, int64_t *out);

#endif

/*
 * hiredis made typed: one connection, made when first needed, with
 * REDIS_TIMEOUT on connecting and on every answer.
 *
 * A call that fails on the connection is RC_STORE and drops it; the next call
 * connects anew.  An answer that is an error becomes a code: RC_FULL (OOM),
 * RC_BUSY (LOADING, BUSY, TRYAGAIN, CLUSTERDOWN, MASTERDOWN), RC_DENIED
 * (NOAUTH, WRONGPASS, NOPERM, READONLY), RC_INVALID (WRONGTYPE), else
 * RC_STORE.  Messages name the server ("redis at localhost:6379/0") and never
 * a password.
 *
 * Programs ignore SIGPIPE: a server that goes away while it is written to
 * would end them.
 */
#ifndef STORE_REDIS_H
#define STORE_REDIS_H

#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/rc.h"

struct redis;

/*
 * Connect, AUTH, SELECT, all at once.  RC_CONFIG: a REDIS_URL that we cannot
 * read; RC_STORE: nobody answers; RC_DENIED: not with this password.
 */
enum rc redis_open(struct redis **, const struct config *, struct err *);
void redis_close(struct redis *);

enum redis_how {
	/* Password, database and greeting go with the first question: one
	 * round trip less, and what is wrong with them shows then.  For who
	 * only reads: a question is answered although one of them failed. */
	REDIS_LATER = 1,
	/* Ask how Redis evicts, with the greeting. */
	REDIS_EVICTION = 2,
	/* Do not connect yet: the first question does. */
	REDIS_UNCONNECTED = 4,
	/* For who serves many, one after the other: once Redis has not
	 * answered in time (it hangs, rather than being gone), it is asked
	 * again a second later at the earliest, and given REDIS_WARY_MS, until
	 * it answers; what is asked in between is RC_STORE at once. */
	REDIS_WARY = 8
};
#define REDIS_WARY_MS 250

/* The same, with bits of enum redis_how. */
enum rc redis_open_as(
    struct redis **, const struct config *, unsigned how, struct err *);

/* RC_CONFIG: it evicts what no expiry is set for, so tasks too (as it said
 * when REDIS_EVICTION asked; RC_OK where it does not tell). */
enum rc redis_check_eviction(const struct redis *, struct err *);

/* Is this a maxmemory-policy that throws tasks away? */
int redis_evicts_tasks(const char *policy);

/* The value of a line of INFO; "" where it is not there, or info is NULL. */
const char *redis_info(
    const char *info, const char *name, char *out, size_t size);

/* "localhost:6379/0", "unix:/run/redis.sock": for messages. */
const char *redis_name(const struct redis *);

/* From now on wait no longer than that for connecting and for an answer. */
void redis_hurry(struct redis *, int64_t ms);

/*
 * One command.  *out is freed with freeReplyObject by the caller; it is never
 * an error reply.  Arguments may hold any bytes; lens may be NULL.
 */
enum rc redis_call(struct redis *, int argc, const char *const *argv,
    const size_t *lens, redisReply **out, struct err *);

/*
 * Pipelining: add commands, then fetch their replies in the same order.  All
 * n replies are taken even if one is an error; that error is returned and its
 * slot (and those after a lost connection) is NULL.
 */
enum rc redis_add(struct redis *, int argc, const char *const *argv,
    const size_t *lens, struct err *);
enum rc redis_fetch(struct redis *, redisReply **out, size_t n, struct err *);

/*
 * A command whose answer nobody waits for: it is added, sent by redis_send,
 * and its answer is taken and dropped before the next question is asked.  Not
 * between redis_add and redis_fetch.
 */
enum rc redis_tell(struct redis *, int argc, const char *const *argv,
    const size_t *lens, struct err *);
void redis_send(struct redis *);

/*
 * What is wrong where work cannot go on without what Redis refused: RC_DENIED,
 * a key of ours holds something else (WRONGTYPE), which does not mend itself;
 * RC_STORE, it is lost, loading or does not let us.  Other codes stay.
 */
enum rc redis_trouble(enum rc);

/* rc; where it is RC_INVALID (WRONGTYPE) the message names the key. */
enum rc redis_blame_key(enum rc rc, const char *key, struct err *);

/* RC_BUG: replies are to be fetched, and no call can be made. */
enum rc redis_idle(const struct redis *, struct err *);

/* Give back the memory that a big answer took: hiredis keeps its buffer as long
 * as small ones come behind. */
void redis_shrink(struct redis *);

/* Redis TIME in microseconds since the epoch: the clock of all processes. */
enum rc redis_time_us(struct redis *, int64_t *us, struct err *);

/* The same out of a reply to TIME. */
int64_t redis_reply_us(const redisReply *time);

/* Element i of an array, an integer or a string that is one; else deflt. */
int64_t redis_int(const redisReply *reply, size_t i, int64_t deflt);

/*
 * A Lua script; text and SHA1 are made by lua2c.sh out of store/lua/NAME.lua.
 * EVALSHA, and EVAL where Redis does not know it (a restart, SCRIPT FLUSH).
 */
struct script {
	const char *name;
	const char *sha;
	const char *text;
};

/* argv: nkeys keys, then the arguments; argc counts both. */
enum rc redis_script(struct redis *, const struct script *, int nkeys, int argc,
    const char *const *argv, const size_t *lens, redisReply **out,
    struct err *);

/*
 * The same in two halves: add it to a pipeline as its last command, fetch the
 * replies to the others, then its own.  Both are given the same arguments.
 */
enum rc redis_script_add(struct redis *, const struct script *, int nkeys,
    int argc, const char *const *argv, const size_t *lens, struct err *);
enum rc redis_script_fetch(struct redis *, const struct script *, int nkeys,
    int argc, const char *const *argv, const size_t *lens, redisReply **out,
    struct err *);

extern const struct script script_guard_take;
extern const struct script script_guard_unbook;
extern const struct script script_guard_report;
extern const struct script script_flight;
extern const struct script script_cache_put;
extern const struct script script_cache_ahead;
extern const struct script script_cache_hour;
extern const struct script script_queue_enqueue;
extern const struct script script_queue_claim;
extern const struct script script_queue_reap;
extern const struct script script_queue_renew;
extern const struct script script_queue_complete;
extern const struct script script_queue_fail;
extern const struct script script_queue_release;
extern const struct script script_queue_cancel;
extern const struct script script_queue_requeue;
extern const struct script script_queue_pause;
extern const struct script script_queue_purge;
extern const struct script script_queue_stats;
extern const struct script script_queue_get;
extern const struct script script_queue_audit;
extern const struct script script_cache_purge;
extern const struct script script_returns_begin;
extern const struct script script_returns_keep;
extern const struct script script_returns_end;
extern const struct script script_returns_done;
extern const struct script script_returns_look;
extern const struct script script_schedule_switch;
extern const struct script script_schedule_begin;
extern const struct script script_schedule_done;

#endif

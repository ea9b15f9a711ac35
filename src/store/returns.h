/*
 * The work on the annual returns of an index, in Redis while it is under way:
 *
 *	stocknity:work:{annual_returns:S&P 500}  HASH
 *	    fence     microseconds at which it began, or went on: its name
 *	    began     likewise, the first time: no record is older
 *	    n         how many tickers it has,
 *	    tickers   with spaces between
 *	    chunks    of RETURNS_CHUNK tickers, each a task
 *	    t:AAPL    its record, kept as it comes
 *	    task:3    the id of chunk 3's task
 *	    end:3     chunk 3 has ended: done, or failed for good
 *	    why       the chunk that failed last
 *	    over      all have ended, and what was made of it is not whole:
 *	              by which run of which task, and what it said
 *
 * There is one work of an index at a time.  It is forgotten when its document
 * is written, or RETURNS_KEPT_S after it first began.  One that is over stays
 * until then with its records: who begins again in the first five hours asks
 * only for those that it lacks, and figures that are older than that are never
 * mixed with new ones.  Each change is one script.
 */
#ifndef STORE_RETURNS_H
#define STORE_RETURNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/rc.h"
#include "store/redis.h"
#include "store/task.h"

#define RETURNS_CHUNK  50
#define RETURNS_CHUNKS (LIMIT_ROWS / RETURNS_CHUNK + 1)
#define RETURNS_KEPT_S 21600

/* One work, as it stood when it was read; owns its texts. */
struct returns_work {
	int64_t fence_us; /* 0: none is under way */
	int64_t began_us;
	int over;
	size_t chunks;
	size_t n;             /* tickers */
	const char **tickers; /* in the order of the index */
	const char **records; /* what is kept of each; NULL: nothing yet */
	char *text;
	redisReply *reply;
};

enum returns_anew {
	RETURNS_GO_ON, /* one that is over goes on with what it lacks */
	RETURNS_ANEW   /* instead of one that is over a new one begins */
};

/* Begin one, or find the one under way.  tickers: with spaces between. */
enum rc returns_begin(struct redis *, const char *index, const char *tickers,
    size_t n, enum returns_anew, struct returns_work *, struct err *);
/* The one there is, with its records; fence_us 0: none. */
enum rc returns_find(
    struct redis *, const char *index, struct returns_work *, struct err *);
void returns_work_fini(struct returns_work *);

/* Keep a record.  RC_NOTFOUND: that work is over or forgotten. */
enum rc returns_keep(struct redis *, const char *index, int64_t fence_us,
    const char *ticker, const char *record, struct err *);

/* Which task a chunk (from 1) has.  RC_NOTFOUND: as above. */
enum rc returns_assign(struct redis *, const char *index, int64_t fence_us,
    size_t chunk, const char *id, struct err *);

/* A chunk has ended; why it failed, NULL: it did not.  *left: how many have
 * not; -1: that work is over or forgotten. */
enum rc returns_end(struct redis *, const char *index, int64_t fence_us,
    size_t chunk, const char *why, int64_t *left, struct err *);

/* The whole document is written: forget the work. */
enum rc returns_done(
    struct redis *, const char *index, int64_t fence_us, struct err *);

/* Forget the work, whatever is under way: that begins anew. */
enum rc returns_forget(struct redis *, const char *index, struct err *);

/* It is over, and what there is to say of it is for run attempt of task id. */
enum rc returns_over(struct redis *, const char *index, int64_t fence_us,
    const char *id, int attempt, enum rc rc, const char *said, struct err *);

/* How a work stands, without its records. */
struct returns_look {
	int64_t fence_us; /* 0: none */
	int64_t age_us;
	size_t n, kept; /* tickers, records */
	size_t chunks, left;
	unsigned char ended[RETURNS_CHUNKS];
	char task[RETURNS_CHUNKS][TASK_ID + 1]; /* "": none yet */
	char why[TASK_TEXT + 1];
	int over;
	char over_id[TASK_ID + 1];
	int over_attempt;
	struct err over_said;
};

/* Reads only. */
enum rc returns_look(
    struct redis *, const char *index, struct returns_look *, struct err *);

#endif

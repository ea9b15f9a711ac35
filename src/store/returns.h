/*
 * The work on the annual returns of an index, in Redis while it is under way:
 *
 *	stocknity:work:{annual_returns:S&P 500}  HASH
 *	    fence     microseconds at which it began: its name
 *	    tickers   of the index, with spaces between
 *	    chunks    of RETURNS_CHUNK tickers, each a task
 *	    t:AAPL    its record, kept as it comes
 *	    end:3     chunk 3 has ended: done, or failed for good
 *	    last      the chunk that ended last, and writes the document
 *
 * There is one work of an index at a time.  It is forgotten when its document
 * is written, or RETURNS_KEPT_S after it began: a chunk that is tried again
 * asks only for what it has not got, and figures that are older than that are
 * never mixed with new ones.  Each change is one script.
 */
#ifndef STORE_RETURNS_H
#define STORE_RETURNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "store/redis.h"

#define RETURNS_CHUNK  50
#define RETURNS_KEPT_S 21600

/* One work, as it stood when it was read; owns its texts. */
struct returns_work {
	int64_t fence_us; /* 0: none is under way */
	size_t chunks;
	size_t n;             /* tickers */
	const char **tickers; /* in the order of the index */
	const char **records; /* what is kept of each; NULL: nothing yet */
	char *text;
	redisReply *reply;
};

/* Begin one, or find the one under way.  tickers: with spaces between. */
enum rc returns_begin(struct redis *, const char *index, const char *tickers,
    size_t n, struct returns_work *, struct err *);
/* The one under way, with its records; fence_us 0: none. */
enum rc returns_find(
    struct redis *, const char *index, struct returns_work *, struct err *);
void returns_work_fini(struct returns_work *);

/* Keep a record.  RC_NOTFOUND: that work is over. */
enum rc returns_keep(struct redis *, const char *index,
    const struct returns_work *, const char *ticker, const char *record,
    struct err *);

/* A chunk has ended.  *last: its task is to write the document. */
enum rc returns_end(struct redis *, const char *index,
    const struct returns_work *, size_t chunk, int *last, struct err *);

/* The document is written: forget the work. */
enum rc returns_done(struct redis *, const char *index,
    const struct returns_work *, struct err *);

#endif

/*
 * The cache of datasets in Redis.
 *
 *	stock_data:S&P 500:Technology                 STRING  the envelope
 *	stocknity:meta:{stock_data:S&P 500:Technology} HASH   what is about it
 *	stocknity:gzip:{stock_data:S&P 500:Technology} STRING  the first, packed
 *	stocknity:members:{stock_data:S&P 500:Technology} STRING  who is in it
 *	stocknity:asked:{stock_data:S&P 500:Technology} STRING  its refresh was
 *	                                              queued a moment ago
 *	stocknity:failed:{stock_data:S&P 500:Technology} STRING  the task that
 *	                                              failed to, a moment ago
 *	annual_returns                                STRING  likewise, of all
 *	stocknity:session:{yahoo}                     STRING  a source's session
 *
 * The first is the application's own key (RedisDataManager.get_stock_data);
 * the others lie in the same hash slot as what they belong to.  A dataset is
 * fresh for CACHE_TTL, stale for STALE_TTL longer, then gone by Redis expiry.
 * All key names of datasets are built in cache.c and nowhere else.
 */
#ifndef STORE_CACHE_H
#define STORE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/rc.h"
#include "data/dataset.h"
#include "store/redis.h"

#define CACHE_KEY    (2 * LIMIT_KEY)
#define CACHE_FAILED 37 /* bytes of the id of a task, with its NUL */

/* The keys of a dataset; RC_BUG: too long. */
struct cache_keys {
	char value[CACHE_KEY];
	char meta[CACHE_KEY];
	char gzip[CACHE_KEY];
	char members[CACHE_KEY];
	char asked[CACHE_KEY];
	char failed[CACHE_KEY];
};

enum rc cache_keys(const struct dataset *, struct cache_keys *, struct err *);

/*
 * In place of a sector: the annual returns of an index, annual_returns:S&P 500
 * with companion keys of its own like any dataset.  Index "" is
 * annual_returns alone, the application's key: a copy of those of the S&P 500.
 */
#define CACHE_RETURNS "annual_returns"
int cache_is_returns(const struct dataset *);

enum cache_count { CACHE_COUNT_NONE, CACHE_COUNT_ALL };

enum cache_state { CACHE_ABSENT, CACHE_FRESH, CACHE_STALE };

struct cache_entry {
	enum cache_state state;
	const char *bytes; /* the envelope, NUL-terminated; NULL: absent */
	size_t len;
	int64_t fetched_us; /* its fence */
	int64_t fresh_ms;   /* fresh until then, since the epoch */
	int64_t now_ms;     /* Redis time of the reading */
	int64_t expires_ms; /* it is gone then, and its counters */
	int64_t cost_ms;    /* what its sweep took; 0: unknown */
	int64_t read_ms;    /* when it was last read; 0: never */
	int64_t ahead_ms;   /* when it was last fetched because it was likely
			       to be read; 0: never */
	redisReply *reply;  /* that owns bytes */
};

/*
 * Read a dataset.  max_age_ms: older is stale (-1: CACHE_TTL decides).
 * Absent is RC_OK with CACHE_ABSENT, as is a value that is not ours: *foreign
 * (may be NULL) is set then, so that the caller can say so once.  count says
 * whether this read adds to the counters (hits, stale, misses, last read).
 */
enum rc cache_get(struct redis *, const struct dataset *, int64_t max_age_ms,
    enum cache_count, struct cache_entry *, int *foreign, struct err *);
void cache_entry_fini(struct cache_entry *);

/*
 * The same for who passes the bytes on (cache_serve.c): value, digest and age
 * of one moment, in one round trip; the read is counted without waiting for
 * Redis.  gzip wanted, there and fresh: bytes are the stored gzip variant; a
 * stale answer has words before its bytes, so those are plain.  Absent where
 * the bytes are not ours.  One read is counted, however often it looked.
 */
struct cache_served {
	struct cache_entry entry;
	int gzip;          /* bytes are packed */
	char etag[DIGEST]; /* of the bytes; "" where none was stored */
};

enum rc cache_serve(struct redis *, const struct cache_keys *, int gzip,
    struct cache_served *, struct err *);

/* Forget a dataset, its gzip variant and that it has failed; its counters stay.
 * Of annual returns also their copy and the work on them.  *n: how many were
 * there, without that. */
enum rc cache_clear(
    struct redis *, const struct dataset *, int64_t *n, struct err *);
/* All of an index, its annual returns too, or (index NULL) all there are. */
enum rc cache_clear_all(
    struct redis *, const char *index, int64_t *n, struct err *);

/* Count a read that cache_get did not. */
void cache_count_read(
    struct redis *, const struct dataset *, const struct cache_entry *);

/* The fence of a dataset alone, to see whether it was written; 0: absent. */
enum rc cache_newest(
    struct redis *, const struct dataset *, int64_t *fence_us, struct err *);

struct cache_value {
	const char *bytes;
	size_t len;
	const char *packed; /* the same in gzip; NULL: there is none */
	size_t packed_len;
	int64_t fence_us; /* of the flight: when its sweep began */
	int64_t fresh_ms; /* since the epoch */
	int64_t rows;
	int64_t cost_ms; /* what the sweep took; 0: unknown */
	const char *source;
	const char *hash; /* data_hash */
	int guard_shrink; /* hold back a table that lost too much */
};

/*
 * Write a dataset.  RC_OK: stored.  RC_BUSY: newer data is there.  RC_INVALID:
 * it lost more than 20 % and at least 5 rows against the last good one, and is
 * held back until a second sweep ten minutes or more later agrees.  RC_DENIED:
 * the key holds another type.  RC_FULL: Redis is full.  Nothing is replaced
 * then.
 */
enum rc cache_put(struct redis *, const struct config *, const struct dataset *,
    const struct cache_value *, struct err *);

/*
 * The members of the last good sweep of a dataset, as membership.c writes
 * them; kept for 30 days.  RC_NOTFOUND: none.  *out is freed by the caller.
 */
enum rc cache_members_get(
    struct redis *, const struct dataset *, char **out, struct err *);
enum rc cache_members_put(struct redis *, const struct dataset *,
    const char *text, size_t len, struct err *);

/* A source's session text; RC_NOTFOUND: none.  *out is freed by the caller. */
enum rc cache_session_get(
    struct redis *, const char *source, char **out, struct err *);
enum rc cache_session_put(struct redis *, const char *source,
    const char *session, int64_t ttl_s, struct err *);

/* Forget a dataset of ours that was fetched longer ago than that (Redis expiry
 * does so unless STALE_TTL was longer when it was written).  *gone: it was. */
enum rc cache_purge(struct redis *, const struct dataset *, int64_t older_us,
    int *gone, struct err *);

/*
 * Thinking ahead (cache_ahead.c; what is decided is in ahead.h).
 *
 * *first: nobody has asked for a refresh of it within the last ms; from now on
 * somebody has.  Who finds it 0 leaves the queue alone.
 */
enum rc cache_ask(struct redis *, const struct dataset *, int64_t ms,
    int *first, struct err *);

/*
 * What was to fetch it has just failed for good: an id, kept for so long.
 * cache_failed: *left_ms, how long it is kept yet; 0: nothing has.
 */
enum rc cache_note_failed(struct redis *, const struct dataset *,
    const char *id, int64_t ms, struct err *);
enum rc cache_failed(struct redis *, const struct dataset *,
    char id[CACHE_FAILED], int64_t *left_ms, struct err *);

/* A refresh was queued: early, or at now_ms because it is likely to be read. */
enum rc cache_count_early(struct redis *, const struct dataset *, struct err *);
enum rc cache_count_ahead(
    struct redis *, const struct dataset *, int64_t now_ms, struct err *);

/* When a dataset is read. */
struct cache_habit {
	int there;
	int64_t fresh_ms;      /* fresh until then */
	int64_t read_ms;       /* the last read; 0: none */
	int64_t since_ms;      /* hours are counted since then; 0: never */
	int64_t cost_ms;       /* of its sweep; 0: unknown */
	long double hours[24]; /* see ahead.h */
};

/* Of n datasets, in one round trip. */
enum rc cache_habits(struct redis *, const struct dataset *, size_t n,
    struct cache_habit *, struct err *);

/* What is known of a dataset, for those who only look (cache_peek.c). */
struct cache_about {
	int there;          /* it is in the cache, and ours */
	int64_t fetched_us; /* since the epoch */
	int64_t fresh_ms;   /* fresh until then */
	int64_t rows, bytes;
	char source[32];
	int64_t hits, stale, misses; /* reads */
	int64_t read_ms;             /* the last one; 0: none */
	int64_t cost_ms;             /* of its sweep; 0: unknown */
	int64_t early;               /* refreshes queued before it was stale */
	int64_t predicted, used;     /* queued before it was read; read after */
};

/*
 * In two halves, so that several are read in one round trip: ask for a
 * dataset (CACHE_PEEK commands), then read its replies.  Reads only.
 */
#define CACHE_PEEK 2
enum rc cache_peek_ask(struct redis *, const struct dataset *, struct err *);
void cache_peek_read(
    redisReply *const replies[CACHE_PEEK], struct cache_about *);

#endif

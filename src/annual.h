/*
 * Annual returns of an index: asking for the year of each ticker, and the one
 * document that is made of the figures.
 *
 * The document is an envelope like that of a dataset (README.md, "Annual
 * returns"), its sector Any, its records those of returns_record.  A ticker
 * without figures has a record that says why; one that was not asked with
 * success has none, and the document is partial.
 */
#ifndef ANNUAL_H
#define ANNUAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/rc.h"
#include "data/returns.h"
#include "drive.h"
#include "store/redis.h"

/* Who asks. */
struct annual_asker {
	/* Called every 200 ms or so; 0: stop. */
	int (*go_on)(void *arg, const struct drive_progress *);
	/* A record, as soon as it is there; not RC_OK: stop. */
	enum rc (*keep)(void *arg, size_t i, const char *record, struct err *);
	void *arg;
};

/* How the asking went. */
struct annual_talk {
	int answers;     /* of Yahoo, with a record in them or not */
	int64_t wait_ms; /* that it asked for; 0: none */
};

/*
 * Ask for n tickers.  RC_OK: all were answered, but for those that Yahoo does
 * not get right.  RC_BUSY: told to stop.  Else what keep said, or as
 * drive_step.
 */
enum rc annual_ask(const struct drive_env *, const char *const *tickers,
    size_t n, int64_t deadline_ms, const struct annual_asker *,
    struct annual_talk *, struct err *);

/* Append the tickers of an index, with spaces between, out of its fresh cached
 * dataset.  RC_NOTFOUND: that is not fresh. */
enum rc annual_tickers(
    struct redis *, const char *index, struct buf *, size_t *n, struct err *);

/* What a document is made of; all borrowed. */
struct annual_document {
	const char *index;
	const char *members;        /* as in struct envelope */
	int64_t began_us;           /* since the epoch: no record is older */
	int64_t fence_us;           /* as in struct cache_value */
	const char *const *records; /* JSON of each ticker; NULL: not asked */
	size_t n;
};

/* What became of it. */
struct annual_made {
	size_t count, figures; /* records; of these with figures */
	int partial;
	struct err stored; /* why the cache has not got it */
};

/* So long a partial document is fresh, counted from when its work began or went
 * on, and no longer than a whole one. */
#define ANNUAL_PARTIAL_S 3600

/*
 * Append the document, and put it into the cache under annual_returns:{index}
 * (of the default index under annual_returns, too; redis NULL: into none),
 * fresh for ANNUAL_RETURNS_TTL from began_us on.
 *
 * One without any figure is none: RC_NOSOURCE, and nothing is appended.  stored
 * is as cache_put says, whose guard counts figures; RC_INVALID too where it is
 * partial, and what is in the cache is fresh and has more.
 */
enum rc annual_publish(const struct config *, struct redis *,
    const struct annual_document *, struct buf *, struct annual_made *,
    struct err *);

#endif

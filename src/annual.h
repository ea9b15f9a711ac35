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

struct annual;

/* Ask for n tickers, which are borrowed until annual_end, as is env. */
enum rc annual_begin(struct annual **, const struct drive_env *,
    const char *const *tickers, size_t n, int64_t deadline_ms, struct err *);
void annual_end(struct annual *);

/* Do what can be done, then wait up to timeout_ms for more.  RC_BUSY: not all
 * are answered.  RC_OK: they are.  Else as drive_step. */
enum rc annual_step(struct annual *, int64_t timeout_ms, struct err *);

/* The next answer that was not taken yet; NULL: none by now. */
const struct returns *annual_next(struct annual *, const char **ticker);

void annual_progress(const struct annual *, struct drive_progress *);
/* As drive_wait_ms. */
int64_t annual_wait_ms(const struct annual *);

/* Append the tickers of an index, with spaces between, out of its fresh cached
 * dataset.  RC_NOTFOUND: that is not fresh. */
enum rc annual_tickers(
    struct redis *, const char *index, struct buf *, size_t *n, struct err *);

/* What a document is made of; all borrowed. */
struct annual_document {
	const char *index;
	const char *members;        /* as in struct envelope */
	int64_t fence_us;           /* when the work began */
	const char *const *records; /* JSON of each ticker; NULL: not asked */
	size_t n;
};

/*
 * Append the document, and put it into the cache under annual_returns:{index}
 * (of the default index under annual_returns, too; redis NULL: into none),
 * fresh for ANNUAL_RETURNS_TTL from fence_us on. *rc_of what it is: RC_OK, or
 * RC_PARTIAL.  stored: why the cache has not got it, as cache_put says.
 */
enum rc annual_publish(const struct config *, struct redis *,
    const struct annual_document *, struct buf *, enum rc *rc_of,
    struct err *stored, struct err *);

#endif

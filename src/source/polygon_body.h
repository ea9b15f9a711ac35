/*
 * One body of Polygon (Massive): bars of one ticker or of all, a snapshot, a
 * reference, or a refusal.
 */
#ifndef SOURCE_POLYGON_BODY_H
#define SOURCE_POLYGON_BODY_H

#include <stdint.h>

#include "base/rc.h"
#include "data/table.h"
#include "net/http.h"

/* Mark what two days of bars deliver. */
void polygon_have(struct table *);

/*
 * Add what is in a body to table (empty), only the tickers of only (NULL: all);
 * *total: how many companies it has.  Of several bars of one ticker the last
 * counts, and the one before is the previous close.  Symbols that are no
 * tickers of ours (ABRpA) are counted and left out.
 *
 * RC_EMPTY: no trading on this day, or nothing (*total is 0).  RC_NOTFOUND: no
 * such ticker, or a day that the plan does not have yet.  RC_BLOCKED: no key,
 * an unknown one, or the plan does not have this.  RC_LIMITED; RC_UPSTREAM;
 * RC_PARSE.
 */
enum rc polygon_read(const struct http_response *, const struct table *only,
    struct table *, int64_t *total, struct err *);

/* The local date of the last bar of a body, in days since 1970; else as
 * above. */
enum rc polygon_day(const struct http_response *, int64_t *day, struct err *);

#endif

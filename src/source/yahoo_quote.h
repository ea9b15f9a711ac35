/*
 * One v7 quote body of Yahoo: which members are asked for, and records out of
 * the answer, in our units.
 */
#ifndef SOURCE_YAHOO_QUOTE_H
#define SOURCE_YAHOO_QUOTE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/rc.h"
#include "data/table.h"
#include "net/http.h"

/* The value of fields=: "regularMarketPrice,marketCap,…". */
void yahoo_quote_fields(struct buf *);

/* Mark what a quote can deliver. */
void yahoo_quote_have(struct table *);

/*
 * Move the quotes of a body to *table (initialised, empty), under Yahoo's own
 * symbols; the first of equal symbols wins.  A result without a price is not
 * a quote and left out; *total is the length of the result array with all of
 * them.  RC_OK: there is one at least.  RC_EMPTY: none (*total is set).  Else
 * as yahoo_body_read; *unauthorized is set in any case.
 */
enum rc yahoo_quote_read(const struct http_response *, struct table *,
    int64_t *total, int *unauthorized, struct err *);

/*
 * Yahoo's symbol of a ticker: BRK.B and BRK/B are BRK-B there.  A dot before
 * one of its exchanges of one letter (OCDO.L) stays.
 */
void yahoo_quote_symbol(char out[LIMIT_TICKER + 1], const char *ticker);

#endif

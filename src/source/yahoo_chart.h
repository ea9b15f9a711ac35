/*
 * A chart of Yahoo (v8/finance/chart): daily bars of a symbol, as a series of
 * adjusted closes and what returns.h makes of it.
 *
 * Nulls come in any array at any place: a bar without a close or an adjusted
 * close is left out, and counted.  The last bar of a session carries the live
 * time and may repeat a day: of the bars of one day (of the exchange) the last
 * one that has a close stands.  The arrays must be there and equally long, the
 * times ascending, the prices positive, and the bars by the day: Yahoo coarsens
 * long ranges without a word.
 */
#ifndef SOURCE_YAHOO_CHART_H
#define SOURCE_YAHOO_CHART_H

#include "base/rc.h"
#include "data/returns.h"
#include "net/http.h"

/*
 * Read an answer.  RC_OK: *out has figures, or too few points for them (and
 * says so).  RC_EMPTY: the symbol is unknown or delisted, or has no bars.
 * RC_INVALID: not by the day, or figures that cannot be.  RC_PARSE: malformed.
 * RC_LIMITED, RC_BLOCKED, RC_UPSTREAM by status or text.  *out has what was
 * read in any case, and why in its error where the return is not RC_OK.
 */
enum rc yahoo_chart_read(
    const struct http_response *, struct returns *out, struct err *);

/* Does the body look like a chart, or an error in place of one? */
int yahoo_chart_is(const struct http_response *);

#endif

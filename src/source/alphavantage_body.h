/*
 * One body of Alpha Vantage: a quote (JSON or CSV), an overview, the list of
 * gainers and losers, or a refusal.  Each comes with status 200: only the text
 * tells.  No message of ours quotes the body: a refusal repeats the key.
 */
#ifndef SOURCE_ALPHAVANTAGE_BODY_H
#define SOURCE_ALPHAVANTAGE_BODY_H

#include <stdint.h>

#include "base/rc.h"
#include "data/table.h"
#include "net/http.h"

/* Mark what quote and overview of a company deliver together. */
void alphavantage_have(struct table *);

/*
 * Add what is in a body to table (empty); *total: how many companies it has.
 * RC_EMPTY: the symbol is not known (*total is 0).  RC_NOTFOUND: the call or
 * its symbol is not known.  RC_LIMITED: *pause_ms is as source.h's pause_ms.
 * RC_BLOCKED: no key, the demo's, or it does not buy this.  RC_PARSE: none of
 * these, or a series of prices.
 */
enum rc alphavantage_read(const struct http_response *, struct table *,
    int64_t *total, int64_t *pause_ms, struct err *);

#endif

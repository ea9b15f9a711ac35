/*
 * One body of IEX Cloud: a batch, or a quote, statistics or a company alone.
 */
#ifndef SOURCE_IEX_BODY_H
#define SOURCE_IEX_BODY_H

#include <stdint.h>

#include "base/rc.h"
#include "data/table.h"
#include "net/http.h"

/* Mark what a batch of quotes, stats and companies delivers. */
void iex_have(struct table *);

/*
 * Add what is in a body to table (empty); *total: how many companies it has.
 * RC_EMPTY: none (*total is 0).  RC_NOTFOUND: no such symbol.  RC_BLOCKED: the
 * key is refused.  RC_LIMITED: also where its quota is used up; RC_UPSTREAM;
 * RC_PARSE: none of these, a chart, or one that does not name its company.
 */
enum rc iex_read(
    const struct http_response *, struct table *, int64_t *total, struct err *);

#endif

/*
 * What a table must pass before it is cached.  A table that fails keeps the
 * old one in the cache.
 */
#ifndef DATA_VALIDATE_H
#define DATA_VALIDATE_H

#include <stdint.h>

#include "base/rc.h"
#include "data/table.h"

/*
 * Unique well-formed tickers (the table's own invariant), as many records as
 * total says (-1: no total known), the fields of required delivered and, for
 * Ticker and price, not null in more than a tenth of the records; figures
 * inside the range of their field (fields.def).  One figure outside is made
 * null and counted in *dropped; where that happens to more than a twentieth
 * (and at least three) of a field's figures, the unit has changed.
 *
 * RC_OK, or RC_INVALID with the reason.  An empty table with total 0 is valid.
 */
enum rc validate_table(struct table *, int64_t total,
    const enum field *required, size_t nrequired, size_t *dropped,
    struct err *);

#endif

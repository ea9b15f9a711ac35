/*
 * The members that a source is asked for by its own symbols, and what came of
 * them under the members' own tickers.
 */
#ifndef SOURCE_ROSTER_H
#define SOURCE_ROSTER_H

#include "base/rc.h"
#include "source/source.h"

#define ROSTER_LEAST 80 /* percent of the members that must come */

/* Class shares with a dot: BRK-B and BRK/B are BRK.B. */
void roster_dotted(char out[LIMIT_TICKER + 1], const char *ticker);

/*
 * Add the figures and texts of got (a record of another table) for a member,
 * under its own ticker and with its own sector; what is there already and null
 * in got stays.  asked: the ticker where the member's own is not well-formed.
 */
enum rc roster_take(struct table *, const struct member *, const char *asked,
    const struct record *got, struct err *);

/* Does have, which marks what a source's tables may have, mark this field? */
int roster_serves(void (*have)(struct table *), enum field);

/* What every conversation over members ends with: the records move to *out
 * (initialised, empty).  RC_INVALID where too few of the members came for a
 * table of its own. */
enum rc roster_finish(struct table *, const struct query *, const char *source,
    struct table *out, int64_t *total, struct err *);

/* What every conversation over members begins with: RC_NOTFOUND, RC_INVALID.
 */
enum rc roster_begin(const struct query *, struct err *);

#endif

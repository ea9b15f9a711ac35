/*
 * A dataset with the annual returns beside its figures: what GET
 * /api/stocks?returns=1 answers.  The bytes of the dataset are walked and
 * passed on, not parsed: a join costs the memory of its answer and some 80
 * bytes a company.
 */
#ifndef RETURNS_JOIN_H
#define RETURNS_JOIN_H

#include "base/buf.h"
#include "base/rc.h"

/*
 * Append the envelope of a dataset (stocks), with
 * expected_annual_return, expected_annual_risk and return_risk_ratio at the end
 * of each record, joined by ticker (as its bytes stand there: escapes are not
 * resolved, and a ticker needs none), and returns_fetched_at before data.  All
 * are null where returns (the document of annual returns; NULL: there is none)
 * does not have them.  Both are as the cache has them, NUL-terminated.
 * RC_PARSE: one of them is not ours; nothing is appended.
 */
enum rc returns_join(
    struct buf *, const char *stocks, const char *returns, struct err *);

#endif

/*
 * Index members out of data/members.csv: facts, dated, shipped with the
 * program, for sources that cannot list an index themselves.  The last good
 * sweep goes before it: see membership.h.
 */
#ifndef SOURCE_MEMBERS_H
#define SOURCE_MEMBERS_H

#include "base/config.h"
#include "base/rc.h"
#include "data/dataset.h"
#include "data/table.h"

/*
 * Add the members of a dataset to table (Ticker, Company, Sector); as_of gets
 * the date of the list of that index ("2026-08-08").  RC_NOTFOUND: the file
 * does not know this index; RC_SYS: no such file; RC_PARSE.
 *
 * The file is DATA_DIR/members.csv; without DATA_DIR beside the program
 * (../data, ../share/stocknity).
 */
enum rc members_load(const struct config *, const struct dataset *,
    struct table *, char as_of[11], struct err *);

#endif

/*
 * The body of an Elite export: CSV with the site's long header names, figures
 * in the units of the export (fields.def), all rows in one answer.
 */
#ifndef SOURCE_FINVIZ_CSV_H
#define SOURCE_FINVIZ_CSV_H

#include <stddef.h>

#include "base/rc.h"
#include "data/table.h"

/* Has the first line a field "Ticker"?  RC_NOMEM, else RC_OK. */
enum rc finviz_csv_is(const char *body, size_t len, int *is, struct err *);

/* Add the rows to *t, which is empty and stays so on failure.  RC_EMPTY: a
 * header alone; RC_PARSE: malformed, or a ticker stands twice. */
enum rc finviz_csv_read(
    const char *body, size_t len, struct table *t, struct err *);

#endif

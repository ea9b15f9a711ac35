/*
 * Which field each column of a Finviz table holds, told by its header alone:
 * the same for HTML and for the Elite export.
 */
#ifndef SOURCE_FINVIZ_COLUMNS_H
#define SOURCE_FINVIZ_COLUMNS_H

#include <stddef.h>

#include "base/limits.h"
#include "base/rc.h"
#include "data/field.h"
#include "data/table.h"

struct finviz_columns {
	size_t n;
	enum field field[LIMIT_COLUMNS]; /* FIELD__MAX: not one of ours */
	unsigned char have[FIELD__MAX];
	size_t number; /* the column "No.", LIMIT_COLUMNS: there is none */
	size_t ticker; /* the column "Ticker", likewise */
};

void finviz_columns_init(struct finviz_columns *);

/* Add the next column.  Of two with the same meaning the first counts.
 * RC_PARSE: more than LIMIT_COLUMNS. */
enum rc finviz_columns_add(
    struct finviz_columns *, const char *header, struct err *);

/* The No. of a row out of its cell: 1 to INT32_MAX, commas allowed; 0: it is
 * none. */
long finviz_number(const char *cell);

#endif

#ifndef UPSTREAM_COMPANIES_H
#define UPSTREAM_COMPANIES_H

#include <stddef.h>

#include "columns.h"

/*
 * The companies of the market, read once and never changed.  A figure that
 * the file lacks is missing here and shown as "-": nothing is made up.
 */

struct company {
	char *raw[COLUMNS];   /* as in the file, "" when missing */
	char *shown[COLUMNS]; /* as on the screener, "-" when missing */
};

struct market {
	struct company *all; /* by ticker, ascending */
	size_t n;
};

/*
 * Read the CSV file; the label is appended to each company's name.  0, or -1
 * after one line on stderr that says what is wrong.
 */
int market_load(struct market *, const char *path, const char *label);
void market_free(struct market *);

/* By exact ticker; NULL when unknown. */
const struct company *market_find(const struct market *, const char *ticker);

const char *company_ticker(const struct company *);

/* A raw figure: 1 and *v, or 0 when it is missing or not a number. */
int company_figure(const struct company *, enum column_place, double *v);

/* Likewise times 10^scale, scaled in its text, so that the last digit is
 * right. */
int company_scaled(
    const struct company *, enum column_place, int scale, double *v);

#endif

#ifndef UPSTREAM_SERIES_H
#define UPSTREAM_SERIES_H

#include <stdint.h>

#include "companies.h"

/*
 * Daily prices of a company, walked back from its price by chance; over the
 * last year they give its recorded yearly performance.  The same seed and day
 * give the same series, and a longer one only adds to its old end.
 */

struct bar {
	int64_t day; /* since 1970 */
	int null;    /* Yahoo has the day, but no figures for it */
	double open, high, low, close, adjclose, dividend;
	double volume;
};

/*
 * Bars from the day first to the day last, oldest first, at most max of them;
 * NULL and *n = 0 when the company has no price.  To be freed.
 */
struct bar *series_new(const struct company *, uint64_t seed, int64_t first,
    int64_t last, int64_t today, size_t max, size_t *n);

#endif

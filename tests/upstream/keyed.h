#ifndef UPSTREAM_KEYED_H
#define UPSTREAM_KEYED_H

#include "companies.h"

struct fault;
struct text;

/* What the sources behind keys share; their handlers are in market.h. */

#define KEYED_JSON  "application/json"
#define KEYED_WRONG "wrong-key" /* every other opens, but for the empty one */

int keyed_opens(const char *key);

/* By their notation of class shares, BRK.B; NULL when unknown. */
const struct company *keyed_find(const struct market *, const char *symbol);

/* BRK-B as BRK.B. */
void keyed_symbol(struct text *, const struct company *);

/*
 * Add ,"name":figure (times 10^scale), in quotes where that is 1; nothing
 * where the figure is missing.  The fault "figure" puts its text there.
 */
struct keyed_figure {
	const char *name;
	enum column_place at;
	int scale;
};

void keyed_add(struct text *, const struct company *,
    const struct keyed_figure *, size_t n, int quoted, const struct fault *);

#endif

/*
 * The figures of annual returns in the records of a dataset, so that they are
 * shown, sorted by and printed as if they were its own fields.
 */
#ifndef RETURNS_BESIDE_H
#define RETURNS_BESIDE_H

#include <stdint.h>

#include "base/rc.h"
#include "data/table.h"

/* Where they come from. */
struct returns_beside {
	char source[32];
	int64_t fetched_ms; /* since the epoch; 0: there are none */
	int64_t fresh_ms;   /* fresh until then */
};

/*
 * Set FIELD_ANNUAL_RETURN, FIELD_ANNUAL_RISK and FIELD_RETURN_RISK of each
 * record, by ticker; null where the document (NULL: there is none) has none.
 * RC_PARSE: it is not ours.
 */
enum rc returns_beside(struct table *, const char *document,
    struct returns_beside *, struct err *);

#endif

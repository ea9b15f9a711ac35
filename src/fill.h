/*
 * Gaps filled by field (FILL_FIELDS): where the source that answered has no
 * figure of a company, that of another source is taken, matched by ticker, and
 * it is kept which source each such figure comes from.  A figure that the
 * first source has is never replaced.  Ticker and Sector are never filled:
 * they decide which company it is, and which dataset it is in.
 */
#ifndef FILL_H
#define FILL_H

#include <stddef.h>

#include "base/limits.h"
#include "base/rc.h"
#include "data/envelope.h"
#include "data/field.h"
#include "data/table.h"

/*
 * The fields of a setting like FILL_FIELDS: names with commas between them, or
 * "all"; "" is none.  RC_CONFIG names the option and the field that is unknown
 * or not filled.
 */
enum rc fill_parse(const char *option, const char *setting,
    unsigned char want[FIELD__MAX], struct err *);

struct fill {
	const unsigned char *want;       /* by field; borrowed */
	unsigned char had[FIELD__MAX];   /* what the first source delivered */
	const char *from[LIMIT_SOURCES]; /* who filled; borrowed */
	size_t nfrom;
	/* Of each cell of the table: place in from + 1; 0: it is the first
	 * source's, or null. */
	unsigned char *by;
};

/* For a table of the first source, which keeps its order from now on. */
enum rc fill_begin(struct fill *, const unsigned char want[FIELD__MAX],
    const struct table *, struct err *);
void fill_end(struct fill *); /* one of zeros too */

/* Does the record lack a wanted figure that a source may have?  serves NULL:
 * any figure. */
int fill_is_gap(
    const struct fill *, const struct record *, int (*serves)(enum field));

/* Fill the gaps of the table by the figures of another source; *n: how many
 * they were.  After a failure it is filled in part, and says so. */
enum rc fill_take(struct fill *, struct table *, const struct table *other,
    const char *source, size_t *n, struct err *);

/*
 * What was filled of whole, the table, or of a part of it (whose records are
 * copies).  Sets part->have: a field that the first source lacked is there if
 * no record of the part lacks it now.
 */
void fill_count(const struct fill *, const struct table *whole,
    struct table *part, struct filled *out);

#endif

/*
 * The terminal table: fitted to a width, numbers right-aligned, gains and
 * losses in colour.
 */
#ifndef DATA_TEXT_H
#define DATA_TEXT_H

#include "base/buf.h"
#include "data/dataset.h"
#include "data/table.h"

struct text_options {
	int width;  /* columns of the terminal; 0: no limit */
	int colour; /* escape sequences for gains and losses */
	const struct field_list *chosen; /* all of them, however wide; NULL: a
					    choice that fits */
};

/*
 * Header line, rule, records.  Columns that do not fit are left out from the
 * right, the company's name is shortened first.  The choice of columns leaves
 * out those that the source lacks, and Sector where all have the same.  Returns
 * how many columns were left out for want of room.
 */
size_t text_write(
    struct buf *, const struct table *, const struct text_options *);

/* Text of upstream, or of Redis, for a terminal: what it would obey (control
 * characters), cannot show, or would turn round becomes '?'. */
void text_clean(struct buf *, const char *text);

/* A value as people read it: 4.37T, 7.06%, 297.84; "-" for null; texts clean.
 */
void text_value(struct buf *, enum field, const struct value *);

#endif

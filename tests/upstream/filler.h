#ifndef UPSTREAM_FILLER_H
#define UPSTREAM_FILLER_H

#include <stddef.h>

struct text;

/*
 * What a real page carries besides its table, so that ours weigh the same and
 * compress alike.  None of it says anything.
 */

/* Some bytes of script, the same each time. */
void filler_script(struct text *, size_t bytes);

/* The selects of the filter panel, with links to link. */
void filler_panel(struct text *, const char *link);

/* The options of the sort select, one a sort key. */
void filler_orders(struct text *, const char *link);

#endif

#ifndef UPSTREAM_MARKUP_H
#define UPSTREAM_MARKUP_H

#include "filler.h"
#include "screen.h"

/*
 * The markup that the eras share.  markup_2021() and markup_2026() are in
 * screen.h; the recordings that they follow, sloppiness and all, are those of
 * 2021-05 (v=150) and 2026-05 (v=152) with the cells of July 2026.
 */

/* The visible word that this is no live data. */
void markup_banner(struct text *);

/* <!-- TS ticker|price|volume ... TE -->, as in every era. */
void markup_stamp(struct text *, const struct page *);

/* The options of select#pageSelect, "Page 1 / 26", and the select's end. */
void markup_pages(struct text *, const struct page *, const char *option_end);

/* The cells of the fault "wide". */
void markup_wide(struct text *, const struct page *, const char *cell);

/* The whole page of the fault "layout", and the middle of a chart view. */
void markup_layout(struct text *, const struct page *);
void markup_charts(struct text *, const struct page *);

#endif

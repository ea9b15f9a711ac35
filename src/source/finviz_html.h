/*
 * The events of one HTML page as a screener needs them: rows of cells of the
 * innermost tables, and the few marks around them.  It does not know what a
 * column means; finviz_page.c does.
 *
 * libxml2's HTML parser runs without a tree.  Ceilings: depth, nested tables,
 * columns, text of a cell, attributes, and the bytes between two events (a
 * single monstrous tag would cost quadratic time inside libxml2).
 */
#ifndef SOURCE_FINVIZ_HTML_H
#define SOURCE_FINVIZ_HTML_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/rc.h"
#include "source/finviz_text.h"

/* The innermost row that was just completed. */
struct finviz_cells {
	size_t n;
	struct finviz_text cell[LIMIT_COLUMNS];
	/* Of the cell "ticker" (below), "" where there is none of it: */
	struct finviz_text boxover; /* td/@data-boxover-ticker */
	struct finviz_text link;    /* text of the ticker's own link */
	struct finviz_text target;  /* t= of the first link */
	int has_link;
};

struct finviz_html {
	/* Called for every innermost row, with arg. */
	enum rc (*row)(void *arg, struct finviz_html *, struct err *);
	void *arg;
	/* Set by row() when it has seen the header: from then on only rows of
	 * that table come, and ticker is the column to look at closely. */
	int found;
	size_t ticker;

	struct finviz_cells cells;

	/* What else the page said. */
	int64_t total;   /* of the count; -1: there is none */
	int64_t first;   /* "#21" of the count; -1 */
	int64_t size;    /* first step of the page menu; -1 */
	int64_t ts_rows; /* lines of the TS comment; -1 */
	int empty;       /* the mark of an empty screen was there */
	int password;    /* a field for a password was there */
	int lost;        /* rows of the table that held a table */
	int closed;      /* the table ended before the body did */
	struct finviz_text title;
};

/*
 * Parse a body into *h, whose row and arg are set and all else is zero.
 * RC_OK: to its end.  RC_PARSE: past a ceiling, cut off, or a count that is
 * unreadable or two that disagree; RC_NOMEM; or what row() returned.
 */
enum rc finviz_html_parse(
    struct finviz_html *, const char *body, size_t len, struct err *);

#endif

/*
 * One HTML page of the Finviz screener, of any era since 2020: its rows, its
 * own total, and which of the outcomes it is.  It follows headers, never
 * positions, and says where a page contradicts itself; whether the numbers of
 * the rows have holes is for the caller to judge.
 *
 * The page is read by libxml2's HTML parser as a stream of events: no tree is
 * built, memory is bounded whatever the body holds.
 */
#ifndef SOURCE_FINVIZ_PAGE_H
#define SOURCE_FINVIZ_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "data/table.h"

/* One row of the page, in the page's order. */
struct finviz_row {
	uint32_t number; /* its "No.", from 1 */
	uint32_t record; /* its place in the table */
};

struct finviz_page {
	int64_t total; /* records of the whole screen; -1: not said */
	int64_t first; /* the first number as the page counts; -1: not said */
	int64_t size;  /* rows of a full page by its page menu; -1: not said */
	struct finviz_row *rows;
	size_t nrows; /* more than table.count where a ticker stands twice */
	struct table table;
};

/*
 * Read a page; fini it whatever the result.  RC_OK: there are rows.
 * RC_EMPTY: legitimately none: total is 0 for an empty screen, else the page
 * is past the end.  RC_PARSE: cut off, changed layout (the message tells what
 * is missing), malformed figure or ticker, rows lost, past a ceiling.
 * RC_BLOCKED: a login page instead.  RC_NOMEM.
 */
enum rc finviz_page_read(
    struct finviz_page *, const char *body, size_t len, struct err *);
void finviz_page_fini(struct finviz_page *);

/* RC_OK where the rows are all that this page must have, without holes and
 * doubles, whatever their order; else RC_PARSE. */
enum rc finviz_page_whole(const struct finviz_page *, struct err *);

#endif

/*
 * What the parts of the HTML parser share: finviz_html.c has the interface, the
 * way of the bytes through libxml2 and the ceilings; finviz_element.c what the
 * elements of a page mean.  Nobody else includes this.
 */
#ifndef SOURCE_FINVIZ_HTML_PART_H
#define SOURCE_FINVIZ_HTML_PART_H

#include <libxml/HTMLparser.h>

#include "source/finviz_html.h"

struct finviz_html_parser {
	struct finviz_html *h;
	htmlParserCtxtPtr ctxt;
	struct err *e;
	enum rc rc;

	const char *in; /* what is left of the body, then of TAIL */
	size_t left;
	int in_tail;
	size_t events; /* so far */
	size_t silent; /* bytes taken since the last event */

	int depth;
	int tables;    /* that are open */
	int row_table; /* the table of the open row; 0: no row is open */
	int target;    /* the table of the header row; 0: not open */
	int cell;      /* a cell is open */
	/* Depth of the element whose text is collected or left out; 0: none */
	int title, count, link, mute, menu;
	struct finviz_text count_text;
	int count_is_it; /* its element has the count's own id */
	int64_t step;    /* first offset of the page menu; -1 */
	int complete;    /* TAIL was seen */
};

/* What is done at an element's begin and (NULL: nothing) end. */
struct finviz_element {
	const char *name;
	void (*start)(struct finviz_html_parser *, const xmlChar **);
	void (*end)(struct finviz_html_parser *);
};

/* NULL: it means nothing. */
const struct finviz_element *finviz_element_of(const xmlChar *name);

/* At every element: does a count begin here, or is this the mark of an empty
 * screen? */
void finviz_count_begin(struct finviz_html_parser *, const xmlChar **atts);
/* The text of the count is complete. */
void finviz_count_end(struct finviz_html_parser *);

/* Stop the parse, for the first reason there is. */
void finviz_html_fail(struct finviz_html_parser *, enum rc);

#endif

#include <string.h>
#include <strings.h>

#include <libxml/HTMLparser.h>

#include "base/num.h"
#include "source/finviz_html.h"

#define OPTIONS                                                                \
	(HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |      \
	    HTML_PARSE_NONET)

/* Put behind every body.  Where it does not come out as a comment, or while
 * the table is still open, the body was cut off. */
#define TAIL_TEXT "end of the body"
#define TAIL      "<!--" TAIL_TEXT "-->"

struct parser {
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

static void
fail(struct parser *p, enum rc rc)
{
	if (p->rc != RC_OK)
		return;
	p->rc = rc;
	xmlStopParser(p->ctxt);
}

/* Another event: is the parse still of use? */
static int
goes_on(struct parser *p)
{
	p->silent = 0;
	if (++p->events > LIMIT_HTML_EVENTS)
		fail(p, err_set(p->e, RC_PARSE, "more than %u tags and texts",
			    LIMIT_HTML_EVENTS));
	return p->rc == RC_OK;
}

static void
end_count(struct parser *p)
{
	struct finviz_html *h = p->h;
	int64_t first, total;

	p->count = 0;
	if (p->count_text.over ||
	    !finviz_text_count(p->count_text.s, &first, &total)) {
		/* Other things are of the class; the id is the count's own. */
		if (p->count_is_it)
			fail(p, err_set(p->e, RC_PARSE,
				    "changed layout: the count is \"%.60s\"",
				    p->count_text.s));
		return;
	}
	if (h->total >= 0 && h->total != total) {
		fail(p, err_set(p->e, RC_PARSE,
			    "the page counts %lld rows and "
			    "%lld",
			    (long long)h->total, (long long)total));
		return;
	}
	h->total = total;
	if (first >= 0)
		h->first = first;
	if (total == 0)
		h->empty = 1;
}

static void
end_row(struct parser *p)
{
	struct finviz_html *h = p->h;
	int was_found = h->found;
	enum rc rc;

	p->row_table = 0;
	p->cell = 0;
	p->link = 0;
	if (h->cells.n == 0)
		return;
	rc = h->row(h->arg, h, p->e);
	if (rc != RC_OK)
		fail(p, rc);
	else if (!was_found && h->found)
		p->target = p->tables;
}

static void
start_row(struct parser *p, const xmlChar **atts)
{
	(void)atts;
	if (p->row_table != 0)
		end_row(p);
	/* After the header only its own table is of interest. */
	if (p->tables == 0 || (p->h->found && p->tables != p->target))
		return;
	p->row_table = p->tables;
	p->h->cells.n = 0;
	p->h->cells.has_link = 0;
	finviz_text_clear(&p->h->cells.boxover);
	finviz_text_clear(&p->h->cells.link);
	finviz_text_clear(&p->h->cells.target);
}

static int
in_ticker(const struct parser *p)
{
	return p->cell && p->h->found && p->h->cells.n == p->h->ticker + 1;
}

static void
start_cell(struct parser *p, const xmlChar **atts)
{
	struct finviz_cells *c = &p->h->cells;
	const char *boxover;

	if (p->row_table == 0)
		return;
	if (c->n == LIMIT_COLUMNS) {
		fail(p, err_set(p->e, RC_PARSE, "a row of more than %d cells",
			    LIMIT_COLUMNS));
		return;
	}
	finviz_text_clear(&c->cell[c->n++]);
	p->cell = 1;
	p->link = 0;
	if (!in_ticker(p))
		return;
	boxover = finviz_attribute(atts, "data-boxover-ticker");
	if (boxover != NULL)
		finviz_text_set(&c->boxover, boxover);
}

static void
end_cell(struct parser *p)
{
	if (p->row_table == p->tables)
		p->cell = 0;
}

static void
start_table(struct parser *p, const xmlChar **atts)
{
	(void)atts;
	if (p->row_table != 0 && p->row_table == p->target)
		p->h->lost++;
	/* Only innermost rows count. */
	p->row_table = 0;
	p->cell = 0;
	p->link = 0;
	if (++p->tables > LIMIT_HTML_TABLES)
		fail(p, err_set(p->e, RC_PARSE,
			    "more than %d tables inside "
			    "each other",
			    LIMIT_HTML_TABLES));
}

static void
end_table(struct parser *p)
{
	if (p->tables == 0)
		return;
	if (p->row_table != 0)
		end_row(p);
	if (p->target == p->tables && p->target != 0)
		p->target = 0;
	p->tables--;
}

static void
end_tr(struct parser *p)
{
	if (p->row_table != 0 && p->row_table == p->tables)
		end_row(p);
}

static void
start_a(struct parser *p, const xmlChar **atts)
{
	struct finviz_cells *c = &p->h->cells;
	const char *href;

	if (!in_ticker(p))
		return;
	href = finviz_attribute(atts, "href");
	if (!c->has_link && href != NULL)
		finviz_text_link(&c->target, href);
	c->has_link = 1;
	if (c->link.n == 0 &&
	    (finviz_has_word(finviz_attribute(atts, "class"), "tab-link") ||
		finviz_has_word(
		    finviz_attribute(atts, "class"), "screener-link-primary")))
		p->link = p->depth;
}

static void
start_svg(struct parser *p, const xmlChar **atts)
{
	(void)atts;
	if (p->mute == 0)
		p->mute = p->depth;
}

static void
start_title(struct parser *p, const xmlChar **atts)
{
	(void)atts;
	if (p->title == 0 && p->h->title.n == 0)
		p->title = p->depth;
}

static void
start_input(struct parser *p, const xmlChar **atts)
{
	const char *type = finviz_attribute(atts, "type");

	if (type != NULL && strcasecmp(type, "password") == 0)
		p->h->password = 1;
}

static void
start_select(struct parser *p, const xmlChar **atts)
{
	if (p->menu == 0 && p->step < 0 &&
	    finviz_has_word(finviz_attribute(atts, "id"), "pageSelect"))
		p->menu = p->depth;
}

/* The page menu lists the offsets of all pages: 1, 21, 41, ... */
static void
start_option(struct parser *p, const xmlChar **atts)
{
	const char *value = p->menu ? finviz_attribute(atts, "value") : NULL;
	int64_t v;

	if (value == NULL || p->h->size >= 0 ||
	    num_int(value, 1, LIMIT_ROWS, &v, NULL) != RC_OK)
		return;
	if (p->step >= 0 && v > p->step)
		p->h->size = v - p->step;
	p->step = v;
}

struct handler {
	const char *name;
	void (*start)(struct parser *, const xmlChar **);
	void (*end)(struct parser *);
};

static const struct handler handlers[] = {
	{ "td", start_cell, end_cell },
	{ "a", start_a, NULL },
	{ "tr", start_row, end_tr },
	{ "th", start_cell, end_cell },
	{ "option", start_option, NULL },
	{ "table", start_table, end_table },
	{ "svg", start_svg, NULL },
	{ "title", start_title, NULL },
	{ "input", start_input, NULL },
	{ "select", start_select, NULL },
};

static const struct handler *
handler_of(const xmlChar *name)
{
	const char *s = (const char *)name;

	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (s[0] == handlers[i].name[0] &&
		    strcmp(s, handlers[i].name) == 0)
			return &handlers[i];
	return NULL;
}

/* Does a count begin here, or is this the mark of an empty screen? */
static void
look_for_count(struct parser *p, const xmlChar **atts)
{
	if (finviz_has_word(
		finviz_attribute(atts, "id"), "js-screener-body-empty"))
		p->h->empty = 1;
	if (!finviz_has_word(finviz_attribute(atts, "class"), "count-text") &&
	    !finviz_has_word(finviz_attribute(atts, "id"), "screener-total"))
		return;
	p->count = p->depth;
	p->count_is_it =
	    finviz_has_word(finviz_attribute(atts, "id"), "screener-total");
	finviz_text_clear(&p->count_text);
}

static void
on_start(void *arg, const xmlChar *name, const xmlChar **atts)
{
	struct parser *p = arg;
	const struct handler *h = handler_of(name);
	size_t n = 0;

	if (!goes_on(p))
		return;
	p->depth++;
	while (
	    atts != NULL && n < (size_t)2 * LIMIT_HTML_ATTRS && atts[n] != NULL)
		n += 2;
	if (p->depth > LIMIT_HTML_DEPTH || n == (size_t)2 * LIMIT_HTML_ATTRS) {
		fail(p, err_set(p->e, RC_PARSE,
			    p->depth > LIMIT_HTML_DEPTH
				? "elements nested more than %d deep"
				: "an element of more than %d attributes",
			    p->depth > LIMIT_HTML_DEPTH ? LIMIT_HTML_DEPTH
							: LIMIT_HTML_ATTRS));
		return;
	}
	if (atts != NULL)
		look_for_count(p, atts);
	if (h != NULL)
		h->start(p, atts);
}

static void
on_end(void *arg, const xmlChar *name)
{
	struct parser *p = arg;
	const struct handler *h = handler_of(name);

	if (!goes_on(p))
		return;
	if (p->count == p->depth)
		end_count(p);
	if (p->title == p->depth)
		p->title = 0;
	if (p->link == p->depth)
		p->link = 0;
	if (p->mute == p->depth)
		p->mute = 0;
	if (p->menu == p->depth)
		p->menu = 0;
	p->depth--;
	if (h != NULL && h->end != NULL)
		h->end(p);
}

static void
on_text(void *arg, const xmlChar *text, int len)
{
	struct parser *p = arg;
	struct finviz_cells *c = &p->h->cells;
	const char *s = (const char *)text;
	size_t n = (size_t)len;

	if (!goes_on(p))
		return;
	if (p->mute)
		return;
	if (p->cell)
		finviz_text_add(&c->cell[c->n - 1], s, n);
	if (p->link)
		finviz_text_add(&c->link, s, n);
	if (p->count)
		finviz_text_add(&p->count_text, s, n);
	if (p->title)
		finviz_text_add(&p->h->title, s, n);
}

/* Scripts and styles: nothing of ours, but a sign of life. */
static void
on_cdata(void *arg, const xmlChar *text, int len)
{
	struct parser *p = arg;

	(void)text;
	(void)len;
	goes_on(p);
}

static void
on_comment(void *arg, const xmlChar *text)
{
	struct parser *p = arg;
	const char *s = (const char *)text;

	if (!goes_on(p))
		return;
	if (strcmp(s, TAIL_TEXT) == 0) {
		p->complete = 1;
		p->h->closed = p->h->found && p->target == 0;
		return;
	}
	if (p->h->ts_rows < 0)
		p->h->ts_rows = finviz_text_ts(s);
}

/*
 * Hand libxml2 the next bytes.  It drops control bytes in text without a
 * word, which would mend a broken ticker: '?' stays in sight.
 */
static int
on_read(void *arg, char *out, int len)
{
	struct parser *p = arg;
	size_t n = (size_t)len;

	if (p->left == 0 && !p->in_tail) {
		p->in = TAIL;
		p->left = strlen(TAIL);
		p->in_tail = 1;
	}
	if (p->rc != RC_OK || p->left == 0)
		return 0;
	if (n > p->left)
		n = p->left;
	p->silent += n;
	if (p->silent > LIMIT_HTML_TOKEN) {
		/* No xmlStopParser: it would free the buffer in use. */
		p->rc = err_set(p->e, RC_PARSE,
		    "a tag or comment of more than "
		    "%u bytes",
		    LIMIT_HTML_TOKEN);
		return 0;
	}
	memcpy(out, p->in, n);
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)out[i] < 0x20 &&
			(out[i] < '\t' || out[i] > '\r')) ||
		    out[i] == 0x7f ||
		    (out[i] == '&' &&
			finviz_bad_reference(p->in + i, p->left - i)))
			out[i] = '?';
	p->in += n;
	p->left -= n;
	return (int)n;
}

static void
set_handlers(xmlSAXHandler *sax)
{
	memset(sax, 0, sizeof(*sax));
	sax->initialized = 1;
	sax->startElement = on_start;
	sax->endElement = on_end;
	sax->characters = on_text;
	sax->ignorableWhitespace = on_text;
	sax->cdataBlock = on_cdata;
	sax->comment = on_comment;
}

enum rc
finviz_html_parse(
    struct finviz_html *h, const char *body, size_t len, struct err *e)
{
	struct parser p = {
		.h = h, .e = e, .in = body, .left = len, .step = -1
	};

	h->total = h->first = h->size = h->ts_rows = -1;
	p.ctxt = htmlNewParserCtxt();
	if (p.ctxt == NULL)
		return err_set(e, RC_NOMEM, "HTML: out of memory");
	set_handlers(p.ctxt->sax);
	p.ctxt->userData = &p;
	xmlFreeDoc(
	    htmlCtxtReadIO(p.ctxt, on_read, NULL, &p, NULL, "UTF-8", OPTIONS));
	if (p.rc == RC_OK && p.ctxt->errNo == XML_ERR_NO_MEMORY)
		p.rc = err_set(e, RC_NOMEM, "HTML: out of memory");
	if (p.rc == RC_OK && (!p.complete || (h->found && !h->closed)))
		p.rc = err_set(e, RC_PARSE, "the page is cut off");
	htmlFreeParserCtxt(p.ctxt);
	return p.rc;
}

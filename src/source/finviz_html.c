#include <string.h>

#include "source/finviz_html_part.h"

#define OPTIONS                                                                \
	(HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |      \
	    HTML_PARSE_NONET)

/* Put behind every body.  Where it does not come out as a comment, or while
 * the table is still open, the body was cut off. */
#define TAIL_TEXT "end of the body"
#define TAIL      "<!--" TAIL_TEXT "-->"

void
finviz_html_fail(struct finviz_html_parser *p, enum rc rc)
{
	if (p->rc != RC_OK)
		return;
	p->rc = rc;
	xmlStopParser(p->ctxt);
}

/* Another event: is the parse still of use? */
static int
goes_on(struct finviz_html_parser *p)
{
	p->silent = 0;
	if (++p->events > LIMIT_HTML_EVENTS)
		finviz_html_fail(
		    p, err_set(p->e, RC_PARSE, "more than %u tags and texts",
			   LIMIT_HTML_EVENTS));
	return p->rc == RC_OK;
}

static void
on_start(void *arg, const xmlChar *name, const xmlChar **atts)
{
	struct finviz_html_parser *p = arg;
	const struct finviz_element *h = finviz_element_of(name);
	size_t n = 0;

	if (!goes_on(p))
		return;
	p->depth++;
	while (
	    atts != NULL && n < (size_t)2 * LIMIT_HTML_ATTRS && atts[n] != NULL)
		n += 2;
	if (p->depth > LIMIT_HTML_DEPTH || n == (size_t)2 * LIMIT_HTML_ATTRS) {
		finviz_html_fail(
		    p, err_set(p->e, RC_PARSE,
			   p->depth > LIMIT_HTML_DEPTH
			       ? "elements nested more than %d deep"
			       : "an element of more than %d attributes",
			   p->depth > LIMIT_HTML_DEPTH ? LIMIT_HTML_DEPTH
						       : LIMIT_HTML_ATTRS));
		return;
	}
	if (atts != NULL)
		finviz_count_begin(p, atts);
	if (h != NULL)
		h->start(p, atts);
}

static void
on_end(void *arg, const xmlChar *name)
{
	struct finviz_html_parser *p = arg;
	const struct finviz_element *h = finviz_element_of(name);

	if (!goes_on(p))
		return;
	if (p->count == p->depth)
		finviz_count_end(p);
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
	struct finviz_html_parser *p = arg;
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
	struct finviz_html_parser *p = arg;

	(void)text;
	(void)len;
	goes_on(p);
}

static void
on_comment(void *arg, const xmlChar *text)
{
	struct finviz_html_parser *p = arg;
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
	struct finviz_html_parser *p = arg;
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
	struct finviz_html_parser p = {
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

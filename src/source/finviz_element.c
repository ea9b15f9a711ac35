#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "source/finviz_html_part.h"

void
finviz_count_end(struct finviz_html_parser *p)
{
	struct finviz_html *h = p->h;
	int64_t first, total;

	p->count = 0;
	if (p->count_text.over ||
	    !finviz_text_count(p->count_text.s, &first, &total)) {
		/* Other things are of the class; the id is the count's own. */
		if (p->count_is_it)
			finviz_html_fail(
			    p, err_set(p->e, RC_PARSE,
				   "changed layout: the count is \"%.60s\"",
				   p->count_text.s));
		return;
	}
	if (h->total >= 0 && h->total != total) {
		finviz_html_fail(p, err_set(p->e, RC_PARSE,
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

void
finviz_count_begin(struct finviz_html_parser *p, const xmlChar **atts)
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
end_row(struct finviz_html_parser *p)
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
		finviz_html_fail(p, rc);
	else if (!was_found && h->found)
		p->target = p->tables;
}

static void
start_row(struct finviz_html_parser *p, const xmlChar **atts)
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
in_ticker(const struct finviz_html_parser *p)
{
	return p->cell && p->h->found && p->h->cells.n == p->h->ticker + 1;
}

static void
start_cell(struct finviz_html_parser *p, const xmlChar **atts)
{
	struct finviz_cells *c = &p->h->cells;
	const char *boxover;

	if (p->row_table == 0)
		return;
	if (c->n == LIMIT_COLUMNS) {
		finviz_html_fail(
		    p, err_set(p->e, RC_PARSE, "a row of more than %d cells",
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
end_cell(struct finviz_html_parser *p)
{
	if (p->row_table == p->tables)
		p->cell = 0;
}

static void
start_table(struct finviz_html_parser *p, const xmlChar **atts)
{
	(void)atts;
	if (p->row_table != 0 && p->row_table == p->target)
		p->h->lost++;
	/* Only innermost rows count. */
	p->row_table = 0;
	p->cell = 0;
	p->link = 0;
	if (++p->tables > LIMIT_HTML_TABLES)
		finviz_html_fail(p, err_set(p->e, RC_PARSE,
					"more than %d tables inside "
					"each other",
					LIMIT_HTML_TABLES));
}

static void
end_table(struct finviz_html_parser *p)
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
end_tr(struct finviz_html_parser *p)
{
	if (p->row_table != 0 && p->row_table == p->tables)
		end_row(p);
}

static void
start_a(struct finviz_html_parser *p, const xmlChar **atts)
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
start_svg(struct finviz_html_parser *p, const xmlChar **atts)
{
	(void)atts;
	if (p->mute == 0)
		p->mute = p->depth;
}

static void
start_title(struct finviz_html_parser *p, const xmlChar **atts)
{
	(void)atts;
	if (p->title == 0 && p->h->title.n == 0)
		p->title = p->depth;
}

static void
start_input(struct finviz_html_parser *p, const xmlChar **atts)
{
	const char *type = finviz_attribute(atts, "type");

	if (type != NULL && strcasecmp(type, "password") == 0)
		p->h->password = 1;
}

static void
start_select(struct finviz_html_parser *p, const xmlChar **atts)
{
	if (p->menu == 0 && p->step < 0 &&
	    finviz_has_word(finviz_attribute(atts, "id"), "pageSelect"))
		p->menu = p->depth;
}

/* The page menu lists the offsets of all pages: 1, 21, 41, ... */
static void
start_option(struct finviz_html_parser *p, const xmlChar **atts)
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

static const struct finviz_element elements[] = {
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

const struct finviz_element *
finviz_element_of(const xmlChar *name)
{
	const char *s = (const char *)name;

	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (s[0] == elements[i].name[0] &&
		    strcmp(s, elements[i].name) == 0)
			return &elements[i];
	return NULL;
}

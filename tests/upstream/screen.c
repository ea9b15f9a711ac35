#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "faults.h"
#include "screen.h"

/* The columns of the views with a table, by id, ended by -1. */
static const short overview[] = { 0, 1, 2, 3, 4, 5, 6, 7, 65, 66, 67, -1 };
static const short valuation[] = { 0, 1, 6, 7, 8, 9, 10, 11, 12, 13, 17, 18, 19,
	20, 21, 65, 66, 67, -1 };
static const short ownership[] = { 0, 1, 6, 24, 25, 26, 27, 28, 29, 30, 31, 63,
	65, 66, 67, -1 };
static const short performance_2021[] = { 0, 1, 42, 43, 44, 45, 46, 47, 50, 51,
	62, 63, 64, 65, 66, 67, -1 };
static const short performance_2026[] = { 0, 1, 42, 43, 44, 45, 47, 46, 138,
	139, 140, 50, 51, 63, 64, 65, 66, 67, -1 };
static const short custom[] = { 0, 1, 2, 3, 4, 5, 6, 7, 67, 65, 66, -1 };
static const short financial[] = { 0, 1, 6, 14, 32, 33, 34, 35, 36, 37, 38, 39,
	40, 41, 68, 65, 66, 67, -1 };
static const short technical[] = { 0, 1, 48, 49, 52, 53, 54, 57, 58, 59, 65, 66,
	60, 61, 67, -1 };

static const struct view {
	int view;
	const short *cols_2021, *cols_2026;
} views[] = {
	{ 11, overview, overview },
	{ 12, valuation, valuation },
	{ 13, ownership, ownership },
	{ 14, performance_2021, performance_2026 },
	{ 15, custom, custom },
	{ 16, financial, financial },
	{ 17, technical, technical },
};

/* What the values of filters stand for: a text within a column. */
static const struct filter {
	const char *id, *value;
	enum column_place at;
	const char *name;
} filters[] = {
	{ "idx", "sp500", AT_INDEX, "S&P 500" },
	{ "idx", "dji", AT_INDEX, "DJIA" },
	{ "idx", "ndx", AT_INDEX, "NDX" },
	{ "idx", "rut", AT_INDEX, "RUT" }, /* none of ours is in it */
	{ "sec", "basicmaterials", AT_SECTOR, "Basic Materials" },
	{ "sec", "communicationservices", AT_SECTOR, "Communication Services" },
	{ "sec", "consumercyclical", AT_SECTOR, "Consumer Cyclical" },
	{ "sec", "consumerdefensive", AT_SECTOR, "Consumer Defensive" },
	{ "sec", "energy", AT_SECTOR, "Energy" },
	{ "sec", "financial", AT_SECTOR, "Financial" },
	{ "sec", "healthcare", AT_SECTOR, "Healthcare" },
	{ "sec", "industrials", AT_SECTOR, "Industrials" },
	{ "sec", "realestate", AT_SECTOR, "Real Estate" },
	{ "sec", "technology", AT_SECTOR, "Technology" },
	{ "sec", "utilities", AT_SECTOR, "Utilities" },
	{ "exch", "amex", AT_EXCHANGE, "AMEX" },
	{ "exch", "cboe", AT_EXCHANGE, "CBOE" },
	{ "exch", "nasd", AT_EXCHANGE, "NASD" },
	{ "exch", "nyse", AT_EXCHANGE, "NYSE" },
};

/* Length of the item of a list that s opens with. */
static size_t
item_len(const char *s, char sep)
{
	const char *end = strchr(s, sep);

	return end != NULL ? (size_t)(end - s) : strlen(s);
}

static int
same(const char *s, const char *part, size_t len)
{
	return strlen(s) == len && strncasecmp(s, part, len) == 0;
}

static const struct filter *
find_filter(const char *id, size_t idlen, const char *value, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(filters) / sizeof(*filters); i++)
		if (same(filters[i].id, id, idlen) &&
		    same(filters[i].value, value, len))
			return &filters[i];
	return NULL;
}

/*
 * One filter, "sec_energy|utilities": does any of its values match?  One that
 * is unknown says nothing, so everything matches.
 */
static int
filter_matches(const struct company *c, const char *s, size_t len)
{
	const char *value = memchr(s, '_', len), *end = s + len;
	const struct filter *f;
	size_t idlen, n;

	if (value == NULL)
		return 1;
	idlen = (size_t)(value++ - s);
	for (; value < end; value += n + 1) {
		n = item_len(value, '|');
		if (value + n > end)
			n = (size_t)(end - value);
		f = find_filter(s, idlen, value, n);
		if (f == NULL || strstr(c->raw[f->at], f->name) != NULL)
			return 1;
	}
	return 0;
}

static int
matches_all(const struct company *c, const char *list)
{
	size_t n;

	for (; *list != '\0'; list += n + (list[n] == ',')) {
		n = item_len(list, ',');
		if (!filter_matches(c, list, n))
			return 0;
	}
	return 1;
}

/* Is the ticker in the comma-separated list?  An empty list has them all. */
static int
asked_by_ticker(const struct company *c, const char *list)
{
	const char *ticker = company_ticker(c);
	size_t n;

	if (*list == '\0')
		return 1;
	for (; *list != '\0'; list += n + (list[n] == ',')) {
		n = item_len(list, ',');
		if (same(ticker, list, n))
			return 1;
	}
	return 0;
}

struct order {
	const struct company *company;
	double figure;
	const char *text;
	int descending;
};

/* Missing figures last in both directions; equal ones by ticker. */
static int
by_order(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	int cmp = 0;

	if (isnan(x->figure) != isnan(y->figure))
		return isnan(x->figure) ? 1 : -1;
	if (x->text != NULL)
		cmp = strcmp(x->text, y->text);
	else if (x->figure != y->figure && !isnan(x->figure))
		cmp = x->figure < y->figure ? -1 : 1;
	if (cmp == 0)
		return strcmp(
		    company_ticker(x->company), company_ticker(y->company));
	return x->descending ? -cmp : cmp;
}

static void
prepare(struct order *o, const struct company *c, const struct page *p)
{
	enum column_kind kind = columns[p->sorted].kind;

	*o = (struct order){ .company = c, .descending = p->descending };
	if (kind < COLUMN_NUMBER)
		o->text = c->raw[p->sorted];
	else if (!company_figure(c, (enum column_place)p->sorted, &o->figure))
		o->figure = NAN;
}

/* All that match, in order; *n of them.  To be freed. */
static struct order *
select_companies(const struct page *p, const struct market *m,
    const struct screen_query *q, size_t *n)
{
	struct order *found = mem_new(m->n * sizeof(*found));
	size_t i;

	*n = 0;
	for (i = 0; i < m->n; i++)
		if (matches_all(&m->all[i], q->f) &&
		    asked_by_ticker(&m->all[i], q->t))
			prepare(&found[(*n)++], &m->all[i], p);
	qsort(found, *n, sizeof(*found), by_order);
	return found;
}

static void
add_column(struct page *p, int at)
{
	size_t i;

	if (at < 0 || (p->era == 2021 && columns[at].head_2021[0] == '\0'))
		return;
	for (i = 0; i < p->ncols; i++)
		if (p->cols[i] == (size_t)at)
			return;
	p->cols[p->ncols++] = (size_t)at;
}

/* The columns of c=, in its order; without any good one, those of the view. */
static void
choose_columns(struct page *p, const char *c)
{
	const short *ids;
	size_t i;
	char *end;
	long id;

	for (; p->view == 15 && *c != '\0'; c += item_len(c, ',')) {
		c += *c == ',';
		id = strtol(c, &end, 10);
		if (end != c)
			add_column(p, column_by_id(id));
	}
	for (i = 0; i < sizeof(views) / sizeof(*views); i++) {
		if (views[i].view != p->view || p->ncols > 0)
			continue;
		ids = p->era == 2021 ? views[i].cols_2021 : views[i].cols_2026;
		for (; *ids >= 0; ids++)
			add_column(p, column_by_id(*ids));
	}
}

static void
choose_view(struct page *p, const char *v)
{
	long got = strtol(v, NULL, 10);
	size_t i;

	if (got < 100 || got > 999)
		got = 111;
	p->view = (int)(got / 10);
	p->panel = got % 10 == 1;
	p->charts = 1;
	for (i = 0; i < sizeof(views) / sizeof(*views); i++)
		if (views[i].view == p->view)
			p->charts = 0;
}

static void
choose_order(struct page *p, const char *o)
{
	int at;

	p->descending = *o == '-';
	at = column_by_key(o + p->descending);
	if (at < 0 || columns[at].kind == COLUMN_ROW) {
		p->descending = 0;
		at = AT_TICKER;
	}
	p->sorted = at;
}

/* Only what ids, tickers and keys are made of goes back into the page. */
static void
add_safe(struct text *t, const char *name, const char *value)
{
	if (*value == '\0')
		return;
	text_addf(t, "&%s=", name);
	for (; *value != '\0'; value++)
		if (strchr("<>\"'& \t\r\n\\", *value) == NULL)
			text_addn(t, value, 1);
}

static void
make_links(struct page *p, const struct screen_query *q)
{
	struct text t = { 0 };
	char *s;

	text_addf(&p->same, "%s?v=%d%d", q->path + 1, p->view,
	    p->panel         ? 1
	    : p->era == 2021 ? 0
			     : 2);
	add_safe(&p->same, "f", q->f);
	add_safe(&p->same, "t", q->t);
	text_add(&p->link, p->same.s);
	add_safe(&p->link, "o", q->o);

	add_safe(&t, "f", q->f);
	p->filters = mem_dup(t.len > 3 ? t.s + 3 : "");
	text_free(&t);
	for (s = p->filters; *s != '\0'; s++)
		if (*s == ',')
			*s = ' ';
	for (s = p->filters; (s = strchr(s, '_')) != NULL; s++)
		*s = ':';
}

/* Put the rows that start at number r on the page. */
static void
fill_rows(struct page *p, const struct order *found, const char *r)
{
	long first = strtol(r, NULL, 10);
	struct page_row *row;
	size_t no;

	p->first = first < 1 ? 1 : (size_t)first;
	for (no = p->first; no <= p->found && p->nrows < PAGE_ROWS; no++) {
		row = &p->rows[p->nrows++];
		row->company = found[no - 1].company;
		row->no = no;
		row->ticker = mem_dup(row->company->shown[AT_TICKER]);
		row->name = mem_dup(row->company->shown[AT_COMPANY]);
	}
}

/* Everything but the rows; the companies found, in order, to be freed. */
static struct order *
open_page(struct page *p, const struct market *m, const struct screen_query *q,
    int era, const struct fault *fault)
{
	struct order *found;
	size_t i, lost = 0;

	*p = (struct page){ .era = era };
	choose_view(p, q->v);
	choose_columns(p, fault->kind == FAULT_REFUSE ? "" : q->c);
	for (i = 0; i < p->ncols; i++)
		p->heads[i] =
		    mem_dup(era == 2021 ? columns[p->cols[i]].head_2021
					: columns[p->cols[i]].head_2026);
	choose_order(p, q->o);
	make_links(p, q);
	found = select_companies(p, m, q, &p->found);
	if (fault->kind == FAULT_SHRINK)
		lost = (size_t)fault->n;
	p->found -= lost < p->found ? lost : p->found;
	p->total = p->found;
	return found;
}

void
screen_page(struct page *p, const struct market *m,
    const struct screen_query *q, int era, const struct fault *fault)
{
	struct order *found = open_page(p, m, q, era, fault);

	fill_rows(p, found, q->r);
	free(found);
	page_spoil(p, fault);
}

const struct company **
screen_list(struct page *p, const struct market *m,
    const struct screen_query *q, int era, const struct fault *fault)
{
	struct order *found = open_page(p, m, q, era, fault);
	const struct company **all =
	    mem_new((p->found + 1) * sizeof(const struct company *));
	size_t i;

	for (i = 0; i < p->found; i++)
		all[i] = found[i].company;
	free(found);
	page_spoil(p, fault);
	return all;
}

void
page_free(struct page *p)
{
	size_t i;

	for (i = 0; i < p->nrows; i++) {
		free(p->rows[i].ticker);
		free(p->rows[i].name);
	}
	for (i = 0; i < COLUMNS; i++) {
		free(p->heads[i]);
		free(p->figures[i]);
	}
	text_free(&p->link);
	text_free(&p->same);
	free(p->filters);
}

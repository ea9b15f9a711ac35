#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "source/finviz_columns.h"
#include "source/finviz_html.h"
#include "source/finviz_page.h"

struct reader {
	struct finviz_html html;
	struct finviz_columns columns;
	struct finviz_page *page;
	size_t cap;
	int saw_number; /* a header "No." somewhere, */
	int saw_ticker; /* or "Ticker": for the message */
	size_t lost;    /* numbered rows with too few or too many cells */
};

/* Is this row the header?  Told by its cells, never by its place. */
static int
is_header(struct reader *r, const struct finviz_cells *c)
{
	int number = 0, ticker = 0;

	for (size_t i = 0; i < c->n; i++) {
		const char *s = c->cell[i].s;

		if ((*s == 'N' || *s == 'n') && strcasecmp(s, "No.") == 0)
			number = 1;
		else if ((*s == 'T' || *s == 't') &&
			 strcasecmp(s, "Ticker") == 0)
			ticker = 1;
	}
	r->saw_number |= number;
	r->saw_ticker |= ticker;
	return number && ticker;
}

static enum rc
take_header(struct reader *r, struct finviz_html *h, struct err *e)
{
	enum rc rc = RC_OK;

	finviz_columns_init(&r->columns);
	for (size_t i = 0; i < h->cells.n && rc == RC_OK; i++)
		rc = finviz_columns_add(&r->columns, h->cells.cell[i].s, e);
	if (rc != RC_OK)
		return rc;
	memcpy(r->page->table.have, r->columns.have, FIELD__MAX);
	h->ticker = r->columns.ticker;
	h->found = 1;
	return RC_OK;
}

/*
 * The cell's whole text is "AAAPL" since July 2026, when a logo with a hidden
 * letter came before the link; and A, AA and AAPL are all real tickers.
 */
static const char *
ticker_text(const struct reader *r, const struct finviz_cells *c)
{
	if (c->boxover.n > 0)
		return c->boxover.s;
	if (c->link.n > 0)
		return c->link.s;
	if (c->has_link)
		return c->target.s;
	return c->cell[r->columns.ticker].s;
}

static enum rc
add_row(struct reader *r, long number, size_t record, struct err *e)
{
	struct finviz_page *page = r->page;
	size_t cap = r->cap == 0 ? 32 : r->cap * 2;
	void *p;

	if (page->nrows == LIMIT_ROWS)
		return err_set(
		    e, RC_PARSE, "more than %d rows on a page", LIMIT_ROWS);
	if (page->nrows == r->cap) {
		p = realloc(page->rows, cap * sizeof(page->rows[0]));
		if (p == NULL)
			return err_set(e, RC_NOMEM, "page: out of memory");
		page->rows = p;
		r->cap = cap;
	}
	page->rows[page->nrows++] =
	    (struct finviz_row){ .number = (uint32_t)number,
		    .record = (uint32_t)record };
	return RC_OK;
}

static enum rc
set_cells(struct reader *r, const struct finviz_cells *c, struct record *record,
    struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < c->n && rc == RC_OK; i++) {
		enum field f = r->columns.field[i];

		if (f == FIELD__MAX || f == FIELD_TICKER)
			continue;
		if (c->cell[i].over)
			return err_set(e, RC_PARSE,
			    "%s of %s has more than %d "
			    "bytes",
			    fields[f].name, ticker_text(r, c), LIMIT_CELL);
		rc = table_set_cell(
		    &r->page->table, record, f, c->cell[i].s, 0, e);
	}
	return rc;
}

static enum rc
take_row(struct reader *r, const struct finviz_cells *c, struct err *e)
{
	struct table *t = &r->page->table;
	size_t at = r->columns.number;
	long number = at < c->n ? finviz_number(c->cell[at].s) : 0;
	struct record *record;
	enum rc rc;
	int added;

	/* A row across all columns (an advertisement) may stand between; one
	 * with a number is a row that we cannot read. */
	if (c->n != r->columns.n) {
		r->lost += number > 0;
		return RC_OK;
	}
	if (number == 0)
		return err_set(e, RC_PARSE, "\"%.40s\" is not a row number",
		    c->cell[at].s);
	rc = table_record(t, ticker_text(r, c), &record, &added, e);
	if (rc == RC_OK)
		rc = add_row(r, number, (size_t)(record - t->rows), e);
	if (rc == RC_OK && added)
		rc = set_cells(r, c, record, e);
	return rc;
}

static enum rc
on_row(void *arg, struct finviz_html *h, struct err *e)
{
	struct reader *r = arg;

	if (is_header(r, &h->cells))
		return h->found ? RC_OK : take_header(r, h, e);
	return h->found ? take_row(r, &h->cells, e) : RC_OK;
}

static int
is_login(const struct finviz_html *h)
{
	return h->password || strcasestr(h->title.s, "log in") != NULL ||
	       strcasestr(h->title.s, "login") != NULL ||
	       strcasestr(h->title.s, "sign in") != NULL ||
	       strcasestr(h->title.s, "elite") != NULL;
}

/* A page without the table. */
static enum rc
no_table(struct reader *r, struct err *e)
{
	struct finviz_html *h = &r->html;

	if (h->empty && h->total <= 0) {
		r->page->total = 0;
		return err_set(e, RC_EMPTY, "an empty screen");
	}
	if (is_login(h))
		return err_set(e, RC_BLOCKED,
		    "not authorised: a login page (\"%.60s\")", h->title.s);
	if (r->saw_number || r->saw_ticker)
		return err_set(e, RC_PARSE,
		    "changed layout: the table has no column \"%s\"",
		    r->saw_number ? "Ticker" : "No.");
	return err_set(e, RC_PARSE,
	    "changed layout: no table with the columns "
	    "\"No.\" and \"Ticker\"%s",
	    h->total > 0 ? ", although the page counts rows" : "");
}

/* The header alone.  Past the end the first number is clamped to the total. */
static enum rc
no_rows(const struct reader *r, struct err *e)
{
	const struct finviz_html *h = &r->html;

	if (h->total < 0)
		return err_set(e, RC_PARSE,
		    "changed layout: a table without rows and without a count");
	if (h->total == 0)
		return err_set(e, RC_EMPTY, "an empty screen");
	if (h->first >= 0 && h->first < h->total)
		return err_set(e, RC_PARSE,
		    "no rows where number %lld of %lld "
		    "is due",
		    (long long)h->first, (long long)h->total);
	return err_set(e, RC_EMPTY, "past the end: there are %lld rows",
	    (long long)h->total);
}

/* Where the page contradicts itself, rows were lost. */
static enum rc
judge(struct reader *r, struct err *e)
{
	const struct finviz_html *h = &r->html;
	struct finviz_page *page = r->page;

	page->total = h->total;
	page->first = h->first;
	page->size = h->size;
	if (!h->found)
		return no_table(r, e);
	r->lost += (size_t)h->lost;
	if (r->lost > 0)
		return err_set(e, RC_PARSE,
		    "%zu rows lost: they have not the header's %zu columns",
		    r->lost, r->columns.n);
	if (h->ts_rows >= 0 && (size_t)h->ts_rows != page->nrows)
		return err_set(e, RC_PARSE,
		    "%zu rows where the page lists "
		    "%lld",
		    page->nrows, (long long)h->ts_rows);
	if (page->nrows == 0)
		return no_rows(r, e);
	if (h->empty)
		return err_set(e, RC_PARSE, "rows on a page marked as empty");
	for (size_t i = 0; h->total >= 0 && i < page->nrows; i++)
		if (page->rows[i].number > h->total)
			return err_set(e, RC_PARSE,
			    "row %u where the page "
			    "counts %lld",
			    page->rows[i].number, (long long)h->total);
	return RC_OK;
}

enum rc
finviz_page_read(
    struct finviz_page *page, const char *body, size_t len, struct err *e)
{
	struct reader *r = calloc(1, sizeof(*r));
	enum rc rc;

	*page = (struct finviz_page){ .total = -1, .first = -1, .size = -1 };
	table_init(&page->table);
	if (r == NULL)
		return err_set(e, RC_NOMEM, "page: out of memory");
	r->page = page;
	r->html.row = on_row;
	r->html.arg = r;
	rc = finviz_html_parse(&r->html, body, len, e);
	if (rc == RC_OK)
		rc = judge(r, e);
	free(r);
	return rc;
}

void
finviz_page_fini(struct finviz_page *page)
{
	free(page->rows);
	table_fini(&page->table);
	page->rows = NULL;
	page->nrows = 0;
}

enum rc
finviz_page_whole(const struct finviz_page *page, struct err *e)
{
	uint32_t least = UINT32_MAX, most = 0;
	unsigned char seen[LIMIT_ROWS] = { 0 };
	int64_t due;

	for (size_t i = 0; i < page->nrows; i++) {
		uint32_t n = page->rows[i].number;

		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	if (page->table.count != page->nrows)
		return err_set(e, RC_PARSE, "a ticker stands twice");
	for (size_t i = 0; i < page->nrows; i++) {
		uint32_t at = page->rows[i].number - least;

		if (at >= page->nrows || seen[at])
			return err_set(e, RC_PARSE,
			    "the rows are not numbered "
			    "one by one (%u to %u)",
			    least, most);
		seen[at] = 1;
	}
	if (page->first >= 0 && page->first != least)
		return err_set(
		    e, RC_PARSE, "row %lld is missing", (long long)page->first);
	due = page->total - least + 1;
	if (page->size >= 0 && due > page->size)
		due = page->size;
	if (page->total >= 0 && page->size >= 0 && (int64_t)page->nrows < due)
		return err_set(e, RC_PARSE, "%zu rows where %lld are due",
		    page->nrows, (long long)due);
	return RC_OK;
}

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "source/finviz_sweep.h"

void
finviz_sweep_init(struct finviz_sweep *s)
{
	*s = (struct finviz_sweep){ .total = -1, .low = 1 };
	table_init(&s->table);
}

void
finviz_sweep_fini(struct finviz_sweep *s)
{
	free(s->slots);
	table_fini(&s->table);
	finviz_sweep_init(s);
}

enum rc
finviz_sweep_expect(
    struct finviz_sweep *s, int64_t total, size_t size, struct err *e)
{
	if (total > LIMIT_ROWS)
		return err_set(e, RC_PARSE,
		    "a screen of %lld rows: more than "
		    "%d",
		    (long long)total, LIMIT_ROWS);
	s->slots = calloc((size_t)total + 1, sizeof(s->slots[0]));
	if (s->slots == NULL)
		return err_set(e, RC_NOMEM, "sweep: out of memory");
	s->total = total;
	s->size = size;
	return RC_OK;
}

/* One past the last number that a page asked at first can bring. */
static size_t
page_end(const struct finviz_sweep *s, size_t first)
{
	size_t end = first + s->size;

	return end > (size_t)s->total + 1 ? (size_t)s->total + 1 : end;
}

size_t
finviz_sweep_next(struct finviz_sweep *s)
{
	size_t i;

	if (s->total < 0) {
		i = !s->opened;
		s->opened = 1;
		return i;
	}
	for (i = s->low; i <= (size_t)s->total; i++)
		if (s->slots[i].record == 0 && s->slots[i].cover == 0)
			break;
	s->low = i;
	if (i > (size_t)s->total)
		return 0;
	s->slots[i].asked++;
	for (size_t k = i; k < page_end(s, i); k++)
		s->slots[k].cover++;
	return i;
}

int
finviz_sweep_done(const struct finviz_sweep *s)
{
	return s->total >= 0 && s->arrived == (size_t)s->total;
}

int
finviz_sweep_has(const struct finviz_sweep *s, const struct table *t)
{
	if (s->table.count != t->count)
		return 0;
	for (size_t i = 0; i < t->count; i++)
		if (table_find(&s->table, t->rows[i].v[FIELD_TICKER].u.text) ==
		    NULL)
			return 0;
	return 1;
}

int
finviz_sweep_awaits(const struct finviz_sweep *s, size_t first)
{
	if (s->total < 0)
		return s->opened && first == 1;
	return first >= 1 && first <= (size_t)s->total &&
	       s->slots[first].asked > 0;
}

static const char *
ticker_at(const struct table *t, size_t i)
{
	return t->rows[i].v[FIELD_TICKER].u.text;
}

/* Does the page tell of another screen than what has arrived? */
static int
has_moved(
    const struct finviz_sweep *s, const struct finviz_page *page, struct err *e)
{
	const char *ticker;
	const struct record *r;
	size_t at;

	if (page->total != s->total) {
		err_set(e, RC_INVALID,
		    "total changed from %lld to %lld during "
		    "the sweep",
		    (long long)s->total, (long long)page->total);
		return 1;
	}
	for (size_t i = 0; i < page->nrows; i++) {
		ticker = ticker_at(&page->table, page->rows[i].record);
		at = s->slots[page->rows[i].number].record;
		r = table_find(&s->table, ticker);
		if (at == 0 ? r == NULL : r == &s->table.rows[at - 1])
			continue;
		err_set(e, RC_INVALID,
		    "rows changed places during the sweep "
		    "(%s at number %u)",
		    ticker, page->rows[i].number);
		return 1;
	}
	return 0;
}

static enum rc
copy_record(struct table *to, const struct record *from, struct err *e)
{
	struct record *r;
	enum rc rc =
	    table_record(to, from->v[FIELD_TICKER].u.text, &r, NULL, e);

	for (int f = 0; f < FIELD__MAX && rc == RC_OK; f++) {
		const struct value *v = &from->v[f];

		if (v->kind == VALUE_NUMBER)
			table_set_number(r, (enum field)f, v->u.number);
		else if (v->kind == VALUE_TEXT && f != FIELD_TICKER)
			rc = table_set_text(to, r, (enum field)f, v->u.text, e);
	}
	return rc;
}

/* Add the rows whose numbers have not arrived; *fresh counts them. */
static enum rc
add_rows(struct finviz_sweep *s, const struct finviz_page *page, size_t *fresh,
    struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < page->nrows && rc == RC_OK; i++) {
		const struct finviz_row *row = &page->rows[i];

		if (s->slots[row->number].record != 0)
			continue;
		rc = copy_record(&s->table, &page->table.rows[row->record], e);
		s->broken = rc != RC_OK;
		s->slots[row->number].record = (uint32_t)s->table.count;
		s->arrived++;
		(*fresh)++;
	}
	return rc;
}

/* The request that began at first is answered. */
static void
settle(struct finviz_sweep *s, size_t first)
{
	s->slots[first].asked--;
	for (size_t k = first; k < page_end(s, first); k++)
		s->slots[k].cover--;
	if (first < s->low)
		s->low = first;
}

/* A ticker under two numbers of one page is no order to sweep by. */
static int
is_doubled(const struct finviz_page *page, struct err *e)
{
	uint32_t *at = calloc(page->table.count + 1, sizeof(*at));
	int doubled = 0;

	if (at == NULL)
		return -1;
	for (size_t i = 0; i < page->nrows && !doubled; i++) {
		const struct finviz_row *row = &page->rows[i];

		if (at[row->record] != 0 && at[row->record] != row->number) {
			err_set(e, RC_INVALID, "%s stands twice on a page",
			    ticker_at(&page->table, row->record));
			doubled = 1;
		}
		at[row->record] = row->number;
	}
	free(at);
	return doubled;
}

/* The first page: it says how many rows there are, and how many come. */
static enum rc
open_with(struct finviz_sweep *s, const struct finviz_page *page, struct err *e)
{
	uint32_t last = 0;
	enum rc rc;

	for (size_t i = 0; i < page->nrows; i++)
		if (page->rows[i].number > last)
			last = page->rows[i].number;
	rc = finviz_sweep_expect(s, page->total, last > 0 ? last : 1, e);
	if (rc != RC_OK || page->total == 0)
		return rc;
	memcpy(s->table.have, page->table.have, sizeof(s->table.have));
	s->slots[1].asked = 1;
	for (size_t k = 1; k < page_end(s, 1); k++)
		s->slots[k].cover = 1;
	return RC_OK;
}

enum rc
finviz_sweep_take(struct finviz_sweep *s, size_t first,
    const struct finviz_page *page, int *moved, struct err *e)
{
	size_t fresh = 0;
	enum rc rc = RC_OK;

	*moved = 0;
	if (page->total < 0)
		return err_set(e, RC_PARSE,
		    "changed layout: the page does not count its rows");
	if (s->total < 0) {
		rc = open_with(s, page, e);
		if (rc != RC_OK || s->total == 0)
			return rc;
	}
	*moved = has_moved(s, page, e);
	if (!*moved)
		*moved = is_doubled(page, e);
	if (*moved < 0)
		return err_set(e, RC_NOMEM, "sweep: out of memory");
	if (*moved)
		return RC_OK;
	if (page->nrows > 0 && s->arrived == 0)
		memcpy(s->table.have, page->table.have, sizeof(s->table.have));
	if (page->nrows > 0 &&
	    memcmp(s->table.have, page->table.have, sizeof(s->table.have)) != 0)
		return err_set(e, RC_PARSE,
		    "changed layout: the columns changed during the sweep");
	rc = add_rows(s, page, &fresh, e);
	if (rc != RC_OK)
		return rc;
	settle(s, first);
	if (fresh == 0)
		return err_set(e, RC_INVALID,
		    "page at row %zu of %lld brings "
		    "nothing new",
		    first, (long long)s->total);
	return RC_OK;
}

enum rc
finviz_sweep_move(struct finviz_sweep *s, struct table *out, struct err *e)
{
	struct table sorted;
	int in_order = 1;
	enum rc rc = RC_OK;

	for (size_t i = 1; i <= (size_t)s->total; i++)
		in_order &= s->slots[i].record == i;
	table_init(&sorted);
	if (in_order) {
		sorted = s->table;
		table_init(&s->table);
	}
	for (size_t i = 1; !in_order && i <= (size_t)s->total && rc == RC_OK;
	     i++)
		rc = copy_record(
		    &sorted, &s->table.rows[s->slots[i].record - 1], e);
	if (rc != RC_OK) {
		table_fini(&sorted);
		return rc;
	}
	if (!in_order)
		memcpy(sorted.have, s->table.have, sizeof(sorted.have));
	table_fini(out);
	*out = sorted;
	return RC_OK;
}

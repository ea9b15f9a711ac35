#include <stdio.h>
#include <string.h>

#include "screen.h"

const char *
page_cell(const struct page *p, const struct page_row *row, size_t col,
    char *buf, size_t size)
{
	if (columns[col].kind == COLUMN_ROW) {
		snprintf(buf, size, "%zu", row->no);
		return buf;
	}
	if (col == AT_TICKER)
		return row->ticker;
	if (col == AT_COMPANY)
		return row->name;
	if (p->figures[col] != NULL)
		return p->figures[col];
	return row->company->shown[col];
}

/* The price has the colour of the change, a performance that of its sign. */
int
page_sign(const struct page_row *row, size_t col)
{
	int id = columns[col].id;
	double v;

	if (col != AT_PRICE && col != AT_CHANGE && (id < 42 || id > 47) &&
	    (id < 52 || id > 54) && (id < 138 || id > 140))
		return 0;
	if (col == AT_PRICE)
		col = AT_CHANGE;
	if (!company_figure(row->company, (enum column_place)col, &v))
		return 0;
	return (v > 0) - (v < 0);
}

size_t
page_count(const struct page *p)
{
	return p->total ? (p->total + PAGE_ROWS - 1) / PAGE_ROWS : 1;
}

/* Past the end the last page is the selected one. */
size_t
page_number(const struct page *p)
{
	size_t at = (p->first - 1) / PAGE_ROWS, n = page_count(p);

	return at < n ? at : n - 1;
}

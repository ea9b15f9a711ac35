#include "faults.h"
#include "markup.h"

void
markup_stamp(struct text *t, const struct page *p)
{
	const struct page_row *row;

	text_add(t, "<!-- TS\n");
	for (row = p->rows; row < p->rows + p->nrows; row++)
		text_addf(t, "%s|%s|%s\n", row->ticker,
		    row->company->shown[AT_PRICE],
		    row->company->raw[AT_VOLUME]);
	text_add(t, "TE -->\n");
}

void
markup_pages(struct text *t, const struct page *p, const char *option_end)
{
	size_t i, n = page_count(p), here = page_number(p);

	for (i = 0; i < n; i++)
		text_addf(t, "<option %svalue=%zu>Page %zu%s%zu</option>",
		    i == here ? "selected=\"selected\" " : "",
		    i * PAGE_ROWS + 1, i + 1, option_end, n);
	text_add(t, "</select>\n");
}

/* Without their end tags, so that a million of them stay below 6 MB. */
void
markup_wide(struct text *t, const struct page *p, const char *cell)
{
	size_t i;

	for (i = 0; i < p->filler; i++)
		text_add(t, cell);
}

void
markup_banner(struct text *t)
{
	text_add(t,
	    "<div id=\"demo-market\" style=\"background:#b00;color:#fff;"
	    "text-align:center\">DEMO MARKET: not Finviz, not live data. "
	    "Figures of August 2025, for tests.</div>\n");
}

void
markup_layout(struct text *t, const struct page *p)
{
	const struct page_row *row;
	char buf[32];
	size_t i;

	text_add(t, "<!DOCTYPE html>\n<html><head><meta charset=\"UTF-8\">"
		    "<title>Screener (demo market)</title></head><body>\n");
	markup_banner(t);
	filler_script(t, 20000);
	text_add(t, "<main class=\"grid-view\">\n");
	for (row = p->rows; row < p->rows + p->nrows; row++) {
		text_add(t, "<div class=\"grid-row\">");
		for (i = 0; i < p->ncols; i++)
			text_addf(t, "<span>%s</span>",
			    page_cell(p, row, p->cols[i], buf, sizeof(buf)));
		text_add(t, "</div>\n");
	}
	text_add(t, "</main></body></html>\n");
}

void
markup_charts(struct text *t, const struct page *p)
{
	const struct page_row *row;

	text_add(t, "<tr><td><div class=\"screener-charts\">\n");
	for (row = p->rows; row < p->rows + p->nrows; row++)
		text_addf(t,
		    "<span><a href=\"quote.ashx?t=%s\"><img src=\""
		    "chart.ashx?t=%s&ty=c&ta=1&p=d&s=l\" width=\"450\" "
		    "height=\"160\"></a></span>\n",
		    row->ticker, row->ticker);
	text_add(t, "</div></td></tr>\n");
}

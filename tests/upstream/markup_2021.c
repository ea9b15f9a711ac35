#include "markup.h"

#define SPACER                                                                 \
	"<tr><td width=\"100%\"><img src=\"gfx/nic2x2.gif\" width=\"2\" "      \
	"height=\"4\" alt=\"\" border=\"0\"></td></tr>\n"

#define LINK "quote.ashx?t=%s&ty=c&p=d&b=1"

static void
head(struct text *t, const struct page *p)
{
	text_add(t,
	    "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.0 Transitional//EN\">\n"
	    "<html>\n<head>\n<title>Stock Screener (demo market)</title>\n"
	    "<meta charset=\"UTF-8\"><meta name=\"description\" "
	    "content=\"Stock screener for investors and traders, financial "
	    "visualizations.\">\n<meta name=\"robots\" content=\"noindex\">\n");
	filler_script(t, 18000);
	text_add(t, "</head>\n<body>\n");
	markup_banner(t);
	text_add(t, "<table width=\"100%\" cellpadding=\"0\" "
		    "cellspacing=\"0\" border=\"0\">\n<tr><td>\n"
		    "<select id=\"orderSelect\">");
	filler_orders(t, p->same.s);
	text_add(t, "</select>\n</td></tr>\n");
	if (p->panel) {
		text_add(t, "<tr><td>\n");
		filler_panel(t, p->link.s);
		text_add(t, "</td></tr>\n");
	}
	text_add(t, SPACER);
}

/* "Total: 503 #1"; of a page without rows nothing was recorded. */
static void
count_line(struct text *t, const struct page *p)
{
	size_t at = p->first < p->total ? p->first : p->total;

	text_addf(t,
	    "<tr>\n<td width=\"100%%\">\n<table width=\"100%%\" "
	    "cellpadding=\"0\" cellspacing=\"0\" border=\"0\">\n<tr>\n"
	    "<td width=\"140\" align=\"left\" valign=\"bottom\" "
	    "class=\"count-text\"><b>Total: </b>%zu #%zu</td>\n"
	    "<td align=\"center\" valign=\"bottom\" class=\"fullview-links\">\n"
	    "<a href=\"javascript:SavePortfolio(%zu,'%s')\" "
	    "class=\"tab-link\">save as portfolio</a> | \n"
	    "<span class=\"count-text\"><b>Auto Refresh:</b></span> "
	    "<a href=\"/%s&ar=180\" class=\"tab-link \">3min</a> | "
	    "<a href=\"/%s\" class=\"tab-link active\">off</a></td>"
	    "<td width=\"10\" align=\"right\" valign=\"middle\" "
	    "class=\"count-text\">\n<select id=\"pageSelect\" "
	    "style=\"width:auto;\" class=\"pages-combo\" "
	    "onchange='url=\"%s&r=123456\";row=\"r=\" + "
	    "document.getElementById(\"pageSelect\").value;"
	    "url=url.replace(/r=123456/,row);window.location=url;'>\n",
	    p->total, at, p->total, p->link.s, p->link.s, p->link.s, p->link.s);
	markup_pages(t, p, "/");
	text_add(t, "</td>\n</tr>\n</table>\n</td>\n</tr>\n");
}

static void
heading(struct text *t, const struct page *p, size_t i)
{
	const struct column *c = &columns[p->cols[i]];
	int selected = p->cols[i] == (size_t)p->sorted;
	const char *cls = selected ? "table-top-s" : "table-top";

	text_addf(t,
	    "<td class=\"%s\" onmouseover=\"this.className='table-top-h';\" "
	    "onmouseout=\"this.className='%s';\" "
	    "onclick=\"window.location='%s&o=%s%s'\" "
	    "style=\"cursor:pointer;\">",
	    cls, cls, p->same.s, selected && p->descending ? "" : "-", c->key);
	if (selected)
		text_addf(t,
		    "<img align=\"top\" src=\"gfx/tab_arrow_%s.gif\" "
		    "width=\"14\" height=\"10\" alt=\"\" border=\"0\">",
		    p->descending ? "d" : "u");
	text_addf(t, "%s</td>\n", p->heads[i]);
}

/* The hover text holds raw angle brackets in its attribute. */
static void
hover(struct text *t, const struct page *p, const struct page_row *row)
{
	char buf[32];

	text_addf(t,
	    " title=\"cssbody=[tabchrtbdy] cssheader=[tabchrthdr] body=[<img "
	    "src='https://charts2.finviz.com/chart.ashx?s=m&ty=c&t=%s'><br>"
	    "&nbsp;<b>%s</b><br>&nbsp;%s | %s | %s] offsetx=[100] offsety=[0] "
	    "delay=[0]\"",
	    row->ticker, row->name, row->company->shown[AT_4],
	    row->company->shown[AT_5],
	    page_cell(p, row, AT_MARKET_CAP, buf, sizeof(buf)));
}

static void
cell(struct text *t, const struct page *p, const struct page_row *row,
    size_t col)
{
	int sign = page_sign(row, col);
	char buf[32];

	text_addf(t,
	    "<td height=\"10\" align=\"%s\" class=\"screener-body-table-nw\"",
	    columns[col].left ? "left" : "right");
	if (col == AT_TICKER || col == AT_PRICE)
		hover(t, p, row);
	text_addf(t, "><a href=\"" LINK "\" class=\"screener-link%s\">",
	    company_ticker(row->company), col == AT_TICKER ? "-primary" : "");
	if (sign != 0)
		text_addf(
		    t, "<span class=\"is-%s\">", sign > 0 ? "green" : "red");
	text_add(t, page_cell(p, row, col, buf, sizeof(buf)));
	text_add(t, sign != 0 ? "</span></a></td>" : "</a></td>");
}

/* The heading's row has no end; rows alternate in nothing but their class. */
static void
table(struct text *t, const struct page *p)
{
	const struct page_row *row;
	const char *shade;
	size_t i;

	text_add(t, "<tr>\n<td>\n<table width=\"100%\" cellpadding=\"3\" "
		    "cellspacing=\"1\" border=\"0\" bgcolor=\"#d3d3d3\">\n"
		    "<tr align=\"center\" valign=\"middle\">\n");
	for (i = 0; i < p->ncols; i++)
		heading(t, p, i);
	markup_wide(t, p, "<td class=table-top>x");
	for (row = p->rows; row < p->rows + p->nrows; row++) {
		shade = row->no % 2 ? "dark" : "light";
		text_addf(t,
		    "<tr valign=\"top\" class=\"table-%s-row-cp\"  "
		    "onmouseover=\"this.className='table-%s-row-cp-h';\" "
		    "onmouseout=\"this.className='table-%s-row-cp';\">\n",
		    shade, shade, shade);
		for (i = 0; i < p->ncols; i++)
			cell(t, p, row, p->cols[i]);
		text_add(t, "</tr>");
	}
	text_add(t, "</table>\n</td>\n</tr>\n");
}

static void
pagination(struct text *t, const struct page *p)
{
	size_t i, n = page_count(p);

	text_addf(t,
	    "<tr>\n<td>\n<table width=\"100%%\" cellpadding=\"0\" "
	    "cellspacing=\"0\" class=\"body-table\" bgcolor=\"#ffffff\" "
	    "border=\"0\">\n<tr>\n<td align=\"left\" "
	    "style=\"color:#888888\"><b>Filters:</b> %s</td></tr>\n</table>\n"
	    "</td>\n</tr>\n<tr>\n<td width=\"100%%\" align=\"center\" "
	    "valign=\"top\" class=\"body-table screener_pagination\" "
	    "bgcolor=\"#ffffff\">\n",
	    p->filters);
	for (i = 0; i < n; i++)
		text_addf(t,
		    "<a href=\"%s&r=%zu\" class=\"screener-pages\">%zu</a>",
		    p->link.s, i * PAGE_ROWS + 1, i + 1);
	text_add(t, "\n</td>\n</tr>\n</table>\n</div>\n</tr></td>");
}

void
markup_2021(struct text *t, const struct page *p)
{
	head(t, p);
	count_line(t, p);
	if (p->charts)
		markup_charts(t, p);
	else if (p->total > 0)
		table(t, p);
	pagination(t, p);
	markup_stamp(t, p);
	text_add(t, "<tr>\n<td align=\"center\"><span class=\"copyright\">"
		    "Demo market for tests; not FINVIZ.com.</span></td>\n"
		    "</tr>\n</table>\n");
	filler_script(t, 8000);
	text_add(t, "</body>\n</html>\n");
}

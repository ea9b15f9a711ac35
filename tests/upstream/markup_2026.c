#include <string.h>

#include "markup.h"

#define SPACER                                                                 \
	"<tr><td width=\"100%\"><img src=\"gfx/nic2x2.gif\" "                  \
	"style=\"display:block;width:2px;height:6px\" alt=\"\" "               \
	"border=\"0\"></td></tr>\n"

static const struct {
	int view;
	const char *name;
} buttons[] = {
	{ 11, "Overview" },
	{ 12, "Valuation" },
	{ 16, "Financial" },
	{ 13, "Ownership" },
	{ 14, "Performance" },
	{ 17, "Technical" },
	{ 18, "ETF" },
	{ 19, "ETF Perf" },
	{ 15, "Custom" },
	{ 21, "Charts" },
	{ 41, "Tickers" },
	{ 31, "Basic" },
	{ 35, "TA" },
	{ 32, "News" },
	{ 34, "Snapshot" },
	{ 71, "Maps" },
};

static const char *
view_name(int view)
{
	size_t i;

	for (i = 0; i < sizeof(buttons) / sizeof(*buttons); i++)
		if (buttons[i].view == view)
			return buttons[i].name;
	return "Custom";
}

static void
head(struct text *t, const struct page *p)
{
	text_addf(t,
	    "<!DOCTYPE html>\n<html lang=\"en\" class=\" dark\">\n<head>\n"
	    "<title>Stock Screener - %s (demo market)</title>\n"
	    "<meta charset=\"UTF-8\"><meta name=\"viewport\" "
	    "content=\"width=1024\"><meta name=\"description\" "
	    "content=\"Stock screener for investors and traders, financial "
	    "visualizations.\">\n<meta name=\"robots\" content=\"noindex\">\n",
	    view_name(p->view));
	filler_script(t, 24000);
	text_add(t, "</head>\n<body class=\"m-0 screener\">\n");
	markup_banner(t);
	text_add(t, "<table class=\"header\" width=\"100%\"><tr><td>\n");
	text_addf(t, "<select id=\"orderSelect\" class=\"fv-select\">");
	filler_orders(t, p->same.s);
	text_add(t, "</select>\n</td></tr>\n<tr><td>\n");
	if (p->panel)
		filler_panel(t, p->link.s);
	text_add(t, "<div id=\"screener-content\">\n");
}

static void
view_buttons(struct text *t, const struct page *p)
{
	const char *rest = strchr(p->link.s, '&');
	size_t i;

	text_add(t, "<table id=\"screener-views-table\" width=\"100%\" "
		    "cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr><td "
		    "width=\"100%\">\n<table width=\"100%\" cellpadding=\"0\" "
		    "cellspacing=\"0\" class=\"screener-view-table "
		    "screener-view-switch\">\n<tr>\n");
	for (i = 0; i < sizeof(buttons) / sizeof(*buttons); i++)
		text_addf(t,
		    "<td class=\"screener-view-button is-screener %s\" "
		    "style=\"cursor:pointer;\"><a href=\"screener?v=%d%d%s\">"
		    "%s</a></td>\n",
		    buttons[i].view == p->view ? "is-active" : "",
		    buttons[i].view, p->panel ? 1 : 2, rest ? rest : "",
		    buttons[i].name);
	text_add(t, "</tr>\n</table>\n</td>\n</tr>\n" SPACER);
}

static void
count_line(struct text *t, const struct page *p)
{
	size_t at = p->first < p->total ? p->first : p->total;

	text_addf(t,
	    "<tr>\n<td width=\"100%%\">\n<div class=\"relative w-full "
	    "min-h-6\">"
	    "<div class=\"absolute bottom-0 left-0 right-0 top-0 flex "
	    "justify-between items-center gap-x-6\">\n"
	    "<div id=\"screener-total\" class=\"count-text "
	    "whitespace-nowrap\">#%zu / %zu Total</div>\n"
	    "<div id=\"screener-fullview-links\" class=\"fullview-links flex "
	    "space-x-3 lg:space-x-5 justify-center items-center "
	    "overflow-hidden text-link\"\">\n"
	    "<span class=\"tab-link whitespace-nowrap\">\n"
	    "<a href=\"javascript:SavePortfolio(%zu,'%s')\" "
	    "class=\"tab-link\">save as portfolio</a></span>\n"
	    "<span style=\"white-space: nowrap\"><span class=\"count-text\">"
	    "<b>Refresh:</b></span> <a href=\"/%s&ar=180\" "
	    "class=\"tab-link \">3min</a> | <a href=\"/%s\" "
	    "class=\"tab-link font-bold\">off</a></div>"
	    "<div id=\"screener-page-select\" class=\"flex justify-center "
	    "items-center gap-1\"><select id=\"pageSelect\"  "
	    "class=\"pages-combo fv-select\" onchange='trackPagination(\"top\")"
	    ";url=\"%s&r=123456\";row=\"r=\" + "
	    "document.getElementById(\"pageSelect\").value;"
	    "url=url.replace(/r=123456/,row);window.location=url;'>\n",
	    at, p->total, p->total, p->link.s, p->link.s, p->link.s, p->link.s);
	markup_pages(t, p, " / ");
	text_add(t, "</div></div></div></td>\n</tr>\n" SPACER);
}

/* The arrow stands after a left-aligned heading, before a right-aligned one. */
static void
heading(struct text *t, const struct page *p, size_t i)
{
	const struct column *c = &columns[p->cols[i]];
	const char *side = c->left ? "left" : "right";
	int selected = p->cols[i] == (size_t)p->sorted;
	char arrow[] = "<svg width=\"16\" height=\"16\" class=\"inline-block "
		       "-mt-[3px] -mb-0.5\">\n    <use href=\"/assets/icons.svg"
		       "#chevron\"/>\n</svg>";

	if (c->kind == COLUMN_ROW) {
		text_addf(t,
		    "<th class=\"table-header is-static cursor-default\" "
		    "align=\"right\">%s</th>\n",
		    p->heads[i]);
		return;
	}
	text_addf(t,
	    "<th class=\"table-header cursor-pointer%s\" align=\"%s\" "
	    "onclick=\"window.location='%s&o=%s%s'\">%s%s%s</th>\n",
	    !selected       ? ""
	    : p->descending ? " is-selected is-descending"
			    : " is-selected is-ascending",
	    side, p->same.s, selected && !p->descending ? "-" : "", c->key,
	    selected && !c->left ? arrow : "", p->heads[i],
	    selected && c->left ? arrow : "");
}

/* No space before the first attribute, as on the site. */
static void
boxover(struct text *t, const struct page *p, const struct page_row *row)
{
	char buf[32];

	text_add(t, "data-boxover-ticker=\"");
	text_attr(t, row->ticker);
	text_add(t, "\" data-boxover-company=\"");
	text_attr(t, row->name);
	text_add(t, "\" data-boxover-industry=\"");
	text_attr(t, row->company->shown[AT_4]);
	text_add(t, "\" data-boxover-country=\"");
	text_attr(t, row->company->shown[AT_5]);
	text_addf(t, "\" data-boxover-value=\"%s\"",
	    page_cell(p, row, AT_MARKET_CAP, buf, sizeof(buf)));
}

/* The logo link holds the first letter once more: its text is "AAAPL". */
static void
ticker_cell(struct text *t, const struct page_row *row)
{
	const char *k = company_ticker(row->company);

	text_addf(t,
	    "><span class=\"flex items-center gap-1 pl-0.5\"><a "
	    "class=\"company-ticker\" href=\"stock?t=%s&ty=c&p=d&b=1\" "
	    "style=\"--logo-url: url('https://logo.finviz.com/%s.svg')\"><img "
	    "src=\"https://logo.finviz.com/%s.svg\" alt=\"%s logo\"/><span>%c"
	    "</span></a><a href=\"stock?t=%s&ty=c&p=d&b=1\" "
	    "class=\"tab-link\">%s</a></span></td>",
	    k, k, k, k, k[0], k, row->ticker);
}

static void
cell(struct text *t, const struct page *p, const struct page_row *row,
    size_t col)
{
	int sign = page_sign(row, col);
	char buf[32];

	text_addf(t, "<td height=\"10\" align=\"%s\"",
	    columns[col].left ? "left" : "right");
	if (col == AT_TICKER || col == AT_PRICE)
		boxover(t, p, row);
	if (col == AT_TICKER) {
		ticker_cell(t, row);
		return;
	}
	text_addf(t, "><a href=\"stock?t=%s&ty=c&p=d&b=1\" \">",
	    company_ticker(row->company));
	if (sign != 0)
		text_addf(t, "<span class=\"color-text is-%s\">",
		    sign > 0 ? "positive" : "negative");
	text_add(t, page_cell(p, row, col, buf, sizeof(buf)));
	text_add(t, sign != 0 ? "</span></a></td>" : "</a></td>");
}

/* The heading's row has no end, and there is no tbody. */
static void
table(struct text *t, const struct page *p)
{
	const struct page_row *row;
	size_t i;

	text_add(t,
	    "<tr id=\"screener-table\"><td><table width=\"100%\" "
	    "cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr>\n<td>\n"
	    "<table class=\"styled-table-new is-rounded is-tabular-nums w-full "
	    "screener_table\">\n<thead>\n"
	    "<tr align=\"center\" valign=\"middle\">\n");
	for (i = 0; i < p->ncols; i++)
		heading(t, p, i);
	markup_wide(t, p, "<th>x");
	text_add(t, "</thead>\n");
	for (row = p->rows; row < p->rows + p->nrows; row++) {
		text_add(t,
		    "<tr class=\"styled-row is-bordered is-rounded group "
		    "is-hoverable is-striped has-color-text\" "
		    "valign=\"top\">\n");
		for (i = 0; i < p->ncols; i++)
			cell(t, p, row, p->cols[i]);
		text_add(t, "</tr>");
	}
	text_add(t, "</table></td></tr></table>\n</td>\n</tr>\n");
}

static void
pagination(struct text *t, const struct page *p)
{
	size_t i, n = page_count(p), here = page_number(p);

	text_addf(t,
	    "<tr>\n<td>\n<table width=\"100%%\" cellpadding=\"0\" "
	    "cellspacing=\"0\" border=\"0\">\n<tr>\n<td align=\"left\" "
	    "class=\"count-text\"><b>Filters:</b> %s</td></tr>\n</table>\n"
	    "</td>\n</tr>\n",
	    p->filters);
	text_add(t, SPACER "<tr>\n<td width=\"100%\" align=\"center\" "
			   "valign=\"top\" id=\"screener_pagination\" "
			   "class=\"body-table screener_pagination\">\n");
	for (i = 0; i < n; i++)
		text_addf(t,
		    "<a href=\"%s&r=%zu\" class=\"screener-pages%s\" "
		    "onclick=\"trackPagination('bottom')\">%zu</a>",
		    p->link.s, i * PAGE_ROWS + 1,
		    i == here ? " is-selected" : "", i + 1);
	text_add(t, "\n</td>\n</tr>\n");
}

static void
empty(struct text *t)
{
	text_add(t,
	    "<tr><td><table id=\"js-screener-body-empty\" width=\"100%\"><tr>"
	    "<td width=\"140\" align=\"left\" class=\"count-text\">0 Total</td>"
	    "<td align=\"center\" class=\"fullview-links\"><a href=\"/elite\" "
	    "class=\"tab-link\">Create Alert</a></td></tr></table>\n"
	    "</td></tr>\n");
}

/* The site's own table of columns, embedded for its scripts. */
static void
route_data(struct text *t, const struct page *p)
{
	size_t i;

	text_add(t, "<div id=\"root\"></div>\n<script id=\"route-init-data\" "
		    "type=\"application/json\">{\"tableSettings\":{"
		    "\"tableName\":\"screener-custom\",\"selectedColumns\":[");
	for (i = 0; i < p->ncols; i++)
		text_addf(t, "%s\"%s\"", i ? "," : "", columns[p->cols[i]].key);
	text_add(t, "],\"columnsMap\":{");
	for (i = 0; i < COLUMNS; i++)
		text_addf(t,
		    "%s\"%s\":{\"id\":\"%s\",\"title\":\"%s\",\"index\":%d}",
		    i ? "," : "", columns[i].key, columns[i].key,
		    columns[i].head_2026, columns[i].id);
	text_add(t, "}},\"demo\":true}</script>\n");
}

void
markup_2026(struct text *t, const struct page *p)
{
	head(t, p);
	view_buttons(t, p);
	if (p->total == 0) {
		empty(t);
	} else {
		count_line(t, p);
		if (p->charts)
			markup_charts(t, p);
		else
			table(t, p);
		pagination(t, p);
	}
	text_add(t, "</table>\n</div>\n</td></tr>\n");
	markup_stamp(t, p);
	text_add(t, "<script type=\"text/javascript\">\n"
		    "ScreenerRefreshInit(0, 10);\n</script>\n</table>\n");
	route_data(t, p);
	text_add(t, "</body>\n</html>\n");
}

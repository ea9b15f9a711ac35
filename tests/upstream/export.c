/*
 * The export of Finviz Elite: a whole screen as CSV, in the units of
 * companies.csv, for who brings the token.  Without it: the way to a login
 * page, as the site does.  The form is that of exports of 2025 and 2026: header
 * and texts quoted, figures bare, CR LF, a missing figure empty.
 */
#include <stdlib.h>
#include <string.h>

#include "market.h"
#include "screen.h"

#define HTML "text/html; charset=utf-8"

/* The headings that differ from those of the pages of 2026, by column id; for
 * columns of which no export was seen the page's stands. */
static const struct heading {
	int id;
	const char *text;
} headings[] = {
	{ 12, "P/Cash" },
	{ 13, "P/Free Cash Flow" },
	{ 14, "Dividend Yield" },
	{ 16, "EPS (ttm)" },
	{ 17, "EPS Growth This Year" },
	{ 18, "EPS Growth Next Year" },
	{ 19, "EPS Growth Past 5 Years" },
	{ 20, "EPS Growth Next 5 Years" },
	{ 21, "Sales Growth Past 5 Years" },
	{ 22, "EPS Growth Quarter Over Quarter" },
	{ 23, "Sales Growth Quarter Over Quarter" },
	{ 24, "Shares Outstanding" },
	{ 25, "Shares Float" },
	{ 26, "Insider Ownership" },
	{ 27, "Insider Transactions" },
	{ 28, "Institutional Ownership" },
	{ 29, "Institutional Transactions" },
	{ 32, "Return on Assets" },
	{ 33, "Return on Equity" },
	{ 34, "Return on Invested Capital" },
	{ 35, "Current Ratio" },
	{ 36, "Quick Ratio" },
	{ 37, "LT Debt/Equity" },
	{ 38, "Total Debt/Equity" },
	{ 39, "Gross Margin" },
	{ 40, "Operating Margin" },
	{ 41, "Profit Margin" },
	{ 42, "Performance (Week)" },
	{ 43, "Performance (Month)" },
	{ 44, "Performance (Quarter)" },
	{ 45, "Performance (Half Year)" },
	{ 46, "Performance (Year)" },
	{ 47, "Performance (YTD)" },
	{ 49, "Average True Range" },
	{ 50, "Volatility (Week)" },
	{ 51, "Volatility (Month)" },
	{ 52, "20-Day Simple Moving Average" },
	{ 53, "50-Day Simple Moving Average" },
	{ 54, "200-Day Simple Moving Average" },
	{ 55, "50-Day High" },
	{ 56, "50-Day Low" },
	{ 57, "52-Week High" },
	{ 58, "52-Week Low" },
	{ 59, "Relative Strength Index (14)" },
	{ 60, "Change from Open" },
	{ 62, "Analyst Recom" },
	{ 63, "Average Volume" },
	{ 64, "Relative Volume" },
	{ 66, "Change" },
	{ 68, "Earnings Date" },
	{ 138, "Performance (3 Years)" },
	{ 139, "Performance (5 Years)" },
};

/* The page's heading where a fault has renamed it. */
static const char *
heading(const struct page *p, size_t i)
{
	const struct column *c = &columns[p->cols[i]];
	size_t k;

	if (strcmp(p->heads[i], c->head_2026) != 0)
		return p->heads[i];
	for (k = 0; k < sizeof(headings) / sizeof(*headings); k++)
		if (headings[k].id == c->id)
			return headings[k].text;
	return c->head_2026;
}

static void
add_quoted(struct text *t, const char *s)
{
	text_add(t, "\"");
	for (; *s != '\0'; s++) {
		if (*s == '"')
			text_add(t, "\"");
		text_addn(t, s, 1);
	}
	text_add(t, "\"");
}

static void
add_cell(
    struct text *t, const struct page *p, const struct company *c, size_t col)
{
	const char *s = p->figures[col] ? p->figures[col] : c->raw[col];

	if (col == AT_COMPANY && *s != '\0')
		s = c->shown[col]; /* with the label */
	if (columns[col].kind == COLUMN_TICKER ||
	    (columns[col].kind == COLUMN_TEXT && *s != '\0'))
		add_quoted(t, s);
	else
		text_add(t, s);
}

static void
add_rows(struct text *t, const struct page *p, const struct company **all)
{
	size_t row, i;

	for (row = 0; row < p->found; row++) {
		for (i = 0; i < p->ncols; i++) {
			text_add(t, i > 0 ? "," : "");
			if (columns[p->cols[i]].kind == COLUMN_ROW)
				text_addf(t, "%zu", row + 1);
			else
				add_cell(t, p, all[row], p->cols[i]);
		}
		text_add(t, "\r\n");
	}
}

/* On to the login page, or plain text that quotes the token. */
static void
refuse_token(
    const struct request *rq, const struct fault *fault, struct answer *a)
{
	if (fault->to[0] == '\0') {
		answer_set(a, 302, HTML, "");
		answer_header(a, "Location", "/login?remember=true");
		return;
	}
	answer_set(a, 200, "text/plain", "");
	text_addf(&a->body, "%s: %s\n", fault->to, request_arg(rq, "auth"));
}

void
finviz_export(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	struct screen_query q = {
		.path = rq->path,
		.v = request_arg(rq, "v"),
		.f = request_arg(rq, "f"),
		.o = request_arg(rq, "o"),
		.r = "",
		.c = request_arg(rq, "c"),
		.t = request_arg(rq, "t"),
	};
	const struct company **all;
	struct page p;
	size_t i;

	if (fault->kind == FAULT_TOKEN ||
	    strcmp(request_arg(rq, "auth"), ELITE_TOKEN) != 0) {
		refuse_token(rq, fault, a);
		return;
	}
	all = screen_list(&p, &w->market, &q, w->opt.era, fault);
	answer_set(a, 200, "text/csv; charset=utf-8", "");
	for (i = 0; i < p.ncols; i++) {
		text_add(&a->body, i > 0 ? "," : "");
		add_quoted(&a->body, heading(&p, i));
	}
	text_add(&a->body, "\r\n");
	add_rows(&a->body, &p, all);
	free(all);
	page_free(&p);
}

/* The path of older clients. */
void
finviz_old_export(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	struct text to = { 0 };

	(void)w;
	(void)fault;
	text_addf(&to, "/export/screener?%s", rq->query);
	answer_set(a, 301, HTML, "");
	answer_header(a, "Location", to.s);
	text_free(&to);
}

void
finviz_login(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	(void)w;
	(void)rq;
	(void)fault;
	answer_set(a, 200, HTML,
	    "<!DOCTYPE html>\n<html><head><title>Login (demo market)</title>"
	    "</head><body><form method=\"post\" action=\"/login_submit\">"
	    "<input name=\"email\"><input name=\"password\" "
	    "type=\"password\"></form></body></html>\n");
}

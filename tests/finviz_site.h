/*
 * A Finviz of generated companies in today's markup, with faults on demand,
 * and one conversation with it, driven as the fetcher does.
 */
#ifndef TESTS_FINVIZ_SITE_H
#define TESTS_FINVIZ_SITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/source.h"

#define CALLS 4096

struct site {
	int total, size;
	int refuses;    /* custom columns: it sends four of them */
	int shuffles;   /* the rows of a page */
	int doubles;    /* each row stands twice */
	int hole;       /* this row is left out of the first page it is on */
	int then;       /* calls after which ... */
	int new_total;  /* ... the total is this; 0: it stays */
	int again;      /* calls after which the total is the old one */
	int rotates;    /* ... the companies move on by as many places */
	int limits;     /* this call is answered by 200 "Too many requests." */
	int garbles;    /* this call is answered by a page cut in two */
	int stutters;   /* every page but the first is the first */
	int drips;      /* pages but the first have one row */
	int other_view; /* company that classic views but the first lack */
	int calls;
};

enum order { FIRST_FIRST, LAST_FIRST, AT_RANDOM };

struct result {
	enum rc rc;
	struct err e;
	struct table table;
	int64_t total;
	int calls;
	int most; /* in flight together */
	char first_url[LIMIT_URL], second_url[LIMIT_URL];
};

static const enum field overview[] = { FIELD_TICKER, FIELD_COMPANY,
	FIELD_SECTOR, FIELD_INDUSTRY, FIELD_COUNTRY, FIELD_MARKET_CAP, FIELD_PE,
	FIELD_PRICE, FIELD_CHANGE, FIELD_VOLUME };

static void
ticker_text(char *out, size_t size, int company)
{
	snprintf(out, size, "T%04d", company);
}

/* What the site knows of a company; about one figure in nine is missing. */
static void
cell_text(char *out, size_t size, enum field f, int company)
{
	int v = company * 31 + (int)f * 7;

	if (f == FIELD_TICKER)
		ticker_text(out, size, company);
	else if (f == FIELD_COMPANY)
		snprintf(out, size, "Company &amp; %d", company);
	else if (v % 9 == 0)
		snprintf(out, size, "-");
	else if (fields[f].type == FIELD_TEXT)
		snprintf(out, size, "text %d", v);
	else if (fields[f].type == FIELD_DATE)
		snprintf(out, size, "6/%d/19%02d", v % 28 + 1, v % 100);
	else if (fields[f].type == FIELD_FRACTION)
		snprintf(out, size, "%d.%02d%%", v % 200 - 100, v % 100);
	else if (fields[f].type == FIELD_MONEY)
		snprintf(out, size, "%d.%02dB", v, v % 100);
	else
		snprintf(out, size, "%d.%02d", v, v % 100);
}

/* Does a view of the site (152: custom) have this column? */
static int
has_column(const struct site *s, int view, enum field f)
{
	if (f == FIELD_TICKER)
		return 1;
	if (fields[f].finviz_id < 0)
		return 0;
	if (view == 152)
		return !s->refuses || f == FIELD_COMPANY || f == FIELD_SECTOR;
	for (size_t i = 0; i < sizeof(overview) / sizeof(overview[0]); i++)
		if (overview[i] == f)
			return view == 110 || f == FIELD_PRICE;
	return view == 120 + (int)f % 6 * 10 ||
	       (view == 140 && (int)f % 6 == 3) || (view == 120 && f % 6 == 5);
}

static void
put_header(struct buf *b, const struct site *s, int view)
{
	buf_adds(b, "<thead><tr valign=middle>\r\r\n"
		    "<th class=\"table-header\">No.</th>");
	for (int f = 0; f < FIELD__MAX; f++) {
		if (!has_column(s, view, (enum field)f))
			continue;
		buf_adds(b, "<th class=\"table-header\"><svg><use/></svg>");
		buf_add(b, fields[f].aliases, strcspn(fields[f].aliases, "|"));
		buf_adds(b, "</th>");
	}
	buf_adds(b, "</thead>");
}

static void
put_row(struct buf *b, const struct site *s, int view, int number, int company)
{
	char text[64];

	buf_addf(b,
	    "<tr class=\"styled-row\">\n<td><a href=\"stock?t=X\" \">"
	    "%d</a></td>",
	    number);
	for (int f = 0; f < FIELD__MAX; f++) {
		if (!has_column(s, view, (enum field)f))
			continue;
		cell_text(text, sizeof(text), (enum field)f, company);
		if (f == FIELD_TICKER)
			buf_addf(b,
			    "<td data-boxover-ticker=\"%s\"><span>T"
			    "</span><a class=\"tab-link\">%s</a></td>",
			    text, text);
		else
			buf_addf(b, "<td><a href=\"?\">%s</a></td>", text);
	}
	buf_adds(b, "</tr>");
}

static int
url_number(const char *url, const char *name, int deflt)
{
	const char *p = strstr(url, name);

	return p == NULL ? deflt : (int)strtol(p + strlen(name), NULL, 10);
}

static void
put_rows(
    struct buf *b, struct site *s, int view, int first, int total, int turn)
{
	int last = first + s->size - 1 < total ? first + s->size - 1 : total;

	if (s->drips && first > 1)
		last = first;
	for (int k = first; k <= last; k++) {
		int number = s->shuffles ? last - (k - first) : k;
		int company = (number - 1 + turn) % total + 1;

		if (number == s->hole) {
			s->hole = 0;
			continue;
		}
		if (view != 110 && view != 152 && company == s->other_view)
			company = 9000;
		put_row(b, s, view, number, company);
		if (s->doubles)
			put_row(b, s, view, number, company);
	}
}

/* Answer a request of the conversation. */
static void
put_page(struct buf *b, struct site *s, const char *url)
{
	int later = s->then > 0 && s->calls >= s->then &&
		    (s->again == 0 || s->calls < s->again);
	int total = later && s->new_total > 0 ? s->new_total : s->total;
	int view = url_number(url, "?v=", 0), first = url_number(url, "&r=", 1);

	s->calls++;
	if (s->calls == s->limits) {
		buf_adds(b, "Too many requests.");
		return;
	}
	if (s->stutters)
		first = 1;
	buf_adds(b, "<!DOCTYPE html><html><title>Stock Screener</title><body>"
		    "<table><tr><td class=\"count-text\"><b>Refresh:</b></td>");
	buf_addf(b,
	    "<td><div id=\"screener-total\" class=\"count-text x\">"
	    "#%d / %d Total</div></td></tr></table>"
	    "<table><tr><td><table class=\"screener_table\">",
	    first < total ? first : total, total);
	put_header(b, s, view);
	put_rows(b, s, view, first, total, later ? s->rotates : 0);
	if (s->calls == s->garbles)
		return;
	buf_adds(b, "</table></td></tr></table></body></html>\n");
}

static unsigned
next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

/* Answer one of the requests in flight; a failed one stays there. */
static enum rc
answer_one(struct conversation *c, struct site *s, struct http_request *flight,
    int *n, int at, struct err *e)
{
	struct http_response r = { .tag = flight[at].tag,
		.status = 200,
		.headers = "",
		.retry_after_ms = -1 };
	struct buf b;
	enum rc rc;

	buf_init(&b, LIMIT_BODY);
	put_page(&b, s, flight[at].url);
	assert_int_equal(b.rc, RC_OK);
	r.body = b.data;
	r.len = b.len;
	rc = source_finviz.feed(c, &r, e);
	buf_fini(&b);
	if (rc == RC_OK) {
		memmove(&flight[at], &flight[at + 1],
		    (size_t)(*n - at - 1) * sizeof(flight[0]));
		(*n)--;
	}
	return rc;
}

static void
talk(struct site *s, const struct query *q, enum order order, int limit,
    struct result *out)
{
	struct http_request *flight = calloc(64, sizeof(*flight));
	struct conversation *c = NULL;
	enum step step = STEP_WAIT;
	unsigned seed = 7;
	int n = 0, at;

	*out = (struct result){ .total = -2 };
	table_init(&out->table);
	assert_non_null(flight);
	assert_int_equal(source_finviz.begin(&c, q, &out->e), RC_OK);
	while (out->calls < CALLS) {
		while (n < limit && (step = source_finviz.next(
					 c, &flight[n])) == STEP_REQUEST) {
			char *url = out->calls == 0   ? out->first_url
				    : out->calls == 1 ? out->second_url
						      : NULL;

			if (url != NULL)
				memcpy(url, flight[n].url, LIMIT_URL);
			out->calls++;
			n++;
		}
		out->most = n > out->most ? n : out->most;
		if (step == STEP_DONE || n == 0)
			break;
		at = order == FIRST_FIRST  ? 0
		     : order == LAST_FIRST ? n - 1
					   : (int)next_random(&seed) % n;
		out->rc = answer_one(c, s, flight, &n, at, &out->e);
		if (out->rc == RC_INVALID || out->rc == RC_BUG)
			break;
	}
	if (step == STEP_DONE)
		out->rc =
		    source_finviz.finish(c, &out->table, &out->total, &out->e);
	source_finviz.end(c);
	free(flight);
}

static void
sweep_(struct site *s, enum order order, int limit, struct result *out)
{
	static struct config config = { .finviz_url = "http://site.test/" };
	struct query q = { .dataset = { "S&P 500", "Technology" },
		.config = &config };

	talk(s, &q, order, limit, out);
}

#endif

/*
 * Allocation torture: every parser is run again and again, while the first,
 * then the second, … allocation of our own code fails, until a run gets
 * through.  Each failing run must end as RC_NOMEM and leave its outputs alone;
 * ASan (make SAN=1 torture) sees that nothing leaks.
 *
 * Linked with --wrap for our calls of malloc, calloc, realloc and strdup; the
 * libraries' own are not touched.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/csv.h"
#include "data/envelope.h"
#include "data/text.h"
#include "source/source.h"

#define MOST 5000 /* allocations of one run */

/* The linker's names. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
char *__real_strdup(const char *);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
char *__wrap_strdup(const char *);

static long countdown; /* 0: nothing fails */

static int
fails(void)
{
	return countdown > 0 && --countdown == 0;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

char *
__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

/* NOLINTEND(bugprone-reserved-identifier) */

static const char page[] =
    "<html><body><div id=\"screener-total\" class=\"count-text\">"
    "#1 / 2 Total</div><table class=\"screener_table\"><thead><tr>"
    "<th>No.</th><th>Ticker</th><th>Company</th><th>Sector</th>"
    "<th>Market Cap</th><th>IPO Date</th><th>Change %</th><th>Price</th>"
    "</tr></thead><tr class=\"styled-row\"><td>1</td>"
    "<td data-boxover-ticker=\"A\"><a class=\"tab-link\">A</a></td>"
    "<td>Agilent &amp; Co</td><td>Healthcare</td><td>33.83B</td>"
    "<td>11/18/1999</td><td>-1.06%</td><td>117.2</td></tr>"
    "<tr class=\"styled-row\"><td>2</td>"
    "<td data-boxover-ticker=\"AA\"><a class=\"tab-link\">AA</a></td>"
    "<td>Alcoa</td><td>Basic Materials</td><td>-</td><td>-</td>"
    "<td>2.64%</td><td>53.32</td></tr></table></body></html>";

static const char export[] =
    "\"No.\",\"Ticker\",\"Company\",\"Market Cap\",\"Price\"\r\n"
    "1,\"A\",\"Agilent, Inc\",33834.95,117.2\r\n2,\"AA\",\"Alcoa\",,53.32\r\n";

static const char quote[] =
    "{\"quoteResponse\":{\"result\":[{\"symbol\":\"AAPL\",\"quoteType\":"
    "\"EQUITY\",\"currency\":\"USD\",\"longName\":\"Apple Inc.\","
    "\"regularMarketPrice\":333.69,\"marketCap\":4.869931925504E12,"
    "\"regularMarketChangePercent\":1.02022}],\"error\":null}}";

static const char overview[] =
    "{\"Symbol\":\"A\",\"Name\":\"x\",\"PERatio\":\"1.5\",\"Beta\":\"None\"}";
static const char bars[] =
    "{\"status\":\"OK\",\"results\":[{\"T\":\"A\",\"c\":1.5,\"v\":1e3,"
    "\"t\":1795467600000}]}";
static const char batch[] =
    "{\"A\":{\"quote\":{\"companyName\":\"x\",\"latestPrice\":1.5}}}";

static enum rc
read_body(const struct source *s, const char *body, struct err *e)
{
	struct http_response r = { .status = 200,
		.body = body,
		.len = strlen(body),
		.headers = "",
		.retry_after_ms = -1 };
	struct table t;
	int64_t total = -7;
	enum rc rc;

	table_init(&t);
	rc = s->read(&r, &t, &total, e);
	if (rc == RC_OK && t.count == 0)
		rc = err_set(e, RC_BUG, "no rows");
	table_fini(&t);
	return rc;
}

static enum rc
read_page(struct err *e)
{
	return read_body(&source_finviz, page, e);
}

static enum rc
read_export(struct err *e)
{
	return read_body(&source_finviz, export, e);
}

static enum rc
read_quote(struct err *e)
{
	return read_body(&source_yahoo, quote, e);
}

static enum rc
read_overview(struct err *e)
{
	return read_body(&source_alphavantage, overview, e);
}

static enum rc
read_bars(struct err *e)
{
	return read_body(&source_polygon, bars, e);
}

static enum rc
read_batch(struct err *e)
{
	return read_body(&source_iex, batch, e);
}

/* A table, through an envelope and back, joined, sorted and printed. */
static enum rc
round_trip(struct err *e)
{
	struct http_response r = { .status = 200,
		.body = page,
		.len = strlen(page),
		.headers = "",
		.retry_after_ms = -1 };
	struct dataset ds = { DATASET_DEFAULT_INDEX, DATASET_ANY };
	struct table a, b;
	struct buf text;
	int64_t total;
	enum rc rc;

	table_init(&a);
	table_init(&b);
	buf_init(&text, LIMIT_ENVELOPE);
	rc = source_finviz.read(&r, &a, &total, e);
	if (rc == RC_OK) {
		envelope_write(&text, &(struct envelope){ .dataset = ds,
					  .source = "finviz",
					  .total = total,
					  .table = &a });
		rc = buf_check(&text, "envelope", e);
	}
	if (rc == RC_OK)
		rc = envelope_read(
		    text.data, text.len, &(struct envelope_head){ 0 }, &b, e);
	if (rc == RC_OK)
		rc = table_join(&a, &b, e);
	if (rc == RC_OK) {
		table_sort(&b, FIELD_PRICE, 1);
		csv_write(&text, &b, ds.index, 0, NULL);
		text_write(&text, &b, &(struct text_options){ .width = 80 });
		rc = buf_check(&text, "table", e);
	}
	buf_fini(&text);
	table_fini(&b);
	table_fini(&a);
	return rc;
}

static enum rc
sweep_page(struct err *e)
{
	struct http_response r = { .status = 200,
		.body = page,
		.len = strlen(page),
		.headers = "",
		.retry_after_ms = -1 };
	static struct config c;
	struct query q = { .dataset = { DATASET_DEFAULT_INDEX, DATASET_ANY },
		.config = &c };
	struct conversation *talk;
	struct http_request *request = __real_calloc(1, sizeof(*request));
	struct table t;
	int64_t total;
	enum rc rc;

	snprintf(c.finviz_url, sizeof(c.finviz_url), "http://finviz");
	rc = source_finviz.begin(&talk, &q, e);
	if (rc != RC_OK) {
		free(request);
		return rc;
	}
	table_init(&t);
	/* The page answers the custom view with few columns: the classic views
	 * follow, each with this same page. */
	while (
	    rc == RC_OK && source_finviz.next(talk, request) == STEP_REQUEST) {
		r.tag = request->tag;
		rc = source_finviz.feed(talk, &r, e);
	}
	if (rc == RC_OK)
		rc = source_finviz.finish(talk, &t, &total, e);
	table_fini(&t);
	source_finviz.end(talk);
	free(request);
	return rc;
}

/* The conversation of Polygon, each phase answered with the same bars. */
static enum rc
sweep_bars(struct err *e)
{
	static const struct member members[] = { { "A", "x", "Energy" } };
	static struct config c = { .polygon_url = "http://p",
		.polygon_key = "k",
		.polygon_minute_quota = 5 };
	struct query q = { .dataset = { DATASET_DEFAULT_INDEX, DATASET_ANY },
		.config = &c,
		.members = members,
		.nmembers = 1 };
	struct http_response r = { .status = 200,
		.body = bars,
		.len = strlen(bars),
		.headers = "",
		.retry_after_ms = -1 };
	struct http_request *request = __real_calloc(1, sizeof(*request));
	struct conversation *talk = NULL;
	struct table t;
	int64_t total;
	enum rc rc;

	table_init(&t);
	rc = source_polygon.begin(&talk, &q, e);
	while (
	    rc == RC_OK && source_polygon.next(talk, request) == STEP_REQUEST) {
		r.tag = request->tag;
		rc = source_polygon.feed(talk, &r, e);
	}
	if (rc == RC_OK)
		rc = source_polygon.finish(talk, &t, &total, e);
	table_fini(&t);
	source_polygon.end(talk);
	free(request);
	return rc;
}

static const struct {
	const char *name;
	enum rc (*run)(struct err *);
} parsers[] = {
	{ "finviz page", read_page },
	{ "elite export", read_export },
	{ "yahoo quote", read_quote },
	{ "alphavantage overview", read_overview },
	{ "polygon bars", read_bars },
	{ "iex batch", read_batch },
	{ "polygon sweep", sweep_bars },
	{ "envelope, csv and table", round_trip },
	{ "finviz sweep", sweep_page },
};

/* How many runs failed before one got through; -1: not as they should. */
static long torture(enum rc (*run)(struct err *))
{
	for (long n = 1; n < MOST; n++) {
		struct err e = { 0 };
		enum rc rc;

		countdown = n;
		rc = run(&e);
		if (rc == RC_OK && countdown > 0) {
			countdown = 0;
			return n - 1;
		}
		if (rc != RC_NOMEM) {
			countdown = 0;
			printf("allocation %ld: rc %s: %s\n", n, rc_name(rc),
			    e.msg);
			return -1;
		}
	}
	countdown = 0;
	return -1;
}

int
main(void)
{
	int passed = 0, failed = 0;

	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		long n = torture(parsers[i].run);

		printf("%s: %ld allocations\n", parsers[i].name, n);
		if (n > 0)
			passed++;
		else
			failed++;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}

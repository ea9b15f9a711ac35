/*
 * The export of Finviz Elite: what is asked where, what comes of an answer,
 * and that the token shows nowhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "source/finviz_elite.h"
#include "source/source.h"

#define TOKEN "s3cret/+ t"

#define HEAD                                                                   \
	"\"No.\",\"Ticker\",\"Company\",\"Sector\",\"Market Cap\",\"Dividend " \
	"Yield\",\"Average Volume\",\"Volume\",\"Price\",\"Change\"\r\n"
#define ROWS                                                                   \
	"1,\"A\",\"Agilent, Inc\",\"Healthcare\",33834.95,0.82%,1831.24,0,"    \
	"119.11,-1.02%\r\n"                                                    \
	"2,\"BRK-B\",\"Berkshire\",\"Financial\",4374480.07,,4.1,12,490,"      \
	"0.00%\r\n"

static struct config config = { .finviz_auth = TOKEN };

static struct conversation *
begin(const char *url, const char *sector)
{
	struct conversation *c = NULL;
	struct query q = { .dataset = { "S&P 500", sector },
		.config = &config };

	snprintf(config.finviz_url, sizeof(config.finviz_url), "%s", url);
	assert_int_equal(source_finviz.begin(&c, &q, NULL), RC_OK);
	return c;
}

static void
the_export_is_asked_of_the_elite_host_once(void **state)
{
	static const char *const cases[][2] = {
		{ "https://finviz.com", "https://elite.finviz.com/" },
		{ "https://finviz.com/", "https://elite.finviz.com/" },
		{ "http://www.Finviz.com", "https://elite.finviz.com/" },
		{ "https://elite.finviz.com", "https://elite.finviz.com/" },
		{ "https://finviz.com.evil.test",
		    "https://finviz.com.evil.test/" },
		{ "http://127.0.0.1:81/x/", "http://127.0.0.1:81/x/" },
	};
	struct http_request r;
	char want[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conversation *c = begin(cases[i][0], "Technology");

		assert_int_equal(source_finviz.next(c, &r), STEP_REQUEST);
		snprintf(want, sizeof(want),
		    "%sexport/screener?v=152&f=idx_sp500,sec_technology"
		    "&o=ticker&c=0,1,",
		    cases[i][1]);
		assert_memory_equal(r.url, want, strlen(want));
		assert_string_equal(
		    strstr(r.url, "&auth="), "&auth=s3cret%2F%2B%20t");
		assert_int_equal(source_finviz.next(c, &r), STEP_WAIT);
		source_finviz.end(c);
	}
}

static enum rc
feed(struct conversation *c, int status, const char *body, struct err *e)
{
	struct http_response r = { .status = status,
		.body = body,
		.len = strlen(body),
		.headers = "",
		.retry_after_ms = -1 };
	enum rc rc = source_finviz.feed(c, &r, e);

	if (rc != RC_OK)
		assert_null(strstr(e->msg, "s3cret"));
	return rc;
}

static double
number(const struct table *t, const char *ticker, enum field f)
{
	const struct record *r = table_find(t, ticker);

	assert_non_null(r);
	assert_int_equal(r->v[f].kind, VALUE_NUMBER);
	return r->v[f].u.number;
}

static void
an_export_is_a_whole_table_in_our_units(void **state)
{
	struct conversation *c = begin("https://finviz.com", "Any");
	struct http_request r;
	struct table t;
	struct err e;
	int64_t total;

	(void)state;
	table_init(&t);
	assert_int_equal(source_finviz.next(c, &r), STEP_REQUEST);
	assert_int_equal(feed(c, 200, HEAD ROWS, &e), RC_OK);
	assert_int_equal(source_finviz.next(c, &r), STEP_DONE);
	assert_int_equal(source_finviz.finish(c, &t, &total, &e), RC_OK);
	assert_int_equal(total, 2);
	assert_int_equal(t.count, 2);
	/* Scaled in the text: a product would be wrong in its last digit. */
	assert_true(number(&t, "A", FIELD_MARKET_CAP) == 33834950000.0);
	assert_true(number(&t, "BRK-B", FIELD_MARKET_CAP) == 4374480.07e6);
	assert_true(number(&t, "A", FIELD_DIVIDEND) == 0.82e-2);
	assert_true(number(&t, "A", FIELD_AVG_VOLUME) == 1831240.0);
	assert_true(number(&t, "A", FIELD_VOLUME) == 0.0);
	assert_int_equal(
	    table_find(&t, "BRK-B")->v[FIELD_DIVIDEND].kind, VALUE_NULL);
	assert_true(t.have[FIELD_DIVIDEND]);
	assert_false(t.have[FIELD_PE]);
	source_finviz.end(c);
	table_fini(&t);
}

static void
a_header_alone_is_an_empty_dataset(void **state)
{
	struct conversation *c = begin("https://finviz.com", "Energy");
	struct http_request r;
	struct table t;
	struct err e;
	int64_t total = -1;

	(void)state;
	table_init(&t);
	source_finviz.next(c, &r);
	assert_int_equal(feed(c, 200, HEAD, &e), RC_OK);
	assert_int_equal(source_finviz.finish(c, &t, &total, &e), RC_OK);
	assert_int_equal(total, 0);
	source_finviz.end(c);
	table_fini(&t);
}

static const struct {
	int status;
	const char *body;
	enum rc rc;
	const char *says;
} refusals[] = {
	{ 200, "<html><head><title>Login</title>", RC_BLOCKED, "FINVIZ_AUTH" },
	{ 200, "\r\n <!DOCTYPE html>", RC_BLOCKED, "FINVIZ_AUTH" },
	{ 200, "", RC_BLOCKED, "an empty answer" },
	{ 200, " \n", RC_BLOCKED, "an empty answer" },
	{ 401, "", RC_BLOCKED, "FINVIZ_AUTH" },
	{ 403, "no", RC_BLOCKED, "FINVIZ_AUTH" },
	{ 402, "pay", RC_BLOCKED, "FINVIZ_AUTH" },
	{ 200, "Invalid API token.", RC_BLOCKED, "FINVIZ_AUTH" },
	{ 200, "TOKEN s3cret IS UNKNOWN\r\n", RC_BLOCKED, "in words" },
	{ 200, "Please log in to export", RC_BLOCKED, "in words" },
	{ 200, "{\"ok\":false,\"error\":\"not authorized: s3cret\"}",
	    RC_BLOCKED, "in words" },
	{ 200, "Your subscription has expired\n", RC_BLOCKED, "in words" },
	{ 400, "auth: invalid value s3cret", RC_BLOCKED, "in words" },
	{ 404, "no such screen", RC_UPSTREAM, "404" },
	{ 500, "invalid state", RC_UPSTREAM, "500" },
	{ 200, "temporarily not here\n", RC_PARSE, "Ticker" },
	{ 403, "<title>Just a moment...</title>", RC_BLOCKED, "just a moment" },
	{ 200, "Too many requests.", RC_LIMITED, "too many requests" },
	{ 429, "", RC_LIMITED, "429" },
	{ 503, "", RC_UPSTREAM, "503" },
	{ 200, "{\"error\":\"s3cret\"}\n", RC_PARSE, "Ticker" },
	{ 200, HEAD "1,\"A\",\"Agi", RC_PARSE, "cut off" },
	{ 200, HEAD "1,\"A\",\"Agilent\"\r\n", RC_PARSE, "line 2" },
	{ 200, HEAD ROWS ROWS, RC_PARSE, "twice" },
};

static void
what_is_no_export_is_refused_and_may_be_asked_again(void **state)
{
	struct conversation *c = begin("https://finviz.com", "Any");
	struct http_request r;
	struct err e;

	(void)state;
	source_finviz.next(c, &r);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		print_message("%d %s\n", refusals[i].status, refusals[i].body);
		assert_int_equal(
		    feed(c, refusals[i].status, refusals[i].body, &e),
		    refusals[i].rc);
		assert_non_null(strstr(e.msg, refusals[i].says));
	}
	assert_int_equal(feed(c, 200, HEAD ROWS, &e), RC_OK);
	source_finviz.end(c);
}

/* An export whose Ticker column has another name is no refusal, whatever its
 * companies are called. */
static void
a_long_table_is_no_refusal(void **state)
{
	struct conversation *c = begin("https://finviz.com", "Any");
	static char body[5000];
	struct http_request r;
	struct err e;
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(body, sizeof(body), "\"Kurs\",\"Company\"\r\n");
	while (n < 4096)
		n += (size_t)snprintf(body + n, sizeof(body) - n,
		    "\"T%zu\",\"Token Invalid, Inc\"\r\n", n);
	source_finviz.next(c, &r);
	assert_int_equal(feed(c, 200, body, &e), RC_PARSE);
	source_finviz.end(c);
}

static void
a_redirect_to_another_host_is_not_authorised(void **state)
{
	struct conversation *c = begin("https://finviz.com", "Any");
	struct http_response away = { .body = "",
		.headers = "",
		.retry_after_ms = -1,
		.why = { RC_BLOCKED, "redirected to another host: x.test" } };
	struct http_request r;
	struct err e;

	(void)state;
	source_finviz.next(c, &r);
	assert_int_equal(source_finviz.feed(c, &away, &e), RC_BLOCKED);
	assert_non_null(strstr(e.msg, "FINVIZ_AUTH"));
	assert_non_null(strstr(e.msg, "x.test"));
	away.why = (struct err){ RC_TIMEOUT, "slow" };
	assert_int_equal(source_finviz.feed(c, &away, &e), RC_TIMEOUT);
	source_finviz.end(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_export_is_asked_of_the_elite_host_once),
		cmocka_unit_test(an_export_is_a_whole_table_in_our_units),
		cmocka_unit_test(a_header_alone_is_an_empty_dataset),
		cmocka_unit_test(
		    what_is_no_export_is_refused_and_may_be_asked_again),
		cmocka_unit_test(a_long_table_is_no_refusal),
		cmocka_unit_test(a_redirect_to_another_host_is_not_authorised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

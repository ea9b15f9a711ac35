/* One body of Yahoo: its figures, and what is not a quote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "source/source.h"
#include "source/yahoo_quote.h"

#define BEGIN "{\"quoteResponse\":{\"result\":["
#define END   "],\"error\":null}}"
#define ERROR(key, code, text)                                                 \
	"{\"" key "\":{\"result\":null,\"error\":{\"code\":\"" code            \
	"\",\"description\":\"" text "\"}}}"

static enum rc
read_bytes(const char *body, size_t len, int status, struct table *t,
    int64_t *total, struct err *e)
{
	struct http_response r = { .status = status,
		.body = body,
		.len = len,
		.headers = "",
		.retry_after_ms = -1 };

	table_init(t);
	*total = -7;
	return source_yahoo.read(&r, t, total, e);
}

/* Read one quote: members added to symbol and price. */
static enum rc
read_quote(const char *members, struct table *t, struct err *e)
{
	int64_t total;
	struct buf b;
	enum rc rc;

	buf_init(&b, 1u << 16);
	buf_addf(&b, BEGIN "{\"symbol\":\"X\",%s}" END, members);
	rc = read_bytes(b.data, b.len, 200, t, &total, e);
	buf_fini(&b);
	return rc;
}

struct figure_case {
	const char *members; /* besides the price, which is 1 unless given */
	enum field field;
	double want;
};

#define P "\"regularMarketPrice\":1,"

static const struct figure_case figures[] = {
	{ "\"regularMarketPrice\":333.69", FIELD_PRICE, 333.69 },
	{ P "\"regularMarketChangePercent\":1.02022", FIELD_CHANGE, 0.0102022 },
	{ P "\"regularMarketChangePercent\":7", FIELD_CHANGE, 0.07 },
	{ P "\"regularMarketChangePercent\":-4.4950072E-4", FIELD_CHANGE,
	    -4.4950072e-6 },
	{ P "\"dividendYield\":0.33", FIELD_DIVIDEND, 0.0033 },
	{ P "\"fiftyTwoWeekChangePercent\":28.021086", FIELD_PERF_YEAR,
	    0.28021086 },
	{ P "\"fiftyTwoWeekHighChangePercent\":-0.033734854", FIELD_52W_HIGH,
	    -0.033734854 },
	{ P "\"marketCap\":3.60630321E11", FIELD_MARKET_CAP, 360630321000 },
	{ P "\"marketCap\":4869931925504", FIELD_MARKET_CAP, 4869931925504 },
	{ P "\"marketCap\":{\"raw\":4869931925504,\"fmt\":\"4.87T\"}",
	    FIELD_MARKET_CAP, 4869931925504 },
	{ P "\"forwardPE\":-49.25", FIELD_FPE, -49.25 },
	{ P "\"regularMarketVolume\":0", FIELD_VOLUME, 0 },
	/* Pence: prices are made pounds, as marketCap is. */
	{ "\"regularMarketPrice\":308.8,\"currency\":\"GBp\"", FIELD_PRICE,
	    3.088 },
	{ P "\"regularMarketDayLow\":308.2,\"currency\":\"ZAc\"", FIELD_LOW,
	    3.082 },
	{ P "\"marketCap\":2554603520,\"currency\":\"GBp\"", FIELD_MARKET_CAP,
	    2554603520 },
	{ "\"regularMarketPrice\":308.8,\"currency\":\"GBP\"", FIELD_PRICE,
	    308.8 },
	/* The trailing yield only where nothing mixes two currencies. */
	{ P "\"trailingAnnualDividendYield\":0.004,\"currency\":\"USD\","
	    "\"financialCurrency\":\"USD\"",
	    FIELD_DIVIDEND, 0.004 },
	{ P "\"trailingAnnualDividendYield\":0.004,\"currency\":\"USD\","
	    "\"financialCurrency\":\"USD\",\"dividendYield\":0.33",
	    FIELD_DIVIDEND, 0.0033 },
};

static void
figures_come_in_our_units(void **state)
{
	struct table t;
	struct value v;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		if (read_quote(figures[i].members, &t, &e) != RC_OK)
			fail_msg("%s: %s", figures[i].members, e.msg);
		v = t.rows[0].v[figures[i].field];
		if (v.kind != VALUE_NUMBER || v.u.number != figures[i].want)
			fail_msg("%s: kind %d, %.17g", figures[i].members,
			    (int)v.kind, v.u.number);
		table_fini(&t);
	}
}

static void
what_is_missing_is_null(void **state)
{
	static const struct figure_case cases[] = {
		{ P "\"trailingPE\":null", FIELD_PE, 0 },
		{ P "\"trailingPE\":{}", FIELD_PE, 0 },
		{ P "\"trailingPE\":{\"raw\":null}", FIELD_PE, 0 },
		{ P "\"trailingPE\":\"Infinity\"", FIELD_PE, 0 },
		{ P "\"beta\":null", FIELD_BETA, 0 },
		{ P "\"longName\":\" \",\"shortName\":null", FIELD_COMPANY, 0 },
		{ P "\"longName\":\"a\\u0000b\"", FIELD_COMPANY, 0 },
		{ P "\"trailingAnnualDividendYield\":0.06,\"currency\":"
		    "\"USD\",\"financialCurrency\":\"CNY\"",
		    FIELD_DIVIDEND, 0 },
		{ P "\"trailingAnnualDividendYield\":0.06", FIELD_DIVIDEND, 0 },
		{ P "\"sector\":\"Technology\"", FIELD_SECTOR, 0 },
	};
	struct table t;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (read_quote(cases[i].members, &t, &e) != RC_OK)
			fail_msg("%s: %s", cases[i].members, e.msg);
		if (t.rows[0].v[cases[i].field].kind != VALUE_NULL)
			fail_msg("%s: not null", cases[i].members);
		table_fini(&t);
	}
}

static void
what_is_not_a_number_is_named(void **state)
{
	static const char *const cases[][2] = {
		{ P "\"trailingPE\":\"12\"", "X: trailingPE: " },
		{ P "\"marketCap\":\"Infinity\"", "X: marketCap: " },
		{ P "\"trailingPE\":NaN", "X: trailingPE: " },
		{ P "\"trailingPE\":Infinity", "X: trailingPE: " },
		{ P "\"trailingPE\":-Infinity", "X: trailingPE: " },
		{ P "\"trailingPE\":1e999", "X: trailingPE: " },
		{ P "\"marketCap\":99999999999999999999", "X: marketCap: " },
		{ P "\"marketCap\":-99999999999999999999", "X: marketCap: " },
		{ P "\"beta\":true", "X: beta: " },
		{ P "\"beta\":[1]", "X: beta: " },
		{ P "\"beta\":{\"fmt\":\"1\"}", "X: beta: " },
		{ P "\"beta\":{\"raw\":{\"raw\":1}}", "X: beta: " },
		{ "\"regularMarketPrice\":\"NaN\"", "X: regularMarketPrice: " },
	};
	struct table t;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (read_quote(cases[i][0], &t, &e) != RC_PARSE)
			fail_msg("%s is read", cases[i][0]);
		if (strstr(e.msg, cases[i][1]) != e.msg)
			fail_msg("%s: %s", cases[i][0], e.msg);
		assert_int_equal(t.count, 0);
	}
}

static void
the_company_is_the_long_name_or_the_short(void **state)
{
	static const char *const cases[][2] = {
		{ P "\"shortName\":\"Short\",\"longName\":\"Long Inc.\"",
		    "Long Inc." },
		{ P "\"shortName\":\" Short \"", "Short" },
		{ P "\"shortName\":\"Short\",\"longName\":null", "Short" },
		{ P "\"longName\":\"L\\u00f6we & \\\"Co\\\"\"",
		    "L\xc3\xb6we & \"Co\"" },
	};
	struct table t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_quote(cases[i][0], &t, NULL), RC_OK);
		assert_string_equal(
		    t.rows[0].v[FIELD_COMPANY].u.text, cases[i][1]);
		assert_int_equal(t.have[FIELD_BETA], 1);
		assert_int_equal(t.have[FIELD_SECTOR], 0);
		table_fini(&t);
	}
}

struct body_case {
	const char *body;
	int status;
	enum rc rc;
	int64_t count, total; /* total: -7 where it is not set */
};

#define Q(symbol) "{\"symbol\":\"" symbol "\",\"regularMarketPrice\":1}"
#define NONE                                                                   \
	"{\"symbol\":\"SI\",\"quoteType\":\"NONE\",\"regularMarketPrice\":1}"
#define SHELL "{\"symbol\":\"ADH\",\"shortName\":\"54688\"}"

static const struct body_case bodies[] = {
	{ BEGIN Q("A") "," Q("B") END, 200, RC_OK, 2, 2 },
	{ BEGIN Q("A") END " \r\n", 200, RC_OK, 1, 1 },
	{ BEGIN Q("A") "," Q("A") END, 200, RC_OK, 1, 2 },
	{ BEGIN Q("A") "," NONE "," SHELL END, 200, RC_OK, 1, 3 },
	{ BEGIN Q("EURUSD=X") "," Q("^VXAPL") "," Q("OCDO.L") END, 200, RC_OK,
	    3, 3 },
	{ BEGIN NONE END, 200, RC_EMPTY, 0, 1 },
	{ BEGIN END, 200, RC_EMPTY, 0, 0 },
	{ BEGIN Q("A") END, 500, RC_UPSTREAM, 0, -7 },
	{ BEGIN Q("A") END, 403, RC_BLOCKED, 0, -7 },
	{ BEGIN Q("A") END, 429, RC_LIMITED, 0, -7 },
	/* errors in JSON */
	{ ERROR("finance", "Unauthorized", "Invalid Crumb"), 401, RC_BLOCKED, 0,
	    -7 },
	{ ERROR("finance", "Unauthorized", "Invalid Cookie"), 200, RC_BLOCKED,
	    0, -7 },
	{ ERROR("chart", "Not Found", "No data found, symbol may be delisted"),
	    404, RC_EMPTY, 0, 0 },
	{ ERROR("quoteSummary", "Not Found",
	      "Quote not found for ticker symbol: X"),
	    404, RC_EMPTY, 0, 0 },
	{ ERROR("x", "Not Found",
	      "No fundamentals data found for any of the summaryTypes=y"),
	    404, RC_EMPTY, 0, 0 },
	{ ERROR("finance", "Not Found", "HTTP 404 Not Found"), 404, RC_PARSE, 0,
	    -7 },
	{ ERROR("chart", "Bad Request", "Data doesn't exist for startDate = 1"),
	    400, RC_EMPTY, 0, 0 },
	{ ERROR("finance", "Bad Request",
	      "Missing required query parameter=symbols"),
	    400, RC_PARSE, 0, -7 },
	{ ERROR("quoteResponse", "internal-error", "Connection is deallocated"),
	    200, RC_UPSTREAM, 0, -7 },
	{ ERROR("finance", "x", "Too Many Requests"), 200, RC_LIMITED, 0, -7 },
	{ ERROR("finance", "x", "y"), 200, RC_UPSTREAM, 0, -7 },
	{ ERROR("finance", "x", "y"), 404, RC_UPSTREAM, 0, -7 },
	{ "{\"quoteSummary\":{\"result\":[],\"error\":null}}", 404, RC_EMPTY, 0,
	    0 },
	/* text */
	{ "Too Many Requests\r\n", 200, RC_LIMITED, 0, -7 },
	{ "Edge: Too Many Requests", 503, RC_LIMITED, 0, -7 },
	{ "<html>Sorry, Unable to process request at this time -- error 999.",
	    200, RC_LIMITED, 0, -7 },
	{ "<html>", 999, RC_LIMITED, 0, -7 },
	{ "<form><input name=\"csrfToken\" value=\"x\">", 200, RC_BLOCKED, 0,
	    -7 },
	{ "<a href=\"https://consent.yahoo.com/v2/collectConsent?x\">", 404,
	    RC_BLOCKED, 0, -7 },
	{ "<html>Will be right back...", 503, RC_UPSTREAM, 0, -7 },
	{ "<html>", 200, RC_PARSE, 0, -7 },
	{ "REDACTED", 200, RC_PARSE, 0, -7 },
	{ "", 200, RC_PARSE, 0, -7 },
	{ "", 403, RC_BLOCKED, 0, -7 },
	{ "", 502, RC_UPSTREAM, 0, -7 },
	/* other JSON, and JSON that is none */
	{ "{\"chart\":{\"result\":[{}],\"error\":null}}", 200, RC_PARSE, 0,
	    -7 },
	{ "{\"finance\":{\"result\":[{}],\"error\":null}}", 200, RC_PARSE, 0,
	    -7 },
	{ "{}", 200, RC_PARSE, 0, -7 },
	{ "[]", 200, RC_PARSE, 0, -7 },
	{ "{\"quoteResponse\":null}", 200, RC_PARSE, 0, -7 },
	{ "{\"quoteResponse\":{\"result\":null,\"error\":null}}", 200, RC_PARSE,
	    0, -7 },
	{ "{\"quoteResponse\":{\"result\":{},\"error\":null}}", 200, RC_PARSE,
	    0, -7 },
	{ BEGIN "1" END, 200, RC_PARSE, 0, -7 },
	{ BEGIN "null" END, 200, RC_PARSE, 0, -7 },
	{ BEGIN "{\"regularMarketPrice\":1}" END, 200, RC_PARSE, 0, -7 },
	{ BEGIN Q("a b") END, 200, RC_PARSE, 0, -7 },
	{ BEGIN Q("A\\u0007") END, 200, RC_PARSE, 0, -7 },
	{ BEGIN Q("A\\u0000B") END, 200, RC_PARSE, 0, -7 },
	{ BEGIN Q("A") END "x", 200, RC_PARSE, 0, -7 },
	{ BEGIN Q("A") "]", 200, RC_PARSE, 0, -7 },
	{ BEGIN Q("A") "]", 502, RC_UPSTREAM, 0, -7 },
};

static void
every_kind_of_body_has_its_code(void **state)
{
	const struct body_case *c = bodies;
	struct table t;
	int64_t total;
	struct err e;
	enum rc rc;

	(void)state;
	for (; c < bodies + sizeof(bodies) / sizeof(bodies[0]); c++) {
		e = (struct err){ 0 };
		rc = read_bytes(
		    c->body, strlen(c->body), c->status, &t, &total, &e);
		if (rc != c->rc || (int64_t)t.count != c->count ||
		    total != c->total)
			fail_msg("%d %s: %s, %zu of %lld: %s", c->status,
			    c->body, rc_name(rc), t.count, (long long)total,
			    e.msg);
		assert_int_equal(e.rc, rc);
		if (rc != RC_OK)
			assert_true(e.msg[0] != '\0');
		table_fini(&t);
	}
}

/* A body of head, n times unit, and tail is refused, and why. */
static void
refuse(const char *head, const char *unit, size_t n, const char *tail,
    const char *why)
{
	struct table t;
	int64_t total;
	struct err e;
	struct buf b;

	buf_init(&b, 32u << 20);
	buf_adds(&b, head);
	for (size_t i = 0; i < n; i++)
		buf_adds(&b, unit);
	buf_adds(&b, tail);
	assert_int_equal(b.rc, RC_OK);
	assert_int_equal(
	    read_bytes(b.data, b.len, 200, &t, &total, &e), RC_PARSE);
	if (strstr(e.msg, why) == NULL)
		fail_msg("%s%s…: %s", head, unit, e.msg);
	assert_int_equal(t.count, 0);
	buf_fini(&b);
}

static void
bodies_that_would_eat_memory_are_refused(void **state)
{
	(void)state;
	refuse(BEGIN, "[],", 60000, "1" END, "too large");
	refuse(BEGIN, "1,", 500001, "1" END, "too large");
	/* A quote that is one to json-c only. */
	refuse("{'a\"':[", "{},", 60000, "1]}", "too large");
	refuse("{\"a\":\"", "x", 9000000, "\"}", "too large");
	refuse("", "[", 100, "", "too deep");
	refuse(BEGIN "{\"symbol\":\"X\",\"longName\":\"", "x", 513,
	    "\",\"regularMarketPrice\":1}" END, "513 bytes");
}

static void
a_nul_byte_does_not_end_a_body(void **state)
{
	static const char body[] = BEGIN Q("A") END "\0{\"x\":1}";
	struct table t;
	int64_t total;

	(void)state;
	assert_int_equal(
	    read_bytes(body, sizeof(body) - 1, 200, &t, &total, NULL),
	    RC_PARSE);
	assert_int_equal(t.count, 0);
}

static void
every_member_that_is_read_is_asked_for(void **state)
{
	static const char *const some[] = { "regularMarketPrice,", "beta,",
		"quoteType,", "currency,", "financialCurrency,", "longName,",
		"shortName,", "trailingAnnualDividendYield" };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	yahoo_quote_fields(&b);
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		if (strstr(b.data, some[i]) == NULL)
			fail_msg("%s is not asked for", some[i]);
	assert_null(strstr(b.data, "symbol"));
	assert_null(strstr(b.data, ",,"));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_come_in_our_units),
		cmocka_unit_test(what_is_missing_is_null),
		cmocka_unit_test(what_is_not_a_number_is_named),
		cmocka_unit_test(the_company_is_the_long_name_or_the_short),
		cmocka_unit_test(every_kind_of_body_has_its_code),
		cmocka_unit_test(bodies_that_would_eat_memory_are_refused),
		cmocka_unit_test(a_nul_byte_does_not_end_a_body),
		cmocka_unit_test(every_member_that_is_read_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

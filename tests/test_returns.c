/* Return and risk out of a series, and a series out of a chart. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/returns.h"
#include "returns_join.h"
#include "source/yahoo_chart.h"

#define DAY INT64_C(86400)

/* Up 10 %, down 10 %, by turns: the figures are known without a program. */
static void
known_figures(void **state)
{
	double p[61], up = log(1.1), down = log(0.9), s;
	struct returns r = { 0 };

	(void)state;
	p[0] = 100;
	for (int i = 1; i < 61; i++)
		p[i] = p[i - 1] * (i % 2 == 1 ? 1.1 : 0.9);
	assert_int_equal(returns_of(&r, p, 61), RC_OK);
	/* 30 of +0.1 and 30 of -0.1: their mean is 0. */
	s = sqrt(60 * 0.01 / 59);
	assert_true(fabs(r.annual_return + 1 - exp(30 * (up + down))) < 1e-12);
	assert_true(fabs(r.annual_risk - s * sqrt(252)) < 1e-12);
	assert_true(fabs(r.ratio - r.annual_return / r.annual_risk) < 1e-15);
	assert_true(r.has_figures && r.has_ratio);
	assert_int_equal(r.points, 61);
}

static void
too_few(void **state)
{
	double p[RETURNS_LEAST];
	struct returns r = { 0 };
	struct buf b;

	(void)state;
	for (int i = 0; i < RETURNS_LEAST; i++)
		p[i] = 1 + i;
	assert_int_equal(returns_of(&r, p, RETURNS_LEAST - 1), RC_EMPTY);
	assert_false(r.has_figures);
	buf_init(&b, 1000);
	returns_record(&b, &r, "A");
	assert_string_equal(b.data,
	    "{\"Ticker\":\"A\",\"currency\":null,\"points\":59,\"nulls\":0,"
	    "\"first\":1,\"last\":59,\"expected_annual_return\":null,"
	    "\"expected_annual_risk\":null,\"return_risk_ratio\":null,"
	    "\"error\":\"59 points: at least 60 are needed\"}");
	buf_fini(&b);
	assert_int_equal(returns_of(&r, p, RETURNS_LEAST), RC_OK);
	assert_true(r.has_figures);
	assert_int_equal(r.error.rc, RC_OK);
}

static void
without_risk(void **state)
{
	double p[100];
	struct returns r = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		p[i] = 6.39;
	assert_int_equal(returns_of(&r, p, 100), RC_OK);
	assert_true(r.has_figures && !r.has_ratio);
	assert_true(r.annual_return == 0 && r.annual_risk == 0);
	for (int i = 0; i < 100; i++)
		p[i] = i % 2 ? 1e308 : 5e-324;
	assert_int_equal(returns_of(&r, p, 100), RC_INVALID);
	assert_false(r.has_figures);
}

/* A chart of n days, with what comes behind them. */
static enum rc
read_chart(int n, const char *times, const char *closes, const char *adjusted,
    struct returns *r, struct err *e)
{
	struct http_response response = {
		.status = 200, .headers = "", .retry_after_ms = -1
	};
	struct buf b;
	enum rc rc;

	buf_init(&b, 1u << 20);
	buf_adds(&b, "{\"chart\":{\"result\":[{\"meta\":{\"symbol\":\"X\","
		     "\"gmtoffset\":-18000,\"dataGranularity\":\"1d\"},"
		     "\"timestamp\":[0");
	for (int i = 1; i < n; i++)
		buf_addf(&b, ",%lld", (long long)(i * DAY));
	buf_addf(&b, "%s],\"indicators\":{\"quote\":[{\"close\":[1", times);
	for (int i = 1; i < n; i++)
		buf_addf(&b, ",%d", 1 + i);
	buf_addf(&b, "%s]}],\"adjclose\":[{\"adjclose\":[1", closes);
	for (int i = 1; i < n; i++)
		buf_addf(&b, ",%d", 1 + i);
	buf_addf(&b, "%s]}]}}],\"error\":null}}", adjusted);
	response.body = b.data;
	response.len = b.len;
	assert_true(yahoo_chart_is(&response));
	rc = yahoo_chart_read(&response, r, e);
	buf_fini(&b);
	return rc;
}

static void
live_bar(void **state)
{
	struct returns r;

	(void)state;
	assert_int_equal(
	    read_chart(70, ",5965000", ",99", ",99", &r, NULL), RC_OK);
	assert_int_equal(r.points, 70); /* 69 * 86400 = 5961600: that day */
	assert_true(r.last == 99);
	/* Without a price it takes nothing's place. */
	assert_int_equal(
	    read_chart(70, ",5965000", ",null", ",99", &r, NULL), RC_OK);
	assert_int_equal(r.points, 70);
	assert_int_equal(r.nulls, 1);
	assert_true(r.last == 70);
	/* Of the next day (of the exchange) it is a bar like others. */
	assert_int_equal(
	    read_chart(70, ",6030000", ",99", ",99", &r, NULL), RC_OK);
	assert_int_equal(r.points, 71);
}

/* Two bars of one day (of the exchange: from 5979600 on) are one where they are
 * less than a day apart; a day that a clock put forward has 23 hours. */
static void
two_bars_of_a_day(void **state)
{
	static const struct {
		const char *times;
		int points;
	} cases[] = {
		{ ",5979600,5979601", 71 },
		{ ",5979600,6062399", 71 }, /* a second less than 23 h */
		{ ",5979600,6062400", 72 },
		/* as near, but of the next day */
		{ ",5990000,6066000", 72 },
		{ ",6065999,6066000", 72 },
	};
	struct returns r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].times);
		assert_int_equal(read_chart(70, cases[i].times, ",98,99",
				     ",98,99", &r, NULL),
		    RC_OK);
		assert_int_equal(r.points, cases[i].points);
		assert_true(r.last == 99);
		assert_int_equal(r.nulls, 0);
	}
	/* Three of one day are still one. */
	assert_int_equal(read_chart(70, ",5979600,5980000,5990000", ",97,98,99",
			     ",97,98,99", &r, NULL),
	    RC_OK);
	assert_int_equal(r.points, 71);
	assert_true(r.last == 99);
}

static void
refused(void **state)
{
	struct returns r;
	struct err e;

	(void)state;
	assert_int_equal(read_chart(70, "", ",1", ",1", &r, &e), RC_PARSE);
	assert_string_equal(
	    e.msg, "70 timestamps, 71 closes, 71 adjusted closes");
	assert_string_equal(r.symbol, "X");
	assert_string_equal(r.error.msg, e.msg);
	assert_int_equal(
	    read_chart(70, ",5961600", ",1", ",1", &r, &e), RC_PARSE);
	assert_int_equal(
	    read_chart(70, ",6100000", ",1", ",0", &r, &e), RC_PARSE);
	assert_int_equal(
	    read_chart(70, ",6100000", ",1", ",\"1\"", &r, &e), RC_PARSE);
	assert_string_equal(
	    e.msg, "\"\"1\"\" is not a price: a positive number");
}

static void
which_bodies(void **state)
{
	static const struct {
		const char *body;
		int is;
	} cases[] = {
		{ "{\"chart\":1}", 1 },
		{ " {\n\"chart\" : {", 1 },
		{ "{\"chart\"", 0 },
		{ "{\"charts\":{", 0 },
		{ "{\"quoteResponse\":{\"chart\":{", 0 },
		{ "", 0 },
		{ "{", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(yahoo_chart_is(&(struct http_response){
				     .body = cases[i].body }),
		    cases[i].is);
}

static void
joined(void **state)
{
	static const char stocks[] =
	    "{\"success\":true,\"count\":2,\"data\":["
	    "{\"Ticker\":\"A\",\"price\":1.5e-7,\"Market Cap\":4374480000000},"
	    "{\"Ticker\":\"B\",\"price\":null}]}";
	static const char returns[] =
	    "{\"fetched_at\":\"2026-11-23T13:00:12Z\",\"data\":["
	    "{\"Ticker\":\"A\",\"expected_annual_return\":0.1,"
	    "\"expected_annual_risk\":0.30000000000000004,"
	    "\"return_risk_ratio\":null}]}";
	struct buf b;
	struct err e;

	(void)state;
	buf_init(&b, 10000);
	assert_int_equal(returns_join(&b, stocks, returns, &e), RC_OK);
	assert_string_equal(b.data,
	    "{\"success\":true,\"count\":2,"
	    "\"returns_fetched_at\":\"2026-11-23T13:00:12Z\",\"data\":["
	    "{\"Ticker\":\"A\",\"price\":1.5e-7,\"Market Cap\":4374480000000,"
	    "\"expected_annual_return\":0.1,"
	    "\"expected_annual_risk\":0.30000000000000004,"
	    "\"return_risk_ratio\":null},"
	    "{\"Ticker\":\"B\",\"price\":null,\"expected_annual_return\":null,"
	    "\"expected_annual_risk\":null,\"return_risk_ratio\":null}]}");
	buf_clear(&b);
	assert_int_equal(returns_join(&b, stocks, NULL, &e), RC_OK);
	assert_non_null(strstr(b.data, "\"returns_fetched_at\":null,"));
	buf_clear(&b);
	assert_int_equal(returns_join(&b, "{}", NULL, &e), RC_PARSE);
	assert_int_equal(returns_join(&b, stocks, "{}", &e), RC_PARSE);
	assert_int_equal(returns_join(&b, stocks, "x", &e), RC_PARSE);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

#define NULLS                                                                  \
	"\"expected_annual_return\":null,\"expected_annual_risk\":null,"       \
	"\"return_risk_ratio\":null}"
#define HEAD "{\"returns_fetched_at\":null,"

/* Bytes go through as they are; only what is ours to say is put between. */
static void
joined_byte_by_byte(void **state)
{
	static const struct {
		const char *stocks, *returns, *want;
	} cases[] = {
		/* nothing to join, or nothing to join to */
		{ "{\"data\":[]}", NULL, HEAD "\"data\":[]}" },
		{ "{\"data\":[ ] }\n", "{\"data\":[]}",
		    HEAD "\"data\":[ ] }\n" },
		{ "{\"data\":[{}, {\"p\":1} ]}", NULL,
		    HEAD "\"data\":[{" NULLS ", {\"p\":1," NULLS " ]}" },
		/* strings that look like structure, and like a ticker */
		{ "{\"error\":\"\\\",\\\"data\\\":[\",\"data\":[{\"Company\":"
		  "\"\\\"Ticker\\\":\\\"B\\\"}]\",\"Ticker\":\"A\","
		  "\"n\":{\"Ticker\":\"B\"}}]}",
		    "{\"data\":[{\"Ticker\":\"B\",\"return_risk_ratio\":9},"
		    "{\"return_risk_ratio\":-1.5E+3,\"error\":\"\\u0022}\","
		    "\"Ticker\":\"A\"}]}",
		    "{\"error\":\"\\\",\\\"data\\\":[\",\"returns_fetched_at\":"
		    "null,\"data\":[{\"Company\":"
		    "\"\\\"Ticker\\\":\\\"B\\\"}]\",\"Ticker\":\"A\","
		    "\"n\":{\"Ticker\":\"B\"},\"expected_annual_return\":null,"
		    "\"expected_annual_risk\":null,"
		    "\"return_risk_ratio\":-1.5E+3}]}" },
		/* what is no figure, and who has no ticker, adds nothing */
		{ "{\"data\":[{\"Ticker\":\"A\"},{\"x\":1}]}",
		    "{\"data\":[{\"x\":1,\"return_risk_ratio\":7},"
		    "{\"Ticker\":\"A\",\"expected_annual_return\":\"1\","
		    "\"expected_annual_risk\":01,\"return_risk_ratio\":true}]}",
		    HEAD "\"data\":[{\"Ticker\":\"A\"," NULLS ",{\"x\":1," NULLS
			 "]}" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&b);
		assert_int_equal(
		    returns_join(&b, cases[i].stocks, cases[i].returns, NULL),
		    RC_OK);
		assert_string_equal(b.data, cases[i].want);
	}
	buf_fini(&b);
}

/* Cut anywhere, and what is no JSON. */
static void
not_joined(void **state)
{
	static const char whole[] =
	    "{\"a\":[{\"b\":\"\\\"\"}],\"data\":[{\"Ticker\":\"A\",\"p\":-1e5},"
	    "{\"Ticker\":\"B\"}],\"z\":null}";
	static const char deep[] =
	    "{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]"
	    "]]]]"
	    "]]]]]]]],\"data\":[]}";
	static const char *const bad[] = { deep, "", "[]", "{\"data\":{}}",
		"{\"data\":[1]}", "{\"data\":[{\"a\":1}{\"b\":1}]}",
		"{\"data\":[{\"a\":[}]}]}", "{\"data\":[{a:1}]}",
		"{\"data\":[{\"a\" 1}]}", "{\"data\":[{\"a\":1,}]}",
		"{\"data\":[],}", "{\"data\":[{}],\"x\":{}" };
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	buf_adds(&b, "before");
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		char *cut = strndup(whole, n);

		if (returns_join(&b, cut, NULL, NULL) != RC_PARSE ||
		    (n < sizeof(whole) - 1 - strlen(",\"z\":null}") &&
			returns_join(&b, whole, cut, NULL) != RC_PARSE))
			fail_msg("cut: %s", cut);
		free(cut);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (returns_join(&b, bad[i], NULL, NULL) != RC_PARSE)
			fail_msg("joined: %s", bad[i]);
	assert_string_equal(b.data, "before");
	assert_int_equal(returns_join(&b, whole, whole, NULL), RC_OK);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_figures),
		cmocka_unit_test(too_few),
		cmocka_unit_test(without_risk),
		cmocka_unit_test(live_bar),
		cmocka_unit_test(two_bars_of_a_day),
		cmocka_unit_test(refused),
		cmocka_unit_test(which_bodies),
		cmocka_unit_test(joined),
		cmocka_unit_test(joined_byte_by_byte),
		cmocka_unit_test(not_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

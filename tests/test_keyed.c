/* The conversations with the sources behind keys, and what the settings say of
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "source/account.h"
#include "source/roster.h"
#include "source/source.h"

#define KEY "k3y of+mine"
#define PREV                                                                   \
	"{\"ticker\":\"SPY\",\"status\":\"OK\",\"results\":[{\"c\":1,\"t\":"   \
	"%lld}]}"
#define GROUPED "http://p.test/v2/aggs/grouped/locale/us/market/stocks/"

/* Monday 2026-11-23, 16:00 in New York. */
#define MONDAY INT64_C(1795467600000)

struct talk {
	const struct source *source;
	struct config config;
	struct member members[250];
	char names[250][8];
	struct query query;
	struct conversation *c;
	struct http_request req;
	struct err e;
};

static struct talk *
talk_to(struct talk *t, const struct source *s, size_t n)
{
	memset(t, 0, sizeof(*t));
	t->source = s;
	snprintf(t->config.alphavantage_url, LIMIT_SETTING, "http://a.test//");
	snprintf(t->config.alphavantage_key, LIMIT_SETTING, KEY);
	t->config.alphavantage_day_quota = 25;
	t->config.alphavantage_rate_limit = 1;
	snprintf(t->config.polygon_url, LIMIT_SETTING, "http://p.test/");
	snprintf(t->config.polygon_key, LIMIT_SETTING, KEY);
	t->config.polygon_minute_quota = 5;
	snprintf(t->config.iex_url, LIMIT_SETTING, "http://i.test/stable/");
	snprintf(t->config.iex_token, LIMIT_SETTING, KEY);
	for (size_t i = 0; i < n; i++) {
		snprintf(t->names[i], sizeof(t->names[i]), "T%03zu", i);
		t->members[i].ticker = t->names[i];
	}
	t->query.dataset.index = "DJIA";
	t->query.dataset.sector = DATASET_ANY;
	t->query.config = &t->config;
	t->query.members = t->members;
	t->query.nmembers = n;
	return t;
}

static void
begin(struct talk *t)
{
	assert_int_equal(t->source->begin(&t->c, &t->query, &t->e), RC_OK);
}

/* The next step must be a request for this address. */
static void
asks(struct talk *t, const char *url)
{
	assert_int_equal(t->source->next(t->c, &t->req), STEP_REQUEST);
	assert_string_equal(t->req.url, url);
}

static enum step
step(struct talk *t)
{
	struct http_request none = { .tag = 0 };

	return t->source->next(t->c, &none);
}

static enum rc
tell(struct talk *t, int status, const char *body)
{
	struct http_response r = { .tag = t->req.tag,
		.status = status,
		.body = body,
		.len = strlen(body),
		.headers = "",
		.retry_after_ms = -1 };
	enum rc rc = t->source->feed(t->c, &r, &t->e);

	if (rc != RC_OK)
		assert_null(strstr(t->e.msg, KEY));
	return rc;
}

static enum rc
finish(struct talk *t, struct table *table, int64_t *total)
{
	table_init(table);
	assert_int_equal(step(t), STEP_DONE);
	return t->source->finish(t->c, table, total, &t->e);
}

static double
number(const struct table *t, const char *ticker, enum field f)
{
	const struct record *r = table_find(t, ticker);

	assert_non_null(r);
	assert_int_equal(r->v[f].kind, VALUE_NUMBER);
	return r->v[f].u.number;
}

/* Alpha Vantage */

static void
a_quote_and_an_overview_are_one_company(void **state)
{
	struct table table;
	struct talk t;
	int64_t total;

	(void)state;
	talk_to(&t, &source_alphavantage, 1);
	t.members[0] = (struct member){ "BRK-B", "Berkshire", "Financial" };
	begin(&t);
	assert_int_equal(t.source->calls(t.c), 2);
	asks(&t, "http://a.test/query?function=GLOBAL_QUOTE&symbol=BRK-B"
		 "&apikey=k3y%20of%2Bmine");
	assert_int_equal(step(&t), STEP_REQUEST); /* the overview */
	assert_int_equal(step(&t), STEP_WAIT);
	assert_int_equal(
	    tell(&t, 200,
		"{\"Global Quote\":{\"01. symbol\":\"BRK.B\","
		"\"05. price\":\"500.25\",\"10. change percent\":\"1.5%\"}}"),
	    RC_OK);
	assert_int_equal(t.source->calls(t.c), 1);
	t.req.tag = 1;
	assert_int_equal(
	    tell(&t, 200,
		"{\"Symbol\":\"BRK-B\",\"Name\":\"B\",\"PERatio\":\"12\","
		"\"Sector\":\"FINANCE\",\"Beta\":\"None\"}"),
	    RC_OK);
	assert_int_equal(finish(&t, &table, &total), RC_OK);
	assert_int_equal(total, 1);
	assert_float_equal(number(&table, "BRK-B", FIELD_PRICE), 500.25, 0);
	assert_float_equal(number(&table, "BRK-B", FIELD_CHANGE), 0.015, 0);
	assert_float_equal(number(&table, "BRK-B", FIELD_PE), 12, 0);
	/* The sector is that of the member: the source has other words. */
	assert_string_equal(table.rows[0].v[FIELD_SECTOR].u.text, "Financial");
	assert_int_equal(table.rows[0].v[FIELD_BETA].kind, VALUE_NULL);
	assert_int_equal(table.have[FIELD_PC], 0);
	table_fini(&table);
	t.source->end(t.c);
}

static void
refusals_say_how_long(void **state)
{
	static const struct {
		const char *body;
		enum rc rc;
		int64_t pause_ms;
	} cases[] = {
		{ "{\"Information\":\"(1 request per second) (25 requests per "
		  "day)\"}",
		    RC_LIMITED, 2000 },
		{ "{\"Information\":\"API key as " KEY
		  " and our rate limit is 25 requests per day.\"}",
		    RC_LIMITED, SOURCE_DAY_OVER },
		{ "{\"Note\":\"5 calls per minute and 500 calls per day\"}",
		    RC_LIMITED, 60000 },
		{ "{\"Information\":\"a premium endpoint\"}", RC_BLOCKED, -1 },
		{ "{\"Information\":\"" KEY "\"}", RC_UPSTREAM, -1 },
		{ "{\"Error Message\":\"the parameter apikey " KEY "\"}",
		    RC_BLOCKED, -1 },
	};
	struct talk t;

	(void)state;
	begin(talk_to(&t, &source_alphavantage, 1));
	t.source->next(t.c, &t.req);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(tell(&t, 200, cases[i].body), cases[i].rc);
		assert_true(t.source->pause_ms(t.c) == cases[i].pause_ms);
	}
	/* It was taken at last. */
	assert_int_equal(tell(&t, 200, "{\"Global Quote\":{}}"), RC_OK);
	assert_int_equal(step(&t), STEP_DONE);
	t.source->end(t.c);
}

static void
an_answer_of_another_symbol_is_not_taken(void **state)
{
	struct talk t;

	(void)state;
	begin(talk_to(&t, &source_alphavantage, 1));
	t.source->next(t.c, &t.req);
	assert_int_equal(tell(&t, 200,
			     "{\"Global Quote\":{\"01. symbol\":\"T0000\","
			     "\"05. price\":\"1\"}}"),
	    RC_PARSE);
	assert_int_equal(tell(&t, 200,
			     "{\"Global Quote\":{\"01. symbol\":\"T000\","
			     "\"05. price\":\"1\"}}"),
	    RC_OK);
	t.source->end(t.c);
}

static void
more_than_the_day_has_is_refused_whole(void **state)
{
	struct talk t;

	(void)state;
	begin(talk_to(&t, &source_alphavantage, 12));
	t.source->end(t.c);
	talk_to(&t, &source_alphavantage, 13);
	assert_int_equal(t.source->begin(&t.c, &t.query, &t.e), RC_NOTFOUND);
	assert_string_equal(t.e.msg,
	    "13 companies take 26 calls, and its day has 25 "
	    "(ALPHAVANTAGE_DAY_QUOTA)");
	t.config.alphavantage_day_quota = 26; /* exactly as many */
	begin(&t);
	t.source->end(t.c);
	t.config.alphavantage_day_quota = 0;
	begin(&t);
	t.source->end(t.c);
}

static void
class_shares_have_a_dot(void **state)
{
	static const char *const cases[][2] = { { "BRK-B", "BRK.B" },
		{ "BF/B", "BF.B" }, { "A-B", "A.B" }, { "-B", "-B" },
		{ "V", "V" }, { "BRK-AB", "BRK-AB" }, { "", "" } };
	char got[LIMIT_TICKER + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		roster_dotted(got, cases[i][0]);
		assert_string_equal(got, cases[i][1]);
	}
}

/* Polygon */

static void
find_day(struct talk *t, int64_t ms)
{
	char body[256];

	asks(t, "http://p.test/v2/aggs/ticker/SPY/prev?adjusted=true");
	assert_string_equal(t->req.bearer, KEY);
	assert_null(strstr(t->req.url, "k3y"));
	snprintf(body, sizeof(body), PREV, (long long)ms);
	assert_int_equal(tell(t, 200, body), RC_OK);
}

static void
a_weekend_is_stepped_over(void **state)
{
	struct table table;
	struct talk t;
	int64_t total;

	(void)state;
	talk_to(&t, &source_polygon, 3);
	t.members[1].ticker = "BF-B";
	begin(&t);
	find_day(&t, MONDAY);
	asks(&t, GROUPED "2026-11-23?adjusted=true");
	assert_int_equal(step(&t), STEP_WAIT);
	assert_int_equal(
	    tell(&t, 200,
		"{\"results\":[{\"T\":\"T000\",\"c\":3,\"v\":1.5e2},{\"T\":"
		"\"BF.B\",\"c\":5},{\"T\":\"OTHER\",\"c\":1},{\"T\":\"T002\","
		"\"c\":7}]}"),
	    RC_OK);
	asks(&t, GROUPED "2026-11-20?adjusted=true");
	assert_int_equal(
	    tell(&t, 200,
		"{\"results\":[{\"T\":\"T000\",\"c\":2},{\"T\":\"BF.B\","
		"\"c\":0},{\"T\":\"NEW\",\"c\":1}]}"),
	    RC_OK);
	assert_int_equal(finish(&t, &table, &total), RC_OK);
	assert_int_equal(table.count, 3);
	assert_float_equal(number(&table, "T000", FIELD_CHANGE), 0.5, 0);
	assert_float_equal(number(&table, "T000", FIELD_PREV_CLOSE), 2, 0);
	assert_float_equal(number(&table, "T000", FIELD_VOLUME), 150, 0);
	assert_float_equal(number(&table, "BF-B", FIELD_PRICE), 5, 0);
	/* A close of 0, and none: no change. */
	assert_int_equal(
	    table_find(&table, "BF-B")->v[FIELD_CHANGE].kind, VALUE_NULL);
	assert_int_equal(
	    table_find(&table, "T002")->v[FIELD_CHANGE].kind, VALUE_NULL);
	table_fini(&table);
	t.source->end(t.c);
}

static void
days_off_are_stepped_over_but_not_for_ever(void **state)
{
	static const char none[] = "{\"resultsCount\":0,\"status\":\"OK\"}";
	static const char later[] =
	    "{\"status\":\"NOT_AUTHORIZED\",\"message\":\"Attempted to request "
	    "today's data before end of day.\"}";
	struct talk t;

	(void)state;
	begin(talk_to(&t, &source_polygon, 1));
	find_day(&t, MONDAY);
	asks(&t, GROUPED "2026-11-23?adjusted=true");
	assert_int_equal(tell(&t, 403, later), RC_OK);
	asks(&t, GROUPED "2026-11-20?adjusted=true");
	for (int i = 0; i < 5; i++) {
		assert_int_equal(tell(&t, 200, none), RC_OK);
		assert_int_equal(t.source->next(t.c, &t.req), STEP_REQUEST);
	}
	assert_int_equal(tell(&t, 200, none), RC_INVALID);
	assert_int_equal(step(&t), STEP_DONE);
	t.source->end(t.c);
}

static void
the_day_is_new_yorks(void **state)
{
	struct talk t;

	(void)state;
	begin(talk_to(&t, &source_polygon, 1));
	/* Tuesday in UTC already */
	find_day(&t, MONDAY + INT64_C(4) * 3600 * 1000);
	asks(&t, GROUPED "2026-11-23?adjusted=true");
	t.source->end(t.c);
}

/* IEX */

static void
a_batch_has_a_hundred_symbols(void **state)
{
	struct table table;
	struct talk t;
	int64_t total;

	(void)state;
	talk_to(&t, &source_iex, 201);
	t.members[0].ticker = "BRK-B";
	begin(&t);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(t.source->next(t.c, &t.req), STEP_REQUEST);
		assert_ptr_equal(
		    strstr(t.req.url,
			i == 0   ? "http://i.test/stable/stock/market/batch?"
				   "types=quote,stats,company&symbols=BRK.B,T001,"
			: i == 1 ? "http://i.test/stable/stock/market/batch?"
				   "types=quote,stats,company&symbols=T100,"
				 : "http://i.test/stable/stock/market/batch?"
				   "types=quote,stats,company&symbols=T200&"
				   "token=k3y%20of%2Bmine"),
		    t.req.url);
	}
	assert_int_equal(step(&t), STEP_WAIT);
	assert_int_equal(
	    tell(&t, 200, "{\"T200\":{\"quote\":{\"latestPrice\":2}}}"), RC_OK);
	t.req.tag = 0;
	assert_int_equal(tell(&t, 200,
			     "{\"BRK.B\":{\"quote\":{\"latestPrice\":5}},"
			     "\"T001\":{\"quote\":{\"latestPrice\":null}}}"),
	    RC_OK);
	assert_int_equal(tell(&t, 200, "{}"), RC_OK); /* taken already */
	t.req.tag = 1;
	assert_int_equal(tell(&t, 402, "over"), RC_LIMITED);
	assert_int_equal(tell(&t, 403, "no"), RC_BLOCKED);
	assert_int_equal(tell(&t, 200, "{}"), RC_OK);
	/* two of 201 */
	assert_int_equal(finish(&t, &table, &total), RC_INVALID);
	table_fini(&table);
	t.source->end(t.c);
}

/* The settings */

static void
a_minute_never_has_more_than_its_quota(void **state)
{
	struct config c = { .polygon_minute_quota = 1 };

	(void)state;
	for (; c.polygon_minute_quota < 2000; c.polygon_minute_quota++) {
		int burst = account_minute_burst(&c);
		double rate = account_rate(&c, "polygon");

		assert_true(burst >= 1 && rate > 0);
		if (c.polygon_minute_quota == 1) /* one at once, then one a
						    minute */
			assert_true(burst == 1 && rate <= 1 / 60.0);
		else
			assert_float_equal(burst + rate * 60,
			    (double)c.polygon_minute_quota, 1e-9);
	}
	/* The three calls of a dataset go at once. */
	c.polygon_minute_quota = 5;
	assert_int_equal(account_minute_burst(&c), 3);
}

static void
a_source_without_a_key_is_off(void **state)
{
	struct config c = { .polygon_key = "k" };

	(void)state;
	assert_null(account_lacks(&c, "finviz"));
	assert_null(account_lacks(&c, "yahoo"));
	assert_null(account_lacks(&c, "polygon"));
	assert_string_equal(account_lacks(&c, "alphavantage"),
	    "no key: ALPHAVANTAGE_KEY is not set");
	assert_non_null(strstr(account_lacks(&c, "iex"), "2024-08-31"));
	snprintf(c.iex_url, sizeof(c.iex_url), "http://i.test");
	assert_string_equal(
	    account_lacks(&c, "iex"), "no key: IEX_TOKEN is not set");
}

static void
a_key_that_is_quoted_is_hidden(void **state)
{
	struct config c = { .polygon_key = "abc", .iex_token = "*" };
	char text[] = "\"abc\" abcabc ab", other[] = "abc", stars[] = "a*";

	(void)state;
	account_hide(&c, "polygon", text);
	assert_string_equal(text, "\"***\" ****** ab");
	account_hide(&c, "finviz", other);
	account_hide(&c, "alphavantage", other);
	assert_string_equal(other, "abc");
	account_hide(&c, "iex", stars); /* ends */
	assert_string_equal(stars, "a*");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quote_and_an_overview_are_one_company),
		cmocka_unit_test(refusals_say_how_long),
		cmocka_unit_test(an_answer_of_another_symbol_is_not_taken),
		cmocka_unit_test(more_than_the_day_has_is_refused_whole),
		cmocka_unit_test(class_shares_have_a_dot),
		cmocka_unit_test(a_weekend_is_stepped_over),
		cmocka_unit_test(days_off_are_stepped_over_but_not_for_ever),
		cmocka_unit_test(the_day_is_new_yorks),
		cmocka_unit_test(a_batch_has_a_hundred_symbols),
		cmocka_unit_test(a_minute_never_has_more_than_its_quota),
		cmocka_unit_test(a_source_without_a_key_is_off),
		cmocka_unit_test(a_key_that_is_quoted_is_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

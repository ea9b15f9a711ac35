/*
 * The conversation about a year of charts: what becomes of the others where
 * one symbol fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "data/returns.h"
#include "source/source.h"

#define MOST 8
#define CHART                                                                  \
	"{\"chart\":{\"result\":[{\"meta\":{\"symbol\":\"A\",\"currency\":"    \
	"\"USD\",\"dataGranularity\":\"1d\"},\"timestamp\":[100000],"          \
	"\"indicators\":{\"quote\":[{\"close\":[1]}],\"adjclose\":[{"          \
	"\"adjclose\":[1]}]}}],\"error\":null}}"
#define UNKNOWN                                                                \
	"{\"chart\":{\"result\":null,\"error\":{\"code\":\"Not Found\","       \
	"\"description\":\"No data found, symbol may be delisted\"}}}"

static struct config config = { .yahoo_url = "http://y.test/" };

struct talk {
	struct conversation *c;
	struct returns returns[MOST];
	struct member members[MOST];
	struct err e;
};

static void
begin(struct talk *t, size_t n)
{
	static const char *const tickers[MOST] = { "A", "BRK-B", "C", "D", "E",
		"F", "G", "H" };
	struct query q = { .config = &config,
		.members = t->members,
		.nmembers = n,
		.returns = t->returns };
	struct http_request r;

	*t = (struct talk){ 0 };
	for (size_t i = 0; i < n; i++)
		t->members[i].ticker = tickers[i];
	assert_int_equal(source_yahoo_year.begin(&t->c, &q, &t->e), RC_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    source_yahoo_year.next(t->c, &r), STEP_REQUEST);
	assert_int_equal(source_yahoo_year.next(t->c, &r), STEP_WAIT);
}

static enum rc
tell(struct talk *t, unsigned tag, int status, const char *body)
{
	struct http_response r = { .tag = tag,
		.status = status,
		.body = body,
		.len = strlen(body),
		.headers = "",
		.retry_after_ms = -1,
		.why = { RC_TIMEOUT, "no answer" } };

	return source_yahoo_year.feed(t->c, &r, &t->e);
}

static enum rc
verdict(const struct talk *t)
{
	return source_yahoo_year.verdict(t->c);
}

static void
ends(struct talk *t)
{
	struct http_request r;

	assert_int_equal(source_yahoo_year.next(t->c, &r), STEP_DONE);
	source_yahoo_year.end(t->c);
}

static const struct {
	int status;
	const char *body;
	enum rc rc;
} failures[] = {
	{ 200, "<html>", RC_PARSE },
	{ 200, "{\"chart\":{\"result\":[{}],\"error\":null", RC_PARSE },
	{ 404, "", RC_UPSTREAM },
	{ 400, "no", RC_UPSTREAM },
	{ 500, "", RC_UPSTREAM },
	{ 503, "<html>", RC_UPSTREAM },
	{ 0, "", RC_TIMEOUT },
};

#define FAILURES (sizeof(failures) / sizeof(failures[0]))

static enum rc
tell_failure(struct talk *t, unsigned tag, size_t i)
{
	return tell(t, tag, failures[i].status, failures[i].body);
}

static void
a_symbol_that_fails_twice_is_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAILURES; i++) {
		struct talk t;

		begin(&t, 3);
		print_message("%d %s\n", failures[i].status, failures[i].body);
		assert_int_equal(tell(&t, 1, 200, CHART), RC_OK);
		assert_int_equal(verdict(&t), RC_OK);
		assert_int_equal(tell_failure(&t, 0, i), failures[i].rc);
		assert_int_equal(tell_failure(&t, 0, i), RC_OK);
		/* but its source is told */
		assert_int_equal(verdict(&t), failures[i].rc);
		assert_int_equal(tell(&t, 2, 404, UNKNOWN), RC_OK);
		assert_int_equal(verdict(&t), RC_OK);
		assert_false(t.returns[0].answered);
		assert_true(t.returns[1].answered);
		assert_true(t.returns[2].answered);
		assert_int_equal(t.returns[2].error.rc, RC_EMPTY);
		ends(&t);
	}
}

static void
one_that_comes_the_second_time_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAILURES; i++) {
		struct talk t;

		begin(&t, 1);
		assert_int_equal(tell_failure(&t, 0, i), failures[i].rc);
		assert_int_equal(tell(&t, 0, 200, CHART), RC_OK);
		assert_int_equal(verdict(&t), RC_OK);
		assert_true(t.returns[0].answered);
		ends(&t);
	}
}

static void
three_in_a_row_are_yahoos_failure(void **state)
{
	struct talk t;

	(void)state;
	for (int answer = 0; answer < 2; answer++) {
		begin(&t, 8);
		assert_int_equal(tell(&t, 7, 200, CHART), RC_OK);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(tell(&t, i, 500, ""), RC_UPSTREAM);
			assert_int_equal(tell(&t, i, 500, ""), RC_OK);
		}
		/* An answer in between, and they are not in a row. */
		if (answer)
			assert_int_equal(tell(&t, 6, 404, UNKNOWN), RC_OK);
		assert_int_equal(tell(&t, 2, 0, ""), RC_TIMEOUT);
		assert_int_equal(
		    tell(&t, 2, 0, ""), answer ? RC_OK : RC_TIMEOUT);
		source_yahoo_year.end(t.c);
	}
}

static void
unreadable_ones_in_a_row_are_not(void **state)
{
	struct talk t;

	(void)state;
	begin(&t, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(tell(&t, i, 200, "<html>"), RC_PARSE);
		assert_int_equal(tell(&t, i, 200, "<html>"), RC_OK);
		assert_int_equal(verdict(&t), RC_PARSE);
	}
	ends(&t);
}

static void
failures_alone_are_yahoos_failure(void **state)
{
	struct talk t;

	(void)state;
	begin(&t, 2);
	assert_int_equal(tell(&t, 0, 500, ""), RC_UPSTREAM);
	assert_int_equal(tell(&t, 0, 500, ""), RC_OK);
	assert_int_equal(tell(&t, 1, 500, ""), RC_UPSTREAM);
	assert_int_equal(tell(&t, 1, 500, ""), RC_UPSTREAM);
	source_yahoo_year.end(t.c);
}

static void
a_limit_is_no_symbols_fault(void **state)
{
	struct talk t;

	(void)state;
	begin(&t, 2);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(tell(&t, 0, 429, ""), RC_LIMITED);
		assert_int_equal(tell(&t, 1, 401, ""), RC_BLOCKED);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(tell(&t, i, 200, CHART), RC_OK);
	ends(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_symbol_that_fails_twice_is_left_out),
		cmocka_unit_test(one_that_comes_the_second_time_is_taken),
		cmocka_unit_test(three_in_a_row_are_yahoos_failure),
		cmocka_unit_test(unreadable_ones_in_a_row_are_not),
		cmocka_unit_test(failures_alone_are_yahoos_failure),
		cmocka_unit_test(a_limit_is_no_symbols_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

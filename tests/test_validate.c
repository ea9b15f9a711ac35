#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "data/validate.h"

static const enum field required[] = { FIELD_TICKER, FIELD_PRICE,
	FIELD_MARKET_CAP };

#define REQUIRED required, sizeof(required) / sizeof(required[0])

/* n companies with a price, a beta and an RSI. */
static void
sample(struct table *t, int n)
{
	struct record *r;
	char ticker[16];

	table_init(t);
	for (int i = 0; i < n; i++) {
		snprintf(ticker, sizeof(ticker), "T%d", i);
		assert_int_equal(
		    table_record(t, ticker, &r, NULL, NULL), RC_OK);
		table_set_number(r, FIELD_PRICE, 10 + i);
		table_set_number(r, FIELD_RSI, 50);
	}
	t->have[FIELD_TICKER] = t->have[FIELD_PRICE] = 1;
	t->have[FIELD_MARKET_CAP] = t->have[FIELD_RSI] = 1;
}

static void
a_sound_table_passes_unchanged(void **state)
{
	struct table t;
	size_t dropped = 7;

	(void)state;
	sample(&t, 20);
	assert_int_equal(
	    validate_table(&t, 20, REQUIRED, &dropped, NULL), RC_OK);
	assert_int_equal(dropped, 0);
	assert_true(t.rows[3].v[FIELD_PRICE].u.number == 13);
	assert_int_equal(validate_table(&t, -1, REQUIRED, NULL, NULL), RC_OK);
	table_fini(&t);
}

static void
the_count_must_be_the_sources_own(void **state)
{
	struct table t;
	struct err e;

	(void)state;
	sample(&t, 20);
	assert_int_equal(
	    validate_table(&t, 21, REQUIRED, NULL, &e), RC_INVALID);
	assert_non_null(strstr(e.msg, "20 records"));
	assert_non_null(strstr(e.msg, "21"));
	assert_int_equal(
	    validate_table(&t, 19, REQUIRED, NULL, &e), RC_INVALID);
	assert_int_equal(validate_table(&t, 0, REQUIRED, NULL, &e), RC_INVALID);
	table_fini(&t);
}

static void
an_empty_table_is_valid_where_the_source_says_so(void **state)
{
	struct table t;
	size_t dropped = 7;
	struct err e;

	(void)state;
	table_init(&t);
	assert_int_equal(validate_table(&t, 0, REQUIRED, &dropped, &e), RC_OK);
	assert_int_equal(dropped, 0);
	assert_int_equal(
	    validate_table(&t, -1, REQUIRED, NULL, &e), RC_INVALID);
	assert_int_equal(validate_table(&t, 5, REQUIRED, NULL, &e), RC_INVALID);
	table_fini(&t);
}

static void
required_fields_must_have_been_delivered(void **state)
{
	struct table t;
	struct err e;

	(void)state;
	sample(&t, 20);
	t.have[FIELD_MARKET_CAP] = 0;
	assert_int_equal(
	    validate_table(&t, 20, REQUIRED, NULL, &e), RC_INVALID);
	assert_non_null(strstr(e.msg, "Market Cap"));
	assert_int_equal(validate_table(&t, 20, NULL, 0, NULL, &e), RC_OK);
	table_fini(&t);
}

static void
a_tenth_of_the_prices_may_be_missing(void **state)
{
	struct table t;
	struct err e;

	(void)state;
	sample(&t, 20);
	t.rows[0].v[FIELD_PRICE].kind = VALUE_NULL;
	t.rows[9].v[FIELD_PRICE].kind = VALUE_NULL;
	assert_int_equal(validate_table(&t, 20, REQUIRED, NULL, &e), RC_OK);
	t.rows[5].v[FIELD_PRICE].kind = VALUE_NULL;
	assert_int_equal(
	    validate_table(&t, 20, REQUIRED, NULL, &e), RC_INVALID);
	assert_non_null(strstr(e.msg, "3 of 20 records have no price"));
	table_fini(&t);
}

static void
a_figure_outside_its_range_becomes_null(void **state)
{
	struct table t;
	size_t dropped = 0;

	(void)state;
	sample(&t, 60);
	table_set_number(&t.rows[0], FIELD_RSI, 101);
	table_set_number(&t.rows[1], FIELD_RSI, -1);
	table_set_number(&t.rows[2], FIELD_RSI, 100); /* the edge is in */
	table_set_number(&t.rows[3], FIELD_RSI, 0);
	table_set_number(&t.rows[4], FIELD_BETA, 1e9); /* few, but under 3 */
	assert_int_equal(
	    validate_table(&t, 60, REQUIRED, &dropped, NULL), RC_OK);
	assert_int_equal(dropped, 3);
	assert_int_equal(t.rows[0].v[FIELD_RSI].kind, VALUE_NULL);
	assert_int_equal(t.rows[1].v[FIELD_RSI].kind, VALUE_NULL);
	assert_int_equal(t.rows[2].v[FIELD_RSI].kind, VALUE_NUMBER);
	assert_int_equal(t.rows[3].v[FIELD_RSI].kind, VALUE_NUMBER);
	assert_int_equal(t.rows[4].v[FIELD_BETA].kind, VALUE_NULL);
	table_fini(&t);
}

static void
a_changed_unit_is_refused_and_changes_nothing(void **state)
{
	struct table t;
	size_t dropped = 7;
	struct err e;

	(void)state;
	sample(&t, 60);
	for (int i = 0; i < 3; i++)
		table_set_number(&t.rows[i], FIELD_RSI, 5000);
	/* Three of sixty is a twentieth: not more. */
	assert_int_equal(validate_table(&t, 60, REQUIRED, &dropped, &e), RC_OK);
	assert_int_equal(dropped, 3);
	dropped = 7;
	for (int i = 0; i < 4; i++)
		table_set_number(&t.rows[i], FIELD_RSI, 5000);
	table_set_number(&t.rows[0], FIELD_PRICE, -1);
	assert_int_equal(
	    validate_table(&t, 60, REQUIRED, &dropped, &e), RC_INVALID);
	assert_non_null(strstr(e.msg, "4 of 60 figures of RSI"));
	assert_int_equal(dropped, 7);
	assert_true(t.rows[0].v[FIELD_RSI].u.number == 5000);
	assert_true(t.rows[0].v[FIELD_PRICE].u.number == -1);
	table_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_table_passes_unchanged),
		cmocka_unit_test(the_count_must_be_the_sources_own),
		cmocka_unit_test(
		    an_empty_table_is_valid_where_the_source_says_so),
		cmocka_unit_test(required_fields_must_have_been_delivered),
		cmocka_unit_test(a_tenth_of_the_prices_may_be_missing),
		cmocka_unit_test(a_figure_outside_its_range_becomes_null),
		cmocka_unit_test(a_changed_unit_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

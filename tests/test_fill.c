/*
 * Gaps filled by field: only gaps, by ticker, with each figure's source kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fill.h"

static struct record *
add(struct table *t, const char *ticker, enum field f, double v)
{
	struct record *r;

	assert_int_equal(table_record(t, ticker, &r, NULL, NULL), RC_OK);
	table_set_number(r, f, v);
	t->have[FIELD_TICKER] = t->have[f] = 1;
	return r;
}

static double
number(const struct table *t, const char *ticker, enum field f)
{
	const struct record *r = table_find(t, ticker);

	assert_int_equal(r->v[f].kind, VALUE_NUMBER);
	return r->v[f].u.number;
}

static void
the_setting_names_fields_or_all(void **state)
{
	unsigned char want[FIELD__MAX] = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(fill_parse("X", "", want, NULL), RC_OK);
	for (int f = 0; f < FIELD__MAX; f++)
		assert_false(want[f]);
	assert_int_equal(
	    fill_parse("X", "beta, P/E ,Perf Year", want, NULL), RC_OK);
	for (int f = 0; f < FIELD__MAX; f++)
		assert_int_equal(want[f],
		    f == FIELD_BETA || f == FIELD_PE || f == FIELD_PERF_YEAR);
	assert_int_equal(fill_parse("X", "All", want, NULL), RC_OK);
	for (int f = 0; f < FIELD__MAX; f++)
		assert_int_equal(
		    want[f], f != FIELD_TICKER && f != FIELD_SECTOR);
	assert_int_equal(fill_parse("X", "beta,all", want, &e), RC_CONFIG);
	assert_non_null(strstr(e.msg, "X names \"all\""));
	assert_int_equal(fill_parse("X", "beta,,pe", want, NULL), RC_CONFIG);
	assert_int_equal(fill_parse("X", "Sector", want, &e), RC_CONFIG);
	assert_non_null(strstr(e.msg, "Sector"));
	assert_true(want[FIELD_PE]); /* untouched */
}

/* Two companies of the first source, three of the other. */
struct pair {
	struct table t, other;
	unsigned char want[FIELD__MAX];
	struct fill fill;
};

static void
pair_init(struct pair *p, const char *setting)
{
	struct record *r;

	memset(p, 0, sizeof(*p));
	table_init(&p->t);
	table_init(&p->other);
	add(&p->t, "AAA", FIELD_PE, 10);
	add(&p->t, "BBB", FIELD_PRICE, 5); /* no P/E */
	r = add(&p->other, "CCC", FIELD_BETA, 3);
	table_set_number(r, FIELD_PE, 30);
	r = add(&p->other, "BBB", FIELD_BETA, 2);
	table_set_number(r, FIELD_PE, 20);
	table_set_number(r, FIELD_PRICE, 99);
	r = add(&p->other, "AAA", FIELD_BETA, 1);
	table_set_number(r, FIELD_PE, 99);
	assert_int_equal(
	    table_set_text(&p->other, r, FIELD_COUNTRY, "USA", NULL), RC_OK);
	assert_int_equal(
	    table_set_text(&p->other, r, FIELD_SECTOR, "Energy", NULL), RC_OK);
	assert_int_equal(fill_parse("X", setting, p->want, NULL), RC_OK);
	assert_int_equal(fill_begin(&p->fill, p->want, &p->t, NULL), RC_OK);
}

static void
pair_fini(struct pair *p)
{
	fill_end(&p->fill);
	table_fini(&p->t);
	table_fini(&p->other);
}

static void
only_gaps_are_filled_and_by_ticker(void **state)
{
	struct pair p;
	struct filled of;
	size_t n;

	(void)state;
	pair_init(&p, "all");
	assert_int_equal(
	    fill_take(&p.fill, &p.t, &p.other, "yahoo", &n, NULL), RC_OK);
	assert_int_equal(n, 4); /* two betas, a P/E, a country */
	assert_int_equal(p.t.count, 2);
	assert_true(number(&p.t, "AAA", FIELD_PE) == 10);
	assert_true(number(&p.t, "BBB", FIELD_PE) == 20);
	assert_true(number(&p.t, "BBB", FIELD_PRICE) == 5);
	assert_true(number(&p.t, "AAA", FIELD_BETA) == 1);
	assert_true(number(&p.t, "BBB", FIELD_BETA) == 2);
	assert_int_equal(
	    table_find(&p.t, "AAA")->v[FIELD_SECTOR].kind, VALUE_NULL);

	fill_count(&p.fill, &p.t, &p.t, &of);
	assert_int_equal(of.nsources, 1);
	assert_string_equal(of.source[0], "yahoo");
	assert_int_equal(of.count[FIELD_BETA][0], 2);
	assert_int_equal(of.count[FIELD_PE][0], 1);
	assert_int_equal(of.count[FIELD_COUNTRY][0], 1);
	assert_int_equal(of.count[FIELD_PRICE][0], 0);
	assert_int_equal(filled_whole(&of, FIELD_BETA), 0);
	assert_int_equal(filled_whole(&of, FIELD_PE), -1);
	/* The first source had P/E; beta is whole now, the country is not. */
	assert_true(p.t.have[FIELD_PE]);
	assert_true(p.t.have[FIELD_BETA]);
	assert_false(p.t.have[FIELD_COUNTRY]);
	pair_fini(&p);
}

static void
the_first_that_has_it_fills_and_each_is_counted(void **state)
{
	struct pair p;
	struct table third;
	struct filled of;
	size_t n;

	(void)state;
	pair_init(&p, "Country,beta");
	table_init(&third);
	assert_int_equal(
	    fill_take(&p.fill, &p.t, &p.other, "yahoo", &n, NULL), RC_OK);
	assert_int_equal(n, 3);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    table_set_text(&third,
			add(&third, i ? "AAA" : "BBB", FIELD_BETA, 77),
			FIELD_COUNTRY, "Chad", NULL),
		    RC_OK);
	assert_int_equal(
	    fill_take(&p.fill, &p.t, &third, "polygon", &n, NULL), RC_OK);
	assert_int_equal(n, 1);
	fill_count(&p.fill, &p.t, &p.t, &of);
	assert_int_equal(of.count[FIELD_COUNTRY][0], 1);
	assert_int_equal(of.count[FIELD_COUNTRY][1], 1);
	assert_int_equal(filled_whole(&of, FIELD_COUNTRY), -1);
	assert_int_equal(of.count[FIELD_PE][0], 0); /* not wanted */
	assert_true(p.t.have[FIELD_COUNTRY]);
	table_fini(&third);
	pair_fini(&p);
}

static void
a_part_is_counted_by_its_own_records(void **state)
{
	struct pair p;
	struct table part;
	struct filled of;
	size_t n;

	(void)state;
	pair_init(&p, "all");
	assert_int_equal(
	    fill_take(&p.fill, &p.t, &p.other, "yahoo", &n, NULL), RC_OK);
	table_init(&part);
	assert_int_equal(
	    table_copy_where(&part, &p.t, FIELD_COUNTRY, "USA", NULL), RC_OK);
	fill_count(&p.fill, &p.t, &part, &of);
	assert_int_equal(of.rows, 1);
	assert_int_equal(of.count[FIELD_PE][0], 0);
	assert_int_equal(filled_whole(&of, FIELD_COUNTRY), 0);
	assert_true(part.have[FIELD_COUNTRY]);
	table_fini(&part);
	pair_fini(&p);
}

static int
no_beta(enum field f)
{
	return f != FIELD_BETA;
}

static void
a_gap_is_what_the_source_may_fill(void **state)
{
	struct pair p;
	const struct record *a, *b;

	(void)state;
	pair_init(&p, "beta,pe");
	a = table_find(&p.t, "AAA");
	b = table_find(&p.t, "BBB");
	assert_true(fill_is_gap(&p.fill, a, NULL));
	assert_false(fill_is_gap(&p.fill, a, no_beta));
	assert_true(fill_is_gap(&p.fill, b, no_beta));
	pair_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_setting_names_fields_or_all),
		cmocka_unit_test(only_gaps_are_filled_and_by_ticker),
		cmocka_unit_test(
		    the_first_that_has_it_fills_and_each_is_counted),
		cmocka_unit_test(a_part_is_counted_by_its_own_records),
		cmocka_unit_test(a_gap_is_what_the_source_may_fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "data/table.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t seed;

/* A number below n out of a seeded sequence. */
static size_t
below(size_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)((seed >> 33) % n);
}

static struct record *
record(struct table *t, const char *ticker)
{
	struct record *r;

	assert_int_equal(table_record(t, ticker, &r, NULL, NULL), RC_OK);
	return r;
}

static void
tickers_are_well_formed_or_refused(void **state)
{
	static const char *const good[] = { "A", "AAPL", "BRK-B", "BRK.B",
		"^GSPC", "EURUSD=X", "AT&T", "7203", "ABCDEFGHIJKLMNOP" };
	static const char *const bad[] = { "", "-", "...", "aapl", "AA PL",
		"AAPL\n", "AAPL\x1b[31m", "\xc3\x85", "A/B", "A,B",
		"ABCDEFGHIJKLMNOPQ" };
	struct table t;
	struct record *r = NULL;
	struct err e;

	(void)state;
	table_init(&t);
	for (size_t i = 0; i < N(good); i++)
		assert_true(table_is_ticker(good[i]));
	for (size_t i = 0; i < N(bad); i++) {
		assert_false(table_is_ticker(bad[i]));
		assert_int_equal(
		    table_record(&t, bad[i], &r, NULL, &e), RC_PARSE);
		assert_null(r);
	}
	assert_int_equal(t.count, 0);
	table_fini(&t);
}

static void
a_ticker_has_one_record(void **state)
{
	struct record *a, *b;
	struct table t;
	int added = 7;

	(void)state;
	table_init(&t);
	assert_null(table_find(&t, "A"));
	assert_int_equal(table_record(&t, "A", &a, &added, NULL), RC_OK);
	assert_int_equal(added, 1);
	for (int f = 0; f < FIELD__MAX; f++)
		assert_int_equal(
		    a->v[f].kind, f == FIELD_TICKER ? VALUE_TEXT : VALUE_NULL);
	assert_int_equal(table_record(&t, "A", &b, &added, NULL), RC_OK);
	assert_int_equal(added, 0);
	assert_ptr_equal(a, b);
	assert_null(table_find(&t, "AA"));
	assert_int_equal(t.count, 1);
	table_clear(&t);
	assert_null(table_find(&t, "A"));
	assert_int_equal(t.count, 0);
	table_fini(&t);
}

static void
records_have_a_ceiling(void **state)
{
	struct table t;
	struct record *r;
	char ticker[16];
	struct err e;

	(void)state;
	table_init(&t);
	for (int i = 0; i < LIMIT_ROWS; i++) {
		snprintf(ticker, sizeof(ticker), "T%d", i);
		record(&t, ticker);
	}
	assert_int_equal(table_record(&t, "ONE", &r, NULL, &e), RC_PARSE);
	assert_int_equal(table_record(&t, "T77", &r, NULL, &e), RC_OK);
	for (int i = 0; i < LIMIT_ROWS; i++) {
		snprintf(ticker, sizeof(ticker), "T%d", i);
		assert_ptr_equal(table_find(&t, ticker), &t.rows[i]);
	}
	table_fini(&t);
}

static void
cells_are_read_by_the_type_of_their_field(void **state)
{
	static const struct {
		enum field f;
		int exp10;
		const char *cell;
		double number; /* or */
		const char *text;
	} cases[] = { { FIELD_CHANGE, 0, "7.06%", 0.0706, NULL },
		{ FIELD_CHANGE, 0, "0", 0, NULL },
		{ FIELD_MARKET_CAP, 0, "4374.48B", 4374480000000.0, NULL },
		{ FIELD_MARKET_CAP, 6, "3674.48", 3674480000.0, NULL },
		{ FIELD_VOLUME, 0, "107,466,165", 107466165, NULL },
		{ FIELD_PE, 0, " 19.61 ", 19.61, NULL },
		{ FIELD_COMPANY, 0, " \nAT&T Inc\t", 0, "AT&T Inc" },
		{ FIELD_COMPANY, 0, "-5", 0, "-5" },
		{ FIELD_EARNINGS, 0, "May 04/a", 0, "May 04/a" },
		{ FIELD_IPO_DATE, 0, "6/27/1995", 0, "1995-06-27" } };
	static const enum field missing[] = { FIELD_CHANGE, FIELD_PE,
		FIELD_COMPANY, FIELD_IPO_DATE, FIELD_VOLUME };
	static const char *const blanks[] = { "-", "", "  ", " - " };
	struct record *r;
	struct table t;

	(void)state;
	table_init(&t);
	r = record(&t, "A");
	for (size_t i = 0; i < N(cases); i++) {
		struct value *v = &r->v[cases[i].f];

		assert_int_equal(table_set_cell(&t, r, cases[i].f,
				     cases[i].cell, cases[i].exp10, NULL),
		    RC_OK);
		if (cases[i].text != NULL) {
			assert_int_equal(v->kind, VALUE_TEXT);
			assert_string_equal(v->u.text, cases[i].text);
		} else {
			assert_int_equal(v->kind, VALUE_NUMBER);
			assert_true(v->u.number == cases[i].number);
		}
	}
	for (size_t i = 0; i < N(missing); i++)
		for (size_t j = 0; j < N(blanks); j++) {
			r->v[missing[i]].kind = VALUE_NUMBER;
			assert_int_equal(table_set_cell(&t, r, missing[i],
					     blanks[j], 0, NULL),
			    RC_OK);
			assert_int_equal(r->v[missing[i]].kind, VALUE_NULL);
		}
	table_fini(&t);
}

static void
a_bad_cell_is_named_and_changes_nothing(void **state)
{
	static const struct {
		enum field f;
		const char *cell;
	} bad[] = { { FIELD_PE, "nan" }, { FIELD_PE, "abc" },
		{ FIELD_CHANGE, "7.06" }, { FIELD_CHANGE, "1e5%" },
		{ FIELD_IPO_DATE, "yesterday" } };
	char longest[LIMIT_CELL + 2];
	struct record *r;
	struct table t;
	struct err e;

	(void)state;
	table_init(&t);
	r = record(&t, "BRK-B");
	for (size_t i = 0; i < N(bad); i++) {
		table_set_number(r, bad[i].f, 7);
		assert_int_equal(
		    table_set_cell(&t, r, bad[i].f, bad[i].cell, 0, &e),
		    RC_PARSE);
		assert_non_null(strstr(e.msg, fields[bad[i].f].name));
		assert_non_null(strstr(e.msg, "BRK-B"));
		assert_true(r->v[bad[i].f].u.number == 7);
		assert_int_equal(
		    table_set_cell(&t, r, bad[i].f, bad[i].cell, 0, NULL),
		    RC_PARSE);
	}
	memset(longest, 'x', sizeof(longest));
	longest[LIMIT_CELL + 1] = '\0';
	assert_int_equal(
	    table_set_text(&t, r, FIELD_COMPANY, longest, &e), RC_PARSE);
	assert_non_null(strstr(e.msg, "Company of BRK-B"));
	longest[LIMIT_CELL] = '\0';
	assert_int_equal(
	    table_set_text(&t, r, FIELD_COMPANY, longest, &e), RC_OK);
	table_fini(&t);
}

static void
numbers_that_are_none_become_null(void **state)
{
	struct record *r;
	struct table t;

	(void)state;
	table_init(&t);
	r = record(&t, "A");
	table_set_number(r, FIELD_PE, (double)NAN);
	assert_int_equal(r->v[FIELD_PE].kind, VALUE_NULL);
	table_set_number(r, FIELD_PE, -(double)INFINITY);
	assert_int_equal(r->v[FIELD_PE].kind, VALUE_NULL);
	table_set_number(r, FIELD_PE, 0);
	assert_int_equal(r->v[FIELD_PE].kind, VALUE_NUMBER);
	table_fini(&t);
}

static void
the_ticker_is_the_key_and_stays(void **state)
{
	struct record *r;
	struct table t;

	(void)state;
	table_init(&t);
	r = record(&t, "A");
	assert_int_equal(
	    table_set_cell(&t, r, FIELD_TICKER, "B", 0, NULL), RC_OK);
	assert_int_equal(
	    table_set_text(&t, r, FIELD_TICKER, NULL, NULL), RC_OK);
	assert_string_equal(r->v[FIELD_TICKER].u.text, "A");
	assert_ptr_equal(table_find(&t, "A"), r);
	table_fini(&t);
}

static void
texts_have_a_ceiling(void **state)
{
	char text[LIMIT_CELL + 1];
	struct record *r;
	struct table t;
	enum rc rc = RC_OK;
	size_t n = 0;

	(void)state;
	memset(text, 'x', LIMIT_CELL);
	text[LIMIT_CELL] = '\0';
	table_init(&t);
	r = record(&t, "A");
	for (; rc == RC_OK && n < LIMIT_TEXT; n += sizeof(text))
		rc = table_set_text(&t, r, FIELD_COMPANY, text, NULL);
	assert_int_equal(rc, RC_PARSE);
	assert_true(t.text_bytes <= LIMIT_TEXT);
	assert_string_equal(r->v[FIELD_COMPANY].u.text, text);
	table_fini(&t);
}

static void
sorting_puts_null_last_and_keeps_the_index(void **state)
{
	static const struct {
		const char *ticker;
		double pe; /* -1: null */
	} rows[] = { { "D", 5 }, { "B", -1 }, { "C", 5 }, { "A", -1 },
		{ "E", 9 }, { "F", 1 } };
	struct table t;
	char order[8];

	(void)state;
	table_init(&t);
	for (size_t i = 0; i < N(rows); i++)
		if (rows[i].pe >= 0)
			table_set_number(
			    record(&t, rows[i].ticker), FIELD_PE, rows[i].pe);
		else
			record(&t, rows[i].ticker);
	for (int pass = 0; pass < 3; pass++) {
		table_sort(&t, pass == 2 ? FIELD_TICKER : FIELD_PE, pass);
		for (size_t i = 0; i < t.count; i++)
			order[i] = t.rows[i].v[FIELD_TICKER].u.text[0];
		order[t.count] = '\0';
		assert_string_equal(order, pass == 0   ? "FCDEAB"
					   : pass == 1 ? "ECDFAB"
						       : "FEDCBA");
		for (size_t i = 0; i < N(rows); i++)
			assert_string_equal(table_find(&t, rows[i].ticker)
						->v[FIELD_TICKER]
						.u.text,
			    rows[i].ticker);
	}
	table_fini(&t);
}

static void
copies_are_of_the_records_that_match(void **state)
{
	struct table from, to;
	struct record *r;

	(void)state;
	table_init(&from);
	table_init(&to);
	r = record(&from, "A");
	table_set_text(&from, r, FIELD_SECTOR, "Energy", NULL);
	table_set_number(r, FIELD_PE, 3);
	table_set_text(
	    &from, record(&from, "B"), FIELD_SECTOR, "Energy Services", NULL);
	record(&from, "C");
	from.have[FIELD_SECTOR] = from.have[FIELD_PE] = 1;
	assert_int_equal(
	    table_copy_where(&to, &from, FIELD_SECTOR, "Energy", NULL), RC_OK);
	assert_int_equal(to.count, 1);
	assert_true(to.have[FIELD_PE] && !to.have[FIELD_BETA]);
	assert_int_equal(
	    table_copy_where(&to, &from, FIELD_SECTOR, NULL, NULL), RC_OK);
	assert_int_equal(to.count, 3);
	table_fini(&from); /* copies own their texts */
	assert_string_equal(
	    table_find(&to, "A")->v[FIELD_SECTOR].u.text, "Energy");
	assert_true(table_find(&to, "A")->v[FIELD_PE].u.number == 3);
	table_fini(&to);
}

/*
 * The property of joining: whatever rows and columns the parts have, in
 * whatever order, with rows missing and standing twice, the joined table has
 * the rows of the first and in each cell the first part's value that is not
 * null.  An oracle of plain arrays says what that is.
 */
#define TICKERS ((size_t)40)
#define PARTS   4

struct oracle {
	int has[TICKERS];
	double v[TICKERS][FIELD__MAX]; /* 0: null */
	int have[FIELD__MAX];
};

static const char *
ticker(size_t i, char out[8])
{
	snprintf(out, 8, "%c%c%zu", 'A' + (int)(i % 3), 'A' + (int)(i % 5), i);
	return out;
}

/* The one true value of a cell in a part; parts disagree on purpose. */
static double
truth(size_t part, size_t row, size_t f)
{
	return (double)(part * 1000000 + row * 1000 + f + 1);
}

static void
set_truth(struct table *t, struct record *r, size_t part, size_t row, size_t f)
{
	char text[32];

	if (field_is_number((enum field)f)) {
		table_set_number(r, (enum field)f, truth(part, row, f));
		return;
	}
	snprintf(text, sizeof(text), "%.0f", truth(part, row, f));
	assert_int_equal(
	    table_set_text(t, r, (enum field)f, text, NULL), RC_OK);
}

/* A part with random columns and rows, shuffled and some twice. */
static void
make_part(struct table *t, struct oracle *o, size_t part)
{
	char name[8];
	size_t rows[2 * TICKERS], n = 0;

	for (size_t f = 1; f < FIELD__MAX; f++)
		t->have[f] = below(3) == 0;
	t->have[FIELD_TICKER] = 1;
	for (size_t i = 0; i < TICKERS; i++)
		for (size_t k = below(8); k < 6 && n < 2 * TICKERS; k += 4)
			rows[n++] = i;
	for (size_t i = n; i > 1; i--) {
		size_t j = below(i), swap = rows[j];

		rows[j] = rows[i - 1];
		rows[i - 1] = swap;
	}
	for (size_t i = 0; i < n; i++) {
		struct record *r = record(t, ticker(rows[i], name));

		o->has[rows[i]] = 1;
		for (size_t f = 1; f < FIELD__MAX; f++) {
			int null = (rows[i] * 7 + f * 3 + part) % 5 == 0;

			/* Values in columns that it did not deliver are
			 * there to be left alone. */
			if (null || (!t->have[f] && below(4) != 0))
				continue;
			set_truth(t, r, part, rows[i], f);
			o->v[rows[i]][f] = truth(part, rows[i], f);
		}
	}
	for (size_t f = 0; f < FIELD__MAX; f++)
		o->have[f] = t->have[f];
}

static void
join_oracle(struct oracle *dst, const struct oracle *src)
{
	for (size_t i = 0; i < TICKERS; i++)
		for (size_t f = 0; f < FIELD__MAX; f++)
			if (dst->has[i] && src->has[i] && src->have[f] &&
			    dst->v[i][f] == 0)
				dst->v[i][f] = src->v[i][f];
	for (size_t f = 0; f < FIELD__MAX; f++)
		dst->have[f] |= src->have[f];
}

static void
compare(const struct table *t, const struct oracle *o)
{
	char name[8], text[32];
	size_t n = 0;

	for (size_t i = 0; i < TICKERS; i++) {
		const struct record *r = table_find(t, ticker(i, name));

		assert_int_equal(r != NULL, o->has[i]);
		if (r == NULL)
			continue;
		n++;
		assert_string_equal(r->v[FIELD_TICKER].u.text, name);
		for (size_t f = 1; f < FIELD__MAX; f++) {
			const struct value *v = &r->v[f];

			assert_int_equal(
			    v->kind == VALUE_NULL, o->v[i][f] == 0);
			if (v->kind == VALUE_NUMBER)
				assert_true(v->u.number == o->v[i][f]);
			if (v->kind != VALUE_TEXT)
				continue;
			snprintf(text, sizeof(text), "%.0f", o->v[i][f]);
			assert_string_equal(v->u.text, text);
		}
	}
	assert_int_equal(n, t->count);
	for (size_t f = 0; f < FIELD__MAX; f++)
		assert_int_equal(t->have[f], o->have[f]);
}

static void
joined_tables_equal_the_oracle(void **state)
{
	static struct oracle o[PARTS];

	(void)state;
	for (uint64_t round = 0; round < 60; round++) {
		struct table t[PARTS];

		seed = round;
		memset(o, 0, sizeof(o));
		for (size_t p = 0; p < PARTS; p++) {
			table_init(&t[p]);
			make_part(&t[p], &o[p], p);
			compare(&t[p], &o[p]);
		}
		for (size_t p = 1; p < PARTS; p++) {
			assert_int_equal(table_join(&t[0], &t[p], NULL), RC_OK);
			join_oracle(&o[0], &o[p]);
			table_fini(&t[p]); /* nothing borrowed from it */
			compare(&t[0], &o[0]);
		}
		table_sort(&t[0], FIELD_PE, 1);
		compare(&t[0], &o[0]);
		table_fini(&t[0]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tickers_are_well_formed_or_refused),
		cmocka_unit_test(a_ticker_has_one_record),
		cmocka_unit_test(records_have_a_ceiling),
		cmocka_unit_test(cells_are_read_by_the_type_of_their_field),
		cmocka_unit_test(a_bad_cell_is_named_and_changes_nothing),
		cmocka_unit_test(numbers_that_are_none_become_null),
		cmocka_unit_test(the_ticker_is_the_key_and_stays),
		cmocka_unit_test(texts_have_a_ceiling),
		cmocka_unit_test(sorting_puts_null_last_and_keeps_the_index),
		cmocka_unit_test(copies_are_of_the_records_that_match),
		cmocka_unit_test(joined_tables_equal_the_oracle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

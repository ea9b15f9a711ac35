#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "data/text.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define R5   "\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80"
#define R1   "\xe2\x94\x80"

static struct record *
record(struct table *t, const char *ticker)
{
	struct record *r;

	assert_int_equal(table_record(t, ticker, &r, NULL, NULL), RC_OK);
	return r;
}

static void
values_are_written_for_people(void **state)
{
	static const struct {
		enum field f;
		double v;
		const char *want;
	} cases[] = { { FIELD_MARKET_CAP, 4374480000000.0, "4.37T" },
		{ FIELD_MARKET_CAP, 999999999999.0, "1.00T" },
		{ FIELD_MARKET_CAP, 3.2e15, "3200.00T" },
		{ FIELD_INCOME, -36690000, "-36.69M" },
		{ FIELD_VOLUME, 107466165, "107.47M" },
		{ FIELD_VOLUME, 374, "374" }, { FIELD_VOLUME, 0, "0" },
		{ FIELD_VOLUME, 999.5, "999.50" },
		{ FIELD_EMPLOYEES, 164000, "164.00K" },
		{ FIELD_CHANGE, 0.0706, "7.06%" },
		{ FIELD_CHANGE, -0.0029, "-0.29%" },
		{ FIELD_CHANGE, -0.00001, "0.00%" },
		{ FIELD_CHANGE, 1.5865, "158.65%" },
		{ FIELD_PRICE, 297.84, "297.84" }, { FIELD_PRICE, 1, "1.00" },
		{ FIELD_PRICE, 0.0123, "0.0123" },
		{ FIELD_PE, 17352, "17352.00" }, { FIELD_PE, 1e300, "1e+300" },
		{ FIELD_EPS, 0, "0.00" } };
	static const char *const texts[][2] = { { "AT&T Inc", "AT&T Inc" },
		{ "a\x1b[31mb\nc\x7f", "a?[31mb?c?" },
		{ "\xc2\x9b"
		  "1m",
		    "?1m" },
		{ "\xc2\xa0x", "\xc2\xa0x" },
		{ "Nestl\xc3\xa9 \xff", "Nestl\xc3\xa9 ?" } };
	struct value v = { .kind = VALUE_NULL };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	text_value(&b, FIELD_PE, &v);
	assert_string_equal(b.data, "-");
	for (size_t i = 0; i < N(cases); i++) {
		buf_clear(&b);
		v = (struct value){ VALUE_NUMBER, { .number = cases[i].v } };
		text_value(&b, cases[i].f, &v);
		assert_string_equal(b.data, cases[i].want);
	}
	for (size_t i = 0; i < N(texts); i++) {
		buf_clear(&b);
		v = (struct value){ VALUE_TEXT, { .text = texts[i][0] } };
		text_value(&b, FIELD_COMPANY, &v);
		assert_string_equal(b.data, texts[i][1]);
	}
	buf_fini(&b);
}

static void
sample(struct table *t)
{
	struct record *r;

	table_init(t);
	memset(t->have, 1, FIELD__MAX);
	r = record(t, "A");
	table_set_text(t, r, FIELD_COMPANY, "Agilent Technologies Inc", NULL);
	table_set_text(t, r, FIELD_SECTOR, "Healthcare", NULL);
	table_set_number(r, FIELD_PRICE, 118.5);
	table_set_number(r, FIELD_CHANGE, 0.0706);
	r = record(t, "NESN");
	table_set_text(t, r, FIELD_COMPANY, "Nestl\xc3\xa9", NULL);
	table_set_text(t, r, FIELD_SECTOR, "Consumer Defensive", NULL);
	table_set_number(r, FIELD_CHANGE, -0.01);
}

/* Header, rule and rows of a few fields. */
static void
figures_are_aligned_under_a_rule(void **state)
{
	const struct field_list only = {
		{ FIELD_TICKER, FIELD_PRICE, FIELD_CHANGE }, 3
	};
	struct text_options o = { .chosen = &only };
	struct table t;
	struct buf b;

	(void)state;
	sample(&t);
	buf_init(&b, 10000);
	text_write(&b, &t, &o);
	assert_string_equal(b.data,
	    "Ticker   Price  Change\n" R5 R1 "  " R5 R1 "  " R5 R1 "\n"
	    "A       118.50   7.06%\n"
	    "NESN         -  -1.00%\n");
	buf_clear(&b);
	o.colour = 1;
	text_write(&b, &t, &o);
	assert_non_null(
	    strstr(b.data, "A       118.50   \033[32m7.06%\033[0m\n"
			   "NESN         -  \033[31m-1.00%\033[0m\n"));
	buf_fini(&b);
	table_fini(&t);
}

static size_t
columns(const char *line)
{
	size_t n = 0;

	for (; *line != '\n'; line++)
		n += ((unsigned char)*line & 0xc0) != 0x80;
	return n;
}

static void
no_line_is_wider_than_the_terminal(void **state)
{
	struct table t;
	struct buf b;

	(void)state;
	sample(&t);
	table_set_text(&t, record(&t, "NESN"), FIELD_SECTOR,
	    "A sector with a name that is longer than all that fits into any "
	    "line of a terminal",
	    NULL);
	buf_init(&b, 100000);
	for (int width = 8; width < 300; width++) {
		struct text_options o = { .width = width };
		size_t lines = 0;

		buf_clear(&b);
		text_write(&b, &t, &o);
		for (const char *p = b.data; *p != '\0'; lines++) {
			assert_true(columns(p) <= (size_t)width);
			p = strchr(p, '\n') + 1;
		}
		assert_int_equal(lines, 4);
	}
	buf_fini(&b);
	table_fini(&t);
}

static void
the_name_is_shortened_before_columns_go(void **state)
{
	const struct field_list chosen = {
		{ FIELD_TICKER, FIELD_COMPANY, FIELD_CHANGE }, 3
	};
	struct text_options o = { .chosen = &chosen, .width = 36 };
	struct table t;
	struct buf b;

	(void)state;
	sample(&t);
	buf_init(&b, 10000);
	assert_int_equal(text_write(&b, &t, &o), 0);
	assert_non_null(strstr(
	    b.data, "A       Agilent Technologie\xe2\x80\xa6   7.06%\n"));
	assert_non_null(
	    strstr(b.data, "NESN    Nestl\xc3\xa9                -1.00%"
			   "\n"));
	buf_clear(&b);
	o.width = 20; /* what was asked for stays, however wide */
	assert_int_equal(text_write(&b, &t, &o), 0);
	assert_non_null(strstr(b.data, "Change"));
	buf_clear(&b);
	o.chosen = NULL;
	assert_true(text_write(&b, &t, &o) > 0);
	assert_null(strstr(b.data, "Change"));
	buf_clear(&b);
	o.width = 1; /* the first column always stays */
	text_write(&b, &t, &o);
	assert_int_equal(strncmp(b.data, "Ticker\n", 7), 0);
	buf_fini(&b);
	table_fini(&t);
}

static void
columns_that_say_nothing_are_not_chosen(void **state)
{
	struct text_options o = { .width = 0 };
	struct table t;
	struct buf b;

	(void)state;
	sample(&t);
	t.have[FIELD_BETA] = 0;
	buf_init(&b, 10000);
	text_write(&b, &t, &o);
	assert_int_equal(strncmp(b.data, "Ticker  Company ", 16), 0);
	assert_non_null(strstr(b.data, "Sector"));
	assert_non_null(strstr(b.data, "Market Cap"));
	assert_null(strstr(b.data, "Beta"));
	buf_clear(&b);
	table_set_text(
	    &t, record(&t, "NESN"), FIELD_SECTOR, "Healthcare", NULL);
	text_write(&b, &t, &o);
	assert_null(strstr(b.data, "Sector"));
	table_clear(&t);
	buf_clear(&b);
	text_write(&b, &t, &o);
	assert_non_null(strstr(b.data, "Price"));
	assert_ptr_equal(strrchr(b.data, '\n'), b.data + b.len - 1);
	buf_fini(&b);
	table_fini(&t);
}

static void
hostile_texts_do_not_reach_the_terminal(void **state)
{
	struct text_options o = { .width = 80, .colour = 0 };
	struct table t;
	struct buf b;

	(void)state;
	sample(&t);
	table_set_text(&t, record(&t, "A"), FIELD_COMPANY,
	    "\x1b]0;owned\x07\r\n\xc2\x9b"
	    "2J",
	    NULL);
	buf_init(&b, 10000);
	text_write(&b, &t, &o);
	assert_null(strchr(b.data, '\x1b'));
	assert_null(strchr(b.data, '\r'));
	assert_null(strstr(b.data, "\xc2\x9b"));
	assert_non_null(strstr(b.data, "?]0;owned????2J"));
	buf_fini(&b);
	table_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_written_for_people),
		cmocka_unit_test(figures_are_aligned_under_a_rule),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(the_name_is_shortened_before_columns_go),
		cmocka_unit_test(columns_that_say_nothing_are_not_chosen),
		cmocka_unit_test(hostile_texts_do_not_reach_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

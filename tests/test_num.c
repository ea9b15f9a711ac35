#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"

struct figure {
	const char *text;
	int exp10;
	double want;
};

/* Doubles are compared exactly: that is what the module promises. */
static void
assert_same(double got, double want, const char *text)
{
	if (got != want)
		fail_msg("%s: %.17g is not %.17g", text, got, want);
}

static void
figures_are_scaled_in_the_text(void **state)
{
	static const struct figure cases[] = { { "7.06%", 0, 0.0706 },
		{ "-21.81%", 0, -0.2181 }, { "158.65%", 0, 1.5865 },
		{ "4374.48B", 0, 4374480000000.0 }, { "3.10T", 0, 3.1e12 },
		{ "36.69M", 0, 36690000 }, { "118.73K", 0, 118730 },
		{ "107,466,165", 0, 107466165 }, { "374", 0, 374 },
		{ "1,234.5", 0, 1234.5 }, { "17352.00", 0, 17352 },
		{ " \t19.61\r\n", 0, 19.61 }, { "-0.29", 0, -0.29 },
		{ "+1", 0, 1 }, { "3674.48", 6, 3674480000.0 },
		{ "1.2B", 6, 1.2e9 }, { "5%", 6, 0.05 }, { "0.00", 3, 0 },
		{ "1.005", 3, 1005 }, { "-4.4950072", -4, -4.4950072e-4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double got = 7;

		assert_int_equal(
		    num_figure(cases[i].text, cases[i].exp10, &got, NULL),
		    RC_OK);
		assert_same(got, cases[i].want, cases[i].text);
	}
}

static void
a_dash_and_nothing_are_no_value(void **state)
{
	static const char *const cases[] = { "-", "", "  ", " - ", "\t\n" };
	char date[11] = "untouched";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double got = 7;

		assert_int_equal(
		    num_figure(cases[i], 0, &got, NULL), RC_NOTFOUND);
		assert_same(got, 7, cases[i]);
		assert_int_equal(num_date(cases[i], date, NULL), RC_NOTFOUND);
		assert_string_equal(date, "untouched");
	}
}

static void
what_is_no_figure_is_refused(void **state)
{
	static const char *const cases[] = { "nan", "inf", "-inf", "0x10",
		"1e5", "1.", ".5", "--1", "1-", "1 2", "1,23", "1234,567",
		",123", "1,,234", "12,34.5", "1.2.3", "1.2,345", "1%%", "%",
		"K", "1KK", "1k", "12abc", "$5", "1,234,", "\x01",
		"\xd9\xa1" /* an Arabic digit */ };
	static char longest[100];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };
		double got = 7;

		if (num_figure(cases[i], 0, &got, &e) != RC_PARSE)
			fail_msg("\"%s\" was taken", cases[i]);
		assert_same(got, 7, cases[i]);
		assert_int_equal(e.rc, RC_PARSE);
		assert_true(strlen(e.msg) > 0);
	}
	memset(longest, '9', sizeof(longest) - 1);
	assert_int_equal(
	    num_figure(longest, 0, &(double){ 0 }, NULL), RC_PARSE);
}

static void
decimals_of_json_and_java_are_read(void **state)
{
	static const struct figure cases[] = {
		{ "-4.4950072E-4", 0, -4.4950072e-4 }, { "1e3", 0, 1000 },
		{ "0.62", -2, 0.0062 }, { "1E+2", 0, 100 }, { "-0", 0, 0 },
		{ "123456789.123", 0, 123456789.123 }, { "5e-400", 0, 0 }
	};
	static const char *const bad[] = { "", "-", "1e", "1e+", "e5", "1,000",
		"NaN", "Infinity", "1e999", "1e99999999999999999999", "0x1p3",
		" 1", "1 ", "1.5%" };
	double got = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    num_decimal(cases[i].text, cases[i].exp10, &got, NULL),
		    RC_OK);
		assert_same(got, cases[i].want, cases[i].text);
	}
	got = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (num_decimal(bad[i], 0, &got, NULL) != RC_PARSE || got != 7)
			fail_msg("\"%s\" was taken", bad[i]);
}

static void
whole_numbers_are_whole_texts_in_their_range(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "1.0", "1e1",
		"0x1", "-", "--1", "11", "-6", "99999999999999999999" };
	int64_t got = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (num_int(bad[i], -5, 10, &got, NULL) != RC_PARSE || got != 7)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(num_int("-5", -5, 10, &got, NULL), RC_OK);
	assert_true(got == -5);
	assert_int_equal(
	    num_int("9223372036854775807", 0, INT64_MAX, &got, NULL), RC_OK);
	assert_true(got == INT64_MAX);
}

static void
dates_of_three_spellings_become_one(void **state)
{
	static const char *const good[][2] = { { "6/27/1995", "1995-06-27" },
		{ "05/28/2025", "2025-05-28" }, { "2/29/2024", "2024-02-29" },
		{ "1995-06-27", "1995-06-27" }, { " 1/1/1700 ", "1700-01-01" },
		{ "2/29/2000", "2000-02-29" } };
	static const char *const bad[] = { "2/29/2023", "2/29/1900",
		"13/1/2020", "0/1/2020", "1/32/2020", "1/1/20", "6-27-1995",
		"1/1/2020x", "2020-1--1", "-1/1/2020", "1/1", "May 05/b",
		"4/31/2020", "1/1/99999", "1/1/1699" };
	char out[11];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(num_date(good[i][0], out, NULL), RC_OK);
		assert_string_equal(out, good[i][1]);
	}
	memcpy(out, "same", 5);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (num_date(bad[i], out, NULL) != RC_PARSE)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_string_equal(out, "same");
}

/* The contract, done the slow way. */
static void
oracle(double v, char out[NUM_TEXT])
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, NUM_TEXT, "%.*g", digits, v);
		if (strtod(out, NULL) == v)
			return;
	}
}

static void
check_print(double v)
{
	char got[NUM_TEXT], want[NUM_TEXT];
	size_t n = num_print(v, got);

	oracle(v, want);
	if (strcmp(got, want) != 0 || strlen(got) != n)
		fail_msg("%.17g prints as %s, not %s", v, got, want);
	assert_same(strtod(got, NULL), v, got);
}

static void
numbers_print_so_that_they_read_back_equal(void **state)
{
	static const struct {
		double v;
		const char *want;
	} cases[] = { { 0, "0" }, { -0.0, "0" }, { 0.0706, "0.0706" },
		{ 4374480000000.0, "4374480000000" },
		{ 1234567.89, "1234567.89" }, { 4e-07, "4e-07" },
		{ 0.1, "0.1" }, { -0.5, "-0.5" }, { 1e15, "1e+15" },
		{ 100, "100" }, { 999999999999999.0, "999999999999999" },
		{ 0.0001, "0.0001" }, { 1.0 / 3, "0.3333333333333333" } };
	char got[NUM_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		num_print(cases[i].v, got);
		assert_string_equal(got, cases[i].want);
	}
}

static void
numbers_print_as_the_slow_way_would(void **state)
{
	static const double tens[] = { 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8,
		1e9, 1e12 };
	uint64_t seed = 20261003, bits;
	double v;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		bits = seed ^ seed >> 29;
		if (i % 3 == 0) { /* any double */
			memcpy(&v, &bits, sizeof(v));
			if (v - v != 0)
				continue;
		} else { /* a figure, or one step beside it */
			v = (double)(bits >> (12 + bits % 50)) / tens[i % 11];
			if (i % 6 == 1) {
				memcpy(&bits, &v, sizeof(bits));
				bits++;
				memcpy(&v, &bits, sizeof(v));
			}
			if (i % 2)
				v = -v;
		}
		if (v != 0)
			check_print(v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_are_scaled_in_the_text),
		cmocka_unit_test(a_dash_and_nothing_are_no_value),
		cmocka_unit_test(what_is_no_figure_is_refused),
		cmocka_unit_test(decimals_of_json_and_java_are_read),
		cmocka_unit_test(whole_numbers_are_whole_texts_in_their_range),
		cmocka_unit_test(dates_of_three_spellings_become_one),
		cmocka_unit_test(numbers_print_so_that_they_read_back_equal),
		cmocka_unit_test(numbers_print_as_the_slow_way_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "data/field.h"

#define CONTRACT "../shared/data/fields.csv"

static const char *const types[] = { [FIELD_TEXT] = "text",
	[FIELD_DATE] = "date",
	[FIELD_NUMBER] = "number",
	[FIELD_FRACTION] = "fraction",
	[FIELD_MONEY] = "money",
	[FIELD_COUNT] = "count" };

static void
check_row(int f, char *line)
{
	char *part[5], *rest = line;
	int exp10 = 0;

	for (int i = 0; i < 5; i++) {
		part[i] = strsep(&rest, ",");
		assert_non_null(part[i]);
	}
	assert_null(rest);
	assert_string_equal(fields[f].name, part[0]);
	assert_string_equal(types[fields[f].type], part[1]);
	assert_int_equal(fields[f].finviz_id, strtol(part[2], NULL, 10));
	assert_string_equal(fields[f].aliases, part[3]);
	if (*part[4] != '\0') {
		assert_int_equal(strncmp(part[4], "1e", 2), 0);
		exp10 = (int)strtol(part[4] + 2, NULL, 10);
	}
	assert_int_equal(fields[f].elite_exp10, exp10);
}

static void
the_table_keeps_the_contract(void **state)
{
	FILE *file = fopen(CONTRACT, "r");
	char line[512];
	int f = -1;

	(void)state;
	if (file == NULL)
		skip();
	for (; fgets(line, sizeof(line), file) != NULL; f++) {
		line[strcspn(line, "\r\n")] = '\0';
		assert_true(f < FIELD__MAX);
		if (f >= 0)
			check_row(f, line);
	}
	fclose(file);
	assert_int_equal(f, FIELD__MAX);
}

static void
every_row_is_filled(void **state)
{
	(void)state;
	for (int f = 0; f < FIELD__MAX; f++) {
		const struct field_info *i = &fields[f];

		assert_true(strlen(i->name) > 0 && strlen(i->label) > 0);
		assert_true(strlen(i->aliases) > 0);
		assert_true(i->finviz_id > 0 && i->finviz_id <= 150);
		assert_in_range(i->type, FIELD_TEXT, FIELD_COUNT);
		/* Names go into JSON and CSV as they stand. */
		assert_null(strpbrk(i->name, "\"\\,\r\n"));
		assert_int_equal(i->min < i->max, field_is_number(f));
		if (!field_is_number(f))
			assert_true(i->elite_exp10 == 0 && i->min == 0);
		if (i->type == FIELD_FRACTION)
			assert_int_equal(i->elite_exp10, 0);
		if (i->yahoo != NULL)
			assert_true(strlen(i->yahoo) > 0);
		else
			assert_int_equal(i->yahoo_exp10, 0);
	}
}

static void
no_two_fields_share_anything(void **state)
{
	(void)state;
	for (int a = 0; a < FIELD__MAX; a++)
		for (int b = 0; b < a; b++) {
			const struct field_info *x = &fields[a];
			const struct field_info *y = &fields[b];

			if (strcasecmp(x->name, y->name) == 0 ||
			    strcasecmp(x->label, y->label) == 0 ||
			    strcasecmp(x->name, y->label) == 0 ||
			    strcasecmp(x->label, y->name) == 0 ||
			    x->finviz_id == y->finviz_id ||
			    (x->yahoo != NULL && y->yahoo != NULL &&
				strcmp(x->yahoo, y->yahoo) == 0))
				fail_msg("%s and %s", x->name, y->name);
		}
}

static void
every_alias_leads_to_its_own_field(void **state)
{
	char copy[256], *rest, *alias, loud[300];

	(void)state;
	for (int f = 0; f < FIELD__MAX; f++) {
		snprintf(copy, sizeof(copy), "%s", fields[f].aliases);
		for (rest = copy; (alias = strsep(&rest, "|")) != NULL;) {
			assert_true(strlen(alias) > 0);
			assert_int_equal(field_by_header(alias), f);
			snprintf(loud, sizeof(loud), "\n \t%s \r\n", alias);
			for (char *p = loud; *p != '\0'; p++)
				if (*p >= 'a' && *p <= 'z')
					*p = (char)(*p - 'a' + 'A');
			assert_int_equal(field_by_header(loud), f);
		}
	}
}

static void
headers_that_are_not_ours_lead_nowhere(void **state)
{
	static const char *const cases[] = { "", " ", "|", "No.", "Tick",
		"Ticker|", "Tickers", "P/E|", "Fwd P/E|Forward P/E", "Market",
		"52W", "Price\x01" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (field_by_header(cases[i]) != FIELD__MAX)
			fail_msg("\"%s\" was found", cases[i]);
	/* Renames of the recordings. */
	assert_int_equal(field_by_header("ROIC"), FIELD_ROI);
	assert_int_equal(field_by_header("Change %"), FIELD_CHANGE);
	assert_int_equal(field_by_header("Float Short"), FIELD_SHORT_FLOAT);
	assert_int_equal(field_by_header("from Open"), FIELD_CHANGE_FROM_OPEN);
}

static void
fields_are_found_by_name_and_label(void **state)
{
	(void)state;
	for (int f = 0; f < FIELD__MAX; f++) {
		assert_int_equal(field_by_name(fields[f].name), f);
		assert_int_equal(field_by_name(fields[f].label), f);
	}
	assert_int_equal(field_by_name("market cap"), FIELD_MARKET_CAP);
	assert_int_equal(field_by_name("P/E"), FIELD_PE);
	assert_int_equal(field_by_name("PE"), FIELD_PE);
	assert_int_equal(field_by_name(""), FIELD__MAX);
	assert_int_equal(field_by_name("Ticker "), FIELD__MAX);
}

static void
names_the_application_reads_are_there(void **state)
{
	static const char *const names[] = { "Ticker", "pe", "fpe", "peg", "pb",
		"pc", "price", "dividend", "roe", "roi", "insider_own", "beta",
		"Market Cap", "Perf Week" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum field f = field_by_name(names[i]);

		assert_int_not_equal(f, FIELD__MAX);
		assert_string_equal(fields[f].name, names[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_keeps_the_contract),
		cmocka_unit_test(every_row_is_filled),
		cmocka_unit_test(no_two_fields_share_anything),
		cmocka_unit_test(every_alias_leads_to_its_own_field),
		cmocka_unit_test(headers_that_are_not_ours_lead_nowhere),
		cmocka_unit_test(fields_are_found_by_name_and_label),
		cmocka_unit_test(names_the_application_reads_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

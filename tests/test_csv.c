#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "data/csv.h"

#define N(a)    (sizeof(a) / sizeof((a)[0]))
#define FETCHED INT64_C(1795438812000) /* 2026-11-23T13:00:12Z */

/* All rows of a text: fields in <>, a line feed after each row. */
static enum rc
rows_of(const char *text, size_t len, struct buf *out, struct err *e)
{
	char *copy = malloc(len > 0 ? len : 1); /* a byte too far is noticed */
	struct csv c;
	enum rc rc;

	assert_non_null(copy);
	memcpy(copy, text, len);
	csv_init(&c, copy, len);
	while ((rc = csv_next(&c, e)) == RC_OK) {
		for (size_t i = 0; i < c.n; i++)
			buf_addf(out, "<%s>", csv_field(&c, i));
		assert_string_equal(csv_field(&c, c.n), "");
		buf_addc(out, '\n');
	}
	csv_fini(&c);
	free(copy);
	return rc;
}

static void
rows_are_read_by_the_rfc(void **state)
{
	static const char *const cases[][2] = { { "", "" }, { "\n\r\n", "" },
		{ "\xef\xbb\xbf", "" }, { "a", "<a>\n" },
		{ "a,b\r\nc,d\r\n", "<a><b>\n<c><d>\n" },
		{ "a,b\nc,d", "<a><b>\n<c><d>\n" },
		{ "\xef\xbb\xbfNo.,Ticker\n", "<No.><Ticker>\n" },
		{ ",\n", "<><>\n" }, { "a,,\r\n", "<a><><>\n" },
		{ "\"\"\n", "<>\n" }, { "\"a,b\",c", "<a,b><c>\n" },
		{ "\"say \"\"hi\"\"\"\r\n", "<say \"hi\">\n" },
		{ "\"two\r\nlines\",x\n", "<two\r\nlines><x>\n" },
		{ "a\n\n\nb", "<a>\n<b>\n" }, { " a , b ", "< a >< b >\n" },
		{ "a\"b,c", "<a\"b><c>\n" }, { "a\rb", "<a\rb>\n" },
		{ "\"\"\"\"", "<\">\n" }, { "\"a\"", "<a>\n" },
		{ "a,\"\"", "<a><>\n" } };
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	for (size_t i = 0; i < N(cases); i++) {
		buf_clear(&b);
		assert_int_equal(
		    rows_of(cases[i][0], strlen(cases[i][0]), &b, NULL),
		    RC_NOTFOUND);
		assert_string_equal(b.len > 0 ? b.data : "", cases[i][1]);
	}
	buf_fini(&b);
}

static void
malformed_rows_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *line;
	} cases[] = { { "\"open", 5, "line 1:" }, { "\"", 1, "line 1:" },
		{ "a\n\"b\"c\n", 8, "line 2:" },
		{ "\"x\ny\"\r\n\n\"b\" ,\n", 14, "line 4:" },
		{ "a,b\0c", 5, "line 1:" }, { "\"a\0b\"", 5, "line 1:" },
		{ "a\n\"open \"\"", 10, "line 2:" },
		{ "\"a\"\r", 4, "line 1:" } };
	struct err e;
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	for (size_t i = 0; i < N(cases); i++) {
		if (rows_of(cases[i].text, cases[i].len, &b, &e) != RC_PARSE)
			fail_msg("case %zu was taken", i);
		assert_non_null(strstr(e.msg, cases[i].line));
	}
	buf_fini(&b);
}

static void
fields_and_rows_have_ceilings(void **state)
{
	struct buf b, out;
	struct err e;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_init(&out, 1 << 20);
	for (int i = 1; i < LIMIT_COLUMNS; i++)
		buf_addc(&b, ',');
	assert_int_equal(rows_of(b.data, b.len, &out, &e), RC_NOTFOUND);
	buf_addc(&b, ',');
	assert_int_equal(rows_of(b.data, b.len, &out, &e), RC_PARSE);
	for (int quoted = 0; quoted < 2; quoted++)
		for (int more = 0; more < 2; more++) {
			buf_clear(&b);
			buf_adds(&b, quoted ? "a,\"" : "a,");
			for (int i = 0; i < LIMIT_CELL + more; i++)
				buf_adds(&b, quoted ? "\"\"" : "x");
			buf_adds(&b, quoted ? "\"\n" : "\n");
			assert_int_equal(rows_of(b.data, b.len, &out, &e),
			    more ? RC_PARSE : RC_NOTFOUND);
		}
	buf_fini(&b);
	buf_fini(&out);
}

static void
sample(struct table *t)
{
	struct record *r;

	table_init(t);
	assert_int_equal(table_record(t, "AAPL", &r, NULL, NULL), RC_OK);
	table_set_text(t, r, FIELD_COMPANY, "Celestica, \"Inc\"", NULL);
	table_set_number(r, FIELD_CHANGE, -0.0029);
	table_set_number(r, FIELD_MARKET_CAP, 4374480000000.0);
	assert_int_equal(table_record(t, "B", &r, NULL, NULL), RC_OK);
	table_set_text(t, r, FIELD_COMPANY, "two\nlines \xff", NULL);
}

static void
a_table_is_written_with_its_header(void **state)
{
	const struct field_list only = { { FIELD_TICKER, FIELD_COMPANY,
					     FIELD_CHANGE, FIELD_MARKET_CAP,
					     FIELD_PE },
		5 };
	struct table t;
	struct buf b;

	(void)state;
	sample(&t);
	buf_init(&b, 10000);
	csv_write(&b, &t, "S&P 500", FETCHED, &only);
	assert_string_equal(b.data,
	    "Ticker,Company,Change,Market Cap,pe\r\n"
	    "AAPL,\"Celestica, \"\"Inc\"\"\",-0.0029,4374480000000,\r\n"
	    "B,\"two\nlines \xef\xbf\xbd\",,,\r\n");
	buf_fini(&b);
	table_fini(&t);
}

static void
what_is_written_is_read_back(void **state)
{
	struct table t;
	struct csv c;
	struct buf b;

	(void)state;
	sample(&t);
	buf_init(&b, 100000);
	csv_write(&b, &t, "Any", FETCHED, NULL);
	csv_init(&c, b.data, b.len);
	assert_int_equal(csv_next(&c, NULL), RC_OK);
	assert_int_equal(c.n, FIELD__MAX + 2);
	for (int f = 0; f < FIELD__MAX; f++)
		assert_string_equal(csv_field(&c, (size_t)f), fields[f].name);
	assert_string_equal(csv_field(&c, FIELD__MAX), "Index");
	assert_string_equal(csv_field(&c, FIELD__MAX + 1), "Last_Updated");
	assert_int_equal(csv_next(&c, NULL), RC_OK);
	assert_string_equal(csv_field(&c, FIELD_COMPANY), "Celestica, \"Inc\"");
	assert_string_equal(csv_field(&c, FIELD_CHANGE), "-0.0029");
	assert_string_equal(csv_field(&c, FIELD_BETA), "");
	assert_int_equal(csv_next(&c, NULL), RC_OK);
	assert_string_equal(csv_field(&c, FIELD_TICKER), "B");
	assert_int_equal(c.line, 3);
	assert_int_equal(csv_next(&c, NULL), RC_NOTFOUND);
	csv_fini(&c);
	buf_fini(&b);
	table_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_read_by_the_rfc),
		cmocka_unit_test(malformed_rows_are_refused_with_their_line),
		cmocka_unit_test(fields_and_rows_have_ceilings),
		cmocka_unit_test(a_table_is_written_with_its_header),
		cmocka_unit_test(what_is_written_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * One page of Finviz: the ticker's cell of every era, the count, what belongs
 * to the table, and the outcomes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "source/finviz_page.h"
#include "source/finviz_text.h"

#define HEAD "<table><tr><th>No.<th>Ticker<th>Price</tr>"
#define ROWS "<tr><td>1<td>A<td>1.5</tr><tr><td>2<td>AA<td>2.5</tr></table>"

static enum rc
read_text(const char *body, struct finviz_page *page, struct err *e)
{
	return finviz_page_read(page, body, strlen(body), e);
}

static void
the_ticker_is_taken_from_the_best_place(void **state)
{
	static const struct {
		const char *cell;
		const char *ticker; /* NULL: unreadable */
	} cases[] = {
		{ "<td>AAL", "AAL" },
		{ "<td><a href='quote.ashx?t=AAL&ty=c' "
		  "class='screener-link-primary'>AAL</a>",
		    "AAL" },
		{ "<td><a href='stock?t=AAPL'><span>A</span></a>"
		  "<a class='x tab-link y' href='stock?t=AAPL'>AAPL</a>",
		    "AAPL" },
		{ "<td data-boxover-ticker='TTOO'>T<a>TTOO</a>", "TTOO" },
		{ "<td data-boxover-ticker=''><a class='tab-link'>BB</a>",
		    "BB" },
		{ "<td><a href='stock?ty=c&t=CCJ#x'><i>C</i>CCJ</a>", "CCJ" },
		{ "<td><a href='stock'>AA</a>", NULL },
		{ "<td>aapl", NULL },
		{ "<td>A\001A", NULL },
		{ "<td>", NULL },
	};
	struct finviz_page page;
	char body[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(body, sizeof(body), HEAD "<tr><td>1%s<td>2.5</table>",
		    cases[i].cell);
		assert_int_equal(read_text(body, &page, NULL),
		    cases[i].ticker == NULL ? RC_PARSE : RC_OK);
		if (cases[i].ticker != NULL)
			assert_string_equal(
			    page.table.rows[0].v[FIELD_TICKER].u.text,
			    cases[i].ticker);
		finviz_page_fini(&page);
	}
}

static void
a_count_is_read_in_every_form(void **state)
{
	static const struct {
		const char *text;
		int64_t first, total; /* -1: none */
		int ok;
	} cases[] = {
		{ "Total: 31 #1", 1, 31, 1 },
		{ "Total: 3,831 #3001", 3001, 3831, 1 },
		{ "Total: 0", -1, 0, 1 },
		{ "#1 / 146 Total", 1, 146, 1 },
		{ "#1 / 10,188 Total", 1, 10188, 1 },
		{ "0 Total", -1, 0, 1 },
		{ "Refresh: 3min | off", 0, 0, 0 },
		{ "Filters: 2", 0, 0, 0 },
		{ "Total: ", 0, 0, 0 },
		{ "Total: 31 #", 0, 0, 0 },
		{ "#1 / Total", 0, 0, 0 },
		{ "# / 3 Total", 0, 0, 0 },
		{ "#1 / 146 Totals", 0, 0, 0 },
		{ "99999999999999999999 Total", 0, 0, 0 },
		{ "-1 Total", 0, 0, 0 },
		{ "", 0, 0, 0 },
		{ "#", 0, 0, 0 },
	};
	int64_t first, total;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int ok = finviz_text_count(cases[i].text, &first, &total);

		if (ok != cases[i].ok)
			fail_msg("%s", cases[i].text);
		if (!ok)
			continue;
		assert_int_equal(first, cases[i].first);
		assert_int_equal(total, cases[i].total);
	}
}

static void
the_lines_of_the_ts_comment_are_counted(void **state)
{
	(void)state;
	assert_int_equal(finviz_text_ts(" TS\nA|1|2\nTEN|3|4\nTE "), 2);
	assert_int_equal(finviz_text_ts(" TS\r\r\nA|1|2\r\r\nTE"), 1);
	assert_int_equal(finviz_text_ts(" TS\nTE "), 0);
	assert_int_equal(finviz_text_ts(" TS\nT|1|2\nTE|1|2\nTE"), 2);
	assert_int_equal(finviz_text_ts(" TSLA "), -1);
	assert_int_equal(finviz_text_ts(""), -1);
}

static void
text_is_collapsed_and_has_a_ceiling(void **state)
{
	struct finviz_text t;

	(void)state;
	finviz_text_set(&t, " \t\xc2\xa0 a \n\xc2\xa0 b\xc3\xa9 ");
	assert_string_equal(t.s, "a b\xc3\xa9");
	assert_false(t.over);
	finviz_text_clear(&t);
	for (int i = 0; i < 2 * LIMIT_CELL; i++)
		finviz_text_add(&t, "x ", 2);
	assert_true(t.over);
	assert_in_range(t.n, LIMIT_CELL - 2, LIMIT_CELL);
	assert_int_equal(t.s[t.n], '\0');
}

struct outcome {
	const char *body;
	enum rc rc;
	int64_t total;
	const char *message; /* some of it; NULL: any */
};

static const struct outcome outcomes[] = {
	{ HEAD ROWS, RC_OK, -1, NULL },
	{ "<i class=count-text>#1 / 2 Total</i>" HEAD ROWS, RC_OK, 2, NULL },
	{ "<i class=count-text>#1 / 2 Total</i>"
	  "<i class=count-text>Refresh</i>" HEAD ROWS,
	    RC_OK, 2, NULL },
	/* The outer table's rows hold the inner one: they do not count. */
	{ "<table><tr><td>No.<td>Ticker<td>" HEAD ROWS "</table>", RC_OK, -1,
	    NULL },
	/* Tables before and after it are not it. */
	{ "<table><tr><td>Ticker<td>Buy</tr></table>" HEAD ROWS
	  "<table><tr><td>No.<td>Ticker</tr><tr><td>x<td>y</table>",
	    RC_OK, -1, NULL },
	{ HEAD "</table><i class=count-text>#2 / 2 Total</i>", RC_EMPTY, 2,
	    "past the end" },
	{ HEAD "</table><i class=count-text>#1 / 2 Total</i>", RC_PARSE, 0,
	    "number 1 of 2 is due" },
	{ HEAD "</table>", RC_PARSE, 0, "without a count" },
	{ "<i class=count-text>0 Total</i>", RC_EMPTY, 0, NULL },
	{ "<p id=js-screener-body-empty>", RC_EMPTY, 0, NULL },
	{ "<p id=js-screener-body-empty>" HEAD ROWS, RC_PARSE, 0, "empty" },
	{ "<i class=count-text>0 Total</i><i class=count-text>3 Total</i>",
	    RC_PARSE, 0, "counts 0 rows and 3" },
	{ "<i id=screener-total>lots</i>" HEAD ROWS, RC_PARSE, 0, "\"lots\"" },
	{ "<p>hello</p>", RC_PARSE, 0, "no table" },
	{ "<table><tr><td>No.<td>Symbol</table>", RC_PARSE, 0, "\"Ticker\"" },
	{ "<table><tr><td>Nr<td>Ticker</table>", RC_PARSE, 0, "\"No.\"" },
	{ HEAD "<tr><td>1<td>A<td>1.5", RC_PARSE, 0, "cut off" },
	{ HEAD "<tr><td>1<td>A<td cla", RC_PARSE, 0, "cut off" },
	{ HEAD ROWS "<script>var", RC_PARSE, 0, "cut off" },
	{ HEAD "<tr><td>1<td>A</tr></table>", RC_PARSE, 0, "1 rows lost" },
	{ HEAD ROWS "<!-- TS\nA|1.5|1\nTE -->", RC_PARSE, 0, "lists 1" },
	{ HEAD "<tr><td>1<td>A<td>1,5</table>", RC_PARSE, 0, "price of A" },
	{ "<form><input type=password></form>", RC_BLOCKED, 0, "login" },
	{ "<title>Log in - FINVIZ</title>", RC_BLOCKED, 0, "login" },
	{ "", RC_PARSE, 0, NULL },
};

static void
the_outcomes_stay_apart(void **state)
{
	struct finviz_page page;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		const struct outcome *o = &outcomes[i];
		enum rc rc = read_text(o->body, &page, &e);

		if (rc != o->rc)
			fail_msg("%s: %s (%s)", o->body, rc_name(rc), e.msg);
		if (rc != RC_OK && o->message != NULL &&
		    strstr(e.msg, o->message) == NULL)
			fail_msg("%s: %s", o->body, e.msg);
		if (rc == RC_OK || rc == RC_EMPTY)
			assert_int_equal(page.total, o->total);
		assert_int_equal(rc == RC_OK, rc == RC_OK && page.nrows == 2);
		finviz_page_fini(&page);
	}
}

static void
a_page_is_whole_only_without_holes_and_doubles(void **state)
{
	static const struct {
		const char *body;
		int whole;
	} cases[] = {
		{ HEAD ROWS, 1 },
		{ HEAD "<tr><td>22<td>A<td>1</tr><tr><td>21<td>B<td>1</table>",
		    1 },
		{ HEAD "<tr><td>1<td>A<td>1</tr><tr><td>3<td>B<td>1</table>",
		    0 },
		{ HEAD "<tr><td>1<td>A<td>1</tr><tr><td>1<td>B<td>1</table>",
		    0 },
		{ HEAD "<tr><td>1<td>A<td>1</tr><tr><td>2<td>A<td>1</table>",
		    0 },
		{ "<i class=count-text>#1 / 9 Total</i>" HEAD
		  "<tr><td>2<td>A<td>1</table>",
		    0 },
		{ "<i class=count-text>#1 / 9 Total</i><select id=pageSelect>"
		  "<option value=1>1<option value=4>2</select>" HEAD ROWS,
		    0 },
		{ "<i class=count-text>#1 / 9 Total</i><select id=pageSelect>"
		  "<option value=1>1<option value=3>2</select>" HEAD ROWS,
		    1 },
		{ "<i class=count-text>#1 / 2 Total</i><select id=pageSelect>"
		  "<option value=1>1<option value=4>2</select>" HEAD ROWS,
		    1 },
	};
	struct finviz_page page;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_text(cases[i].body, &page, NULL), RC_OK);
		if (finviz_page_whole(&page, NULL) !=
		    (cases[i].whole ? RC_OK : RC_PARSE))
			fail_msg("%s", cases[i].body);
		finviz_page_fini(&page);
	}
}

static void
a_body_past_a_ceiling_is_given_up(void **state)
{
	static const struct {
		const char *before, *again;
		size_t times;
		const char *message;
	} cases[] = {
		{ "", "<b><i>", 600, "nested more than" },
		{ "", "<table><tr><td>", LIMIT_HTML_TABLES + 1,
		    "tables inside each other" },
		{ "<table><tr>", "<td>x</td>", LIMIT_COLUMNS + 1, "cells" },
		{ "<!--", "----", 20000, "tag or comment" },
		{ "<a ", "x ", 600, NULL }, /* one name: one attribute */
		{ "<p>", "<i></i>", 1100000, "tags and texts" },
	};
	struct finviz_page page;
	struct buf b;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_init(&b, LIMIT_BODY);
		buf_adds(&b, cases[i].before);
		for (size_t k = 0; k < cases[i].times; k++)
			buf_adds(&b, cases[i].again);
		assert_int_equal(b.rc, RC_OK);
		assert_int_equal(
		    finviz_page_read(&page, b.data, b.len, &e), RC_PARSE);
		if (cases[i].message != NULL &&
		    strstr(e.msg, cases[i].message) == NULL)
			fail_msg("%s: %s", cases[i].again, e.msg);
		finviz_page_fini(&page);
		buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ticker_is_taken_from_the_best_place),
		cmocka_unit_test(a_count_is_read_in_every_form),
		cmocka_unit_test(the_lines_of_the_ts_comment_are_counted),
		cmocka_unit_test(text_is_collapsed_and_has_a_ceiling),
		cmocka_unit_test(the_outcomes_stay_apart),
		cmocka_unit_test(
		    a_page_is_whole_only_without_holes_and_doubles),
		cmocka_unit_test(a_body_past_a_ceiling_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

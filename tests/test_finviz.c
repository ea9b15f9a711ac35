/*
 * The conversation with Finviz: paging, restarts, refused columns.
 */
#include "finviz_site.h"

/* The table equals what the site knows of companies 1 to total. */
static void
assert_whole(const struct result *r, int total)
{
	struct table oracle;
	struct record *want;
	char text[64];

	if (r->rc != RC_OK)
		fail_msg("%s", r->e.msg);
	assert_int_equal(r->total, total);
	assert_int_equal(r->table.count, total);
	table_init(&oracle);
	for (int i = 0; i < total; i++) {
		const struct record *got = &r->table.rows[i];

		ticker_text(text, sizeof(text), i + 1);
		assert_string_equal(got->v[FIELD_TICKER].u.text, text);
		assert_int_equal(
		    table_record(&oracle, text, &want, NULL, NULL), RC_OK);
		for (int f = 1; f < FIELD__MAX; f++) {
			char *amp;

			assert_true(r->table.have[f]);
			cell_text(text, sizeof(text), (enum field)f, i + 1);
			while ((amp = strstr(text, "&amp;")) != NULL)
				memmove(amp + 1, amp + 5, strlen(amp + 5) + 1);
			assert_int_equal(table_set_cell(&oracle, want,
					     (enum field)f, text, 0, NULL),
			    RC_OK);
			assert_int_equal(got->v[f].kind, want->v[f].kind);
			if (got->v[f].kind == VALUE_NUMBER)
				assert_true(
				    got->v[f].u.number == want->v[f].u.number);
			else if (got->v[f].kind == VALUE_TEXT)
				assert_string_equal(
				    got->v[f].u.text, want->v[f].u.text);
		}
	}
	table_fini(&oracle);
}

struct sweep_case {
	const char *what;
	struct site site;
	enum order order;
	int flying;
	int calls; /* that it must take; 0: any */
};

static const struct sweep_case good[] = {
	{ "one page", { .total = 7, .size = 20 }, FIRST_FIRST, 2, 1 },
	{ "a full page", { .total = 20, .size = 20 }, FIRST_FIRST, 2, 1 },
	{ "two pages", { .total = 30, .size = 20 }, FIRST_FIRST, 2, 2 },
	{ "S&P 500", { .total = 503, .size = 20 }, FIRST_FIRST, 2, 26 },
	{ "last first", { .total = 503, .size = 20 }, LAST_FIRST, 8, 26 },
	{ "at random", { .total = 503, .size = 20 }, AT_RANDOM, 30, 26 },
	{ "pages of 50", { .total = 503, .size = 50 }, AT_RANDOM, 4, 11 },
	{ "pages of 1", { .total = 9, .size = 1 }, AT_RANDOM, 4, 9 },
	{ "shuffled rows", { .total = 90, .size = 20, .shuffles = 1 },
	    AT_RANDOM, 3, 5 },
	{ "doubled rows", { .total = 90, .size = 20, .doubles = 1 }, AT_RANDOM,
	    3, 5 },
	{ "a missing row", { .total = 90, .size = 20, .hole = 47 }, FIRST_FIRST,
	    1, 6 },
	{ "missing on page one", { .total = 90, .size = 20, .hole = 3 },
	    AT_RANDOM, 2, 6 },
	{ "the last one missing", { .total = 90, .size = 20, .hole = 90 },
	    LAST_FIRST, 4, 6 },
	{ "a limited page", { .total = 90, .size = 20, .limits = 3 },
	    FIRST_FIRST, 2, 5 },
	{ "limited at once", { .total = 90, .size = 20, .limits = 1 },
	    FIRST_FIRST, 2, 5 },
	{ "a page cut in two", { .total = 90, .size = 20, .garbles = 2 },
	    FIRST_FIRST, 2, 5 },
	{ "total shrinks once",
	    { .total = 90, .size = 20, .then = 3, .new_total = 70 },
	    FIRST_FIRST, 1, 0 },
	{ "total grows once",
	    { .total = 90, .size = 20, .then = 3, .new_total = 110 }, AT_RANDOM,
	    3, 0 },
	{ "shrinks below what is asked",
	    { .total = 90, .size = 20, .then = 2, .new_total = 25 }, LAST_FIRST,
	    4, 0 },
	{ "columns refused", { .total = 65, .size = 20, .refuses = 1 },
	    FIRST_FIRST, 2, 1 + 6 * 4 },
	{ "columns refused, at random",
	    { .total = 65, .size = 20, .refuses = 1 }, AT_RANDOM, 4,
	    1 + 6 * 4 },
	{ "columns refused, one row missing",
	    { .total = 65, .size = 20, .refuses = 1, .hole = 44 }, AT_RANDOM, 4,
	    0 },
	{ "columns refused, total shrinks in the third view",
	    { .total = 65,
		.size = 20,
		.refuses = 1,
		.then = 11,
		.new_total = 60 },
	    FIRST_FIRST, 2, 0 },
};

static void
every_row_arrives_once_and_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct site s = good[i].site;
		int end = s.then > 0 && s.new_total > 0 ? s.new_total : s.total;
		struct result r;

		print_message("%s\n", good[i].what);
		sweep_(&s, good[i].order, good[i].flying, &r);
		assert_whole(&r, end);
		if (good[i].calls > 0)
			assert_int_equal(r.calls, good[i].calls);
		table_fini(&r.table);
	}
}

static const struct {
	struct sweep_case c;
	const char *message;
} bad[] = {
	{ { "total changes twice",
	      { .total = 90,
		  .size = 20,
		  .then = 3,
		  .new_total = 70,
		  .again = 5 },
	      FIRST_FIRST, 1, 0 },
	    "total changed from 70 to 90 during the sweep" },
	{ { "every page is the first",
	      { .total = 90, .size = 20, .stutters = 1 }, FIRST_FIRST, 1, 2 },
	    "page at row 21 of 90 brings nothing new" },
	{ { "another company in a classic view",
	      { .total = 30, .size = 20, .refuses = 1, .other_view = 12 },
	      FIRST_FIRST, 1, 0 },
	    "the companies changed during the sweep" },
};

static void
a_sweep_that_cannot_be_whole_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct site s = bad[i].c.site;
		struct result r;

		print_message("%s\n", bad[i].c.what);
		sweep_(&s, bad[i].c.order, bad[i].c.flying, &r);
		assert_int_equal(r.rc, RC_INVALID);
		assert_string_equal(r.e.msg, bad[i].message);
		assert_int_equal(r.table.count, 0);
		if (bad[i].c.calls > 0)
			assert_int_equal(r.calls, bad[i].c.calls);
		table_fini(&r.table);
	}
}

static void
rows_that_change_places_start_the_sweep_over_once(void **state)
{
	struct site s = { .total = 60, .size = 20, .then = 2, .rotates = 1 };
	struct result r;

	(void)state;
	sweep_(&s, FIRST_FIRST, 1, &r);
	assert_int_equal(r.rc, RC_OK);
	assert_int_equal(r.table.count, 60);
	assert_int_equal(r.calls, 6);
	table_fini(&r.table);
}

static void
a_sweep_of_many_calls_is_given_up(void **state)
{
	/* Every page brings something new, but a single row. */
	struct site s = { .total = 90, .size = 20, .drips = 1 };
	struct result r;

	(void)state;
	sweep_(&s, FIRST_FIRST, 1, &r);
	assert_int_equal(r.rc, RC_INVALID);
	assert_int_equal(r.calls, LIMIT_CALLS_PER_PAGE * 5);
	assert_string_equal(r.e.msg, "29 of 90 rows after 10 calls");
	table_fini(&r.table);
}

static void
the_address_asks_for_all_columns_sorted_by_ticker(void **state)
{
	static struct config config = { .finviz_url = "http://site.test" };
	const struct query any = { .dataset = { "Any", "Any" },
		.config = &config };
	struct site s = { .total = 30, .size = 20 };
	struct result r;

	(void)state;
	sweep_(&s, FIRST_FIRST, 2, &r);
	assert_ptr_equal(strstr(r.first_url,
			     "http://site.test/screener?v=152"
			     "&f=idx_sp500,sec_technology&o=ticker&c=0,1,2,"),
	    r.first_url);
	assert_null(strstr(r.first_url, "&r="));
	assert_non_null(strstr(r.second_url, "&r=21"));
	table_fini(&r.table);

	s = (struct site){ .total = 1, .size = 20 };
	talk(&s, &any, FIRST_FIRST, 2, &r);
	assert_null(strstr(r.first_url, "f="));
	assert_int_equal(r.calls, 1);
	table_fini(&r.table);
}

static void
pages_after_the_first_are_in_flight_together(void **state)
{
	struct site s = { .total = 503, .size = 20 };
	struct result r;

	(void)state;
	sweep_(&s, FIRST_FIRST, 64, &r);
	assert_int_equal(r.most, 25);
	table_fini(&r.table);
}

/* One conversation, fed by hand. */
static enum rc
feed_text(struct conversation *c, unsigned tag, int status, const char *body)
{
	struct http_response r = { .tag = tag,
		.status = status,
		.body = body,
		.len = strlen(body),
		.headers = "",
		.retry_after_ms = -1 };

	return source_finviz.feed(c, &r, NULL);
}

static struct conversation *
begin(void)
{
	static struct config config = { .finviz_url = "http://site.test" };
	static const struct query q = { .dataset = { "DJIA", "Utilities" },
		.config = &config };
	struct conversation *c = NULL;

	assert_int_equal(source_finviz.begin(&c, &q, NULL), RC_OK);
	return c;
}

static void
an_empty_dataset_is_zero_rows_of_zero(void **state)
{
	struct conversation *c = begin();
	struct http_request r;
	struct table t;
	int64_t total = -1;

	(void)state;
	table_init(&t);
	assert_int_equal(source_finviz.next(c, &r), STEP_REQUEST);
	assert_int_equal(source_finviz.next(c, &r), STEP_WAIT);
	assert_int_equal(feed_text(c, r.tag, 200,
			     "<table id=\"js-screener-body-empty\"><tr><td "
			     "class=\"count-text\">0 Total</td></tr></table>"),
	    RC_OK);
	assert_int_equal(source_finviz.next(c, &r), STEP_DONE);
	assert_int_equal(source_finviz.finish(c, &t, &total, NULL), RC_OK);
	assert_int_equal(t.count, 0);
	assert_int_equal(total, 0);
	table_fini(&t);
	source_finviz.end(c);
}

static void
a_refused_page_leaves_the_conversation_as_it_was(void **state)
{
	struct conversation *c = begin();
	struct http_request r, none;
	int64_t rows, total;

	(void)state;
	assert_int_equal(source_finviz.next(c, &r), STEP_REQUEST);
	assert_int_equal(feed_text(c, r.tag, 429, ""), RC_LIMITED);
	assert_int_equal(
	    feed_text(c, r.tag, 503, "Too many requests."), RC_LIMITED);
	assert_int_equal(feed_text(c, r.tag, 403, "no"), RC_BLOCKED);
	assert_int_equal(
	    feed_text(c, r.tag, 503, "<title>Just a moment...</title>"),
	    RC_BLOCKED);
	assert_int_equal(feed_text(c, r.tag, 500, "oops"), RC_UPSTREAM);
	assert_int_equal(feed_text(c, r.tag, 200, "<p>hello"), RC_PARSE);
	assert_int_equal(source_finviz.next(c, &none), STEP_WAIT);
	source_finviz.progress(c, &rows, &total);
	assert_int_equal(rows, 0);
	assert_int_equal(total, -1);
	assert_int_equal(source_finviz.finish(c, NULL, NULL, NULL), RC_INVALID);
	source_finviz.end(c);
	source_finviz.end(NULL);
}

static void
answers_nobody_asked_for_are_ignored(void **state)
{
	struct conversation *c = begin();
	struct http_request r;

	(void)state;
	assert_int_equal(feed_text(c, 1, 200, "garbage"), RC_OK);
	assert_int_equal(source_finviz.next(c, &r), STEP_REQUEST);
	assert_int_equal(feed_text(c, r.tag + 20, 200, "garbage"), RC_OK);
	assert_int_equal(feed_text(c, r.tag + (1 << 20), 200, "x"), RC_OK);
	assert_int_equal(feed_text(c, r.tag, 200, "garbage"), RC_PARSE);
	source_finviz.end(c);
}

static enum rc
feed_page(struct conversation *c, struct site *s, const char *url, unsigned tag)
{
	struct http_response r = { .tag = tag, .status = 200, .headers = "" };
	struct buf b;
	enum rc rc;

	buf_init(&b, LIMIT_BODY);
	put_page(&b, s, url);
	assert_int_equal(b.rc, RC_OK);
	r.body = b.data;
	r.len = b.len;
	rc = source_finviz.feed(c, &r, NULL);
	buf_fini(&b);
	return rc;
}

static void
a_late_answer_of_a_sweep_given_up_is_ignored(void **state)
{
	struct site old = { .total = 60, .size = 20 };
	struct site new = { .total = 50, .size = 20 };
	struct conversation *c = begin();
	struct http_request first, second, third, r;
	int64_t rows, total;

	(void)state;
	assert_int_equal(source_finviz.next(c, &first), STEP_REQUEST);
	assert_int_equal(feed_page(c, &old, first.url, first.tag), RC_OK);
	assert_int_equal(source_finviz.next(c, &second), STEP_REQUEST);
	assert_int_equal(source_finviz.next(c, &third), STEP_REQUEST);
	assert_int_equal(feed_page(c, &new, second.url, second.tag), RC_OK);

	/* Over again, up to where the third page is asked for once more. */
	assert_int_equal(source_finviz.next(c, &r), STEP_REQUEST);
	assert_string_equal(r.url, first.url);
	assert_int_equal(feed_page(c, &new, r.url, r.tag), RC_OK);
	assert_int_equal(source_finviz.next(c, &r), STEP_REQUEST);
	assert_int_equal(source_finviz.next(c, &r), STEP_REQUEST);
	assert_string_equal(r.url, third.url);
	assert_int_equal(feed_page(c, &old, third.url, third.tag), RC_OK);
	source_finviz.progress(c, &rows, &total);
	assert_int_equal(rows, 20);
	assert_int_equal(total, 50);
	source_finviz.end(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_arrives_once_and_in_order),
		cmocka_unit_test(a_sweep_that_cannot_be_whole_fails),
		cmocka_unit_test(
		    rows_that_change_places_start_the_sweep_over_once),
		cmocka_unit_test(a_sweep_of_many_calls_is_given_up),
		cmocka_unit_test(
		    the_address_asks_for_all_columns_sorted_by_ticker),
		cmocka_unit_test(pages_after_the_first_are_in_flight_together),
		cmocka_unit_test(an_empty_dataset_is_zero_rows_of_zero),
		cmocka_unit_test(
		    a_refused_page_leaves_the_conversation_as_it_was),
		cmocka_unit_test(answers_nobody_asked_for_are_ignored),
		cmocka_unit_test(a_late_answer_of_a_sweep_given_up_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The members of an index out of members.csv. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "source/members.h"

#define HEAD                                                                   \
	"# Facts\n# as of: S&P 500 2026-08-08; DJIA 2026-07-01\n"              \
	"ticker,company,sector,indexes\n"

static struct config config;
static char path[LIMIT_SETTING + 32];

/* A folder of our own, for members.csv. */
static int
set_up(void **state)
{
	(void)state;
	snprintf(config.data_dir, sizeof(config.data_dir),
	    "/tmp/test_members.XXXXXX");
	if (mkdtemp(config.data_dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/members.csv", config.data_dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(config.data_dir);
}

static enum rc
load(const char *text, const char *index, const char *sector, struct table *t,
    char as_of[11], struct err *e)
{
	struct dataset d = { index, sector };
	FILE *f;

	if (text != NULL) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(text, f);
		fclose(f);
	}
	table_init(t);
	return members_load(&config, &d, t, as_of, e);
}

#define ROWS                                                                   \
	"AAPL,Apple Inc.,Technology,S&P 500|DJIA\n"                            \
	"BRK-B,\"Berkshire, Inc.\",Financial,S&P 500\r\n"                      \
	"NEW,,,S&P 500\n"                                                      \
	"SHOP,Shopify,Technology,NASDAQ 100\n"

static void
members_of_an_index_have_company_and_sector(void **state)
{
	char as_of[11] = "";
	struct record *r;
	struct table t;

	(void)state;
	assert_int_equal(
	    load(HEAD ROWS, "S&P 500", "Any", &t, as_of, NULL), RC_OK);
	assert_string_equal(as_of, "2026-08-08");
	assert_int_equal(t.count, 3);
	r = table_find(&t, "BRK-B");
	assert_non_null(r);
	assert_string_equal(r->v[FIELD_COMPANY].u.text, "Berkshire, Inc.");
	assert_string_equal(r->v[FIELD_SECTOR].u.text, "Financial");
	r = table_find(&t, "NEW");
	assert_non_null(r);
	assert_int_equal(r->v[FIELD_COMPANY].kind, VALUE_NULL);
	assert_int_equal(r->v[FIELD_SECTOR].kind, VALUE_NULL);
	assert_int_equal(t.have[FIELD_SECTOR], 1);
	table_fini(&t);
}

static void
members_of_a_sector_are_its_own(void **state)
{
	char as_of[11] = "";
	struct table t;

	(void)state;
	assert_int_equal(
	    load(HEAD ROWS, "S&P 500", "Technology", &t, as_of, NULL), RC_OK);
	assert_int_equal(t.count, 1);
	assert_non_null(table_find(&t, "AAPL"));
	table_fini(&t);
	assert_int_equal(
	    load(HEAD ROWS, "DJIA", "Any", &t, as_of, NULL), RC_OK);
	assert_int_equal(t.count, 1);
	assert_string_equal(as_of, "2026-07-01");
	table_fini(&t);
}

static void
an_empty_sector_of_a_known_index_is_fine(void **state)
{
	char as_of[11] = "";
	struct table t;

	(void)state;
	assert_int_equal(
	    load(HEAD ROWS, "DJIA", "Utilities", &t, as_of, NULL), RC_OK);
	assert_int_equal(t.count, 0);
	assert_string_equal(as_of, "2026-07-01");
	table_fini(&t);
}

static void
an_index_without_a_list_is_not_found(void **state)
{
	static const char *const indexes[] = { "RUSSELL 2000", "Any",
		"NASDAQ 100", "S&P" };
	char as_of[11] = "old";
	struct table t;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		assert_int_equal(
		    load(HEAD ROWS, indexes[i], "Any", &t, as_of, &e),
		    RC_NOTFOUND);
		assert_non_null(strstr(e.msg, indexes[i]));
		assert_non_null(strstr(e.msg, "finviz"));
		assert_int_equal(t.count, 0);
		assert_string_equal(as_of, "old");
	}
}

static void
a_file_that_is_wrong_is_unreadable(void **state)
{
	static const char *const texts[][2] = {
		{ "", "empty" },
		{ "ticker,company,sector,indexes\n" ROWS, "no line" },
		{ "# as of: S&P 500 "
		  "2026-02-30\nticker,company,sector,indexes\n" ROWS,
		    "not a date" },
		{ HEAD, "no member of S&P 500" },
		{ HEAD "SHOP,,Technology,NASDAQ 100\n", "no member" },
		{ "# as of: S&P 500 2026-08-08\nticker,name\n", "columns" },
		{ HEAD "A,b,Technology\n", "line 4: 3 columns" },
		{ HEAD "A,b,Technology,S&P 500,x\n", "5 columns" },
		{ HEAD "a b,b,Technology,S&P 500\n", "not a ticker" },
		{ HEAD "A,b,Tech,S&P 500\n", "not a sector" },
		{ HEAD "A,b,technology,S&P 500\n", "not a sector" },
		{ HEAD "A,b,Any,S&P 500\n", "not a sector" },
		{ HEAD "A,b,Energy,S&P 500\nA,b,Energy,S&P 500\n",
		    "line 5: A stands there twice" },
		{ HEAD "A,\"b,Energy,S&P 500\n", "line 4" },
	};
	char as_of[11] = "old";
	struct table t;
	struct err e;
	enum rc rc;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		rc = load(texts[i][0], "S&P 500", "Any", &t, as_of, &e);
		if (rc != RC_PARSE || strstr(e.msg, texts[i][1]) == NULL)
			fail_msg("%s: %s", texts[i][1], e.msg);
		assert_non_null(strstr(e.msg, path));
		assert_int_equal(t.count, 0);
		assert_string_equal(as_of, "old");
	}
}

static void
a_missing_file_is_named(void **state)
{
	char as_of[11];
	struct table t;
	struct err e;

	(void)state;
	unlink(path);
	assert_int_equal(load(NULL, "S&P 500", "Any", &t, as_of, &e), RC_SYS);
	assert_non_null(strstr(e.msg, path));
}

static void
members_are_added_to_those_that_are_there(void **state)
{
	struct dataset d = { "S&P 500", "Any" };
	char as_of[11];
	struct table t;

	(void)state;
	assert_int_equal(
	    load(HEAD ROWS, "DJIA", "Any", &t, as_of, NULL), RC_OK);
	assert_int_equal(members_load(&config, &d, &t, as_of, NULL), RC_OK);
	assert_int_equal(t.count, 3);
	table_fini(&t);
}

/* It is found without DATA_DIR, from where this program stands. */
static void
the_file_that_ships_is_read(void **state)
{
	static const struct {
		const char *index;
		size_t count;
	} cases[] = { { "S&P 500", 503 }, { "DJIA", 30 },
		{ "NASDAQ 100", 101 } };
	struct config here = { 0 };
	char as_of[11];
	struct table t;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dataset d = { cases[i].index, "Any" };

		table_init(&t);
		if (members_load(&here, &d, &t, as_of, &e) != RC_OK)
			fail_msg("%s", e.msg);
		assert_int_equal(t.count, cases[i].count);
		for (size_t r = 0; r < t.count; r++)
			assert_int_equal(
			    t.rows[r].v[FIELD_SECTOR].kind, VALUE_TEXT);
		table_fini(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_of_an_index_have_company_and_sector),
		cmocka_unit_test(members_of_a_sector_are_its_own),
		cmocka_unit_test(an_empty_sector_of_a_known_index_is_fine),
		cmocka_unit_test(an_index_without_a_list_is_not_found),
		cmocka_unit_test(a_file_that_is_wrong_is_unreadable),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(members_are_added_to_those_that_are_there),
		cmocka_unit_test(the_file_that_ships_is_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

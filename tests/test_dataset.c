#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data/dataset.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

typedef enum rc speller(const char *, const char **, struct err *);

static void
check_list(const struct dataset_name *list, size_t n, speller *spell)
{
	const char *out;
	char loud[64];

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(spell(list[i].name, &out, NULL), RC_OK);
		assert_string_equal(out, list[i].name);
		assert_string_equal(dataset_finviz(out), list[i].finviz);
		memset(loud, 0, sizeof(loud));
		for (size_t j = 0; list[i].name[j] != '\0'; j++)
			loud[j] = (char)(list[i].name[j] ^
					 ((list[i].name[j] & 0x40) ? 0x20 : 0));
		assert_int_equal(spell(loud, &out, NULL), RC_OK);
		assert_string_equal(out, list[i].name);
	}
	assert_string_equal(list[n - 1].name, DATASET_ANY);
}

static void
names_are_matched_without_regard_to_case(void **state)
{
	(void)state;
	check_list(dataset_indexes, DATASET_INDEXES, dataset_index);
	check_list(dataset_sectors, DATASET_SECTORS, dataset_sector);
}

static void
codes_are_those_of_the_site(void **state)
{
	(void)state;
	assert_string_equal(dataset_finviz("S&P 500"), "idx_sp500");
	assert_string_equal(dataset_finviz("DJIA"), "idx_dji");
	assert_string_equal(dataset_finviz("NASDAQ 100"), "idx_ndx");
	assert_string_equal(dataset_finviz("RUSSELL 2000"), "idx_rut");
	assert_string_equal(dataset_finviz("Any"), "");
	assert_string_equal(dataset_finviz("Real Estate"), "sec_realestate");
	assert_string_equal(
	    dataset_finviz("Consumer Defensive"), "sec_consumerdefensive");
	assert_null(dataset_finviz("Gold"));
	assert_string_equal(DATASET_DEFAULT_INDEX, dataset_indexes[0].name);
}

static void
an_unknown_name_is_answered_with_the_nearest_and_all(void **state)
{
	const char *out = "same";
	struct err e;

	(void)state;
	assert_int_equal(dataset_sector("Tecnology", &out, &e), RC_USAGE);
	assert_string_equal(e.msg,
	    "unknown sector \"Tecnology\": did you mean \"Technology\"? "
	    "Allowed: Basic Materials, Communication Services, "
	    "Consumer Cyclical, Consumer Defensive, Energy, Financial, "
	    "Healthcare, Industrials, Real Estate, Technology, Utilities, "
	    "Any");
	assert_int_equal(dataset_index("SP500", &out, &e), RC_USAGE);
	assert_string_equal(e.msg, "unknown index \"SP500\": did you mean "
				   "\"S&P 500\"? Allowed: S&P 500, DJIA, "
				   "NASDAQ 100, RUSSELL 2000, Any");
	assert_int_equal(dataset_index("FTSE", &out, &e), RC_USAGE);
	assert_string_equal(e.msg, "unknown index \"FTSE\". Allowed: S&P 500, "
				   "DJIA, NASDAQ 100, RUSSELL 2000, Any");
	assert_string_equal(out, "same");
}

static void
the_longest_message_is_whole(void **state)
{
	static const char text[] = "Communication Services, all of them, and "
				   "everything else that there may be";
	const char *out;
	struct err e;

	(void)state;
	assert_int_equal(
	    dataset_sector("Communication Servicesx", &out, &e), RC_USAGE);
	assert_non_null(strstr(e.msg, "did you mean \"Communication Ser"));
	assert_string_equal(e.msg + strlen(e.msg) - 5, ", Any");
	assert_int_equal(dataset_sector(text, &out, &e), RC_USAGE);
	assert_string_equal(e.msg + strlen(e.msg) - 5, ", Any");
}

static void
the_nearest_word_is_near(void **state)
{
	static const char *const words[] = { "Technology", "Energy", "Beta",
		"NASDAQ 100" };
	static const struct {
		const char *text;
		int want;
	} cases[] = { { "tehcnology", 0 }, { "energie", 1 }, { "bata", 2 },
		{ "tech", 0 }, { "nasdaq", 3 }, { "ENERGY", 1 }, { "x", -1 },
		{ "", -1 }, { "zzzzzzzzzz", -1 }, { "te", -1 } };
	char longest[200];

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		const char *got =
		    dataset_nearest(cases[i].text, words, N(words));

		if (cases[i].want < 0)
			assert_null(got);
		else if (got != words[cases[i].want])
			fail_msg("%s: %s", cases[i].text, got);
	}
	memset(longest, 'e', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_null(dataset_nearest(longest, words, N(words)));
	longest[64] = '\0';
	assert_null(dataset_nearest(longest, words, N(words)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_matched_without_regard_to_case),
		cmocka_unit_test(codes_are_those_of_the_site),
		cmocka_unit_test(
		    an_unknown_name_is_answered_with_the_nearest_and_all),
		cmocka_unit_test(the_longest_message_is_whole),
		cmocka_unit_test(the_nearest_word_is_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

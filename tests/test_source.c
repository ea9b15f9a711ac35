/*
 * The list of sources, and what a status alone tells.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/source.h"

static void
a_source_is_found_by_name_without_regard_to_case(void **state)
{
	const struct source *s = NULL;
	struct err e;

	(void)state;
	assert_int_equal(source_by_name("Finviz", &s, NULL), RC_OK);
	assert_ptr_equal(s, &source_finviz);
	assert_int_equal(source_by_name("bloomberg", &s, &e), RC_USAGE);
	assert_ptr_equal(s, &source_finviz); /* untouched */
	assert_non_null(strstr(e.msg, "finviz, yahoo"));
}

static void
a_setting_lists_each_source_once_in_order(void **state)
{
	const struct source *list[LIMIT_SOURCES];
	size_t n = 0;

	(void)state;
	assert_int_equal(
	    source_list("yahoo, finviz,YAHOO,", list, &n, NULL), RC_OK);
	assert_int_equal(n, 2);
	assert_ptr_equal(list[0], &source_yahoo);
	assert_ptr_equal(list[1], &source_finviz);
}

static void
an_unknown_or_empty_list_is_refused(void **state)
{
	const struct source *list[LIMIT_SOURCES];
	size_t n = 7;
	struct err e;

	(void)state;
	assert_int_equal(
	    source_list("finviz,bloomberg", list, &n, &e), RC_CONFIG);
	assert_non_null(strstr(e.msg, "\"bloomberg\""));
	assert_int_equal(source_list(" , ", list, &n, &e), RC_CONFIG);
	assert_int_equal(n, 7);
}

static void
every_source_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < nsources; i++) {
		const struct source *s = sources[i];

		assert_non_null(s->name);
		assert_ptr_equal(strstr(s->origin, "https://"), s->origin);
		assert_true(s->nrequired > 0);
		assert_true(s->serves && s->address && s->policy && s->begin &&
			    s->next && s->feed && s->progress && s->finish &&
			    s->end && s->read);
		assert_int_equal(s->session == NULL, s->made == NULL);
		assert_int_equal(s->session == NULL, s->refused == NULL);
	}
}

/* How many fields a source may have, one that it has and one that it lacks. */
static void
a_source_says_what_it_serves(void **state)
{
	static const struct {
		const char *source;
		int fields;
		enum field has, lacks;
	} cases[] = {
		{ "finviz", FIELD__MAX, FIELD_ROI, FIELD__MAX },
		{ "yahoo", 24, FIELD_PE, FIELD_ROI },
		{ "alphavantage", 32, FIELD_PEG, FIELD_ROI },
		{ "polygon", 8, FIELD_CHANGE, FIELD_PE },
		{ "iex", 24, FIELD_EMPLOYEES, FIELD_PEG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct source *s = NULL;
		int n = 0;

		assert_int_equal(
		    source_by_name(cases[i].source, &s, NULL), RC_OK);
		for (int f = 0; f < FIELD__MAX; f++)
			n += s->serves((enum field)f) != 0;
		assert_int_equal(n, cases[i].fields);
		assert_true(s->serves(cases[i].has));
		if (cases[i].lacks != FIELD__MAX)
			assert_false(s->serves(cases[i].lacks));
		for (size_t r = 0; r < s->nrequired; r++)
			assert_true(s->serves(s->required[r]));
	}
}

static void
a_status_is_classed_and_a_challenge_goes_first(void **state)
{
	static const struct {
		int status;
		const char *headers;
		enum rc rc;
	} cases[] = {
		{ 200, "", RC_OK },
		{ 429, "", RC_LIMITED },
		{ 999, "", RC_LIMITED },
		{ 401, "", RC_BLOCKED },
		{ 403, "", RC_BLOCKED },
		{ 407, "", RC_BLOCKED },
		{ 451, "", RC_BLOCKED },
		{ 500, "", RC_UPSTREAM },
		{ 404, "", RC_UPSTREAM },
		{ 204, "", RC_UPSTREAM },
		{ 200, "CF-Mitigated: challenge\n", RC_BLOCKED },
		{ 429, "Server: x\ncf-mitigated: challenge\n", RC_BLOCKED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_response r = { .status = cases[i].status,
			.body = "",
			.headers = cases[i].headers };

		assert_int_equal(source_status(&r, NULL), cases[i].rc);
	}
}

/* The settings name sources and indexes in words of their own. */
static void
settings_know_every_source_and_index(void **state)
{
	struct config c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < nsources; i++) {
		setenv("SOURCES", sources[i]->name, 1);
		assert_int_equal(config_load(&c, &e), RC_OK);
		assert_string_equal(c.sources, sources[i]->name);
	}
	unsetenv("SOURCES");
	for (int i = 0; i < DATASET_INDEXES; i++) {
		setenv("SCHEDULER_INDEXES", dataset_indexes[i].name, 1);
		assert_int_equal(config_load(&c, &e), RC_OK);
		assert_string_equal(
		    c.scheduler_indexes, dataset_indexes[i].name);
	}
	unsetenv("SCHEDULER_INDEXES");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_source_is_found_by_name_without_regard_to_case),
		cmocka_unit_test(a_setting_lists_each_source_once_in_order),
		cmocka_unit_test(an_unknown_or_empty_list_is_refused),
		cmocka_unit_test(every_source_is_complete),
		cmocka_unit_test(settings_know_every_source_and_index),
		cmocka_unit_test(a_source_says_what_it_serves),
		cmocka_unit_test(
		    a_status_is_classed_and_a_challenge_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

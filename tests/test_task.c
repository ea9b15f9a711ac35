/*
 * Tasks as words and ids: what needs no server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/task.h"

static void
every_type_is_filled_and_found(void **state)
{
	enum task_type type;

	(void)state;
	for (int i = 0; i < TASK__MAX; i++) {
		assert_non_null(task_types[i].name);
		assert_int_equal(
		    task_type_of(task_types[i].name, &type, NULL), RC_OK);
		assert_int_equal(type, i);
	}
	assert_int_equal(task_types[TASK_PROBE].light, 1);
	assert_int_equal(task_types[TASK_FETCH].light, 0);
	assert_int_equal(task_types[TASK_FETCH].has_dataset, 1);
}

static void
an_unknown_type_is_told_the_allowed_ones(void **state)
{
	enum task_type type = TASK_PROBE;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(task_type_of("fetch_stock", &type, &e), RC_USAGE);
	assert_int_equal(type, TASK_PROBE);
	for (int i = 0; i < TASK__MAX; i++)
		assert_non_null(strstr(e.msg, task_types[i].name));
	assert_non_null(strstr(e.msg, "did you mean fetch_stock_data?"));
	assert_int_equal(task_type_of("", &type, NULL), RC_USAGE);
}

static void
priorities_are_names_or_numbers(void **state)
{
	static const struct {
		const char *text;
		enum rc rc;
		enum priority want;
	} cases[] = {
		{ "low", RC_OK, PRIORITY_LOW },
		{ "normal", RC_OK, PRIORITY_NORMAL },
		{ "high", RC_OK, PRIORITY_HIGH },
		{ "urgent", RC_OK, PRIORITY_URGENT },
		{ "1", RC_OK, PRIORITY_LOW },
		{ "4", RC_OK, PRIORITY_URGENT },
		{ "0", RC_USAGE, PRIORITY_LOW },
		{ "5", RC_USAGE, PRIORITY_LOW },
		{ "11", RC_USAGE, PRIORITY_LOW },
		{ "", RC_USAGE, PRIORITY_LOW },
		{ "Low", RC_USAGE, PRIORITY_LOW },
	};
	enum priority p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		p = PRIORITY_LOW;
		assert_int_equal(
		    task_priority_of(cases[i].text, &p, NULL), cases[i].rc);
		assert_int_equal(p, cases[i].want);
	}
	for (int i = 0; i < PRIORITY__MAX; i++) {
		assert_int_equal(
		    task_priority_of(
			task_priority_name((enum priority)i), &p, NULL),
		    RC_OK);
		assert_int_equal(p, i);
	}
}

static void
statuses_have_their_names(void **state)
{
	enum task_status s;

	(void)state;
	for (int i = 0; i < TASK_STATUS__MAX; i++) {
		assert_int_equal(
		    task_status_of(
			task_status_name((enum task_status)i), &s, NULL),
		    RC_OK);
		assert_int_equal(s, i);
	}
	assert_int_equal(task_status_of("running", &s, NULL), RC_USAGE);
}

static void
ids_are_uuids_in_the_order_of_time(void **state)
{
	char id[TASK_ID + 1], last[TASK_ID + 1] = "";
	int64_t ms = clock_wall_us() / 1000, then;
	char head[14] = "";
	int back = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		task_new_id(id);
		assert_true(task_is_id(id));
		assert_int_equal(id[14], '7');
		assert_non_null(strchr("89ab", id[19]));
		assert_string_not_equal(id, last);
		/* within a microsecond their order is left to chance */
		back += strncmp(id, last, 18) < 0;
		memcpy(last, id, sizeof(last));
	}
	assert_int_equal(back, 0);
	memcpy(head, id, 8);
	memcpy(head + 8, id + 9, 4);
	then = strtoll(head, NULL, 16);
	assert_in_range(then, ms, ms + 60000);
}

static void
what_is_no_id_is_told_apart(void **state)
{
	static const char *const no[] = {
		"",
		"0190a0b0",
		"0190a0b0-0000-7000-8000-00000000000",
		"0190a0b0-0000-7000-8000-0000000000000",
		"0190A0B0-0000-7000-8000-000000000000",
		"0190a0b0-0000-7000-8000-00000000000g",
		"0190a0b0a0000-7000-8000-000000000000",
		"0190a0b0-0000-7000-8000-00000000 000",
	};

	(void)state;
	assert_true(task_is_id("0190a0b0-0000-7000-8000-000000000000"));
	assert_true(task_is_id("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(task_is_id(no[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_filled_and_found),
		cmocka_unit_test(an_unknown_type_is_told_the_allowed_ones),
		cmocka_unit_test(priorities_are_names_or_numbers),
		cmocka_unit_test(statuses_have_their_names),
		cmocka_unit_test(ids_are_uuids_in_the_order_of_time),
		cmocka_unit_test(what_is_no_id_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

#include "base/rc.h"

static void
every_code_has_a_row_and_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < RC__MAX; i++) {
		const char *name = rc_name((enum rc)i);

		assert_non_null(name);
		assert_true(strlen(name) > 1);
		assert_int_equal(
		    strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name, rc_name((enum rc)j));
	}
}

static void
every_status_is_one_that_exists(void **state)
{
	(void)state;
	for (int i = 0; i < RC__MAX; i++) {
		int http = rc_http((enum rc)i), status = rc_exit((enum rc)i);

		assert_in_range(http, 200, 504);
		assert_in_range(status, 0, EX__MAX);
		assert_int_equal(status == 0, i == RC_OK);
		assert_true(status < 5 || status >= EX__BASE);
		if (rc_retryable((enum rc)i))
			assert_true(http >= 429);
	}
}

static void
statuses_are_those_of_the_manual(void **state)
{
	static const struct {
		enum rc rc;
		int exit, http;
	} rows[] = { { RC_USAGE, 64, 422 }, { RC_PARSE, 65, 502 },
		{ RC_EMPTY, 66, 200 }, { RC_NOSOURCE, 69, 502 },
		{ RC_BUG, 70, 500 }, { RC_NOMEM, 71, 500 },
		{ RC_LIMITED, 75, 429 }, { RC_CONFIG, 78, 500 },
		{ RC_STALE, 3, 200 }, { RC_PARTIAL, 4, 200 },
		{ RC_UNHEALTHY, 1, 503 }, { RC_BLOCKED, 69, 502 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(rc_exit(rows[i].rc), rows[i].exit);
		assert_int_equal(rc_http(rows[i].rc), rows[i].http);
	}
}

static void
a_code_out_of_range_is_a_bug(void **state)
{
	(void)state;
	assert_string_equal(rc_name((enum rc)9999), rc_name(RC_BUG));
	assert_int_equal(rc_exit((enum rc) - 1), EX_SOFTWARE);
}

static void
a_message_is_set_wrapped_and_cut(void **state)
{
	struct err e = { 0 };
	char longest[2 * sizeof(e.msg)];

	(void)state;
	assert_int_equal(err_set(NULL, RC_NET, "%d", 1), RC_NET);
	assert_int_equal(err_set(&e, RC_NET, "no %s", "answer"), RC_NET);
	assert_int_equal(e.rc, RC_NET);
	assert_string_equal(e.msg, "no answer");
	assert_int_equal(err_wrap(&e, "page %d", 2), RC_NET);
	assert_string_equal(e.msg, "page 2: no answer");
	err_wrap(&e, "again, %s", e.msg);
	assert_string_equal(
	    e.msg, "again, page 2: no answer: page 2: no answer");

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	err_set(&e, RC_SYS, "%s", longest);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_wrap(&e, "head");
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	assert_int_equal(strncmp(e.msg, "head: xxx", 9), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_row_and_a_name_of_its_own),
		cmocka_unit_test(every_status_is_one_that_exists),
		cmocka_unit_test(statuses_are_those_of_the_manual),
		cmocka_unit_test(a_code_out_of_range_is_a_bug),
		cmocka_unit_test(a_message_is_set_wrapped_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

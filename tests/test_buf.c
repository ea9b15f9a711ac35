#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/utf8.h"

static void
bytes_are_added_and_stay_terminated(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_null(b.data);
	buf_adds(&b, "ab");
	buf_addc(&b, 'c');
	buf_add(&b, "d\0e", 3);
	buf_addf(&b, "-%d-", 42);
	buf_add(&b, NULL, 0);
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.data, "abcd\0e-42-", 11);
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_fini(&b);
}

static void
the_ceiling_is_exact_and_its_error_sticks(void **state)
{
	struct err e = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	buf_adds(&b, "1234");
	assert_int_equal(b.rc, RC_OK);
	buf_addc(&b, '5');
	assert_int_equal(b.rc, RC_INVALID);
	buf_adds(&b, "");
	buf_addf(&b, "%s", "");
	assert_int_equal(b.rc, RC_INVALID);
	assert_string_equal(b.data, "1234");
	assert_int_equal(buf_check(&b, "body", &e), RC_INVALID);
	assert_string_equal(e.msg, "body: more than 4 bytes");
	assert_null(buf_take(&b));
	buf_clear(&b);
	assert_int_equal(buf_check(&b, "body", &e), RC_OK);
	buf_addf(&b, "%d", 12345);
	assert_int_equal(b.rc, RC_INVALID);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void
a_huge_ceiling_does_not_wrap_around(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	for (int i = 0; i < 1000; i++)
		buf_adds(&b, "0123456789");
	assert_int_equal(b.len, 10000);
	assert_true(b.cap > b.len);
	buf_add(&b, "", SIZE_MAX - 5000);
	assert_int_equal(b.rc, RC_INVALID);
	buf_fini(&b);
}

static void
taken_bytes_belong_to_the_caller(void **state)
{
	struct buf b;
	char *p;

	(void)state;
	buf_init(&b, 100);
	assert_null(buf_take(&b));
	buf_adds(&b, "mine");
	p = buf_take(&b);
	assert_string_equal(p, "mine");
	assert_null(b.data);
	assert_int_equal(b.max, 100);
	buf_adds(&b, "next");
	assert_string_equal(b.data, "next");
	buf_clear(&b);
	assert_null(buf_take(&b));
	buf_fini(&b);
	free(p);
}

static void
urls_keep_only_unreserved_characters(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_add_url(&b, "aZ09-._~ &/\xc3\xa9?\n");
	assert_string_equal(b.data, "aZ09-._~%20%26%2F%C3%A9%3F%0A");
	buf_fini(&b);
}

static void
characters_of_utf8_are_told_from_other_bytes(void **state)
{
	static const struct {
		const char *text;
		size_t want;
	} cases[] = { { "a", 1 }, { "", 1 }, { "\xc3\xa9", 2 },
		{ "\xe2\x82\xac", 3 }, { "\xf0\x9f\x98\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 }, { "\xed\x9f\xbf", 3 },
		{ "\xe0\xa0\x80", 3 }, { "\x80", 0 }, { "\xc0\xaf", 0 },
		{ "\xc1\xbf", 0 }, { "\xe0\x9f\xbf", 0 }, { "\xed\xa0\x80", 0 },
		{ "\xf0\x8f\xbf\xbf", 0 }, { "\xf4\x90\x80\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 }, { "\xff", 0 }, { "\xc3", 0 },
		{ "\xe2\x82", 0 }, { "\xf0\x9f\x98", 0 }, { "\xc3(", 0 },
		{ "\xe2\x28\xa1", 0 }, { "\xf0\x9f\x28\x80", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (utf8_length(cases[i].text) != cases[i].want)
			fail_msg("case %zu", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_added_and_stay_terminated),
		cmocka_unit_test(the_ceiling_is_exact_and_its_error_sticks),
		cmocka_unit_test(a_huge_ceiling_does_not_wrap_around),
		cmocka_unit_test(taken_bytes_belong_to_the_caller),
		cmocka_unit_test(urls_keep_only_unreserved_characters),
		cmocka_unit_test(characters_of_utf8_are_told_from_other_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

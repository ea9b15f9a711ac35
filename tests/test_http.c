#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/http.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static struct http_response
with(const char *headers)
{
	return (struct http_response){ .headers = headers };
}

/* Headers as text */

static void
a_header_is_found_by_its_name(void **state)
{
	static const char text[] = "Server: x\n"
				   "Set-Cookie: A3=d=1; Path=/\n"
				   "X-Set-Cookie: no\n"
				   "set-cookie:A1=2\n"
				   "Set-Cookie-2: no\n"
				   "Empty:\n"
				   "Blank:    \n"
				   "Last:  a b  \n";
	static const struct {
		const char *name;
		int n;
		int found;
		const char *value;
	} cases[] = {
		{ "Server", 0, 1, "x" },
		{ "SERVER", 0, 1, "x" },
		{ "Server", 1, 0, NULL },
		{ "Set-Cookie", 0, 1, "A3=d=1; Path=/" },
		{ "Set-Cookie", 1, 1, "A1=2" },
		{ "Set-Cookie", 2, 0, NULL },
		{ "Set", 0, 0, NULL },
		{ "Cookie", 0, 0, NULL },
		{ "Empty", 0, 1, "" },
		{ "Blank", 0, 1, "" },
		{ "Last", 0, 1, "a b" },
		{ "", 0, 0, NULL },
		{ "No", 0, 0, NULL },
	};
	struct http_response r = with(text);
	char value[64];

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		memcpy(value, "untouched", 10);
		assert_int_equal(http_header(&r, cases[i].name, cases[i].n,
				     value, sizeof(value)),
		    cases[i].found);
		assert_string_equal(
		    value, cases[i].found ? cases[i].value : "untouched");
	}
}

static void
a_value_is_cut_to_fit(void **state)
{
	struct http_response r = with("A: 123456\n");
	char value[5] = "....";

	(void)state;
	assert_int_equal(http_header(&r, "A", 0, value, 4), 1);
	assert_string_equal(value, "123");
	assert_int_equal(http_header(&r, "A", 0, value, 1), 1);
	assert_string_equal(value, "");
	value[0] = '.';
	assert_int_equal(http_header(&r, "A", 0, value, 0), 1);
	assert_int_equal(value[0], '.');
}

static void
headers_may_be_absent_or_end_early(void **state)
{
	static const char *const texts[] = { NULL, "", "\n", "A", "A\n", "\n\n",
		"B: x" };
	char value[8] = "";

	(void)state;
	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct http_response r = with(texts[i]);

		assert_int_equal(
		    http_header(&r, "A", 0, value, sizeof(value)), 0);
	}
}

/* Retry-After */

static void
retry_after_is_seconds_or_a_date(void **state)
{
	static const int64_t now = 784111777; /* RFC 9110's own example */
	static const struct {
		const char *value;
		int64_t ms;
	} cases[] = {
		{ "0", 0 },
		{ "120", 120000 },
		{ " 7 ", 7000 },
		{ "0000000000000000000000060", 60000 },
		{ "86400", 86400000 },
		{ "86401", 86400000 },
		{ "99999999999999999999999999999999", 86400000 },
		{ "-1", 0 },
		{ "-99999999999999999999999", 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:50:37 GMT", 60000 },
		{ "Sunday, 06-Nov-94 08:50:37 GMT", 60000 },
		{ "Sun Nov  6 08:50:37 1994", 60000 },
		{ "Sun, 06 Nov 1994 08:48:37 GMT", 0 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", 86400000 },
		{ "", -1 },
		{ "-", -1 },
		{ "- 1", -1 },
		{ "+5", -1 },
		{ "1.5", -1 },
		{ "5 seconds", -1 },
		{ "0x10", -1 },
		{ "20300101", 86400000 }, /* seconds, not a date */
		{ "1994-11-06 08:50:37", -1 },
		{ "soon", -1 },
		{ "Sun, 99 Nov 1994 08:50:37 GMT", -1 },
		{ "\xff\xfe", -1 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		int64_t got = http_retry_after(cases[i].value, now);

		if (got != cases[i].ms)
			fail_msg(
			    "\"%s\": %lld", cases[i].value, (long long)got);
	}
}

/* Requests that never leave */

static void
never(void *arg, const struct http_response *r)
{
	(void)arg;
	(void)r;
	fail_msg("a request that was refused has an answer");
}

static void
bad_requests_are_refused_at_once(void **state)
{
	static const struct {
		struct http_request request;
		int64_t left_ms;
		enum rc rc;
	} cases[] = {
		{ { .url = "ftp://x/" }, 1000, RC_CONFIG },
		{ { .url = "" }, 1000, RC_CONFIG },
		{ { .url = "http://x/", .cookie = "a\nb" }, 1000, RC_INVALID },
		{ { .url = "http://x/", .cookie = "a\tb" }, 1000, RC_INVALID },
		{ { .url = "http://x/", .cookie = "\x7f" }, 1000, RC_INVALID },
		{ { .url = "http://x/", .accept = "\r" }, 1000, RC_INVALID },
		{ { .url = "http://x/" }, 0, RC_TIMEOUT },
		{ { .url = "http://x/" }, -1000000000, RC_TIMEOUT },
	};
	struct config c;
	struct http *h;
	struct err e;
	unsigned id = 77;

	(void)state;
	assert_int_equal(config_load(&c, &e), RC_OK);
	assert_int_equal(http_open(&h, &c, &e), RC_OK);
	for (size_t i = 0; i < LENGTH(cases); i++)
		assert_int_equal(http_start(h, &cases[i].request,
				     clock_mono_ms() + cases[i].left_ms, never,
				     NULL, &id, &e),
		    cases[i].rc);
	assert_int_equal(id, 77);
	assert_int_equal(http_active(h), 0);
	assert_int_equal(http_poll(h, 0, &e), RC_OK);
	http_cancel(h, 0);
	http_cancel(h, 12345);
	http_close(h);
	http_close(NULL);
}

static void
closing_aborts_what_is_in_flight_and_calls_nobody(void **state)
{
	static const struct http_request q = { .url = "http://127.0.0.1:1/" };
	struct config c;
	struct http *h;
	struct err e;
	unsigned a, b;

	(void)state;
	assert_int_equal(config_load(&c, &e), RC_OK);
	assert_int_equal(http_open(&h, &c, &e), RC_OK);
	assert_int_equal(
	    http_start(h, &q, clock_mono_ms() + 60000, never, NULL, &a, &e),
	    RC_OK);
	assert_int_equal(
	    http_start(h, &q, clock_mono_ms() + 60000, never, NULL, &b, &e),
	    RC_OK);
	assert_int_not_equal(a, b);
	assert_int_equal(http_active(h), 2);
	http_cancel(h, a);
	http_cancel(h, a);
	assert_int_equal(http_active(h), 1);
	http_close(h);
}

static void
a_poll_without_requests_waits_its_time(void **state)
{
	struct config c;
	struct http *h;
	struct err e;
	int64_t start;

	(void)state;
	assert_int_equal(config_load(&c, &e), RC_OK);
	assert_int_equal(http_open(&h, &c, &e), RC_OK);
	start = clock_mono_ms();
	assert_int_equal(http_poll(h, -5, &e), RC_OK);
	assert_int_equal(http_poll(h, 30, &e), RC_OK);
	assert_in_range(clock_mono_ms() - start, 28, 5000);
	http_close(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_found_by_its_name),
		cmocka_unit_test(a_value_is_cut_to_fit),
		cmocka_unit_test(headers_may_be_absent_or_end_early),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
		cmocka_unit_test(bad_requests_are_refused_at_once),
		cmocka_unit_test(
		    closing_aborts_what_is_in_flight_and_calls_nobody),
		cmocka_unit_test(a_poll_without_requests_waits_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

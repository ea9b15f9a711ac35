/* Cookies and crumbs of Yahoo, one answer at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "source/yahoo_session.h"

#define INVALID_CRUMB                                                          \
	"{\"finance\":{\"result\":null,\"error\":{\"code\":\"Unauthorized\","  \
	"\"description\":\"Invalid Crumb\"}}}"
#define TEN "1234567890"

static struct http_response
answer(int status, const char *headers, const char *body)
{
	return (struct http_response){ .status = status,
		.headers = headers,
		.body = body,
		.len = strlen(body),
		.retry_after_ms = -1 };
}

static void
a_text_is_read_back_as_it_was_written(void **state)
{
	struct yahoo_session s = { "A1=a; A3=d=AQ", "x/Y.z" }, t;
	char text[YAHOO_SESSION_TEXT];

	(void)state;
	yahoo_session_text(&s, text);
	assert_string_equal(text, "A1=a; A3=d=AQ\nx/Y.z");
	assert_true(yahoo_session_read(&t, text));
	assert_string_equal(t.cookie, s.cookie);
	assert_string_equal(t.crumb, s.crumb);
}

static void
a_text_that_is_no_session_is_refused(void **state)
{
	static const char *const texts[] = { "", "A3=x", "A3=x\n", "\ncrumb",
		"A3=x\ncr umb", "A3=x\n<html>", "A3=x\r\ncrumb",
		"A3=x\nToo Many Requests\r\n", "A3\ncrumb",
		"A3=x\n" TEN TEN TEN TEN TEN TEN "12345" };
	struct yahoo_session s = { "old", "old" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (yahoo_session_read(&s, texts[i]))
			fail_msg("taken: \"%s\"", texts[i]);
	assert_string_equal(s.cookie, "old");
}

struct crumb_case {
	const char *what;
	const char *headers;
	const char *body;
	int status;
	enum rc rc;
};

static const struct crumb_case crumbs[] = {
	{ "a crumb", "Content-Type: text/plain\n", "a/B.c1dEfGh", 200, RC_OK },
	{ "64 characters", "", TEN TEN TEN TEN TEN TEN "1234", 200, RC_OK },
	{ "65", "", TEN TEN TEN TEN TEN TEN "12345", 200, RC_PARSE },
	{ "limit", "", "Too Many Requests\r\n", 429, RC_LIMITED },
	{ "limit with 200", "", "Too Many Requests\r\n", 200, RC_LIMITED },
	{ "edge", "", "Edge: Too Many Requests", 200, RC_LIMITED },
	{ "empty", "", "", 200, RC_PARSE },
	{ "html", "", "<html></html>", 200, RC_PARSE },
	{ "html by its type", "content-type: text/HTML; charset=utf-8\n", "abc",
	    200, RC_PARSE },
	{ "json", "", "{}", 200, RC_PARSE },
	{ "blank inside", "", "a b", 200, RC_PARSE },
	{ "line end", "", "abc\n", 200, RC_PARSE },
	{ "not ASCII", "", "ab\xc3\xa4", 200, RC_PARSE },
	{ "refused", "", INVALID_CRUMB, 401, RC_BLOCKED },
	{ "refused with 200", "", INVALID_CRUMB, 200, RC_BLOCKED },
	{ "consent", "", "<form><input name=\"csrfToken\">", 200, RC_BLOCKED },
	{ "not found", "", "abc", 404, RC_UPSTREAM },
	{ "down", "", "Will be right back...", 503, RC_UPSTREAM },
};

static void
only_a_crumb_is_taken_for_one(void **state)
{
	struct yahoo_session s = { "A3=x", "" };
	struct http_response r;
	enum rc rc;

	(void)state;
	for (size_t i = 0; i < sizeof(crumbs) / sizeof(crumbs[0]); i++) {
		snprintf(s.crumb, sizeof(s.crumb), "old");
		r = answer(crumbs[i].status, crumbs[i].headers, crumbs[i].body);
		rc = yahoo_session_crumb(&r, &s, NULL);
		if (rc != crumbs[i].rc)
			fail_msg("%s: %s", crumbs[i].what, rc_name(rc));
		assert_string_equal(
		    s.crumb, rc == RC_OK ? crumbs[i].body : "old");
	}
}

static void
a_crumb_with_a_nul_byte_is_none(void **state)
{
	struct http_response r = answer(200, "", "abc");
	struct yahoo_session s;

	(void)state;
	r.body = "ab\0c";
	r.len = 4;
	assert_int_equal(yahoo_session_crumb(&r, &s, NULL), RC_PARSE);
}

struct cookie_case {
	const char *headers;
	const char *cookie; /* NULL: there is none */
};

static const struct cookie_case cookies[] = {
	{ "Set-Cookie: A3=d=AQ&S=x; Path=/; Secure\n", "A3=d=AQ&S=x" },
	{ "Set-Cookie: B=2\nset-cookie: A=1\n", "A=1; B=2" },
	{ "Set-Cookie: A=1\nSet-Cookie: AA=2\nSet-Cookie: A=3\n", "A=3; AA=2" },
	{ "Set-Cookie: A=1; Max-Age=0\nSet-Cookie: B=2; max-age=31557600\n",
	    "B=2" },
	{ "Set-Cookie: A=; Path=/\n", NULL },
	{ "Set-Cookie: =x\n", NULL },
	{ "Set-Cookie: A\n", NULL },
	{ "Set-Cookie: A=b c\n", NULL },
	{ "Set-Cookie: A=\x7f\n", NULL },
	{ "Location: /\n", NULL },
	{ "", NULL },
};

static void
cookies_are_taken_whatever_the_status(void **state)
{
	static const int statuses[] = { 200, 404, 500 };
	struct yahoo_session s;
	struct http_response r;
	enum rc rc, bad;

	(void)state;
	for (size_t i = 0; i < 3 * sizeof(cookies) / sizeof(cookies[0]); i++) {
		snprintf(s.cookie, sizeof(s.cookie), "old");
		r = answer(statuses[i % 3], cookies[i / 3].headers, "<html>");
		rc = yahoo_session_cookie(&r, &s, NULL);
		bad = r.status == 500 ? RC_UPSTREAM : RC_BLOCKED;
		assert_int_equal(
		    rc, cookies[i / 3].cookie != NULL ? RC_OK : bad);
		assert_string_equal(
		    s.cookie, rc == RC_OK ? cookies[i / 3].cookie : "old");
	}
	r = answer(429, "Set-Cookie: A=1\n", "");
	assert_int_equal(yahoo_session_cookie(&r, &s, NULL), RC_LIMITED);
}

static void
cookies_that_do_not_fit_are_left_out(void **state)
{
	char headers[4 * 1100] = "";
	struct yahoo_session s;
	struct http_response r;

	(void)state;
	for (int i = 0; i < 4; i++)
		snprintf(headers + strlen(headers),
		    sizeof(headers) - strlen(headers),
		    "Set-Cookie: C%d=%01000d; Path=/\n", i, i);
	r = answer(200, headers, "");
	assert_int_equal(yahoo_session_cookie(&r, &s, NULL), RC_OK);
	assert_int_equal(strlen(s.cookie), 2 * 1003 + 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_read_back_as_it_was_written),
		cmocka_unit_test(a_text_that_is_no_session_is_refused),
		cmocka_unit_test(only_a_crumb_is_taken_for_one),
		cmocka_unit_test(a_crumb_with_a_nul_byte_is_none),
		cmocka_unit_test(cookies_are_taken_whatever_the_status),
		cmocka_unit_test(cookies_that_do_not_fit_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

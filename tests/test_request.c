/*
 * The decoding of requests to the API, and who may write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../cgi/authorise.h"
#include "../cgi/request.h"
#include "store/task.h"

/* Variables of a request: names and values in turn, NULL at the end. */
static const char *
get(void *arg, const char *name)
{
	const char *const *v = arg;

	for (; *v != NULL; v += 2)
		if (strcmp(v[0], name) == 0)
			return v[1];
	return NULL;
}

#define LIST(...)                                                              \
	(const char *const[])                                                  \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}

static struct request request;

static int
read_it(const char *const *v, struct err *e)
{
	return request_read(&request, get, (void *)(uintptr_t)v, e);
}

static int
query(const char *text, struct err *e)
{
	return read_it(LIST("SCRIPT_NAME", "/", "QUERY_STRING", text), e);
}

static int
body(const char *text, size_t len, struct err *e)
{
	char length[24];

	snprintf(length, sizeof(length), "%zu", len);
	assert_int_equal(
	    read_it(LIST("SCRIPT_NAME", "/", "CONTENT_TYPE", "application/json",
			"CONTENT_LENGTH", length),
		e),
	    0);
	return request_body(&request, text, e);
}

static void
query_is_decoded(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(query("index=S%26P+500&sector=%c3%a9=x", &e), 0);
	assert_int_equal(request.query.n, 2);
	assert_string_equal(request.query.v[0].name, "index");
	assert_string_equal(request.query.v[0].text, "S&P 500");
	assert_string_equal(request.query.v[1].text, "\xc3\xa9=x");
	assert_int_equal(query("a=", &e), 0);
	assert_string_equal(request.query.v[0].text, "");
	assert_int_equal(query("", &e), 0);
	assert_int_equal(request.query.n, 0);
}

static void
query_that_is_malformed_is_refused(void **state)
{
	static const char *const bad[] = { "a", "a=1&", "&a=1", "=1", "a=%",
		"a=%4", "a=%4g", "a=%g4", "a=1%0", "a=%00", "a=%ff", "a=%c3",
		"a=%ed%a0%80", "a=%c0%80", "a=\x01", "a=%0a", "a=\x7f", "%=1",
		"a=1&b", "a=\xff" };
	static const char seventeen[] =
	    "1=1&2=1&3=1&4=1&5=1&6=1&7=1&8=1&9=1&10=1&11=1&12=1&13=1&14=1&"
	    "15=1&16=1&17=1";
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (query(bad[i], &e) != 400)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(query(seventeen, &e), 400);
}

/* "/?a=aaa" of so many bytes; the server says what was sent, or does not. */
static int
long_address(size_t n, const char *sent)
{
	char text[LIMIT_URL + 8];
	struct err e;
	int status;

	memset(text, 'a', sizeof(text));
	memcpy(text, "/?a=", 4);
	text[n] = '\0';
	status = read_it(LIST("SCRIPT_NAME", "/", "QUERY_STRING", text + 2,
			     sent != NULL ? sent : "X", text),
	    &e);
	if (status == 414)
		assert_string_equal(e.msg, "an address may have 4096 bytes");
	return status;
}

static void
address_may_have_4096_bytes(void **state)
{
	char text[LIMIT_URL + 2];
	struct err e;

	(void)state;
	assert_int_equal(long_address(LIMIT_URL, NULL), 0);
	assert_int_equal(long_address(LIMIT_URL, "REQUEST_URI"), 0);
	assert_int_equal(long_address(LIMIT_URL + 1, NULL), 414);
	/* What was sent counts, not what was made of it. */
	memset(text, 'a', sizeof(text));
	text[LIMIT_URL + 1] = '\0';
	assert_int_equal(
	    read_it(LIST("SCRIPT_NAME", "/", "REQUEST_URI", text), &e), 414);
	text[LIMIT_URL] = '\0';
	assert_int_equal(
	    read_it(LIST("SCRIPT_NAME", "/", "REQUEST_URI", text), &e), 0);
}

static void
json_is_decoded(void **state)
{
	static const char text[] =
	    " {\"a\" : \"S\\u0026P \\\\\\\"\\/\\ud83d\\ude00\\u00e9\\u20ac\","
	    "\"b\":true,\n\"c\":false,\"d\":null,\"e\":-0.5e+3} \r\n";
	struct err e;

	(void)state;
	assert_int_equal(body(text, strlen(text), &e), 0);
	assert_int_equal(request.body.n, 5);
	assert_string_equal(request.body.v[0].text,
	    "S&P \\\"/\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac");
	assert_int_equal(request.body.v[1].kind, PAIR_TRUE);
	assert_int_equal(request.body.v[2].kind, PAIR_FALSE);
	assert_int_equal(request.body.v[3].kind, PAIR_NULL);
	assert_int_equal(request.body.v[4].kind, PAIR_NUMBER);
	assert_int_equal(body("{}", 2, &e), 0);
	assert_int_equal(body("", 0, &e), 0);
	assert_int_equal(request.body.n, 0);
}

static void
json_that_is_malformed_is_refused(void **state)
{
	static const char *const bad[] = { " ", "[]", "1", "null", "\"a\"", "{",
		"{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,",
		"{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"a\":1}x",
		"{\"a\":1}{}", "{a:1}", "{'a':1}", "{\"a\":01}", "{\"a\":1.}",
		"{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}", "{\"a\":-}",
		"{\"a\":NaN}", "{\"a\":tru}", "{\"a\":True}", "{\"a\":{}}",
		"{\"a\":[1]}", "{\"a\":\"\\n\"}", "{\"a\":\"\n\"}",
		"{\"a\":\"\\u0000\"}", "{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\udc00\"}", "{\"a\":\"\\ud800\\u0041\"}",
		"{\"a\":\"\\u12\"}", "{\"a\":\"\\x41\"}", "{\"a\":\"\xff\"}",
		"{\"a\":\"\xc3\"}", "{\"a\":\"\xed\xa0\x80\"}",
		"{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "{\"a\":1/**/}",
		"{\"\xff\":1}" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *copy = malloc(strlen(bad[i]));

		assert_non_null(copy);
		memcpy(copy, bad[i], strlen(bad[i]));
		if (body(copy, strlen(bad[i]), &e) != 400)
			fail_msg("accepted: %s", bad[i]);
		free(copy);
	}
	assert_int_equal(body("{\"a\":\"\0\"}", 9, &e), 400);
}

/* Without the NUL. */
static void
put(char *to, const char *s)
{
	while (*s != '\0')
		*to++ = *s++;
}

static void
json_as_deep_or_large_as_allowed_is_refused(void **state)
{
	char *text = malloc(LIMIT_REQUEST);
	struct err e;

	(void)state;
	assert_non_null(text);
	memset(text, '[', LIMIT_REQUEST);
	put(text, "{\"a\":");
	assert_int_equal(body(text, LIMIT_REQUEST, &e), 400);
	memset(text, 'x', LIMIT_REQUEST);
	put(text, "{\"a\":\"");
	assert_int_equal(body(text, LIMIT_REQUEST, &e), 400);
	put(text + LIMIT_REQUEST - 2, "\"}");
	assert_int_equal(body(text, LIMIT_REQUEST, &e), 0);
	assert_int_equal(strlen(request.body.v[0].text), LIMIT_REQUEST - 8);
	free(text);
}

static void
body_has_a_length_and_a_type(void **state)
{
	static const struct {
		const char *length;
		int status;
	} lengths[] = { { "", 0 }, { "0", 0 }, { "65536", 0 }, { "65537", 413 },
		{ "99999999999999999999999", 413 }, { "-1", 400 },
		{ "+1", 400 }, { "1 ", 400 }, { "0x1", 400 }, { "1,1", 400 } };
	static const struct {
		const char *type;
		int status;
	} types[] = { { "application/json", 0 },
		{ "Application/JSON; charset=UTF-8", 0 },
		{ "application/json ;charset=\"utf-8\"", 0 },
		{ "application/json; charset=latin-1", 415 },
		{ "application/jsonx", 415 }, { "text/plain", 415 },
		{ "application/x-www-form-urlencoded", 415 }, { "", 415 } };
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		assert_int_equal(
		    read_it(LIST("SCRIPT_NAME", "/", "CONTENT_LENGTH",
				lengths[i].length),
			&e),
		    lengths[i].status);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		assert_int_equal(
		    read_it(LIST("SCRIPT_NAME", "/", "CONTENT_LENGTH", "2",
				"CONTENT_TYPE", types[i].type),
			&e),
		    0);
		assert_int_equal(
		    request_body(&request, "{}", &e), types[i].status);
	}
}

static void
path_is_that_of_fastcgi_or_cgi(void **state)
{
	char big[LIMIT_URL + 2];
	struct err e;

	(void)state;
	assert_int_equal(
	    read_it(LIST("SCRIPT_NAME", "/a", "DOCUMENT_URI", "/b"), &e), 0);
	assert_string_equal(request.path, "/b");
	assert_int_equal(
	    read_it(LIST("SCRIPT_NAME", "/x.cgi", "PATH_INFO", "/c"), &e), 0);
	assert_string_equal(request.path, "/c");
	assert_int_equal(read_it(LIST("SCRIPT_NAME", "a"), &e), 400);
	assert_int_equal(read_it(LIST("X", "a"), &e), 400);
	assert_int_equal(read_it(LIST("SCRIPT_NAME", "/\xff"), &e), 400);
	assert_int_equal(read_it(LIST("SCRIPT_NAME", "/\n"), &e), 400);
	memset(big, '/', sizeof(big));
	big[LIMIT_URL + 1] = '\0';
	assert_int_equal(read_it(LIST("SCRIPT_NAME", big), &e), 414);
}

static void
id_of_the_caller_is_kept_if_sane(void **state)
{
	static const char *const bad[] = { "", "a b", "a\"b", "a\nb",
		"\xc3\xa9" };
	char big[REQUEST_ID + 2];
	struct err e;

	(void)state;
	memset(big, 'x', sizeof(big));
	big[REQUEST_ID + 1] = '\0';
	read_it(LIST("SCRIPT_NAME", "/", "HTTP_X_REQUEST_ID", big), &e);
	assert_true(task_is_id(request.id));
	big[REQUEST_ID] = '\0';
	read_it(LIST("SCRIPT_NAME", "/", "HTTP_X_REQUEST_ID", big), &e);
	assert_string_equal(request.id, big);
	read_it(LIST("SCRIPT_NAME", "/", "HTTP_X_REQUEST_ID", "aB-1._"), &e);
	assert_string_equal(request.id, "aB-1._");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		read_it(
		    LIST("SCRIPT_NAME", "x", "HTTP_X_REQUEST_ID", bad[i]), &e);
		assert_true(task_is_id(request.id));
	}
}

static void
tags_are_compared_weakly(void **state)
{
	static const char *const yes[] = { "\"x\"", "W/\"x\"", "*", " * ",
		"\"a\", \"x\"", "\"a\",W/\"x\" , \"b\"", ",\"x\"",
		"\"a,b\",\"x\"" };
	static const char *const no[] = { "", "x", "\"y\"", "\"xx\"", "\"\"",
		"\"x", "w/\"x\"", "*, \"y\"", "\"a\" x \"x\"", "\"X\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!request_has_tag(yes[i], "x"))
			fail_msg("should match: %s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (request_has_tag(no[i], "x"))
			fail_msg("should not match: %s", no[i]);
	assert_false(request_has_tag(NULL, "x"));
	assert_false(request_has_tag("*", ""));
}

static void
gzip_is_for_who_asks(void **state)
{
	static const char *const yes[] = { "gzip", "GZIP", "x-gzip",
		"deflate, gzip;q=1.0", "gzip;q=0.001", "*", "br,*;q=0.5",
		"gzip;q=0.5, identity;q=0.4", "gzip ; q=0.8",
		"identity;q=0, *" };
	static const char *const no[] = { "", "identity", "br", "gzip;q=0",
		"gzip;q=0.000", "gzip;q=0,*", "*;q=0", "gzipped",
		"gzip;q=0.4, identity;q=0.5", "gzip;q=x", "gzip;q=-1",
		"gzip;level=1" };

	(void)state;
	assert_false(request_takes_gzip(NULL));
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!request_takes_gzip(yes[i]))
			fail_msg("asks for it: %s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (request_takes_gzip(no[i]))
			fail_msg("does not: %s", no[i]);
}

static int
may(const char *token, const char *const *v)
{
	static struct config c;
	struct err e;

	snprintf(c.api_token, sizeof(c.api_token), "%s", token);
	assert_int_equal(read_it(v, &e), 0);
	return authorise(&c, &request, &e);
}

#define CALL(remote, host, ...)                                                \
	LIST("SCRIPT_NAME", "/", "REMOTE_ADDR", remote, "HTTP_HOST", host,     \
	    __VA_ARGS__)

static void
token_is_wanted_where_it_is_set(void **state)
{
	static const struct {
		const char *header;
		int status;
	} cases[] = { { "Bearer secret", 0 }, { "bearer secret", 0 },
		{ "Bearer  secret", 0 }, { "Bearer secre", 401 },
		{ "Bearer secrets", 401 }, { "Bearer Secret", 401 },
		{ "Bearer ", 401 }, { "Bearer", 401 }, { "secret", 401 },
		{ "Basic secret", 401 }, { "Bearer secret ", 401 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    may("secret", CALL("192.0.2.1", "example.org",
				      "HTTP_AUTHORIZATION", cases[i].header)),
		    cases[i].status);
	assert_int_equal(
	    may("secret", CALL("127.0.0.1", "localhost", "X", "")), 401);
}

static void
without_token_only_this_machine_may(void **state)
{
	static const struct {
		const char *remote, *host;
		int status;
	} cases[] = { { "127.0.0.1", "localhost", 0 },
		{ "127.8.8.8", "LOCALHOST:5001", 0 },
		{ "::1", "[::1]:5001", 0 }, { "::1", "[::1]", 0 },
		{ "::ffff:127.0.0.1", "127.0.0.1:80", 0 },
		{ "192.0.2.1", "localhost", 403 },
		{ "::ffff:192.0.2.1", "localhost", 403 },
		{ "unix:", "localhost", 403 }, { "", "localhost", 403 },
		{ "127.0.0.1", "", 403 }, { "127.0.0.1", "example.org", 403 },
		{ "127.0.0.1", "localhost.example.org", 403 },
		{ "127.0.0.1", "localhost:", 403 },
		{ "127.0.0.1", "localhost:80x", 403 },
		{ "127.0.0.1", "127.0.0.10", 403 },
		{ "127.0.0.1", "127.0.0.1.example.org", 403 } };
	static const char *const proxies[] = { "HTTP_X_FORWARDED_FOR",
		"HTTP_FORWARDED", "HTTP_X_REAL_IP" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (may("", CALL(cases[i].remote, cases[i].host, "X", "")) !=
		    cases[i].status)
			fail_msg("%s %s", cases[i].remote, cases[i].host);
	for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++)
		assert_int_equal(may("", CALL("127.0.0.1", "localhost",
					     proxies[i], "127.0.0.1")),
		    403);
	assert_int_equal(may("", LIST("SCRIPT_NAME", "/")), 403);
}

static void
pages_of_other_sites_may_not(void **state)
{
	static const struct {
		const char *origin;
		int status;
	} cases[] = { { "http://localhost:5001", 0 },
		{ "https://localhost:5001", 0 }, { "http://LOCALHOST:5001", 0 },
		{ "http://localhost", 403 }, { "http://localhost:5002", 403 },
		{ "null", 403 }, { "", 403 }, { "http://evil.example", 403 },
		{ "http://localhost:5001.evil.example", 403 },
		{ "ftp://localhost:5001", 403 } };
	static const char *const sites[] = { "cross-site", "same-site" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int token = 0; token < 2; token++)
			if (may(token ? "t" : "",
				CALL("127.0.0.1", "localhost:5001",
				    "HTTP_AUTHORIZATION", "Bearer t",
				    "HTTP_ORIGIN", cases[i].origin)) !=
			    cases[i].status)
				fail_msg("%s", cases[i].origin);
	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++)
		assert_int_equal(may("", CALL("127.0.0.1", "localhost",
					     "HTTP_SEC_FETCH_SITE", sites[i])),
		    403);
	assert_int_equal(may("", CALL("127.0.0.1", "localhost",
				     "HTTP_SEC_FETCH_SITE", "same-origin")),
	    0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(query_is_decoded),
		cmocka_unit_test(query_that_is_malformed_is_refused),
		cmocka_unit_test(address_may_have_4096_bytes),
		cmocka_unit_test(json_is_decoded),
		cmocka_unit_test(json_that_is_malformed_is_refused),
		cmocka_unit_test(json_as_deep_or_large_as_allowed_is_refused),
		cmocka_unit_test(body_has_a_length_and_a_type),
		cmocka_unit_test(path_is_that_of_fastcgi_or_cgi),
		cmocka_unit_test(id_of_the_caller_is_kept_if_sane),
		cmocka_unit_test(tags_are_compared_weakly),
		cmocka_unit_test(gzip_is_for_who_asks),
		cmocka_unit_test(token_is_wanted_where_it_is_set),
		cmocka_unit_test(without_token_only_this_machine_may),
		cmocka_unit_test(pages_of_other_sites_may_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

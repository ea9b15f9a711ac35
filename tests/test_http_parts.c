#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/http_head.h"
#include "net/http_transfer.h"
#include "net/http_url.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* Headers as text */

static void
header_lines_are_kept_as_text(void **state)
{
	static const struct {
		const char *line;
		size_t n;
		const char *kept;
	} cases[] = {
		{ "A: b\r\n", 6, "A: b\n" },
		{ "A: b\n", 5, "A: b\n" },
		{ "A: b", 4, "A: b\n" },
		{ "A:\r\n", 4, "A:\n" },
		{ "x-y_z!#$%&'*+.^`|~9: v", 22, "x-y_z!#$%&'*+.^`|~9: v\n" },
		{ "A: b\rB: c\r\n", 11, "A: b B: c\n" },
		{ "A: \x01\x7f\x80", 6, "A:   \x80\n" },
		{ "A: b\nB: c\n", 10, "A: b B: c\n" },
		{ "A: \0b", 5, "A:  b\n" },
		{ "", 0, "" },
		{ "\r\n", 2, "" },
		{ "no colon\r\n", 10, "" },
		{ "nocolon", 7, "" },
		{ ": no name", 9, "" },
		{ " folded: line", 13, "" },
		{ "\tfolded: line", 13, "" },
		{ "blank : before the colon", 24, "" },
		{ "N\0L: x", 6, "" },
		{ "HTTP/1.1 200 OK", 15, "" },
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		buf_init(&b, LIMIT_HEADERS);
		http_head_add(&b, cases[i].line, cases[i].n);
		assert_string_equal(
		    b.data != NULL ? b.data : "", cases[i].kept);
		assert_int_equal(b.len, strlen(cases[i].kept));
		buf_fini(&b);
	}
}

static void
a_header_that_does_not_fit_is_left_out_whole(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 12);
	http_head_add(&b, "A: 1\r\n", 6);
	http_head_add(&b, "B: 234\r\n", 8); /* fits with its line end only */
	assert_string_equal(b.data, "A: 1\nB: 234\n");
	buf_clear(&b);
	http_head_add(&b, "A: 1\r\n", 6);
	http_head_add(&b, "B: 2345\r\n", 9);
	http_head_add(&b, "C: 3\r\n", 6);
	assert_string_equal(b.data, "A: 1\n");
	assert_int_equal(b.len, 5);
	assert_int_equal(b.rc, RC_INVALID);
	buf_fini(&b);
}

/* Addresses */

static const struct {
	const char *from;
	const char *location;
	enum rc rc;
	const char *out; /* the address, or the message */
} redirects[] = {
	{ "https://a.com/x?y=1", "/z", RC_OK, "https://a.com/z" },
	{ "https://a.com/x/y", "z?q", RC_OK, "https://a.com/x/z?q" },
	{ "https://a.com/x", "//a.com/z", RC_OK, "https://a.com/z" },
	{ "https://a.com/x", "?q=1", RC_OK, "https://a.com/x?q=1" },
	{ "https://a.com/x", "https://A.COM/z", RC_OK, "https://A.COM/z" },
	{ "https://a.com/x", "https://a.com:443/z", RC_OK,
	    "https://a.com:443/z" },
	{ "https://a.com:443/x", "https://a.com/z", RC_OK, "https://a.com/z" },
	{ "http://a.com/x", "http://a.com/a b", RC_OK, "http://a.com/a%20b" },
	{ "http://a.com/x", "https://a.com/x", RC_OK, "https://a.com/x" },
	{ "http://a.com:80/x", "https://a.com:443/x", RC_OK,
	    "https://a.com:443/x" },
	{ "http://[::1]:8080/x", "/y", RC_OK, "http://[::1]:8080/y" },
	{ "https://a.com/x", "https://b.com/secret", RC_BLOCKED,
	    "redirected to another host: b.com" },
	{ "https://a.com/x", "//b.com/secret", RC_BLOCKED,
	    "redirected to another host: b.com" },
	{ "https://a.com/x", "https://www.a.com/", RC_BLOCKED,
	    "redirected to another host: www.a.com" },
	{ "https://a.com/x", "https://a.com.b.com/", RC_BLOCKED,
	    "redirected to another host: a.com.b.com" },
	{ "https://a.com/x", "https://a.com@b.com/", RC_BLOCKED,
	    "redirected to another host: b.com" },
	{ "https://a.com/x", "https://b.com/@a.com/", RC_BLOCKED,
	    "redirected to another host: b.com" },
	{ "https://a.com/x", "https://b.com#@a.com/", RC_BLOCKED,
	    "redirected to another host: b.com" },
	{ "https://a.com/x", "http://a.com/x", RC_BLOCKED,
	    "redirected from https to http" },
	{ "https://a.com:8443/x", "http://a.com:8443/", RC_BLOCKED,
	    "redirected from https to http" },
	{ "http://a.com:8080/x", "https://a.com/", RC_BLOCKED,
	    "redirected from http to https" },
	{ "http://a.com/x", "https://a.com:8443/", RC_BLOCKED,
	    "redirected from http to https" },
	{ "http://a.com/x", "http://a.com:8080/", RC_BLOCKED,
	    "redirected to another port: 8080" },
	{ "https://a.com/x", "ftp://a.com/", RC_BLOCKED,
	    "redirected to another scheme: ftp" },
	{ "https://a.com/x", "file:///etc/passwd", RC_BLOCKED,
	    "redirected to another scheme: file" },
	{ "https://a.com/x", "https://", RC_UPSTREAM,
	    "redirected to an unreadable address" },
	{ "https://a.com/x", "https://[bad/", RC_UPSTREAM,
	    "redirected to an unreadable address" },
	{ "https://a.com/x", "https://a.com:99999/", RC_UPSTREAM,
	    "redirected to an unreadable address" },
	{ "https://a.com/x", "/123456789012345678901234567890123456789",
	    RC_UPSTREAM, "redirected to an address too long" },
};

static void
redirects_stay_on_their_host(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(redirects); i++) {
		char out[53] = "untouched";
		struct err e = { 0 };
		enum rc rc = http_url_follow(redirects[i].from,
		    redirects[i].location, out, sizeof(out), &e);

		if (rc != redirects[i].rc)
			fail_msg("%s: %s: %s %s", redirects[i].location,
			    rc_name(rc), e.msg, out);
		assert_string_equal(
		    rc == RC_OK ? out : e.msg, redirects[i].out);
		if (rc != RC_OK)
			assert_string_equal(out, "untouched");
	}
}

static void
a_host_is_read_out_of_an_address(void **state)
{
	static const struct {
		const char *url;
		enum rc rc;
		const char *host;
	} cases[] = {
		{ "https://finviz.com/screener?v=1", RC_OK, "finviz.com" },
		{ "http://user:pw@127.0.0.1:80/", RC_OK, "127.0.0.1" },
		{ "http://[::1]/", RC_OK, "[::1]" },
		{ "finviz.com", RC_CONFIG, NULL },
		{ "", RC_CONFIG, NULL },
		{ "https://", RC_CONFIG, NULL },
		{ "ftp://finviz.com/", RC_CONFIG, NULL },
		{ "file:///etc/passwd", RC_CONFIG, NULL },
		{ "https://finviz.com/\r\nHost: x", RC_CONFIG, NULL },
		{ "https://fin viz.com/", RC_CONFIG, NULL },
	};
	char host[HTTP_HOST];
	struct err e;

	(void)state;
	for (size_t i = 0; i < LENGTH(cases); i++) {
		memcpy(host, "untouched", 10);
		assert_int_equal(
		    http_url_host(cases[i].url, host, &e), cases[i].rc);
		assert_string_equal(
		    host, cases[i].rc == RC_OK ? cases[i].host : "untouched");
	}
}

static void
a_long_host_is_cut_in_messages(void **state)
{
	char url[400] = "https://", host[HTTP_HOST];

	(void)state;
	memset(url + 8, 'a', 300);
	assert_int_equal(http_url_host(url, host, NULL), RC_OK);
	assert_int_equal(strlen(host), HTTP_HOST - 1);
}

/* What the end of a request means */

static const struct {
	CURLcode code;
	enum rc rc;
	const char *detail; /* curl's own message */
	const char *msg;
} failures[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, RC_NET, "Could not resolve host: x",
	    "h: name does not resolve" },
	{ CURLE_COULDNT_RESOLVE_PROXY, RC_NET, "user:pw@proxy",
	    "h: the proxy's name does not resolve" },
	{ CURLE_COULDNT_CONNECT, RC_NET, "Failed to connect",
	    "h: cannot connect" },
	{ CURLE_SSL_CONNECT_ERROR, RC_NET, "wrong version number",
	    "h: TLS failed: wrong version number" },
	{ CURLE_SSL_CONNECT_ERROR, RC_NET, "", "h: TLS failed" },
	{ CURLE_SSL_CONNECT_ERROR, RC_NET, "at https://h/x", "h: TLS failed" },
	{ CURLE_SSL_CONNECT_ERROR, RC_NET, "at /x?crumb=1", "h: TLS failed" },
	{ CURLE_SSL_CONNECT_ERROR, RC_NET, "a&crumb=1", "h: TLS failed" },
	{ CURLE_SSL_CONNECT_ERROR, RC_NET, "two\nlines", "h: TLS failed" },
	{ CURLE_SSL_CONNECT_ERROR, RC_NET, "\xe2\x80\xa8", "h: TLS failed" },
	{ CURLE_PEER_FAILED_VERIFICATION, RC_NET, "self-signed",
	    "h: certificate not accepted: self-signed" },
	{ CURLE_HTTP2, RC_NET, "flow control",
	    "h: HTTP/2 error: flow control" },
	{ CURLE_HTTP2_STREAM, RC_NET, "", "h: HTTP/2 error" },
	{ CURLE_SEND_ERROR, RC_NET, "Broken pipe",
	    "h: connection broken: Broken pipe" },
	{ CURLE_PARTIAL_FILE, RC_NET, "x", "h: answer cut off" },
	{ CURLE_GOT_NOTHING, RC_NET, "x",
	    "h: connection closed without an answer" },
	{ CURLE_OPERATION_TIMEDOUT, RC_TIMEOUT, "x",
	    "h: no connection within 2.5 s" },
	{ CURLE_FILESIZE_EXCEEDED, RC_PARSE, "x",
	    "h: answer larger than 8 MiB" },
	{ CURLE_BAD_CONTENT_ENCODING, RC_PARSE, "x",
	    "h: bad content encoding" },
	{ CURLE_WEIRD_SERVER_REPLY, RC_PARSE, "Nul byte in header",
	    "h: malformed answer: Nul byte in header" },
	{ CURLE_OUT_OF_MEMORY, RC_NOMEM, "", "h: out of memory" },
	{ CURLE_SSL_CIPHER, RC_CONFIG, "x",
	    "h: TLS_CIPHERS is no cipher list" },
	{ CURLE_FTP_ACCEPT_FAILED, RC_NET, "https://h/x?y",
	    "h: FTP: The server failed to connect to data port" },
	{ CURLE_OK, RC_PARSE, "", "h: malformed answer" },
};

static void
every_failure_has_its_code_and_names_the_host_only(void **state)
{
	struct transfer t = { .host = "h", .start_ms = 1000 };

	(void)state;
	t.easy = curl_easy_init();
	assert_non_null(t.easy);
	for (size_t i = 0; i < LENGTH(failures); i++) {
		struct err e = { 0 };

		memset(t.detail, 0, sizeof(t.detail));
		memcpy(
		    t.detail, failures[i].detail, strlen(failures[i].detail));
		assert_int_equal(
		    transfer_outcome(&t, failures[i].code, 3500, &e),
		    failures[i].rc);
		assert_int_equal(e.rc, failures[i].rc);
		assert_string_equal(e.msg, failures[i].msg);
	}
	curl_easy_cleanup(t.easy);
}

static void
our_own_reason_goes_before_the_one_of_curl(void **state)
{
	struct transfer t = {
		.host = "h", .head_only = 1, .why = { RC_PARSE, "too large" }
	};
	struct err e = { 0 };

	(void)state;
	assert_int_equal(
	    transfer_outcome(&t, CURLE_WRITE_ERROR, 0, &e), RC_PARSE);
	assert_string_equal(e.msg, "h: too large");
	t.why.rc = RC_OK;
	t.head_done = 1;
	assert_int_equal(transfer_outcome(&t, CURLE_WRITE_ERROR, 0, &e), RC_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_lines_are_kept_as_text),
		cmocka_unit_test(a_header_that_does_not_fit_is_left_out_whole),
		cmocka_unit_test(redirects_stay_on_their_host),
		cmocka_unit_test(a_host_is_read_out_of_an_address),
		cmocka_unit_test(a_long_host_is_cut_in_messages),
		cmocka_unit_test(
		    every_failure_has_its_code_and_names_the_host_only),
		cmocka_unit_test(our_own_reason_goes_before_the_one_of_curl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

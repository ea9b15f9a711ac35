/* The conversation with Yahoo: sessions, batches, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "source/source.h"

#define FC "https://fc.yahoo.com/"
#define INVALID_CRUMB                                                          \
	"{\"finance\":{\"result\":null,\"error\":{\"code\":\"Unauthorized\","  \
	"\"description\":\"Invalid Crumb\"}}}"

static const struct source *const yahoo = &source_yahoo;

struct talk {
	struct config config;
	struct member members[200];
	char names[200][32];
	struct query query;
	struct conversation *c;
	struct http_request req;
	struct err e;
};

/* A conversation about n companies: T000, T001, … */
static struct talk *
talk_to(struct talk *t, size_t n)
{
	memset(t, 0, sizeof(*t));
	snprintf(t->config.yahoo_url, LIMIT_SETTING, "http://q.test/");
	snprintf(t->config.yahoo_cookie_url, LIMIT_SETTING, FC);
	t->config.yahoo_rate_limit = 3;
	for (size_t i = 0; i < n; i++) {
		snprintf(t->names[i], sizeof(t->names[i]), "T%03zu", i);
		t->members[i].ticker = t->names[i];
	}
	t->query.dataset.index = "S&P 500";
	t->query.dataset.sector = DATASET_ANY;
	t->query.config = &t->config;
	t->query.members = t->members;
	t->query.nmembers = n;
	return t;
}

static void
begin(struct talk *t)
{
	assert_int_equal(yahoo->begin(&t->c, &t->query, &t->e), RC_OK);
}

/* The next step must be a request; its tag. */
static unsigned
ask(struct talk *t)
{
	assert_int_equal(yahoo->next(t->c, &t->req), STEP_REQUEST);
	return t->req.tag;
}

static enum step
step(struct talk *t)
{
	struct http_request none;

	return yahoo->next(t->c, &none);
}

static enum rc
tell(struct talk *t, unsigned tag, int status, const char *headers,
    const char *body)
{
	struct http_response r = { .tag = tag,
		.status = status,
		.body = body,
		.len = strlen(body),
		.headers = headers,
		.retry_after_ms = -1 };

	return yahoo->feed(t->c, &r, &t->e);
}

/* Quotes of members first to last - 1, last one first. */
static enum rc
tell_quotes(struct talk *t, unsigned tag, size_t first, size_t last)
{
	struct buf b;
	enum rc rc;

	buf_init(&b, 1u << 20);
	buf_adds(&b, "{\"quoteResponse\":{\"result\":[");
	for (size_t i = last; i-- > first;)
		buf_addf(&b,
		    "%s{\"symbol\":\"T%03zu\","
		    "\"regularMarketPrice\":%zu.5}",
		    i + 1 < last ? "," : "", i, i);
	buf_adds(&b, "],\"error\":null}}");
	assert_int_equal(b.rc, RC_OK);
	rc = tell(t, tag, 200, "", b.data);
	buf_fini(&b);
	return rc;
}

/* Give it a session of another process. */
static void
lend(struct talk *t, const char *text)
{
	assert_int_equal(step(t), STEP_SESSION);
	yahoo->session(t->c, text);
}

/* Let it make one: A3=<name>, crumb <name>. */
static void
make(struct talk *t, const char *name)
{
	char header[64];
	unsigned tag;

	assert_int_equal(step(t), STEP_SESSION);
	yahoo->session(t->c, NULL);
	snprintf(header, sizeof(header), "Set-Cookie: A3=%s; Path=/\n", name);
	assert_int_equal(tell(t, ask(t), 404, header, "<html>"), RC_OK);
	tag = ask(t);
	assert_int_equal(tell(t, tag, 200, "", name), RC_OK);
}

static void
a_session_is_made_of_cookie_and_crumb(void **state)
{
	struct talk t;
	unsigned tag;

	(void)state;
	begin(talk_to(&t, 1));
	assert_int_equal(step(&t), STEP_SESSION);
	assert_int_equal(step(&t), STEP_SESSION);
	yahoo->session(t.c, NULL);
	tag = ask(&t);
	assert_string_equal(t.req.url, FC);
	assert_string_equal(t.req.accept, "text/html");
	assert_int_equal(t.req.head_only, 1);
	assert_int_equal(step(&t), STEP_WAIT);
	assert_int_equal(
	    tell(&t, tag, 404,
		"Set-Cookie: A1=old; Path=/\nSet-Cookie: GONE=x; Max-Age=0\n"
		"Set-Cookie: A3=d=AQ&S=x; Domain=.yahoo.com; Secure\n"
		"Set-Cookie: A1=new; Path=/\n",
		"<html>"),
	    RC_OK);
	tag = ask(&t);
	assert_string_equal(t.req.url, "http://q.test/v1/test/getcrumb");
	assert_string_equal(t.req.cookie, "A1=new; A3=d=AQ&S=x");
	assert_int_equal(t.req.head_only, 0);
	assert_null(yahoo->made(t.c));
	assert_int_equal(tell(&t, tag, 200, "", "a/B.c1dEfGh"), RC_OK);
	assert_string_equal(
	    yahoo->made(t.c), "A1=new; A3=d=AQ&S=x\na/B.c1dEfGh");
	assert_null(yahoo->made(t.c));
	ask(&t);
	assert_string_equal(t.req.cookie, "A1=new; A3=d=AQ&S=x");
	assert_non_null(strstr(t.req.url, "&crumb=a%2FB.c1dEfGh"));
	assert_int_equal(step(&t), STEP_WAIT);
	yahoo->end(t.c);
}

static void
a_session_of_another_process_is_used(void **state)
{
	struct talk t;

	(void)state;
	begin(talk_to(&t, 1));
	lend(&t, "A3=x\ncrumb");
	ask(&t);
	assert_string_equal(t.req.cookie, "A3=x");
	assert_ptr_equal(strstr(t.req.url, "http://q.test/v7/finance/quote?"
					   "symbols=T000&fields="),
	    t.req.url);
	assert_null(yahoo->refused(t.c));
	yahoo->end(t.c);
}

static void
quotes_come_in_batches_matched_by_symbol(void **state)
{
	unsigned tags[3];
	int64_t rows, total;
	struct record *r;
	struct table table;
	struct talk t;

	(void)state;
	begin(talk_to(&t, 120));
	table_init(&table);
	make(&t, "one");
	for (size_t i = 0; i < 3; i++)
		tags[i] = ask(&t);
	assert_non_null(strstr(t.req.url, "symbols=T100,T101,"));
	assert_non_null(strstr(t.req.url, ",T119&fields="));
	assert_int_equal(step(&t), STEP_WAIT);
	assert_int_equal(tell_quotes(&t, tags[2], 100, 120), RC_OK);
	yahoo->progress(t.c, &rows, &total);
	assert_int_equal(rows, 20);
	assert_int_equal(total, 120);
	assert_int_equal(tell_quotes(&t, tags[0], 0, 50), RC_OK);
	/* A second answer to one request changes nothing. */
	assert_int_equal(tell_quotes(&t, tags[0], 0, 10), RC_OK);
	assert_int_equal(yahoo->finish(t.c, &table, &total, &t.e), RC_BUG);
	assert_int_equal(tell_quotes(&t, tags[1], 50, 99), RC_OK);
	assert_int_equal(step(&t), STEP_DONE);
	assert_int_equal(yahoo->finish(t.c, &table, &total, &t.e), RC_OK);
	assert_int_equal(table.count, 119);
	assert_int_equal(total, 120);
	r = table_find(&table, "T110");
	assert_non_null(r);
	assert_float_equal(r->v[FIELD_PRICE].u.number, 110.5, 0);
	assert_null(table_find(&table, "T099"));
	table_fini(&table);
	yahoo->end(t.c);
}

static void
class_shares_are_mapped_both_ways(void **state)
{
	static const struct member members[] = { { "BRK.B", "Berkshire",
						     "Financial" },
		{ "BF/B", NULL, NULL }, { "OCDO.L", NULL, NULL },
		{ "^GSPC", NULL, NULL }, { "EURUSD=X", NULL, NULL } };
	struct table table;
	struct record *r;
	struct talk t;
	int64_t total;
	unsigned tag;

	(void)state;
	talk_to(&t, 5);
	memcpy(t.members, members, sizeof(members));
	begin(&t);
	lend(&t, "A3=x\ncrumb");
	tag = ask(&t);
	assert_non_null(
	    strstr(t.req.url, "symbols=BRK-B,BF-B,OCDO.L,%5EGSPC,EURUSD%3DX&"));
	assert_int_equal(
	    tell(&t, tag, 200, "",
		"{\"quoteResponse\":{\"error\":null,\"result\":["
		"{\"symbol\":\"BF-B\",\"regularMarketPrice\":2},"
		"{\"symbol\":\"MSFT\",\"regularMarketPrice\":9},"
		"{\"symbol\":\"^GSPC\",\"regularMarketPrice\":4},"
		"{\"symbol\":\"OCDO.L\",\"regularMarketPrice\":3},"
		"{\"symbol\":\"EURUSD=X\",\"regularMarketPrice\":5},"
		"{\"symbol\":\"BRK-B\",\"regularMarketPrice\":1}]}}"),
	    RC_OK);
	table_init(&table);
	assert_int_equal(yahoo->finish(t.c, &table, &total, &t.e), RC_OK);
	assert_int_equal(table.count, 5);
	r = table_find(&table, "BRK.B");
	assert_non_null(r);
	assert_float_equal(r->v[FIELD_PRICE].u.number, 1, 0);
	assert_string_equal(r->v[FIELD_SECTOR].u.text, "Financial");
	assert_string_equal(r->v[FIELD_COMPANY].u.text, "Berkshire");
	assert_non_null(table_find(&table, "BF-B"));
	assert_null(table_find(&table, "MSFT"));
	assert_int_equal(table.have[FIELD_SECTOR], 1);
	assert_int_equal(table.have[FIELD_INDUSTRY], 0);
	table_fini(&table);
	yahoo->end(t.c);
}

static void
one_refusal_of_many_renews_the_session(void **state)
{
	struct talk t;
	unsigned a, b, c, again;

	(void)state;
	begin(talk_to(&t, 120));
	lend(&t, "A3=old\nold");
	a = ask(&t);
	b = ask(&t);
	c = ask(&t);
	assert_int_equal(tell(&t, a, 401, "", INVALID_CRUMB), RC_OK);
	assert_string_equal(yahoo->refused(t.c), "A3=old\nold");
	assert_int_equal(step(&t), STEP_SESSION);
	assert_int_equal(tell(&t, b, 401, "", INVALID_CRUMB), RC_OK);
	make(&t, "new");
	assert_string_equal(yahoo->made(t.c), "A3=new\nnew");
	again = ask(&t);
	assert_int_not_equal(again, a);
	assert_string_equal(t.req.cookie, "A3=new");
	/* The last one that had the old session. */
	assert_int_equal(tell(&t, c, 401, "", INVALID_CRUMB), RC_OK);
	assert_int_equal(tell_quotes(&t, again, 0, 50), RC_OK);
	assert_int_equal(tell_quotes(&t, ask(&t), 50, 100), RC_OK);
	assert_int_equal(tell_quotes(&t, ask(&t), 100, 120), RC_OK);
	assert_int_equal(step(&t), STEP_DONE);
	yahoo->end(t.c);
}

static void
a_fresh_session_refused_ends_it(void **state)
{
	struct table table;
	struct talk t;
	int64_t total;

	(void)state;
	begin(talk_to(&t, 1));
	make(&t, "one");
	assert_int_equal(tell(&t, ask(&t), 401, "", INVALID_CRUMB), RC_OK);
	make(&t, "two");
	assert_int_equal(tell(&t, ask(&t), 401, "", INVALID_CRUMB), RC_BLOCKED);
	assert_int_equal(step(&t), STEP_DONE);
	table_init(&table);
	assert_int_equal(yahoo->finish(t.c, &table, &total, &t.e), RC_BLOCKED);
	assert_int_equal(table.count, 0);
	yahoo->end(t.c);
}

static void
refused_sessions_are_not_taken_for_ever(void **state)
{
	struct talk t;

	(void)state;
	begin(talk_to(&t, 1));
	lend(&t, "A3=a\na");
	assert_int_equal(tell(&t, ask(&t), 401, "", INVALID_CRUMB), RC_OK);
	/* One of another process, then its own; never an equal one. */
	lend(&t, "A3=b\nb");
	assert_int_equal(tell(&t, ask(&t), 401, "", INVALID_CRUMB), RC_OK);
	lend(&t, "A3=c\nc");
	ask(&t);
	assert_string_equal(t.req.url, FC);
	yahoo->end(t.c);
	begin(talk_to(&t, 1));
	lend(&t, "A3=a\na");
	assert_int_equal(tell(&t, ask(&t), 401, "", INVALID_CRUMB), RC_OK);
	lend(&t, "A3=a\na");
	ask(&t);
	assert_string_equal(t.req.url, FC);
	yahoo->end(t.c);
}

static void
a_text_that_is_no_crumb_is_asked_for_again(void **state)
{
	struct talk t;
	unsigned tag;

	(void)state;
	begin(talk_to(&t, 1));
	lend(&t, "no session");
	assert_int_equal(
	    tell(&t, ask(&t), 404, "Set-Cookie: A3=x\n", ""), RC_OK);
	tag = ask(&t);
	assert_int_equal(
	    tell(&t, tag, 200, "", "Too Many Requests\r\n"), RC_LIMITED);
	assert_int_equal(step(&t), STEP_WAIT);
	assert_int_equal(tell(&t, tag, 200, "", "crumb"), RC_OK);
	ask(&t);
	assert_non_null(strstr(t.req.url, "&crumb=crumb"));
	yahoo->end(t.c);
}

static void
the_cookie_has_a_second_address(void **state)
{
	struct http_response none = {
		.body = "", .headers = "", .why = { RC_NET, "no such host" }
	};
	struct talk t;
	unsigned tag;

	(void)state;
	for (int cut = 0; cut < 2; cut++) {
		begin(talk_to(&t, 1));
		lend(&t, NULL);
		none.tag = ask(&t);
		if (cut)
			assert_int_equal(yahoo->feed(t.c, &none, &t.e), RC_OK);
		else
			assert_int_equal(
			    tell(&t, none.tag, 404, "", ""), RC_OK);
		tag = ask(&t);
		assert_string_equal(
		    t.req.url, "https://finance.yahoo.com/quote/AAPL");
		assert_int_equal(tell(&t, tag, 200, "", ""), RC_BLOCKED);
		assert_int_equal(
		    tell(&t, tag, 200, "Set-Cookie: A1=x\n", ""), RC_OK);
		ask(&t);
		assert_string_equal(t.req.cookie, "A1=x");
		yahoo->end(t.c);
	}
}

static void
a_cookie_address_that_is_set_has_no_other(void **state)
{
	struct talk t;
	unsigned tag;

	(void)state;
	talk_to(&t, 1);
	snprintf(t.config.yahoo_cookie_url, LIMIT_SETTING, "http://c.test/x");
	begin(&t);
	lend(&t, NULL);
	tag = ask(&t);
	assert_string_equal(t.req.url, "http://c.test/x");
	assert_int_equal(tell(&t, tag, 429, "", ""), RC_LIMITED);
	assert_int_equal(tell(&t, tag, 200, "", ""), RC_BLOCKED);
	assert_int_equal(tell(&t, tag, 502, "", ""), RC_UPSTREAM);
	assert_int_equal(step(&t), STEP_WAIT);
	yahoo->end(t.c);
}

static void
a_batch_that_failed_is_sent_again(void **state)
{
	struct talk t;
	unsigned tag;

	(void)state;
	begin(talk_to(&t, 2));
	lend(&t, "A3=x\ncrumb");
	tag = ask(&t);
	assert_int_equal(tell(&t, tag, 429, "", ""), RC_LIMITED);
	assert_int_equal(tell(&t, tag, 502, "", "<html>"), RC_UPSTREAM);
	assert_int_equal(tell(&t, tag, 200, "", "{"), RC_PARSE);
	assert_int_equal(step(&t), STEP_WAIT);
	assert_int_equal(tell_quotes(&t, tag, 0, 2), RC_OK);
	assert_int_equal(step(&t), STEP_DONE);
	yahoo->end(t.c);
}

static void
less_than_four_fifths_is_invalid(void **state)
{
	struct table table;
	struct talk t;
	int64_t total;

	(void)state;
	for (size_t n = 7; n <= 8; n++) {
		begin(talk_to(&t, 10));
		table_init(&table);
		lend(&t, "A3=x\ncrumb");
		assert_int_equal(tell_quotes(&t, ask(&t), 0, n), RC_OK);
		assert_int_equal(yahoo->finish(t.c, &table, &total, &t.e),
		    n == 8 ? RC_OK : RC_INVALID);
		assert_int_equal(table.count, n == 8 ? 8 : 0);
		table_fini(&table);
		yahoo->end(t.c);
	}
}

static void
without_members_it_cannot_begin(void **state)
{
	struct policy p;
	struct talk t;

	(void)state;
	talk_to(&t, 0);
	t.query.dataset.index = "RUSSELL 2000";
	assert_int_equal(yahoo->begin(&t.c, &t.query, &t.e), RC_NOTFOUND);
	assert_string_equal(
	    t.e.msg, "the members of RUSSELL 2000 are not known");
	yahoo->end(NULL);
	yahoo->policy(&t.config, &p);
	assert_float_equal(p.rate, 3, 0);
	assert_int_equal(p.burst, 1);
	assert_int_equal(p.connections, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_made_of_cookie_and_crumb),
		cmocka_unit_test(a_session_of_another_process_is_used),
		cmocka_unit_test(quotes_come_in_batches_matched_by_symbol),
		cmocka_unit_test(class_shares_are_mapped_both_ways),
		cmocka_unit_test(one_refusal_of_many_renews_the_session),
		cmocka_unit_test(a_fresh_session_refused_ends_it),
		cmocka_unit_test(refused_sessions_are_not_taken_for_ever),
		cmocka_unit_test(a_text_that_is_no_crumb_is_asked_for_again),
		cmocka_unit_test(the_cookie_has_a_second_address),
		cmocka_unit_test(a_cookie_address_that_is_set_has_no_other),
		cmocka_unit_test(a_batch_that_failed_is_sent_again),
		cmocka_unit_test(less_than_four_fifths_is_invalid),
		cmocka_unit_test(without_members_it_cannot_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

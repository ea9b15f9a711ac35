/*
 * One body of Yahoo, as fetch -f reads it, as an answer in a conversation, and
 * as a crumb.  What holds whatever the body is: a table only with RC_OK, a
 * message with everything else, figures that are finite, well-formed tickers.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/source.h"
#include "source/yahoo_chart.h"
#include "source/yahoo_session.h"

#define HOLDS(x) ((x) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const int statuses[] = { 200, 401, 404, 503 };

static void
check_table(const struct table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct value *v = t->rows[i].v;

		HOLDS(v[FIELD_TICKER].kind == VALUE_TEXT);
		HOLDS(table_is_ticker(v[FIELD_TICKER].u.text));
		HOLDS(v[FIELD_PRICE].kind == VALUE_NUMBER);
		for (int f = 0; f < FIELD__MAX; f++)
			if (v[f].kind == VALUE_NUMBER)
				HOLDS(isfinite(v[f].u.number));
			else if (v[f].kind == VALUE_TEXT)
				HOLDS(strlen(v[f].u.text) <= LIMIT_CELL);
	}
}

static void
read_one(const struct http_response *r)
{
	struct err e = { 0 };
	int64_t total = -7;
	struct table t;
	enum rc rc;

	table_init(&t);
	rc = source_yahoo.read(r, &t, &total, &e);
	HOLDS((rc == RC_OK) == (t.count > 0));
	HOLDS((rc == RC_OK || rc == RC_EMPTY) == (total >= 0));
	HOLDS(rc != RC_OK || (uint64_t)total >= t.count);
	HOLDS(rc == RC_OK || (e.rc == rc && e.msg[0] != '\0'));
	check_table(&t);
	table_fini(&t);
}

/* As a chart: figures are finite, and what fails says why. */
static void
read_chart(const struct http_response *r)
{
	struct err e = { 0 };
	struct returns f;
	enum rc rc = yahoo_chart_read(r, &f, &e);

	HOLDS(rc == RC_OK || (e.rc == rc && f.error.rc == rc));
	HOLDS(rc == RC_OK || !f.has_figures);
	HOLDS(rc != RC_OK || f.points > 0);
	HOLDS(rc != RC_OK || f.has_figures == (f.points >= RETURNS_LEAST));
	HOLDS(isfinite(f.annual_return) || !f.has_figures);
	HOLDS(isfinite(f.annual_risk) || !f.has_figures);
	HOLDS(isfinite(f.ratio) || !f.has_ratio);
}

static void
converse(const struct http_response *answer)
{
	static const struct member members[] = {
		{ "AAPL", "Apple Inc.", "Technology" }, { "BRK.B", NULL, NULL }
	};
	static struct config config = { .yahoo_url = "http://localhost" };
	struct query q = { .dataset = { "DJIA", "Any" },
		.config = &config,
		.members = members,
		.nmembers = 2 };
	struct http_response r = *answer;
	struct conversation *c;
	struct http_request req;
	struct table t;
	int64_t total;

	if (source_yahoo.begin(&c, &q, NULL) != RC_OK)
		return;
	table_init(&t);
	for (int i = 0; i < 8; i++) {
		enum step step = source_yahoo.next(c, &req);

		if (step == STEP_SESSION) {
			source_yahoo.session(c, "A3=x\ncrumb");
		} else if (step == STEP_REQUEST) {
			r.tag = req.tag;
			r.headers = "Set-Cookie: A3=x\n";
			source_yahoo.feed(c, &r, NULL);
		} else if (step == STEP_DONE) {
			source_yahoo.finish(c, &t, &total, NULL);
			break;
		}
	}
	check_table(&t);
	HOLDS(t.count <= 2);
	table_fini(&t);
	source_yahoo.end(c);
}

static void
take_crumb(const struct http_response *r)
{
	struct yahoo_session s = { "A3=x", "old" }, back;
	char text[YAHOO_SESSION_TEXT];

	if (yahoo_session_crumb(r, &s, NULL) == RC_OK) {
		yahoo_session_text(&s, text);
		HOLDS(yahoo_session_read(&back, text));
		HOLDS(strcmp(back.crumb, s.crumb) == 0);
	} else {
		HOLDS(strcmp(s.crumb, "old") == 0);
	}
}

static void
take_cookie(const char *headers)
{
	struct http_response r = {
		.status = 404, .body = "", .headers = headers
	};
	struct yahoo_session s = { "", "crumb" }, back;
	char text[YAHOO_SESSION_TEXT];

	if (yahoo_session_cookie(&r, &s, NULL) == RC_OK) {
		yahoo_session_text(&s, text);
		HOLDS(yahoo_session_read(&back, text));
		HOLDS(strcmp(back.cookie, s.cookie) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_response r = {
		.headers = "", .retry_after_ms = -1, .len = size
	};
	char *body = malloc(size + 1);

	if (body == NULL)
		return 0;
	if (size > 0)
		memcpy(body, data, size);
	body[size] = '\0';
	r.body = body;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		r.status = statuses[i];
		read_chart(&r);
		read_one(&r);
	}
	r.status = 200;
	converse(&r);
	take_crumb(&r);
	take_cookie(body);
	free(body);
	return 0;
}

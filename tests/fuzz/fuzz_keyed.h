/*
 * One body of a source behind a key, as fetch -f reads it with several
 * statuses, and as every answer in a conversation.  What holds whatever the
 * body is: a table only with RC_OK, a message with everything else, figures
 * that are finite, well-formed tickers, an end.
 */
#ifndef FUZZ_KEYED_H
#define FUZZ_KEYED_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "source/account.h"
#include "source/source.h"

#define HOLDS(x) ((x) ? (void)0 : abort())
#define KEY      "k3y-of-the-user"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_table(const struct table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct value *v = t->rows[i].v;

		HOLDS(v[FIELD_TICKER].kind == VALUE_TEXT);
		HOLDS(table_is_ticker(v[FIELD_TICKER].u.text));
		for (int f = 0; f < FIELD__MAX; f++)
			if (v[f].kind == VALUE_NUMBER)
				HOLDS(isfinite(v[f].u.number));
			else if (v[f].kind == VALUE_TEXT)
				HOLDS(strlen(v[f].u.text) <= LIMIT_CELL);
	}
}

static void
read_one(const struct source *s, const struct http_response *r)
{
	struct err e = { 0 };
	int64_t total = -7;
	struct table t;
	enum rc rc;

	table_init(&t);
	rc = s->read(r, &t, &total, &e);
	HOLDS((rc == RC_OK) == (t.count > 0));
	HOLDS((rc == RC_OK || rc == RC_EMPTY) == (total >= 0));
	HOLDS(rc != RC_OK || (uint64_t)total >= t.count);
	HOLDS(rc == RC_OK || (e.rc == rc && e.msg[0] != '\0'));
	check_table(&t);
	table_fini(&t);
}

static void
converse(const struct source *s, const struct http_response *answer)
{
	static const struct member members[] = {
		{ "AAPL", "Apple Inc.", "Technology" }, { "BRK-B", NULL, NULL }
	};
	static struct config config = { .alphavantage_url = "http://localhost",
		.polygon_url = "http://localhost",
		.iex_url = "http://localhost",
		.polygon_minute_quota = 5,
		.alphavantage_key = KEY,
		.polygon_key = KEY,
		.iex_token = KEY };
	struct query q = { .dataset = { "DJIA", "Any" },
		.config = &config,
		.members = members,
		.nmembers = 2 };
	struct http_request req = { .tag = 0 };
	struct http_response r = *answer;
	struct conversation *c;
	struct err e = { 0 };
	int64_t total = 0;
	struct table t;
	enum step step = STEP_REQUEST;
	enum rc rc = RC_OK;

	if (s->begin(&c, &q, NULL) != RC_OK)
		return;
	table_init(&t);
	for (int i = 0; i < 64 && step == STEP_REQUEST && rc == RC_OK; i++) {
		step = s->next(c, &req);
		if (step != STEP_REQUEST)
			break;
		r.tag = req.tag;
		rc = s->feed(c, &r, &e);
		HOLDS(rc == RC_OK || e.msg[0] != '\0');
		account_hide(&config, s->name, e.msg);
		HOLDS(strstr(e.msg, KEY) == NULL);
	}
	HOLDS(rc != RC_OK || step == STEP_DONE);
	if (step == STEP_DONE)
		s->finish(c, &t, &total, NULL);
	check_table(&t);
	HOLDS(t.count <= 2);
	table_fini(&t);
	s->end(c);
}

static int
fuzz(const struct source *s, const uint8_t *data, size_t size)
{
	static const int statuses[] = { 200, 402, 403, 404, 429, 503 };
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
		read_one(s, &r);
		converse(s, &r);
	}
	free(body);
	return 0;
}

#endif

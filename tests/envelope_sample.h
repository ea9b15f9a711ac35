/*
 * An envelope to write and read, for the tests of both.
 */
#ifndef TESTS_ENVELOPE_SAMPLE_H
#define TESTS_ENVELOPE_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data/envelope.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* 2026-11-23T13:00:12Z */
#define FETCHED INT64_C(1795438812345)
#define FRESH   INT64_C(1795442412000)

static inline struct record *
record(struct table *t, const char *ticker)
{
	struct record *r;

	assert_int_equal(table_record(t, ticker, &r, NULL, NULL), RC_OK);
	return r;
}

/* Two companies with texts, numbers and nulls. */
static inline void
sample(struct table *t)
{
	struct record *r;

	table_init(t);
	memset(t->have, 1, FIELD__MAX);
	r = record(t, "AAPL");
	table_set_text(t, r, FIELD_COMPANY, "Apple \"Inc\\", NULL);
	table_set_text(t, r, FIELD_SECTOR, "Technology", NULL);
	table_set_text(t, r, FIELD_IPO_DATE, "1980-12-12", NULL);
	table_set_number(r, FIELD_MARKET_CAP, 4374480000000.0);
	table_set_number(r, FIELD_PE, 39.98);
	table_set_number(r, FIELD_CHANGE, -0.0029);
	table_set_number(r, FIELD_PEG, 0);
	r = record(t, "BRK-B");
	table_set_number(r, FIELD_PE, 1.0 / 3);
	table_set_number(r, FIELD_EPS, 4e-7);
	t->have[FIELD_BETA] = 0;
	t->have[FIELD_PERF_3Y] = 0;
}

static inline struct envelope
envelope_of(const struct table *t)
{
	return (struct envelope){ .dataset = { "S&P 500", "Technology" },
		.source = "finviz",
		.fetched_ms = FETCHED,
		.fresh_ms = FRESH,
		.total = 2,
		.table = t };
}

/* Write it; the caller frees the text. */
static inline char *
written(const struct envelope *env)
{
	struct buf b;
	char *text;

	buf_init(&b, LIMIT_ENVELOPE);
	envelope_write(&b, env);
	assert_int_equal(b.rc, RC_OK);
	text = buf_take(&b);
	assert_non_null(text);
	return text;
}

#endif

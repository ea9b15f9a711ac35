#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "base/limits.h"
#include "source/tree.h"
#include "source/yahoo_body.h"
#include "source/yahoo_quote.h"

#define BLANK          " \t\r\n"
#define TRAILING_YIELD "trailingAnnualDividendYield" /* a fraction */

/* Members that are read besides those of fields.def. */
static const char *const extra[] = { "quoteType", "currency",
	"financialCurrency", "shortName", TRAILING_YIELD };

/* Currencies whose prices come in hundredths, while marketCap does not. */
static const char *const hundredths[] = { "GBp", "ZAc", "ILA" };

/* The fields that such a price is in. */
static const enum field prices[] = { FIELD_PRICE, FIELD_OPEN, FIELD_HIGH,
	FIELD_LOW, FIELD_PREV_CLOSE };

/* A ratio with a divisor of 0 comes as the text "Infinity" or "NaN". */
static const enum field ratios[] = { FIELD_PE, FIELD_FPE, FIELD_PB,
	FIELD_DIVIDEND };
static const char *const no_ratio[] = { "Infinity", "-Infinity", "NaN", "nan" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct quote {
	struct json_object *o;
	const char *symbol;
	int in_hundredths;
};

static int
is_word(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n && text != NULL; i++)
		if (strcmp(text, words[i]) == 0)
			return 1;
	return 0;
}

static int
is_field(enum field f, const enum field *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == f)
			return 1;
	return 0;
}

void
yahoo_quote_symbol(char out[LIMIT_TICKER + 1], const char *ticker)
{
	size_t n;

	snprintf(out, LIMIT_TICKER + 1, "%s", ticker);
	n = strlen(out);
	if (n > 2 &&
	    (out[n - 2] == '/' ||
		(out[n - 2] == '.' && strchr("FLTV", out[n - 1]) == NULL)))
		out[n - 2] = '-';
}

void
yahoo_quote_fields(struct buf *b)
{
	size_t i;

	for (i = 0; i < FIELD__MAX; i++)
		if (fields[i].yahoo != NULL && i != FIELD_TICKER)
			buf_addf(b, "%s,", fields[i].yahoo);
	for (i = 0; i < COUNT(extra); i++)
		buf_addf(b, "%s%s", i > 0 ? "," : "", extra[i]);
}

void
yahoo_quote_have(struct table *t)
{
	for (size_t i = 0; i < FIELD__MAX; i++)
		if (fields[i].yahoo != NULL)
			t->have[i] = 1;
}

/*
 * A member as a number: plain, or {"raw":1.5,"fmt":"1.50"} as formatted=true
 * has it.  RC_NOTFOUND where it is absent, null or {}.
 */
static enum rc
figure(const struct quote *q, const char *name, int exp10, int is_ratio,
    double *out, struct err *e)
{
	struct json_object *v;
	struct err why;
	enum rc rc;

	if (!json_object_object_get_ex(q->o, name, &v))
		return RC_NOTFOUND;
	if (json_object_is_type(v, json_type_object)) {
		if (json_object_object_length(v) == 0)
			return RC_NOTFOUND;
		if (!json_object_object_get_ex(v, "raw", &v))
			return err_set(e, RC_PARSE,
			    "%.*s: %s: an object "
			    "without \"raw\"",
			    LIMIT_TICKER, q->symbol, name);
	}
	if (v == NULL)
		return RC_NOTFOUND;
	if (is_ratio && json_object_is_type(v, json_type_string) &&
	    is_word(json_object_get_string(v), no_ratio, COUNT(no_ratio)))
		return RC_NOTFOUND;
	if (json_object_is_type(v, json_type_int) ||
	    json_object_is_type(v, json_type_double))
		rc = tree_number(v, exp10, out, &why);
	else
		rc = err_set(&why, RC_PARSE, "%s where a number is due",
		    json_type_to_name(json_object_get_type(v)));
	if (rc != RC_OK)
		return err_set(e, rc, "%.*s: %s: %s", LIMIT_TICKER, q->symbol,
		    name, why.msg);
	return RC_OK;
}

static enum rc
add_figure(struct record *rec, enum field f, const struct quote *q,
    const char *name, int exp10, struct err *e)
{
	double v = 0;
	enum rc rc =
	    figure(q, name, exp10, is_field(f, ratios, COUNT(ratios)), &v, e);

	if (rc == RC_OK)
		table_set_number(rec, f, v);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
add_figures(struct record *rec, const struct quote *q, struct err *e)
{
	enum rc rc = RC_OK;
	int exp10;

	for (int f = 0; f < FIELD__MAX && rc == RC_OK; f++) {
		if (fields[f].yahoo == NULL || !field_is_number(f))
			continue;
		exp10 = fields[f].yahoo_exp10;
		if (q->in_hundredths && is_field(f, prices, COUNT(prices)))
			exp10 -= 2;
		rc = add_figure(rec, f, q, fields[f].yahoo, exp10, e);
	}
	return rc;
}

/*
 * The trailing yield where Yahoo gives no other, and only where dividend and
 * price are in one currency: Yahoo divides regardless (BABA: 0.06).
 */
static enum rc
add_trailing_yield(struct record *rec, const struct quote *q, struct err *e)
{
	const char *trade = yahoo_body_member(q->o, "currency");
	const char *report = yahoo_body_member(q->o, "financialCurrency");

	if (rec->v[FIELD_DIVIDEND].kind != VALUE_NULL || trade == NULL ||
	    report == NULL || strcmp(trade, report) != 0)
		return RC_OK;
	return add_figure(rec, FIELD_DIVIDEND, q, TRAILING_YIELD, 0, e);
}

static enum rc
add_name(
    struct table *t, struct record *rec, const struct quote *q, struct err *e)
{
	static const char *const names[] = { "longName", "shortName" };
	char text[LIMIT_CELL + 1];
	const char *s;
	size_t n;

	for (size_t i = 0; i < COUNT(names); i++) {
		s = yahoo_body_member(q->o, names[i]);
		if (s == NULL)
			continue;
		s += strspn(s, BLANK);
		n = strlen(s);
		while (n > 0 && strchr(BLANK, s[n - 1]) != NULL)
			n--;
		if (n > LIMIT_CELL)
			return err_set(e, RC_PARSE, "%.*s: %s: %zu bytes",
			    LIMIT_TICKER, q->symbol, names[i], n);
		if (n == 0)
			continue;
		memcpy(text, s, n);
		text[n] = '\0';
		return table_set_text(t, rec, FIELD_COMPANY, text, e);
	}
	return RC_OK;
}

static enum rc
add_quote(struct table *t, struct json_object *o, struct err *e)
{
	struct quote q = { .o = o };
	const char *type, *currency;
	struct record *rec;
	double price;
	int added;
	enum rc rc;

	if (!json_object_is_type(o, json_type_object))
		return err_set(e, RC_PARSE, "a quote that is not an object");
	q.symbol = yahoo_body_member(o, "symbol");
	if (q.symbol == NULL)
		return err_set(e, RC_PARSE, "a quote without a symbol");
	type = yahoo_body_member(o, "quoteType");
	rc = figure(&q, "regularMarketPrice", 0, 0, &price, e);
	/* A stub of a symbol that is no more: it has no figures. */
	if (rc == RC_NOTFOUND || (type != NULL && strcmp(type, "NONE") == 0))
		return RC_OK;
	if (rc == RC_OK)
		rc = table_record(t, q.symbol, &rec, &added, e);
	if (rc != RC_OK || !added)
		return rc;
	currency = yahoo_body_member(o, "currency");
	q.in_hundredths = is_word(currency, hundredths, COUNT(hundredths));
	rc = add_name(t, rec, &q, e);
	if (rc == RC_OK)
		rc = add_figures(rec, &q, e);
	if (rc == RC_OK)
		rc = add_trailing_yield(rec, &q, e);
	return rc;
}

enum rc
yahoo_quote_read(const struct http_response *r, struct table *table,
    int64_t *total, int *unauthorized, struct err *e)
{
	struct yahoo_body body;
	struct table t;
	size_t n = 0;
	enum rc rc;

	table_init(&t);
	rc = yahoo_body_read(r, "quoteResponse", &body, e);
	*unauthorized = body.unauthorized;
	if (rc == RC_OK)
		n = json_object_array_length(body.result);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc =
		    add_quote(&t, json_object_array_get_idx(body.result, i), e);
	if (rc == RC_OK && t.count == 0)
		rc = err_set(e, RC_EMPTY, "no quote among %zu results", n);
	if (rc == RC_OK || rc == RC_EMPTY)
		*total = (int64_t)n;
	if (rc == RC_OK) {
		yahoo_quote_have(&t);
		table_fini(table);
		*table = t;
		table_init(&t);
	}
	table_fini(&t);
	yahoo_body_fini(&body);
	return rc;
}

#include <string.h>
#include <strings.h>

#include "base/zone.h"
#include "source/polygon_body.h"
#include "source/source.h"
#include "source/tree.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What a refusal is, by its status word and a part of its text. */
static const struct refusal {
	const char *status, *part;
	enum rc rc;
	const char *means;
} refusals[] = {
	{ "", "exceeded the maximum requests", RC_LIMITED,
	    "too many requests a minute" },
	{ "", "Unknown API Key", RC_BLOCKED, "the key is not known" },
	{ "", "API Key was not provided", RC_BLOCKED, "no key came along" },
	{ "NOT_AUTHORIZED", "before end of day", RC_NOTFOUND,
	    "the plan does not have this day yet" },
	{ "NOT_AUTHORIZED", "timeframe", RC_NOTFOUND,
	    "the plan does not have this day" },
	{ "NOT_AUTHORIZED", "", RC_BLOCKED, "the plan does not have this" },
	{ "NotFound", "", RC_NOTFOUND, "it knows no such ticker" },
	{ "NOT_FOUND", "", RC_NOTFOUND, "it knows no such ticker" },
	{ "ERROR", "", RC_UPSTREAM, "it answers with an error" },
};

/* A price of 0 is none: so a day is cleared before it opens. */
static const struct tree_field bar[] = {
	{ FIELD_OPEN, "o", 0, 1, 0 },
	{ FIELD_HIGH, "h", 0, 1, 0 },
	{ FIELD_LOW, "l", 0, 1, 0 },
	{ FIELD_PRICE, "c", 0, 1, 0 },
	{ FIELD_VOLUME, "v", 0, 0, 0 },
};

static const struct tree_field open_close[] = {
	{ FIELD_OPEN, "open", 0, 1, 0 },
	{ FIELD_HIGH, "high", 0, 1, 0 },
	{ FIELD_LOW, "low", 0, 1, 0 },
	{ FIELD_PRICE, "close", 0, 1, 0 },
	{ FIELD_VOLUME, "volume", 0, 0, 0 },
};

static const struct tree_field reference[] = {
	{ FIELD_MARKET_CAP, "market_cap", 0, 1, 0 },
	{ FIELD_OUTSTANDING, "share_class_shares_outstanding", 0, 1, 0 },
	{ FIELD_EMPLOYEES, "total_employees", 0, 1, 0 },
};

static const struct tree_field change = { FIELD_CHANGE, "todaysChangePerc", -2,
	0, 0 };
static const struct tree_field close_of = { FIELD_PRICE, "c", 0, 1, 0 };
static const struct tree_field price_of = { FIELD_PRICE, "p", 0, 1, 0 };
static const struct tree_field time_of = { FIELD_PRICE, "t", 0, 1, 0 };

/* A body under way into a table. */
struct reading {
	struct table *table;
	const struct table *only;
	int64_t total;
};

static void
mark(struct table *t, const struct tree_field *list, size_t n)
{
	t->have[FIELD_TICKER] = 1;
	for (size_t i = 0; i < n; i++)
		t->have[list[i].field] = 1;
}

void
polygon_have(struct table *t)
{
	mark(t, bar, COUNT(bar));
	t->have[FIELD_CHANGE] = t->have[FIELD_PREV_CLOSE] = 1;
}

static enum rc
judge(struct json_object *root, enum rc status, struct err *e)
{
	const char *word = tree_text(root, "status");
	const char *text = tree_text(root, "error");

	if (text == NULL)
		text = tree_text(root, "message");
	word = word != NULL ? word : "";
	text = text != NULL ? text : "";
	for (size_t i = 0; i < COUNT(refusals); i++)
		if (status != RC_LIMITED &&
		    (refusals[i].status[0] == '\0' ||
			strcmp(refusals[i].status, word) == 0) &&
		    strcasestr(text, refusals[i].part) != NULL)
			return err_set(e, refusals[i].rc, "Polygon: %s",
			    refusals[i].means);
	return status;
}

/* The JSON of an answer that is not a refusal. */
static enum rc
open_body(
    const struct http_response *r, struct json_object **root, struct err *e)
{
	const char *body = r->body + strspn(r->body, " \t\r\n");
	enum rc status = source_status(r, e), rc;
	struct err why;

	*root = NULL;
	if (*body != '{')
		return status != RC_OK
			   ? status
			   : err_set(e, RC_PARSE, "%s where JSON is due",
				 *body == '\0'  ? "an empty body"
				 : *body == '<' ? "HTML"
						: "text");
	rc = tree_parse(r->body, r->len, root, &why);
	if (rc != RC_OK)
		return status != RC_OK && rc != RC_NOMEM
			   ? status
			   : err_set(e, rc, "%s", why.msg);
	/* A refusal speaks by its text, except where the status is that of a
	 * broken server. */
	if (r->status < 500)
		status = judge(*root, status, e);
	if (status == RC_OK)
		return RC_OK;
	json_object_put(*root);
	*root = NULL;
	return status;
}

/* The record of a symbol, NULL where it is not wanted or no ticker. */
static enum rc
record_of(
    struct reading *r, const char *symbol, struct record **rec, struct err *e)
{
	*rec = NULL;
	if (symbol == NULL)
		return err_set(e, RC_PARSE, "a row without a ticker");
	r->total += table_find(r->table, symbol) == NULL;
	if (!table_is_ticker(symbol) ||
	    (r->only != NULL && table_find(r->only, symbol) == NULL))
		return RC_OK;
	return table_record(r->table, symbol, rec, NULL, e);
}

/* One more bar of a ticker: what was its price is the previous close now. */
static enum rc
add_bar(
    struct reading *r, struct json_object *o, const char *ticker, struct err *e)
{
	const char *own = tree_text(o, "T");
	struct record *rec;
	struct value before;
	double was;
	enum rc rc = record_of(r, own != NULL ? own : ticker, &rec, e);

	if (rc != RC_OK || rec == NULL)
		return rc;
	mark(r->table, bar, COUNT(bar));
	before = rec->v[FIELD_PRICE];
	for (size_t i = 0; i < COUNT(bar); i++)
		rec->v[bar[i].field] = (struct value){ VALUE_NULL, { 0 } };
	rc = tree_figures(rec, o, bar, COUNT(bar), e);
	if (rc != RC_OK)
		return err_wrap(e, "%.16s", own != NULL ? own : ticker);
	if (before.kind != VALUE_NUMBER ||
	    rec->v[FIELD_PRICE].kind != VALUE_NUMBER)
		return RC_OK;
	was = before.u.number;
	table_set_number(rec, FIELD_PREV_CLOSE, was);
	table_set_number(
	    rec, FIELD_CHANGE, (rec->v[FIELD_PRICE].u.number - was) / was);
	r->table->have[FIELD_PREV_CLOSE] = r->table->have[FIELD_CHANGE] = 1;
	return RC_OK;
}

static enum rc
add_reference(struct reading *r, struct json_object *o, struct err *e)
{
	struct record *rec;
	enum rc rc = record_of(r, tree_text(o, "ticker"), &rec, e);

	if (rc != RC_OK || rec == NULL)
		return rc;
	mark(r->table, reference, COUNT(reference));
	r->table->have[FIELD_COMPANY] = 1;
	rc = tree_figures(rec, o, reference, COUNT(reference), e);
	if (rc == RC_OK)
		rc = tree_words(r->table, rec, FIELD_COMPANY, o, "name", e);
	return rc;
}

/* A figure of a part of a snapshot; RC_NOTFOUND where either is not there. */
static enum rc
part_figure(struct json_object *o, const char *part, const struct tree_field *f,
    double *out, struct err *e)
{
	struct json_object *in;

	if (!json_object_object_get_ex(o, part, &in) ||
	    !json_object_is_type(in, json_type_object))
		return RC_NOTFOUND;
	return tree_figure(in, f, out, e);
}

/* The newest price that is there; 0 stands for one that was cleared. */
static enum rc
newest_price(struct json_object *o, double *out, struct err *e)
{
	static const char *const parts[] = { "min", "day", "prevDay" };
	enum rc rc = part_figure(o, "lastTrade", &price_of, out, e);

	for (size_t i = 0; i < COUNT(parts) && rc == RC_NOTFOUND; i++)
		rc = part_figure(o, parts[i], &close_of, out, e);
	return rc;
}

static enum rc
add_snapshot(struct reading *r, struct json_object *o, struct err *e)
{
	struct json_object *day;
	struct record *rec;
	double v = 0;
	enum rc rc = record_of(r, tree_text(o, "ticker"), &rec, e);

	if (rc != RC_OK || rec == NULL)
		return rc;
	polygon_have(r->table);
	/* Cleared at night: then the day, and its change, are not yet. */
	rc = part_figure(o, "day", &close_of, &v, e);
	if (rc == RC_OK) {
		json_object_object_get_ex(o, "day", &day);
		rc = tree_figures(rec, day, bar, COUNT(bar), e);
		if (rc == RC_OK)
			rc = tree_figures(rec, o, &change, 1, e);
	}
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = newest_price(o, &v, e);
	if (rc == RC_OK)
		table_set_number(rec, FIELD_PRICE, v);
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = part_figure(o, "prevDay", &close_of, &v, e);
	if (rc == RC_OK)
		table_set_number(rec, FIELD_PREV_CLOSE, v);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
add_open_close(struct reading *r, struct json_object *o, struct err *e)
{
	struct record *rec;
	enum rc rc = record_of(r, tree_text(o, "symbol"), &rec, e);

	if (rc != RC_OK || rec == NULL)
		return rc;
	mark(r->table, open_close, COUNT(open_close));
	return tree_figures(rec, o, open_close, COUNT(open_close), e);
}

static int
has(struct json_object *o, const char *name)
{
	return json_object_object_get_ex(o, name, NULL);
}

/* The rows of a list, each by what it looks like. */
static enum rc
add_rows(struct reading *r, struct json_object *list, const char *ticker,
    struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < json_object_array_length(list) && rc == RC_OK;
	     i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (!json_object_is_type(o, json_type_object))
			return err_set(e, RC_PARSE, "a row that is no object");
		if (has(o, "prevDay") || has(o, "lastTrade"))
			rc = add_snapshot(r, o, e);
		else if (has(o, "name"))
			rc = add_reference(r, o, e);
		else
			rc = add_bar(r, o, ticker, e);
	}
	return rc;
}

static enum rc
add_all(struct reading *r, struct json_object *root, struct err *e)
{
	struct json_object *o;

	if (json_object_object_get_ex(root, "results", &o) ||
	    json_object_object_get_ex(root, "tickers", &o)) {
		if (json_object_is_type(o, json_type_array))
			return add_rows(r, o, tree_text(root, "ticker"), e);
		if (json_object_is_type(o, json_type_object))
			return add_reference(r, o, e);
		if (o != NULL)
			return err_set(e, RC_PARSE, "results that are no list");
	}
	if (json_object_object_get_ex(root, "ticker", &o) &&
	    json_object_is_type(o, json_type_object))
		return add_snapshot(r, o, e);
	if (has(root, "symbol") && has(root, "close"))
		return add_open_close(r, root, e);
	/* A day without trading has counts and no results. */
	if (has(root, "resultsCount") || has(root, "count"))
		return RC_OK;
	return err_set(e, RC_PARSE, "neither bars nor a snapshot");
}

enum rc
polygon_read(const struct http_response *r, const struct table *only,
    struct table *table, int64_t *total, struct err *e)
{
	struct json_object *root;
	struct table t;
	struct reading reading = { &t, only, 0 };
	enum rc rc = open_body(r, &root, e);

	if (rc != RC_OK)
		return rc;
	table_init(&t);
	rc = add_all(&reading, root, e);
	json_object_put(root);
	if (rc == RC_OK && reading.total == 0)
		rc = err_set(e, RC_EMPTY, "Polygon has nothing of this day");
	else if (rc == RC_OK && t.count == 0)
		rc = err_set(e, RC_EMPTY, "no ticker of ours among %lld",
		    (long long)reading.total);
	if (rc == RC_OK || rc == RC_EMPTY)
		*total = reading.total;
	if (rc == RC_OK) {
		table_fini(table);
		*table = t;
		table_init(&t);
	}
	table_fini(&t);
	return rc;
}

enum rc
polygon_day(const struct http_response *r, int64_t *day, struct err *e)
{
	struct json_object *root, *list = NULL, *last = NULL;
	double ms = 0;
	size_t n = 0;
	enum rc rc = open_body(r, &root, e);

	if (rc != RC_OK)
		return rc;
	json_object_object_get_ex(root, "results", &list);
	if (json_object_is_type(list, json_type_array))
		n = json_object_array_length(list);
	if (n > 0)
		last = json_object_array_get_idx(list, n - 1);
	if (json_object_is_type(last, json_type_object))
		rc = tree_figure(last, &time_of, &ms, e);
	else
		rc = RC_NOTFOUND;
	json_object_put(root);
	if (rc == RC_NOTFOUND || (rc == RC_OK && !(ms > 0 && ms < 1e14)))
		return err_set(e, RC_PARSE, "no time of the last trading day");
	if (rc == RC_OK)
		*day = zone_day(ZONE_NEW_YORK, (int64_t)(ms / 1000));
	return rc;
}

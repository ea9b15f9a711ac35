#include <string.h>
#include <strings.h>

#include "source/iex_body.h"
#include "source/source.h"
#include "source/tree.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Refusals are plain text, whatever the type says. */
static const struct refusal {
	int status;
	enum rc rc;
	const char *means;
} refusals[] = {
	{ 400, RC_PARSE, "it does not take the request" },
	{ 401, RC_BLOCKED, "the token is refused" },
	{ 402, RC_LIMITED, "the quota of the token is used up" },
	{ 403, RC_BLOCKED, "the token is refused" },
	{ 404, RC_NOTFOUND, "it knows no such symbol" },
	{ 451, RC_BLOCKED, "it asks for an agreement first" },
};

static const struct tree_field quote[] = {
	{ FIELD_PRICE, "latestPrice", 0, 1, 0 },
	{ FIELD_OPEN, "open", 0, 1, 0 },
	{ FIELD_HIGH, "high", 0, 1, 0 },
	{ FIELD_LOW, "low", 0, 1, 0 },
	{ FIELD_PREV_CLOSE, "previousClose", 0, 1, 0 },
	{ FIELD_CHANGE, "changePercent", 0, 0, 0 },
	{ FIELD_VOLUME, "latestVolume", 0, 0, 0 },
	{ FIELD_MARKET_CAP, "marketCap", 0, 1, 0 },
	{ FIELD_PE, "peRatio", 0, 1, 0 },
	{ FIELD_PERF_YTD, "ytdChange", 0, 0, 0 },
};

/* Of stats and of advanced-stats, which has all of stats. */
static const struct tree_field stats[] = {
	{ FIELD_MARKET_CAP, "marketcap", 0, 1, 0 },
	{ FIELD_PE, "peRatio", 0, 1, 0 },
	{ FIELD_FPE, "forwardPERatio", 0, 1, 0 },
	{ FIELD_PEG, "pegRatio", 0, 1, 0 },
	{ FIELD_P_S, "priceToSales", 0, 1, 0 },
	{ FIELD_PB, "priceToBook", 0, 1, 0 },
	{ FIELD_DEBT_EQ, "debtToEquity", 0, 0, 0 },
	{ FIELD_DIVIDEND, "dividendYield", 0, 0, 0 },
	{ FIELD_EPS, "ttmEPS", 0, 0, 0 },
	{ FIELD_OUTSTANDING, "sharesOutstanding", 0, 1, 0 },
	{ FIELD_FLOAT, "float", 0, 1, 0 },
	{ FIELD_BETA, "beta", 0, 1, 0 },
	{ FIELD_EMPLOYEES, "employees", 0, 1, 0 },
	{ FIELD_PROFIT_M, "profitMargin", 0, 0, 0 },
	{ FIELD_PERF_WEEK, "day5ChangePercent", 0, 0, 0 },
	{ FIELD_PERF_MONTH, "month1ChangePercent", 0, 0, 0 },
	{ FIELD_PERF_QUART, "month3ChangePercent", 0, 0, 0 },
	{ FIELD_PERF_HALF, "month6ChangePercent", 0, 0, 0 },
	{ FIELD_PERF_YTD, "ytdChangePercent", 0, 0, 0 },
	{ FIELD_PERF_YEAR, "year1ChangePercent", 0, 0, 0 },
};

/* The stats of version 1 had some of them in percent, and some of its own. */
static const struct tree_field stats_v1[] = {
	{ FIELD_DIVIDEND, "dividendYield", -2, 0, 0 },
	{ FIELD_PROFIT_M, "profitMargin", -2, 0, 0 },
	{ FIELD_ROE, "returnOnEquity", -2, 0, 0 },
	{ FIELD_ROA, "returnOnAssets", -2, 0, 0 },
	{ FIELD_ROI, "returnOnCapital", -2, 0, 0 },
	{ FIELD_INST_OWN, "institutionPercent", -2, 0, 0 },
	{ FIELD_INSIDER_OWN, "insiderPercent", -2, 0, 0 },
	{ FIELD_SHORT_INTEREST, "shortInterest", 0, 0, 0 },
	{ FIELD_SHORT_RATIO, "shortRatio", 0, 0, 0 },
};

static const struct tree_field company[] = {
	{ FIELD_EMPLOYEES, "employees", 0, 1, 0 },
};

static void
mark(struct table *t, const struct tree_field *list, size_t n)
{
	t->have[FIELD_TICKER] = t->have[FIELD_COMPANY] = 1;
	for (size_t i = 0; i < n; i++)
		t->have[list[i].field] = 1;
}

static int
has(struct json_object *o, const char *name)
{
	return json_object_object_get_ex(o, name, NULL);
}

static enum rc
add_quote(
    struct table *t, struct record *rec, struct json_object *o, struct err *e)
{
	mark(t, quote, COUNT(quote));
	return tree_figures(rec, o, quote, COUNT(quote), e);
}

/* Only version 1 has a dividendRate: the others call it ttmDividendRate. */
static enum rc
add_stats(
    struct table *t, struct record *rec, struct json_object *o, struct err *e)
{
	enum rc rc = tree_figures(rec, o, stats, COUNT(stats), e);

	mark(t, stats, COUNT(stats));
	if (rc != RC_OK || !has(o, "dividendRate"))
		return rc;
	mark(t, stats_v1, COUNT(stats_v1));
	return tree_figures(rec, o, stats_v1, COUNT(stats_v1), e);
}

static enum rc
add_company(
    struct table *t, struct record *rec, struct json_object *o, struct err *e)
{
	enum rc rc = tree_figures(rec, o, company, COUNT(company), e);

	mark(t, company, COUNT(company));
	t->have[FIELD_INDUSTRY] = 1;
	return rc != RC_OK
		   ? rc
		   : tree_words(t, rec, FIELD_INDUSTRY, o, "industry", e);
}

/* The parts of a batch, and what a body alone is known by. */
static const struct part {
	const char *name, *sign;
	enum rc (*add)(struct table *, struct record *, struct json_object *,
	    struct err *);
} parts[] = {
	{ "company", "issueType", add_company },
	{ "stats", "sharesOutstanding", add_stats },
	{ "advanced-stats", "priceToBook", add_stats },
	{ "quote", "latestPrice", add_quote },
};

void
iex_have(struct table *t)
{
	mark(t, quote, COUNT(quote));
	mark(t, stats, COUNT(stats));
	mark(t, company, COUNT(company));
	t->have[FIELD_INDUSTRY] = 1;
	/* These are of advanced-stats only, which is not asked for. */
	t->have[FIELD_FPE] = t->have[FIELD_PEG] = t->have[FIELD_P_S] = 0;
	t->have[FIELD_PB] = t->have[FIELD_DEBT_EQ] = 0;
	t->have[FIELD_PROFIT_M] = 0;
}

static enum rc
add_part(struct table *t, struct record *rec, const struct part *p,
    struct json_object *o, struct err *e)
{
	enum rc rc;

	if (!json_object_is_type(o, json_type_object))
		return err_set(e, RC_PARSE, "%s: no object", p->name);
	rc = p->add(t, rec, o, e);
	if (rc == RC_OK)
		rc = tree_words(t, rec, FIELD_COMPANY, o, "companyName", e);
	return rc;
}

/* One company of a batch: {"quote":{…},"stats":{…},"company":{…}} */
static enum rc
add_entry(struct table *t, const char *symbol, struct json_object *entry,
    struct err *e)
{
	struct json_object *o;
	struct record *rec;
	enum rc rc;

	if (!json_object_is_type(entry, json_type_object))
		return err_set(e, RC_PARSE, "neither a batch nor a quote");
	t->have[FIELD_TICKER] = 1;
	rc = table_record(t, symbol, &rec, NULL, e);
	for (size_t i = 0; i < COUNT(parts) && rc == RC_OK; i++)
		if (json_object_object_get_ex(entry, parts[i].name, &o) &&
		    o != NULL)
			rc = add_part(t, rec, &parts[i], o, e);
	return rc;
}

static enum rc
read_object(struct table *t, struct json_object *root, struct err *e)
{
	struct json_object_iterator i = json_object_iter_begin(root);
	struct json_object_iterator end = json_object_iter_end(root);
	const char *symbol = tree_text(root, "symbol");
	struct record *rec;
	enum rc rc = RC_OK;

	for (size_t j = COUNT(parts); j-- > 0;) {
		if (!has(root, parts[j].sign))
			continue;
		if (symbol == NULL)
			return err_set(e, RC_PARSE,
			    "%s that do not name their company", parts[j].name);
		rc = table_record(t, symbol, &rec, NULL, e);
		return rc == RC_OK ? add_part(t, rec, &parts[j], root, e) : rc;
	}
	for (; !json_object_iter_equal(&i, &end) && rc == RC_OK;
	     json_object_iter_next(&i))
		rc = add_entry(t, json_object_iter_peek_name(&i),
		    json_object_iter_peek_value(&i), e);
	return rc;
}

static enum rc
read_json(const struct http_response *r, struct table *t, struct err *e)
{
	struct json_object *root = NULL;
	enum rc rc = tree_parse(r->body, r->len, &root, e);

	if (rc == RC_OK && json_object_is_type(root, json_type_array))
		rc = json_object_array_length(root) > 0
			 ? err_set(e, RC_PARSE,
			       "a chart: only quotes, stats and companies are "
			       "read")
			 : RC_OK;
	else if (rc == RC_OK && !json_object_is_type(root, json_type_object))
		rc = err_set(e, RC_PARSE, "the JSON is not an object");
	else if (rc == RC_OK && has(root, "error"))
		rc = err_set(e, RC_UPSTREAM, "IEX answers with an error");
	else if (rc == RC_OK)
		rc = read_object(t, root, e);
	json_object_put(root);
	if (rc == RC_OK && t->count == 0)
		rc = err_set(e, RC_EMPTY, "IEX has nothing of it");
	return rc;
}

static enum rc
judge(const struct http_response *r, struct err *e)
{
	for (size_t i = 0; i < COUNT(refusals); i++)
		if (refusals[i].status == r->status)
			return err_set(
			    e, refusals[i].rc, "IEX: %s", refusals[i].means);
	return source_status(r, e);
}

enum rc
iex_read(const struct http_response *r, struct table *table, int64_t *total,
    struct err *e)
{
	const char *body = r->body + strspn(r->body, " \t\r\n");
	struct err why = { 0 };
	struct table t;
	enum rc rc = judge(r, e);

	if (rc != RC_OK)
		return rc;
	table_init(&t);
	if (*body == '{' || *body == '[')
		rc = read_json(r, &t, &why);
	else
		rc = err_set(&why, RC_PARSE, "%s where JSON is due",
		    *body == '\0'  ? "an empty body"
		    : *body == '<' ? "HTML"
				   : "text");
	if (rc == RC_OK || rc == RC_EMPTY)
		*total = (int64_t)t.count;
	if (rc == RC_OK) {
		table_fini(table);
		*table = t;
		table_init(&t);
	} else {
		err_set(e, rc, "%s", why.msg);
	}
	table_fini(&t);
	return rc;
}

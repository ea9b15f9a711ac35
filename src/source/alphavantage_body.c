#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "data/csv.h"
#include "source/alphavantage_body.h"
#include "source/source.h"
#include "source/tree.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define BURST_MS  2000
#define MINUTE_MS 60000

/* What a refusal says; the first that fits.  "25 requests per day" stands in
 * the refusal of a burst too. */
static const struct refusal {
	const char *key, *part;
	enum rc rc;
	int64_t pause_ms;
	const char *means;
} refusals[] = {
	{ "Information", "1 request per second", RC_LIMITED, BURST_MS,
	    "more than one request a second" },
	{ "Information", "spreading out", RC_LIMITED, BURST_MS,
	    "too many requests at once" },
	{ "Information", "Burst pattern", RC_LIMITED, BURST_MS,
	    "too many requests at once" },
	{ "Information", "requests per day", RC_LIMITED, SOURCE_DAY_OVER,
	    "the quota of the day is used up" },
	{ "Information", "**demo**", RC_BLOCKED, -1,
	    "the demo key serves only the documented examples" },
	{ "Information", "premium", RC_BLOCKED, -1,
	    "this needs a premium plan" },
	{ "Information", "", RC_UPSTREAM, -1,
	    "it answers with an \"Information\" that is not known" },
	{ "Note", "per minute", RC_LIMITED, MINUTE_MS,
	    "too many requests a minute" },
	{ "Note", "", RC_LIMITED, -1, "too many requests" },
	{ "Error Message", "apikey", RC_BLOCKED, -1, "the key is refused" },
	{ "Error Message", "", RC_NOTFOUND, -1,
	    "the call or its symbol is not known" },
	/* The rows beside it are invented. */
	{ "message", "", RC_BLOCKED, -1, "this needs a premium plan" },
};

#define PRICE_FIELD(id, name)                                                  \
	{                                                                      \
		FIELD_##id, name, 0, 1, 1                                      \
	}
#define TEXT_FIELD(id, name)                                                   \
	{                                                                      \
		FIELD_##id, name, 0, 0, 1                                      \
	}

static const struct tree_field quote[] = {
	PRICE_FIELD(OPEN, "02. open"),
	PRICE_FIELD(HIGH, "03. high"),
	PRICE_FIELD(LOW, "04. low"),
	PRICE_FIELD(PRICE, "05. price"),
	TEXT_FIELD(VOLUME, "06. volume"),
	PRICE_FIELD(PREV_CLOSE, "08. previous close"),
	TEXT_FIELD(CHANGE, "10. change percent"),
};

/* A ratio of 0 is none: "0" stands for a missing one as "None" does. */
static const struct tree_field overview[] = {
	PRICE_FIELD(MARKET_CAP, "MarketCapitalization"),
	PRICE_FIELD(PE, "PERatio"),
	PRICE_FIELD(FPE, "ForwardPE"),
	PRICE_FIELD(PEG, "PEGRatio"),
	PRICE_FIELD(P_S, "PriceToSalesRatioTTM"),
	PRICE_FIELD(PB, "PriceToBookRatio"),
	TEXT_FIELD(DIVIDEND, "DividendYield"),
	TEXT_FIELD(EPS, "EPS"),
	PRICE_FIELD(OUTSTANDING, "SharesOutstanding"),
	PRICE_FIELD(FLOAT, "SharesFloat"),
	{ FIELD_INSIDER_OWN, "PercentInsiders", -2, 0, 1 },
	{ FIELD_INST_OWN, "PercentInstitutions", -2, 0, 1 },
	TEXT_FIELD(ROA, "ReturnOnAssetsTTM"),
	TEXT_FIELD(ROE, "ReturnOnEquityTTM"),
	TEXT_FIELD(OPER_M, "OperatingMarginTTM"),
	TEXT_FIELD(PROFIT_M, "ProfitMargin"),
	TEXT_FIELD(SALES_Q_Q, "QuarterlyRevenueGrowthYOY"),
	TEXT_FIELD(SALES, "RevenueTTM"),
	PRICE_FIELD(BETA, "Beta"),
	PRICE_FIELD(TARGET_PRICE, "AnalystTargetPrice"),
	PRICE_FIELD(BOOK_SH, "BookValue"),
};

/* Of the list of gainers and losers. */
static const struct tree_field mover[] = {
	PRICE_FIELD(PRICE, "price"),
	TEXT_FIELD(CHANGE, "change_percentage"),
	TEXT_FIELD(VOLUME, "volume"),
};

static const char *const movers[] = { "top_gainers", "top_losers",
	"most_actively_traded" };

/* The columns of a quote as CSV. */
static const struct {
	const char *name;
	enum field field;
} columns[] = {
	{ "symbol", FIELD_TICKER },
	{ "open", FIELD_OPEN },
	{ "high", FIELD_HIGH },
	{ "low", FIELD_LOW },
	{ "price", FIELD_PRICE },
	{ "volume", FIELD_VOLUME },
	{ "latestDay", FIELD__MAX },
	{ "previousClose", FIELD_PREV_CLOSE },
	{ "change", FIELD__MAX },
	{ "changePercent", FIELD_CHANGE },
};

static void
mark(struct table *t, const struct tree_field *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		t->have[list[i].field] = 1;
}

void
alphavantage_have(struct table *t)
{
	t->have[FIELD_TICKER] = t->have[FIELD_COMPANY] = 1;
	t->have[FIELD_INDUSTRY] = t->have[FIELD_COUNTRY] = 1;
	mark(t, quote, COUNT(quote));
	mark(t, overview, COUNT(overview));
}

static enum rc
judge(struct json_object *root, int64_t *pause_ms, struct err *e)
{
	const char *text;

	for (size_t i = 0; i < COUNT(refusals); i++) {
		text = tree_text(root, refusals[i].key);
		if (text == NULL || strcasestr(text, refusals[i].part) == NULL)
			continue;
		*pause_ms = refusals[i].pause_ms;
		return err_set(
		    e, refusals[i].rc, "Alpha Vantage: %s", refusals[i].means);
	}
	return RC_OK;
}

/* A record with its figures, under the symbol that the member name says. */
static enum rc
add(struct table *t, struct json_object *o, const char *name,
    const struct tree_field *list, size_t n, struct record **rec, struct err *e)
{
	const char *symbol = tree_text(o, name);
	enum rc rc;
	int added;

	*rec = NULL;
	if (symbol == NULL)
		return err_set(e, RC_PARSE, "no symbol in it");
	rc = table_record(t, symbol, rec, &added, e);
	if (rc != RC_OK || !added)
		return rc;
	rc = tree_figures(*rec, o, list, n, e);
	return rc == RC_OK ? RC_OK : err_wrap(e, "%.16s", symbol);
}

static enum rc
read_quote(
    struct table *t, struct json_object *o, int64_t *total, struct err *e)
{
	struct record *rec;
	enum rc rc;

	if (!json_object_is_type(o, json_type_object))
		return err_set(e, RC_PARSE, "a quote that is not an object");
	if (json_object_object_length(o) == 0) {
		*total = 0;
		return err_set(
		    e, RC_EMPTY, "Alpha Vantage does not know this symbol");
	}
	rc = add(t, o, "01. symbol", quote, COUNT(quote), &rec, e);
	t->have[FIELD_TICKER] = 1;
	mark(t, quote, COUNT(quote));
	*total = 1;
	return rc;
}

static enum rc
read_overview(
    struct table *t, struct json_object *o, int64_t *total, struct err *e)
{
	static const struct {
		enum field field;
		const char *name;
	} texts[] = { { FIELD_COMPANY, "Name" }, { FIELD_INDUSTRY, "Industry" },
		{ FIELD_COUNTRY, "Country" } };
	struct record *rec;
	enum rc rc = add(t, o, "Symbol", overview, COUNT(overview), &rec, e);

	for (size_t i = 0; i < COUNT(texts) && rc == RC_OK; i++) {
		rc = tree_words(t, rec, texts[i].field, o, texts[i].name, e);
		t->have[texts[i].field] = 1;
	}
	t->have[FIELD_TICKER] = 1;
	mark(t, overview, COUNT(overview));
	*total = 1;
	return rc;
}

/* Rights and warrants have symbols that are no tickers: counted, left out. */
static enum rc
read_movers(
    struct table *t, struct json_object *root, int64_t *total, struct err *e)
{
	struct json_object *list, *o;
	const char *symbol;
	struct record *rec;
	enum rc rc = RC_OK;

	*total = 0;
	for (size_t i = 0; i < COUNT(movers); i++) {
		if (!json_object_object_get_ex(root, movers[i], &list) ||
		    !json_object_is_type(list, json_type_array))
			return err_set(e, RC_PARSE, "no list %s", movers[i]);
		for (size_t j = 0;
		     j < json_object_array_length(list) && rc == RC_OK; j++) {
			o = json_object_array_get_idx(list, j);
			if (!json_object_is_type(o, json_type_object))
				return err_set(
				    e, RC_PARSE, "a row that is no object");
			symbol = tree_text(o, "ticker");
			if (symbol != NULL && table_find(t, symbol) != NULL)
				continue;
			++*total;
			if (symbol != NULL && table_is_ticker(symbol))
				rc = add(t, o, "ticker", mover, COUNT(mover),
				    &rec, e);
		}
	}
	t->have[FIELD_TICKER] = 1;
	mark(t, mover, COUNT(mover));
	if (rc == RC_OK && t->count == 0)
		return err_set(e, RC_EMPTY, "an empty list");
	return rc;
}

static enum rc
find_content(
    struct table *t, struct json_object *root, int64_t *total, struct err *e)
{
	struct json_object_iterator i = json_object_iter_begin(root);
	struct json_object_iterator end = json_object_iter_end(root);
	struct json_object *o;

	/* "Global Quote", with more behind it where the plan is a delayed one.
	 */
	for (; !json_object_iter_equal(&i, &end); json_object_iter_next(&i))
		if (strncmp(json_object_iter_peek_name(&i), "Global Quote",
			12) == 0)
			return read_quote(
			    t, json_object_iter_peek_value(&i), total, e);
	if (json_object_object_get_ex(root, "Symbol", &o))
		return read_overview(t, root, total, e);
	if (json_object_object_get_ex(root, movers[0], &o))
		return read_movers(t, root, total, e);
	if (json_object_object_get_ex(root, "Meta Data", &o))
		return err_set(e, RC_PARSE,
		    "a series of prices: only quotes and overviews are read");
	*total = 0;
	if (json_object_object_length(root) == 0)
		return err_set(
		    e, RC_EMPTY, "Alpha Vantage does not know this symbol");
	return err_set(e, RC_PARSE, "neither a quote nor an overview");
}

static enum rc
read_json(const struct http_response *r, struct table *t, int64_t *total,
    int64_t *pause_ms, struct err *e)
{
	struct json_object *root = NULL;
	enum rc rc = tree_parse(r->body, r->len, &root, e);

	if (rc == RC_OK && !json_object_is_type(root, json_type_object))
		rc = err_set(e, RC_PARSE, "the JSON is not an object");
	if (rc == RC_OK)
		rc = judge(root, pause_ms, e);
	if (rc == RC_OK)
		rc = find_content(t, root, total, e);
	json_object_put(root);
	return rc;
}

static enum rc
add_row(struct table *t, const struct csv *csv, struct err *e)
{
	struct record *rec;
	double v = 0;
	enum rc rc;

	if (csv->n != COUNT(columns))
		return err_set(e, RC_PARSE, "%zu columns", csv->n);
	rc = table_record(t, csv_field(csv, 0), &rec, NULL, e);
	for (size_t i = 1; i < COUNT(columns) && rc == RC_OK; i++) {
		if (columns[i].field == FIELD__MAX)
			continue;
		rc = num_figure(csv_field(csv, i), 0, &v, e);
		if (rc == RC_OK)
			table_set_number(rec, columns[i].field, v);
		else if (rc == RC_NOTFOUND)
			rc = RC_OK;
	}
	return rc;
}

static enum rc
read_csv(const struct http_response *r, struct table *t, int64_t *total,
    struct err *e)
{
	struct csv csv;
	size_t i = 0;
	enum rc rc;

	csv_init(&csv, r->body, r->len);
	rc = csv_next(&csv, e);
	while (rc == RC_OK && i < COUNT(columns) && i < csv.n &&
	       strcmp(csv_field(&csv, i), columns[i].name) == 0)
		i++;
	if (rc == RC_OK && (i < COUNT(columns) || csv.n != COUNT(columns)))
		rc = err_set(e, RC_PARSE,
		    "neither JSON nor the columns of a quote: only quotes and "
		    "overviews are read");
	while (rc == RC_OK && (rc = csv_next(&csv, e)) == RC_OK)
		rc = add_row(t, &csv, e);
	csv_fini(&csv);
	*total = (int64_t)t->count;
	if (rc != RC_NOTFOUND)
		return rc;
	for (i = 0; i < COUNT(columns); i++)
		if (columns[i].field != FIELD__MAX)
			t->have[columns[i].field] = 1;
	return t->count > 0 ? RC_OK : err_set(e, RC_EMPTY, "no row");
}

enum rc
alphavantage_read(const struct http_response *r, struct table *table,
    int64_t *total, int64_t *pause_ms, struct err *e)
{
	const char *body = r->body + strspn(r->body, " \t\r\n");
	struct err why = { 0 };
	struct table t;
	int64_t n = -1;
	enum rc rc;

	*pause_ms = -1;
	rc = source_status(r, e);
	if (rc != RC_OK)
		return rc;
	table_init(&t);
	if (*body == '{' || *body == '[')
		rc = read_json(r, &t, &n, pause_ms, &why);
	else if (*body == '\0' || *body == '<')
		rc = err_set(&why, RC_PARSE, "%s where JSON is due",
		    *body == '<' ? "HTML" : "an empty body");
	else
		rc = read_csv(r, &t, &n, &why);
	if (rc == RC_OK || rc == RC_EMPTY)
		*total = n;
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

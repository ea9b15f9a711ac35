#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "market.h"
#include "yahoo.h"

enum {
	SYMBOLS = 99 /* more of them are an error of the site's */
};

enum when {
	BASE, /* always */
	MORE, /* without fields=, or named there */
	ASKED /* only when named in fields= */
};

struct key;

/* Add the value, or nothing when it is missing. */
typedef void put(struct text *, const struct company *, const struct key *,
    const struct world *);

struct key {
	const char *name;
	enum when when;
	put *put;
	enum column_place at; /* of figures */
	int scale;            /* a figure counts 10^scale */
	const char *literal;
};

static void
literal(struct text *t, const struct company *c, const struct key *k,
    const struct world *w)
{
	(void)c;
	(void)w;
	text_add(t, k->literal);
}

static void
string(struct text *t, const struct company *c, const struct key *k,
    const struct world *w)
{
	(void)w;
	text_json(t, c->raw[k->at]);
}

static void
exchange(struct text *t, const struct company *c, const struct key *k,
    const struct world *w)
{
	(void)w;
	text_json(t, yahoo_exchange(c, k->scale));
}

static void
number(struct text *t, const struct company *c, const struct key *k,
    const struct world *w)
{
	double v;

	(void)w;
	if (company_scaled(c, k->at, k->scale, &v))
		text_java(t, v);
}

static void
whole(struct text *t, const struct company *c, const struct key *k,
    const struct world *w)
{
	double v;

	(void)w;
	if (company_scaled(c, k->at, k->scale, &v))
		text_addf(t, "%.0f", v);
}

/* The column says by how much the price is above or below this. */
static void
level(struct text *t, const struct company *c, const struct key *k,
    const struct world *w)
{
	double price, off;

	(void)w;
	if (company_figure(c, AT_PRICE, &price) &&
	    company_scaled(c, k->at, -2, &off) && off > -1)
		text_java(t, round(price / (1 + off) * 100) / 100);
}

/* How far the price is from that level, in money. */
static void
distance(struct text *t, const struct company *c, const struct key *k,
    const struct world *w)
{
	double price, off;

	(void)w;
	if (company_figure(c, AT_PRICE, &price) &&
	    company_scaled(c, k->at, -2, &off) && off > -1)
		text_java(t, round((price - price / (1 + off)) * 100) / 100);
}

static void
trailing_yield(struct text *t, const struct company *c, const struct key *k,
    const struct world *w)
{
	double paid, price;

	(void)w;
	if (company_figure(c, k->at, &paid) &&
	    company_figure(c, AT_81, &price) && price > 0)
		text_java(t, round(paid / price * 1e8) / 1e8);
}

static void
market_time(struct text *t, const struct company *c, const struct key *k,
    const struct world *w)
{
	(void)c;
	(void)k;
	text_addf(t, "%lld", yahoo_closing(w->opt.today) + 1);
}

static void
zone(struct text *t, const struct company *c, const struct key *k,
    const struct world *w)
{
	(void)c;
	(void)k;
	text_add(t, yahoo_summer(w->opt.today) ? "\"EDT\"" : "\"EST\"");
}

static void
zone_offset(struct text *t, const struct company *c, const struct key *k,
    const struct world *w)
{
	(void)c;
	(void)k;
	text_add(t, yahoo_summer(w->opt.today) ? "-14400000" : "-18000000");
}

static void
first_trade(struct text *t, const struct company *c, const struct key *k,
    const struct world *w)
{
	long long seconds;

	(void)k;
	(void)w;
	if (yahoo_first_trade(c, &seconds))
		text_addf(t, "%lld000", seconds);
}

/* In the order of the recordings; what no column gives is not here. */
static const struct key keys[] = {
	{ "language", BASE, literal, 0, 0, "\"en-US\"" },
	{ "region", BASE, literal, 0, 0, "\"US\"" },
	{ "quoteType", BASE, literal, 0, 0, "\"EQUITY\"" },
	{ "typeDisp", BASE, literal, 0, 0, "\"Equity\"" },
	{ "quoteSourceName", BASE, literal, 0, 0, "\"Demo Market\"" },
	{ "triggerable", BASE, literal, 0, 0, "true" },
	{ "customPriceAlertConfidence", BASE, literal, 0, 0, "\"HIGH\"" },
	{ "currency", MORE, literal, 0, 0, "\"USD\"" },
	{ "corporateActions", MORE, literal, 0, 0, "[]" },
	{ "regularMarketTime", BASE, market_time, 0, 0, NULL },
	{ "exchange", BASE, exchange, 0, 0, NULL },
	{ "exchangeTimezoneName", BASE, literal, 0, 0, "\"America/New_York\"" },
	{ "exchangeTimezoneShortName", BASE, zone, 0, 0, NULL },
	{ "gmtOffSetMilliseconds", BASE, zone_offset, 0, 0, NULL },
	{ "market", BASE, literal, 0, 0, "\"us_market\"" },
	{ "esgPopulated", BASE, literal, 0, 0, "false" },
	{ "marketState", BASE, literal, 0, 0, "\"CLOSED\"" },
	{ "regularMarketPrice", BASE, number, AT_PRICE, 0, NULL },
	{ "regularMarketVolume", MORE, whole, AT_VOLUME, 0, NULL },
	{ "regularMarketPreviousClose", MORE, number, AT_81, 0, NULL },
	{ "financialCurrency", MORE, literal, 0, 0, "\"USD\"" },
	{ "averageDailyVolume3Month", MORE, whole, AT_63, 3, NULL },
	{ "fiftyTwoWeekLowChange", MORE, distance, AT_58, 0, NULL },
	{ "fiftyTwoWeekLowChangePercent", MORE, number, AT_58, -2, NULL },
	{ "fiftyTwoWeekHighChange", MORE, distance, AT_57, 0, NULL },
	{ "fiftyTwoWeekHighChangePercent", MORE, number, AT_57, -2, NULL },
	{ "fiftyTwoWeekLow", MORE, level, AT_58, 0, NULL },
	{ "fiftyTwoWeekHigh", MORE, level, AT_57, 0, NULL },
	{ "fiftyTwoWeekChangePercent", MORE, number, AT_46, 0, NULL },
	{ "trailingAnnualDividendRate", MORE, number, AT_130, 0, NULL },
	{ "trailingPE", MORE, number, AT_7, 0, NULL },
	{ "trailingAnnualDividendYield", MORE, trailing_yield, AT_130, 0,
	    NULL },
	{ "dividendYield", MORE, number, AT_14, 0, NULL },
	{ "hasPrePostMarketData", BASE, literal, 0, 0, "true" },
	{ "firstTradeDateMilliseconds", BASE, first_trade, 0, 0, NULL },
	{ "priceHint", BASE, literal, 0, 0, "2" },
	{ "regularMarketChange", MORE, distance, AT_CHANGE, 0, NULL },
	{ "regularMarketChangePercent", MORE, number, AT_CHANGE, 0, NULL },
	{ "shortName", MORE, string, AT_COMPANY, 0, NULL },
	{ "longName", MORE, string, AT_COMPANY, 0, NULL },
	{ "epsTrailingTwelveMonths", MORE, number, AT_16, 0, NULL },
	{ "sharesOutstanding", MORE, whole, AT_24, 6, NULL },
	{ "bookValue", MORE, number, AT_73, 0, NULL },
	{ "fiftyDayAverage", MORE, level, AT_53, 0, NULL },
	{ "fiftyDayAverageChangePercent", MORE, number, AT_53, -2, NULL },
	{ "twoHundredDayAverage", MORE, level, AT_54, 0, NULL },
	{ "twoHundredDayAverageChangePercent", MORE, number, AT_54, -2, NULL },
	{ "marketCap", MORE, number, AT_MARKET_CAP, 6, NULL },
	{ "forwardPE", MORE, number, AT_8, 0, NULL },
	{ "priceToBook", MORE, number, AT_11, 0, NULL },
	{ "beta", ASKED, number, AT_48, 0, NULL },
	{ "fullExchangeName", BASE, exchange, 0, 1, NULL },
	{ "sourceInterval", BASE, literal, 0, 0, "15" },
	{ "exchangeDataDelayedBy", BASE, literal, 0, 0, "0" },
	{ "tradeable", BASE, literal, 0, 0, "false" },
	{ "cryptoTradeable", BASE, literal, 0, 0, "false" },
	{ "displayName", MORE, string, AT_COMPANY, 0, NULL },
};

/* Is the name an item of the comma-separated list? */
static int
listed(const char *list, const char *name)
{
	size_t n, len = strlen(name);

	for (; *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (n == len && memcmp(list, name, n) == 0)
			return 1;
	}
	return 0;
}

static int
wanted(const struct key *k, const char *fields)
{
	if (k->when == BASE)
		return 1;
	if (*fields == '\0')
		return k->when == MORE;
	return listed(fields, k->name);
}

/* Does the fault "figure" change this key? */
static int
spoilt(const struct key *k, const struct fault *f)
{
	if (f->kind != FAULT_FIGURE || columns[k->at].kind < COLUMN_NUMBER)
		return 0;
	return f->column < 0 || f->column == columns[k->at].id;
}

static void
quote_one(struct text *t, const struct company *c, const struct world *w,
    const char *fields, const struct fault *f)
{
	const struct key *k;
	size_t before, empty;

	text_add(t, "{");
	for (k = keys; k < keys + sizeof(keys) / sizeof(*keys); k++) {
		if (!wanted(k, fields))
			continue;
		before = t->len;
		text_addf(t, "\"%s\":", k->name);
		empty = t->len;
		if (spoilt(k, f))
			text_add(t, f->to[0] ? f->to : "NaN");
		else
			k->put(t, c, k, w);
		if (t->len == empty)
			text_cut(t, before);
		else
			text_add(t, ",");
	}
	text_addf(t, "\"symbol\":\"%s%s\"}", company_ticker(c),
	    f->kind == FAULT_CONTROL ? "\\u0001\\u001b[31m" : "");
}

/* The order of the answer is not the order asked. */
static void
shuffle(const struct company **list, size_t n, uint64_t chance)
{
	const struct company *c;
	size_t i, j;

	for (i = n; i > 1; i--) {
		j = chance_below(&chance, i);
		c = list[i - 1];
		list[i - 1] = list[j];
		list[j] = c;
	}
}

static void
quote_all(struct world *w, const struct request *rq, const struct fault *f,
    struct answer *a, const struct company **list, size_t n)
{
	const char *fields = request_arg(rq, "fields"), *sep = "";
	size_t i, lost = 0;

	if (f->kind == FAULT_SHRINK || f->kind == FAULT_MISSING)
		lost = f->kind == FAULT_SHRINK ? (size_t)f->n : 1;
	n -= lost < n ? lost : n;
	answer_set(a, 200, YAHOO_JSON, "{\"quoteResponse\":{\"result\":[");
	answer_header(
	    a, "Cache-Control", "public, max-age=1, stale-while-revalidate=9");
	for (i = 0; i < n; i++, sep = ",") {
		text_add(&a->body, sep);
		quote_one(&a->body, list[i], w, fields, f);
		if (i == 0 && f->kind == FAULT_TWICE) {
			text_add(&a->body, ",");
			quote_one(&a->body, list[i], w, fields, f);
		}
	}
	text_add(&a->body, "],\"error\":null}}");
}

void
yahoo_quote(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	const char *symbols = request_arg(rq, "symbols");
	const struct company **list;
	enum session_state state;
	size_t n, asked;

	state = sessions_check(w->sessions, request_header(rq, "Cookie"),
	    request_arg(rq, "crumb"));
	if (state != SESSION_GOOD) {
		yahoo_refuse(a, state);
		return;
	}
	list = yahoo_symbols(&w->market, symbols, &n, &asked);
	shuffle(list, n, chance_for(w->opt.seed, symbols));
	if (asked == 0)
		answer_set(a, 400, YAHOO_JSON,
		    "{\"finance\":{\"result\":null,\"error\":{\"code\":\"Bad "
		    "Request\",\"description\":\"Missing required query "
		    "parameter=symbols\"}}}");
	else if (asked > SYMBOLS)
		answer_set(a, 500, YAHOO_JSON,
		    "{\"finance\":{\"result\":null,\"error\":{\"code\":"
		    "\"internal-error\",\"description\":\"Connection is "
		    "deallocated and cannot be used anymore\"}}}");
	else
		quote_all(w, rq, fault, a, list, n);
	free(list);
}

#include <stdlib.h>
#include <string.h>

#include "keyed.h"
#include "market.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define THANKS   "Thank you for using Alpha Vantage! "

static const struct keyed_figure quote[] = {
	{ "05. price", AT_PRICE, 0 },
	{ "06. volume", AT_VOLUME, 0 },
	{ "08. previous close", AT_81, 0 },
};

static const struct keyed_figure overview[] = {
	{ "MarketCapitalization", AT_MARKET_CAP, 6 },
	{ "PERatio", AT_7, 0 },
	{ "PEGRatio", AT_9, 0 },
	{ "BookValue", AT_73, 0 },
	{ "DividendYield", AT_14, -2 },
	{ "EPS", AT_16, 0 },
	{ "ProfitMargin", AT_41, -2 },
	{ "OperatingMarginTTM", AT_40, -2 },
	{ "ReturnOnAssetsTTM", AT_32, -2 },
	{ "ReturnOnEquityTTM", AT_33, -2 },
	{ "RevenueTTM", AT_82, 6 },
	{ "QuarterlyRevenueGrowthYOY", AT_23, -2 },
	{ "ForwardPE", AT_8, 0 },
	{ "PriceToSalesRatioTTM", AT_10, 0 },
	{ "PriceToBookRatio", AT_11, 0 },
	{ "Beta", AT_48, 0 },
	{ "SharesOutstanding", AT_24, 6 },
	{ "PercentInsiders", AT_26, 0 },
	{ "PercentInstitutions", AT_28, 0 },
};

static void
put_quote(struct text *t, const struct company *c, const struct fault *f)
{
	double change;

	text_addf(
	    t, "{\"Global Quote\":{\"01. symbol\":\"%s\"", company_ticker(c));
	keyed_add(t, c, quote, COUNT(quote), 1, f);
	if (company_figure(c, AT_CHANGE, &change))
		text_addf(t, ",\"10. change percent\":\"%.4f%%\"", change);
	text_add(t, "}}");
}

static void
put_overview(struct text *t, const struct company *c, const struct fault *f)
{
	text_addf(t, "{\"Symbol\":\"%s\",\"Name\":", company_ticker(c));
	text_json(t, c->raw[AT_COMPANY]);
	text_add(t, ",\"AnalystTargetPrice\":\"None\",\"SharesFloat\":\"-\"");
	keyed_add(t, c, overview, COUNT(overview), 1, f);
	text_add(t, "}");
}

/* What it says instead of data; every answer is 200. */
static int
refuse(struct text *t, const char *key, const struct fault *f)
{
	if (*key == '\0' || !keyed_opens(key))
		text_add(t,
		    "{\"Error Message\": \"the parameter apikey is invalid or "
		    "missing. Please claim your free API key.\"}");
	else if (f->kind == FAULT_QUOTA)
		text_addf(t,
		    "{\"Information\": \"We have detected your API key as %s "
		    "and our standard API rate limit is 25 requests per "
		    "day.\"}",
		    key);
	else if (f->kind == FAULT_BURST)
		text_add(t,
		    "{\"Information\": \"" THANKS
		    "Please consider spreading out your free API requests more "
		    "sparingly (1 request per second). (25 requests per "
		    "day)\"}");
	else if (f->kind == FAULT_PREMIUM)
		text_add(t, "{\"Information\": \"" THANKS
			    "This is a premium endpoint.\"}");
	return t->len > 0;
}

void
alphavantage_query(struct world *w, const struct request *rq,
    const struct fault *f, struct answer *a)
{
	const char *function = request_arg(rq, "function");
	const struct company *c =
	    keyed_find(&w->market, request_arg(rq, "symbol"));
	double price;

	answer_set(a, 200, KEYED_JSON, "");
	if (refuse(&a->body, request_arg(rq, "apikey"), f)) {
		if (f->retry_after[0] != '\0')
			answer_header(a, "Retry-After", f->retry_after);
		return;
	}
	if (f->kind == FAULT_MISSING ||
	    (c != NULL && !company_figure(c, AT_PRICE, &price)))
		c = NULL;
	if (strcmp(function, "GLOBAL_QUOTE") == 0 && c != NULL)
		put_quote(&a->body, c, f);
	else if (strcmp(function, "GLOBAL_QUOTE") == 0)
		text_add(&a->body, "{\"Global Quote\": {}}");
	else if (strcmp(function, "OVERVIEW") == 0 && c != NULL)
		put_overview(&a->body, c, f);
	else if (strcmp(function, "OVERVIEW") == 0)
		text_add(&a->body, "{}");
	else
		text_add(&a->body,
		    "{\"Error Message\": \"Invalid API call. Please retry or "
		    "visit the documentation.\"}");
}

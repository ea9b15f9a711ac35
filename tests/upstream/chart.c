#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "market.h"
#include "series.h"
#include "yahoo.h"

enum { DAY = 86400, MAX_BARS = 20000, SPARK_SYMBOLS = 20 };

#define CHART_ERROR(code, text)                                                \
	"{\"chart\":{\"result\":null,\"error\":{\"code\":\"" code              \
	"\",\"description\":\"" text "\"}}}"

static const struct {
	const char *name;
	int days;
} ranges[] = {
	{ "1d", 1 },
	{ "5d", 7 },
	{ "1mo", 31 },
	{ "3mo", 92 },
	{ "6mo", 183 },
	{ "1y", 365 },
	{ "2y", 731 },
	{ "5y", 1826 },
	{ "10y", 3653 },
	{ "max", 12000 },
};

/* Bars of an interval: each is the last of its step of days. */
static const struct {
	const char *name;
	int step;
} intervals[] = {
	{ "1d", 1 },
	{ "1wk", 5 },
	{ "1mo", 21 },
	{ "3mo", 63 },
};

/* What one answer shows. */
struct chart {
	const struct company *company;
	const char *range;
	const char *interval;
	int step, dividends;
	int64_t first, last; /* days */
	struct bar *bars;
	size_t n;
	const char *odd; /* fault: what all prices are, or NULL */
};

static int
day_of_year(int64_t day)
{
	time_t t = (time_t)(day * DAY);
	struct tm tm;

	gmtime_r(&t, &tm);
	return tm.tm_yday;
}

/* The days of range=, or of period1= and period2=; 0 when unknown. */
static int
choose_range(struct chart *c, const struct request *rq, int64_t today)
{
	const char *from = request_arg(rq, "period1");
	const char *to = request_arg(rq, "period2");
	size_t i;

	c->last = today;
	c->range = request_arg(rq, "range");
	if (*c->range == '\0' && *from != '\0' && *to != '\0') {
		c->first = strtoll(from, NULL, 10) / DAY;
		c->last = (strtoll(to, NULL, 10) - 1) / DAY; /* exclusive */
		return 1;
	}
	if (*c->range == '\0')
		c->range = "1d";
	if (strcmp(c->range, "ytd") == 0) {
		c->first = today - day_of_year(today);
		return 1;
	}
	for (i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (strcmp(ranges[i].name, c->range) == 0) {
			c->first = today - ranges[i].days + 1;
			return 1;
		}
	return 0;
}

/* The whole history by the day is silently coarsened, with status 200. */
static int
choose_interval(struct chart *c, const char *interval)
{
	size_t i;

	if (*interval == '\0' || strcmp(c->range, "max") == 0)
		interval = *interval == '\0' ? "1d" : "3mo";
	for (i = 0; i < sizeof(intervals) / sizeof(*intervals); i++)
		if (strcmp(intervals[i].name, interval) == 0) {
			c->interval = intervals[i].name;
			c->step = intervals[i].step;
			return 1;
		}
	return 0;
}

/* Keep every step-th bar, counted from the end. */
static void
thin_out(struct chart *c)
{
	size_t i, kept = 0, step = (size_t)c->step;

	for (i = 0; step > 1 && i < c->n; i++)
		if ((c->n - 1 - i) % step == 0)
			c->bars[kept++] = c->bars[i];
	if (step > 1)
		c->n = kept;
}

static void
meta(struct text *t, const struct chart *c, const struct world *w)
{
	double price;
	long long first;

	text_addf(t,
	    "\"meta\":{\"currency\":\"USD\",\"symbol\":\"%s\","
	    "\"exchangeName\":\"%s\",\"fullExchangeName\":\"%s\","
	    "\"instrumentType\":\"EQUITY\"",
	    company_ticker(c->company), yahoo_exchange(c->company, 0),
	    yahoo_exchange(c->company, 1));
	if (yahoo_first_trade(c->company, &first))
		text_addf(t, ",\"firstTradeDate\":%lld", first);
	text_addf(t,
	    ",\"regularMarketTime\":%lld,\"hasPrePostMarketData\":true,"
	    "\"gmtoffset\":%d,\"timezone\":\"%s\","
	    "\"exchangeTimezoneName\":\"America/New_York\"",
	    yahoo_closing(w->opt.today) + 1,
	    yahoo_summer(w->opt.today) ? -14400 : -18000,
	    yahoo_summer(w->opt.today) ? "EDT" : "EST");
	if (company_figure(c->company, AT_PRICE, &price)) {
		text_add(t, ",\"regularMarketPrice\":");
		text_java(t, price);
	}
	text_add(t, ",\"longName\":");
	text_json(t, c->company->raw[AT_COMPANY]);
	text_add(t, ",\"shortName\":");
	text_json(t, c->company->raw[AT_COMPANY]);
	if (c->n > 0) {
		text_add(t, ",\"chartPreviousClose\":");
		text_java(t, (double)(long long)(c->bars[0].open * 100) / 100);
	}
	text_addf(t,
	    ",\"priceHint\":2,\"dataGranularity\":\"%s\",\"range\":\"%s\","
	    "\"validRanges\":[\"1d\",\"5d\",\"1mo\",\"3mo\",\"6mo\",\"1y\","
	    "\"2y\",\"5y\",\"10y\",\"ytd\",\"max\"]}",
	    c->interval, c->range);
}

static void
timestamps(struct text *t, const struct chart *c)
{
	size_t i;

	text_add(t, ",\"timestamp\":[");
	for (i = 0; i < c->n; i++)
		text_addf(
		    t, "%s%lld", i ? "," : "", yahoo_opening(c->bars[i].day));
	text_add(t, "]");
}

static double
bar_open(const struct bar *b)
{
	return b->open;
}

static double
bar_high(const struct bar *b)
{
	return b->high;
}

static double
bar_low(const struct bar *b)
{
	return b->low;
}

static double
bar_close(const struct bar *b)
{
	return b->close;
}

static double
bar_adjclose(const struct bar *b)
{
	return b->adjclose;
}

/* Prices come as single precision written in full: 134.83999633789062. */
static void
prices(struct text *t, const struct chart *c, const char *name,
    double (*get)(const struct bar *))
{
	const struct bar *b;

	text_addf(t, "\"%s\":[", name);
	for (b = c->bars; b < c->bars + c->n; b++) {
		text_add(t, b > c->bars ? "," : "");
		if (c->odd != NULL)
			text_add(t, c->odd);
		else if (b->null)
			text_add(t, "null");
		else
			text_java(t, (double)(float)get(b));
	}
	text_add(t, "]");
}

static void
volumes(struct text *t, const struct chart *c)
{
	const struct bar *b;

	text_add(t, "\"volume\":[");
	for (b = c->bars; b < c->bars + c->n; b++) {
		text_add(t, b > c->bars ? "," : "");
		if (b->null)
			text_add(t, "null");
		else
			text_addf(t, "%.0f", b->volume);
	}
	text_add(t, "]");
}

/* Without a dividend in the range there is no key. */
static void
events(struct text *t, const struct chart *c)
{
	const struct bar *b;
	const char *sep = ",\"events\":{\"dividends\":{";
	long long at;

	for (b = c->bars; b < c->bars + c->n; b++) {
		if (b->dividend <= 0)
			continue;
		at = yahoo_opening(b->day);
		text_addf(t, "%s\"%lld\":{\"amount\":", sep, at);
		text_java(t, b->dividend);
		text_addf(t, ",\"date\":%lld}", at);
		sep = ",";
	}
	if (sep[1] == '\0')
		text_add(t, "}}");
}

static void
write_chart(struct text *t, const struct chart *c, const struct world *w)
{
	text_add(t, "{\"chart\":{\"result\":[{");
	meta(t, c, w);
	if (c->n == 0) {
		text_add(t, ",\"indicators\":{\"quote\":[{}],"
			    "\"adjclose\":[{}]}}],\"error\":null}}");
		return;
	}
	timestamps(t, c);
	if (c->dividends)
		events(t, c);
	text_add(t, ",\"indicators\":{\"quote\":[{");
	prices(t, c, "open", bar_open);
	text_add(t, ",");
	prices(t, c, "high", bar_high);
	text_add(t, ",");
	prices(t, c, "low", bar_low);
	text_add(t, ",");
	prices(t, c, "close", bar_close);
	text_add(t, ",");
	volumes(t, c);
	text_add(t, "}],\"adjclose\":[{");
	prices(t, c, "adjclose", bar_adjclose);
	text_add(t, "}]}}],\"error\":null}}");
}

static void
load_bars(struct chart *c, const struct world *w, const struct fault *f)
{
	if (f->kind == FAULT_FIGURE)
		c->odd = f->to[0] ? f->to : "NaN";
	c->bars = series_new(c->company, w->opt.seed, c->first, c->last,
	    w->opt.today, MAX_BARS, &c->n);
	thin_out(c);
	if (f->kind == FAULT_MISSING)
		c->n = 0;
}

void
yahoo_chart(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	struct chart c = { 0 };

	answer_set(a, 200, YAHOO_JSON, "");
	answer_header(a, "Cache-Control",
	    "public, max-age=10, stale-while-revalidate=20");
	c.dividends = strstr(request_arg(rq, "events"), "div") != NULL;
	c.company = market_find(&w->market, strrchr(rq->path, '/') + 1);
	if (c.company == NULL || fault->kind == FAULT_DELISTED) {
		answer_set(a, 404, YAHOO_JSON,
		    CHART_ERROR(
			"Not Found", "No data found, symbol may be delisted"));
	} else if (!choose_range(&c, rq, w->opt.today) ||
		   !choose_interval(&c, request_arg(rq, "interval"))) {
		answer_set(a, 422, YAHOO_JSON,
		    CHART_ERROR("Unprocessable Entity",
			"Invalid input - range or interval is not supported"));
	} else {
		load_bars(&c, w, fault);
		write_chart(&a->body, &c, w);
	}
	free(c.bars);
}

static void
write_spark(struct text *t, const struct chart *c, const struct world *w)
{
	text_addf(t, "{\"symbol\":\"%s\",\"response\":[{",
	    company_ticker(c->company));
	meta(t, c, w);
	if (c->n > 0)
		timestamps(t, c);
	text_add(t, ",\"indicators\":{\"quote\":[{");
	if (c->n > 0)
		prices(t, c, "close", bar_close);
	text_add(t, "}]}}]}");
}

void
yahoo_spark(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	const struct company **list;
	struct chart c = { 0 };
	size_t i, n, asked;

	list =
	    yahoo_symbols(&w->market, request_arg(rq, "symbols"), &n, &asked);
	if (asked == 0 || asked > SPARK_SYMBOLS ||
	    !choose_range(&c, rq, w->opt.today) ||
	    !choose_interval(&c, request_arg(rq, "interval"))) {
		answer_set(a, 400, YAHOO_JSON,
		    "{\"spark\":{\"result\":null,\"error\":{\"code\":\"Bad "
		    "Request\",\"description\":\"Number of symbols requested "
		    "exceeds 20, or a bad range\"}}}");
		free(list);
		return;
	}
	answer_set(a, 200, YAHOO_JSON, "{\"spark\":{\"result\":[");
	for (i = 0; i < n; i++) {
		c.company = list[i];
		load_bars(&c, w, fault);
		text_add(&a->body, i ? "," : "");
		write_spark(&a->body, &c, w);
		free(c.bars);
	}
	text_add(&a->body, "],\"error\":null}}");
	free(list);
}

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keyed.h"
#include "market.h"
#include "yahoo.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct keyed_figure today[] = {
	{ "v", AT_VOLUME, 0 },
	{ "c", AT_PRICE, 0 },
};

static const struct keyed_figure before[] = {
	{ "v", AT_63, 3 },
	{ "c", AT_81, 0 },
};

#define REFUSAL(word, key, text)                                               \
	"{\"status\":\"" word "\",\"request_id\":\"demo\",\"" key "\":\"" text \
	"\"}"

/* Where the call may go on, 1. */
static int
opens(const struct request *rq, const struct fault *f, struct answer *a)
{
	const char *key = request_header(rq, "Authorization");

	if (strncmp(key, "Bearer ", 7) == 0)
		key += 7;
	else
		key = request_arg(rq, "apiKey");
	if (*key == '\0')
		answer_set(a, 401, KEYED_JSON,
		    REFUSAL("ERROR", "error", "API Key was not provided"));
	else if (!keyed_opens(key))
		answer_set(a, 401, KEYED_JSON,
		    REFUSAL("ERROR", "error", "Unknown API Key"));
	else if (f->kind == FAULT_PREMIUM)
		answer_set(a, 403, KEYED_JSON,
		    REFUSAL("NOT_AUTHORIZED", "message",
			"You are not entitled to this data. Please upgrade "
			"your plan at https://massive.com/pricing"));
	else if (f->kind == FAULT_QUOTA || f->kind == FAULT_BURST)
		answer_set(a, 429, KEYED_JSON,
		    REFUSAL("ERROR", "error",
			"You've exceeded the maximum requests per minute, "
			"please wait or upgrade your subscription"));
	else
		return 1;
	return 0;
}

/* Days since 1970; -1: not a date. */
static int64_t
date(const char *s)
{
	struct tm tm = { 0 };
	const char *end = strptime(s, "%Y-%m-%d", &tm);

	return end != NULL && *end == '\0' ? timegm(&tm) / 86400 : -1;
}

static int
is_weekend(int64_t day)
{
	return (day + 4) % 7 == 0 || (day + 4) % 7 == 6;
}

/* A company's bar; nothing where it has no price. */
static void
put_bar(struct text *t, const struct company *c, const struct world *w,
    int64_t day, const struct fault *f)
{
	double v;

	if (!company_figure(c, AT_PRICE, &v))
		return;
	text_add(t, t->s[t->len - 1] == '[' ? "{\"T\":\"" : ",{\"T\":\"");
	keyed_symbol(t, c);
	text_addf(t, "%s\"", f->kind == FAULT_CONTROL ? "\\u0007" : "");
	if (day == w->opt.today)
		keyed_add(t, c, today, COUNT(today), 0, f);
	else
		keyed_add(t, c, before, COUNT(before), 0, f);
	text_addf(t, ",\"t\":%lld000,\"n\":1}", yahoo_closing(day));
}

/* The last day has the companies' prices, all before it the previous ones. */
void
polygon_grouped(struct world *w, const struct request *rq,
    const struct fault *f, struct answer *a)
{
	int64_t day = date(strrchr(rq->path, '/') + 1);
	size_t n = w->market.n, lost = 0;

	if (!opens(rq, f, a))
		return;
	if (f->kind == FAULT_SHRINK || f->kind == FAULT_MISSING)
		lost = f->kind == FAULT_SHRINK ? (size_t)f->n : 1;
	if (day < 0)
		answer_set(a, 404, KEYED_JSON,
		    REFUSAL("NotFound", "message", "not a date"));
	else if (day > w->opt.today)
		answer_set(a, 403, KEYED_JSON,
		    REFUSAL("NOT_AUTHORIZED", "message",
			"Attempted to request today's data before end of "
			"day. Please upgrade your plan"));
	else if (is_weekend(day) || f->kind == FAULT_HOLIDAY)
		answer_set(a, 200, KEYED_JSON,
		    "{\"queryCount\":0,\"resultsCount\":0,\"adjusted\":true,"
		    "\"status\":\"OK\",\"request_id\":\"demo\"}");
	else {
		answer_set(a, 200, KEYED_JSON,
		    "{\"status\":\"OK\",\"adjusted\":true,\"results\":["
		    "{\"T\":\"ABRpA\",\"v\":1.5e+03,\"c\":24.1,\"n\":2}");
		for (size_t i = lost; i < n; i++)
			put_bar(&a->body, &w->market.all[i], w, day, f);
		text_addf(&a->body,
		    "],\"queryCount\":%zu,\"resultsCount\":%zu}", n + 1 - lost,
		    n + 1 - lost);
	}
}

/* The previous close of a ticker or of the fund SPY. */
void
polygon_ticker(struct world *w, const struct request *rq, const struct fault *f,
    struct answer *a)
{
	if (!opens(rq, f, a))
		return;
	if (strcmp(rq->path, "/v2/aggs/ticker/SPY/prev") != 0) {
		answer_set(a, 404, KEYED_JSON,
		    REFUSAL("NotFound", "message", "no such ticker"));
		return;
	}
	answer_set(a, 200, KEYED_JSON, "");
	text_addf(&a->body,
	    "{\"ticker\":\"SPY\",\"status\":\"OK\",\"queryCount\":1,"
	    "\"resultsCount\":1,\"adjusted\":true,\"results\":[{\"T\":\"SPY\","
	    "\"v\":6.1436228189065e+07,\"c\":638.11,\"t\":%lld000}]}",
	    yahoo_closing(w->opt.today));
}

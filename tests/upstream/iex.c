#include <stdlib.h>
#include <string.h>

#include "keyed.h"
#include "market.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HTML     "text/html; charset=utf-8"

enum { SYMBOLS = 100 /* the rest is ignored */ };

static const struct keyed_figure quote[] = {
	{ "latestPrice", AT_PRICE, 0 },
	{ "latestVolume", AT_VOLUME, 0 },
	{ "previousClose", AT_81, 0 },
	{ "changePercent", AT_CHANGE, -2 },
	{ "marketCap", AT_MARKET_CAP, 6 },
	{ "peRatio", AT_7, 0 },
};

static const struct keyed_figure stats[] = {
	{ "marketcap", AT_MARKET_CAP, 6 },
	{ "sharesOutstanding", AT_24, 6 },
	{ "ttmEPS", AT_16, 0 },
	{ "dividendYield", AT_14, -2 },
	{ "beta", AT_48, 0 },
	{ "year1ChangePercent", AT_46, -2 },
};

/* A part of a company's entry, where types= names it. */
static void
put_part(struct text *t, const struct company *c, const char *name,
    const struct keyed_figure *list, size_t n, const struct fault *f)
{
	text_addf(t,
	    "%s\"%s\":{\"companyName\":", t->s[t->len - 1] == '{' ? "" : ",",
	    name);
	text_json(t, c->raw[AT_COMPANY]);
	keyed_add(t, c, list, n, 0, f);
	text_add(t, ",\"open\":null,\"high\":null,\"low\":null}");
}

static void
put_company(struct text *t, const struct company *c, const char *types,
    const struct fault *f)
{
	double price;

	if (!company_figure(c, AT_PRICE, &price))
		return;
	text_add(t, t->s[t->len - 1] == '{' ? "\"" : ",\"");
	keyed_symbol(t, c);
	text_add(t, "\":{");
	if (strstr(types, "quote") != NULL)
		put_part(t, c, "quote", quote, COUNT(quote), f);
	if (strstr(types, "stats") != NULL)
		put_part(t, c, "stats", stats, COUNT(stats), f);
	if (strstr(types, "company") != NULL) {
		put_part(t, c, "company", NULL, 0, f);
		text_cut(t, t->len - 1);
		text_add(t, ",\"issueType\":\"cs\",\"industry\":");
		text_json(t, c->raw[AT_4]);
		text_add(t, "}");
	}
	text_add(t, "}");
}

void
iex_batch(struct world *w, const struct request *rq, const struct fault *f,
    struct answer *a)
{
	const char *s = request_arg(rq, "symbols");
	const struct company *c;
	char symbol[32];
	size_t len, n;

	if (!keyed_opens(request_arg(rq, "token"))) {
		answer_set(a, 403, HTML, "The API key provided is not valid.");
		return;
	}
	if (f->kind == FAULT_QUOTA || f->kind == FAULT_BURST) {
		answer_set(a, f->kind == FAULT_QUOTA ? 402 : 429, HTML,
		    f->kind == FAULT_QUOTA ? "You have exceeded your allotted "
					     "message quota."
					   : "Too many requests");
		return;
	}
	answer_set(a, 200, KEYED_JSON, "{");
	for (n = 0; *s != '\0' && n < SYMBOLS;
	     s += len + (s[len] == ','), n++) {
		len = strcspn(s, ",");
		if (len >= sizeof(symbol))
			continue;
		memcpy(symbol, s, len);
		symbol[len] = '\0';
		c = keyed_find(&w->market, symbol);
		if (c != NULL && (f->kind != FAULT_MISSING || n > 0))
			put_company(&a->body, c, request_arg(rq, "types"), f);
	}
	text_add(&a->body, "}");
}

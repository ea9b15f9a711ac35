#include <string.h>

#include "market.h"

static handler front_page, not_found;

static const struct route {
	const char *path;
	int prefix; /* does it also stand for what follows? */
	handler *handle;
} routes[] = {
	{ "/", 0, front_page },
	{ "/screener", 0, finviz_screener },
	{ "/screener.ashx", 0, finviz_screener },
	{ "/export/screener", 0, finviz_export },
	{ "/export", 0, finviz_old_export },
	{ "/export.ashx", 0, finviz_old_export },
	{ "/login", 0, finviz_login },
	{ "/cookie", 0, yahoo_cookie },
	{ "/consent", 0, yahoo_consent },
	{ "/v1/test/getcrumb", 0, yahoo_crumb },
	{ "/v2/collectConsent", 0, yahoo_collect_consent },
	{ "/v2/aggs/grouped/locale/us/market/stocks/", 1, polygon_grouped },
	{ "/v2/aggs/ticker/", 1, polygon_ticker },
	{ "/query", 0, alphavantage_query },
	{ "/stable/stock/market/batch", 0, iex_batch },
	{ "/v7/finance/quote", 0, yahoo_quote },
	{ "/v7/finance/spark", 0, yahoo_spark },
	{ "/v8/finance/chart/", 1, yahoo_chart },
	{ "/_/faults", 0, control_faults },
	{ "/_/reset", 0, control_reset },
	{ "/_/calls", 0, control_calls },
	{ "/_/health", 0, control_health },
};

handler *
route_find(const char *path, int *control)
{
	const struct route *r;

	*control = strncmp(path, "/_/", 3) == 0;
	for (r = routes; r < routes + sizeof(routes) / sizeof(*routes); r++)
		if (strcmp(path, r->path) == 0 ||
		    (r->prefix && strncmp(path, r->path, strlen(r->path)) == 0))
			return r->handle;
	return not_found;
}

int
path_is_yahoo(const char *path)
{
	return path[0] == '/' && path[1] == 'v' && path[2] >= '0' &&
	       path[2] <= '9' && strncmp(path, "/v2/aggs/", 9) != 0;
}

static void
front_page(struct world *w, const struct request *rq, const struct fault *fault,
    struct answer *a)
{
	(void)w;
	(void)rq;
	(void)fault;
	answer_set(a, 200, "text/html; charset=utf-8",
	    "<!DOCTYPE html>\n<title>Demo market</title>\n<h1>Demo market</h1>"
	    "\n<p>A local stand-in for Finviz, Yahoo Finance and other "
	    "sources, for "
	    "tests. "
	    "Nothing here is live data.\n");
}

static void
not_found(struct world *w, const struct request *rq, const struct fault *fault,
    struct answer *a)
{
	(void)w;
	(void)fault;
	if (path_is_yahoo(rq->path))
		answer_set(a, 404, "application/json;charset=utf-8",
		    "{\"finance\":{\"result\":null,\"error\":{\"code\":\"Not "
		    "Found\",\"description\":\"HTTP 404 Not Found\"}}}");
	else
		answer_set(a, 404, "text/html; charset=utf-8",
		    "<!DOCTYPE html>\n<title>404 (demo market)</title>\n");
}

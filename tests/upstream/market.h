#ifndef UPSTREAM_MARKET_H
#define UPSTREAM_MARKET_H

#include <stdint.h>

#include "companies.h"
#include "faults.h"
#include "text.h"

struct MHD_Connection;
struct calls;
struct sessions;

/*
 * The market server: a program that speaks Finviz, Yahoo and the sources behind
 * keys over some 500 companies, on 127.0.0.1 only, for tests and the demo.  The
 *programs under test do not know it: only their *_URL settings differ.  `market
 *-h` has the options and the grammar of faults.
 *
 *	market.c    options, signals       server.c    one call, start to end
 *	routes.c    who answers a path     deliver.c   how an answer is sent
 *	broken.c    faulty answers         gzip.c
 *	finviz.c screen.c page.c spoil.c markup*.c     the screener
 *	export.c                                       the export of Elite
 *	yahoo.c quote.c chart.c series.c sessions.c    the API
 *	alphavantage.c polygon.c iex.c keyed.c         behind keys
 *	control.c calls.c faults.c                     /_/
 */

/* What opens the export of Finviz Elite here. */
#define ELITE_TOKEN "demo-elite/token+1"

struct options {
	uint16_t port; /* 0: any free one */
	const char *port_file, *companies, *label;
	int era; /* 2021 or 2026 */
	int latency_ms;
	uint64_t seed;
	int verbose;
	int64_t today; /* days since 1970 of the last bar of charts */
};

/* What all calls share; each part that changes has its own lock. */
struct world {
	struct options opt;
	struct market market;
	struct faults *faults;
	struct calls *calls;
	struct sessions *sessions;
};

/* One call, from its first line to the end of its answer. */
struct request {
	struct MHD_Connection *con;
	char *uri;                 /* as sent */
	const char *query;         /* within uri, "" for none */
	const char *method, *path; /* borrowed from the connection */
	unsigned long call;        /* its number in the log; 0 for /_/ */
	int begun, ended;
	struct text body; /* of a POST */
};

/* A decoded parameter, "" when it is not there. */
const char *request_arg(const struct request *, const char *name);

/* A header, "" when it is not there. */
const char *request_header(const struct request *, const char *name);

struct header {
	const char *name;
	char *value;
};

struct answer {
	int status;
	const char *type;
	struct text body;
	struct header headers[6];
	size_t nheaders;
};

/* Status, type and body at once; the body is replaced. */
void answer_set(
    struct answer *, int status, const char *type, const char *body);
void answer_header(struct answer *, const char *name, const char *value);
void answer_free(struct answer *);

/*
 * Handlers fill an empty answer.  The fault is one that concerns content, or
 * none; faults that replace an answer or its delivery never get here.
 */
typedef void handler(struct world *, const struct request *,
    const struct fault *, struct answer *);

handler finviz_screener, finviz_export, finviz_old_export, finviz_login;
handler yahoo_cookie, yahoo_crumb, yahoo_quote, yahoo_chart, yahoo_spark;
handler yahoo_consent, yahoo_collect_consent;
handler alphavantage_query, polygon_grouped, polygon_ticker, iex_batch;
handler control_faults, control_reset, control_calls, control_health;

/* Who answers this path; never NULL.  *control is set for /_/ paths. */
handler *route_find(const char *path, int *control);

/* If the fault replaces the answer: fill it in and return 1, else 0. */
int fault_answer(struct world *, const struct request *, const struct fault *,
    struct answer *);

/* The fault "cut": end the body in the middle of the table. */
void fault_cut(struct text *body);

/* Is this a path of Yahoo's, so that errors must look like its own? */
int path_is_yahoo(const char *path);

#endif

/*
 * A request as the web server hands it over (RFC 3875), decoded and checked
 * before any route sees it.  Pure: it is given the variables and the body.
 *
 * Functions that judge a request return the HTTP status of the refusal, or 0
 * where there is nothing to refuse; the reason stands in *e.
 */
#ifndef CGI_REQUEST_H
#define CGI_REQUEST_H

#include <stddef.h>

#include "base/limits.h"
#include "base/rc.h"

enum method {
	METHOD_GET = 1,
	METHOD_HEAD = 2,
	METHOD_POST = 4,
	METHOD_DELETE = 8,
	METHOD_OPTIONS = 16,
	METHOD_OTHER = 32
};

enum pair_kind { PAIR_TEXT, PAIR_TRUE, PAIR_FALSE, PAIR_NUMBER, PAIR_NULL };

/* A parameter of the query, or a member of the body; both texts are UTF-8
 * without control characters. */
struct pair {
	const char *name;
	const char *text; /* "" but for PAIR_TEXT */
	enum pair_kind kind;
};

#define PAIRS_MOST 16

/* Pairs, and the texts that they point to. */
struct pairs {
	struct pair v[PAIRS_MOST];
	size_t n;
	char *text; /* room of the caller's, for at least what is decoded */
	size_t used;
};

/* "a=b&c=d": percent-encoding strictly.  400. */
int pairs_query(struct pairs *, const char *query, struct err *e);
/* A flat JSON object; no name twice.  400. */
int pairs_json(struct pairs *, const char *json, size_t len, struct err *e);

#define REQUEST_ID 64

struct request {
	enum method method;
	const char *path; /* borrowed, as all variables are */
	char id[REQUEST_ID + 1];
	struct pairs query;
	struct pairs body;
	size_t length; /* of the body */
	const char *content_type;
	const char *authorization, *origin, *fetch_site, *host, *remote;
	const char *if_none_match, *accept_encoding; /* NULL: not sent */
	int forwarded; /* a proxy stands between */
	char query_text[LIMIT_URL];
	char body_text[LIMIT_REQUEST + 1];
};

/* A variable of the request, NULL: not there. */
typedef const char *request_get(void *arg, const char *name);

/* Everything but the body.  400, 413, 414.  The id is there whatever comes. */
int request_read(struct request *, request_get *get, void *arg, struct err *e);

/* The body, of r->length bytes.  400, 415. */
int request_body(struct request *, const char *bytes, struct err *e);

/* Does an If-None-Match name this tag (weakly compared, as RFC 9110 says)? */
int request_has_tag(const char *list, const char *tag);

/* Is gzip welcome, by an Accept-Encoding (NULL: none was sent)? */
int request_takes_gzip(const char *accept_encoding);

#endif

/* The faults that put another answer in the place of the true one. */
#include <stdio.h>
#include <string.h>

#include "market.h"
#include "sessions.h"
#include "yahoo.h"

#define HTML "text/html; charset=utf-8"

/* The bodies that belong to a status; Yahoo's where it has its own. */
static const struct {
	int status;
	const char *body, *yahoo;
} bodies[] = {
	{ 403, "Access is denied", NULL },
	{ 429, "Too many requests.", "Edge: Too Many Requests" },
	{ 999, NULL,
	    "<html><body>Sorry, Unable to process request at this time -- "
	    "error 999.</body></html>\n" },
};

static void
status_answer(struct world *w, const struct request *rq, const struct fault *f,
    struct answer *a)
{
	const char *body = NULL;
	size_t i;

	(void)w;
	for (i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
		if (bodies[i].status == f->status)
			body = path_is_yahoo(rq->path) && bodies[i].yahoo
				   ? bodies[i].yahoo
				   : bodies[i].body;
	if (f->status == 429 && strstr(rq->path, "getcrumb") != NULL)
		body = "Too Many Requests\r\n";
	if (body == NULL)
		body = "<!DOCTYPE html>\n<html><body><h1>Will be right back..."
		       "</h1></body></html>\n";
	answer_set(a, f->status, HTML, body);
	if (f->retry_after[0] != '\0')
		answer_header(a, "Retry-After", f->retry_after);
}

static void
busy_answer(struct world *w, const struct request *rq, const struct fault *f,
    struct answer *a)
{
	(void)w;
	(void)rq;
	(void)f;
	answer_set(a, 200, HTML, "Too many requests.");
}

static void
challenge_answer(struct world *w, const struct request *rq,
    const struct fault *f, struct answer *a)
{
	(void)w;
	(void)rq;
	(void)f;
	answer_set(a, 403, HTML,
	    "<!DOCTYPE html><html lang=\"en-US\"><head><title>Just a moment..."
	    "</title><meta name=\"robots\" content=\"noindex,nofollow\"></head>"
	    "<body><noscript>Enable JavaScript and cookies to continue"
	    "</noscript><script>/* demo market */</script></body></html>\n");
	answer_header(a, "cf-mitigated", "challenge");
	answer_header(a, "Cache-Control", "private, max-age=0, no-store");
}

static void
redirect_answer(struct world *w, const struct request *rq,
    const struct fault *f, struct answer *a)
{
	struct text t = { 0 };

	(void)w;
	if (f->kind == FAULT_LOOP)
		text_addf(&t, "%s?%s", rq->path, rq->query);
	else if (f->kind == FAULT_CONSENT)
		text_add(&t, "/consent?brandType=nonEu&gcrumb=demo&done=demo");
	else
		text_add(&t, f->to[0] ? f->to : "http://elsewhere.invalid/");
	answer_set(a, f->kind == FAULT_CONSENT ? 307 : 302, HTML, "");
	answer_header(a, "Location", t.s);
	text_free(&t);
}

static void
html_answer(struct world *w, const struct request *rq, const struct fault *f,
    struct answer *a)
{
	(void)w;
	(void)rq;
	(void)f;
	answer_set(a, 200, HTML,
	    "<!DOCTYPE html>\n<html><head><title>Yahoo (demo market)</title>"
	    "</head><body><h1>Will be right back...</h1></body></html>\n");
}

static void
crumb_answer(struct world *w, const struct request *rq, const struct fault *f,
    struct answer *a)
{
	(void)f;
	sessions_void_crumb(w->sessions, request_header(rq, "Cookie"));
	yahoo_refuse(a, SESSION_BAD_CRUMB);
}

static const struct {
	enum fault_kind kind;
	handler *answer;
} answers[] = {
	{ FAULT_STATUS, status_answer },
	{ FAULT_BUSY, busy_answer },
	{ FAULT_CHALLENGE, challenge_answer },
	{ FAULT_REDIRECT, redirect_answer },
	{ FAULT_LOOP, redirect_answer },
	{ FAULT_CONSENT, redirect_answer },
	{ FAULT_HTML, html_answer },
	{ FAULT_CRUMB, crumb_answer },
};

int
fault_answer(struct world *w, const struct request *rq, const struct fault *f,
    struct answer *a)
{
	size_t i;

	for (i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		if (answers[i].kind == f->kind) {
			answers[i].answer(w, rq, f, a);
			return 1;
		}
	return 0;
}

/* Where there is no table, half of the body stays. */
void
fault_cut(struct text *body)
{
	const char *from, *to;

	from = strstr(body->s, "screener-body-table-nw");
	if (from == NULL)
		from = strstr(body->s, "styled-row");
	to = strstr(body->s, "<!-- TS");
	if (from != NULL && to > from)
		text_cut(
		    body, (size_t)(from - body->s) + (size_t)(to - from) / 2);
	else
		text_cut(body, body->len / 2);
}

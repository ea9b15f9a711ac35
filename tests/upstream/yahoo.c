#include <string.h>

#include "market.h"
#include "sessions.h"
#include "yahoo.h"

#define FINANCE_ERROR(code, text)                                              \
	"{\"finance\":{\"result\":null,\"error\":{\"code\":\"" code            \
	"\",\"description\":\"" text "\"}}}"

/* The bodies of 401, by what was wrong with the session. */
static const char *const refusals[] = {
	[SESSION_NO_COOKIE] = FINANCE_ERROR("Unauthorized",
	    "User is unable to access this feature - "
	    "https://bit.ly/yahoo-finance-api-feedback"),
	[SESSION_BAD_COOKIE] = FINANCE_ERROR("Unauthorized", "Invalid Cookie"),
	[SESSION_BAD_CRUMB] = FINANCE_ERROR("Unauthorized", "Invalid Crumb"),
};

void
yahoo_refuse(struct answer *a, enum session_state state)
{
	answer_set(a, 401, YAHOO_JSON, refusals[state]);
}

/* A 404 that brings the cookie, as fc.yahoo.com does. */
void
yahoo_cookie(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	static const char *const cookies[][2] = {
		{ "A1", "Max-Age=31557600; Path=/; SameSite=Lax; HttpOnly" },
		{ "A3", "Max-Age=31557600; Path=/; SameSite=None; HttpOnly" },
		{ "A1S", "Path=/; SameSite=Lax" },
	};
	char value[COOKIE_SIZE];
	struct text t = { 0 };
	size_t i;

	(void)rq;
	(void)fault;
	sessions_open(w->sessions, value);
	answer_set(a, 404, "text/html",
	    "<!DOCTYPE html>\n<html><head><title>Yahoo (demo market)</title>"
	    "</head><body><h1>Will be right back...</h1></body></html>\n");
	for (i = 0; i < sizeof(cookies) / sizeof(*cookies); i++) {
		text_cut(&t, 0);
		text_addf(&t, "%s=%s; %s", cookies[i][0], value, cookies[i][1]);
		answer_header(a, "Set-Cookie", t.s);
	}
	text_free(&t);
}

void
yahoo_crumb(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	enum session_state state;
	char crumb[CRUMB_SIZE];

	(void)fault;
	state =
	    sessions_crumb(w->sessions, request_header(rq, "Cookie"), crumb);
	if (state != SESSION_GOOD) {
		yahoo_refuse(a, state);
		return;
	}
	answer_set(a, 200, "text/plain;charset=utf-8", crumb);
	answer_header(a, "Cache-Control", "private, max-age=60");
}

/* The first hop after a fault "consent"; the third is the form. */
void
yahoo_consent(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	(void)w;
	(void)rq;
	(void)fault;
	answer_set(a, 302, "text/html", "");
	answer_header(
	    a, "Location", "/v2/collectConsent?sessionId=3_cc-session");
}

void
yahoo_collect_consent(struct world *w, const struct request *rq,
    const struct fault *fault, struct answer *a)
{
	(void)w;
	(void)rq;
	(void)fault;
	answer_set(a, 200, "text/html;charset=UTF-8",
	    "<!DOCTYPE html>\n<html lang=\"en-GB\"><head><title>Yahoo is part "
	    "of the Yahoo family of brands (demo market)</title></head><body>"
	    "<form method=\"post\" class=\"consent-form\">"
	    "<input type=\"hidden\" name=\"csrfToken\" value=\"demo\">"
	    "<input type=\"hidden\" name=\"sessionId\" value=\"3_cc-session\">"
	    "<input type=\"hidden\" name=\"namespace\" value=\"yahoo\">"
	    "<button type=\"submit\" name=\"agree\" value=\"agree\">Accept all"
	    "</button></form></body></html>\n");
}

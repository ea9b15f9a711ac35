/*
 * A session of Yahoo: a cookie and the crumb that belongs to it.  As text, for
 * the processes to share: "cookie\ncrumb".
 */
#ifndef SOURCE_YAHOO_SESSION_H
#define SOURCE_YAHOO_SESSION_H

#include "base/rc.h"
#include "net/http.h"

#define YAHOO_CRUMB 64 /* characters of a crumb at most; they have 11 */
#define YAHOO_SESSION_TEXT                                                     \
	(sizeof(((struct http_request *)0)->cookie) + YAHOO_CRUMB + 1)

struct yahoo_session {
	char cookie[sizeof(((struct http_request *)0)->cookie)];
	char crumb[YAHOO_CRUMB + 1];
};

/* Read a session's text back; 0 and *s untouched where it is none. */
int yahoo_session_read(struct yahoo_session *s, const char *text);
/* Its text; out has YAHOO_SESSION_TEXT bytes. */
void yahoo_session_text(const struct yahoo_session *s, char *out);

/*
 * The cookies of an answer, whatever its status, as a Cookie header.
 * RC_LIMITED for 429.  RC_BLOCKED (RC_UPSTREAM with a 5xx): there is none.
 */
enum rc yahoo_session_cookie(
    const struct http_response *, struct yahoo_session *, struct err *);

/*
 * The crumb of an answer.  "Too Many Requests" and HTML have been taken for
 * one by others; RC_PARSE here, or the code of the refusal.
 */
enum rc yahoo_session_crumb(
    const struct http_response *, struct yahoo_session *, struct err *);

#endif

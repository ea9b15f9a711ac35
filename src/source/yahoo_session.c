#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "source/yahoo_body.h"
#include "source/yahoo_session.h"

/* Printable ASCII without a blank? */
static int
is_plain(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 0x7f)
			return 0;
	return n > 0;
}

static int
is_crumb(const char *s, size_t n)
{
	return n <= YAHOO_CRUMB && is_plain(s, n) &&
	       memchr(s, '{', n) == NULL && memchr(s, '<', n) == NULL;
}

/* "a=1; b=2": as yahoo_session_cookie makes it. */
static int
is_cookie(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || (unsigned char)s[i] >= 0x7f)
			return 0;
	return memchr(s, '=', n) != NULL;
}

int
yahoo_session_read(struct yahoo_session *s, const char *text)
{
	size_t n = strcspn(text, "\n");

	if (text[n] == '\0' || n >= sizeof(s->cookie) || !is_cookie(text, n) ||
	    !is_crumb(text + n + 1, strlen(text + n + 1)))
		return 0;
	memcpy(s->cookie, text, n);
	s->cookie[n] = '\0';
	snprintf(s->crumb, sizeof(s->crumb), "%s", text + n + 1);
	return 1;
}

void
yahoo_session_text(const struct yahoo_session *s, char *out)
{
	snprintf(out, YAHOO_SESSION_TEXT, "%s\n%s", s->cookie, s->crumb);
}

/* Does the list "a=1; b=2" have a cookie of this name (n bytes)? */
static int
has_cookie(const char *list, const char *name, size_t n)
{
	for (const char *p = list; p != NULL && *p != '\0';) {
		if (strncmp(p, name, n) == 0 && p[n] == '=')
			return 1;
		p = strstr(p, "; ");
		p = p != NULL ? p + 2 : NULL;
	}
	return 0;
}

/* Is this Set-Cookie the end of a cookie? */
static int
is_expired(const char *line)
{
	const char *p = strcasestr(line, "max-age=");

	return p != NULL && strtol(p + strlen("max-age="), NULL, 10) <= 0;
}

/* Add the pair of one Set-Cookie line where it is usable and fits. */
static void
add_cookie(char *list, size_t size, const char *line)
{
	size_t n = strcspn(line, ";"), name = strcspn(line, "="), used;

	while (n > 0 && line[n - 1] == ' ')
		n--;
	used = strlen(list);
	if (name == 0 || name + 1 >= n || !is_plain(line, n) ||
	    is_expired(line) || has_cookie(list, line, name) ||
	    used + n + 3 > size)
		return;
	snprintf(list + used, size - used, "%s%.*s", used > 0 ? "; " : "",
	    (int)n, line);
}

enum rc
yahoo_session_cookie(
    const struct http_response *r, struct yahoo_session *s, struct err *e)
{
	char line[4096], list[sizeof(s->cookie)] = "";
	int n = 0;

	if (r->status == 429 || r->status == 999)
		return err_set(e, RC_LIMITED,
		    "Yahoo gave no cookie: HTTP status %d", r->status);
	while (n < LIMIT_COOKIES &&
	       http_header(r, "Set-Cookie", n, line, sizeof(line)))
		n++;
	/* Backwards: the last of equal names is the one that counts. */
	while (n-- > 0)
		if (http_header(r, "Set-Cookie", n, line, sizeof(line)))
			add_cookie(list, sizeof(list), line);
	if (list[0] == '\0')
		return err_set(e, r->status >= 500 ? RC_UPSTREAM : RC_BLOCKED,
		    "Yahoo gave no cookie: HTTP status %d", r->status);
	memcpy(s->cookie, list, sizeof(list));
	return RC_OK;
}

enum rc
yahoo_session_crumb(
    const struct http_response *r, struct yahoo_session *s, struct err *e)
{
	struct yahoo_body body;
	char type[64] = "";
	enum rc rc = yahoo_body_text(r, e);

	if (rc != RC_OK)
		return rc;
	http_header(r, "Content-Type", 0, type, sizeof(type));
	if (is_crumb(r->body, r->len) &&
	    strncasecmp(type, "text/html", strlen("text/html")) != 0) {
		memcpy(s->crumb, r->body, r->len);
		s->crumb[r->len] = '\0';
		return RC_OK;
	}
	/* An error in JSON says more than that it is not a crumb. */
	rc = yahoo_body_read(r, "quoteResponse", &body, e);
	yahoo_body_fini(&body);
	if (rc == RC_BLOCKED || rc == RC_LIMITED || rc == RC_UPSTREAM ||
	    rc == RC_NOMEM)
		return rc;
	return err_set(e, RC_PARSE, "Yahoo gave no crumb: %s",
	    r->len == 0 ? "an empty body" : "something else in its place");
}

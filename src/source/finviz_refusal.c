#include <string.h>
#include <strings.h>

#include "source/finviz_refusal.h"
#include "source/source.h"

#define HEAD  4096 /* bytes of the body that are looked at */
#define BLANK " \t\r\n\f\v"

enum place { WHOLE, TITLE, SHORT };

struct mark {
	const char *text;
	enum place place; /* the body is it; its title begins so; a body of
			     less than HEAD bytes has it somewhere */
	enum rc rc;
};

static const struct mark marks[] = {
	{ "too many requests.", WHOLE, RC_LIMITED },
	{ "too many requests", WHOLE, RC_LIMITED },
	{ "just a moment", TITLE, RC_BLOCKED },
	{ "attention required", TITLE, RC_BLOCKED },
	{ "access denied", TITLE, RC_BLOCKED },
	{ "access is denied", TITLE, RC_BLOCKED },
	{ "access is denied", SHORT, RC_BLOCKED },
	{ "error code: 1015", SHORT, RC_LIMITED },
	{ "error code: 10", SHORT, RC_BLOCKED },
};

static const char *
title_of(const char *head)
{
	const char *p = strcasestr(head, "<title");

	if (p != NULL)
		p = strchr(p, '>');
	if (p == NULL)
		return "";
	p++;
	return p + strspn(p, BLANK);
}

static int
is_whole(const char *head, const char *text)
{
	size_t n = strlen(text);

	head += strspn(head, BLANK);
	return strncasecmp(head, text, n) == 0 &&
	       head[n + strspn(head + n, BLANK)] == '\0';
}

static int
matches(const struct mark *m, const char *head, size_t len)
{
	if (m->place == TITLE)
		return strncasecmp(title_of(head), m->text, strlen(m->text)) ==
		       0;
	if (len >= HEAD)
		return 0;
	if (m->place == WHOLE)
		return is_whole(head, m->text);
	return strcasestr(head, m->text) != NULL;
}

enum rc
finviz_refusal(const struct http_response *r, struct err *e)
{
	char head[HEAD];
	size_t n = r->len < HEAD ? r->len : HEAD - 1;

	memcpy(head, r->body, n);
	for (size_t i = 0; i < n; i++)
		if (head[i] == '\0')
			head[i] = ' ';
	head[n] = '\0';
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (matches(&marks[i], head, r->len))
			return err_set(e, marks[i].rc,
			    "Finviz says \"%s\" with HTTP status %d",
			    marks[i].text, r->status);
	return source_status(r, e);
}

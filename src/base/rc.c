#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/rc.h"

struct policy_row {
	const char *name;
	int retryable;
	int exit;
	int http;
};

static const struct policy_row rows[] = {
	[RC_OK] = { "ok", 0, EX_OK, 200 },
	[RC_USAGE] = { "usage", 0, EX_USAGE, 422 },
	[RC_CONFIG] = { "configuration", 0, EX_CONFIG, 500 },
	[RC_NOMEM] = { "out-of-memory", 1, EX_OSERR, 500 },
	[RC_SYS] = { "system", 1, EX_OSERR, 500 },
	[RC_BUG] = { "bug", 0, EX_SOFTWARE, 500 },
	[RC_NOTFOUND] = { "not-found", 0, EX_NOINPUT, 404 },
	[RC_EMPTY] = { "empty", 0, EX_NOINPUT, 200 },
	[RC_METHOD] = { "method", 0, EX_USAGE, 405 },
	[RC_DENIED] = { "denied", 0, EX_UNAVAILABLE, 403 },
	[RC_LIMITED] = { "rate-limited", 1, EX_TEMPFAIL, 429 },
	[RC_OPEN] = { "breaker-open", 1, EX_TEMPFAIL, 503 },
	[RC_BUSY] = { "busy", 1, EX_TEMPFAIL, 503 },
	[RC_FULL] = { "full", 1, EX_TEMPFAIL, 503 },
	[RC_TIMEOUT] = { "timeout", 1, EX_UNAVAILABLE, 504 },
	[RC_NET] = { "network", 1, EX_UNAVAILABLE, 502 },
	[RC_UPSTREAM] = { "upstream", 1, EX_UNAVAILABLE, 502 },
	[RC_BLOCKED] = { "blocked", 0, EX_UNAVAILABLE, 502 },
	[RC_PARSE] = { "unreadable", 1, EX_DATAERR, 502 },
	[RC_INVALID] = { "invalid", 1, EX_DATAERR, 502 },
	[RC_STORE] = { "store", 1, EX_UNAVAILABLE, 503 },
	[RC_NOSOURCE] = { "no-source", 1, EX_UNAVAILABLE, 502 },
	[RC_STALE] = { "stale", 0, 3, 200 },
	[RC_PARTIAL] = { "partial", 0, 4, 200 },
	[RC_UNHEALTHY] = { "unhealthy", 0, 1, 503 },
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) == RC__MAX, "a row per code");

static const struct policy_row *
row(enum rc rc)
{
	return rc < RC__MAX ? &rows[rc] : &rows[RC_BUG];
}

enum rc
err_set(struct err *e, enum rc rc, const char *fmt, ...)
{
	struct err tmp = { .rc = rc };
	va_list ap;

	if (e == NULL)
		return rc;
	/* By way of a copy: the arguments may lie in *e itself. */
	va_start(ap, fmt);
	vsnprintf(tmp.msg, sizeof(tmp.msg), fmt, ap);
	va_end(ap);
	*e = tmp;
	return rc;
}

enum rc
err_wrap(struct err *e, const char *fmt, ...)
{
	char head[sizeof(e->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(head, sizeof(head), fmt, ap);
	va_end(ap);
	return err_set(e, e->rc, "%s: %s", head, e->msg);
}

const char *
rc_name(enum rc rc)
{
	return row(rc)->name;
}

int
rc_retryable(enum rc rc)
{
	return row(rc)->retryable;
}

int
rc_exit(enum rc rc)
{
	return row(rc)->exit;
}

int
rc_http(enum rc rc)
{
	return row(rc)->http;
}

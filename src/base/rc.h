/*
 * The result codes of the whole project, and what follows from each.
 *
 * A function that can fail returns enum rc (0 is success, always), takes a
 * struct err last (which may be NULL), and leaves its outputs untouched on
 * failure.  It does not log: the one who gives up does, once.
 *
 * Retry, exit status and HTTP status of a code stand in one table in rc.c, so
 * they cannot disagree.  The exit statuses are those of sysexits(3) and of
 * README.md, "Exit status".
 */
#ifndef BASE_RC_H
#define BASE_RC_H

enum rc {
	RC_OK = 0,
	RC_USAGE,    /* the caller's arguments are wrong */
	RC_CONFIG,   /* a setting is wrong */
	RC_NOMEM,    /* out of memory */
	RC_SYS,      /* a system call failed */
	RC_BUG,      /* an invariant of ours is broken */
	RC_NOTFOUND, /* no such symbol, task, route, cache entry, or no value */
	RC_EMPTY,    /* legitimately nothing: an empty dataset, past the end */
	RC_METHOD,   /* the route exists, for another HTTP method */
	RC_DENIED,   /* the caller may not do this */
	RC_LIMITED,  /* too many calls: by our limiter or by theirs */
	RC_OPEN,     /* our circuit breaker is open */
	RC_BUSY,     /* someone else is doing this just now */
	RC_FULL,     /* Redis or the queue is full */
	RC_TIMEOUT,  /* they did not answer in time */
	RC_NET,      /* no answer: name, connection, TLS, reset, cut off */
	RC_UPSTREAM, /* an error answer: 5xx, or an unexpected status */
	RC_BLOCKED,  /* refused: 401, 403, challenge, consent page */
	RC_PARSE,    /* unreadable: changed layout, malformed, too large */
	RC_INVALID,  /* readable, but fails validation */
	RC_STORE,    /* Redis refused or is unreachable */
	RC_NOSOURCE, /* every source failed, or none can serve this */
	RC_STALE,    /* done, with stale data */
	RC_PARTIAL,  /* done, with rows missing */
	RC_UNHEALTHY, /* a check found something */
	RC__MAX
};

struct err {
	enum rc rc;
	char msg[256]; /* one line, without a final dot; may quote hostile text
			*/
};

/* Fill *e (which may be NULL) and return rc: return err_set(e, RC_NET, ...); */
enum rc err_set(struct err *e, enum rc rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Put text and ": " before the message of *e; returns e's code. */
enum rc err_wrap(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "rate-limited": stable, for logs, results and metrics. */
const char *rc_name(enum rc);
/* Is a later attempt of the same call worthwhile? */
int rc_retryable(enum rc);
/* sysexits(3) status of a program that ends with this code. */
int rc_exit(enum rc);
/* Status of an HTTP answer. */
int rc_http(enum rc);

#endif

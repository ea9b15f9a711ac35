/*
 * HTTP for all sources: one curl multi per process, requests in flight
 * together, each with its own deadline.  It does what every source needs:
 * gzip and brotli, HTTP/2, connections and TLS sessions used again, TLS
 * verified, redirects on the same host only, an honest User-Agent, http_proxy
 * and its relatives obeyed.  It does not retry, limit or judge an answer: see
 * fetcher.h, store/guard.h and source/source.h.
 *
 * CURL_CA_BUNDLE or SSL_CERT_FILE name other certificate authorities than the
 * machine's, as they do for curl.
 *
 * URLs may carry secrets (a crumb, a token): messages name the host only.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/limits.h"
#include "base/rc.h"

struct http_request {
	char url[LIMIT_URL];
	char cookie[2048];          /* the Cookie header; "" sends none */
	char bearer[LIMIT_SETTING]; /* Authorization: Bearer; "" sends none */
	const char *accept;         /* the Accept header; borrowed, NULL: any */
	unsigned tag;               /* the source's own name for this request */
	int head_only; /* stop after the headers: the body is not wanted */
	int one_hop;   /* hand a redirect on the same host back */
};

/* Valid during the callback (or while its maker says so). */
struct http_response {
	unsigned tag;
	int status;       /* 100 to 999; 0: no answer, and why says so */
	struct err why;   /* RC_NET, RC_TIMEOUT, RC_PARSE (too large, bad
			     encoding), RC_BLOCKED (redirect elsewhere),
			     RC_UPSTREAM (redirects without end), RC_CONFIG
			     (TLS_CIPHERS, certificates), RC_NOMEM */
	const char *body; /* decoded, NUL-terminated; "" where there is none */
	size_t len;
	const char *headers;    /* "Name: value\n" lines of the last hop, "" */
	const char *location;   /* one_hop: ask there next; NULL: no redirect */
	int64_t retry_after_ms; /* of Retry-After (seconds or date); -1: none */
};

/* The value of the n-th (from 0) header of that name, copied to out and cut
 * to fit; 0 where there is none.  Names are compared without case. */
int http_header(const struct http_response *, const char *name, int n,
    char *out, size_t size);

struct http;
typedef void http_done(void *arg, const struct http_response *);

enum rc http_open(struct http **, const struct config *, struct err *);
void http_close(struct http *); /* aborts what is in flight, calls nobody */

/*
 * Begin a request; done is called once, out of http_poll.  deadline_ms
 * (clock_mono_ms) bounds it together with REQUEST_TIMEOUT, CONNECT_TIMEOUT and
 * STALL_TIMEOUT.  The request is copied.  *id names it for http_cancel.
 *
 * RC_TIMEOUT: the deadline has passed; RC_CONFIG: no http address; RC_INVALID:
 * a control character in a header.
 */
enum rc http_start(struct http *, const struct http_request *,
    int64_t deadline_ms, http_done *done, void *arg, unsigned *id,
    struct err *);

/* Abort a request; its done is not called.  An id that ended is fine. */
void http_cancel(struct http *, unsigned id);

/* How many are in flight. */
size_t http_active(const struct http *);

/* Do what can be done; where nothing ended, wait up to timeout_ms for more.
 * A callback may start and cancel requests. */
enum rc http_poll(struct http *, int64_t timeout_ms, struct err *);

/* Read one number of milliseconds out of a Retry-After value, relative to
 * now (seconds since the epoch): delta-seconds or an HTTP date; -1: neither. */
int64_t http_retry_after(const char *value, int64_t now_s);

#endif

/*
 * One request on its way: its curl handle, what has come so far, and what
 * came of it.  Private to http*.c.
 */
#ifndef NET_HTTP_TRANSFER_H
#define NET_HTTP_TRANSFER_H

#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/config.h"
#include "net/http.h"
#include "net/http_url.h"

/* What all requests have in common. */
struct http_settings {
	int64_t request_ms;
	int64_t connect_ms;
	int64_t stall_ms;
	char user_agent[LIMIT_SETTING];
	char tls_ciphers[LIMIT_SETTING];
};

struct transfer {
	struct transfer *next;
	unsigned id;
	unsigned tag;
	int head_only;
	int one_hop;
	http_done *done;
	void *arg;

	CURL *easy;                /* borrowed from the pool of http.c */
	struct curl_slist *fields; /* request headers */
	char host[HTTP_HOST];
	char detail[CURL_ERROR_SIZE]; /* curl's own message */

	int64_t start_ms;         /* clock_mono_ms, as all here */
	int64_t limit_ms;         /* it must have ended by then */
	int64_t seen_ms;          /* when something came in last */
	int64_t seen;             /* how much had come in then */
	int hops;                 /* redirects followed */
	char location[LIMIT_URL]; /* one_hop: where it was sent to; "" */

	/* Of this hop */
	struct buf headers;
	struct buf body;
	size_t head_bytes; /* all header bytes, kept or not */
	int head_done;     /* the final headers are complete */
	struct err why; /* why we broke it off ourselves; RC_OK: we did not */
};

/* A copy of the request.  RC_CONFIG: no http address; RC_INVALID: a header
 * with a control character; RC_NOMEM. */
enum rc transfer_new(
    struct transfer **, const struct http_request *, struct err *);
/* The curl handle is not freed.  Takes NULL. */
void transfer_free(struct transfer *);

/* Set its curl handle up, once it has one. */
enum rc transfer_setup(struct transfer *, const struct http_request *,
    const struct http_settings *, struct err *);

/* Make it ready for one more hop.  RC_TIMEOUT: there is no time left. */
enum rc transfer_aim(
    struct transfer *, const char *url, int64_t now_ms, struct err *);

/* Has it brought nothing for so long?  Time to connect does not count. */
int transfer_stalled(struct transfer *, int64_t now_ms, int64_t stall_ms);

/* What the end of a hop means.  RC_OK: an answer is there. */
enum rc transfer_outcome(
    struct transfer *, CURLcode, int64_t now_ms, struct err *);

/* The status of the answer so far; 0: none yet. */
int transfer_status(const struct transfer *);
int transfer_is_redirect(int status);

#endif

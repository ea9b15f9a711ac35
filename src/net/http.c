#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/http_transfer.h"

/* Handles at rest: more are never in flight together for long. */
#define IDLE_MAX 8

/* Above what any source's policy allows: a bound, not a limit. */
#define HOST_CONNECTIONS 4
#define CONNECTIONS      16

struct http {
	CURLM *multi;
	CURLSH *share; /* TLS sessions and names, for all handles */
	int initialised;
	CURL *idle[IDLE_MAX];
	size_t nidle;
	struct transfer *first; /* in flight, latest first */
	size_t active;
	unsigned last_id;
	unsigned ended; /* calls of done, so far */
	struct http_settings settings;
};

static int
multi_setup(CURLM *m)
{
	return curl_multi_setopt(m, CURLMOPT_PIPELINING,
		   (long)CURLPIPE_MULTIPLEX) == CURLM_OK &&
	       curl_multi_setopt(m, CURLMOPT_MAX_HOST_CONNECTIONS,
		   (long)HOST_CONNECTIONS) == CURLM_OK &&
	       curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS) ==
		   CURLM_OK;
}

/* No lock functions: a struct http belongs to one thread. */
static int
share_setup(CURLSH *s)
{
	return curl_share_setopt(s, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) ==
		   CURLSHE_OK &&
	       curl_share_setopt(s, CURLSHOPT_SHARE,
		   CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK;
}

enum rc
http_open(struct http **out, const struct config *c, struct err *e)
{
	struct http *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	h->initialised = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	if (h->initialised) {
		h->multi = curl_multi_init();
		h->share = curl_share_init();
	}
	if (h->multi == NULL || h->share == NULL || !multi_setup(h->multi) ||
	    !share_setup(h->share)) {
		http_close(h);
		return err_set(e, RC_NOMEM, "cannot start libcurl");
	}
	h->settings.request_ms = c->request_timeout * 1000;
	h->settings.connect_ms = c->connect_timeout * 1000;
	h->settings.stall_ms = c->stall_timeout * 1000;
	memcpy(h->settings.user_agent, c->user_agent, sizeof(c->user_agent));
	memcpy(h->settings.tls_ciphers, c->tls_ciphers, sizeof(c->tls_ciphers));
	*out = h;
	return RC_OK;
}

/* A handle out of the pool, or a new one. */
static CURL *
easy_take(struct http *h)
{
	CURL *easy;

	if (h->nidle > 0)
		return h->idle[--h->nidle];
	easy = curl_easy_init();
	if (easy != NULL &&
	    curl_easy_setopt(easy, CURLOPT_SHARE, h->share) != CURLE_OK) {
		curl_easy_cleanup(easy);
		easy = NULL;
	}
	return easy;
}

/* Connections, TLS sessions and the share outlive curl_easy_reset. */
static void
easy_give(struct http *h, CURL *easy)
{
	if (easy != NULL && h->nidle < IDLE_MAX) {
		curl_easy_reset(easy);
		h->idle[h->nidle++] = easy;
	} else {
		curl_easy_cleanup(easy);
	}
}

/* Take it off the multi and off the list; it keeps its buffers. */
static void
detach(struct http *h, struct transfer *t)
{
	struct transfer **at = &h->first;

	while (*at != NULL && *at != t)
		at = &(*at)->next;
	assert(*at == t);
	*at = t->next;
	h->active--;
	curl_multi_remove_handle(h->multi, t->easy);
	easy_give(h, t->easy);
	t->easy = NULL;
}

void
http_close(struct http *h)
{
	struct transfer *t;

	if (h == NULL)
		return;
	while ((t = h->first) != NULL) {
		detach(h, t);
		transfer_free(t);
	}
	while (h->nidle > 0)
		curl_easy_cleanup(h->idle[--h->nidle]);
	curl_multi_cleanup(h->multi);
	curl_share_cleanup(h->share);
	if (h->initialised)
		curl_global_cleanup();
	free(h);
}

static struct transfer *
by_id(const struct http *h, unsigned id)
{
	struct transfer *t = h->first;

	while (t != NULL && t->id != id)
		t = t->next;
	return t;
}

static unsigned
new_id(struct http *h)
{
	do {
		h->last_id++;
	} while (h->last_id == 0 || by_id(h, h->last_id) != NULL);
	return h->last_id;
}

enum rc
http_start(struct http *h, const struct http_request *q, int64_t deadline_ms,
    http_done *done, void *arg, unsigned *id, struct err *e)
{
	int64_t now = clock_mono_ms();
	struct transfer *t;
	enum rc rc;

	rc = transfer_new(&t, q, e);
	if (rc != RC_OK)
		return rc;
	t->done = done;
	t->arg = arg;
	t->start_ms = now;
	t->limit_ms = now + h->settings.request_ms;
	if (t->limit_ms > deadline_ms)
		t->limit_ms = deadline_ms;
	t->easy = easy_take(h);
	if (t->easy == NULL)
		rc = err_set(e, RC_NOMEM, "out of memory");
	if (rc == RC_OK)
		rc = transfer_setup(t, q, &h->settings, e);
	if (rc == RC_OK)
		rc = transfer_aim(t, q->url, now, e);
	if (rc == RC_OK && curl_multi_add_handle(h->multi, t->easy) != CURLM_OK)
		rc = err_set(e, RC_NOMEM, "out of memory");
	if (rc != RC_OK) {
		easy_give(h, t->easy);
		transfer_free(t);
		return rc;
	}
	t->next = h->first;
	h->first = t;
	h->active++;
	t->id = new_id(h);
	*id = t->id;
	return RC_OK;
}

void
http_cancel(struct http *h, unsigned id)
{
	struct transfer *t = by_id(h, id);

	if (t == NULL)
		return;
	detach(h, t);
	transfer_free(t);
}

size_t
http_active(const struct http *h)
{
	return h->active;
}

/* Tell its maker what came of it.  He may start and cancel others meanwhile:
 * it is on no list any more. */
static void
finish(struct http *h, struct transfer *t, const struct err *why)
{
	struct http_response r = { .tag = t->tag,
		.why = *why,
		.body = "",
		.headers = "",
		.retry_after_ms = -1 };
	char value[64];

	if (why->rc == RC_OK) {
		r.status = transfer_status(t);
		if (t->location[0] != '\0')
			r.location = t->location;
		if (t->headers.data != NULL)
			r.headers = t->headers.data;
		if (t->body.data != NULL && !t->head_only) {
			r.body = t->body.data;
			r.len = t->body.len;
		}
		if (http_header(&r, "Retry-After", 0, value, sizeof(value)))
			r.retry_after_ms =
			    http_retry_after(value, clock_wall_us() / 1000000);
	}
	detach(h, t);
	h->ended++;
	t->done(t->arg, &r);
	transfer_free(t);
}

/* Send it to the address that its answer names, or note it. */
static enum rc
follow(struct http *h, struct transfer *t, const char *location, int64_t now,
    struct err *e)
{
	char to[LIMIT_URL];
	const char *from = NULL;
	enum rc rc;

	if (t->hops == LIMIT_REDIRECTS)
		return err_set(
		    e, RC_UPSTREAM, "more than %d redirects", LIMIT_REDIRECTS);
	if (strlen(location) >= sizeof(to) - 1) /* cut, perhaps */
		return err_set(
		    e, RC_UPSTREAM, "redirected to an address too long");
	curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &from);
	if (from == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = http_url_follow(from, location, to, sizeof(to), e);
	if (rc != RC_OK)
		return rc;
	if (t->one_hop) {
		memcpy(t->location, to, sizeof(to));
		return RC_OK;
	}
	t->hops++;
	curl_multi_remove_handle(h->multi, t->easy);
	rc = transfer_aim(t, to, now, e);
	if (rc == RC_OK && curl_multi_add_handle(h->multi, t->easy) != CURLM_OK)
		rc = err_set(e, RC_NOMEM, "out of memory");
	return rc;
}

/* The Location of a redirect. */
static int
location_of(const struct transfer *t, char *out, size_t size)
{
	const struct http_response r = { .headers = t->headers.data };

	return transfer_is_redirect(transfer_status(t)) &&
	       http_header(&r, "Location", 0, out, size) && *out != '\0';
}

/* A hop is over. */
static void
end_hop(struct http *h, struct transfer *t, CURLcode c)
{
	char location[LIMIT_URL];
	int64_t now = clock_mono_ms();
	struct err why = { 0 };

	if (transfer_outcome(t, c, now, &why) == RC_OK &&
	    location_of(t, location, sizeof(location))) {
		if (follow(h, t, location, now, &why) != RC_OK)
			err_wrap(&why, "%s", t->host);
		else if (!t->one_hop)
			return;
	}
	finish(h, t, &why);
}

/* End those that are out of time.  curl's own timers do not cover requests
 * that wait for a connection, nor see a stall in time. */
static void
expire(struct http *h)
{
	size_t n = h->active; /* those that a callback starts come later */
	struct transfer *t;
	int64_t now;
	struct err why;

	while (n-- > 0) {
		now = clock_mono_ms();
		for (t = h->first; t != NULL; t = t->next)
			if (now >= t->limit_ms ||
			    transfer_stalled(t, now, h->settings.stall_ms))
				break;
		if (t == NULL)
			return;
		if (now >= t->limit_ms)
			transfer_outcome(
			    t, CURLE_OPERATION_TIMEDOUT, now, &why);
		else
			err_set(&why, RC_TIMEOUT, "%s: no byte for %.1f s",
			    t->host, (double)(now - t->seen_ms) / 1000);
		finish(h, t, &why);
	}
}

/* Do what can be done at once. */
static enum rc
work(struct http *h, struct err *e)
{
	CURLMcode m;
	CURLMsg *msg;
	struct transfer *t;
	char *at;
	int running, left;

	m = curl_multi_perform(h->multi, &running);
	if (m != CURLM_OK)
		return err_set(e, m == CURLM_OUT_OF_MEMORY ? RC_NOMEM : RC_BUG,
		    "libcurl: %s", curl_multi_strerror(m));
	while ((msg = curl_multi_info_read(h->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		at = NULL;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &at);
		t = (struct transfer *)(void *)at;
		if (t != NULL)
			end_hop(h, t, msg->data.result);
	}
	expire(h);
	return RC_OK;
}

/* How long may nothing happen?  At most ms. */
static int
patience(const struct http *h, int64_t ms)
{
	int64_t now = clock_mono_ms(), end;

	for (const struct transfer *t = h->first; t != NULL; t = t->next) {
		end = t->seen_ms + h->settings.stall_ms;
		if (end > t->limit_ms)
			end = t->limit_ms;
		if (ms > end - now)
			ms = end - now;
	}
	return ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

enum rc
http_poll(struct http *h, int64_t timeout_ms, struct err *e)
{
	unsigned before = h->ended;
	CURLMcode m;
	enum rc rc;

	rc = work(h, e);
	/* Where a callback was called, its maker has something to do first. */
	if (rc != RC_OK || h->ended != before)
		return rc;
	m = curl_multi_poll(h->multi, NULL, 0, patience(h, timeout_ms), NULL);
	if (m != CURLM_OK)
		return err_set(e, m == CURLM_OUT_OF_MEMORY ? RC_NOMEM : RC_SYS,
		    "libcurl: %s", curl_multi_strerror(m));
	return work(h, e);
}

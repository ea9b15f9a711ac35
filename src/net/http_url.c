#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "net/http_url.h"

struct address {
	char *scheme;
	char *host; /* NULL where the scheme has none */
	char *port; /* the scheme's own where the address has none */
};

static void
address_fini(struct address *a)
{
	curl_free(a->scheme);
	curl_free(a->host);
	curl_free(a->port);
}

static int
is_web(const char *scheme)
{
	return strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
}

static CURLUcode
address_read(CURLU *u, struct address *a)
{
	CURLUcode c;

	c = curl_url_get(u, CURLUPART_SCHEME, &a->scheme, 0);
	if (c != CURLUE_OK || !is_web(a->scheme))
		return c;
	c = curl_url_get(u, CURLUPART_HOST, &a->host, 0);
	if (c == CURLUE_OK)
		c = curl_url_get(
		    u, CURLUPART_PORT, &a->port, CURLU_DEFAULT_PORT);
	return c;
}

enum rc
http_url_host(const char *url, char host[HTTP_HOST], struct err *e)
{
	struct address a = { 0 };
	CURLU *u = curl_url();
	CURLUcode c = CURLUE_OUT_OF_MEMORY;
	enum rc rc = RC_OK;

	if (u != NULL)
		c = curl_url_set(u, CURLUPART_URL, url, 0);
	if (c == CURLUE_OK)
		c = address_read(u, &a);
	if (c == CURLUE_OUT_OF_MEMORY) {
		rc = err_set(e, RC_NOMEM, "out of memory");
	} else if (c != CURLUE_OK || a.host == NULL) {
		rc = err_set(e, RC_CONFIG, "not an http or https address: %s",
		    c != CURLUE_OK ? curl_url_strerror(c) : "other scheme");
	} else {
		memset(host, 0, HTTP_HOST);
		memcpy(host, a.host, strnlen(a.host, HTTP_HOST - 1));
	}
	address_fini(&a);
	curl_url_cleanup(u);
	return rc;
}

static int
is_upgrade(const struct address *a, const struct address *b)
{
	return strcmp(a->scheme, "http") == 0 && strcmp(a->port, "80") == 0 &&
	       strcmp(b->scheme, "https") == 0 && strcmp(b->port, "443") == 0;
}

static enum rc
judge(const struct address *a, const struct address *b, struct err *e)
{
	if (b->host == NULL)
		return err_set(e, RC_BLOCKED,
		    "redirected to another scheme: %.20s", b->scheme);
	if (strcasecmp(a->host, b->host) != 0)
		return err_set(e, RC_BLOCKED,
		    "redirected to another host: %.100s", b->host);
	if (is_upgrade(a, b))
		return RC_OK;
	if (strcmp(a->scheme, b->scheme) != 0)
		return err_set(e, RC_BLOCKED, "redirected from %s to %s",
		    a->scheme, b->scheme);
	if (strcmp(a->port, b->port) != 0)
		return err_set(
		    e, RC_BLOCKED, "redirected to another port: %s", b->port);
	return RC_OK;
}

static enum rc
unreadable(CURLUcode c, struct err *e)
{
	if (c == CURLUE_OUT_OF_MEMORY)
		return err_set(e, RC_NOMEM, "out of memory");
	return err_set(e, RC_UPSTREAM, "redirected to an unreadable address");
}

enum rc
http_url_follow(const char *from, const char *location, char *out, size_t size,
    struct err *e)
{
	struct address a = { 0 }, b = { 0 };
	CURLU *u = curl_url();
	CURLUcode c = CURLUE_OUT_OF_MEMORY;
	char *url = NULL;
	enum rc rc;

	if (u != NULL)
		c = curl_url_set(u, CURLUPART_URL, from, 0);
	if (c == CURLUE_OK)
		c = address_read(u, &a);
	if (c == CURLUE_OK && a.host == NULL)
		c = CURLUE_NO_HOST;
	/* Blanks are written as %20, as browsers do; odd schemes are read, so
	 * that they can be named. */
	if (c == CURLUE_OK)
		c = curl_url_set(u, CURLUPART_URL, location,
		    CURLU_NON_SUPPORT_SCHEME | CURLU_ALLOW_SPACE |
			CURLU_URLENCODE);
	if (c == CURLUE_OK)
		c = address_read(u, &b);
	if (c == CURLUE_OK)
		c = curl_url_get(u, CURLUPART_URL, &url, 0);
	if (c != CURLUE_OK)
		rc = unreadable(c, e);
	else if ((rc = judge(&a, &b, e)) == RC_OK && strlen(url) >= size)
		rc = err_set(
		    e, RC_UPSTREAM, "redirected to an address too long");
	if (rc == RC_OK && url != NULL)
		memcpy(out, url, strlen(url) + 1);
	curl_free(url);
	address_fini(&a);
	address_fini(&b);
	curl_url_cleanup(u);
	return rc;
}

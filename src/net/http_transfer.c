#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_head.h"
#include "net/http_transfer.h"

/* Headers of one hop, kept or not: Yahoo sends 34 KB, nobody this much. */

#define MIB(bytes) ((unsigned)(bytes) >> 20)

static int
has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return 1;
	return 0;
}

static enum rc
add_field(struct transfer *t, const char *name, const char *value)
{
	struct buf b;
	struct curl_slist *list = NULL;

	buf_init(&b, LIMIT_HEADERS);
	buf_addf(&b, "%s: %s", name, value);
	if (b.rc == RC_OK)
		list = curl_slist_append(t->fields, b.data);
	buf_fini(&b);
	if (list == NULL)
		return RC_NOMEM;
	t->fields = list;
	return RC_OK;
}

static enum rc
add_bearer(struct transfer *t, const char *token)
{
	char value[LIMIT_SETTING + 8];

	if (*token == '\0')
		return RC_OK;
	snprintf(value, sizeof(value), "Bearer %s", token);
	return add_field(t, "Authorization", value);
}

enum rc
transfer_new(struct transfer **out, const struct http_request *q, struct err *e)
{
	const char *accept = q->accept != NULL ? q->accept : "*/*";
	struct transfer *t;
	enum rc rc;

	if (has_control(q->cookie) || has_control(accept) ||
	    has_control(q->bearer))
		return err_set(
		    e, RC_INVALID, "a request header with a control character");
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	t->tag = q->tag;
	t->head_only = q->head_only;
	t->one_hop = q->one_hop;
	buf_init(&t->headers, LIMIT_HEADERS);
	buf_init(&t->body, LIMIT_BODY);
	rc = http_url_host(q->url, t->host, e);
	if (rc == RC_OK &&
	    (add_field(t, "Accept", accept) != RC_OK ||
		add_field(t, "Accept-Language", "en-US,en;q=0.9") != RC_OK ||
		add_bearer(t, q->bearer) != RC_OK))
		rc = err_set(e, RC_NOMEM, "out of memory");
	if (rc != RC_OK)
		transfer_free(t);
	else
		*out = t;
	return rc;
}

void
transfer_free(struct transfer *t)
{
	if (t == NULL)
		return;
	curl_slist_free_all(t->fields);
	buf_fini(&t->headers);
	buf_fini(&t->body);
	free(t);
}

int
transfer_status(const struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

int
transfer_is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 ||
	       status == 307 || status == 308;
}

/* The end of a head: of a provisional one (1xx), or of the answer's.  0: no
 * more is wanted. */
static int
end_of_head(struct transfer *t)
{
	int status = transfer_status(t);

	if (status < 200 && status != 101)
		return 1;
	t->head_done = 1;
	return !t->head_only;
}

static size_t
on_header(char *line, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	n *= size;
	t->head_bytes += n;
	if (t->head_bytes > LIMIT_HEAD) {
		err_set(&t->why, RC_PARSE, "headers larger than %u KiB",
		    LIMIT_HEAD >> 10);
		return 0;
	}
	if (n >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		buf_clear(&t->headers);
		t->head_done = 0;
		return n;
	}
	/* What comes after the body (RFC 9112, 7.1.2) is not for us. */
	if (t->head_done)
		return n;
	if (n <= 2 && (line[0] == '\r' || line[0] == '\n'))
		return end_of_head(t) ? n : 0;
	http_head_add(&t->headers, line, n);
	if (t->headers.rc == RC_NOMEM) {
		err_set(&t->why, RC_NOMEM, "out of memory");
		return 0;
	}
	return n;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	n *= size;
	buf_add(&t->body, data, n);
	if (t->body.rc == RC_OK)
		return n;
	if (t->body.rc == RC_NOMEM)
		err_set(&t->why, RC_NOMEM, "out of memory");
	else
		err_set(&t->why, RC_PARSE, "answer larger than %u MiB",
		    MIB(LIMIT_BODY));
	return 0;
}

struct number {
	CURLoption option;
	long value;
};

struct text {
	CURLoption option;
	const char *value; /* NULL or "": curl's default stays */
};

static const struct number numbers[] = {
	{ CURLOPT_NOSIGNAL, 1 },
	/* A name server that does not answer must not hold up a cancel, nor
	 * the end of the program: the resolver's thread is left behind. */
	{ CURLOPT_QUICK_EXIT, 1 },
	{ CURLOPT_FOLLOWLOCATION, 0 },
	{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS },
	{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	{ CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
	{ CURLOPT_TCP_KEEPALIVE, 1 },
};

/* Where the machine's own list of authorities does not do: the variables of
 * the curl program and of OpenSSL, which libcurl itself does not read. */
static const char *
ca_file(void)
{
	const char *path = getenv("CURL_CA_BUNDLE");

	return path != NULL && *path != '\0' ? path : getenv("SSL_CERT_FILE");
}

enum rc
transfer_setup(struct transfer *t, const struct http_request *q,
    const struct http_settings *s, struct err *e)
{
	/* Only TLS tells before the answer whether a connection can be
	 * shared; elsewhere waiting for that would cost a round trip. */
	const struct number pipewait = { CURLOPT_PIPEWAIT,
		strncmp(q->url, "https:", 6) == 0 };
	const struct text texts[] = {
		{ CURLOPT_PROTOCOLS_STR, "http,https" },
		{ CURLOPT_USERAGENT, s->user_agent },
		{ CURLOPT_SSL_CIPHER_LIST, s->tls_ciphers },
		{ CURLOPT_COOKIE, q->cookie },
		{ CURLOPT_CAINFO, ca_file() },
	};
	CURLcode c;
	size_t i;

	c = curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, "");
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && !c; i++)
		c = curl_easy_setopt(
		    t->easy, numbers[i].option, numbers[i].value);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]) && !c; i++)
		if (texts[i].value != NULL && *texts[i].value != '\0')
			c = curl_easy_setopt(
			    t->easy, texts[i].option, texts[i].value);
	if (!c)
		c = curl_easy_setopt(t->easy, pipewait.option, pipewait.value);
	if (!c)
		c = curl_easy_setopt(
		    t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)s->connect_ms);
	/* Refuses by Content-Length; what has none is counted by on_body. */
	if (!c && !t->head_only)
		c = curl_easy_setopt(
		    t->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)LIMIT_BODY);
	if (!c)
		c = curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->fields);
	if (c)
		return err_set(e, c == CURLE_OUT_OF_MEMORY ? RC_NOMEM : RC_BUG,
		    "cannot set a request up: %s", curl_easy_strerror(c));

	/* These cannot fail. */
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->detail);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	return RC_OK;
}

enum rc
transfer_aim(struct transfer *t, const char *url, int64_t now_ms, struct err *e)
{
	int64_t left = t->limit_ms - now_ms;
	CURLcode c;

	if (left <= 0)
		return err_set(e, RC_TIMEOUT, "no time left for a request");
	c = curl_easy_setopt(t->easy, CURLOPT_URL, url);
	if (!c)
		c = curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)left);
	if (c)
		return err_set(e, RC_NOMEM, "out of memory");
	buf_clear(&t->headers);
	buf_clear(&t->body);
	t->detail[0] = '\0';
	t->head_bytes = 0;
	t->head_done = 0;
	t->seen = 0;
	t->seen_ms = now_ms;
	return RC_OK;
}

int
transfer_stalled(struct transfer *t, int64_t now_ms, int64_t stall_ms)
{
	curl_off_t sent_us = 0, got = 0;

	curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
	curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &got);
	got += (curl_off_t)t->head_bytes;
	if (sent_us == 0 || got != t->seen) {
		t->seen = got;
		t->seen_ms = now_ms;
	}
	return now_ms - t->seen_ms >= stall_ms;
}

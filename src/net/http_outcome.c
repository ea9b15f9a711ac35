#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/http_transfer.h"

/* Does curl's own message add something, and can it be shown? */
enum detail { PLAIN, ERRNO, DETAIL };

static const struct outcome {
	CURLcode code;
	enum rc rc;
	const char *text; /* NULL: curl's for the code */
	enum detail more;
} outcomes[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, RC_NET, "name does not resolve", PLAIN },
	{ CURLE_COULDNT_RESOLVE_PROXY, RC_NET,
	    "the proxy's name does not resolve", PLAIN },
	{ CURLE_COULDNT_CONNECT, RC_NET, "cannot connect", ERRNO },
	{ CURLE_PARTIAL_FILE, RC_NET, "answer cut off", PLAIN },
	{ CURLE_GOT_NOTHING, RC_NET, "connection closed without an answer",
	    PLAIN },
	{ CURLE_SEND_ERROR, RC_NET, "connection broken", DETAIL },
	{ CURLE_RECV_ERROR, RC_NET, "connection broken", DETAIL },
	{ CURLE_HTTP2, RC_NET, "HTTP/2 error", DETAIL },
	{ CURLE_HTTP2_STREAM, RC_NET, "HTTP/2 error", DETAIL },
	{ CURLE_SSL_CONNECT_ERROR, RC_NET, "TLS failed", DETAIL },
	{ CURLE_PEER_FAILED_VERIFICATION, RC_NET, "certificate not accepted",
	    DETAIL },
	/* Nothing of the upstream's: one host's wrong setting must not open
	 * the breaker for all. */
	{ CURLE_SSL_CIPHER, RC_CONFIG, "TLS_CIPHERS is no cipher list", PLAIN },
	{ CURLE_SSL_CACERT_BADFILE, RC_CONFIG,
	    "no CA certificates: install ca-certificates, or name a file in "
	    "SSL_CERT_FILE",
	    PLAIN },
	{ CURLE_WEIRD_SERVER_REPLY, RC_PARSE, "malformed answer", DETAIL },
	{ CURLE_UNSUPPORTED_PROTOCOL, RC_PARSE, "not an HTTP answer", PLAIN },
	{ CURLE_BAD_CONTENT_ENCODING, RC_PARSE, "bad content encoding", PLAIN },
	{ CURLE_WRITE_ERROR, RC_PARSE, "bad content encoding", PLAIN },
	{ CURLE_OUT_OF_MEMORY, RC_NOMEM, "out of memory", PLAIN },
};

/* Messages of curl may quote the address, whose query may hold a secret. */
static int
is_harmless(const char *s)
{
	if (*s == '\0' || strpbrk(s, "?&") != NULL || strstr(s, "://") != NULL)
		return 0;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			return 0;
	return 1;
}

static const char *
detail(const struct transfer *t, enum detail more, char *space, size_t size)
{
	long number = 0;

	if (more == DETAIL && is_harmless(t->detail))
		return t->detail;
	if (more == ERRNO)
		curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
	return number != 0 ? strerror_r((int)number, space, size) : "";
}

static enum rc
timed_out(const struct transfer *t, int64_t now_ms, struct err *e)
{
	curl_off_t sent_us = 0;

	curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
	return err_set(e, RC_TIMEOUT, "%s: %s within %.1f s", t->host,
	    sent_us == 0 ? "no connection" : "no complete answer",
	    (double)(now_ms - t->start_ms) / 1000);
}

/* curl says "out of memory" to a header line above 100 KB.  Where memory ends
 * in truth, just there, this is wrong; a hostile answer is likelier. */
static int
is_long_line(const struct transfer *t, CURLcode c)
{
	curl_off_t sent_us = 0;

	curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
	return c == CURLE_OUT_OF_MEMORY && sent_us != 0 && !t->head_done;
}

/* No connection because this process or machine lacks something: that is not
 * the upstream's, and must not open the breaker for all. */
static int
is_our_lack(const struct transfer *t, CURLcode c)
{
	long number = 0;

	if (c != CURLE_COULDNT_CONNECT)
		return 0;
	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
	/* curl does not tell why it got no socket: can we open anything? */
	if (number == 0) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		number = fd < 0 ? errno : 0;
		if (fd >= 0)
			close(fd);
	}
	return number == EMFILE || number == ENFILE || number == ENOBUFS ||
	       number == ENOMEM || number == EADDRNOTAVAIL;
}

enum rc
transfer_outcome(struct transfer *t, CURLcode c, int64_t now_ms, struct err *e)
{
	const struct outcome *o = NULL;
	const char *more, *text;
	char space[128];

	if (t->why.rc != RC_OK)
		return err_set(e, t->why.rc, "%s: %s", t->host, t->why.msg);
	if (c == CURLE_WRITE_ERROR && t->head_only && t->head_done)
		return RC_OK; /* we broke it off, as we were asked to */
	if (c == CURLE_OPERATION_TIMEDOUT)
		return timed_out(t, now_ms, e);
	if (c == CURLE_FILESIZE_EXCEEDED)
		return err_set(e, RC_PARSE, "%s: answer larger than %u MiB",
		    t->host, LIMIT_BODY >> 20);
	if (is_long_line(t, c))
		return err_set(
		    e, RC_PARSE, "%s: header line too long", t->host);
	if (c == CURLE_OK && transfer_status(t) < 100)
		c = CURLE_WEIRD_SERVER_REPLY;
	if (c == CURLE_OK)
		return RC_OK;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (outcomes[i].code == c)
			o = &outcomes[i];
	text = o != NULL ? o->text : curl_easy_strerror(c);
	more = detail(t, o != NULL ? o->more : PLAIN, space, sizeof(space));
	return err_set(e,
	    is_our_lack(t, c) ? RC_SYS
	    : o != NULL       ? o->rc
			      : RC_NET,
	    "%s: %s%s%s", t->host, text, *more != '\0' ? ": " : "", more);
}

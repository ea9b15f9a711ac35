#include <string.h>
#include <strings.h>

#include "source/finviz_csv.h"
#include "source/finviz_elite.h"
#include "source/finviz_refusal.h"

#define ELITE "https://elite.finviz.com"
#define BLANK " \t\r\n\f\v"
#define SHORT 4096 /* bytes; no refusal in words is longer */

/* What stands in a refusal of the token that is no web page. */
static const char *const words[] = { "token", "authori", "authenti", "invalid",
	"api key", "log in", "login", "sign in", "subscri", "expired",
	"permission", "denied", "forbidden", "not allowed" };

/* Is that the site's own address, whose exports have a host of their own? */
static int
is_finviz(const char *url)
{
	static const char *const hosts[] = { "finviz.com", "www.finviz.com" };
	const char *host = strstr(url, "://");
	size_t n;

	if (host == NULL)
		return 0;
	host += 3;
	n = strcspn(host, ":/?#");
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (strlen(hosts[i]) == n &&
		    strncasecmp(host, hosts[i], n) == 0)
			return 1;
	return 0;
}

/* What is not unreserved in RFC 3986 as %XX. */
static void
add_escaped(struct buf *b, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";

	for (; *text != '\0'; text++)
		if (strchr(plain, *text) != NULL)
			buf_addc(b, *text);
		else
			buf_addf(b, "%%%02X", (unsigned char)*text);
}

void
finviz_elite_url(struct buf *b, const struct config *c, int view,
    const char *filter, const char *columns)
{
	const char *at = is_finviz(c->finviz_url) ? ELITE : c->finviz_url;
	size_t n = strlen(at);

	while (n > 0 && at[n - 1] == '/')
		n--;
	buf_add(b, at, n);
	buf_addf(b, "/export/screener?v=%d%s&o=ticker%s&auth=", view, filter,
	    columns);
	add_escaped(b, c->finviz_auth);
}

static enum rc
not_authorised(const char *why, int status, struct err *e)
{
	return err_set(e, RC_BLOCKED,
	    "not authorised: FINVIZ_AUTH refused: its token is wrong or has "
	    "run out (%.120s, HTTP status %d)",
	    why, status);
}

/* Statuses that say so without a word. */
static int
is_refusing(int status)
{
	return status == 401 || status == 402 || status == 403;
}

/* A refusal for another reason than the token, or RC_OK. */
static enum rc
other_refusal(const struct http_response *r, struct err *e)
{
	struct http_response body = *r;

	if (!is_refusing(r->status))
		return finviz_refusal(r, e);
	body.status = 200; /* its text and headers alone */
	return finviz_refusal(&body, e);
}

static int
is_html(const struct http_response *r)
{
	return r->body[strspn(r->body, BLANK)] == '<';
}

/* In plain text or JSON, with 200 or an error of ours. */
static int
is_refused_in_words(const struct http_response *r)
{
	if (r->len >= SHORT ||
	    (r->status != 200 && (r->status < 400 || r->status > 499)))
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(r->body, words[i]) != NULL)
			return 1;
	return 0;
}

/* Did the site answer with something else than an export, as it does where it
 * does not know the token? */
static enum rc
check_token(const struct http_response *r, struct err *e)
{
	enum rc rc;

	if (r->status == 0 && r->why.rc == RC_BLOCKED)
		return not_authorised(r->why.msg, r->status, e);
	rc = other_refusal(r, e);
	if (rc == RC_UPSTREAM && is_refused_in_words(r))
		return not_authorised("refused in words", r->status, e);
	if (rc != RC_OK)
		return rc;
	if (r->status != 200)
		return not_authorised("refused", r->status, e);
	if (r->body[strspn(r->body, BLANK)] == '\0')
		return not_authorised("an empty answer", r->status, e);
	if (is_html(r))
		return not_authorised("a web page", r->status, e);
	return RC_OK;
}

enum rc
finviz_elite_read(const struct http_response *r, struct table *t, struct err *e)
{
	enum rc rc = check_token(r, e);
	int is_csv = 0;

	if (rc == RC_OK)
		rc = finviz_csv_is(r->body, r->len, &is_csv, e);
	if (rc != RC_OK)
		return rc;
	/* The words are not quoted: the token may stand among them. */
	if (!is_csv && is_refused_in_words(r))
		return not_authorised("refused in words", r->status, e);
	if (!is_csv)
		return err_set(
		    e, RC_PARSE, "the Elite export has no column \"Ticker\"");
	/* The site ends every line; a shorter answer would lose rows unseen. */
	if (r->body[r->len - 1] != '\n')
		return err_set(e, RC_PARSE, "the Elite export is cut off");
	return finviz_csv_read(r->body, r->len, t, e);
}

#include <string.h>
#include <strings.h>

#include "authorise.h"

/* In a time that does not depend on where they differ. */
static int
is_same(const char *secret, const char *given)
{
	size_t n = strlen(secret), m = strlen(given);
	volatile unsigned char diff = n != m;

	for (size_t i = 0; i < n; i++)
		diff |= (unsigned char)(secret[i] ^ given[i < m ? i : m]);
	return diff == 0;
}

static int
bearer(const char *token, const char *header, struct err *e)
{
	static const char scheme[] = "Bearer ";
	size_t n = sizeof(scheme) - 1;

	if (header == NULL || strncasecmp(header, scheme, n) != 0) {
		err_set(e, RC_DENIED,
		    "this needs the API token: Authorization: Bearer …");
		return 401;
	}
	header += n + strspn(header + n, " ");
	if (is_same(token, header))
		return 0;
	err_set(e, RC_DENIED, "the API token is wrong");
	return 401;
}

static int
is_loopback(const char *address)
{
	if (address == NULL)
		return 0;
	if (strncasecmp(address, "::ffff:", 7) == 0)
		address += 7;
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* By name or number of the loopback, with or without a port. */
static int
is_localhost(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1",
		"[::1]" };

	for (size_t i = 0; host != NULL && i < sizeof(names) / sizeof(*names);
	     i++) {
		size_t n = strlen(names[i]), digits;

		if (strncasecmp(host, names[i], n) != 0)
			continue;
		if (host[n] == '\0')
			return 1;
		if (host[n] != ':')
			continue;
		digits = strspn(host + n + 1, "0123456789");
		if (digits > 0 && digits <= 5 && host[n + 1 + digits] == '\0')
			return 1;
	}
	return 0;
}

/* Is the page that asks our own? */
static int
is_own(const struct request *r)
{
	const char *o = r->origin;

	if (r->fetch_site != NULL &&
	    strcmp(r->fetch_site, "same-origin") != 0 &&
	    strcmp(r->fetch_site, "none") != 0)
		return 0;
	if (o == NULL)
		return 1;
	if (strncasecmp(o, "http://", 7) == 0)
		o += 7;
	else if (strncasecmp(o, "https://", 8) == 0)
		o += 8;
	else
		return 0;
	return r->host != NULL && strcasecmp(o, r->host) == 0;
}

int
authorise(const struct config *c, const struct request *r, struct err *e)
{
	if (!is_own(r)) {
		err_set(e, RC_DENIED, "a page of another site may not do this");
		return 403;
	}
	if (c->api_token[0] != '\0')
		return bearer(c->api_token, r->authorization, e);
	if (is_loopback(r->remote) && is_localhost(r->host) && !r->forwarded)
		return 0;
	err_set(e, RC_DENIED,
	    "without API_TOKEN only this machine may do this, as localhost and "
	    "without a proxy");
	return 403;
}

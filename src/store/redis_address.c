#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/num.h"
#include "store/redis_address.h"

#define MAX_DB 65535 /* the server knows how many it has */

static int
hex(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c != '\0' ? strchr(digits, c | 0x20) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

/* Percent-decode n bytes; out has LIMIT_SETTING, as the setting itself. */
static enum rc
decode(const char *s, size_t n, char *out, struct err *e)
{
	size_t o = 0;

	for (size_t i = 0; i < n && o + 1 < LIMIT_SETTING; i++) {
		int hi, lo;

		if (s[i] != '%') {
			out[o++] = s[i];
			continue;
		}
		hi = n - i > 2 ? hex(s[i + 1]) : -1;
		lo = n - i > 2 ? hex(s[i + 2]) : -1;
		if (hi < 0 || lo < 0 || hi + lo == 0)
			return err_set(e, RC_CONFIG,
			    "REDIS_URL: a \"%%\" without two hexadecimal "
			    "digits behind it (\"%%25\" is a \"%%\")");
		out[o++] = (char)(hi << 4 | lo);
		i += 2;
	}
	out[o] = '\0';
	return RC_OK;
}

/* "[user]:password@" up to the last '@' before the path. */
static enum rc
read_user(const char **rest, struct redis_address *a, struct err *e)
{
	const char *s = *rest, *at = NULL, *colon;
	size_t n = strcspn(s, "/");
	enum rc rc;

	for (size_t i = 0; i < n; i++)
		if (s[i] == '@')
			at = s + i;
	if (at == NULL)
		return RC_OK;
	colon = memchr(s, ':', (size_t)(at - s));
	if (colon == NULL)
		return err_set(e, RC_CONFIG,
		    "REDIS_URL: no \":\" before the password "
		    "([user]:password@)");
	rc = decode(s, (size_t)(colon - s), a->user, e);
	if (rc == RC_OK)
		rc =
		    decode(colon + 1, (size_t)(at - colon - 1), a->password, e);
	*rest = at + 1;
	return rc;
}

static enum rc
read_number(const char *s, size_t n, int64_t min, int64_t max, const char *what,
    int64_t *out, struct err *e)
{
	char text[16] = "";

	if (n < sizeof(text)) {
		memcpy(text, s, n);
		text[n] = '\0';
	}
	if (num_int(text, min, max, out, NULL) != RC_OK)
		return err_set(e, RC_CONFIG,
		    "REDIS_URL: the %s is not a number from %lld to %lld", what,
		    (long long)min, (long long)max);
	return RC_OK;
}

static enum rc
read_path(const char *s, struct redis_address *a, struct err *e)
{
	size_t n = strcspn(s, "?");
	enum rc rc;

	if (*s != '/')
		return err_set(e, RC_CONFIG,
		    "REDIS_URL: unix:// without a path (unix:///path)");
	a->is_unix = 1;
	rc = decode(s, n, a->host, e);
	if (rc != RC_OK || s[n] == '\0')
		return rc;
	s += n + 1;
	if (strncmp(s, "db=", 3) != 0)
		return err_set(e, RC_CONFIG,
		    "REDIS_URL: after the path only \"?db=N\" is known");
	return read_number(
	    s + 3, strlen(s + 3), 0, MAX_DB, "database", &a->db, e);
}

static enum rc
read_host(const char *s, struct redis_address *a, struct err *e)
{
	size_t n = strcspn(s, ":/?"), skip = 0;
	const char *end;
	enum rc rc = RC_OK;

	if (*s == '[') {
		end = strchr(s, ']');
		if (end == NULL)
			return err_set(
			    e, RC_CONFIG, "REDIS_URL: no \"]\" after \"[\"");
		n = (size_t)(end - s) - 1;
		skip = 1;
	}
	if (n == 0 || n >= sizeof(a->host))
		return err_set(e, RC_CONFIG, "REDIS_URL: no host");
	memcpy(a->host, s + skip, n);
	a->host[n] = '\0';
	s += n + 2 * skip;
	if (*s == ':') {
		s++;
		n = strcspn(s, "/?");
		rc = read_number(s, n, 1, 65535, "port", &a->port, e);
		s += n;
	}
	if (rc == RC_OK && *s == '/' && s[1] != '\0')
		return read_number(
		    s + 1, strlen(s + 1), 0, MAX_DB, "database", &a->db, e);
	if (rc == RC_OK && *s != '\0' && *s != '/')
		return err_set(e, RC_CONFIG,
		    "REDIS_URL: after the host only \":port\" and \"/db\" are "
		    "known");
	return rc;
}

static enum rc
read_url(const char *url, struct redis_address *a, struct err *e)
{
	static const struct {
		const char *scheme;
		enum rc (*read)(
		    const char *, struct redis_address *, struct err *);
	} schemes[] = { { "redis://", read_host }, { "unix://", read_path } };
	enum rc rc;

	a->port = 6379;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i].scheme);

		if (strncmp(url, schemes[i].scheme, n) != 0)
			continue;
		url += n;
		rc = read_user(&url, a, e);
		return rc == RC_OK ? schemes[i].read(url, a, e) : rc;
	}
	if (strncmp(url, "rediss://", 9) == 0)
		return err_set(e, RC_CONFIG,
		    "REDIS_URL: rediss:// (TLS) is not supported; use redis:// "
		    "or unix://");
	return err_set(e, RC_CONFIG,
	    "REDIS_URL begins neither with redis:// nor with unix://");
}

static void
read_settings(const struct config *c, struct redis_address *a)
{
	/* All of them are texts of LIMIT_SETTING. */
	memcpy(a->host, c->redis_host, sizeof(a->host));
	memcpy(a->user, c->redis_username, sizeof(a->user));
	memcpy(a->password, c->redis_password, sizeof(a->password));
	a->port = c->redis_port;
	a->db = c->redis_db;
	a->is_unix = a->host[0] == '/';
}

enum rc
redis_address_read(
    const struct config *c, struct redis_address *out, struct err *e)
{
	struct redis_address a = { 0 };
	enum rc rc = RC_OK;

	if (c->redis_url[0] != '\0')
		rc = read_url(c->redis_url, &a, e);
	else
		read_settings(c, &a);
	if (rc != RC_OK)
		return rc;
	/* hiredis would cut a longer one off, and connect elsewhere. */
	if (a.is_unix &&
	    strlen(a.host) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return err_set(e, RC_CONFIG,
		    "the path of the Redis socket has %zu characters: at most "
		    "%zu",
		    strlen(a.host),
		    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	if (a.user[0] != '\0' && a.password[0] == '\0')
		return err_set(e, RC_CONFIG,
		    "%s names a user for Redis, but %s no password",
		    c->redis_url[0] != '\0' ? "REDIS_URL" : "REDIS_USERNAME",
		    c->redis_url[0] != '\0' ? "gives" : "REDIS_PASSWORD gives");
	*out = a;
	return RC_OK;
}

static const struct error {
	const char *word;
	enum rc rc;
	const char *advice;
} errors[] = {
	{ "OOM", RC_FULL, "Redis is full: its maxmemory is reached" },
	{ "LOADING", RC_BUSY, NULL },
	{ "BUSY", RC_BUSY, NULL },
	{ "TRYAGAIN", RC_BUSY, NULL },
	{ "CLUSTERDOWN", RC_BUSY, NULL },
	{ "MASTERDOWN", RC_BUSY, NULL },
	{ "NOAUTH", RC_DENIED, "it wants a password" },
	{ "WRONGPASS", RC_DENIED, "check user and password" },
	{ "NOPERM", RC_DENIED, NULL },
	{ "READONLY", RC_DENIED, NULL },
	{ "DENIED", RC_DENIED, NULL },
	{ "WRONGTYPE", RC_INVALID, NULL },
};

static const struct error *
error_of(const char *s)
{
	size_t n = strcspn(s, " ");

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strlen(errors[i].word) == n &&
		    memcmp(errors[i].word, s, n) == 0)
			return &errors[i];
	return NULL;
}

enum rc
redis_error_rc(const char *text, const char **advice)
{
	const struct error *found = error_of(text);
	const char *p = text;

	/* Redis 6: "ERR Error running script (…): @user_script:3: -OOM …" */
	while (found == NULL && strncmp(text, "ERR ", 4) == 0 &&
	       (p = strstr(p, ": -")) != NULL) {
		p += 3;
		found = error_of(p);
	}
	*advice = found != NULL ? found->advice : NULL;
	if (found != NULL)
		return found->rc;
	/* ACL inside a script, as 6.2 and 7.0 say it */
	return strstr(text, "can't run this command") != NULL ? RC_DENIED
							      : RC_STORE;
}

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/utf8.h"
#include "request.h"
#include "store/task.h"

static const struct {
	const char *name;
	enum method method;
} methods[] = {
	{ "GET", METHOD_GET },
	{ "HEAD", METHOD_HEAD },
	{ "POST", METHOD_POST },
	{ "DELETE", METHOD_DELETE },
	{ "OPTIONS", METHOD_OPTIONS },
};

static enum method
method_of(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (name != NULL && strcmp(name, methods[i].name) == 0)
			return methods[i].method;
	return METHOD_OTHER;
}

/* Keep a sane id of the caller's, so that logs can be joined. */
static void
take_id(struct request *r, const char *given)
{
	static const char fine[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-";
	size_t n = given != NULL ? strlen(given) : 0;

	if (n > 0 && n <= REQUEST_ID && strspn(given, fine) == n)
		memcpy(r->id, given, n + 1);
	else
		task_new_id(r->id);
}

/* UTF-8 without control characters. */
static int
is_text(const char *s)
{
	for (size_t n; *s != '\0'; s += n) {
		n = utf8_length(s);
		if (n == 0 || (unsigned char)*s < 0x20 || *s == 0x7f)
			return 0;
	}
	return 1;
}

/* Is the address too long?  It is measured as it was sent; who runs us as CGI
 * need not say how that was. */
static int
is_long(const char *path, request_get *get, void *arg)
{
	const char *sent = get(arg, "REQUEST_URI");
	const char *query = get(arg, "QUERY_STRING");
	size_t n = strlen(path);

	if (query != NULL && *query != '\0')
		n += 1 + strlen(query);
	return n > LIMIT_URL || (sent != NULL && strlen(sent) > LIMIT_URL);
}

static int
take_path(struct request *r, request_get *get, void *arg, struct err *e)
{
	const char *path = get(arg, "PATH_INFO");

	if (path == NULL || *path == '\0')
		path = get(arg, "DOCUMENT_URI");
	if (path == NULL || *path == '\0')
		path = get(arg, "SCRIPT_NAME");
	r->path = path != NULL ? path : ""; /* for the log, if for no more */
	if (*r->path != '/') {
		err_set(e, RC_USAGE, "no path");
		return 400;
	}
	if (is_long(path, get, arg)) {
		err_set(e, RC_USAGE, "an address may have %d bytes", LIMIT_URL);
		return 414;
	}
	if (!is_text(path)) {
		err_set(e, RC_USAGE, "the path is not UTF-8");
		return 400;
	}
	return 0;
}

static int
take_length(struct request *r, const char *text, struct err *e)
{
	int64_t n = 0;

	r->length = 0;
	if (text == NULL || *text == '\0')
		return 0;
	if (strspn(text, "0123456789") != strlen(text)) {
		err_set(e, RC_USAGE, "the content length is not a number");
		return 400;
	}
	if (num_int(text, 0, LIMIT_REQUEST, &n, NULL) != RC_OK) {
		err_set(e, RC_USAGE, "the body has more than %u bytes",
		    LIMIT_REQUEST);
		return 413;
	}
	r->length = (size_t)n;
	return 0;
}

static int
take_query(struct request *r, const char *query, struct err *e)
{
	r->query = (struct pairs){ .text = r->query_text };
	if (query == NULL || *query == '\0')
		return 0;
	return pairs_query(&r->query, query, e);
}

static int
is_forwarded(request_get *get, void *arg)
{
	static const char *const names[] = { "HTTP_X_FORWARDED_FOR",
		"HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA",
		"HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO",
		"HTTP_X_CLIENT_IP", "HTTP_TRUE_CLIENT_IP",
		"HTTP_CF_CONNECTING_IP" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (get(arg, names[i]) != NULL)
			return 1;
	return 0;
}

int
request_read(struct request *r, request_get *get, void *arg, struct err *e)
{
	int status;

	r->body = (struct pairs){ .text = r->body_text };
	r->path = "";
	r->method = method_of(get(arg, "REQUEST_METHOD"));
	take_id(r, get(arg, "HTTP_X_REQUEST_ID"));
	r->content_type = get(arg, "CONTENT_TYPE");
	r->authorization = get(arg, "HTTP_AUTHORIZATION");
	r->origin = get(arg, "HTTP_ORIGIN");
	r->fetch_site = get(arg, "HTTP_SEC_FETCH_SITE");
	r->host = get(arg, "HTTP_HOST");
	r->remote = get(arg, "REMOTE_ADDR");
	r->if_none_match = get(arg, "HTTP_IF_NONE_MATCH");
	r->accept_encoding = get(arg, "HTTP_ACCEPT_ENCODING");
	r->forwarded = is_forwarded(get, arg);
	status = take_path(r, get, arg, e);
	if (status == 0)
		status = take_length(r, get(arg, "CONTENT_LENGTH"), e);
	if (status == 0)
		status = take_query(r, get(arg, "QUERY_STRING"), e);
	return status;
}

static int
is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t n = sizeof(json) - 1;

	if (type == NULL || strncasecmp(type, json, n) != 0)
		return 0;
	type += n + strspn(type + n, " \t");
	if (*type == '\0')
		return 1;
	if (*type++ != ';')
		return 0;
	type += strspn(type, " \t");
	return strcasecmp(type, "charset=utf-8") == 0 ||
	       strcasecmp(type, "charset=\"utf-8\"") == 0;
}

int
request_body(struct request *r, const char *bytes, struct err *e)
{
	if (r->length == 0)
		return 0;
	if (!is_json(r->content_type)) {
		err_set(e, RC_USAGE,
		    "a body is JSON, with Content-Type: application/json");
		return 415;
	}
	return pairs_json(&r->body, bytes, r->length, e);
}

/* The end of an entity tag that begins at s; NULL: it is none. */
static const char *
tag_end(const char *s)
{
	const char *end = *s == '"' ? strchr(s + 1, '"') : NULL;

	return end != NULL ? end + 1 : NULL;
}

int
request_has_tag(const char *list, const char *tag)
{
	const char *s = list, *end;

	if (s == NULL || *tag == '\0')
		return 0;
	s += strspn(s, " \t");
	if (s[0] == '*' && s[1 + strspn(s + 1, " \t")] == '\0')
		return 1;
	while (*s != '\0') {
		s += strspn(s, " \t,");
		if (strncmp(s, "W/", 2) == 0)
			s += 2;
		end = tag_end(s);
		if (end == NULL)
			return 0;
		if ((size_t)(end - s) == strlen(tag) + 2 &&
		    strncmp(s + 1, tag, strlen(tag)) == 0)
			return 1;
		s = end;
	}
	return 0;
}

/* The weight in an element of Accept-Encoding, in thousandths; what does not
 * look like one is 0. */
static int
weight(const char *s, size_t n)
{
	int q = 0, scale = 1000;

	while (n > 0 && (*s == ' ' || *s == '\t' || *s == ';')) {
		s++;
		n--;
	}
	if (n == 0)
		return 1000;
	if (n < 3 || (*s != 'q' && *s != 'Q') || s[1] != '=')
		return 0;
	for (size_t i = 2; i < n && s[i] != ' ' && s[i] != '\t'; i++) {
		if (s[i] == '.' && i == 3)
			continue;
		if (!isdigit((unsigned char)s[i]) || scale == 0)
			return 0;
		q += (s[i] - '0') * scale;
		scale /= 10;
	}
	return q;
}

int
request_takes_gzip(const char *accept)
{
	int gzip = -1, any = -1, plain = 0;
	const char *s = accept;

	while (s != NULL && *s != '\0') {
		size_t n, name;

		s += strspn(s, " \t,");
		n = strcspn(s, ",");
		name = strcspn(s, " \t;,");
		if ((name == 4 && strncasecmp(s, "gzip", 4) == 0) ||
		    (name == 6 && strncasecmp(s, "x-gzip", 6) == 0))
			gzip = weight(s + name, n - name);
		else if (name == 8 && strncasecmp(s, "identity", 8) == 0)
			plain = weight(s + name, n - name);
		else if (name == 1 && *s == '*')
			any = weight(s + name, n - name);
		s += n;
	}
	if (gzip < 0)
		gzip = any;
	return gzip > 0 && gzip >= plain;
}

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "request.h"

static int
bad(struct err *e, const char *why)
{
	err_set(e, RC_USAGE, "%s", why);
	return 400;
}

/* Where the next text of p goes. */
static char *
room(const struct pairs *p)
{
	return p->text + p->used;
}

/* The n bytes at room(p) are a text: end it.  NULL: not one of ours. */
static const char *
keep(struct pairs *p, size_t n)
{
	char *s = room(p);
	size_t len;

	s[n] = '\0';
	for (const char *c = s; c < s + n; c += len) {
		len = utf8_length(c);
		if (len == 0 || (unsigned char)*c < 0x20 || *c == 0x7f)
			return NULL;
	}
	p->used += n + 1;
	return s;
}

static int
digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* Decode n bytes of a query into a text of p. */
static int
decode(
    struct pairs *p, const char *s, size_t n, const char **out, struct err *e)
{
	char *to = room(p);
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (c == '%') {
			int high = i + 2 < n ? digit(s[i + 1]) : -1;
			int low = high >= 0 ? digit(s[i + 2]) : -1;

			if (low < 0)
				return bad(e, "a % without two hexadecimal "
					      "digits behind it");
			c = (char)(high << 4 | low);
			i += 2;
			if (c == '\0')
				return bad(e, "%00 in the query");
		} else if (c == '+') {
			c = ' ';
		}
		to[len++] = c;
	}
	*out = keep(p, len);
	return *out != NULL ? 0 : bad(e, "the query is not UTF-8 text");
}

static struct pair *
new_pair(struct pairs *p)
{
	return p->n < PAIRS_MOST ? &p->v[p->n] : NULL;
}

int
pairs_query(struct pairs *p, const char *query, struct err *e)
{
	const char *s = query;
	int status;

	for (;; s++) {
		size_t n = strcspn(s, "&"), name = strcspn(s, "&=");
		struct pair *pair = new_pair(p);

		if (pair == NULL)
			return bad(e, "too many parameters");
		if (name == 0)
			return bad(e, "a parameter without a name");
		*pair = (struct pair){ .kind = PAIR_TEXT };
		status = decode(p, s, name, &pair->name, e);
		if (status == 0 && s[name] != '=') {
			err_set(e, RC_USAGE,
			    "the parameter \"%.60s\" has no value (a & inside "
			    "of a value is written %%26)",
			    pair->name);
			return 400;
		}
		if (status == 0)
			status = decode(
			    p, s + name + 1, n - name - 1, &pair->text, e);
		if (status != 0)
			return status;
		p->n++;
		s += n;
		if (*s == '\0')
			return 0;
	}
}

/* What is left of the JSON. */
struct json {
	const char *s, *end;
};

static void
skip_blank(struct json *j)
{
	while (j->s < j->end && (*j->s == ' ' || *j->s == '\t' ||
				    *j->s == '\n' || *j->s == '\r'))
		j->s++;
}

static int
take(struct json *j, char c)
{
	skip_blank(j);
	if (j->s >= j->end || *j->s != c)
		return 0;
	j->s++;
	return 1;
}

/* Four hexadecimal digits; -1: they are none. */
static long
code_unit(struct json *j)
{
	long u = 0;

	if (j->end - j->s < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int d = digit(*j->s++);

		if (d < 0)
			return -1;
		u = u << 4 | d;
	}
	return u;
}

static size_t
put_utf8(char *to, long u)
{
	if (u < 0x80) {
		to[0] = (char)u;
		return 1;
	}
	if (u < 0x800) {
		to[0] = (char)(0xc0 | u >> 6);
		to[1] = (char)(0x80 | (u & 0x3f));
		return 2;
	}
	if (u < 0x10000) {
		to[0] = (char)(0xe0 | u >> 12);
		to[1] = (char)(0x80 | (u >> 6 & 0x3f));
		to[2] = (char)(0x80 | (u & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | u >> 18);
	to[1] = (char)(0x80 | (u >> 12 & 0x3f));
	to[2] = (char)(0x80 | (u >> 6 & 0x3f));
	to[3] = (char)(0x80 | (u & 0x3f));
	return 4;
}

/* What follows a backslash; 0: nothing that JSON knows, or a control
 * character. */
static size_t
escape(struct json *j, char *to)
{
	static const char plain[] = "\"\\/";
	char c = '\0';
	long u, low;

	if (j->s < j->end)
		c = *j->s++;
	if (c != '\0' && strchr(plain, c) != NULL) {
		*to = c;
		return 1;
	}
	if (c != 'u')
		return 0;
	u = code_unit(j);
	if (u >= 0xd800 && u < 0xdc00) {
		if (j->end - j->s < 2 || j->s[0] != '\\' || j->s[1] != 'u')
			return 0;
		j->s += 2;
		low = code_unit(j);
		if (low < 0xdc00 || low > 0xdfff)
			return 0;
		u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
	}
	return u < 0x20 ? 0 : put_utf8(to, u);
}

/* A string whose quote has been taken; it never grows by decoding. */
static int
string(struct pairs *p, struct json *j, const char **out, struct err *e)
{
	char *to = room(p);
	size_t len = 0, n;

	for (;;) {
		if (j->s >= j->end)
			return bad(e, "the JSON is cut off");
		if (*j->s == '"')
			break;
		if (*j->s != '\\') {
			to[len++] = *j->s++;
			continue;
		}
		j->s++;
		n = escape(j, to + len);
		if (n == 0)
			return bad(
			    e, "an escape in the JSON that is not accepted");
		len += n;
	}
	j->s++;
	*out = keep(p, len);
	return *out != NULL ? 0
			    : bad(e, "a text in the JSON is not UTF-8, or has "
				     "a control character");
}

static size_t
digits(const struct json *j, size_t at)
{
	size_t n = 0;

	while (j->s + at + n < j->end && j->s[at + n] >= '0' &&
	       j->s[at + n] <= '9')
		n++;
	return n;
}

/* Take a number as RFC 8259 writes it; 0: it is none. */
static int
number(struct json *j)
{
	size_t n = j->s < j->end && *j->s == '-', whole = digits(j, n), part;

	if (whole == 0 || (whole > 1 && j->s[n] == '0'))
		return 0;
	n += whole;
	if (j->s + n < j->end && j->s[n] == '.') {
		part = digits(j, n + 1);
		if (part == 0)
			return 0;
		n += 1 + part;
	}
	if (j->s + n < j->end && (j->s[n] == 'e' || j->s[n] == 'E')) {
		n++;
		n += j->s + n < j->end && (j->s[n] == '+' || j->s[n] == '-');
		part = digits(j, n);
		if (part == 0)
			return 0;
		n += part;
	}
	j->s += n;
	return 1;
}

static int
value(struct pairs *p, struct json *j, struct pair *pair, struct err *e)
{
	static const struct {
		const char *word;
		enum pair_kind kind;
	} words[] = { { "true", PAIR_TRUE }, { "false", PAIR_FALSE },
		{ "null", PAIR_NULL } };

	pair->text = "";
	skip_blank(j);
	if (take(j, '"')) {
		pair->kind = PAIR_TEXT;
		return string(p, j, &pair->text, e);
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].word);

		if ((size_t)(j->end - j->s) >= n &&
		    memcmp(j->s, words[i].word, n) == 0) {
			j->s += n;
			pair->kind = words[i].kind;
			return 0;
		}
	}
	if (j->s < j->end && (*j->s == '{' || *j->s == '['))
		return bad(e, "the JSON is nested: one flat object is wanted");
	pair->kind = PAIR_NUMBER;
	return number(j) ? 0 : bad(e, "the JSON is malformed");
}

static int
is_known(const struct pairs *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].name, name) == 0)
			return 1;
	return 0;
}

static int
member(struct pairs *p, struct json *j, struct err *e)
{
	struct pair *pair = new_pair(p);
	int status;

	if (pair == NULL)
		return bad(e, "the JSON has too many members");
	if (!take(j, '"'))
		return bad(e, "the JSON is malformed");
	status = string(p, j, &pair->name, e);
	if (status == 0 && is_known(p, pair->name)) {
		err_set(e, RC_USAGE, "\"%.60s\" stands twice in the JSON",
		    pair->name);
		return 400;
	}
	if (status == 0 && !take(j, ':'))
		return bad(e, "the JSON is malformed");
	if (status == 0)
		status = value(p, j, pair, e);
	if (status == 0)
		p->n++;
	return status;
}

int
pairs_json(struct pairs *p, const char *json, size_t len, struct err *e)
{
	struct json j = { json, json + len };
	int status = 0;

	if (!take(&j, '{'))
		return bad(e, "the body is not a JSON object");
	if (!take(&j, '}')) {
		do
			status = member(p, &j, e);
		while (status == 0 && take(&j, ','));
		if (status == 0 && !take(&j, '}'))
			status = bad(e, "the JSON is malformed");
	}
	skip_blank(&j);
	if (status == 0 && j.s != j.end)
		status = bad(e, "something follows the JSON object");
	return status;
}

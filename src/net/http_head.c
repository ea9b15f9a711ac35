#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "net/http.h"
#include "net/http_head.h"

#define DAY_S 86400

/* The length of the token (RFC 9110, 5.6.2) that p begins with. */
static size_t
token(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)p[i]) &&
		    (p[i] == '\0' || strchr("!#$%&'*+-.^_`|~", p[i]) == NULL))
			break;
	return i;
}

void
http_head_add(struct buf *b, const char *line, size_t n)
{
	size_t at = b->len, name;
	unsigned char c;

	while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	name = token(line, n);
	if (name == 0 || name == n || line[name] != ':')
		return;
	buf_add(b, line, n);
	buf_addc(b, '\n');
	if (b->rc != RC_OK) {
		b->len = at;
		if (b->data != NULL)
			b->data[at] = '\0';
		return;
	}
	for (; at < b->len - 1; at++) {
		c = (unsigned char)b->data[at];
		if (c < 0x20 || c == 0x7f)
			b->data[at] = ' ';
	}
}

/* Copy the value between p and end without the blanks around it. */
static void
copy_value(char *out, size_t size, const char *p, const char *end)
{
	size_t n;

	while (p < end && *p == ' ')
		p++;
	while (end > p && end[-1] == ' ')
		end--;
	if (size == 0)
		return;
	n = (size_t)(end - p);
	if (n > size - 1)
		n = size - 1;
	memcpy(out, p, n);
	out[n] = '\0';
}

int
http_header(const struct http_response *r, const char *name, int n, char *out,
    size_t size)
{
	size_t len = strlen(name);
	const char *p = r->headers, *end;

	for (; p != NULL && *p != '\0'; p = *end == '\0' ? end : end + 1) {
		end = p + strcspn(p, "\n");
		if ((size_t)(end - p) <= len || p[len] != ':' ||
		    strncasecmp(p, name, len) != 0 || n-- > 0)
			continue;
		copy_value(out, size, p + len + 1, end);
		return 1;
	}
	return 0;
}

int64_t
http_retry_after(const char *value, int64_t now_s)
{
	int64_t s = 0;
	int negative;
	time_t at;

	value += strspn(value, " \t");
	negative = *value == '-';
	if (isdigit((unsigned char)value[negative])) {
		for (value += negative; isdigit((unsigned char)*value); value++)
			if (s <= DAY_S)
				s = s * 10 + (*value - '0');
		if (value[strspn(value, " \t")] != '\0')
			return -1;
		s = negative ? 0 : s;
	} else {
		/* All three forms of RFC 9110 begin with the day of the week;
		 * curl_getdate would read bare numbers as dates too. */
		at = isalpha((unsigned char)*value) ? curl_getdate(value, NULL)
						    : -1;
		if (at == -1)
			return -1;
		s = (int64_t)at - now_s;
	}
	return (s < 0 ? 0 : s > DAY_S ? DAY_S : s) * 1000;
}

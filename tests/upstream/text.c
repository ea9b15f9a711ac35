#include <err.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "text.h"

void *
mem_new(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (p == NULL)
		err(EX_OSERR, "calloc");
	return p;
}

char *
mem_dup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(mem_new(n), s, n);
}

/* Room for n bytes more and a NUL. */
static void
reserve(struct text *t, size_t n)
{
	size_t cap = t->cap ? t->cap : 256;

	while (cap < t->len + n + 1)
		cap *= 2;
	if (cap == t->cap)
		return;
	t->s = realloc(t->s, cap);
	if (t->s == NULL)
		err(EX_OSERR, "realloc");
	t->cap = cap;
}

void
text_addn(struct text *t, const char *s, size_t n)
{
	reserve(t, n);
	memcpy(t->s + t->len, s, n);
	t->len += n;
	t->s[t->len] = '\0';
}

void
text_add(struct text *t, const char *s)
{
	text_addn(t, s, strlen(s));
}

void
text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		err(EX_OSERR, "vasprintf");
	text_addn(t, s, (size_t)n);
	free(s);
}

void
text_cut(struct text *t, size_t len)
{
	if (len >= t->len)
		return;
	t->len = len;
	t->s[len] = '\0';
}

void
text_attr(struct text *t, const char *s)
{
	for (; *s != '\0'; s++)
		switch (*s) {
		case '&':
			text_add(t, "&amp;");
			break;
		case '<':
			text_add(t, "&lt;");
			break;
		case '>':
			text_add(t, "&gt;");
			break;
		case '"':
			text_add(t, "&quot;");
			break;
		default:
			text_addn(t, s, 1);
		}
}

void
text_json(struct text *t, const char *s)
{
	text_add(t, "\"");
	for (; *s != '\0'; s++)
		if (*s == '"' || *s == '\\')
			text_addf(t, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			text_addf(t, "\\u%04x", (unsigned char)*s);
		else
			text_addn(t, s, 1);
	text_add(t, "\"");
}

/* The fewest digits that read back equal, as D.DDDe+XX. */
static int
shortest(double v, char *buf, size_t size)
{
	int digits;

	for (digits = 0; digits < 17; digits++) {
		snprintf(buf, size, "%.*e", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	return digits;
}

/* Plain from 0.001 to below 10^7, else scientific; always with a point. */
void
text_java(struct text *t, double v)
{
	char buf[64];
	int digits, exp10;
	char *e;

	if (v == 0 || !isfinite(v)) {
		text_add(t, v == 0 ? "0.0" : "null");
		return;
	}
	digits = shortest(v, buf, sizeof(buf));
	e = strchr(buf, 'e');
	exp10 = (int)strtol(e + 1, NULL, 10);
	if (exp10 >= -3 && exp10 < 7) {
		digits -= exp10;
		text_addf(t, "%.*f", digits > 1 ? digits : 1, v);
		return;
	}
	*e = '\0';
	text_addf(t, "%s%sE%d", buf, digits == 0 ? ".0" : "", exp10);
}

void
text_free(struct text *t)
{
	free(t->s);
	*t = (struct text){ 0 };
}

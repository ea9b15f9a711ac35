#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
	b->rc = RC_OK;
	if (b->data != NULL)
		b->data[0] = '\0';
}

/* Make room for n more bytes and a NUL. */
static int
reserve(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 64;
	char *p;

	if (b->rc != RC_OK)
		return 0;
	if (n > b->max || b->len > b->max - n) {
		b->rc = RC_INVALID;
		return 0;
	}
	while (cap < b->len + n + 1)
		cap += cap / 2;
	if (cap - 1 > b->max)
		cap = b->max + 1;
	if (cap <= b->cap)
		return 1;
	p = realloc(b->data, cap);
	if (p == NULL) {
		b->rc = RC_NOMEM;
		return 0;
	}
	b->data = p;
	b->cap = cap;
	return 1;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0 || !reserve(b, n))
		return;
	memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
buf_add_url(struct buf *b, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *s != '\0'; s++)
		if (strchr(plain, *s) != NULL)
			buf_addc(b, *s);
		else
			buf_addf(b, "%%%02X", (unsigned char)*s);
}

enum rc
buf_check(const struct buf *b, const char *what, struct err *e)
{
	if (b->rc == RC_OK)
		return RC_OK;
	if (b->rc == RC_NOMEM)
		return err_set(e, RC_NOMEM, "%s: out of memory", what);
	return err_set(e, b->rc, "%s: more than %zu bytes", what, b->max);
}

char *
buf_take(struct buf *b)
{
	char *p = b->rc == RC_OK && b->len > 0 ? b->data : NULL;

	if (p != NULL)
		*b = (struct buf){ .max = b->max };
	return p;
}

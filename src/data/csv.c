#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "base/utf8.h"
#include "data/csv.h"

#define CRLF "\r\n"

/* A text as a field, in quotes where it needs them. */
static void
write_text(struct buf *b, const char *text)
{
	int quoted = strpbrk(text, ",\"\r\n") != NULL || *text == ' ' ||
		     (*text != '\0' && text[strlen(text) - 1] == ' ');

	if (quoted)
		buf_addc(b, '"');
	while (*text != '\0') {
		size_t n = utf8_length(text);

		if (*text == '"')
			buf_addc(b, '"');
		buf_add(b, n > 0 ? text : UTF8_REPLACEMENT,
		    n > 0 ? n : sizeof(UTF8_REPLACEMENT) - 1);
		text += n > 0 ? n : 1;
	}
	if (quoted)
		buf_addc(b, '"');
}

static void
write_value(struct buf *b, const struct value *v)
{
	char number[NUM_TEXT];

	if (v->kind == VALUE_NUMBER)
		buf_add(b, number, num_print(v->u.number, number));
	else if (v->kind == VALUE_TEXT)
		write_text(b, v->u.text);
}

void
csv_write(struct buf *b, const struct table *t, const char *index,
    int64_t fetched_ms, const struct field_list *chosen)
{
	size_t n = chosen != NULL ? chosen->n : FIELD__MAX;
	char when[32];

	clock_utc(fetched_ms, when, sizeof(when));
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		write_text(b, fields[chosen ? chosen->v[i] : i].name);
	}
	buf_adds(b, chosen != NULL ? CRLF : ",Index,Last_Updated" CRLF);
	for (size_t r = 0; r < t->count; r++) {
		for (size_t i = 0; i < n; i++) {
			if (i > 0)
				buf_addc(b, ',');
			write_value(
			    b, &t->rows[r].v[chosen ? chosen->v[i] : i]);
		}
		if (chosen == NULL) {
			buf_addc(b, ',');
			write_text(b, index);
			buf_addc(b, ',');
			buf_adds(b, when);
		}
		buf_adds(b, CRLF);
	}
}

void
csv_init(struct csv *c, const char *bytes, size_t len)
{
	*c = (struct csv){ .p = bytes, .end = bytes + len };
	buf_init(&c->text, (size_t)LIMIT_COLUMNS * (LIMIT_CELL + 1));
	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		c->p += 3;
}

void
csv_fini(struct csv *c)
{
	buf_fini(&c->text);
	free(c->at);
	*c = (struct csv){ 0 };
}

/* Bytes of a line end at p: 0, 1 or 2. */
static size_t
line_end(const struct csv *c, const char *p)
{
	if (p < c->end && *p == '\n')
		return 1;
	return c->end - p >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

static enum rc
bad(const struct csv *c, const char *what, struct err *e)
{
	return err_set(e, RC_PARSE, "CSV line %zu: %s", c->line, what);
}

/* Note where the next field begins. */
static enum rc
begin_field(struct csv *c, struct err *e)
{
	size_t cap = c->cap == 0 ? 32 : c->cap * 2;
	void *p;

	if (c->n == LIMIT_COLUMNS)
		return bad(c, "too many fields", e);
	if (c->n == c->cap) {
		p = realloc(c->at, cap * sizeof(c->at[0]));
		if (p == NULL)
			return err_set(e, RC_NOMEM, "CSV: out of memory");
		c->at = p;
		c->cap = cap;
	}
	c->at[c->n++] = c->text.len;
	return RC_OK;
}

/* Take bytes into the current field. */
static enum rc
add_bytes(struct csv *c, const char *p, size_t n, struct err *e)
{
	size_t had = c->text.len - c->at[c->n - 1];

	if (n > LIMIT_CELL || had + n > LIMIT_CELL)
		return bad(c, "a field is too long", e);
	if (n > 0 && memchr(p, '\0', n) != NULL)
		return bad(c, "a NUL byte", e);
	buf_add(&c->text, p, n);
	return buf_check(&c->text, "CSV", e);
}

/* The field after its opening quote; *lines counts line feeds in it. */
static enum rc
quoted_field(struct csv *c, size_t *lines, struct err *e)
{
	const char *quote;
	enum rc rc = RC_OK;
	size_t n;

	for (;;) {
		n = (size_t)(c->end - c->p);
		quote = n > 0 ? memchr(c->p, '"', n) : NULL;
		if (quote == NULL)
			return bad(c, "a quote is not closed", e);
		n = (size_t)(quote - c->p);
		rc = add_bytes(c, c->p, n, e);
		if (rc != RC_OK)
			return rc;
		for (; c->p < quote; c->p++)
			*lines += *c->p == '\n';
		c->p++;
		if (c->p == c->end || *c->p != '"')
			break;
		rc = add_bytes(c, c->p++, 1, e); /* two quotes are one */
		if (rc != RC_OK)
			return rc;
	}
	if (c->p < c->end && *c->p != ',' && line_end(c, c->p) == 0)
		return bad(c, "text after a closing quote", e);
	return RC_OK;
}

static enum rc
bare_field(struct csv *c, struct err *e)
{
	const char *p = c->p;

	while (c->p < c->end && *c->p != ',' && line_end(c, c->p) == 0)
		c->p++;
	return add_bytes(c, p, (size_t)(c->p - p), e);
}

enum rc
csv_next(struct csv *c, struct err *e)
{
	size_t skip, lines = 0;
	enum rc rc;

	c->line += c->rest + 1;
	while ((skip = line_end(c, c->p)) > 0) { /* empty lines */
		c->p += skip;
		c->line++;
	}
	if (c->p == c->end)
		return RC_NOTFOUND;
	buf_clear(&c->text);
	for (c->n = 0;; c->p++) {
		rc = begin_field(c, e);
		if (rc == RC_OK && c->p < c->end && *c->p == '"') {
			c->p++;
			rc = quoted_field(c, &lines, e);
		} else if (rc == RC_OK) {
			rc = bare_field(c, e);
		}
		if (rc != RC_OK)
			return rc;
		buf_add(&c->text, "", 1);
		if (c->p == c->end || *c->p != ',')
			break;
	}
	c->p += line_end(c, c->p);
	c->rest = lines;
	return buf_check(&c->text, "CSV", e);
}

const char *
csv_field(const struct csv *c, size_t i)
{
	return i < c->n ? c->text.data + c->at[i] : "";
}

#include <string.h>

#include "base/limits.h"
#include "data/json_walk.h"

static const char *
past_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* Past the string whose quote is at p; NULL: it does not end. */
static const char *
past_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && ++p == end)
			return NULL;
	return p < end ? p + 1 : NULL;
}

/* Past a number or a word. */
static const char *
past_word(const char *p, const char *end)
{
	const char *from = p;

	while (
	    p < end && ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
			   *p == '-' || *p == '+' || *p == '.' || *p == 'E'))
		p++;
	return p > from ? p : NULL;
}

/* Past the object or array whose bracket is at p. */
static const char *
past_brackets(const char *p, const char *end)
{
	char open[LIMIT_JSON_DEPTH];
	int depth = 0;

	while (p != NULL && p < end) {
		if (*p == '"') {
			p = past_string(p, end);
			continue;
		}
		if (*p == '{' || *p == '[') {
			if (depth == LIMIT_JSON_DEPTH)
				return NULL;
			open[depth++] = *p == '{' ? '}' : ']';
		} else if (*p == '}' || *p == ']') {
			if (*p != open[--depth])
				return NULL;
			if (depth == 0)
				return p + 1;
		}
		p++;
	}
	return NULL;
}

/* The value that comes next. */
static int
next_value(struct json_walk *w, struct json_part *out)
{
	const char *p = past_blanks(w->p, w->end), *behind = NULL;

	if (p < w->end && *p == '"')
		behind = past_string(p, w->end);
	else if (p < w->end && (*p == '{' || *p == '['))
		behind = past_brackets(p, w->end);
	else if (p < w->end)
		behind = past_word(p, w->end);
	if (behind == NULL)
		return -1;
	*out = (struct json_part){ p, (size_t)(behind - p) };
	w->p = behind;
	return 1;
}

static int
take(struct json_walk *w, char c)
{
	const char *p = past_blanks(w->p, w->end);

	if (p == w->end || *p != c)
		return 0;
	w->p = p + 1;
	return 1;
}

int
json_enter(struct json_walk *w, char bracket)
{
	return take(w, bracket);
}

/* What stands before an element: its bracket or the comma behind the one
 * before.  0: the end. */
static int
before(struct json_walk *w, char close)
{
	int first = w->p[-1] == '{' || w->p[-1] == '[';

	if (take(w, close))
		return 0;
	return first || take(w, ',') ? 1 : -1;
}

int
json_member(
    struct json_walk *w, struct json_part *name, struct json_part *value)
{
	int more = before(w, '}');

	if (more != 1)
		return more;
	if (next_value(w, name) != 1 || *name->p != '"' || !take(w, ':'))
		return -1;
	return next_value(w, value);
}

int
json_element(struct json_walk *w, struct json_part *value)
{
	int more = before(w, ']');

	return more == 1 ? next_value(w, value) : more;
}

int
json_is(const struct json_part *part, const char *bytes)
{
	return part->len == strlen(bytes) &&
	       memcmp(part->p, bytes, part->len) == 0;
}

static const char *
past_digits(const char *p, const char *end)
{
	const char *from = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p > from ? p : NULL;
}

int
json_is_figure(const struct json_part *part)
{
	const char *p = part->p, *end = p + part->len;

	if (json_is(part, "null"))
		return 1;
	p += p < end && *p == '-';
	if (p + 1 < end && p[0] == '0' && p[1] >= '0' && p[1] <= '9')
		return 0;
	p = past_digits(p, end);
	if (p != NULL && p < end && *p == '.')
		p = past_digits(p + 1, end);
	if (p != NULL && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < end && (*p == '-' || *p == '+');
		p = past_digits(p, end);
	}
	return p == end;
}

/*
 * Requests to the API: variables and body out of the input ("NAME=value"
 * lines, an empty line, the body).  Whatever they are, the request is refused
 * with a status that says so, or all that is taken out of it is sound.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../cgi/request.h"
#include "base/utf8.h"

#define MOST 32

struct variables {
	const char *name[MOST], *value[MOST];
	size_t n;
};

static const char *
get(void *arg, const char *name)
{
	const struct variables *v = arg;

	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->name[i], name) == 0)
			return v->value[i];
	return NULL;
}

/* Cut up the head, which ends with a NUL; returns where the body begins. */
static char *
split(char *s, struct variables *v)
{
	char *end, *eq;

	while (*s != '\0' && *s != '\n' && v->n < MOST) {
		end = strchr(s, '\n');
		if (end == NULL)
			end = s + strlen(s);
		eq = memchr(s, '=', (size_t)(end - s));
		if (*end == '\n')
			*end++ = '\0';
		if (eq != NULL) {
			*eq = '\0';
			v->name[v->n] = s;
			v->value[v->n++] = eq + 1;
		}
		s = end;
	}
	return *s == '\n' ? s + 1 : s;
}

static void
check_text(const char *s)
{
	for (size_t n; *s != '\0'; s += n) {
		n = utf8_length(s);
		if (n == 0 || (unsigned char)*s < 0x20 || *s == 0x7f)
			abort();
	}
}

static void
check_pairs(const struct pairs *p)
{
	if (p->n > PAIRS_MOST)
		abort();
	for (size_t i = 0; i < p->n; i++) {
		check_text(p->v[i].name);
		check_text(p->v[i].text);
	}
}

static void
check_status(int status, const struct err *e)
{
	if ((status != 400 && status != 413 && status != 414 &&
		status != 415) ||
	    e->msg[0] == '\0')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request *r = calloc(1, sizeof(*r));
	struct variables v = { .n = 0 };
	char *text = malloc(size + 1), *body;
	struct err e = { 0 };
	int status;

	if (r == NULL || text == NULL)
		goto out;
	memcpy(text, data, size);
	text[size] = '\0';
	body = split(text, &v);
	status = request_read(r, get, &v, &e);
	if (r->id[0] == '\0' || strlen(r->id) > REQUEST_ID)
		abort();
	request_has_tag(r->if_none_match, "0123456789abcdef");
	request_takes_gzip(r->accept_encoding);
	if (status == 0) {
		check_pairs(&r->query);
		/* What the input has, of its own size: overruns show. */
		size_t have = (size_t)(text + size - body);
		char *copy = malloc(have + 1);

		if (copy != NULL) {
			memcpy(copy, body, have);
			if (r->length > have)
				r->length = have;
			copy = realloc(copy, r->length > 0 ? r->length : 1);
			status = request_body(r, copy, &e);
		}
		free(copy);
		if (status == 0)
			check_pairs(&r->body);
	}
	if (status != 0)
		check_status(status, &e);
out:
	free(text);
	free(r);
	return 0;
}

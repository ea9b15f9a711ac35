#include <err.h>
#include <stdlib.h>
#include <sysexits.h>

#include "market.h"

void
answer_set(struct answer *a, int status, const char *type, const char *body)
{
	a->status = status;
	a->type = type;
	text_cut(&a->body, 0);
	text_add(&a->body, body);
}

void
answer_header(struct answer *a, const char *name, const char *value)
{
	if (a->nheaders == sizeof(a->headers) / sizeof(*a->headers))
		errx(EX_SOFTWARE, "too many headers");
	a->headers[a->nheaders].name = name;
	a->headers[a->nheaders++].value = mem_dup(value);
}

void
answer_free(struct answer *a)
{
	size_t i;

	for (i = 0; i < a->nheaders; i++)
		free(a->headers[i].value);
	text_free(&a->body);
}

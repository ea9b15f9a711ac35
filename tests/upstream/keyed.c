#include <stdio.h>
#include <string.h>

#include "faults.h"
#include "keyed.h"
#include "text.h"

int
keyed_opens(const char *key)
{
	return *key != '\0' && strcmp(key, KEYED_WRONG) != 0;
}

/* Swap the mark before a class of one letter. */
static void
swap(char *symbol, char from, char to)
{
	size_t n = strlen(symbol);

	if (n > 2 && symbol[n - 2] == from)
		symbol[n - 2] = to;
}

const struct company *
keyed_find(const struct market *m, const char *symbol)
{
	char name[32];

	snprintf(name, sizeof(name), "%s", symbol);
	swap(name, '.', '-');
	return market_find(m, name);
}

void
keyed_symbol(struct text *t, const struct company *c)
{
	char name[32];

	snprintf(name, sizeof(name), "%s", company_ticker(c));
	swap(name, '-', '.');
	text_add(t, name);
}

void
keyed_add(struct text *t, const struct company *c,
    const struct keyed_figure *list, size_t n, int quoted,
    const struct fault *f)
{
	const char *quote = quoted ? "\"" : "";
	double v;

	for (size_t i = 0; i < n; i++) {
		if (!company_scaled(c, list[i].at, list[i].scale, &v))
			continue;
		text_addf(t, ",\"%s\":%s", list[i].name, quote);
		if (f->kind == FAULT_FIGURE)
			text_add(t, f->to[0] ? f->to : "NaN");
		else
			text_addf(t, "%.15g", v);
		text_add(t, quote);
	}
}

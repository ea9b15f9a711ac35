#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "columns.h"
#include "text.h"

enum { RIGHT, LEFT };

const struct column columns[] = {
#define COLUMN(id, key, kind, side, head_2021, head_2026)                      \
	{ id, key, COLUMN_##kind, side, head_2021, head_2026 },
#include "columns.def"
#undef COLUMN
};

int
column_by_id(long id)
{
	int i;

	for (i = 0; i < COLUMNS; i++)
		if (columns[i].id == id)
			return i;
	return -1;
}

int
column_by_key(const char *key)
{
	int i;

	for (i = 0; i < COLUMNS; i++)
		if (strcasecmp(columns[i].key, key) == 0)
			return i;
	return -1;
}

/* Billions have no larger neighbour: 4374.48B, as on 2026-05-19. */
static void
scaled(struct text *t, double v, int millions)
{
	double size = v < 0 ? -v : v;

	if (size >= 1e9)
		text_addf(t, "%.2fB", v / 1e9);
	else if (millions || size >= 1e6)
		text_addf(t, "%.2fM", v / 1e6);
	else
		text_addf(t, "%.2fK", v / 1e3);
}

static void
commas(struct text *t, const char *digits)
{
	size_t left;

	for (left = strlen(digits); left > 0; left--, digits++) {
		text_addn(t, digits, 1);
		if (left % 3 == 1 && left > 1)
			text_add(t, ",");
	}
}

void
column_show(struct text *t, const struct column *c, const char *raw)
{
	if (*raw == '\0')
		text_add(t, "-");
	else if (c->kind == COLUMN_MILLIONS)
		scaled(t, strtod(raw, NULL) * 1e6, 1);
	else if (c->kind == COLUMN_THOUSANDS)
		scaled(t, strtod(raw, NULL) * 1e3, 0);
	else if (c->kind == COLUMN_COUNT)
		commas(t, raw);
	else
		text_add(t, raw);
}

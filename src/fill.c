#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fill.h"

static int
is_fillable(enum field f)
{
	return f != FIELD_TICKER && f != FIELD_SECTOR;
}

/* One name of the list, without the blanks around it. */
static enum rc
parse_name(const char *option, const char *name, size_t n, unsigned char *want,
    struct err *e)
{
	char text[64];
	enum field f;

	while (n > 0 && *name == ' ') {
		name++;
		n--;
	}
	while (n > 0 && name[n - 1] == ' ')
		n--;
	snprintf(text, sizeof(text), "%.*s", (int)n, name);
	f = n < sizeof(text) ? field_by_name(text) : FIELD__MAX;
	if (f >= FIELD__MAX)
		return err_set(e, RC_CONFIG,
		    "%s names \"%.60s\": it takes all, or fields of "
		    "stocknity(7) with commas between them",
		    option, text);
	if (!is_fillable(f))
		return err_set(e, RC_CONFIG,
		    "%s: %s is never filled from another source", option,
		    fields[f].name);
	want[f] = 1;
	return RC_OK;
}

enum rc
fill_parse(const char *option, const char *setting,
    unsigned char want[FIELD__MAX], struct err *e)
{
	unsigned char fresh[FIELD__MAX] = { 0 };
	enum rc rc = RC_OK;

	if (strcasecmp(setting, "all") == 0) {
		for (int f = 0; f < FIELD__MAX; f++)
			fresh[f] = (unsigned char)is_fillable((enum field)f);
		setting = "";
	}
	while (*setting != '\0' && rc == RC_OK) {
		size_t n = strcspn(setting, ",");

		rc = parse_name(option, setting, n, fresh, e);
		setting += n + (setting[n] == ',');
	}
	if (rc == RC_OK)
		memcpy(want, fresh, sizeof(fresh));
	return rc;
}

enum rc
fill_begin(struct fill *fill, const unsigned char want[FIELD__MAX],
    const struct table *t, struct err *e)
{
	unsigned char *by = calloc(t->count + 1, FIELD__MAX);

	if (by == NULL)
		return err_set(e, RC_NOMEM, "fill: out of memory");
	*fill = (struct fill){ .want = want, .by = by };
	memcpy(fill->had, t->have, sizeof(fill->had));
	return RC_OK;
}

void
fill_end(struct fill *fill)
{
	free(fill->by);
	*fill = (struct fill){ 0 };
}

static int
lacks(const struct fill *fill, const struct record *r, enum field f)
{
	return fill->want[f] && r->v[f].kind == VALUE_NULL;
}

int
fill_is_gap(
    const struct fill *fill, const struct record *r, int (*serves)(enum field))
{
	for (int f = 0; f < FIELD__MAX; f++)
		if (lacks(fill, r, (enum field)f) &&
		    (serves == NULL || serves((enum field)f)))
			return 1;
	return 0;
}

/* Fill one record. */
static enum rc
take_record(struct fill *fill, struct table *t, size_t row,
    const struct record *from, size_t *n, struct err *e)
{
	struct record *to = &t->rows[row];
	enum rc rc = RC_OK;

	for (int f = 0; f < FIELD__MAX && rc == RC_OK; f++) {
		const struct value *v = &from->v[f];

		if (!lacks(fill, to, (enum field)f) || v->kind == VALUE_NULL)
			continue;
		if (v->kind == VALUE_NUMBER)
			table_set_number(to, (enum field)f, v->u.number);
		else
			rc = table_set_text(t, to, (enum field)f, v->u.text, e);
		if (to->v[f].kind == VALUE_NULL)
			continue;
		fill->by[row * FIELD__MAX + (size_t)f] =
		    (unsigned char)fill->nfrom;
		(*n)++;
	}
	return rc;
}

enum rc
fill_take(struct fill *fill, struct table *t, const struct table *other,
    const char *source, size_t *n, struct err *e)
{
	enum rc rc = RC_OK;

	*n = 0;
	if (fill->nfrom == LIMIT_SOURCES)
		return err_set(e, RC_BUG, "too many sources fill");
	fill->from[fill->nfrom++] = source;
	for (size_t i = 0; i < t->count && rc == RC_OK; i++) {
		const struct record *from =
		    table_find(other, t->rows[i].v[FIELD_TICKER].u.text);

		if (from != NULL)
			rc = take_record(fill, t, i, from, n, e);
	}
	return rc;
}

/* Count a record of the part; mark the fields that it lacks. */
static void
count_record(const struct fill *fill, size_t row, const struct record *r,
    struct filled *out, unsigned char *null)
{
	for (int f = 0; f < FIELD__MAX; f++) {
		unsigned char by = fill->by[row * FIELD__MAX + (size_t)f];

		if (by > 0)
			out->count[f][by - 1]++;
		null[f] |= r->v[f].kind == VALUE_NULL;
	}
}

static int
is_filled(const struct filled *of, int f)
{
	for (size_t i = 0; i < of->nsources; i++)
		if (of->count[f][i] > 0)
			return 1;
	return 0;
}

void
fill_count(const struct fill *fill, const struct table *whole,
    struct table *part, struct filled *out)
{
	unsigned char null[FIELD__MAX] = { 0 };

	*out = (struct filled){ .nsources = fill->nfrom, .rows = part->count };
	for (size_t i = 0; i < fill->nfrom; i++)
		snprintf(out->source[i], sizeof(out->source[i]), "%s",
		    fill->from[i]);
	for (size_t i = 0; i < part->count; i++) {
		const struct record *r =
		    table_find(whole, part->rows[i].v[FIELD_TICKER].u.text);

		if (r != NULL)
			count_record(fill, (size_t)(r - whole->rows),
			    &part->rows[i], out, null);
	}
	for (int f = 0; f < FIELD__MAX; f++)
		part->have[f] = fill->had[f] || (is_filled(out, f) && !null[f]);
}

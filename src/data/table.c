#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/limits.h"
#include "base/num.h"
#include "data/table.h"

#define CHUNK 16384 /* bytes of text that are allocated at a time */
#define BLANK " \t\r\n\f\v"

struct table_chunk {
	struct table_chunk *next;
	size_t used;
	char text[CHUNK - sizeof(struct table_chunk *) - sizeof(size_t)];
};

_Static_assert(LIMIT_CELL < sizeof(((struct table_chunk *)0)->text),
    "the longest text fits into a chunk");

void
table_init(struct table *t)
{
	*t = (struct table){ 0 };
}

void
table_fini(struct table *t)
{
	struct table_chunk *c, *next;

	for (c = t->arena; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(t->rows);
	free(t->slots);
	table_init(t);
}

void
table_clear(struct table *t)
{
	table_fini(t);
}

int
table_is_ticker(const char *text)
{
	static const char marks[] = ".-^=&";
	int letters = 0;
	size_t n;

	for (n = 0; text[n] != '\0'; n++) {
		if (n == LIMIT_TICKER)
			return 0;
		if ((text[n] >= 'A' && text[n] <= 'Z') ||
		    (text[n] >= '0' && text[n] <= '9'))
			letters++;
		else if (strchr(marks, text[n]) == NULL)
			return 0;
	}
	return letters > 0;
}

static const char *
ticker_of(const struct record *r)
{
	return r->v[FIELD_TICKER].u.text;
}

/*
 * The slot of a ticker, or the free one where it belongs.  The seed is where
 * the program was loaded: who sends tickers cannot choose ones that collide.
 */
static size_t
slot_of(const struct table *t, const char *ticker)
{
	uint64_t seed = (uint64_t)(uintptr_t)&fields;
	size_t at = XXH3_64bits_withSeed(ticker, strlen(ticker), seed);

	for (at &= t->nslots - 1; t->slots[at] != 0;
	     at = (at + 1) & (t->nslots - 1))
		if (strcmp(ticker_of(&t->rows[t->slots[at] - 1]), ticker) == 0)
			break;
	return at;
}

static void
fill_slots(struct table *t)
{
	if (t->nslots == 0)
		return;
	memset(t->slots, 0, t->nslots * sizeof(t->slots[0]));
	for (size_t i = 0; i < t->count; i++)
		t->slots[slot_of(t, ticker_of(&t->rows[i]))] = (uint32_t)i + 1;
}

struct record *
table_find(const struct table *t, const char *ticker)
{
	size_t at;

	if (t->nslots == 0)
		return NULL;
	at = slot_of(t, ticker);
	return t->slots[at] == 0 ? NULL : &t->rows[t->slots[at] - 1];
}

/* Room for one record more; the slots are never more than half full. */
static enum rc
grow(struct table *t, struct err *e)
{
	size_t cap = t->cap == 0 ? 32 : t->cap + t->cap / 2;
	size_t nslots = t->nslots == 0 ? 64 : t->nslots * 2;
	void *p;

	if (t->count >= LIMIT_ROWS)
		return err_set(e, RC_PARSE, "more than %d records", LIMIT_ROWS);
	if (t->count == t->cap) {
		p = realloc(t->rows, cap * sizeof(t->rows[0]));
		if (p == NULL)
			return err_set(e, RC_NOMEM, "table: out of memory");
		t->rows = p;
		t->cap = cap;
	}
	if ((t->count + 1) * 2 > t->nslots) {
		p = calloc(nslots, sizeof(t->slots[0]));
		if (p == NULL)
			return err_set(e, RC_NOMEM, "table: out of memory");
		free(t->slots);
		t->slots = p;
		t->nslots = nslots;
		fill_slots(t);
	}
	return RC_OK;
}

/* A copy of n bytes and a NUL in the table's own memory. */
static enum rc
keep(struct table *t, const char *text, size_t n, const char **out,
    struct err *e)
{
	struct table_chunk *c = t->arena;
	char *to;

	if (n > LIMIT_CELL)
		return err_set(
		    e, RC_PARSE, "a text has more than %d bytes", LIMIT_CELL);
	if (t->text_bytes + n + 1 > LIMIT_TEXT)
		return err_set(e, RC_PARSE, "the texts have more than %u bytes",
		    LIMIT_TEXT);
	if (c == NULL || sizeof(c->text) - c->used <= n) {
		c = malloc(sizeof(*c));
		if (c == NULL)
			return err_set(e, RC_NOMEM, "table: out of memory");
		c->next = t->arena;
		c->used = 0;
		t->arena = c;
	}
	to = c->text + c->used;
	memcpy(to, text, n);
	to[n] = '\0';
	c->used += n + 1;
	t->text_bytes += n + 1;
	*out = to;
	return RC_OK;
}

enum rc
table_record(struct table *t, const char *ticker, struct record **out,
    int *added, struct err *e)
{
	struct record *r = NULL;
	const char *name = ticker;
	enum rc rc;

	if (!table_is_ticker(ticker)) {
		err_set(e, RC_PARSE, "\"%.40s\" is not a ticker", ticker);
		return RC_PARSE;
	}
	r = table_find(t, ticker);
	if (added != NULL && r != NULL)
		*added = 0;
	if (r == NULL) {
		rc = grow(t, e);
		if (rc == RC_OK)
			rc = keep(t, ticker, strlen(ticker), &name, e);
		if (rc != RC_OK)
			return rc;
		t->slots[slot_of(t, name)] = (uint32_t)t->count + 1;
		r = &t->rows[t->count++];
		memset(r, 0, sizeof(*r));
		r->v[FIELD_TICKER].kind = VALUE_TEXT;
		r->v[FIELD_TICKER].u.text = name;
		if (added != NULL)
			*added = 1;
	}
	*out = r;
	return RC_OK;
}

static enum rc
set_bytes(struct table *t, struct record *r, enum field f, const char *text,
    size_t n, struct err *e)
{
	const char *copy = NULL;
	enum rc rc;

	/* The ticker is the key: it is set by table_record alone. */
	if (f == FIELD_TICKER)
		return RC_OK;
	if (n == 0) {
		r->v[f] = (struct value){ .kind = VALUE_NULL };
		return RC_OK;
	}
	rc = keep(t, text, n, &copy, e);
	if (rc == RC_OK)
		r->v[f] = (struct value){ VALUE_TEXT, { .text = copy } };
	else if (e != NULL)
		err_wrap(e, "%s of %s", fields[f].name, ticker_of(r));
	return rc;
}

enum rc
table_set_text(struct table *t, struct record *r, enum field f,
    const char *text, struct err *e)
{
	return set_bytes(t, r, f, text, text == NULL ? 0 : strlen(text), e);
}

void
table_set_number(struct record *r, enum field f, double number)
{
	if (isfinite(number))
		r->v[f] = (struct value){ VALUE_NUMBER, { .number = number } };
	else
		r->v[f] = (struct value){ .kind = VALUE_NULL };
}

static enum rc
set_figure(
    struct record *r, enum field f, const char *cell, int exp10, struct err *e)
{
	double number;
	enum rc rc = num_figure(cell, exp10, &number, e);

	/* A percentage without its sign would be wrong by a hundred: it is
	 * another column, or a changed one. */
	if (rc == RC_OK && fields[f].type == FIELD_FRACTION && number != 0 &&
	    strchr(cell, '%') == NULL)
		rc = err_set(e, RC_PARSE, "\"%.40s\" has no %%", cell);
	if (rc == RC_OK)
		table_set_number(r, f, number);
	return rc;
}

static enum rc
set_date(struct table *t, struct record *r, enum field f, const char *cell,
    struct err *e)
{
	char date[11];
	enum rc rc = num_date(cell, date, e);

	return rc == RC_OK ? table_set_text(t, r, f, date, e) : rc;
}

enum rc
table_set_cell(struct table *t, struct record *r, enum field f,
    const char *cell, int exp10, struct err *e)
{
	size_t n;
	enum rc rc;

	if (!field_is_number(f) && fields[f].type != FIELD_DATE) {
		cell += strspn(cell, BLANK);
		n = strlen(cell);
		while (n > 0 && strchr(BLANK, cell[n - 1]) != NULL)
			n--;
		return set_bytes(
		    t, r, f, cell, n == 1 && *cell == '-' ? 0 : n, e);
	}
	if (field_is_number(f))
		rc = set_figure(r, f, cell, exp10, e);
	else
		rc = set_date(t, r, f, cell, e);
	if (rc == RC_NOTFOUND) {
		r->v[f] = (struct value){ .kind = VALUE_NULL };
		return RC_OK;
	}
	if (rc != RC_OK && e != NULL)
		err_wrap(e, "%s of %s", fields[f].name, ticker_of(r));
	return rc;
}

/* Copy a value of another table. */
static enum rc
copy_value(struct table *t, struct record *r, enum field f,
    const struct value *v, struct err *e)
{
	if (v->kind == VALUE_TEXT)
		return table_set_text(t, r, f, v->u.text, e);
	r->v[f] = *v;
	return RC_OK;
}

static void
join_have(struct table *dst, const struct table *src)
{
	for (int f = 0; f < FIELD__MAX; f++)
		dst->have[f] |= src->have[f];
}

enum rc
table_join(struct table *dst, const struct table *src, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < src->count && rc == RC_OK; i++) {
		const struct record *from = &src->rows[i];
		struct record *to = table_find(dst, ticker_of(from));

		for (int f = 0; to != NULL && f < FIELD__MAX; f++)
			if (to->v[f].kind == VALUE_NULL && src->have[f] &&
			    rc == RC_OK)
				rc = copy_value(
				    dst, to, (enum field)f, &from->v[f], e);
	}
	if (rc == RC_OK)
		join_have(dst, src);
	return rc;
}

enum rc
table_copy_where(struct table *dst, const struct table *src, enum field field,
    const char *text, struct err *e)
{
	struct record *to;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < src->count && rc == RC_OK; i++) {
		const struct record *from = &src->rows[i];
		const struct value *v = &from->v[field];

		if (text != NULL &&
		    (v->kind != VALUE_TEXT || strcmp(v->u.text, text) != 0))
			continue;
		rc = table_record(dst, ticker_of(from), &to, NULL, e);
		for (int f = 0; f < FIELD__MAX && rc == RC_OK; f++)
			rc = copy_value(dst, to, (enum field)f, &from->v[f], e);
	}
	if (rc == RC_OK)
		join_have(dst, src);
	return rc;
}

struct order {
	enum field field;
	int descending;
};

static int
compare_values(const struct value *a, const struct value *b)
{
	int c;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == VALUE_NUMBER)
		return (a->u.number > b->u.number) -
		       (a->u.number < b->u.number);
	c = strcasecmp(a->u.text, b->u.text);
	return c != 0 ? c : strcmp(a->u.text, b->u.text);
}

static int
compare(const void *one, const void *other, void *arg)
{
	const struct record *a = one, *b = other;
	const struct order *by = arg;
	const struct value *va = &a->v[by->field], *vb = &b->v[by->field];
	int c = 0;

	if (va->kind == VALUE_NULL || vb->kind == VALUE_NULL)
		c = (va->kind == VALUE_NULL) - (vb->kind == VALUE_NULL);
	else if (by->descending)
		c = compare_values(vb, va);
	else
		c = compare_values(va, vb);
	return c != 0 ? c : strcmp(ticker_of(a), ticker_of(b));
}

void
table_sort(struct table *t, enum field field, int descending)
{
	struct order by = { field, descending };

	if (t->count < 2)
		return;
	qsort_r(t->rows, t->count, sizeof(t->rows[0]), compare, &by);
	fill_slots(t);
}

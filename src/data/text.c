#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "data/text.h"

#define GAP        2  /* blanks between columns */
#define NAME_LEAST 20 /* a company's name is not shortened below this */
#define TEXT_MOST  40 /* no text is wider, where the width is limited */
#define ELLIPSIS   "\xe2\x80\xa6"
#define RULE       "\xe2\x94\x80"
#define GREEN      "\033[32m"
#define RED        "\033[31m"
#define PLAIN      "\033[0m"

/* The choice of columns, the most wanted first. */
static const enum field choice[] = { FIELD_TICKER, FIELD_COMPANY, FIELD_PRICE,
	FIELD_CHANGE, FIELD_MARKET_CAP, FIELD_PE, FIELD_VOLUME, FIELD_PERF_YEAR,
	FIELD_SECTOR, FIELD_BETA, FIELD_DIVIDEND, FIELD_FPE, FIELD_EPS,
	FIELD_ROE, FIELD_DEBT_EQ, FIELD_PERF_YTD, FIELD_RSI,
	FIELD_TARGET_PRICE };

/* Gains and losses: what is shown in colour. */
static const enum field gains[] = { FIELD_CHANGE, FIELD_CHANGE_FROM_OPEN,
	FIELD_GAP, FIELD_PERF_WEEK, FIELD_PERF_MONTH, FIELD_PERF_QUART,
	FIELD_PERF_HALF, FIELD_PERF_YEAR, FIELD_PERF_YTD, FIELD_PERF_3Y,
	FIELD_PERF_5Y, FIELD_PERF_10Y };

struct column {
	enum field field;
	size_t width;
};

struct layout {
	struct column c[FIELD__ALL];
	size_t n;
	struct buf cell; /* the text that is being measured or written, */
	char text[4 * LIMIT_CELL]; /* in here: it never allocates */
};

/* Characters of a text that text_value made: one column each. */
static size_t
columns_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* How many bytes the first n characters have. */
static size_t
bytes_of(const char *text, size_t n)
{
	const char *p = text;

	while (*p != '\0' && n-- > 0)
		p += utf8_length(p);
	return (size_t)(p - text);
}

/* Characters that have no width or turn the direction: U+200B to U+200F, U+2028
 * to U+202E, U+2066 to U+2069. */
static int
is_trick(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	return s[0] == 0xe2 &&
	       ((s[1] == 0x80 && ((s[2] >= 0x8b && s[2] <= 0x8f) ||
				     (s[2] >= 0xa8 && s[2] <= 0xae))) ||
		   (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));
}

void
text_clean(struct buf *b, const char *text)
{
	while (*text != '\0') {
		size_t n = utf8_length(text);
		unsigned char c = (unsigned char)*text;
		int c1 = c == 0xc2 && (unsigned char)text[1] < 0xa0;

		if (n == 0 || c < 0x20 || c == 0x7f || c1 || is_trick(text))
			buf_addc(b, '?');
		else
			buf_add(b, text, n);
		text += n > 0 ? n : 1;
	}
}

/* Two decimals, more for what they would round away. */
static void
add_number(struct buf *b, double v, const char *unit)
{
	double size = fabs(v);

	if (size >= 1e12 || (size > 0 && size < 0.1 && *unit == '\0'))
		buf_addf(b, "%.3g%s", v, unit);
	else
		buf_addf(b, "%.2f%s", size < 0.005 ? 0 : v, unit);
}

static void
add_amount(struct buf *b, double v)
{
	static const struct {
		double size;
		const char *unit;
	} units[] = { { 1e12, "T" }, { 1e9, "B" }, { 1e6, "M" }, { 1e3, "K" } };
	double size = fabs(v);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		/* What rounds up to the next unit is written in it. */
		if (size >= 0.999995 * units[i].size) {
			add_number(b, v / units[i].size, units[i].unit);
			return;
		}
	if (size == floor(size))
		buf_addf(b, "%.0f", v);
	else
		add_number(b, v, "");
}

void
text_value(struct buf *b, enum field f, const struct value *v)
{
	if (v->kind == VALUE_NULL)
		buf_addc(b, '-');
	else if (v->kind == VALUE_TEXT)
		text_clean(b, v->u.text);
	else if (fields[f].type == FIELD_FRACTION)
		add_number(b, v->u.number * 100, "%");
	else if (fields[f].type == FIELD_NUMBER)
		add_number(b, v->u.number, "");
	else
		add_amount(b, v->u.number);
}

/* The text of a cell, until the next. */
static const char *
cell_text(struct layout *l, enum field f, const struct value *v)
{
	buf_clear(&l->cell);
	text_value(&l->cell, f, v);
	return l->cell.data;
}

static size_t
natural_width(struct layout *l, const struct table *t, enum field f)
{
	size_t most = columns_of(fields[f].label), n;

	for (size_t i = 0; i < t->count; i++) {
		n = columns_of(cell_text(l, f, &t->rows[i].v[f]));
		most = n > most ? n : most;
	}
	return most;
}

/* Have all records the same text (or none) there? */
static int
is_uniform(const struct table *t, enum field f)
{
	const struct value *a, *b;

	for (size_t i = 1; i < t->count; i++) {
		a = &t->rows[0].v[f];
		b = &t->rows[i].v[f];
		if (a->kind != b->kind ||
		    (a->kind == VALUE_TEXT &&
			strcmp(a->u.text, b->u.text) != 0))
			return 0;
	}
	return t->count > 0;
}

/* Which columns are wanted, whether they fit or not. */
static void
choose(struct layout *l, const struct table *t, const struct field_list *chosen)
{
	if (chosen != NULL) {
		for (size_t i = 0; i < chosen->n; i++)
			l->c[l->n++].field = chosen->v[i];
		return;
	}
	for (size_t i = 0; i < sizeof(choice) / sizeof(choice[0]); i++) {
		enum field f = choice[i];

		if (f != FIELD_TICKER && t->count > 0 && !t->have[f])
			continue;
		if (f == FIELD_SECTOR && is_uniform(t, f))
			continue;
		l->c[l->n++].field = f;
	}
}

/* Cut the layout to the width; of a chosen one only the company's name. */
static void
fit(struct layout *l, size_t width, int all)
{
	struct column *name = NULL;
	size_t used = 0, full = 0, n;

	for (n = 0; n < l->n; n++) {
		struct column *c = &l->c[n];
		size_t least;

		if (!field_is_number(c->field) && c->width > TEXT_MOST)
			c->width = TEXT_MOST;
		least = c->width;
		if (c->field == FIELD_COMPANY && least > NAME_LEAST)
			least = NAME_LEAST;
		if (n > 0 && used + GAP + least > width && !all)
			break;
		used += (n > 0 ? GAP : 0) + least;
		if (c->field == FIELD_COMPANY) {
			name = c;
			full = c->width;
			c->width = least;
		}
	}
	l->n = n;
	if (name != NULL && used < width) {
		name->width += width - used;
		if (name->width > full)
			name->width = full;
	}
}

static void
add_blanks(struct buf *b, size_t n)
{
	while (n-- > 0)
		buf_addc(b, ' ');
}

/* A text in its column; colour may be NULL.  Nothing is padded after the last
 * column. */
static void
add_cell(struct buf *b, const struct layout *l, size_t i, const char *text,
    const char *colour)
{
	size_t width = l->c[i].width, n = columns_of(text), pad;
	int cut = n > width;

	pad = cut ? 0 : width - n;
	if (i > 0)
		add_blanks(b, GAP);
	if (field_is_number(l->c[i].field))
		add_blanks(b, pad);
	if (colour != NULL)
		buf_adds(b, colour);
	buf_add(b, text, cut ? bytes_of(text, width - 1) : strlen(text));
	if (cut)
		buf_adds(b, ELLIPSIS);
	if (colour != NULL)
		buf_adds(b, PLAIN);
	if (!field_is_number(l->c[i].field) && i + 1 < l->n)
		add_blanks(b, pad);
}

static const char *
colour_of(enum field f, const struct value *v)
{
	if (v->kind != VALUE_NUMBER || v->u.number == 0)
		return NULL;
	for (size_t i = 0; i < sizeof(gains) / sizeof(gains[0]); i++)
		if (gains[i] == f)
			return v->u.number > 0 ? GREEN : RED;
	return NULL;
}

static void
add_head(struct buf *b, const struct layout *l)
{
	size_t i, n;

	for (i = 0; i < l->n; i++)
		add_cell(b, l, i, fields[l->c[i].field].label, NULL);
	buf_addc(b, '\n');
	for (i = 0; i < l->n; i++) {
		if (i > 0)
			add_blanks(b, GAP);
		for (n = 0; n < l->c[i].width; n++)
			buf_adds(b, RULE);
	}
	buf_addc(b, '\n');
}

size_t
text_write(
    struct buf *b, const struct table *t, const struct text_options *options)
{
	struct layout l = { .n = 0 };
	size_t wanted;

	l.cell = (struct buf){
		.data = l.text, .cap = sizeof(l.text), .max = sizeof(l.text) - 1
	};
	choose(&l, t, options->chosen);
	wanted = l.n;
	for (size_t i = 0; i < l.n; i++)
		l.c[i].width = natural_width(&l, t, l.c[i].field);
	if (options->width > 0)
		fit(&l, (size_t)options->width, options->chosen != NULL);
	if (l.n > 0)
		add_head(b, &l);
	for (size_t r = 0; r < t->count && b->rc == RC_OK && l.n > 0; r++) {
		for (size_t i = 0; i < l.n; i++) {
			enum field f = l.c[i].field;
			const struct value *v = &t->rows[r].v[f];

			add_cell(b, &l, i, cell_text(&l, f, v),
			    options->colour ? colour_of(f, v) : NULL);
		}
		buf_addc(b, '\n');
	}
	return wanted - l.n;
}

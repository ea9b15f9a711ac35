#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "screen.h"

static void
set(char **s, const char *to)
{
	free(*s);
	*s = mem_dup(to);
}

/* The heading of the column, the price by default. */
static void
rename_column(struct page *p, const struct fault *f)
{
	int id = f->column < 0 ? columns[AT_PRICE].id : f->column;
	size_t i;

	for (i = 0; i < p->ncols; i++)
		if (columns[p->cols[i]].id == id)
			set(&p->heads[i], f->to[0] ? f->to : "Kurs");
}

/* Last column first. */
static void
reorder_columns(struct page *p, const struct fault *f)
{
	size_t i, j, col;
	char *head;

	(void)f;
	for (i = 0, j = p->ncols; i + 1 < j; i++) {
		j--;
		col = p->cols[i];
		p->cols[i] = p->cols[j];
		p->cols[j] = col;
		head = p->heads[i];
		p->heads[i] = p->heads[j];
		p->heads[j] = head;
	}
}

/* The page's row number n, from 1; NULL when there is none. */
static struct page_row *
nth_row(struct page *p, long n)
{
	return n > 0 && (size_t)n <= p->nrows ? &p->rows[n - 1] : NULL;
}

/* The row once more, right below itself. */
static void
double_row(struct page *p, const struct fault *f)
{
	struct page_row *row = nth_row(p, f->n);
	size_t after;

	if (row == NULL)
		return;
	after = (size_t)(&p->rows[p->nrows] - row - 1);
	memmove(row + 2, row + 1, after * sizeof(*row));
	row[1] = row[0];
	row[1].ticker = mem_dup(row->ticker);
	row[1].name = mem_dup(row->name);
	p->nrows++;
}

static void
drop_row(struct page *p, const struct fault *f)
{
	struct page_row *row = nth_row(p, f->n);
	size_t after;

	if (row == NULL)
		return;
	after = (size_t)(&p->rows[p->nrows] - row - 1);
	free(row->ticker);
	free(row->name);
	memmove(row, row + 1, after * sizeof(*row));
	p->nrows--;
}

/* Bytes that a terminal or a log would act upon. */
static void
control_bytes(struct page *p, const struct fault *f)
{
	struct page_row *row = nth_row(p, f->n);
	struct text t = { 0 };

	if (row == NULL)
		return;
	text_addf(&t, "%s\x01\x1b[31m\x7f", row->ticker);
	set(&row->ticker, t.s);
	text_free(&t);
}

/* A byte of Latin-1 in a page that calls itself UTF-8. */
static void
latin1_byte(struct page *p, const struct fault *f)
{
	struct page_row *row = nth_row(p, f->n);
	struct text t = { 0 };

	if (row == NULL)
		return;
	text_addf(&t, "%s Soci\xe9t\xe9", row->name);
	set(&row->name, t.s);
	text_free(&t);
}

/* One column, or without a column every figure of the page. */
static void
change_figures(struct page *p, const struct fault *f)
{
	int i;

	for (i = 0; i < COLUMNS; i++)
		if (f->column == columns[i].id ||
		    (f->column < 0 && columns[i].kind >= COLUMN_NUMBER))
			set(&p->figures[i], f->to[0] ? f->to : "NaN");
}

static void
miscount(struct page *p, const struct fault *f)
{
	p->total += (size_t)f->n;
}

static void
widen(struct page *p, const struct fault *f)
{
	p->filler = (size_t)f->n;
}

static void
other_layout(struct page *p, const struct fault *f)
{
	(void)f;
	p->strange = 1;
}

static const struct {
	enum fault_kind kind;
	void (*spoil)(struct page *, const struct fault *);
} spoils[] = {
	{ FAULT_RENAME, rename_column },
	{ FAULT_REORDER, reorder_columns },
	{ FAULT_TWICE, double_row },
	{ FAULT_MISSING, drop_row },
	{ FAULT_CONTROL, control_bytes },
	{ FAULT_LATIN1, latin1_byte },
	{ FAULT_FIGURE, change_figures },
	{ FAULT_COUNT, miscount },
	{ FAULT_WIDE, widen },
	{ FAULT_LAYOUT, other_layout },
};

void
page_spoil(struct page *p, const struct fault *f)
{
	size_t i;

	for (i = 0; i < sizeof(spoils) / sizeof(*spoils); i++)
		if (spoils[i].kind == f->kind)
			spoils[i].spoil(p, f);
}

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "companies.h"
#include "text.h"

struct csv {
	FILE *f;
	const char *path;
	size_t line;
	struct text cell;
};

/*
 * Read one field of an RFC 4180 file into csv->cell.  What ended it: ',',
 * '\n', or EOF (with an empty cell there was no field).
 */
static int
csv_cell(struct csv *csv)
{
	int c, quoted = 0;
	char b;

	text_cut(&csv->cell, 0);
	while ((c = getc(csv->f)) != EOF) {
		if (c == '"') {
			if (quoted && (c = getc(csv->f)) != '"') {
				ungetc(c, csv->f);
				quoted = 0;
				continue;
			}
			if (!quoted) {
				quoted = 1;
				continue;
			}
		}
		if (!quoted && (c == ',' || c == '\n'))
			break;
		b = (char)c;
		text_addn(&csv->cell, &b, 1);
	}
	csv->line += c == '\n';
	return c;
}

/* Skip lines that open with '#'. */
static void
skip_comments(struct csv *csv)
{
	int c;

	while ((c = getc(csv->f)) == '#') {
		while (c != '\n' && c != EOF)
			c = getc(csv->f);
		csv->line++;
	}
	if (c != EOF)
		ungetc(c, csv->f);
}

/* Map the file's columns to ours; their number, or 0 on an unknown one. */
static size_t
read_heading(struct csv *csv, int map[COLUMNS])
{
	size_t n = 0;
	int end;

	skip_comments(csv);
	do {
		end = csv_cell(csv);
		if (n == COLUMNS || csv->cell.len == 0)
			return 0;
		map[n] = column_by_key(csv->cell.s);
		if (map[n] < 0) {
			warnx("%s: no column %s", csv->path, csv->cell.s);
			return 0;
		}
		n++;
	} while (end == ',');
	return n;
}

/* Read one company: 1, 0 at the end of the file, -1 when it is malformed. */
static int
read_company(struct csv *csv, const int *map, size_t n, struct company *c)
{
	size_t i;
	int end = ',';

	*c = (struct company){ 0 };
	for (i = 0; i < n && end == ','; i++) {
		end = csv_cell(csv);
		if (i == 0 && end == EOF)
			return 0;
		c->raw[map[i]] = mem_dup(csv->cell.len ? csv->cell.s : "");
	}
	if (i == n && end == '\n')
		return 1;
	warnx("%s:%zu: not %zu fields", csv->path, csv->line, n);
	for (i = 0; i < n; i++)
		free(c->raw[map[i]]);
	return -1;
}

/* Fill the gaps, and write every figure as the screener shows it. */
static void
dress(struct company *c, const char *label)
{
	struct text t = { 0 };
	int i;

	for (i = 0; i < COLUMNS; i++) {
		if (c->raw[i] == NULL)
			c->raw[i] = mem_dup("");
		text_cut(&t, 0);
		if (i == AT_COMPANY) {
			text_add(&t, c->raw[i]);
			text_add(&t, label);
			free(c->raw[i]);
			c->raw[i] = mem_dup(t.s);
			text_cut(&t, 0);
		}
		column_show(&t, &columns[i], c->raw[i]);
		c->shown[i] = mem_dup(t.s);
	}
	text_free(&t);
}

static void
append(struct market *m, const struct company *c)
{
	struct company *all = realloc(m->all, (m->n + 1) * sizeof(*all));

	if (all == NULL)
		err(EX_OSERR, "realloc");
	all[m->n++] = *c;
	m->all = all;
}

static int
by_ticker(const void *a, const void *b)
{
	return strcmp(company_ticker(a), company_ticker(b));
}

static int
read_all(struct csv *csv, const char *label, struct market *m)
{
	int map[COLUMNS], got;
	struct company c;
	size_t n;

	n = read_heading(csv, map);
	if (n == 0) {
		warnx("%s: no usable heading", csv->path);
		return -1;
	}
	while ((got = read_company(csv, map, n, &c)) == 1) {
		dress(&c, label);
		append(m, &c);
	}
	if (got == 0 && m->n > 0)
		qsort(m->all, m->n, sizeof(*m->all), by_ticker);
	return got;
}

int
market_load(struct market *m, const char *path, const char *label)
{
	struct csv csv = { .path = path };
	int rc;

	*m = (struct market){ 0 };
	csv.f = fopen(path, "r");
	if (csv.f == NULL) {
		warn("%s", path);
		return -1;
	}
	rc = read_all(&csv, label, m);
	fclose(csv.f);
	text_free(&csv.cell);
	if (rc != 0)
		market_free(m);
	return rc;
}

void
market_free(struct market *m)
{
	size_t i;
	int j;

	for (i = 0; i < m->n; i++)
		for (j = 0; j < COLUMNS; j++) {
			free(m->all[i].raw[j]);
			free(m->all[i].shown[j]);
		}
	free(m->all);
	*m = (struct market){ 0 };
}

static int
compare_ticker(const void *key, const void *company)
{
	return strcmp(key, company_ticker(company));
}

const struct company *
market_find(const struct market *m, const char *ticker)
{
	return bsearch(ticker, m->all, m->n, sizeof(*m->all), compare_ticker);
}

const char *
company_ticker(const struct company *c)
{
	return c->raw[AT_TICKER];
}

int
company_figure(const struct company *c, enum column_place at, double *v)
{
	char *end;
	double got;

	got = strtod(c->raw[at], &end);
	if (end == c->raw[at] || (*end != '\0' && *end != '%'))
		return 0;
	*v = got;
	return 1;
}

int
company_scaled(
    const struct company *c, enum column_place at, int scale, double *v)
{
	char buf[64];

	if (!company_figure(c, at, v))
		return 0;
	snprintf(buf, sizeof(buf), "%.*se%d", (int)strcspn(c->raw[at], "%"),
	    c->raw[at], scale);
	*v = strtod(buf, NULL);
	return 1;
}

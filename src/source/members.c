#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/num.h"
#include "data/csv.h"
#include "source/members.h"

#define AS_OF "# as of: " /* "S&P 500 2026-08-08; DJIA 2026-07-01" */
#define DATE  10          /* characters of a date */

/* Where the file is, seen from the program's folder: in the source tree,
 * installed, and the two of programs that stand below build/. */
static const char *const folders[] = { "../data", "../share/stocknity",
	"../../data", "../../../data" };

static const char *const columns[] = { "ticker", "company", "sector",
	"indexes" };

enum column { TICKER, COMPANY, SECTOR, INDEXES, COLUMNS };

_Static_assert(
    sizeof(columns) / sizeof(columns[0]) == COLUMNS, "a name per column");

static enum rc
read_file(FILE *f, const char *path, struct buf *b, struct err *e)
{
	char chunk[8192];
	size_t n;

	while (b->rc == RC_OK && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(b, chunk, n);
	if (ferror(f))
		return err_set(
		    e, RC_SYS, "cannot read %s: %s", path, strerror(errno));
	return buf_check(b, path, e);
}

/* Open the file; path (PATH_MAX bytes) is where it was looked for last. */
static FILE *
open_file(const struct config *c, char *path)
{
	char self[PATH_MAX];
	const char *dir;
	FILE *f = NULL;
	ssize_t n;

	if (c->data_dir[0] != '\0') {
		snprintf(path, PATH_MAX, "%s/members.csv", c->data_dir);
		return fopen(path, "r");
	}
	snprintf(path, PATH_MAX, "members.csv beside the program");
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return NULL;
	self[n] = '\0';
	dir = dirname(self);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		n = snprintf(
		    path, PATH_MAX, "%s/%s/members.csv", dir, folders[i]);
		if (n >= PATH_MAX)
			continue;
		f = fopen(path, "r");
		if (f != NULL || errno != ENOENT)
			break;
	}
	return f;
}

/*
 * The date of an index's list out of the comment that names them all.
 * RC_NOTFOUND: the file does not have this index.
 */
static enum rc
find_date(
    const char *text, const char *index, char as_of[DATE + 1], struct err *e)
{
	const char *p = strstr(text, AS_OF);
	size_t n = strlen(index), len;

	if (p == NULL || (p != text && p[-1] != '\n'))
		return err_set(e, RC_PARSE, "no line \"" AS_OF "\"");
	p += strlen(AS_OF);
	for (;;) {
		len = strcspn(p, ";\n");
		if (len == n + 1 + DATE && strncmp(p, index, n) == 0 &&
		    p[n] == ' ') {
			char date[DATE + 1], iso[DATE + 1];

			snprintf(date, sizeof(date), "%s", p + n + 1);
			if (num_date(date, iso, e) != RC_OK)
				return err_set(e, RC_PARSE,
				    "%s: \"%s\" is not a date", index, date);
			memcpy(as_of, iso, sizeof(iso));
			return RC_OK;
		}
		if (p[len] != ';')
			break;
		p += len + 1;
		p += strspn(p, " ");
	}
	return err_set(e, RC_NOTFOUND,
	    "the members of index %s are not known: they are not in the list "
	    "that came with this program, a finviz sweep of it in Redis would "
	    "do",
	    index);
}

/* Is the name one of the list "S&P 500|DJIA"? */
static int
is_listed(const char *list, const char *name)
{
	size_t n = strlen(name), len;

	for (;; list += len + 1) {
		len = strcspn(list, "|");
		if (len == n && strncmp(list, name, n) == 0)
			return 1;
		if (list[len] == '\0')
			return 0;
	}
}

/* "" is a sector that nobody knows. */
static enum rc
check_sector(const char *sector, struct err *e)
{
	const char *name = "";

	if (*sector == '\0')
		return RC_OK;
	if (dataset_sector(sector, &name, NULL) == RC_OK &&
	    strcmp(name, sector) == 0 && strcmp(name, DATASET_ANY) != 0)
		return RC_OK;
	return err_set(e, RC_PARSE, "\"%.40s\" is not a sector", sector);
}

/* Add the company of a row where it is of the dataset; *members counts those
 * of the index. */
static enum rc
add_row(struct table *t, const struct csv *csv, const struct dataset *d,
    size_t *members, struct err *e)
{
	const char *sector;
	struct record *r;
	int added;
	enum rc rc;

	if (csv->n != COLUMNS)
		return err_set(e, RC_PARSE, "%zu columns", csv->n);
	if (!table_is_ticker(csv_field(csv, TICKER)))
		return err_set(e, RC_PARSE, "\"%.40s\" is not a ticker",
		    csv_field(csv, TICKER));
	sector = csv_field(csv, SECTOR);
	rc = check_sector(sector, e);
	if (rc != RC_OK || !is_listed(csv_field(csv, INDEXES), d->index))
		return rc;
	++*members;
	if (strcmp(d->sector, DATASET_ANY) != 0 &&
	    strcmp(d->sector, sector) != 0)
		return RC_OK;
	rc = table_record(t, csv_field(csv, TICKER), &r, &added, e);
	if (rc == RC_OK && !added)
		rc = err_set(e, RC_PARSE, "%s stands there twice",
		    csv_field(csv, TICKER));
	if (rc == RC_OK)
		rc = table_set_text(
		    t, r, FIELD_COMPANY, csv_field(csv, COMPANY), e);
	if (rc == RC_OK)
		rc = table_set_text(t, r, FIELD_SECTOR, sector, e);
	return rc;
}

static enum rc
check_header(const struct csv *csv, struct err *e)
{
	size_t i;

	for (i = 0; i < COLUMNS && i < csv->n; i++)
		if (strcmp(csv_field(csv, i), columns[i]) != 0)
			break;
	if (i == COLUMNS && csv->n == COLUMNS)
		return RC_OK;
	return err_set(
	    e, RC_PARSE, "the columns are not ticker,company,sector,indexes");
}

/* The rows behind the comments.  Messages name the line of the file. */
static enum rc
read_rows(struct table *t, const struct buf *b, const struct dataset *d,
    struct err *e)
{
	const char *p = b->data;
	size_t comments = 0, members = 0;
	struct err why = { 0 };
	struct csv csv;
	enum rc rc;

	for (; *p == '#'; comments++) {
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	csv_init(&csv, p, b->len - (size_t)(p - b->data));
	rc = csv_next(&csv, &why);
	if (rc == RC_OK)
		rc = check_header(&csv, &why);
	while (rc == RC_OK && (rc = csv_next(&csv, &why)) == RC_OK)
		rc = add_row(t, &csv, d, &members, &why);
	if (rc == RC_NOTFOUND && members > 0)
		rc = RC_OK;
	else if (rc == RC_NOTFOUND)
		rc = err_set(&why, RC_PARSE, "no member of %s", d->index);
	if (rc != RC_OK)
		err_set(e, rc, "line %zu: %s", comments + csv.line, why.msg);
	csv_fini(&csv);
	return rc;
}

enum rc
members_load(const struct config *c, const struct dataset *d, struct table *out,
    char as_of[11], struct err *e)
{
	char path[PATH_MAX], date[DATE + 1] = "";
	struct err why = { 0 };
	struct table t;
	struct buf b;
	FILE *f = NULL;
	enum rc rc;

	table_init(&t);
	buf_init(&b, LIMIT_BODY);
	f = open_file(c, path);
	if (f == NULL) {
		rc = err_set(&why, RC_SYS, "cannot open %.180s: %s", path,
		    strerror(errno));
		goto out;
	}
	rc = read_file(f, path, &b, &why);
	if (rc == RC_OK && (b.data == NULL || strlen(b.data) != b.len)) {
		rc = RC_PARSE;
		err_set(&why, rc, "empty, or a NUL byte in it");
	}
	if (rc == RC_OK)
		rc = find_date(b.data, d->index, date, &why);
	if (rc == RC_OK)
		rc = read_rows(&t, &b, d, &why);
	if (rc == RC_PARSE)
		err_wrap(&why, "%.120s", path);
	if (rc == RC_OK)
		rc = table_copy_where(out, &t, FIELD_TICKER, NULL, &why);
out:
	if (rc == RC_OK) {
		out->have[FIELD_TICKER] = 1;
		out->have[FIELD_COMPANY] = 1;
		out->have[FIELD_SECTOR] = 1;
		memcpy(as_of, date, sizeof(date));
	} else {
		err_set(e, rc, "%s", why.msg);
	}
	if (f != NULL)
		fclose(f);
	buf_fini(&b);
	table_fini(&t);
	return rc;
}

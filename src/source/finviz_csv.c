#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/csv.h"
#include "source/finviz_columns.h"
#include "source/finviz_csv.h"

enum rc
finviz_csv_is(const char *body, size_t len, int *is, struct err *e)
{
	struct csv in;
	int found = 0;
	enum rc rc;

	csv_init(&in, body, len);
	rc = csv_next(&in, e);
	for (size_t i = 0; rc == RC_OK && i < in.n && !found; i++)
		found = strcasecmp(csv_field(&in, i), "Ticker") == 0;
	csv_fini(&in);
	if (rc == RC_NOMEM)
		return rc;
	*is = found;
	return RC_OK;
}

static enum rc
read_header(struct csv *in, struct finviz_columns *cols, struct err *e)
{
	enum rc rc = csv_next(in, e);

	finviz_columns_init(cols);
	for (size_t i = 0; rc == RC_OK && i < in->n; i++)
		rc = finviz_columns_add(cols, csv_field(in, i), e);
	if (rc == RC_OK && cols->ticker == LIMIT_COLUMNS)
		rc = err_set(e, RC_PARSE, "no column \"Ticker\"");
	return rc == RC_NOTFOUND ? err_set(e, RC_PARSE, "no header") : rc;
}

static enum rc
read_row(const struct csv *in, const struct finviz_columns *cols,
    struct table *t, struct err *e)
{
	struct record *r;
	enum rc rc;
	int added;

	if (in->n == 1 && csv_field(in, 0)[0] == '\0')
		return RC_OK; /* an empty line */
	if (in->n != cols->n)
		return err_set(e, RC_PARSE,
		    "%zu fields where the header has "
		    "%zu",
		    in->n, cols->n);
	rc = table_record(t, csv_field(in, cols->ticker), &r, &added, e);
	if (rc == RC_OK && !added)
		rc = err_set(e, RC_PARSE, "%s stands twice",
		    csv_field(in, cols->ticker));
	for (size_t i = 0; rc == RC_OK && i < cols->n; i++) {
		enum field f = cols->field[i];

		if (f != FIELD__MAX && f != FIELD_TICKER)
			rc = table_set_cell(t, r, f, csv_field(in, i),
			    fields[f].elite_exp10, e);
	}
	return rc;
}

enum rc
finviz_csv_read(const char *body, size_t len, struct table *t, struct err *e)
{
	struct finviz_columns *cols = malloc(sizeof(*cols));
	struct csv in;
	enum rc rc;

	if (cols == NULL)
		return err_set(e, RC_NOMEM, "Elite export: out of memory");
	csv_init(&in, body, len);
	rc = read_header(&in, cols, e);
	while (rc == RC_OK && (rc = csv_next(&in, e)) == RC_OK) {
		rc = read_row(&in, cols, t, e);
		if (rc != RC_OK && e != NULL)
			err_wrap(e, "CSV line %zu", in.line);
	}
	if (rc == RC_NOTFOUND) {
		memcpy(t->have, cols->have, FIELD__MAX);
		rc = t->count > 0
			 ? RC_OK
			 : err_set(e, RC_EMPTY, "an Elite export without rows");
	} else {
		table_clear(t);
	}
	csv_fini(&in);
	free(cols);
	return rc;
}

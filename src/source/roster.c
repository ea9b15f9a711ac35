#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "source/roster.h"

void
roster_dotted(char out[LIMIT_TICKER + 1], const char *ticker)
{
	size_t n;

	snprintf(out, LIMIT_TICKER + 1, "%s", ticker);
	n = strlen(out);
	if (n > 2 && (out[n - 2] == '/' || out[n - 2] == '-'))
		out[n - 2] = '.';
}

enum rc
roster_take(struct table *t, const struct member *m, const char *asked,
    const struct record *got, struct err *e)
{
	const char *ticker = table_is_ticker(m->ticker) ? m->ticker : asked;
	struct record *rec;
	enum rc rc = table_record(t, ticker, &rec, NULL, e);

	for (int f = 0; f < FIELD__MAX && rc == RC_OK; f++)
		if (got->v[f].kind == VALUE_NUMBER)
			table_set_number(rec, f, got->v[f].u.number);
		else if (got->v[f].kind == VALUE_TEXT && f != FIELD_TICKER)
			rc = table_set_text(t, rec, f, got->v[f].u.text, e);
	if (rc == RC_OK && m->company != NULL &&
	    rec->v[FIELD_COMPANY].kind == VALUE_NULL)
		rc = table_set_text(t, rec, FIELD_COMPANY, m->company, e);
	if (rc == RC_OK && m->company != NULL)
		t->have[FIELD_COMPANY] = 1;
	if (rc == RC_OK && m->sector != NULL) {
		rc = table_set_text(t, rec, FIELD_SECTOR, m->sector, e);
		t->have[FIELD_SECTOR] = 1;
	}
	return rc;
}

int
roster_serves(void (*have)(struct table *), enum field f)
{
	struct table t;
	int served;

	table_init(&t);
	have(&t);
	served = t.have[f];
	table_fini(&t);
	return served;
}

enum rc
roster_finish(struct table *t, const struct query *q, const char *source,
    struct table *out, int64_t *total, struct err *e)
{
	if (!q->fills && t->count * 100 < q->nmembers * ROSTER_LEAST)
		return err_set(e, RC_INVALID,
		    "%s has %zu of %zu companies: less than %d %%", source,
		    t->count, q->nmembers, ROSTER_LEAST);
	table_fini(out);
	*out = *t;
	table_init(t);
	*total = (int64_t)q->nmembers;
	return RC_OK;
}

enum rc
roster_begin(const struct query *q, struct err *e)
{
	if (q->nmembers == 0)
		return err_set(e, RC_NOTFOUND,
		    "the members of %s are not known", q->dataset.index);
	if (q->nmembers > LIMIT_ROWS)
		return err_set(
		    e, RC_INVALID, "%zu members are too many", q->nmembers);
	return RC_OK;
}

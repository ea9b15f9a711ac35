#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "data/csv.h"
#include "membership.h"
#include "source/members.h"
#include "store/cache.h"

#define STAMP 20 /* "2026-11-23T13:00:12Z" */

static const struct field_list kept = {
	{ FIELD_TICKER, FIELD_COMPANY, FIELD_SECTOR }, 3
};

/* Kept as its date on a line, then CSV with a header. */
enum rc
membership_save(struct redis *redis, const struct dataset *ds,
    const struct table *t, int64_t fetched_ms, struct err *e)
{
	char stamp[STAMP + 1];
	struct buf b;
	enum rc rc;

	clock_utc(fetched_ms, stamp, sizeof(stamp));
	buf_init(&b, LIMIT_BODY);
	buf_adds(&b, stamp);
	buf_addc(&b, '\n');
	csv_write(&b, t, ds->index, fetched_ms, &kept);
	rc = buf_check(&b, "members", e);
	if (rc == RC_OK)
		rc = cache_members_put(redis, ds, b.data, b.len, e);
	buf_fini(&b);
	return rc;
}

/* A row of the kept text, if it is of the sector. */
static enum rc
add_row(const struct csv *c, const char *sector, struct table *t, struct err *e)
{
	struct record *r;
	enum rc rc;

	if (c->n < kept.n)
		return err_set(
		    e, RC_PARSE, "members: line %zu is short", c->line);
	if (strcmp(sector, DATASET_ANY) != 0 &&
	    strcmp(sector, csv_field(c, 2)) != 0)
		return RC_OK;
	rc = table_record(t, csv_field(c, 0), &r, NULL, e);
	for (size_t i = 1; i < kept.n && rc == RC_OK; i++)
		rc = table_set_cell(t, r, kept.v[i], csv_field(c, i), 0, e);
	return rc;
}

static enum rc
parse(const char *text, const char *sector, struct table *t, struct err *e)
{
	const char *rows = strchr(text, '\n');
	struct csv c;
	enum rc rc;

	if (rows == NULL || rows - text != STAMP)
		return err_set(e, RC_PARSE, "members in Redis are not ours");
	csv_init(&c, rows + 1, strlen(rows + 1));
	rc = csv_next(&c, e); /* the header */
	while (rc == RC_OK && (rc = csv_next(&c, e)) == RC_OK)
		rc = add_row(&c, sector, t, e);
	csv_fini(&c);
	if (rc == RC_NOTFOUND && t->count == 0 &&
	    strcmp(sector, DATASET_ANY) == 0)
		return err_set(e, RC_PARSE, "members in Redis: there are none");
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* The later of what was kept of the dataset itself and of its whole index. */
static enum rc
from_cache(struct redis *redis, const struct dataset *ds, struct table *t,
    char *from, size_t size, struct err *e)
{
	struct dataset any = { ds->index, DATASET_ANY };
	char *own = NULL, *whole = NULL, *best;
	enum rc rc;

	rc = cache_members_get(redis, ds, &own, e);
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = cache_members_get(redis, &any, &whole, e);
	best = own;
	if (own == NULL || (whole != NULL && strncmp(whole, own, STAMP) > 0))
		best = whole;
	if (best != NULL) {
		rc = parse(best, ds->sector, t, e);
		snprintf(from, size, "cache %.*s", STAMP, best);
	}
	free(own);
	free(whole);
	return rc;
}

enum rc
membership_load(const struct config *c, struct redis *redis,
    const struct dataset *ds, struct table *t, char *from, size_t size,
    struct err *e)
{
	char as_of[11];
	enum rc rc;

	if (redis != NULL) {
		rc = from_cache(redis, ds, t, from, size, e);
		if (rc == RC_OK || rc == RC_STORE || rc == RC_NOMEM)
			return rc;
		table_clear(t); /* none there, or not ours */
	}
	rc = members_load(c, ds, t, as_of, e);
	if (rc == RC_OK)
		snprintf(from, size, "file %s", as_of);
	return rc;
}

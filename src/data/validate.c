#include "data/validate.h"

static enum rc
check_size(const struct table *t, int64_t total, struct err *e)
{
	if (total >= 0 && (uint64_t)total != t->count)
		return err_set(e, RC_INVALID,
		    "%zu records where the source "
		    "says %lld",
		    t->count, (long long)total);
	if (total < 0 && t->count == 0)
		return err_set(e, RC_INVALID, "no records");
	return RC_OK;
}

static enum rc
check_required(const struct table *t, enum field f, struct err *e)
{
	size_t nulls = 0;

	if (!t->have[f])
		return err_set(e, RC_INVALID, "the source delivered no %s",
		    fields[f].name);
	if (f != FIELD_PRICE && f != FIELD_TICKER)
		return RC_OK;
	for (size_t i = 0; i < t->count; i++)
		nulls += t->rows[i].v[f].kind == VALUE_NULL;
	if (nulls * 10 > t->count)
		return err_set(e, RC_INVALID, "%zu of %zu records have no %s",
		    nulls, t->count, fields[f].name);
	return RC_OK;
}

static int
is_outside(const struct value *v, enum field f)
{
	return v->kind == VALUE_NUMBER &&
	       !(v->u.number >= fields[f].min && v->u.number <= fields[f].max);
}

static enum rc
check_range(const struct table *t, enum field f, struct err *e)
{
	size_t figures = 0, outside = 0;

	for (size_t i = 0; i < t->count; i++) {
		figures += t->rows[i].v[f].kind == VALUE_NUMBER;
		outside += (size_t)is_outside(&t->rows[i].v[f], f);
	}
	if (outside >= 3 && outside * 20 > figures)
		return err_set(e, RC_INVALID,
		    "%zu of %zu figures of %s are "
		    "outside %.15g to %.15g: has its unit changed?",
		    outside, figures, fields[f].name, fields[f].min,
		    fields[f].max);
	return RC_OK;
}

/* Make figures outside their range null; returns how many. */
static size_t
drop_outside(struct table *t, enum field f)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		if (is_outside(&t->rows[i].v[f], f)) {
			t->rows[i].v[f] = (struct value){ .kind = VALUE_NULL };
			n++;
		}
	return n;
}

enum rc
validate_table(struct table *t, int64_t total, const enum field *required,
    size_t nrequired, size_t *dropped, struct err *e)
{
	enum rc rc = check_size(t, total, e);
	size_t n = 0;
	int f;

	for (size_t i = 0; i < nrequired && t->count > 0 && rc == RC_OK; i++)
		rc = check_required(t, required[i], e);
	for (f = 0; f < FIELD__MAX && rc == RC_OK; f++)
		if (field_is_number((enum field)f))
			rc = check_range(t, (enum field)f, e);
	if (rc != RC_OK)
		return rc;
	for (f = 0; f < FIELD__MAX; f++)
		if (field_is_number((enum field)f))
			n += drop_outside(t, (enum field)f);
	if (dropped != NULL)
		*dropped = n;
	return RC_OK;
}

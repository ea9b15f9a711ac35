#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "data/validate.h"
#include "filling.h"
#include "source/account.h"

struct filling {
	const struct drive_env *env;
	struct filling_task task;
	struct fill fill;
	size_t at;           /* the source asked now */
	struct drive *drive; /* NULL: it has not begun */
	struct query query;
	struct member
	    *members; /* those with gaps, for sources that need them */
};

enum rc
filling_begin(struct filling **out, const struct drive_env *env,
    const struct filling_task *task, struct err *e)
{
	struct filling *f = calloc(1, sizeof(*f));
	enum rc rc;

	if (f == NULL)
		return err_set(e, RC_NOMEM, "fill: out of memory");
	f->env = env;
	f->task = *task;
	rc = fill_begin(&f->fill, task->plan->want, task->table, e);
	if (rc == RC_OK)
		*out = f;
	else
		free(f);
	return rc;
}

static void
drop(struct filling *f)
{
	drive_end(f->drive);
	f->drive = NULL;
	free(f->members);
	f->members = NULL;
}

void
filling_end(struct filling *f)
{
	if (f == NULL)
		return;
	drop(f);
	fill_end(&f->fill);
	free(f);
}

void
filling_again(struct filling *f)
{
	drop(f);
}

const struct source *
filling_source(const struct filling *f)
{
	return f->at < f->task.plan->n ? f->task.plan->sources[f->at] : NULL;
}

/* Was it asked already, with or without success? */
static int
was_asked(const struct filling *f, const struct source *s)
{
	if (s == f->task.first)
		return 1;
	for (size_t i = 0; i < f->task.tried->n; i++)
		if (strcmp(f->task.tried->v[i].source, s->name) == 0)
			return 1;
	return 0;
}

static const char *
text_of(const struct record *r, enum field f)
{
	return r->v[f].kind == VALUE_TEXT ? r->v[f].u.text : NULL;
}

/* The companies with gaps that the source may fill, as members; *n of them. */
static enum rc
find_gaps(struct filling *f, const struct source *s, size_t *n, struct err *e)
{
	const struct table *t = f->task.table;

	*n = 0;
	f->members = calloc(t->count + 1, sizeof(*f->members));
	if (f->members == NULL)
		return err_set(e, RC_NOMEM, "fill: out of memory");
	for (size_t i = 0; i < t->count; i++) {
		const struct record *r = &t->rows[i];

		if (!fill_is_gap(&f->fill, r, s->serves))
			continue;
		f->members[(*n)++] = (struct member){ text_of(r, FIELD_TICKER),
			text_of(r, FIELD_COMPANY), text_of(r, FIELD_SECTOR) };
	}
	return RC_OK;
}

/* Nothing of what is lacking is this source's: say so where anything is. */
static void
say_useless(const struct filling *f, const struct source *s)
{
	const struct table *t = f->task.table;

	for (size_t i = 0; i < t->count; i++)
		if (fill_is_gap(&f->fill, &t->rows[i], NULL)) {
			log_info("%s / %s: source=%s is not asked: it has none "
				 "of the fields that are lacking",
			    f->task.dataset->index, f->task.dataset->sector,
			    s->name);
			return;
		}
}

/* RC_EMPTY: there is nothing to ask it for. */
static enum rc
begin_source(struct filling *f, const struct source *s, struct err *e)
{
	const char *lacks;
	size_t n;
	enum rc rc;

	if (was_asked(f, s))
		return RC_EMPTY;
	rc = find_gaps(f, s, &n, e);
	if (rc != RC_OK)
		return rc;
	if (n == 0) {
		say_useless(f, s);
		return RC_EMPTY;
	}
	lacks = account_lacks(f->env->config, s->name);
	if (lacks != NULL) {
		log_info("%s / %s: source=%s is passed over: %s",
		    f->task.dataset->index, f->task.dataset->sector, s->name,
		    lacks);
		return RC_EMPTY;
	}
	f->query = (struct query){ .dataset = *f->task.dataset,
		.config = f->env->config,
		.fills = 1 };
	if (s->needs_members) {
		f->query.members = f->members;
		f->query.nmembers = n;
	}
	return drive_begin(
	    &f->drive, f->env, s, &f->query, f->task.deadline_ms, e);
}

/* All its answers are in: take what is good.  Who was asked for certain
 * companies alone need not have a table that could stand by itself. */
static enum rc
take(struct filling *f, const struct source *s, struct err *e)
{
	struct table other;
	int64_t total = -1;
	size_t n = 0;
	enum rc rc;

	table_init(&other);
	rc = drive_finish(f->drive, &other, &total, e);
	if (rc == RC_OK)
		rc = validate_table(&other, s->may_miss ? -1 : total,
		    s->required, s->needs_members ? 0 : s->nrequired, NULL, e);
	if (rc == RC_OK)
		rc = fill_take(&f->fill, f->task.table, &other, s->name, &n, e);
	if (rc == RC_OK)
		log_info("%s / %s: %zu figures filled from %s",
		    f->task.dataset->index, f->task.dataset->sector, n,
		    s->name);
	table_fini(&other);
	return rc;
}

enum rc
filling_step(struct filling *f, int64_t now_ms, int64_t *wake_ms, struct err *e)
{
	const struct source *s;
	struct err why = { 0 };
	enum rc rc;

	while ((s = filling_source(f)) != NULL) {
		rc = f->drive == NULL ? begin_source(f, s, &why) : RC_OK;
		if (rc == RC_OK)
			rc = drive_step(f->drive, now_ms, wake_ms, &why);
		if (rc == RC_BUSY)
			return rc;
		if (rc == RC_STORE || rc == RC_DENIED)
			return err_set(e, rc, "%s", why.msg);
		if (rc == RC_OK)
			rc = take(f, s, &why);
		if (rc != RC_OK && rc != RC_EMPTY)
			log_warn("%s / %s: not filled from source=%s rc=%s: %s",
			    f->task.dataset->index, f->task.dataset->sector,
			    s->name, rc_name(rc), why.msg);
		drop(f);
		f->at++;
	}
	return RC_OK;
}

void
filling_progress(
    const struct filling *f, int64_t now_ms, struct drive_progress *p)
{
	*p = (struct drive_progress){ .total = -1 };
	if (f->drive != NULL)
		drive_progress(f->drive, now_ms, p);
}

const struct fill *
filling_result(const struct filling *f)
{
	return &f->fill;
}

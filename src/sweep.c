#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "data/validate.h"
#include "membership.h"
#include "source/account.h"
#include "sweep.h"

struct sweep {
	const struct drive_env *env;
	struct dataset dataset;
	const struct source *const *list;
	size_t n, at; /* the source tried now */
	int64_t deadline_ms;
	struct drive *drive; /* NULL: the source has not begun */
	struct query query;
	struct member *members;
	struct table asked; /* the members, where the source needs them */
	char from[64];      /* where they come from */
	struct table table;
	int64_t total;
	struct attempts attempts;
	const struct filling_plan *plan; /* NULL: gaps stay */
	struct filling *filling;         /* of table; NULL: not at that */
};

enum rc
sweep_begin(struct sweep **out, const struct drive_env *env,
    const struct dataset *ds, const struct source *const *list, size_t n,
    int64_t deadline_ms, struct err *e)
{
	struct sweep *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	s->env = env;
	s->dataset = *ds;
	s->list = list;
	s->n = n;
	s->deadline_ms = deadline_ms;
	table_init(&s->asked);
	table_init(&s->table);
	*out = s;
	return RC_OK;
}

void
sweep_plan(struct sweep *s, const struct filling_plan *plan)
{
	s->plan = plan;
}

static void
drop(struct sweep *s)
{
	filling_end(s->filling);
	s->filling = NULL;
	drive_end(s->drive);
	s->drive = NULL;
	free(s->members);
	s->members = NULL;
	table_clear(&s->asked);
	table_clear(&s->table);
	s->from[0] = '\0';
}

void
sweep_end(struct sweep *s)
{
	if (s == NULL)
		return;
	drop(s);
	table_fini(&s->asked);
	table_fini(&s->table);
	free(s);
}

static const char *
text_of(const struct record *r, enum field f)
{
	return r->v[f].kind == VALUE_TEXT ? r->v[f].u.text : NULL;
}

static enum rc
find_members(struct sweep *s, struct err *e)
{
	enum rc rc;

	rc = membership_load(s->env->config, s->env->redis, &s->dataset,
	    &s->asked, s->from, sizeof(s->from), e);
	if (rc != RC_OK)
		return rc;
	s->members = calloc(s->asked.count + 1, sizeof(*s->members));
	if (s->members == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	for (size_t i = 0; i < s->asked.count; i++) {
		const struct record *r = &s->asked.rows[i];

		s->members[i] = (struct member){ text_of(r, FIELD_TICKER),
			text_of(r, FIELD_COMPANY), text_of(r, FIELD_SECTOR) };
	}
	return RC_OK;
}

static enum rc
begin_source(struct sweep *s, struct err *e)
{
	const struct source *source = s->list[s->at];
	const char *lacks = account_lacks(s->env->config, source->name);
	enum rc rc = RC_OK;

	if (lacks != NULL)
		return err_set(e, RC_NOSOURCE, "%s", lacks);
	if (source->needs_members)
		rc = find_members(s, e);
	if (rc != RC_OK)
		return rc;
	if (source->needs_members && s->asked.count == 0)
		return RC_EMPTY; /* known, and nobody is in it */
	s->query = (struct query){ .dataset = s->dataset,
		.config = s->env->config,
		.members = s->members,
		.nmembers = s->asked.count };
	return drive_begin(
	    &s->drive, s->env, source, &s->query, s->deadline_ms, e);
}

/* All answers of the source are in: is its table good? */
static enum rc
check(struct sweep *s, struct err *e)
{
	const struct source *source = s->list[s->at];
	size_t dropped = 0;
	enum rc rc;

	rc = drive_finish(s->drive, &s->table, &s->total, e);
	if (rc == RC_OK)
		rc = validate_table(&s->table, source->may_miss ? -1 : s->total,
		    source->required, source->nrequired, &dropped, e);
	if (rc == RC_OK && dropped > 0)
		log_warn("source=%s: %zu figures outside the range of their "
			 "field were made null",
		    source->name, dropped);
	return rc;
}

/* The table is good: now its gaps, if they are to be filled. */
static enum rc
fill(struct sweep *s, int64_t now_ms, int64_t *wake_ms, struct err *e)
{
	/* A slow filler must not lose the table that is there. */
	struct filling_task task = { s->plan, &s->dataset, s->list[s->at],
		&s->attempts, &s->table,
		now_ms + (s->deadline_ms - now_ms) / 2 };
	struct err why;

	if (s->plan == NULL)
		return RC_OK;
	if (s->filling == NULL &&
	    filling_begin(&s->filling, s->env, &task, &why) != RC_OK) {
		log_warn("not filled: %s", why.msg);
		return RC_OK;
	}
	return filling_step(s->filling, now_ms, wake_ms, e);
}

/* Every source failed: one line, and the code that says what to do. */
static enum rc
all_failed(const struct sweep *s, struct err *e)
{
	const struct attempts *a = &s->attempts;
	const struct attempt *first = NULL, *last = NULL;
	size_t later = 0, asked = 0;

	for (size_t i = 0; i < a->n; i++) {
		if (attempt_is_none(&a->v[i]))
			continue;
		asked++;
		first = first != NULL ? first : &a->v[i];
		last = &a->v[i];
		later += rc_exit(last->why.rc) == rc_exit(RC_LIMITED);
	}
	if (asked == 0) {
		first = &a->v[0];
		last = &a->v[a->n - 1];
	}
	if (first == last)
		return err_set(e,
		    later || rc_exit(last->why.rc) == rc_exit(RC_PARSE)
			? last->why.rc
			: RC_NOSOURCE,
		    "%s: %s", last->source, last->why.msg);
	return err_set(e,
	    later == asked && later > 0 ? RC_LIMITED : RC_NOSOURCE,
	    "no source has it: %s: %.100s; %s: %.100s", first->source,
	    first->why.msg, last->source, last->why.msg);
}

enum rc
sweep_step(struct sweep *s, int64_t now_ms, int64_t *wake_ms, struct err *e)
{
	struct err why = { 0 };
	int64_t wait_ms = 0;
	enum rc rc = RC_OK;

	if (s->filling != NULL)
		return filling_step(s->filling, now_ms, wake_ms, e);
	while (s->at < s->n) {
		if (s->drive == NULL)
			rc = begin_source(s, &why);
		if (rc == RC_EMPTY) {
			s->total = 0;
			return RC_OK;
		}
		if (rc == RC_OK)
			rc = drive_step(s->drive, now_ms, wake_ms, &why);
		if (rc == RC_BUSY)
			return rc;
		if (rc == RC_OK) {
			rc = check(s, &why);
			if (rc == RC_OK)
				return fill(s, now_ms, wake_ms, e);
		}
		/* Not the source's, and the next would fare no better. */
		if (rc == RC_STORE || rc == RC_DENIED || rc == RC_FULL ||
		    rc == RC_CONFIG)
			return err_set(e, rc, "%s", why.msg);
		if (s->drive != NULL)
			wait_ms = drive_wait_ms(s->drive);
		attempts_add(&s->attempts, s->list[s->at]->name, wait_ms, &why);
		drop(s);
		s->at++;
		rc = RC_OK;
	}
	if (s->n == 0)
		return err_set(e, RC_NOSOURCE, "SOURCES names no source");
	return all_failed(s, e);
}

void
sweep_again(struct sweep *s)
{
	if (s->filling != NULL)
		filling_again(s->filling);
	else
		drop(s);
}

void
sweep_reject(struct sweep *s, const struct err *why)
{
	attempts_add(&s->attempts, s->list[s->at]->name, 0, why);
	drop(s);
	s->at++;
}

const struct attempts *
sweep_attempts(const struct sweep *s)
{
	return &s->attempts;
}

const struct source *
sweep_source(const struct sweep *s)
{
	return s->at < s->n ? s->list[s->at] : NULL;
}

const struct source *
sweep_asked(const struct sweep *s)
{
	const struct source *filler =
	    s->filling != NULL ? filling_source(s->filling) : NULL;

	return filler != NULL ? filler : sweep_source(s);
}

const struct fill *
sweep_filled(const struct sweep *s)
{
	return s->filling != NULL ? filling_result(s->filling) : NULL;
}

const struct table *
sweep_members(const struct sweep *s, const char **from)
{
	*from = s->members != NULL ? s->from : NULL;
	return s->members != NULL ? &s->asked : NULL;
}

struct table *
sweep_table(struct sweep *s, int64_t *total)
{
	*total = s->total;
	return &s->table;
}

void
sweep_progress(const struct sweep *s, int64_t now_ms, struct drive_progress *p)
{
	*p = (struct drive_progress){ .total = -1 };
	if (s->filling != NULL && filling_source(s->filling) != NULL)
		filling_progress(s->filling, now_ms, p);
	else if (s->drive != NULL)
		drive_progress(s->drive, now_ms, p);
}

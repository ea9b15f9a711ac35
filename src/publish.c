#include <string.h>

#include "base/gzip.h"
#include "base/limits.h"
#include "base/log.h"
#include "publish.h"
#include "store/cache.h"

enum rc
publish_put(const struct config *c, struct redis *redis,
    const struct dataset *ds, const struct cache_value *value, struct err *e)
{
	struct cache_value v = *value;
	struct buf packed;
	enum rc rc;

	/* Without it, everybody gets the plain bytes. */
	buf_init(&packed, LIMIT_ENVELOPE);
	if (gzip_pack(&packed, v.bytes, v.len, NULL) == RC_OK) {
		v.packed = packed.data;
		v.packed_len = packed.len;
	}
	rc = cache_put(redis, c, ds, &v, e);
	buf_fini(&packed);
	return rc;
}

static enum rc
store(const struct config *c, struct redis *redis, const struct envelope *env,
    const struct buf *b, const struct publication *p, int guard_shrink,
    struct err *e)
{
	struct cache_value v = {
		.bytes = b->data,
		.len = b->len,
		.fence_us = p->fence_us,
		.fresh_ms = env->fresh_ms,
		.rows = (int64_t)env->table->count,
		.cost_ms = p->cost_ms,
		.source = env->source,
		.guard_shrink = guard_shrink,
	};
	char hash[33];

	envelope_hash(env->table, hash);
	v.hash = hash;
	return publish_put(c, redis, &env->dataset, &v, e);
}

/* A publication under way. */
struct press {
	const struct config *c;
	struct redis *redis; /* NULL: none, or given up */
	const struct publication *p;
	publish_done *done;
	void *arg;
	/* What the cache said of the last dataset; once it is given up, of all
	 * that follow. */
	struct err stored;
};

/* Is there a point in storing further datasets? */
static int
may_store(enum rc stored)
{
	return stored == RC_OK || stored == RC_BUSY || stored == RC_DENIED;
}

/* One dataset: envelope, cache, done. */
static enum rc
dataset(struct press *press, const struct dataset *ds, struct table *t,
    int64_t total, struct err *e)
{
	const struct publication *p = press->p;
	int primary = t == p->table;
	struct filled filled;
	struct envelope env = {
		.dataset = *ds,
		.source = p->source,
		.origin = p->origin,
		.members = p->members,
		.fetched_ms = p->fence_us / 1000,
		.fresh_ms = p->fence_us / 1000 + press->c->cache_ttl * 1000,
		.total = total,
		.table = t,
	};
	struct buf b;
	enum rc rc;

	if (p->fill != NULL) {
		fill_count(p->fill, p->table, t, &filled);
		env.filled = &filled;
	}
	buf_init(&b, LIMIT_ENVELOPE);
	envelope_write(&b, &env);
	rc = buf_check(&b, "dataset", e);
	if (rc == RC_OK && press->redis != NULL) {
		press->stored = (struct err){ 0 };
		store(press->c, press->redis, &env, &b, p, primary,
		    &press->stored);
		if (!may_store(press->stored.rc))
			press->redis = NULL;
	}
	if (rc == RC_OK && primary && press->stored.rc == RC_INVALID)
		rc = err_set(e, RC_INVALID, "%s", press->stored.msg);
	if (rc == RC_OK)
		press->done(press->arg, ds, &b, (int64_t)t->count, total,
		    &press->stored);
	buf_fini(&b);
	return rc;
}

/* How many records of t have that sector. */
static int64_t
of_sector(const struct table *t, const char *sector)
{
	int64_t n = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct value *v = &t->rows[i].v[FIELD_SECTOR];

		n += v->kind == VALUE_TEXT && strcmp(v->u.text, sector) == 0;
	}
	return n;
}

/* The dataset of a sector, cut out of the whole. */
static enum rc
sector(struct press *press, const char *name, struct err *e)
{
	const struct publication *p = press->p;
	struct dataset ds = { p->dataset.index, name };
	int storing = press->redis != NULL;
	struct table part;
	enum rc rc;

	table_init(&part);
	rc = table_copy_where(&part, p->table, FIELD_SECTOR, name, e);
	if (rc == RC_OK)
		rc = dataset(press, &ds, &part,
		    of_sector(p->asked ? p->asked : p->table, name), e);
	table_fini(&part);
	if (rc == RC_OK && storing && press->stored.rc != RC_OK &&
	    press->stored.rc != RC_BUSY)
		log_warn("%s / %s: not cached: %s", ds.index, name,
		    press->stored.msg);
	return rc;
}

enum rc
publish(const struct config *c, struct redis *redis,
    const struct publication *p, publish_done *done, void *arg,
    struct err *stored, struct err *e)
{
	struct press press = { c, redis, p, done, arg, { 0 } };
	enum rc rc;

	rc = dataset(&press, &p->dataset, p->table, p->total, e);
	if (rc != RC_OK)
		return rc;
	*stored = press.stored;
	if (strcmp(p->dataset.sector, DATASET_ANY) != 0)
		return RC_OK;
	for (int i = 0; i < DATASET_SECTORS && rc == RC_OK; i++)
		if (strcmp(dataset_sectors[i].name, DATASET_ANY) != 0)
			rc = sector(&press, dataset_sectors[i].name, e);
	return rc;
}

static int
whole_is_partial(const struct cache_entry *whole)
{
	int64_t count;
	int partial = 0;

	return !envelope_peek(whole->bytes, &count, &partial) || partial;
}

/*
 * What of a part of the dataset was filled; 0 where that cannot be told: the
 * envelope says of a field that all records have it of one source, or how many
 * have it, but not which.
 */
static int
part_filled(struct filled *of, const struct table *part)
{
	for (int f = 0; f < FIELD__MAX; f++) {
		int whole = filled_whole(of, (enum field)f);

		for (size_t i = 0; i < of->nsources; i++)
			if (of->count[f][i] > 0 && (int)i != whole)
				return 0;
		if (whole >= 0)
			of->count[f][whole] = (uint32_t)part->count;
	}
	of->rows = part->count;
	return 1;
}

/* Cut the sector out of its index's envelope and cache it. */
static enum rc
cut(const struct config *c, struct redis *redis, const struct dataset *ds,
    const struct cache_entry *whole, struct err *e)
{
	struct envelope_head head;
	struct table t, part;
	struct buf b;
	enum rc rc;

	table_init(&t);
	table_init(&part);
	buf_init(&b, LIMIT_ENVELOPE);
	rc = envelope_read(whole->bytes, whole->len, &head, &t, e);
	if (rc == RC_OK)
		rc = table_copy_where(&part, &t, FIELD_SECTOR, ds->sector, e);
	if (rc == RC_OK && head.is_filled && !part_filled(&head.filled, &part))
		rc = RC_NOTFOUND;
	if (rc == RC_OK) {
		struct envelope env = { .dataset = *ds,
			.source = head.source,
			.origin = head.origin[0] ? head.origin : NULL,
			.members = head.members[0] ? head.members : NULL,
			.filled = head.is_filled ? &head.filled : NULL,
			.fetched_ms = whole->fetched_us / 1000,
			.fresh_ms = whole->fresh_ms,
			.total = (int64_t)part.count,
			.table = &part };
		struct publication p = { .table = &part,
			.fence_us = whole->fetched_us };

		envelope_write(&b, &env);
		rc = buf_check(&b, "dataset", e);
		if (rc == RC_OK)
			rc = store(c, redis, &env, &b, &p, 0, e);
	}
	buf_fini(&b);
	table_fini(&part);
	table_fini(&t);
	return rc;
}

void
publish_derive(const struct config *c, struct redis *redis,
    const struct dataset *ds, int64_t max_age_ms, struct cache_entry *entry)
{
	struct dataset any = { ds->index, DATASET_ANY };
	struct cache_entry whole = { 0 }, part;
	enum rc rc = RC_NOTFOUND;

	if (strcmp(ds->sector, DATASET_ANY) == 0 ||
	    cache_get(redis, &any, max_age_ms, CACHE_COUNT_NONE, &whole, NULL,
		NULL) != RC_OK)
		return;
	/* A partial sweep does not tell what the sector lacks. */
	if (whole.state == CACHE_FRESH && !whole_is_partial(&whole))
		rc = cut(c, redis, ds, &whole, NULL);
	cache_entry_fini(&whole);
	if (rc != RC_OK || cache_get(redis, ds, max_age_ms, CACHE_COUNT_NONE,
			       &part, NULL, NULL) != RC_OK)
		return;
	cache_entry_fini(entry);
	*entry = part;
}

#include <string.h>

#include "base/gzip.h"
#include "base/limits.h"
#include "base/log.h"
#include "publish.h"
#include "store/cache.h"

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
		.source = env->source,
		.guard_shrink = guard_shrink,
	};
	struct buf packed;
	char hash[33];
	enum rc rc;

	envelope_hash(env->table, hash);
	v.hash = hash;
	/* Without it, everybody gets the plain bytes. */
	buf_init(&packed, LIMIT_ENVELOPE);
	if (gzip_pack(&packed, b->data, b->len, NULL) == RC_OK) {
		v.packed = packed.data;
		v.packed_len = packed.len;
	}
	rc = cache_put(redis, c, &env->dataset, &v, e);
	buf_fini(&packed);
	return rc;
}

/* Is there a point in storing further datasets? */
static int
may_store(enum rc stored)
{
	return stored == RC_OK || stored == RC_BUSY || stored == RC_DENIED;
}

/* One dataset: envelope, cache, done.  *stored is what the cache said. */
static enum rc
dataset(const struct config *c, struct redis *redis,
    const struct publication *p, const struct dataset *ds,
    const struct table *t, int64_t total, publish_done *done, void *arg,
    enum rc *stored, struct err *e)
{
	int primary = t == p->table;
	struct envelope env = {
		.dataset = *ds,
		.source = p->source,
		.origin = p->origin,
		.members = p->members,
		.fetched_ms = p->fence_us / 1000,
		.fresh_ms = p->fence_us / 1000 + c->cache_ttl * 1000,
		.total = total,
		.table = t,
	};
	struct buf b;
	enum rc rc;

	*stored = RC_OK;
	buf_init(&b, LIMIT_ENVELOPE);
	envelope_write(&b, &env);
	rc = buf_check(&b, "dataset", e);
	if (rc == RC_OK && redis != NULL)
		*stored = store(c, redis, &env, &b, p, primary, e);
	if (rc == RC_OK && primary && *stored == RC_INVALID)
		rc = RC_INVALID;
	if (rc == RC_OK)
		done(arg, ds, &b, (int64_t)t->count, total);
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
sector(const struct config *c, struct redis *redis, const struct publication *p,
    const char *name, publish_done *done, void *arg, enum rc *stored,
    struct err *e)
{
	struct dataset ds = { p->dataset.index, name };
	struct table part;
	enum rc rc;

	table_init(&part);
	rc = table_copy_where(&part, p->table, FIELD_SECTOR, name, e);
	if (rc == RC_OK)
		rc = dataset(c, redis, p, &ds, &part,
		    of_sector(p->asked ? p->asked : p->table, name), done, arg,
		    stored, e);
	table_fini(&part);
	return rc;
}

enum rc
publish(const struct config *c, struct redis *redis,
    const struct publication *p, publish_done *done, void *arg, enum rc *stored,
    struct err *e)
{
	enum rc rc, part;
	struct err why;

	rc = dataset(
	    c, redis, p, &p->dataset, p->table, p->total, done, arg, stored, e);
	if (rc != RC_OK || strcmp(p->dataset.sector, DATASET_ANY) != 0)
		return rc;
	if (!may_store(*stored))
		redis = NULL;
	for (int i = 0; i < DATASET_SECTORS && rc == RC_OK; i++) {
		const char *name = dataset_sectors[i].name;

		if (strcmp(name, DATASET_ANY) == 0)
			continue;
		rc = sector(c, redis, p, name, done, arg, &part, &why);
		if (rc != RC_OK)
			return err_set(e, rc, "%s", why.msg);
		if (part != RC_OK && part != RC_BUSY)
			log_warn("%s / %s: not cached: %s", p->dataset.index,
			    name, why.msg);
		if (!may_store(part))
			redis = NULL;
	}
	return rc;
}

static int
whole_is_partial(const struct cache_entry *whole)
{
	int64_t count;
	int partial = 0;

	return !envelope_peek(whole->bytes, &count, &partial) || partial;
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
	if (rc == RC_OK) {
		struct envelope env = { .dataset = *ds,
			.source = head.source,
			.origin = head.origin[0] ? head.origin : NULL,
			.members = head.members[0] ? head.members : NULL,
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

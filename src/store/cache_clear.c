#include <string.h>

#include "store/cache.h"
#include "store/returns.h"

static enum rc
clear(struct redis *r, const struct dataset *d, int64_t *n, struct err *e)
{
	struct cache_keys k;
	const char *const keys[] = { k.value, k.gzip, k.failed };
	redisReply *v[3];
	enum rc rc = cache_keys(d, &k, e);

	for (int i = 0; i < 3 && rc == RC_OK; i++) {
		const char *argv[] = { "UNLINK", keys[i] };

		rc = redis_add(r, 2, argv, NULL, e);
	}
	if (rc == RC_OK)
		rc = redis_fetch(r, v, 3, e);
	if (rc != RC_OK)
		return rc;
	*n = v[0]->integer;
	for (int i = 0; i < 3; i++)
		freeReplyObject(v[i]);
	return RC_OK;
}

/* The annual returns of an index, with what is known of new ones. */
static enum rc
clear_returns(
    struct redis *r, const struct dataset *d, int64_t *n, struct err *e)
{
	const struct dataset plain = { "", CACHE_RETURNS };
	enum rc rc = returns_forget(r, d->index, e);
	int64_t copy;

	if (rc == RC_OK)
		rc = clear(r, d, n, e);
	if (rc == RC_OK && strcmp(d->index, DATASET_DEFAULT_INDEX) == 0)
		rc = clear(r, &plain, &copy, e);
	return rc;
}

enum rc
cache_clear(struct redis *r, const struct dataset *d, int64_t *n, struct err *e)
{
	return cache_is_returns(d) ? clear_returns(r, d, n, e)
				   : clear(r, d, n, e);
}

static enum rc
clear_index(struct redis *r, const char *index, int64_t *n, struct err *e)
{
	struct dataset d = { index, CACHE_RETURNS };
	int64_t all = 0, one = 0;
	enum rc rc = clear_returns(r, &d, &all, e);

	for (int i = 0; i < DATASET_SECTORS && rc == RC_OK; i++) {
		d.sector = dataset_sectors[i].name;
		rc = clear(r, &d, &one, e);
		all += one;
	}
	if (rc == RC_OK)
		*n = all;
	return rc;
}

enum rc
cache_clear_all(struct redis *r, const char *index, int64_t *n, struct err *e)
{
	int64_t all = 0, one = 0;
	enum rc rc = RC_OK;

	for (int i = 0; i < DATASET_INDEXES && rc == RC_OK; i++) {
		const char *name = dataset_indexes[i].name;

		if (index != NULL && strcmp(name, index) != 0)
			continue;
		rc = clear_index(r, name, &one, e);
		all += one;
	}
	if (rc == RC_OK)
		*n = all;
	return rc;
}

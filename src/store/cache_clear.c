#include <string.h>

#include "store/cache.h"

enum rc
cache_clear(struct redis *r, const struct dataset *d, int64_t *n, struct err *e)
{
	struct cache_keys k;
	redisReply *v[2];
	enum rc rc = cache_keys(d, &k, e);
	const char *value[] = { "UNLINK", k.value };
	const char *gzip[] = { "UNLINK", k.gzip };

	if (rc == RC_OK)
		rc = redis_add(r, 2, value, NULL, e);
	if (rc == RC_OK)
		rc = redis_add(r, 2, gzip, NULL, e);
	if (rc == RC_OK)
		rc = redis_fetch(r, v, 2, e);
	if (rc != RC_OK)
		return rc;
	*n = v[0]->integer;
	freeReplyObject(v[0]);
	freeReplyObject(v[1]);
	return RC_OK;
}

enum rc
cache_clear_all(struct redis *r, const char *index, int64_t *n, struct err *e)
{
	enum rc rc = RC_OK;

	*n = 0;
	for (int i = 0; i < DATASET_INDEXES * DATASET_SECTORS; i++) {
		struct dataset d = { dataset_indexes[i / DATASET_SECTORS].name,
			dataset_sectors[i % DATASET_SECTORS].name };
		int64_t one = 0;

		if (index != NULL && strcmp(d.index, index) != 0)
			continue;
		rc = cache_clear(r, &d, &one, e);
		if (rc != RC_OK)
			return rc;
		*n += one;
	}
	return RC_OK;
}

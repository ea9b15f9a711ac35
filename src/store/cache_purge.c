#include <stdio.h>

#include "store/cache.h"

enum rc
cache_purge(struct redis *r, const struct dataset *d, int64_t older_us,
    int *gone, struct err *e)
{
	struct cache_keys k;
	char older[24];
	const char *argv[] = { k.value, k.meta, k.members, k.gzip, older };
	redisReply *reply = NULL;
	enum rc rc = cache_keys(d, &k, e);

	if (rc != RC_OK)
		return rc;
	snprintf(older, sizeof(older), "%lld", (long long)older_us);
	rc = redis_script(r, &script_cache_purge, 4, 5, argv, NULL, &reply, e);
	if (rc != RC_OK)
		return rc;
	*gone = reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
	freeReplyObject(reply);
	return RC_OK;
}

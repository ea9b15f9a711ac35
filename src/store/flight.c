#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/flight.h"

/* "host:pid", for whoever looks at the key. */
static void
owner_name(char *out, size_t size)
{
	char host[64] = "";

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	snprintf(out, size, "%s:%ld", host, (long)getpid());
}

static enum rc
step(struct redis *r, const char *key, const char *op, const char *sector,
    int64_t fence_us, redisReply **out, struct err *e)
{
	char fence[24], lease[24], owner[96];
	enum rc rc;
	const char *argv[] = { key, op, sector, fence, lease, owner };

	snprintf(fence, sizeof(fence), "%lld", (long long)fence_us);
	snprintf(lease, sizeof(lease), "%lld", FLIGHT_LEASE_MS * 1000LL);
	owner_name(owner, sizeof(owner));
	rc = redis_script(r, &script_flight, 1, sizeof(argv) / sizeof(argv[0]),
	    argv, NULL, out, e);
	return redis_blame_key(rc, key, e);
}

enum rc
flight_take(struct redis *r, const char *what, const char *sector,
    struct flight *out, struct err *e)
{
	struct flight f = { 0 };
	redisReply *reply;
	enum rc rc;
	int n;

	n = snprintf(f.key, sizeof(f.key), "stocknity:flight:{%s}", what);
	if (n < 0 || (size_t)n >= sizeof(f.key))
		return err_set(e, RC_BUG, "flight: name too long");
	rc = step(r, f.key, "take", sector, 0, &reply, e);
	if (rc != RC_OK)
		return rc;
	if (redis_int(reply, 0, 1) == 0) {
		f.fence_us = redis_int(reply, 1, 0);
		f.widen = redis_int(reply, 2, 0) == 1;
	} else {
		f.wait_ms = (redis_int(reply, 1, 0) + 999) / 1000;
		rc = err_set(e, RC_BUSY, "%s is being swept just now", what);
	}
	freeReplyObject(reply);
	*out = f;
	return rc;
}

enum rc
flight_renew(struct redis *r, struct flight *f, struct err *e)
{
	redisReply *reply;
	enum rc rc;

	rc = step(r, f->key, "renew", "", f->fence_us, &reply, e);
	if (rc != RC_OK)
		return rc;
	if (redis_int(reply, 0, 1) != 0)
		rc = err_set(e, RC_BUSY,
		    "the lease ran out, and another took "
		    "over");
	freeReplyObject(reply);
	return rc;
}

enum rc
flight_release(struct redis *r, struct flight *f)
{
	redisReply *reply;
	enum rc rc = RC_OK;

	if (f->fence_us != 0)
		rc = step(r, f->key, "release", "", f->fence_us, &reply, NULL);
	if (f->fence_us != 0 && rc == RC_OK)
		freeReplyObject(reply);
	f->fence_us = 0;
	return rc;
}

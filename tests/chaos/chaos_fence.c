/*
 * chaos_fence [-n times] [-s seed]
 *
 * A worker that was stopped wakes after its lease: another one has the task.
 * Whatever the late one says is refused, before the other has settled it and
 * after, and its older data replaces nothing in the cache.
 */
#include "driver.h"
#include "store/cache.h"

#define LEASE_MS 2

struct side {
	struct driver d;
	struct task task;
	int64_t fence_us;
};

static const struct dataset where = { "DJIA", "Energy" };

static void
claim(struct side *s, int64_t lease_ms)
{
	struct claim how = { .owner = "fence:1",

		.lease_ms = lease_ms,
		.most = 1 };
	struct task got[QUEUE_CLAIM_LIGHT];
	int64_t end = clock_mono_ms() + 5000, next;
	size_t n = 0;
	struct err e;

	while (n == 0 && clock_mono_ms() < end) {
		need(queue_claim(s->d.queue, &how, got, &n, &next, &e), "claim",
		    &e);
		if (n == 0)
			clock_sleep_ms(1);
	}
	if (n != 1)
		broken("%zu tasks claimed instead of one", n);
	s->task = got[0];
	need(redis_time_us(s->d.redis, &s->fence_us, &e), "TIME", &e);
}

static enum rc
put(struct side *s, const char *bytes, struct err *e)
{
	struct cache_value v = { .bytes = bytes,
		.len = strlen(bytes),
		.fence_us = s->fence_us,
		.fresh_ms = s->fence_us / 1000 + 3600000,
		.rows = 1,
		.source = "chaos",
		.hash = "0" };

	return cache_put(s->d.redis, &s->d.config, &where, &v, e);
}

/* What a late worker may say. */
static enum rc
late_complete(struct side *s, struct err *e)
{
	const char *result = "{\"late\":true}";
	size_t lost = 0;
	enum rc rc = queue_complete(s->d.queue, &s->task, &result, 1, &lost, e);

	return rc == RC_OK && lost == 1 ? RC_BUSY : rc;
}

static enum rc
late_fail(struct side *s, struct err *e)
{
	struct err why = { RC_BLOCKED, "late" };

	return queue_fail(s->d.queue, &s->task, &why, 0, e);
}

static enum rc
late_release(struct side *s, struct err *e)
{
	return queue_release(s->d.queue, &s->task, 0, NULL, e);
}

static enum rc
late_renew(struct side *s, struct err *e)
{
	int cancelled;

	return queue_renew(s->d.queue, &s->task, "late", &cancelled, e);
}

typedef enum rc late(struct side *, struct err *);

static late *const says[] = { late_complete, late_fail, late_release,
	late_renew };

static void
refused(struct side *s, const char *when)
{
	size_t which = chance(&s->d, sizeof(says) / sizeof(says[0]));
	struct err e = { 0 };
	enum rc rc = says[which](s, &e);

	if (rc != RC_BUSY)
		broken("way %zu of settling late, %s: %s, %s", which, when,
		    rc_name(rc), e.msg);
}

static void
stands(struct side *s, enum task_status status)
{
	struct task t;
	int64_t position;
	struct err e;

	need(queue_get(s->d.queue, s->task.id, &t, &position, &e), "get", &e);
	if (t.token != s->task.token || t.status != status ||
	    strstr(t.result, "late") != NULL ||
	    strstr(t.progress, "late") != NULL || t.retry_count != 0)
		broken("the task is %s, token %lld of %lld, result %s",
		    task_status_name(t.status), ll(t.token), ll(s->task.token),
		    t.result);
}

static void
cached(struct side *s, const char *want)
{
	struct cache_entry got;
	struct err e;

	need(
	    cache_get(s->d.redis, &where, -1, CACHE_COUNT_NONE, &got, NULL, &e),
	    "cache_get", &e);
	if (got.state != CACHE_FRESH || strcmp(got.bytes, want) != 0)
		broken("the cache has %.99s, not %s",
		    got.bytes != NULL ? got.bytes : "nothing", want);
	cache_entry_fini(&got);
}

static void
once(struct side *a, struct side *b, int64_t i)
{
	struct task_spec spec = { .type = TASK_PROBE,
		.dataset = { "fence", "chaos" } };
	struct enqueue_result placed;
	const char *result = "{}";
	char older[64], newer[64];
	size_t lost = 0;
	struct err e;

	snprintf(
	    older, sizeof(older), "{\"success\":true,\"older\":%lld}", ll(i));
	snprintf(
	    newer, sizeof(newer), "{\"success\":true,\"newer\":%lld}", ll(i));
	need(queue_enqueue(a->d.queue, &spec, 1, &placed, &e), "enqueue", &e);
	claim(a, LEASE_MS);
	if (chance(&a->d, 4) == 0) /* in time: what is written is older */
		need(put(a, older, &e), "cache_put in time", &e);
	clock_sleep_ms(LEASE_MS + 1);
	claim(b, 60000);
	if (b->task.token <= a->task.token ||
	    strcmp(b->task.id, a->task.id) != 0)
		broken("token %lld after %lld", ll(b->task.token),
		    ll(a->task.token));
	need(put(b, newer, &e), "cache_put", &e);
	if (put(a, older, &e) != RC_BUSY)
		broken("older data was taken");
	refused(a, "while it runs");
	stands(b, TASK_PROCESSING);
	need(queue_complete(b->d.queue, &b->task, &result, 1, &lost, &e),
	    "complete", &e);
	if (lost != 0)
		broken("the holder was refused");
	refused(a, "after its end");
	stands(b, TASK_COMPLETED);
	if (put(a, older, &e) != RC_BUSY)
		broken("older data was taken at the end");
	cached(b, newer);
}

int
main(int argc, char *argv[])
{
	static struct side a, b;
	int64_t n = 500, seed = 1;
	int c;

	while ((c = getopt(argc, argv, "n:s:")) != -1) {
		if (c == 'n')
			n = whole(optarg);
		else if (c == 's')
			seed = whole(optarg);
		else
			return 64;
	}
	driver_open(&a.d, NULL, (uint64_t)seed);
	driver_open(&b.d, NULL, (uint64_t)seed);
	for (int64_t i = 0; i < n; i++)
		once(&a, &b, i);
	driver_close(&a.d);
	driver_close(&b.d);
	printf("%lld late workers refused\n", ll(n));
	return 0;
}

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/guard.h"
#include "store/guard_file.h"
#include "store/guard_limit.h"

#define PROBE_LEASE_US INT64_C(60000000)
#define MAX_MS         (INT64_C(1) << 40) /* keeps sums far from overflow */

struct guard {
	struct redis *redis; /* borrowed; NULL: the file */
	char path[GUARD_FILE_PATH];
};

/* What an outcome is to the breaker and the hold; the rest says nothing about
 * the source ("none").  See lua/guard_report.lua. */
static const char *const classes[RC__MAX] = {
	[RC_OK] = "ok",
	[RC_PARTIAL] = "ok",
	[RC_NOTFOUND] = "answer",
	[RC_EMPTY] = "answer",
	[RC_INVALID] = "answer",
	[RC_NET] = "fail",
	[RC_TIMEOUT] = "fail",
	[RC_UPSTREAM] = "fail",
	[RC_PARSE] = "fail",
	[RC_LIMITED] = "hold",
	[RC_BLOCKED] = "hold",
};

static int64_t
us_of_ms(int64_t ms)
{
	return (ms < MAX_MS ? ms : MAX_MS) * 1000;
}

/* Rounded up: who sleeps that long does not wake before. */
static int64_t
ms_of_us(int64_t us)
{
	return (us + 999) / 1000;
}

enum rc
guard_open(struct guard **out, const struct config *config, struct redis *redis,
    struct err *e)
{
	struct guard *g = calloc(1, sizeof(*g));
	enum rc rc = RC_OK;

	if (g == NULL)
		return err_set(e, RC_NOMEM, "guard: out of memory");
	g->redis = redis;
	if (redis == NULL)
		rc = guard_file_path(config, g->path, e);
	if (rc == RC_OK)
		*out = g;
	else
		free(g);
	return rc;
}

void
guard_close(struct guard *g)
{
	free(g);
}

/* Room for the arguments of a script, as text. */
struct args {
	char hash[LIMIT_KEY];
	char grants[LIMIT_KEY];
	char either[LIMIT_KEY + 16]; /* both, for messages */
	char n[10][24];
	char zone[ZONE_TEXT];
};

enum rc
guard_key(char out[LIMIT_KEY], const char *source, struct err *e)
{
	int n = snprintf(out, LIMIT_KEY, "stocknity:guard:{%s}", source);

	/* With room for what is added to it. */
	if (n < 0 || n >= LIMIT_KEY - 8)
		return err_set(e, RC_BUG, "guard: the source's name is long");
	return RC_OK;
}

static enum rc
make_keys(struct args *a, const char *source, struct err *e)
{
	enum rc rc = guard_key(a->hash, source, e);

	if (rc != RC_OK)
		return rc;
	snprintf(a->grants, sizeof(a->grants), "%.*s:grants", LIMIT_KEY - 8,
	    a->hash);
	snprintf(a->either, sizeof(a->either), "%s[:grants]", a->hash);
	return RC_OK;
}

static void
print(char out[24], int64_t v)
{
	snprintf(out, 24, "%lld", (long long)v);
}

static enum rc
redis_take(struct guard *guard, const char *source, const struct policy *p,
    int64_t max_wait_us, struct grant *g, int64_t *wait_us, enum guard_day *day,
    struct err *e)
{
	static const struct {
		enum rc rc;
		enum guard_day day;
	} codes[] = { { RC_OK, DAY_FREE }, { RC_LIMITED, DAY_FREE },
		{ RC_OPEN, DAY_FREE }, { RC_LIMITED, DAY_SPENT },
		{ RC_LIMITED, DAY_BOOKED } };
	struct args a;
	const char *argv[] = { a.hash, a.grants, a.n[0], a.n[1], a.n[2], a.n[3],
		a.n[4], a.n[5], a.n[6], a.n[7], a.n[8], a.n[9], a.zone };
	redisReply *reply;
	int64_t code;
	enum rc rc;

	rc = make_keys(&a, source, e);
	if (rc != RC_OK)
		return rc;
	print(a.n[0], guard_interval_us(p));
	print(a.n[1], p->burst);
	print(a.n[2], max_wait_us);
	print(a.n[3], g->due_us);
	print(a.n[4], g->probe);
	print(a.n[5], PROBE_LEASE_US);
	print(a.n[6], p->day_quota);
	print(a.n[7], p->need > 1 ? p->need : 1);
	print(a.n[8], g->booking);
	print(a.n[9], us_of_ms(p->book_ms));
	zone_text(p->zone, clock_wall_us() / 1000000, a.zone);
	rc = redis_script(guard->redis, &script_guard_take, 2,
	    sizeof(argv) / sizeof(argv[0]), argv, NULL, &reply, e);
	if (rc != RC_OK)
		return redis_blame_key(rc, a.either, e);
	code = redis_int(reply, 0, -1);
	if (code < 0 || code >= (int64_t)(sizeof(codes) / sizeof(codes[0]))) {
		rc = err_set(e, RC_STORE, "guard_take: unexpected answer");
	} else {
		rc = codes[code].rc;
		*day = codes[code].day;
		*wait_us = redis_int(reply, 1, 0);
		g->due_us = redis_int(reply, 2, 0);
		g->probe = redis_int(reply, 3, 0);
		g->booking = redis_int(reply, 4, 0);
	}
	freeReplyObject(reply);
	return rc;
}

static enum rc
day_refused(
    enum guard_day day, const struct policy *p, int64_t wait_us, struct err *e)
{
	int need = p->need > 1 ? p->need : 1;

	if (day == DAY_BOOKED)
		return err_set(e, RC_LIMITED,
		    "what is left of the quota of its day (%d calls, %d "
		    "needed) is booked by others: the next try in %.1f s",
		    p->day_quota, need, (double)wait_us / 1e6);
	return err_set(e, RC_LIMITED,
	    "the quota of its day is used up (%d calls, %d needed): the next "
	    "day begins in %.1f h",
	    p->day_quota, need, (double)wait_us / 3600e6);
}

enum rc
guard_take(struct guard *guard, const char *source, const struct policy *p,
    int64_t max_wait_ms, struct grant *g, int64_t *wait_ms, struct err *e)
{
	int64_t wait = 0;
	int64_t max_wait = us_of_ms(max_wait_ms > 0 ? max_wait_ms : 0);
	struct grant fresh = *g;
	enum guard_day day = DAY_FREE;
	enum rc rc;

	if (guard_interval_us(p) == 0)
		return err_set(e, RC_BUG,
		    "%s: not a rate: %g a second, %d at "
		    "once",
		    source, p->rate, p->burst);
	if (guard->redis != NULL)
		rc = redis_take(
		    guard, source, p, max_wait, &fresh, &wait, &day, e);
	else
		rc = guard_file_take(
		    guard->path, source, p, max_wait, &fresh, &wait, &day, e);
	switch (rc) {
	case RC_OK:
		*g = fresh;
		g->wait_ms = ms_of_us(wait);
		return RC_OK;
	case RC_LIMITED:
	case RC_OPEN:
		*g = (struct grant){ .booking = g->booking };
		*wait_ms = ms_of_us(wait);
		if (day != DAY_FREE)
			return day_refused(day, p, wait, e);
		return err_set(e, rc,
		    rc == RC_OPEN
			? "the breaker is open: too many failures, the next "
			  "try in %.1f s"
			: "limited, or held after a refusal: the next call may "
			  "be made in %.1f s",
		    (double)wait / 1e6);
	default:
		return rc;
	}
}

enum rc
guard_leave(struct guard *guard, const char *source, const struct policy *p,
    struct grant *g, struct err *e)
{
	/* Its quota is no matter: nothing is taken. */
	struct policy plain = { .rate = p->rate, .burst = p->burst };
	struct grant left = *g;
	enum guard_day day;
	int64_t wait;
	enum rc rc;

	rc = guard->redis != NULL
		 ? redis_take(guard, source, &plain, -1, &left, &wait, &day, e)
		 : guard_file_take(
		       guard->path, source, &plain, -1, &left, &wait, &day, e);
	if (rc != RC_LIMITED)
		return rc;
	*g = (struct grant){ .booking = g->booking };
	return RC_OK;
}

enum rc
guard_unbook(
    struct guard *guard, const char *source, int64_t booking, struct err *e)
{
	struct args a;
	const char *argv[] = { a.hash, a.n[0] };
	redisReply *reply;
	enum rc rc;

	if (booking == 0)
		return RC_OK;
	if (guard->redis == NULL)
		return guard_file_unbook(guard->path, source, booking, e);
	rc = make_keys(&a, source, e);
	if (rc != RC_OK)
		return rc;
	print(a.n[0], booking);
	rc = redis_script(guard->redis, &script_guard_unbook, 1,
	    sizeof(argv) / sizeof(argv[0]), argv, NULL, &reply, e);
	if (rc == RC_OK)
		freeReplyObject(reply);
	return rc;
}

static enum rc
redis_report(struct guard *guard, const char *source, const struct grant *g,
    enum rc what, int64_t retry_us, int64_t *hold_us, struct err *e)
{
	const char *class = what < RC__MAX ? classes[what] : NULL;
	struct args a;
	const char *argv[] = { a.hash, class != NULL ? class : "none", a.n[0],
		a.n[1], a.n[2], rc_name(what) };
	redisReply *reply;
	enum rc rc;

	rc = make_keys(&a, source, e);
	if (rc != RC_OK)
		return rc;
	print(a.n[0], retry_us);
	print(a.n[1], g->due_us);
	print(a.n[2], g->probe);
	rc = redis_script(guard->redis, &script_guard_report, 1,
	    sizeof(argv) / sizeof(argv[0]), argv, NULL, &reply, e);
	if (rc != RC_OK)
		return rc;
	*hold_us = redis_int(reply, 0, 0);
	freeReplyObject(reply);
	return RC_OK;
}

enum rc
guard_report(struct guard *guard, const char *source, const struct grant *g,
    enum rc what, int64_t retry_after_ms, int64_t *hold_ms, struct err *e)
{
	int64_t retry = retry_after_ms < 0 ? -1 : us_of_ms(retry_after_ms);
	int64_t hold = 0;
	enum rc rc;

	if (guard->redis != NULL)
		rc = redis_report(guard, source, g, what, retry, &hold, e);
	else
		rc = guard_file_report(
		    guard->path, source, g, what, retry, &hold, e);
	if (rc == RC_OK && hold_ms != NULL)
		*hold_ms = ms_of_us(hold);
	return rc;
}

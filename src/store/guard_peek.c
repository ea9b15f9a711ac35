#include <stdio.h>
#include <string.h>

#include "store/guard.h"

#define BUCKET_US INT64_C(10000000) /* as in lua/guard_report.lua */
#define BUCKETS   6

enum {
	SEEN,
	TAT,
	HOLD,
	OPEN,
	CONS,
	OPENS,
	ERROR_NAME,
	ERROR_US,
	DAY,
	DAY_USED,
	BOOKED,
	W0,
	FIELDS = W0 + BUCKETS
};

static const char *const names[FIELDS] = { [SEEN] = "seen_us",
	[TAT] = "tat_us",
	[HOLD] = "hold_until_us",
	[OPEN] = "open_until_us",
	[CONS] = "cons",
	[OPENS] = "opens",
	[ERROR_NAME] = "last_error",
	[ERROR_US] = "last_error_us",
	[DAY] = "day",
	[DAY_USED] = "day_used",
	[BOOKED] = "booked",
	[W0] = "w0",
	"w1",
	"w2",
	"w3",
	"w4",
	"w5" };

enum rc
guard_peek_ask(struct redis *r, const char *source, struct err *e)
{
	const char *argv[2 + FIELDS] = { "HMGET" };
	char key[LIMIT_KEY];
	enum rc rc = guard_key(key, source, e);

	if (rc != RC_OK)
		return rc;
	argv[1] = key;
	memcpy(argv + 2, names, sizeof(names));
	return redis_add(r, 2 + FIELDS, argv, NULL, e);
}

static int64_t
left(int64_t until_us, int64_t now_us)
{
	return until_us > now_us ? until_us - now_us : 0;
}

/* Add the buckets of the last minute up. */
static void
count(const redisReply *reply, int64_t now_us, struct guard_state *s)
{
	long long slot, calls, failures, now = now_us / BUCKET_US;

	for (int i = 0; i < BUCKETS; i++) {
		const redisReply *w = reply->element[W0 + i];

		if (w->type != REDIS_REPLY_STRING ||
		    sscanf(w->str, "%19lld %19lld %19lld", &slot, &calls,
			&failures) != 3 ||
		    slot <= now - BUCKETS || slot > now)
			continue;
		s->calls += calls;
		s->failures += failures;
	}
}

/* The calls that are booked and have not run out. */
static int64_t
count_booked(const redisReply *of, int64_t now_us)
{
	const char *p = of->type == REDIS_REPLY_STRING ? of->str : "";
	long long id, calls, until;
	int64_t sum = 0;
	int n = 0;

	while (sscanf(p, "%19lld:%19lld:%19lld %n", &id, &calls, &until, &n) ==
	       3) {
		sum += left(until, now_us) > 0 ? calls : 0;
		p += n;
	}
	return sum;
}

void
guard_peek_read(
    const redisReply *reply, int64_t now_us, struct guard_state *out)
{
	struct guard_state s = { 0 };
	int64_t open, back;

	*out = s;
	if (reply == NULL || reply->type != REDIS_REPLY_ARRAY ||
	    reply->elements != FIELDS || redis_int(reply, SEEN, 0) == 0)
		return;
	s.known = 1;
	/* A clock that was set back takes the recorded times along. */
	back = left(redis_int(reply, SEEN, 0), now_us);
	s.next_us = left(redis_int(reply, TAT, 0) - back, now_us);
	s.hold_us = left(redis_int(reply, HOLD, 0) - back, now_us);
	open = redis_int(reply, OPEN, 0);
	s.open_us = left(open - back, now_us);
	s.half_open = open > 0 && s.open_us == 0;
	s.failures_in_row = redis_int(reply, CONS, 0);
	s.opens = redis_int(reply, OPENS, 0);
	s.day = redis_int(reply, DAY, 0);
	s.day_used = redis_int(reply, DAY_USED, 0);
	s.day_booked = count_booked(reply->element[BOOKED], now_us + back);
	s.last_error_us = redis_int(reply, ERROR_US, 0);
	if (reply->element[ERROR_NAME]->type == REDIS_REPLY_STRING)
		snprintf(s.last_error, sizeof(s.last_error), "%s",
		    reply->element[ERROR_NAME]->str);
	count(reply, now_us, &s);
	*out = s;
}

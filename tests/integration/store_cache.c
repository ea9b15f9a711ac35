/*
 * The cache in a real Redis.
 */
#include "base/limits.h"
#include "store/cache.h"
#include "store_fixture.h"

#define VALUE  "stock_data:S&P_500:Technology"
#define MINUTE (60 * SECOND)

/* Redis keys with a blank cannot be written in a format of hiredis: the tests
 * that look behind use names without one. */
static const struct dataset tech = { "S&P_500", "Technology" };
static const struct dataset empty = { "DJIA", "Utilities" };
static const char meta[] = "stocknity:meta:{" VALUE "}";
static const char text[] = "{\"success\":true,\"index\":\"S&P 500\","
			   "\"sector\":\"Technology\","
			   "\"data\":[{\"Ticker\":\"AAPL\"}]}";

static struct cache_value
value(struct fixture *f, int64_t fence, int64_t rows)
{
	return (struct cache_value){ .bytes = text,
		.len = sizeof(text) - 1,
		.fence_us = fence,
		.fresh_ms = redis_now(f) / 1000 + 3600000,
		.rows = rows,
		.source = "finviz",
		.hash = "0123456789abcdef0123456789abcdef",
		.guard_shrink = 1 };
}

static enum rc
put(struct fixture *f, int64_t fence, int64_t rows, struct err *e)
{
	struct cache_value v = value(f, fence, rows);

	return cache_put(f->r, &f->config, &tech, &v, e);
}

/* The state of tech, or -1 - rc. */
static int
look(struct fixture *f, int64_t max_age, enum cache_count count, int *foreign)
{
	struct cache_entry entry;
	enum rc rc;
	int state;

	rc = cache_get(f->r, &tech, max_age, count, &entry, foreign, NULL);
	if (rc != RC_OK)
		return -1 - (int)rc;
	state = (int)entry.state;
	if (state == CACHE_ABSENT) {
		assert_null(entry.bytes);
	} else {
		assert_int_equal(entry.len, sizeof(text) - 1);
		assert_string_equal(entry.bytes, text);
	}
	cache_entry_fini(&entry);
	return state;
}

static void
what_was_put_is_got_with_its_bytes_and_times(void **state)
{
	struct fixture *f = *state;
	struct cache_entry entry;
	int64_t now = redis_now(f);
	int foreign = 7;

	assert_int_equal(put(f, now, 1, NULL), RC_OK);
	assert_int_equal(cache_get(f->r, &tech, -1, CACHE_COUNT_NONE, &entry,
			     &foreign, NULL),
	    RC_OK);
	assert_int_equal(entry.state, CACHE_FRESH);
	assert_int_equal(entry.len, sizeof(text) - 1);
	assert_string_equal(entry.bytes, text);
	assert_int_equal(entry.fetched_us, now);
	assert_in_range(entry.fresh_ms - entry.now_ms, 3595000, 3600000);
	assert_int_equal(foreign, 0);
	cache_entry_fini(&entry);
	assert_null(entry.bytes);
	/* gone when it is fresh no more, nor stale */
	assert_in_range(ctl(f, "PTTL " VALUE), 3595000 + 604800000LL,
	    3600000 + 604800000LL);
	assert_in_range(ctl(f, "PTTL %s", meta), 3595000 + 604800000LL,
	    3600000 + 604800000LL);
	assert_int_equal(ctl(f, "HGET %s rows", meta), 1);
}

static void
what_is_not_there_is_absent_and_no_error(void **state)
{
	struct fixture *f = *state;
	struct cache_entry entry;
	int foreign = 7;

	assert_int_equal(cache_get(f->r, &empty, -1, CACHE_COUNT_NONE, &entry,
			     &foreign, NULL),
	    RC_OK);
	assert_int_equal(entry.state, CACHE_ABSENT);
	assert_true(entry.now_ms > 0);
	assert_int_equal(foreign, 0);
	cache_entry_fini(&entry);
	assert_int_equal(ctl(f, "DBSIZE"), 0);
}

static void
age_makes_stale(void **state)
{
	struct fixture *f = *state;
	int64_t now = redis_now(f);

	assert_int_equal(put(f, now - 100 * SECOND, 1, NULL), RC_OK);
	assert_int_equal(look(f, -1, CACHE_COUNT_NONE, NULL), CACHE_FRESH);
	assert_int_equal(look(f, 99000, CACHE_COUNT_NONE, NULL), CACHE_STALE);
	assert_int_equal(look(f, 200000, CACHE_COUNT_NONE, NULL), CACHE_FRESH);
	assert_int_equal(look(f, 0, CACHE_COUNT_NONE, NULL), CACHE_STALE);
	ctl(f, "HSET %s fresh_ms %lld", meta, ll(now / 1000 - 1));
	assert_int_equal(look(f, -1, CACHE_COUNT_NONE, NULL), CACHE_STALE);
	assert_int_equal(look(f, 200000, CACHE_COUNT_NONE, NULL), CACHE_FRESH);
}

static void
reads_are_counted_as_asked(void **state)
{
	struct fixture *f = *state;
	long long ttl;

	look(f, -1, CACHE_COUNT_ALL, NULL);
	look(f, -1, CACHE_COUNT_NONE, NULL);
	assert_int_equal(ctl(f, "HGET %s misses", meta), 1);
	ttl = ctl(f, "PTTL %s", meta);
	assert_in_range(ttl, 30 * 86400000LL - 60000, 30 * 86400000LL);
	put(f, redis_now(f) - SECOND, 1, NULL);
	ttl = ctl(f, "PTTL %s", meta);
	look(f, -1, CACHE_COUNT_ALL, NULL);
	look(f, -1, CACHE_COUNT_ALL, NULL);
	look(f, 0, CACHE_COUNT_ALL, NULL);
	look(f, -1, CACHE_COUNT_NONE, NULL);
	put(f, redis_now(f), 1, NULL); /* the counters survive */
	assert_int_equal(ctl(f, "HGET %s misses", meta), 1);
	assert_int_equal(ctl(f, "HGET %s hits", meta), 2);
	assert_int_equal(ctl(f, "HGET %s stale", meta), 1);
	assert_in_range(
	    redis_now(f) / 1000 - ctl(f, "HGET %s last_read_ms", meta), 0,
	    5000);
	assert_in_range(ctl(f, "PTTL %s", meta), ttl - 5000, ttl + 5000);
}

static void
a_value_that_is_not_ours_is_absent_and_told(void **state)
{
	static const char *const ours[] = { "DEL %s", "HDEL %s fetched_us",
		"HSET %s bytes 5" };
	struct fixture *f = *state;
	int foreign;

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		assert_int_equal(
		    put(f, redis_now(f) + (int64_t)i, 1, NULL), RC_OK);
		ctl(f, ours[i], meta);
		foreign = 0;
		assert_int_equal(
		    look(f, -1, CACHE_COUNT_ALL, &foreign), CACHE_ABSENT);
		assert_int_equal(foreign, 1);
		ctl(f, "DEL %s " VALUE, meta);
	}
	/* another's text of the same length */
	put(f, redis_now(f), 1, NULL);
	ctl(f, "SETRANGE " VALUE " 0 {\"SUCCESS");
	assert_int_equal(look(f, -1, CACHE_COUNT_NONE, &foreign), CACHE_ABSENT);
	assert_int_equal(foreign, 1);
	/* keys of other types */
	ctl(f, "DEL " VALUE);
	ctl(f, "LPUSH " VALUE " x");
	foreign = 0;
	assert_int_equal(look(f, -1, CACHE_COUNT_ALL, &foreign), CACHE_ABSENT);
	assert_int_equal(foreign, 1);
	ctl(f, "DEL %s " VALUE, meta);
	ctl(f, "SET %s x", meta);
	foreign = 0;
	assert_int_equal(look(f, -1, CACHE_COUNT_ALL, &foreign), CACHE_ABSENT);
	assert_int_equal(foreign, 1);
}

static void
older_or_equal_data_replaces_nothing(void **state)
{
	struct fixture *f = *state;
	int64_t now = redis_now(f);
	struct err e;

	assert_int_equal(put(f, now, 1, NULL), RC_OK);
	assert_int_equal(put(f, now, 2, &e), RC_BUSY);
	assert_int_equal(put(f, now - 1, 2, &e), RC_BUSY);
	assert_int_equal(ctl(f, "HGET %s rows", meta), 1);
	assert_int_equal(put(f, now + 1, 2, NULL), RC_OK);
	assert_int_equal(ctl(f, "HGET %s rows", meta), 2);
}

static void
a_key_of_another_type_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct err e;

	ctl(f, "LPUSH " VALUE " x");
	assert_int_equal(put(f, redis_now(f), 1, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, VALUE));
	assert_non_null(strstr(e.msg, "list"));
	assert_int_equal(ctl(f, "LLEN " VALUE), 1);
	ctl(f, "DEL " VALUE);
	ctl(f, "SET %s x", meta);
	assert_int_equal(put(f, redis_now(f), 1, &e), RC_DENIED);
	assert_non_null(strstr(e.msg, meta));
	assert_int_equal(ctl(f, "EXISTS " VALUE), 0);
	/* a foreign text is what the application wrote before us */
	ctl(f, "DEL %s", meta);
	ctl(f, "SET " VALUE " old");
	assert_int_equal(put(f, redis_now(f), 1, &e), RC_OK);
	assert_int_equal(look(f, -1, CACHE_COUNT_NONE, NULL), CACHE_FRESH);
}

static void
a_loss_is_more_than_a_fifth_and_at_least_five_rows(void **state)
{
	static const struct {
		int64_t had, has;
		enum rc want;
	} cases[] = {
		{ 503, 402, RC_INVALID },
		{ 503, 403, RC_OK },
		{ 500, 400, RC_OK },
		{ 500, 399, RC_INVALID },
		{ 20, 16, RC_OK },
		{ 20, 15, RC_INVALID },
		{ 5, 0, RC_INVALID },
		{ 4, 0, RC_OK },
		{ 10, 900, RC_OK },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ctl(f, "FLUSHALL");
		assert_int_equal(put(f, 1000, cases[i].had, NULL), RC_OK);
		assert_int_equal(
		    put(f, 2000, cases[i].has, NULL), cases[i].want);
		assert_int_equal(ctl(f, "HGET %s rows", meta),
		    cases[i].want == RC_OK ? cases[i].has : cases[i].had);
	}
}

static void
a_held_table_is_stored_when_a_later_sweep_agrees(void **state)
{
	const int64_t t = 1000 * MINUTE;
	struct fixture *f = *state;
	struct err e;

	put(f, t, 503, NULL);
	assert_int_equal(put(f, t + MINUTE, 300, &e), RC_INVALID);
	assert_string_equal(e.msg, "held back: 300 rows where 503 were; a "
				   "sweep after 16:51:00Z that agrees is "
				   "stored");
	/* too early: the time of the first stays */
	assert_int_equal(put(f, t + 10 * MINUTE, 310, &e), RC_INVALID);
	assert_non_null(strstr(e.msg, "16:51:00Z"));
	/* another figure: anew from then */
	assert_int_equal(put(f, t + 11 * MINUTE, 100, &e), RC_INVALID);
	assert_non_null(strstr(e.msg, "17:01:00Z"));
	assert_int_equal(put(f, t + 21 * MINUTE - 1, 100, &e), RC_INVALID);
	/* older than what is held says nothing */
	assert_int_equal(put(f, t + 5 * MINUTE, 300, &e), RC_INVALID);
	assert_non_null(strstr(e.msg, "17:01:00Z"));
	assert_int_equal(ctl(f, "HGET %s rows", meta), 503);
	assert_int_equal(put(f, t + 21 * MINUTE, 120, &e), RC_OK);
	assert_int_equal(ctl(f, "HGET %s rows", meta), 120);
	assert_int_equal(ctl(f, "HEXISTS %s held_rows", meta), 0);
}

static void
a_whole_table_ends_the_holding_back(void **state)
{
	const int64_t t = 1000 * MINUTE;
	struct fixture *f = *state;

	put(f, t, 503, NULL);
	assert_int_equal(put(f, t + MINUTE, 300, NULL), RC_INVALID);
	assert_int_equal(put(f, t + 2 * MINUTE, 500, NULL), RC_OK);
	assert_int_equal(put(f, t + 20 * MINUTE, 300, NULL), RC_INVALID);
}

static void
nothing_is_held_back_unasked_or_where_nothing_is(void **state)
{
	struct fixture *f = *state;
	struct cache_value v;

	put(f, 1000, 503, NULL);
	v = value(f, 2000, 3);
	v.guard_shrink = 0;
	assert_int_equal(cache_put(f->r, &f->config, &tech, &v, NULL), RC_OK);
	put(f, 3000, 503, NULL);
	ctl(f, "DEL " VALUE);
	assert_int_equal(put(f, 4000, 3, NULL), RC_OK);
}

static void
a_dataset_has_a_ceiling(void **state)
{
	struct fixture *f = *state;
	struct cache_value v = value(f, 1000, 1);

	v.len = LIMIT_ENVELOPE + 1;
	assert_int_equal(
	    cache_put(f->r, &f->config, &tech, &v, NULL), RC_INVALID);
	v = value(f, 1000, 1);
	v.source = NULL;
	assert_int_equal(cache_put(f->r, &f->config, &tech, &v, NULL), RC_BUG);
	assert_int_equal(ctl(f, "DBSIZE"), 0);
}

static void
sessions_and_members_are_kept_for_a_while(void **state)
{
	struct fixture *f = *state;
	char *got = NULL;

	assert_int_equal(
	    cache_session_get(f->r, "yahoo", &got, NULL), RC_NOTFOUND);
	assert_int_equal(
	    cache_members_get(f->r, &tech, &got, NULL), RC_NOTFOUND);
	assert_null(got);
	assert_int_equal(
	    cache_session_put(f->r, "yahoo", "A=1; b\ncrumb", 60, NULL), RC_OK);
	assert_int_equal(cache_session_get(f->r, "yahoo", &got, NULL), RC_OK);
	assert_string_equal(got, "A=1; b\ncrumb");
	free(got);
	assert_in_range(ctl(f, "TTL stocknity:session:{yahoo}"), 55, 60);
	assert_int_equal(
	    cache_members_put(f->r, &tech, "AAPL and more", 4, NULL), RC_OK);
	assert_int_equal(cache_members_get(f->r, &tech, &got, NULL), RC_OK);
	assert_string_equal(got, "AAPL");
	free(got);
	assert_in_range(ctl(f, "TTL stocknity:members:{" VALUE "}"),
	    30 * 86400 - 5, 30 * 86400);
}

/* The last: store_test.sh reads it as the application does. */
static void
the_application_finds_its_dataset(void **state)
{
	static const struct dataset d = { "S&P 500", "Technology" };
	struct fixture *f = *state;
	struct cache_value v = value(f, redis_now(f), 1);

	assert_int_equal(cache_put(f->r, &f->config, &d, &v, NULL), RC_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(what_was_put_is_got_with_its_bytes_and_times),
		WITH_REDIS(what_is_not_there_is_absent_and_no_error),
		WITH_REDIS(age_makes_stale),
		WITH_REDIS(reads_are_counted_as_asked),
		WITH_REDIS(a_value_that_is_not_ours_is_absent_and_told),
		WITH_REDIS(older_or_equal_data_replaces_nothing),
		WITH_REDIS(a_key_of_another_type_is_left_alone),
		WITH_REDIS(a_loss_is_more_than_a_fifth_and_at_least_five_rows),
		WITH_REDIS(a_held_table_is_stored_when_a_later_sweep_agrees),
		WITH_REDIS(a_whole_table_ends_the_holding_back),
		WITH_REDIS(nothing_is_held_back_unasked_or_where_nothing_is),
		WITH_REDIS(a_dataset_has_a_ceiling),
		WITH_REDIS(sessions_and_members_are_kept_for_a_while),
		WITH_REDIS(the_application_finds_its_dataset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The connection to Redis and what becomes of its errors, with a real
 * server, which is on 127.0.0.1:STORE_PORT too.
 */
#include "store/cache.h"
#include "store/flight.h"
#include "store/guard.h"
#include "store_fixture.h"

#define SECRET "s3cret"

static const struct policy two_a_second = {
	.rate = 2, .burst = 1, .connections = 2
};
static const struct dataset djia = { "DJIA", "Any" };
static const char envelope[] = "{\"success\":true,\"data\":[]}";

static enum rc
put(struct fixture *f, int64_t fence, struct err *e)
{
	struct cache_value v = { .bytes = envelope,
		.len = sizeof(envelope) - 1,
		.fence_us = fence,
		.fresh_ms = INT64_C(1) << 42,
		.source = "finviz",
		.hash = "00" };

	return cache_put(f->r, &f->config, &djia, &v, e);
}

static enum rc
take(struct fixture *f, struct err *e)
{
	struct grant g = { 0 };
	struct guard *guard;
	int64_t wait;
	enum rc rc;

	assert_int_equal(guard_open(&guard, &f->config, f->r, NULL), RC_OK);
	rc = guard_take(guard, "other", &two_a_second, 0, &g, &wait, e);
	guard_close(guard);
	return rc;
}

/* Open a, b and c put together; no message may tell the password. */
static enum rc
open_url(struct fixture *f, struct err *e, const char *a, const char *b,
    const char *c)
{
	struct config config = f->config;
	struct redis *r = NULL;
	enum rc rc;

	snprintf(config.redis_url, sizeof(config.redis_url), "%s%s%s", a, b, c);
	*e = (struct err){ 0 };
	rc = redis_open(&r, &config, e);
	if (rc != RC_OK)
		assert_null(r);
	redis_close(r);
	assert_null(strstr(e->msg, SECRET));
	return rc;
}

static void
arguments_and_answers_may_hold_any_bytes(void **state)
{
	static const char bytes[] = "a\0b\r\n%s\xff";
	const char *set[] = { "SET", "k", bytes }, *get[] = { "GET", "k" };
	size_t lens[] = { 3, 1, sizeof(bytes) };
	struct fixture *f = *state;
	redisReply *reply;

	assert_int_equal(redis_call(f->r, 3, set, lens, &reply, NULL), RC_OK);
	freeReplyObject(reply);
	assert_int_equal(redis_call(f->r, 2, get, NULL, &reply, NULL), RC_OK);
	assert_int_equal(reply->len, sizeof(bytes));
	assert_memory_equal(reply->str, bytes, sizeof(bytes));
	freeReplyObject(reply);
}

static void
a_pipeline_gives_all_answers_though_one_is_an_error(void **state)
{
	const char *set[] = { "SET", "k", "1" }, *bad[] = { "LPUSH", "k", "1" };
	const char *get[] = { "GET", "k" };
	redisReply *v[3];
	struct fixture *f = *state;

	assert_int_equal(redis_add(f->r, 3, set, NULL, NULL), RC_OK);
	assert_int_equal(redis_add(f->r, 3, bad, NULL, NULL), RC_OK);
	assert_int_equal(redis_add(f->r, 2, get, NULL, NULL), RC_OK);
	assert_int_equal(redis_fetch(f->r, v, 3, NULL), RC_INVALID);
	assert_non_null(v[0]);
	assert_null(v[1]);
	assert_string_equal(v[2]->str, "1");
	freeReplyObject(v[0]);
	freeReplyObject(v[2]);
}

static void
questions_and_answers_that_do_not_match_are_our_bug(void **state)
{
	const char *ping[] = { "PING" };
	struct fixture *f = *state;
	redisReply *v[2];

	assert_int_equal(redis_add(f->r, 1, ping, NULL, NULL), RC_OK);
	assert_int_equal(call1(f->r, "PING", NULL, NULL, NULL), RC_BUG);
	assert_int_equal(redis_fetch(f->r, v, 2, NULL), RC_BUG);
	assert_int_equal(redis_fetch(f->r, v, 1, NULL), RC_OK);
	freeReplyObject(v[0]);
	assert_int_equal(call1(f->r, "PING", NULL, NULL, NULL), RC_OK);
}

static void
the_sums_of_the_scripts_are_those_that_redis_makes(void **state)
{
	const struct script *const all[] = { &script_guard_take,
		&script_guard_unbook, &script_guard_report, &script_flight,
		&script_cache_put };
	struct fixture *f = *state;
	char sha[256];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_true(strlen(all[i]->text) < 6144);
		assert_string_equal(
		    ctl_text(f, sha, "SCRIPT LOAD %s", all[i]->text),
		    all[i]->sha);
	}
}

static void
a_script_survives_a_flush_of_the_scripts(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		ctl(f, "SCRIPT FLUSH");
		assert_int_equal(put(f, 100 + i, NULL), RC_OK);
	}
}

static void
a_password_is_asked_for_and_never_shown(void **state)
{
	const char *port = getenv("STORE_PORT"), *path = socket_path();
	struct fixture *f = *state;
	struct err e;

	assert_non_null(port);
	ctl(f, "CONFIG SET requirepass " SECRET);
	assert_int_equal(open_url(f, &e, "unix://", path, ""), RC_DENIED);
	assert_int_equal(
	    open_url(f, &e, "unix://:" SECRET "2@", path, ""), RC_DENIED);
	assert_non_null(strstr(e.msg, "password"));
	assert_int_equal(
	    open_url(f, &e, "unix://nobody:" SECRET "@", path, ""), RC_DENIED);
	assert_int_equal(
	    open_url(f, &e, "unix://:" SECRET "@", path, "?db=3"), RC_OK);
	assert_int_equal(open_url(f, &e,
			     "redis://default:%73"
			     "3cret"
			     "@127.0.0.1:",
			     port, "/3"),
	    RC_OK);
	assert_int_equal(
	    open_url(f, &e, "redis://:x" SECRET "@127.0.0.1:", port, ""),
	    RC_DENIED);
	/* A new connection, as after a restart: the old one is refused.  One
	 * that has just answered is trusted for longer than all this takes. */
	ctl(f, "CLIENT KILL TYPE normal SKIPME yes");
	usleep(5000);
	assert_int_equal(call1(f->r, "GET", "k", NULL, &e), RC_DENIED);
	ctl(f, "CONFIG SET requirepass %s", "");
	assert_int_equal(call1(f->r, "GET", "k", NULL, &e), RC_OK);
	/* None is set there, but one is sent. */
	assert_int_equal(
	    open_url(f, &e, "unix://nobody:" SECRET "@", path, ""), RC_DENIED);
}

static void
the_database_is_the_one_asked_for(void **state)
{
	struct config c;
	struct fixture *f = *state;
	struct redis *r;
	struct err e;

	c = f->config;
	snprintf(
	    c.redis_url, sizeof(c.redis_url), "unix://%s?db=5", socket_path());
	assert_int_equal(redis_open(&r, &c, NULL), RC_OK);
	assert_int_equal(call1(r, "SET", "only", "5", NULL), RC_OK);
	redis_close(r);
	assert_int_equal(ctl(f, "EXISTS only"), 0);
	ctl(f, "SELECT 5");
	assert_int_equal(ctl(f, "EXISTS only"), 1);
	assert_int_equal(
	    open_url(f, &e, "unix://", socket_path(), "?db=999"), RC_STORE);
	assert_non_null(strstr(e.msg, "database"));
}

static void
addresses_that_we_cannot_use_are_a_matter_of_configuration(void **state)
{
	struct fixture *f = *state;
	struct err e;

	assert_int_equal(
	    open_url(f, &e, "rediss://:" SECRET "@127.0.0.1", "", ""),
	    RC_CONFIG);
	assert_int_equal(
	    open_url(f, &e, "http://:" SECRET "@127.0.0.1", "", ""), RC_CONFIG);
	assert_int_equal(
	    open_url(f, &e, "unix:///nonexistent/socket", "", ""), RC_STORE);
	assert_non_null(strstr(e.msg, "unix:/nonexistent/socket"));
	assert_int_equal(
	    open_url(f, &e, "redis://:" SECRET "@127.0.0.1:1", "", ""),
	    RC_STORE);
	assert_non_null(strstr(e.msg, "127.0.0.1:1/0"));
}

static void
a_host_that_begins_with_a_slash_is_a_socket(void **state)
{
	struct fixture *f = *state;
	struct config c = f->config;
	struct redis *r;

	c.redis_url[0] = '\0';
	snprintf(c.redis_host, sizeof(c.redis_host), "%s", socket_path());
	assert_int_equal(redis_open(&r, &c, NULL), RC_OK);
	redis_close(r);
}

static void
what_a_user_may_not_do_is_denied(void **state)
{
	struct fixture *f = *state;
	struct redis *admin = f->r;
	struct config c = f->config;
	struct err e;

	ctl(f,
	    "ACL SETUSER reader on >" SECRET " ~* +@read +time +eval +evalsha");
	snprintf(c.redis_url, sizeof(c.redis_url),
	    "unix://reader:" SECRET "@%s", socket_path());
	assert_int_equal(redis_open(&f->r, &c, &e), RC_OK);
	assert_int_equal(call1(f->r, "GET", "k", NULL, &e), RC_OK);
	assert_int_equal(call1(f->r, "SET", "k", "v", &e), RC_DENIED);
	assert_int_equal(take(f, &e), RC_DENIED);
	assert_int_equal(put(f, 1, &e), RC_DENIED);
	assert_null(strstr(e.msg, SECRET));
	redis_close(f->r);
	f->r = admin;
	ctl(f, "ACL DELUSER reader");
}

static void
a_key_of_another_type_is_invalid(void **state)
{
	struct fixture *f = *state;
	struct err e;

	ctl(f, "LPUSH k 1");
	assert_int_equal(call1(f->r, "GET", "k", NULL, &e), RC_INVALID);
	ctl(f, "SET stocknity:guard:{other} x");
	assert_int_equal(take(f, &e), RC_INVALID);
}

static void
a_full_redis_refuses_whole_but_is_read(void **state)
{
	struct fixture *f = *state;
	struct cache_entry entry;
	struct flight flight, other;
	struct grant g = { 0 };
	struct guard *guard;
	int64_t wait, hold = 0;
	struct err e;

	assert_int_equal(guard_open(&guard, &f->config, f->r, NULL), RC_OK);
	assert_int_equal(put(f, 100, NULL), RC_OK);
	assert_int_equal(flight_take(f->r, "DJIA", "", &flight, NULL), RC_OK);
	assert_int_equal(
	    guard_take(guard, "finviz", &two_a_second, 0, &g, &wait, NULL),
	    RC_OK);
	ctl(f, "CONFIG SET maxmemory 1");
	assert_int_equal(take(f, &e), RC_FULL);
	assert_int_equal(put(f, 200, &e), RC_FULL);
	assert_int_equal(
	    flight_take(f->r, "S&P 500", "", &other, NULL), RC_FULL);
	/* What shrinks, renews or holds is not refused. */
	assert_int_equal(flight_renew(f->r, &flight, &e), RC_OK);
	flight_release(f->r, &flight);
	assert_int_equal(
	    ctl(f, "HGET stocknity:flight:{DJIA} lease_until_us"), 0);
	assert_int_equal(
	    guard_report(guard, "finviz", &g, RC_LIMITED, 5000, &hold, &e),
	    RC_OK);
	assert_true(hold > 4000);
	assert_int_equal(
	    cache_get(f->r, &djia, -1, CACHE_COUNT_ALL, &entry, NULL, &e),
	    RC_OK);
	assert_int_equal(entry.state, CACHE_FRESH);
	assert_int_equal(entry.fetched_us, 100);
	assert_string_equal(entry.bytes, envelope);
	cache_entry_fini(&entry);
	ctl(f, "CONFIG SET maxmemory 0");
	assert_int_equal(put(f, 200, &e), RC_OK);
	guard_close(guard);
}

static void
a_replica_is_read_but_not_written(void **state)
{
	struct fixture *f = *state;
	struct cache_entry entry;
	struct err e;

	assert_int_equal(put(f, 100, NULL), RC_OK);
	ctl(f, "REPLICAOF 127.0.0.1 1");
	assert_int_equal(take(f, &e), RC_DENIED);
	assert_int_equal(put(f, 200, &e), RC_DENIED);
	assert_int_equal(
	    cache_get(f->r, &djia, -1, CACHE_COUNT_ALL, &entry, NULL, &e),
	    RC_OK);
	assert_int_equal(entry.state, CACHE_FRESH);
	cache_entry_fini(&entry);
	ctl(f, "CONFIG SET replica-serve-stale-data no");
	assert_int_equal(call1(f->r, "GET", "k", NULL, &e), RC_BUSY);
	ctl(f, "CONFIG SET replica-serve-stale-data yes");
	ctl(f, "REPLICAOF NO ONE");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(arguments_and_answers_may_hold_any_bytes),
		WITH_REDIS(a_pipeline_gives_all_answers_though_one_is_an_error),
		WITH_REDIS(questions_and_answers_that_do_not_match_are_our_bug),
		WITH_REDIS(the_sums_of_the_scripts_are_those_that_redis_makes),
		WITH_REDIS(a_script_survives_a_flush_of_the_scripts),
		WITH_REDIS(a_password_is_asked_for_and_never_shown),
		WITH_REDIS(the_database_is_the_one_asked_for),
		WITH_REDIS(
		    addresses_that_we_cannot_use_are_a_matter_of_configuration),
		WITH_REDIS(a_host_that_begins_with_a_slash_is_a_socket),
		WITH_REDIS(what_a_user_may_not_do_is_denied),
		WITH_REDIS(a_key_of_another_type_is_invalid),
		WITH_REDIS(a_full_redis_refuses_whole_but_is_read),
		WITH_REDIS(a_replica_is_read_but_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

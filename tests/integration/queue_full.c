/*
 * What the queue costs, and what it does when Redis is full.
 */
#include "queue_fixture.h"

static struct task many[QUEUE_CLAIM_LIGHT];
static struct task_spec specs[QUEUE_BATCH];
static struct enqueue_result results[QUEUE_BATCH];
static char texts[QUEUE_BATCH][32];

/* n probes from number from on, in batches. */
static void
fill(struct queue *q, int from, int n, enum priority p)
{
	struct err e = { 0 };
	size_t at = 0;

	for (int i = 0; i < n; i++) {
		snprintf(texts[at], sizeof(texts[at]), "probe %d", from + i);
		specs[at] = probe(texts[at]);
		specs[at++].priority = p;
		if (at < QUEUE_BATCH && i < n - 1)
			continue;
		if (queue_enqueue(q, specs, at, results, &e) != RC_OK)
			fail_msg("%s", e.msg);
		for (size_t k = 0; k < at; k++)
			assert_int_equal(results[k].what, ENQUEUED_NEW);
		at = 0;
	}
}

static long long
used_memory(struct fixture *f)
{
	redisReply *reply = redisCommand(f->ctl, "INFO memory");
	const char *at;
	long long n;

	assert_non_null(reply);
	at = strstr(reply->str, "used_memory:");
	assert_non_null(at);
	n = strtoll(at + strlen("used_memory:"), NULL, 10);
	freeReplyObject(reply);
	return n;
}

static void
a_waiting_task_takes_at_most_700_bytes(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	long long before, each;

	fill(q, 1000000, 1, PRIORITY_LOW); /* scripts, connections */
	for (int p = 0; p < PRIORITY__MAX; p++) {
		before = used_memory(f);
		fill(q, p * 10000, 10000, (enum priority)p);
		each = (used_memory(f) - before) / 10000;
		print_message("%s: %lld bytes a task\n",
		    task_priority_name((enum priority)p), each);
		assert_in_range(each, 100, 700);
	}
	queue_close(q);
}

static void
the_longest_task_stays_compact(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct enqueue_result r =
	    put(q, fetch("RUSSELL 2000", "Communication Services"));
	char text[256];
	struct task t = { 0 };

	assert_int_equal(take(q, &t), 1);
	assert_int_equal(
	    failed(q, &t, RC_NET, ctl_text(f, text, "PING")), RC_OK);
	assert_true(ctl(f, "MEMORY USAGE " K "task:%s", r.id) <= 700);
	/* "ziplist" before Redis 7 */
	ctl_text(f, text, "OBJECT ENCODING " K "task:%s", r.id);
	assert_true(
	    strcmp(text, "listpack") == 0 || strcmp(text, "ziplist") == 0);
	queue_close(q);
}

/* A look behind the back of a full Redis. */
static void
with_room(struct fixture *f, void (*what)(struct fixture *, const char *),
    const char *id)
{
	ctl(f, "CONFIG SET maxmemory 0");
	what(f, id);
	ctl(f, "CONFIG SET maxmemory 1");
}

/* What is in it, for comparing. */
static long long
content(struct fixture *f)
{
	return ctl(f, "DBSIZE") * 1000000 + ctl(f, "ZCARD " K "ready") * 1000 +
	       ctl(f, "HLEN " K "unique");
}

static void
a_full_redis_refuses_enqueue_whole(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s = probe("7"), batch[2];
	struct enqueue_result r[2];
	struct task t = { 0 };
	long long before;

	fill(q, 0, 10, PRIORITY_NORMAL);
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(failed(q, &t, RC_BLOCKED, "no"), RC_OK);
	before = content(f);
	ctl(f, "CONFIG SET maxmemory 1");
	batch[0] = probe("probe 1"); /* merged */
	batch[1] = probe("fresh");
	assert_int_equal(queue_enqueue(q, batch, 2, r, NULL), RC_FULL);
	batch[0] = probe("fresher");
	assert_int_equal(queue_enqueue(q, batch, 2, r, NULL), RC_FULL);
	s.delay_ms = 5000;
	assert_int_equal(queue_enqueue(q, &s, 1, r, NULL), RC_FULL);
	assert_int_equal(queue_requeue(q, t.id, NULL), RC_FULL);
	assert_int_equal(queue_pause(q, "full", 0, NULL), RC_FULL);
	assert_int_equal(queue_resume(q, NULL), RC_OK);
	ctl(f, "CONFIG SET maxmemory 0");
	assert_int_equal(content(f), before);
	assert_sound(q);
	queue_close(q);
}

static void
a_full_redis_lets_the_queue_drain(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s = probe("delayed");
	struct enqueue_result later;
	struct queue_stats st;
	int cancelled = 0;
	int64_t n = 0;

	fill(q, 0, 10, PRIORITY_NORMAL);
	s.delay_ms = 60000;
	s.priority = PRIORITY_LOW;
	later = put(q, s);
	ctl(f, "CONFIG SET maxmemory 1");
	assert_int_equal(take_some(q, many, 6, NULL), 6);
	assert_int_equal(
	    queue_renew(q, &many[0], "half", &cancelled, NULL), RC_OK);
	assert_int_equal(done(q, &many[0]), RC_OK);
	assert_int_equal(failed(q, &many[1], RC_NET, "reset"), RC_OK);
	assert_int_equal(failed(q, &many[2], RC_BLOCKED, "no"), RC_OK);
	assert_int_equal(queue_release(q, &many[3], 0, NULL, NULL), RC_OK);
	assert_int_equal(queue_release(q, &many[4], 9000, NULL, NULL), RC_OK);
	assert_int_equal(cancel(q, many[5].id), RC_OK);
	with_room(f, expire, many[5].id); /* cancelled */
	with_room(f, make_due, later.id);
	assert_int_equal(take_some(q, many, 1, NULL), 1);
	assert_string_equal(many[0].index, "probe 3");
	with_room(f, expire, many[0].id);
	assert_int_equal(cancel(q, many[3].id), RC_OK);
	assert_int_equal(cancel(q, later.id), RC_OK);
	assert_int_equal(take_some(q, many, 50, NULL), 4);
	assert_int_equal(queue_complete(q, many, NULL, 4, NULL, NULL), RC_OK);
	assert_int_equal(queue_purge(q, 0, &n, NULL), RC_OK);
	assert_int_equal(n, 9);
	assert_int_equal(queue_stats(q, &st, NULL), RC_OK);
	assert_int_equal(st.scheduled, 2);
	assert_int_equal(st.pending + st.processing, 0);
	ctl(f, "CONFIG SET maxmemory 0");
	assert_sound(q);
	queue_close(q);
}

/* The commands that Redis runs for a claim. */
static long long
commands_of_one(struct fixture *f, struct queue *q)
{
	redisReply *reply;
	const char *at;
	long long calls = 0;
	struct task t = { 0 };

	ctl(f, "CONFIG RESETSTAT");
	assert_int_equal(take(q, &t), 1);
	reply = redisCommand(f->ctl, "INFO commandstats");
	assert_non_null(reply);
	for (at = reply->str; (at = strstr(at, ":calls=")) != NULL; at++)
		calls += strtoll(at + strlen(":calls="), NULL, 10);
	freeReplyObject(reply);
	return calls;
}

/* The work of Redis for a claim, not the time of this machine; the least of a
 * few, as now and then one forgets what is too old. */
static long long
commands_of_a_claim(struct fixture *f, struct queue *q)
{
	long long least = commands_of_one(f, q);

	for (int i = 0; i < 4; i++) {
		long long n = commands_of_one(f, q);

		least = n < least ? n : least;
	}
	return least;
}

static void
a_claim_does_not_care_how_many_wait(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	long long few, lots;

	fill(q, 0, 300, PRIORITY_NORMAL);
	commands_of_a_claim(f, q); /* the script is known then */
	few = commands_of_a_claim(f, q);
	fill(q, 300, 20000, PRIORITY_NORMAL);
	lots = commands_of_a_claim(f, q);
	assert_int_equal(few, lots);
	queue_close(q);
}

static void
finished_sets_are_capped(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	size_t n;

	for (int i = 0; i < 4; i++) {
		fill(q, i * 6000, 6000, PRIORITY_NORMAL);
		while ((n = take_some(q, many, 50, NULL)) > 0)
			assert_int_equal(
			    queue_complete(q, many, NULL, n, NULL, NULL),
			    RC_OK);
	}
	/* Forgotten every 500 tasks; and where a lease ran out. */
	assert_in_range(ctl(f, "ZCARD " K "completed"), 10000, 10550);
	ctl(f, "ZADD " K "processing 1 none");
	assert_int_equal(take_some(q, many, 50, NULL), 0);
	assert_int_equal(ctl(f, "ZCARD " K "completed"), 10000);
	/* beside the tasks: completed, stats and config */
	assert_int_equal(ctl(f, "DBSIZE"), ctl(f, "ZCARD " K "completed") + 3);
	assert_sound(q);
	queue_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(a_waiting_task_takes_at_most_700_bytes),
		WITH_REDIS(the_longest_task_stays_compact),
		WITH_REDIS(a_full_redis_refuses_enqueue_whole),
		WITH_REDIS(a_full_redis_lets_the_queue_drain),
		WITH_REDIS(a_claim_does_not_care_how_many_wait),
		WITH_REDIS(finished_sets_are_capped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The care of the queue in a real Redis: pause, batches, limits, purge, and
 * what is refused.
 */
#include "queue_fixture.h"

static struct task many[QUEUE_CLAIM_LIGHT];

static void
a_pause_ends_by_itself_or_by_resume(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct queue_stats s;
	struct task t = { 0 };
	int64_t next;

	put(q, probe("p"));
	assert_int_equal(queue_pause(q, "upgrade", 0, NULL), RC_OK);
	assert_int_equal(take(q, &t), 0);
	assert_int_equal(queue_stats(q, &s, NULL), RC_OK);
	assert_int_equal(s.paused, 1);
	assert_string_equal(s.pause_reason, "upgrade");
	assert_int_equal(queue_resume(q, NULL), RC_OK);
	assert_int_equal(queue_stats(q, &s, NULL), RC_OK);
	assert_int_equal(s.paused, 0);
	assert_int_equal(queue_pause(q, "a while", 60000, NULL), RC_OK);
	assert_int_equal(take_some(q, many, 1, &next), 0);
	assert_in_range(next, 50000, 60000);
	ctl(f, "HSET " K "config pause_until 1");
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(queue_stats(q, &s, NULL), RC_OK);
	assert_int_equal(s.paused, 0);
	queue_close(q);
}

static void
light_tasks_come_together_heavy_ones_alone(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s;
	char text[16];
	int64_t token;

	for (int i = 0; i < 70; i++) {
		snprintf(text, sizeof(text), "p%d", i);
		s = probe(text);
		if (i == 60)
			s = fetch("DJIA", "Any");
		put(q, s);
	}
	assert_int_equal(take_some(q, many, 50, NULL), 50);
	token = many[0].token;
	assert_int_equal(take_some(q, many, 50, NULL), 10);
	assert_true(many[0].token > token);
	assert_int_equal(take_some(q, many, 50, NULL), 1);
	assert_int_equal(many[0].type, TASK_FETCH);
	assert_int_equal(take_some(q, many, 50, NULL), 9);
	assert_string_equal(many[0].index, "p61");
	queue_close(q);
}

static void
a_turn_completes_and_claims(void **state)
{
	const struct claim how = { .owner = "test:1", .most = 2 };
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	const char *results[] = { "{\"n\":1}", "{\"n\":2}" };
	char ids[5][TASK_ID + 1];
	size_t n = 2, lost = 9;
	char text[8];
	int64_t next;

	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "t%d", i);
		memcpy(ids[i], put(q, probe(text)).id, sizeof(ids[i]));
	}
	assert_int_equal(take_some(q, many, 2, NULL), 2);
	ctl(f, "SCRIPT FLUSH");
	assert_int_equal(
	    queue_turn(q, many, results, &n, &lost, &how, &next, NULL), RC_OK);
	assert_int_equal(n, 2);
	assert_int_equal(lost, 0);
	assert_string_equal(many[0].id, ids[2]);
	assert_string_equal(many[1].index, "t3");
	assert_status(q, ids[0], TASK_COMPLETED);
	assert_string_equal(get(q, ids[1]).result, results[1]);
	expire(f, ids[2]); /* one is not ours any more */
	assert_int_equal(take_some(q, many + 2, 1, NULL), 1);
	assert_string_equal(many[2].id, ids[2]);
	assert_int_equal(
	    queue_turn(q, many, results, &n, &lost, &how, &next, NULL), RC_OK);
	assert_int_equal(lost, 1);
	assert_int_equal(n, 1);
	assert_string_equal(many[0].id, ids[4]);
	assert_status(q, ids[2], TASK_PROCESSING);
	assert_status(q, ids[3], TASK_COMPLETED);
	assert_int_equal(
	    queue_turn(q, many, results, &n, &lost, &how, &next, NULL), RC_OK);
	assert_int_equal(n, 0);
	assert_in_range(next, 1, 60000); /* the lease that is left */
	assert_sound(q);
	queue_close(q);
}

static void
a_slot_is_accepted_once_with_its_tasks(void **state)
{
	struct fixture *f = *state;
	struct task_spec specs[] = { probe("a"), probe("b") };
	struct enqueue_result r[2];
	struct queue *q;
	enum slot_fate fate = SLOT_STOPPED;

	f->config.queue_max = 3; /* normal tasks: 2 and a bit, which is 3 */
	q = open_queue(f);
	assert_int_equal(
	    queue_accept(q, "daily:1", "run", specs, 2, r, &fate, NULL), RC_OK);
	assert_int_equal(fate, SLOT_ACCEPTED);
	assert_int_equal(r[1].what, ENQUEUED_NEW);
	assert_true(ctl(f, "HGET " K "slots daily:1") > 0);
	assert_int_equal(
	    queue_accept(q, "daily:1", "run", specs, 2, r, &fate, NULL), RC_OK);
	assert_int_equal(fate, SLOT_TAKEN);
	assert_int_equal(ctl(f, "ZCARD " K "ready"), 2);
	specs[0] = probe("c");
	specs[1] = probe("d");
	assert_int_equal(
	    queue_accept(q, "daily:2", "run", specs, 2, r, &fate, NULL),
	    RC_FULL);
	assert_int_equal(ctl(f, "HLEN " K "slots"), 1);
	assert_int_equal(ctl(f, "ZCARD " K "ready"), 2);
	assert_int_equal(
	    queue_accept(q, "weekly:1", "run", NULL, 0, NULL, &fate, NULL),
	    RC_OK);
	assert_int_equal(fate, SLOT_ACCEPTED);
	/* Beside one of its own job that is newer; what is no slot is none. */
	assert_int_equal(
	    queue_accept(q, "weekly:0", "run", NULL, 0, NULL, &fate, NULL),
	    RC_OK);
	assert_int_equal(fate, SLOT_OLDER);
	ctl(f, "HSET " K "slots weekly:3 %s", "x");
	assert_int_equal(
	    queue_accept(q, "weekly:2", "run", NULL, 0, NULL, &fate, NULL),
	    RC_OK);
	assert_int_equal(fate, SLOT_ACCEPTED);
	ctl(f, "HSET " K "slots switch %s", "0 1763000000000000"); /* off */
	assert_int_equal(
	    queue_accept(q, "weekly:4", "run", NULL, 0, NULL, &fate, NULL),
	    RC_OK);
	assert_int_equal(fate, SLOT_STOPPED);
	assert_sound(q);
	queue_close(q);
}

static void
the_limit_depends_on_the_priority(void **state)
{
	static const int want[] = { 70, 80, 90, 100 };
	struct fixture *f = *state;
	struct enqueue_result r;
	struct queue_stats st;
	struct task_spec s;
	struct queue *q;
	char text[16];
	int n = 0;

	f->config.queue_max = 100;
	q = open_queue(f);
	for (; n < 60; n++) {
		snprintf(text, sizeof(text), "%d", n);
		put(q, probe(text));
	}
	for (int i = 0; i < 160; i++) {
		snprintf(text, sizeof(text), "p%d", i);
		s = probe(text);
		s.priority = (enum priority)(i / 40);
		s.delay_ms = i % 2 ? 10000 : 0;
		r = put(q, s);
		assert_int_equal(r.what,
		    n < want[s.priority] ? ENQUEUED_NEW : ENQUEUED_FULL);
		n += r.what == ENQUEUED_NEW;
	}
	assert_int_equal(n, 100);
	s = probe("p0"); /* equal work merges even then */
	assert_int_equal(put(q, s).what, ENQUEUED_MERGED);
	assert_int_equal(queue_stats(q, &st, NULL), RC_OK);
	assert_int_equal(st.enqueued, 100);
	assert_int_equal(st.refused, 120);
	assert_int_equal(st.merged, 1);
	queue_close(q);
}

static void
finished_tasks_are_bounded_and_purged(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	char ids[3][TASK_ID + 1];
	struct enqueue_result r;
	struct task t = { 0 };
	int64_t n = 0, old = redis_now(f) - 8 * SECOND * 86400;
	size_t listed;

	r = put(q, probe("old"));
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(done(q, &t), RC_OK);
	ctl(f, "ZADD " K "completed %lld %s", ll(old), r.id);
	r = put(q, probe("new"));
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(done(q, &t), RC_OK);
	assert_int_equal(
	    queue_list(q, "completed", 3, ids, &listed, NULL), RC_OK);
	assert_in_range(listed, 1, 2); /* its age is looked at now and then */
	assert_string_equal(ids[0], r.id);
	assert_int_equal(queue_purge(q, 3600000, &n, NULL), RC_OK);
	assert_int_equal(n, listed - 1);
	assert_int_equal(queue_purge(q, 0, &n, NULL), RC_OK);
	assert_int_equal(n, 1);
	assert_int_equal(ctl(f, "EXISTS " K "task:%s", r.id), 0);
	assert_int_equal(
	    queue_list(q, "nonsense", 3, ids, &listed, NULL), RC_USAGE);
	assert_sound(q);
	queue_close(q);
}

static void
scripts_that_redis_forgot_are_sent_again(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task t = { 0 };

	for (int i = 0; i < 3; i++) {
		ctl(f, "SCRIPT FLUSH");
		put(q, probe("p"));
		ctl(f, "SCRIPT FLUSH");
		assert_int_equal(take(q, &t), 1);
		ctl(f, "SCRIPT FLUSH");
		assert_int_equal(done(q, &t), RC_OK);
	}
	queue_close(q);
}

static void
what_cannot_be_asked_for_is_refused(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s =
	    probe("1234567890123456789012345678901234567890123456789012345678");
	struct enqueue_result r;

	assert_int_equal(queue_enqueue(q, &s, 1, &r, NULL), RC_USAGE);
	s = probe("p");
	snprintf(s.id, sizeof(s.id), "not-an-id");
	assert_int_equal(queue_enqueue(q, &s, 1, &r, NULL), RC_USAGE);
	s = probe("p");
	s.delay_ms = -1;
	assert_int_equal(queue_enqueue(q, &s, 1, &r, NULL), RC_USAGE);
	assert_int_equal(
	    queue_enqueue(q, &s, QUEUE_BATCH + 1, &r, NULL), RC_USAGE);
	assert_int_equal(queue_enqueue(q, &s, 0, &r, NULL), RC_OK);
	assert_int_equal(ctl(f, "DBSIZE"), 0);
	queue_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(a_pause_ends_by_itself_or_by_resume),
		WITH_REDIS(light_tasks_come_together_heavy_ones_alone),
		WITH_REDIS(a_turn_completes_and_claims),
		WITH_REDIS(a_slot_is_accepted_once_with_its_tasks),
		WITH_REDIS(the_limit_depends_on_the_priority),
		WITH_REDIS(finished_tasks_are_bounded_and_purged),
		WITH_REDIS(scripts_that_redis_forgot_are_sent_again),
		WITH_REDIS(what_cannot_be_asked_for_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

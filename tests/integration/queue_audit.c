/*
 * The audit of the queue in a real Redis: what it finds, and what it repairs.
 */
#include "queue_fixture.h"

/* Each of the queue's keys as something else: an error, and nothing changed. */
static void
a_key_of_another_type_changes_nothing(void **state)
{
	static const char *const keys[] = { "ready", "scheduled", "unique",
		"config" };
	struct fixture *f = *state;
	struct enqueue_result r;
	struct task_spec s = probe("p");

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct queue *q;

		ctl(f, "FLUSHALL");
		q = open_queue(f);
		ctl(f, "SET " K "%s foreign", keys[i]);
		assert_int_not_equal(queue_enqueue(q, &s, 1, &r, NULL), RC_OK);
		assert_int_equal(ctl(f, "DBSIZE"), 1);
		queue_close(q);
	}
}

/* Neither a foreign key of a task nor one of a type of tomorrow is in the way
 * of the rest. */
static void
strays_stop_nobody(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct queue_audit audit;
	struct task t = { 0 };
	struct enqueue_result r;

	for (int i = 0; i < 500; i++)
		ctl(f, "ZADD " K "ready %d stray-%d", i, i);
	ctl(f, "SET " K "task:stray-7 foreign");
	ctl(f, "HSET " K "task:stray-9 spec 10tomorrow|x|y status pending");
	r = put(q, probe("p"));
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.id, r.id);
	assert_int_equal(done(q, &t), RC_OK);
	assert_int_equal(ctl(f, "ZCARD " K "scheduled"), 1);
	assert_int_equal(queue_audit(q, 0, &audit, NULL), RC_OK);
	assert_int_equal(audit.strays, 1); /* the foreign key */
	queue_close(q);
}

static void
equal_work_held_twice_is_found(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s = probe("p");
	struct enqueue_result a = put(q, s), b;
	struct queue_audit audit;

	ctl(f, "DEL " K "unique");
	s.force = 1;
	b = put(q, s);
	assert_int_equal(b.what, ENQUEUED_NEW);
	ctl(f, "HSET " K "unique probe|p| %s", a.id);
	assert_int_equal(queue_audit(q, 1, &audit, NULL), RC_OK);
	assert_int_equal(audit.duplicates, 1);
	assert_int_equal(audit.repaired, 1);
	assert_status(q, b.id, TASK_CANCELLED);
	assert_status(q, a.id, TASK_PENDING);
	assert_int_equal(get(q, a.id).force, 1);
	assert_sound(q);
	queue_close(q);
}

/* Two repairs must never be needed. */
static void
damage_is_mended_at_once(void **state)
{
	static const char *const damages[] = { "HDEL " K "task:%s spec",
		"HSET " K "task:%s spec 9xbroken", "ZREM " K "ready %s",
		"HSET " K "task:%s status processing",
		"HDEL " K "task:%s status", "ZADD " K "processing 1 %s",
		"ZADD " K "completed 1 %s", "DEL " K "unique",
		"HSET " K "unique probe|p| %s-no" };
	struct fixture *f = *state;
	struct queue_audit audit;
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct enqueue_result a, b;
		struct task_spec s = probe("p");
		struct queue *q;

		ctl(f, "FLUSHALL");
		q = open_queue(f);
		a = put(q, s);
		ctl(f, damages[i], a.id);
		s.priority = PRIORITY_URGENT;
		s.force = 1;
		b = put(q, s); /* merged, or new where the damage hides it */
		if (queue_audit(q, 1, &audit, &e) != RC_OK)
			fail_msg("%s: %s", damages[i], e.msg);
		if (queue_audit(q, 0, &audit, &e) != RC_OK ||
		    audit.orphans + audit.duplicates > 0 ||
		    audit.strays > (i < 2)) /* no task: nothing is deleted */
			fail_msg("%s: not mended: %lld %lld %lld", damages[i],
			    ll(audit.orphans), ll(audit.strays),
			    ll(audit.duplicates));
		assert_int_equal(get(q, b.id).priority, PRIORITY_URGENT);
		queue_close(q);
	}
}

static void
counts_and_lists_agree(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s = probe("low");
	struct queue_stats st;
	struct task t = { 0 };

	s.priority = PRIORITY_LOW;
	put(q, s);
	for (int i = 0; i < 4; i++) {
		char text[8];

		snprintf(text, sizeof(text), "%d", i);
		put(q, probe(text));
	}
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(done(q, &t), RC_OK);
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(failed(q, &t, RC_BLOCKED, "no"), RC_OK);
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(queue_stats(q, &st, NULL), RC_OK);
	assert_int_equal(st.pending, 2);
	assert_int_equal(st.by_priority[PRIORITY_LOW], 1);
	assert_int_equal(st.by_priority[PRIORITY_NORMAL], 1);
	assert_int_equal(st.processing, 1);
	assert_int_equal(st.completed, 1);
	assert_int_equal(st.failed, 1);
	assert_int_equal(st.enqueued, 5);
	assert_int_equal(st.claimed, 3);
	assert_int_equal(st.done, 1);
	assert_int_equal(st.dead, 1);
	assert_int_equal(st.done_minute, 1);
	assert_int_equal(st.failed_minute, 1);
	assert_int_equal(st.expired, 0);
	assert_in_range(st.oldest_us, st.now_us - 5 * SECOND, st.now_us);
	expire(f, t.id);
	assert_int_equal(queue_stats(q, &st, NULL), RC_OK);
	assert_int_equal(st.expired, 1);
	queue_close(q);
}

static void
the_audit_finds_and_repairs(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct enqueue_result a = put(q, probe("a")), b = put(q, probe("b"));
	struct enqueue_result c = put(q, probe("c"));
	struct queue_audit audit;
	struct task t = { 0 };

	ctl(f, "ZREM " K "ready %s", a.id);            /* an orphan */
	ctl(f, "ZADD " K "scheduled 5 %s", b.id);      /* in two sets */
	ctl(f, "ZADD " K "failed 5 %s", "no-such-id"); /* without a task */
	ctl(f, "HSET " K "unique %s %s", "probe|x|", "no-such-id");
	ctl(f, "HDEL " K "unique %s", "probe|c|");
	assert_int_equal(queue_audit(q, 0, &audit, NULL), RC_OK);
	assert_int_equal(audit.tasks, 3);
	assert_int_equal(audit.orphans, 1);
	assert_int_equal(audit.strays, 2);
	assert_int_equal(audit.duplicates, 2);
	assert_int_equal(audit.repaired, 0);
	assert_int_equal(queue_audit(q, 1, &audit, NULL), RC_OK);
	assert_int_equal(audit.repaired, 5);
	assert_sound(q);
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.id, a.id); /* to its place in line */
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.id, b.id);
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.id, c.id);
	queue_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(a_key_of_another_type_changes_nothing),
		WITH_REDIS(strays_stop_nobody),
		WITH_REDIS(equal_work_held_twice_is_found),
		WITH_REDIS(damage_is_mended_at_once),
		WITH_REDIS(counts_and_lists_agree),
		WITH_REDIS(the_audit_finds_and_repairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

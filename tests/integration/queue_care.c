/*
 * The care of the queue in a real Redis: pause, batches, limits, counts, purge,
 * audit, and what is refused.
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
a_merged_id_is_remembered(void **state)
{
	static const char id[] = "01920000-0000-7000-8000-000000000001";
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s = probe("same");
	struct enqueue_result a = put(q, s), b;
	struct task t = { 0 };

	memcpy(s.id, id, sizeof(id));
	b = put(q, s);
	assert_int_equal(b.what, ENQUEUED_MERGED);
	assert_string_equal(b.id, a.id);
	assert_string_equal(get(q, id).id, a.id);
	assert_in_range(ctl(f, "TTL " K "task:%s", id), 604700, 604800);
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(done(q, &t), RC_OK);
	b = put(q, s); /* sent again when that has ended: not once more */
	assert_int_equal(b.what, ENQUEUED_MERGED);
	assert_string_equal(b.id, a.id);
	assert_int_equal(take(q, &t), 0);
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
aliases_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	static struct task_spec many_same[QUEUE_BATCH];
	static struct enqueue_result r[QUEUE_BATCH];

	put(q, probe("same"));
	for (int turn = 0; turn < 12; turn++) {
		for (size_t i = 0; i < QUEUE_BATCH; i++) {
			many_same[i] = probe("same");
			if (turn < 11)
				task_new_id(many_same[i].id);
		}
		assert_int_equal(
		    queue_enqueue(q, many_same, QUEUE_BATCH, r, NULL), RC_OK);
	}
	assert_int_equal(ctl(f, "LLEN " K "aliases"), 10000);
	/* beside them: the task, ready, unique, stats, config, aliases */
	assert_int_equal(ctl(f, "DBSIZE"), 10006);
	assert_sound(q);
	queue_close(q);
}

static void
a_delayed_ask_for_a_cancelled_task_waits(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s = probe("p");
	struct enqueue_result r = put(q, s);
	struct task t = { 0 };

	for (int how = 0; how < 3; how++) {
		assert_int_equal(take(q, &t), 1);
		assert_int_equal(cancel(q, r.id), RC_OK);
		s.delay_ms = 60000;
		assert_int_equal(put(q, s).what, ENQUEUED_MERGED);
		if (how == 0)
			assert_int_equal(
			    queue_release(q, &t, 0, NULL, NULL), RC_OK);
		else if (how == 1)
			assert_int_equal(failed(q, &t, RC_NET, "reset"), RC_OK);
		else
			expire(f, t.id);
		assert_int_equal(take(q, &t), 0);
		assert_status(q, r.id, TASK_SCHEDULED);
		make_due(f, r.id);
	}
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
		WITH_REDIS(a_merged_id_is_remembered),
		WITH_REDIS(a_slot_is_accepted_once_with_its_tasks),
		WITH_REDIS(a_key_of_another_type_changes_nothing),
		WITH_REDIS(strays_stop_nobody),
		WITH_REDIS(equal_work_held_twice_is_found),
		WITH_REDIS(damage_is_mended_at_once),
		WITH_REDIS(aliases_are_bounded),
		WITH_REDIS(a_delayed_ask_for_a_cancelled_task_waits),
		WITH_REDIS(the_limit_depends_on_the_priority),
		WITH_REDIS(finished_tasks_are_bounded_and_purged),
		WITH_REDIS(counts_and_lists_agree),
		WITH_REDIS(the_audit_finds_and_repairs),
		WITH_REDIS(scripts_that_redis_forgot_are_sent_again),
		WITH_REDIS(what_cannot_be_asked_for_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

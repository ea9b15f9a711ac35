/*
 * Equal work is one task, in a real Redis.
 */
#include "queue_fixture.h"

static void
equal_work_is_one_task(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s = fetch("DJIA", "Any"), batch[3];
	struct enqueue_result first, r, rs[3];
	struct task t = { 0 };

	first = put(q, s);
	put(q, probe("between"));
	r = put(q, s);
	assert_int_equal(r.what, ENQUEUED_MERGED);
	assert_string_equal(r.id, first.id);
	/* raised, and forced; never lowered */
	s.priority = PRIORITY_URGENT;
	s.force = 1;
	assert_int_equal(put(q, s).what, ENQUEUED_MERGED);
	s.priority = PRIORITY_LOW;
	s.force = 0;
	assert_int_equal(put(q, s).what, ENQUEUED_MERGED);
	t = get(q, first.id);
	assert_int_equal(t.priority, PRIORITY_URGENT);
	assert_int_equal(t.force, 1);
	/* the very id: nothing changes, whatever it says */
	memcpy(s.id, first.id, sizeof(s.id));
	s.dataset.index = "S&P 500";
	assert_int_equal(put(q, s).what, ENQUEUED_SAME);
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.id, first.id);
	assert_int_equal(done(q, &t), RC_OK);
	assert_int_equal(put(q, s).what, ENQUEUED_SAME);
	/* ended work is new work */
	assert_int_equal(put(q, fetch("DJIA", "Any")).what, ENQUEUED_NEW);
	/* within a batch too */
	batch[0] = probe("x");
	batch[1] = probe("y");
	batch[2] = probe("x");
	batch[2].priority = PRIORITY_URGENT;
	assert_int_equal(queue_enqueue(q, batch, 3, rs, NULL), RC_OK);
	assert_int_equal(rs[2].what, ENQUEUED_MERGED);
	assert_string_equal(rs[2].id, rs[0].id);
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.index, "x");
	assert_sound(q);
	queue_close(q);
}

static void
force_on_a_running_task_runs_it_once_more(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s = fetch("DJIA", "Any");
	struct enqueue_result r = put(q, s);
	struct task t = { 0 };

	assert_int_equal(take(q, &t), 1);
	assert_int_equal(put(q, s).what, ENQUEUED_MERGED);
	assert_int_equal(get(q, r.id).rerun_us, 0);
	s.force = 1;
	s.priority = PRIORITY_URGENT;
	assert_int_equal(put(q, s).what, ENQUEUED_MERGED);
	assert_true(get(q, r.id).rerun_us > 0);
	assert_int_equal(done(q, &t), RC_OK);
	assert_status(q, r.id, TASK_PENDING);
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.id, r.id);
	assert_int_equal(t.priority, PRIORITY_URGENT);
	assert_int_equal(t.force, 1);
	/* a permanent failure of a run that was asked for again */
	assert_int_equal(put(q, s).what, ENQUEUED_MERGED);
	assert_int_equal(failed(q, &t, RC_BLOCKED, "no"), RC_OK);
	assert_status(q, r.id, TASK_PENDING);
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(t.retry_count, 0);
	assert_int_equal(done(q, &t), RC_OK);
	assert_status(q, r.id, TASK_COMPLETED);
	assert_sound(q);
	queue_close(q);
}

/* When it was asked for: at first, and by force since, whatever it does. */
static void
the_last_time_it_was_asked_for_is_known(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s = fetch("DJIA", "Any");
	struct enqueue_result r;
	struct task t = { 0 };
	int64_t asked;

	s.delay_ms = 60000;
	r = put(q, s);
	t = get(q, r.id);
	assert_true(t.created_us > 0);
	assert_int_equal(t.asked_us, t.created_us);
	s.delay_ms = 0;
	put(q, s);
	assert_int_equal(get(q, r.id).asked_us, t.created_us);
	s.force = 1;
	put(q, s);
	asked = get(q, r.id).asked_us;
	assert_true(asked > t.created_us);
	assert_int_equal(get(q, r.id).created_us, t.created_us);
	assert_int_equal(take(q, &t), 1);
	put(q, s);
	assert_true(get(q, r.id).asked_us > asked);
	asked = get(q, r.id).asked_us;
	assert_int_equal(done(q, &t), RC_OK);
	assert_status(q, r.id, TASK_PENDING);
	assert_int_equal(get(q, r.id).asked_us, asked);
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(queue_release(q, &t, 0, NULL, NULL), RC_OK);
	assert_int_equal(get(q, r.id).asked_us, asked);
	queue_close(q);
}

/* By force and later is asked for then; sooner, as soon as somebody does. */
static void
what_is_forced_later_is_asked_for_then(void **state)
{
	struct queue *q = open_queue(*state);
	struct task_spec s = fetch("DJIA", "Any");
	struct enqueue_result r;
	struct task t;
	int64_t asked;

	s.delay_ms = 60000;
	s.force = 1;
	r = put(q, s);
	t = get(q, r.id);
	assert_int_equal(t.asked_us, t.created_us + 60000000);
	s.delay_ms = 0;
	s.force = 0;
	put(q, s);
	asked = get(q, r.id).asked_us;
	assert_true(asked > t.created_us && asked < t.created_us + 60000000);
	/* One that failed is asked for by who puts it back. */
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(failed(q, &t, RC_BLOCKED, "no"), RC_OK);
	assert_int_equal(queue_requeue(q, r.id, NULL), RC_OK);
	assert_true(get(q, r.id).asked_us > asked);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(equal_work_is_one_task),
		WITH_REDIS(force_on_a_running_task_runs_it_once_more),
		WITH_REDIS(the_last_time_it_was_asked_for_is_known),
		WITH_REDIS(what_is_forced_later_is_asked_for_then),
		WITH_REDIS(a_merged_id_is_remembered),
		WITH_REDIS(aliases_are_bounded),
		WITH_REDIS(a_delayed_ask_for_a_cancelled_task_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

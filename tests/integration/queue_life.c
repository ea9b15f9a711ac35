/*
 * The life cycle of a task in a real Redis, an arrow after the other.
 */
#include "queue_fixture.h"

static struct task many[QUEUE_CLAIM_LIGHT];

static void
a_task_is_claimed_and_completed(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s = fetch("S&P 500", "Technology");
	struct enqueue_result r;
	struct task t = { 0 };
	int64_t position = 7, now = redis_now(f);

	s.force = 1;
	s.priority = PRIORITY_HIGH;
	r = put(q, s);
	assert_int_equal(r.what, ENQUEUED_NEW);
	assert_true(task_is_id(r.id));
	assert_int_equal(queue_get(q, r.id, &t, &position, NULL), RC_OK);
	assert_int_equal(position, 0);
	assert_int_equal(t.status, TASK_PENDING);
	assert_string_equal(t.index, "S&P 500");
	assert_string_equal(t.sector, "Technology");
	assert_int_equal(t.type, TASK_FETCH);
	assert_int_equal(t.force, 1);
	assert_int_equal(t.priority, PRIORITY_HIGH);
	assert_in_range(t.created_us, now, now + 5 * SECOND);

	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.id, r.id);
	assert_int_equal(t.type, TASK_FETCH);
	assert_string_equal(t.sector, "Technology");
	assert_int_equal(t.force, 1);
	assert_int_equal(t.priority, PRIORITY_HIGH);
	assert_int_equal(t.status, TASK_PROCESSING);
	assert_int_equal(t.lease_us - t.started_us, 60 * SECOND);
	assert_status(q, r.id, TASK_PROCESSING);
	assert_string_equal(get(q, r.id).owner, "test:1");
	assert_int_equal(take(q, &t), 0);

	assert_int_equal(done(q, &t), RC_OK);
	assert_status(q, r.id, TASK_COMPLETED);
	assert_string_equal(get(q, r.id).result, "{}");
	assert_int_equal(done(q, &t), RC_BUSY); /* once */
	assert_int_equal(ctl(f, "HLEN " K "unique"), 0);
	assert_sound(q);
	queue_close(q);
}

static void
an_unknown_task_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	char id[TASK_ID + 1];
	struct task t = { 0 };
	int64_t at;

	task_new_id(id);
	assert_int_equal(queue_get(q, id, &t, &at, NULL), RC_NOTFOUND);
	assert_int_equal(cancel(q, id), RC_NOTFOUND);
	assert_int_equal(queue_requeue(q, id, NULL), RC_NOTFOUND);
	queue_close(q);
}

static void
priorities_are_a_head_start(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	static const enum priority order[] = { PRIORITY_LOW, PRIORITY_HIGH,
		PRIORITY_NORMAL, PRIORITY_URGENT, PRIORITY_HIGH };
	static const char *const want[] = { "3", "1", "4", "2", "0", "old" };
	struct task_spec s;
	struct task t = { 0 };
	char text[8], id[TASK_ID + 1];

	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "%d", i);
		s = probe(text);
		s.priority = order[i];
		put(q, s);
	}
	/* a low one that has waited longer than the head start of urgent */
	s = probe("old");
	s.priority = PRIORITY_LOW;
	snprintf(id, sizeof(id), "%s", put(q, s).id);
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.index, want[0]);
	ctl(f, "ZINCRBY " K "ready -1801000000 %s", id);
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.index, "old");
	for (int i = 1; i < 5; i++) {
		assert_int_equal(take(q, &t), 1);
		assert_string_equal(t.index, want[i]);
	}
	queue_close(q);
}

static void
failures_are_retried_later_and_later(void **state)
{
	static const int64_t base[] = { 30, 60, 120, 240, 480, 900, 900 };
	struct fixture *f = *state;
	struct enqueue_result r;
	struct queue *q;
	struct task t = { 0 };
	int64_t now;

	f->config.task_max_attempts = 8;
	q = open_queue(f);
	r = put(q, probe("p"));
	for (int i = 0; i < 7; i++) {
		assert_int_equal(take(q, &t), 1);
		assert_int_equal(t.retry_count, i);
		now = redis_now(f);
		assert_int_equal(failed(q, &t, RC_NET, "reset"), RC_OK);
		t = get(q, r.id);
		assert_int_equal(t.status, TASK_SCHEDULED);
		assert_in_range(t.due_us, now + base[i] * SECOND / 2,
		    now + (base[i] + 1) * SECOND);
		assert_int_equal(take(q, &t), 0);
		make_due(f, r.id);
	}
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(failed(q, &t, RC_NET, "the last"), RC_OK);
	t = get(q, r.id);
	assert_int_equal(t.status, TASK_FAILED);
	assert_int_equal(t.nerrors, 8);
	assert_string_equal(t.errors[7].text, "network: the last");
	assert_int_equal(ctl(f, "HLEN " K "unique"), 0);
	assert_sound(q);
	queue_close(q);
}

static void
permanent_errors_fail_at_once(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct enqueue_result r = put(q, probe("p"));
	char longest[256];
	struct task t = { 0 };

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(failed(q, &t, RC_BLOCKED, longest), RC_OK);
	t = get(q, r.id);
	assert_int_equal(t.status, TASK_FAILED);
	assert_int_equal(t.nerrors, 1);
	assert_in_range(ctl(f, "HSTRLEN " K "task:%s e1", r.id), 60, 64);
	assert_int_equal(failed(q, &t, RC_NET, "again"), RC_BUSY);
	queue_close(q);
}

static void
retry_after_is_honoured(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct enqueue_result r = put(q, probe("p"));
	struct err why = { .rc = RC_LIMITED, .msg = "429" };
	int64_t now = redis_now(f);
	struct task_spec s = probe("p");
	struct task t = { 0 };

	assert_int_equal(take(q, &t), 1);
	assert_int_equal(queue_fail(q, &t, &why, 5000000, NULL), RC_OK);
	t = get(q, r.id);
	assert_in_range(t.due_us, now + 5000 * SECOND, now + 5005 * SECOND);
	/* and a retry keeps its time, whoever asks */
	s.force = 1;
	s.priority = PRIORITY_URGENT;
	assert_int_equal(put(q, s).what, ENQUEUED_MERGED);
	assert_int_equal(get(q, r.id).due_us, t.due_us);
	assert_int_equal(get(q, r.id).priority, PRIORITY_URGENT);
	queue_close(q);
}

static void
delayed_tasks_wait_for_their_time(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s = probe("later");
	struct enqueue_result r;
	int64_t next = -7;
	struct task t = { 0 };

	assert_int_equal(take_some(q, many, 1, &next), 0);
	assert_int_equal(next, -1);
	s.delay_ms = 60000;
	r = put(q, s);
	assert_status(q, r.id, TASK_SCHEDULED);
	assert_int_equal(take_some(q, many, 1, &next), 0);
	assert_in_range(next, 55000, 60000);
	/* the earlier one wins */
	s.delay_ms = 30000;
	assert_int_equal(put(q, s).what, ENQUEUED_MERGED);
	s.delay_ms = 90000;
	assert_int_equal(put(q, s).what, ENQUEUED_MERGED);
	assert_int_equal(take_some(q, many, 1, &next), 0);
	assert_in_range(next, 25000, 30000);
	make_due(f, r.id);
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.id, r.id);
	assert_int_equal(done(q, &t), RC_OK);
	/* without a delay it waits no longer */
	r = put(q, s);
	s.delay_ms = 0;
	assert_int_equal(put(q, s).what, ENQUEUED_MERGED);
	assert_status(q, r.id, TASK_PENDING);
	assert_sound(q);
	queue_close(q);
}

static void
released_tasks_are_not_charged(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct enqueue_result r = put(q, probe("p"));
	struct task t = { 0 };

	put(q, probe("behind"));
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(queue_release(q, &t, 0, NULL, NULL), RC_OK);
	assert_int_equal(queue_release(q, &t, 0, NULL, NULL), RC_BUSY);
	assert_int_equal(take(q, &t), 1); /* its place in line */
	assert_string_equal(t.id, r.id);
	assert_int_equal(queue_release(q, &t, 30000, NULL, NULL), RC_OK);
	t = get(q, r.id);
	assert_int_equal(t.status, TASK_SCHEDULED);
	assert_int_equal(t.retry_count, 0);
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.index, "behind");
	assert_sound(q);
	queue_close(q);
}

static void
lost_leases_go_to_the_next(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct enqueue_result r = put(q, probe("p"));
	struct task old = { 0 }, t = { 0 };
	int cancelled = 0;

	put(q, probe("behind"));
	assert_int_equal(take(q, &old), 1);
	expire(f, r.id);
	/* nobody came yet: it may still renew */
	assert_int_equal(
	    queue_renew(q, &old, "1 of 2", &cancelled, NULL), RC_OK);
	assert_string_equal(get(q, r.id).progress, "1 of 2");
	assert_true(get(q, r.id).lease_us > redis_now(f) + 55 * SECOND);
	expire(f, r.id);
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.id, r.id);
	assert_int_equal(t.lost, 1);
	assert_true(t.token > old.token);
	assert_int_equal(queue_renew(q, &old, "", &cancelled, NULL), RC_BUSY);
	assert_int_equal(queue_release(q, &old, 0, NULL, NULL), RC_BUSY);
	assert_int_equal(failed(q, &old, RC_NET, "late"), RC_BUSY);
	assert_int_equal(done(q, &old), RC_BUSY);
	/* an answer begins the count anew */
	assert_int_equal(queue_release(q, &t, 0, NULL, NULL), RC_OK);
	assert_int_equal(get(q, r.id).lost, 0);
	for (int i = 0; i < QUEUE_POISON; i++) {
		assert_int_equal(take(q, &t), 1);
		assert_string_equal(t.id, r.id);
		expire(f, r.id);
	}
	assert_int_equal(take(q, &t), 1);
	assert_string_equal(t.index, "behind");
	t = get(q, r.id);
	assert_int_equal(t.status, TASK_FAILED);
	assert_non_null(strstr(t.errors[t.nerrors - 1].text, "poison: 5"));
	assert_sound(q);
	queue_close(q);
}

static void
cancelling_ends_what_waits_and_tells_what_runs(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct task_spec s = probe("d");
	struct enqueue_result r = put(q, probe("p"));
	struct task t = { 0 };
	int cancelled = 0;

	assert_int_equal(cancel(q, r.id), RC_OK);
	assert_status(q, r.id, TASK_CANCELLED);
	assert_int_equal(cancel(q, r.id), RC_INVALID);
	s.delay_ms = 1000;
	r = put(q, s);
	assert_int_equal(cancel(q, r.id), RC_OK);
	assert_status(q, r.id, TASK_CANCELLED);

	for (int i = 0; i < 3; i++) { /* released, failed, lost */
		r = put(q, probe("p"));
		assert_int_equal(take(q, &t), 1);
		assert_int_equal(cancel(q, r.id), RC_OK);
		assert_int_equal(
		    queue_renew(q, &t, "", &cancelled, NULL), RC_OK);
		assert_int_equal(cancelled, 1);
		if (i == 0)
			assert_int_equal(
			    queue_release(q, &t, 0, NULL, NULL), RC_OK);
		else if (i == 1)
			assert_int_equal(failed(q, &t, RC_NET, "cut"), RC_OK);
		else
			expire(f, r.id);
		assert_int_equal(take(q, &t), 0);
		assert_status(q, r.id, TASK_CANCELLED);
	}
	/* whoever asks meanwhile is not swallowed, forced or not */
	r = put(q, probe("p"));
	assert_int_equal(take(q, &t), 1);
	assert_int_equal(cancel(q, r.id), RC_OK);
	assert_int_equal(put(q, probe("p")).what, ENQUEUED_MERGED);
	assert_int_equal(queue_release(q, &t, 0, NULL, NULL), RC_OK);
	assert_status(q, r.id, TASK_PENDING);
	assert_sound(q);
	queue_close(q);
}

static void
the_failed_go_back_with_fresh_attempts(void **state)
{
	struct fixture *f = *state;
	struct queue *q = open_queue(f);
	struct enqueue_result a = put(q, probe("a")), b = put(q, probe("b"));
	struct enqueue_result c = put(q, fetch("DJIA", "Any"));
	struct task t = { 0 };
	int64_t n = 0;

	while (take(q, &t) > 0)
		assert_int_equal(failed(q, &t, RC_BLOCKED, "no"), RC_OK);
	assert_int_equal(queue_requeue(q, a.id, NULL), RC_OK);
	assert_int_equal(queue_requeue(q, a.id, NULL), RC_INVALID);
	t = get(q, a.id);
	assert_int_equal(t.status, TASK_PENDING);
	assert_int_equal(t.retry_count, 0);
	assert_int_equal(t.nerrors, 1); /* what was, stays known */
	/* equal work waits: it would be two tasks */
	put(q, probe("b"));
	assert_int_equal(queue_requeue(q, b.id, NULL), RC_BUSY);
	assert_int_equal(
	    queue_requeue_all(q, TASK_PROBE, 100, &n, NULL), RC_OK);
	assert_int_equal(n, 0);
	assert_int_equal(queue_requeue_all(q, TASK__MAX, 100, &n, NULL), RC_OK);
	assert_int_equal(n, 1);
	assert_status(q, c.id, TASK_PENDING);
	assert_status(q, b.id, TASK_FAILED);
	assert_sound(q);
	queue_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(a_task_is_claimed_and_completed),
		WITH_REDIS(an_unknown_task_is_not_found),
		WITH_REDIS(priorities_are_a_head_start),
		WITH_REDIS(failures_are_retried_later_and_later),
		WITH_REDIS(permanent_errors_fail_at_once),
		WITH_REDIS(retry_after_is_honoured),
		WITH_REDIS(delayed_tasks_wait_for_their_time),
		WITH_REDIS(released_tasks_are_not_charged),
		WITH_REDIS(lost_leases_go_to_the_next),
		WITH_REDIS(cancelling_ends_what_waits_and_tells_what_runs),
		WITH_REDIS(the_failed_go_back_with_fresh_attempts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

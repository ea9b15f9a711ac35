/*
 * A seeded random walk over all that can be done with the queue, beside a
 * model so simple that it can be believed.  QUEUE_SEED and QUEUE_STEPS change
 * the walk.
 */
#include "queue_model.h"

/* The steps */

static void
merge(struct model *m, const struct task_spec *s)
{
	m->force |= s->force;
	if ((int)s->priority > m->level)
		m->level = (int)s->priority;
	if (m->status == TASK_PROCESSING && (s->force || m->cancel))
		m->rerun = s->delay_ms > 0 && m->rerun != 1 ? 2 : 1;
	if (m->status == TASK_SCHEDULED && !m->ran && s->delay_ms == 0) {
		to_line(m);
		m->due = 0;
	}
}

static void
enqueue(void)
{
	int work = (int)random_of(WORKS);
	struct model *m = find_work(work);
	struct enqueue_result r;
	struct task_spec s;
	char text[16];

	snprintf(text, sizeof(text), "work %d", work);
	s = probe(text);
	s.priority = (enum priority)random_of(PRIORITY__MAX);
	s.force = random_of(3) == 0;
	s.delay_ms = random_of(4) == 0 ? 1000000 : 0;
	r = put(w.q, s);
	if (m != NULL) {
		assert_int_equal(r.what, ENQUEUED_MERGED);
		assert_string_equal(r.id, m->id);
		merge(m, &s);
		return;
	}
	assert_int_equal(r.what, ENQUEUED_NEW);
	assert_true(w.n < TASKS);
	m = &w.tasks[w.n++];
	*m = (struct model){
		.work = work, .level = (int)s.priority, .force = s.force
	};
	snprintf(m->id, sizeof(m->id), "%s", r.id);
	to_line(m);
	if (s.delay_ms > 0)
		m->status = TASK_SCHEDULED;
}

static void
enqueue_same(void)
{
	struct task_spec s = probe("another");

	if (w.n == 0)
		return;
	memcpy(s.id, w.tasks[random_of(w.n)].id, sizeof(s.id));
	assert_int_equal(put(w.q, s).what, ENQUEUED_SAME);
}

/* What a claim does first. */
static void
model_reap(void)
{
	for (size_t i = 0; i < w.n; i++) {
		struct model *m = &w.tasks[i];
		int rerun = m->rerun, cancel = m->cancel;

		if (m->due) {
			m->due = 0;
			to_line(m);
		}
		if (!m->expired)
			continue;
		over(m);
		m->lost++;
		if (cancel && !rerun)
			m->status = TASK_CANCELLED;
		else if (m->lost >= QUEUE_POISON && !rerun)
			m->status = TASK_FAILED;
		else if (cancel && rerun == 2)
			m->status = TASK_SCHEDULED;
		else
			m->status = TASK_PENDING; /* its old place */
		if (rerun)
			m->lost = 0;
	}
}

static void
claim(void)
{
	static struct task tasks[QUEUE_CLAIM_LIGHT];
	int most = 1 + (int)random_of(4);
	size_t n = take_some(w.q, tasks, most, NULL), i = 0;
	struct model *m;

	model_reap();
	for (; !w.paused && i < (size_t)most && (m = first()) != NULL; i++) {
		if (m->lost > 0 && i > 0)
			break; /* it goes alone */
		assert_true(i < n);
		assert_string_equal(tasks[i].id, m->id);
		assert_int_equal(tasks[i].force, m->force);
		assert_int_equal(tasks[i].retry_count, m->retries);
		assert_int_equal(tasks[i].lost, m->lost);
		assert_true(i > 0 ? tasks[i].token == w.token
				  : tasks[i].token > w.token);
		w.token = tasks[i].token;
		memcpy(m->run, tasks[i].run, sizeof(m->run));
		m->status = TASK_PROCESSING;
		m->ran = 1;
		if (m->lost > 0)
			most = 1;
	}
	assert_int_equal(n, i);
}

static void
complete(void)
{
	struct model *m = any(TASK_PROCESSING);
	struct task t;
	int rerun;

	if (m == NULL)
		return;
	t = claimed(m);
	assert_int_equal(done(w.q, &t), RC_OK);
	rerun = m->rerun;
	over(m);
	m->status = TASK_COMPLETED;
	if (rerun)
		once_more(m, rerun);
}

static void
fail_it(void)
{
	struct model *m = any(TASK_PROCESSING);
	int permanent = random_of(4) == 0, spent, rerun, cancel;
	struct task t;

	if (m == NULL)
		return;
	t = claimed(m);
	assert_int_equal(
	    failed(w.q, &t, permanent ? RC_BLOCKED : RC_NET, "why"), RC_OK);
	rerun = m->rerun;
	cancel = m->cancel;
	over(m);
	m->lost = 0;
	m->retries++;
	spent = permanent || m->retries >= w.f->config.task_max_attempts;
	if (cancel && !rerun)
		m->status = TASK_CANCELLED;
	else if ((spent || cancel) && rerun)
		once_more(m, rerun);
	else
		m->status = spent ? TASK_FAILED : TASK_SCHEDULED;
}

static void
release(void)
{
	struct model *m = any(TASK_PROCESSING);
	int64_t delay = random_of(2) == 0 ? 0 : 500000;
	int rerun, cancel;
	struct task t;

	if (m == NULL)
		return;
	t = claimed(m);
	assert_int_equal(queue_release(w.q, &t, delay, NULL, NULL), RC_OK);
	rerun = m->rerun;
	cancel = m->cancel;
	over(m);
	m->lost = 0;
	if (cancel && !rerun)
		m->status = TASK_CANCELLED;
	else
		m->status = delay > 0 || (cancel && rerun == 2) ? TASK_SCHEDULED
								: TASK_PENDING;
}

static void
renew(void)
{
	struct model *m = any(TASK_PROCESSING);
	int cancelled = -1;
	struct task t;

	if (m == NULL)
		return;
	t = claimed(m);
	assert_int_equal(
	    queue_renew(w.q, &t, "so far", &cancelled, NULL), RC_OK);
	assert_int_equal(cancelled, m->cancel);
	m->expired = 0;
}

static void
lose(void)
{
	struct model *m = any(TASK_PROCESSING);

	if (m == NULL)
		return;
	expire(w.f, m->id);
	m->expired = 1;
}

static void
come_due(void)
{
	struct model *m = any(TASK_SCHEDULED);

	for (size_t i = 0; i < w.n; i++)
		if (w.tasks[i].due) /* their order is that of their times */
			return;
	if (m == NULL)
		return;
	make_due(w.f, m->id);
	m->due = 1;
}

static void
cancel_one(void)
{
	struct model *m = w.n > 0 ? &w.tasks[random_of(w.n)] : NULL;

	if (m == NULL)
		return;
	assert_int_equal(cancel(w.q, m->id), lives(m) ? RC_OK : RC_INVALID);
	if (m->status == TASK_PROCESSING) {
		m->cancel = 1;
		m->rerun = 0;
	} else if (waits(m)) {
		m->status = TASK_CANCELLED;
		m->due = 0;
	}
}

static void
requeue(void)
{
	struct model *m = w.n > 0 ? &w.tasks[random_of(w.n)] : NULL;
	enum rc want = RC_OK;

	if (m == NULL)
		return;
	if (m->status != TASK_FAILED && m->status != TASK_CANCELLED)
		want = RC_INVALID;
	else if (find_work(m->work) != NULL)
		want = RC_BUSY;
	assert_int_equal(queue_requeue(w.q, m->id, NULL), want);
	if (want == RC_OK)
		fresh(m);
}

static void
settle_with_a_stale_token(void)
{
	struct task *t = &w.stale;
	int cancelled;

	if (!w.has_stale)
		return;
	assert_int_equal(done(w.q, t), RC_BUSY);
	assert_int_equal(failed(w.q, t, RC_NET, "late"), RC_BUSY);
	assert_int_equal(queue_release(w.q, t, 0, NULL, NULL), RC_BUSY);
	assert_int_equal(queue_renew(w.q, t, "", &cancelled, NULL), RC_BUSY);
}

static void
pause_or_resume(void)
{
	w.paused = !w.paused;
	assert_int_equal(w.paused ? queue_pause(w.q, "a while", 0, NULL)
				  : queue_resume(w.q, NULL),
	    RC_OK);
}

static void
purge(void)
{
	size_t kept = 0;
	int64_t n;

	if (random_of(20) != 0)
		return;
	assert_int_equal(queue_purge(w.q, 0, &n, NULL), RC_OK);
	for (size_t i = 0; i < w.n; i++)
		if (lives(&w.tasks[i]))
			w.tasks[kept++] = w.tasks[i];
	assert_int_equal(n, w.n - kept);
	w.n = kept;
}

/* What must be true after each step */

static void
counters_never_fall(const struct queue_stats *now)
{
	const struct queue_stats *b = &w.before;

	assert_true(now->enqueued >= b->enqueued && now->merged >= b->merged);
	assert_true(now->claimed >= b->claimed && now->done >= b->done);
	assert_true(now->retried >= b->retried && now->lost >= b->lost);
	assert_true(now->dead >= b->dead && now->released >= b->released);
	assert_true(now->cancelled >= b->cancelled);
	w.before = *now;
}

static void
sets_agree(void)
{
	int64_t count[TASK_STATUS__MAX] = { 0 }, level[PRIORITY__MAX] = { 0 };
	struct queue_stats s;
	int64_t live = 0, last;

	for (size_t i = 0; i < w.n; i++) {
		count[w.tasks[i].status]++;
		live += lives(&w.tasks[i]);
		if (w.tasks[i].status == TASK_PENDING)
			level[w.tasks[i].level]++;
	}
	assert_int_equal(queue_stats(w.q, &s, NULL), RC_OK);
	assert_int_equal(s.pending, count[TASK_PENDING]);
	assert_int_equal(s.scheduled, count[TASK_SCHEDULED]);
	assert_int_equal(s.processing, count[TASK_PROCESSING]);
	assert_int_equal(s.failed, count[TASK_FAILED]);
	assert_int_equal(s.completed, count[TASK_COMPLETED]);
	assert_int_equal(s.paused, w.paused);
	for (int i = 0; i < PRIORITY__MAX; i++)
		assert_int_equal(s.by_priority[i], level[i]);
	assert_int_equal(ctl(w.f, "HLEN " K "unique"), live);
	last = ctl(w.f, "HGET " K "config last_ready");
	assert_true(last >= w.last_ready);
	w.last_ready = last;
	counters_never_fall(&s);
}

static void
one_agrees(void)
{
	struct model *m = w.n > 0 ? &w.tasks[random_of(w.n)] : NULL;
	char text[256], work[32];
	struct task t;

	if (m == NULL)
		return;
	t = get(w.q, m->id);
	assert_int_equal(t.status, m->status);
	assert_int_equal(t.priority, m->level);
	assert_int_equal(t.force, m->force);
	assert_int_equal(t.retry_count, m->retries);
	snprintf(work, sizeof(work), "probe|work %d|", m->work);
	if (lives(m)) {
		assert_int_equal(t.lost, m->lost);
		assert_int_equal(t.rerun_us > 0, m->rerun != 0);
		assert_string_equal(
		    ctl_text(w.f, text, "HGET " K "unique %s", work), m->id);
	}
	assert_ptr_equal(find_id(m->id), m);
}

static void
the_queue_is_as_its_model(void **state)
{
	static void (*const steps[])(void) = { enqueue, enqueue, enqueue,
		enqueue_same, claim, claim, claim, complete, complete, fail_it,
		release, renew, lose, lose, come_due, come_due, cancel_one,
		requeue, settle_with_a_stale_token, purge };
	const char *seed = getenv("QUEUE_SEED"), *text = getenv("QUEUE_STEPS");
	long n = text != NULL ? strtol(text, NULL, 10) : 10000;

	w = (struct walk){ .f = *state };
	w.q = open_queue(w.f);
	w.rand = seed != NULL ? strtoull(seed, NULL, 10) : 20261123;
	print_message("QUEUE_SEED=%llu\n", (unsigned long long)w.rand);
	for (long i = 0; i < n; i++) {
		if (random_of(w.paused ? 10 : 100) == 0)
			pause_or_resume();
		else
			steps[random_of(sizeof(steps) / sizeof(steps[0]))]();
		sets_agree();
		one_agrees();
		if (i % 100 == 0)
			assert_sound(w.q);
	}
	assert_sound(w.q);
	queue_close(w.q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REDIS(the_queue_is_as_its_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

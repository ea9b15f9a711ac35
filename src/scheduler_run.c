#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "scheduler_part.h"

#define SECOND     INT64_C(1000000) /* in microseconds */
#define AGAIN_MS   100              /* between two tries of an acceptance */
#define MISSED_MAX 1000

/* How many slots were due since the newest accepted one, or the switch; the
 * latest of all only if it is late. */
static int64_t
count_missed(const struct scheduler_step *st)
{
	const struct scheduler_slot *newest =
	    scheduler_newest(st->slots, st->job);
	int minutes = st->scheduler->minutes[st->job];
	int64_t now = st->now_us / SECOND, since = st->since_us / SECOND, at;
	char slot[SCHEDULER_SLOT];
	int64_t n;

	at = calendar_due(st->job, minutes, now, calendar_local, slot);
	n = at > since && now - at > SCHEDULER_GRACE;
	while (n < MISSED_MAX) {
		at = calendar_due(
		    st->job, minutes, at - 1, calendar_local, slot);
		if (at <= since ||
		    (newest != NULL && strcmp(slot, newest->name) <= 0))
			break;
		n++;
	}
	return n;
}

void
scheduler_step_slot(struct scheduler_step *st)
{
	struct scheduler_run_info *r = &st->run;

	memset(r, 0, sizeof(*r));
	calendar_due(st->job, st->scheduler->minutes[st->job],
	    st->now_us / SECOND, calendar_local, r->slot);
	task_new_id(r->run);
	r->exit = -1;
}

/* Whose the slot is that is not accepted now: ours, where the answer to our
 * acceptance was lost. */
static enum rc
is_mine(struct scheduler_step *st, enum slot_fate *fate, struct err *e)
{
	struct scheduler_slots slots;
	struct scheduler_state state;
	const struct scheduler_slot *slot;
	enum rc rc = scheduler_look(st->scheduler, &state, &slots, e);

	if (rc != RC_OK)
		return rc;
	slot = scheduler_find(&slots, st->run.slot);
	if (slot != NULL && strcmp(slot->run, st->run.run) == 0)
		*fate = SLOT_ACCEPTED;
	return RC_OK;
}

/* Accept with n tasks, again where the answer was lost. */
static enum rc
accept_tasks(struct scheduler_step *st, const struct task_spec *specs, size_t n,
    enum slot_fate *fate, struct err *e)
{
	struct enqueue_result results[SCHEDULER_TASKS];
	struct scheduler *s = st->scheduler;
	int64_t end = clock_mono_ms() + s->config->redis_timeout * 1000;
	int again = 0;
	enum rc rc;

	for (;;) {
		rc = queue_accept(s->queue, st->run.slot, st->run.run, specs, n,
		    results, fate, e);
		if ((rc != RC_STORE && rc != RC_BUSY) || clock_mono_ms() >= end)
			break;
		again = 1;
		clock_sleep_ms(AGAIN_MS);
	}
	if (rc != RC_OK)
		return rc;
	if (*fate != SLOT_ACCEPTED && again) {
		st->run.enqueued = st->run.merged = -1;
		return is_mine(st, fate, e);
	}
	for (size_t i = 0; i < n && *fate == SLOT_ACCEPTED; i++) {
		st->run.enqueued += results[i].what == ENQUEUED_NEW;
		st->run.merged += results[i].what == ENQUEUED_MERGED;
	}
	return RC_OK;
}

enum rc
scheduler_accept(struct scheduler_step *st, enum slot_fate *fate, struct err *e)
{
	struct task_spec specs[SCHEDULER_TASKS];
	size_t n = 0;
	enum rc rc;

	rc = scheduler_tasks(st, specs, &n, e);
	if (rc != RC_OK)
		return rc;
	st->run.missed = count_missed(st);
	rc = accept_tasks(st, specs, n, fate, e);
	if (rc == RC_OK && *fate == SLOT_ACCEPTED && st->job == JOB_HOURLY)
		scheduler_count_likely(st);
	/* What is only kept warm must not keep the hourly check away. */
	if (rc == RC_FULL && st->job == JOB_HOURLY && n > 0) {
		rc = accept_tasks(st, NULL, 0, fate, e);
		if (rc == RC_OK && *fate == SLOT_ACCEPTED) {
			st->run.findings++;
			buf_adds(st->text, "queue: no room to refresh what is "
					   "read\n");
		}
	}
	return rc;
}

/* Asks for the lease; *code as lua/schedule_begin.lua answers. */
static enum rc
hold(struct scheduler_step *st, int64_t *code, struct err *e)
{
	struct scheduler_run_info *r = &st->run;
	const char *args[] = { r->slot, r->run, NULL };
	redisReply *reply = NULL;
	char lease[24];
	int64_t us = st->scheduler->config->task_lease * SECOND;
	enum rc rc;

	snprintf(lease, sizeof(lease), "%lld", (long long)us);
	args[2] = lease;
	rc = scheduler_call(st->scheduler, &script_schedule_begin, st->job, 1,
	    args, 3, &reply, e);
	if (rc != RC_OK)
		return rc;
	*code = redis_int(reply, 0, -1);
	if (r->started_us == 0)
		r->started_us = redis_int(reply, 1, 0);
	r->accepted_us = redis_int(reply, 2, r->accepted_us);
	freeReplyObject(reply);
	return RC_OK;
}

static enum rc
lost(const struct scheduler_step *st, struct err *e)
{
	return err_set(
	    e, RC_BUSY, "%s: another run has taken it up", st->run.slot);
}

enum rc
scheduler_renew(struct scheduler_step *st, struct err *e)
{
	int64_t code = 0;
	enum rc rc = hold(st, &code, e);

	return rc == RC_OK && code != 0 ? lost(st, e) : rc;
}

static enum rc
write_done(struct scheduler_step *st, struct err *e)
{
	const char *args[] = { st->run.slot, st->run.run, NULL, NULL };
	redisReply *reply = NULL;
	struct buf record;
	char most[16];
	enum rc rc;

	buf_init(&record, 1024);
	scheduler_record(&st->run, &record);
	snprintf(most, sizeof(most), "%d", SCHEDULER_HISTORY);
	rc = buf_check(&record, "record", e);
	args[2] = record.data;
	args[3] = most;
	if (rc == RC_OK)
		rc = scheduler_call(st->scheduler, &script_schedule_done,
		    st->job, 2, args, 4, &reply, e);
	if (rc == RC_OK && reply->type == REDIS_REPLY_INTEGER &&
	    reply->integer == 0)
		rc = lost(st, e);
	freeReplyObject(reply);
	buf_fini(&record);
	return rc;
}

/* What may go well another time leaves the slot open. */
static int
is_open_after(enum rc rc)
{
	return rc == RC_STORE || rc == RC_BUSY || rc == RC_NOMEM;
}

enum rc
scheduler_finish(
    struct scheduler_step *st, enum scheduler_what *what, struct err *e)
{
	struct err why = { 0 };
	int64_t code = 0;
	enum rc rc = hold(st, &code, e), written;

	if (rc != RC_OK)
		return rc;
	if (code != 0) {
		*what = code == 2 ? SCHEDULER_OVERLAP : SCHEDULER_TAKEN;
		return RC_OK;
	}
	rc = scheduler_work(st, &why);
	if (!is_open_after(rc)) {
		st->run.exit = rc == RC_OK ? 0 : rc_exit(rc);
		written = write_done(st, e);
		if (written != RC_OK)
			return written;
	}
	*what = SCHEDULER_RAN;
	return rc == RC_OK ? RC_OK : err_set(e, rc, "%s", why.msg);
}

/* The slots whose runs died: of this job, of any for the hourly one. */
static enum rc
take_up(const struct scheduler_step *like, const char *but, struct err *e)
{
	enum rc rc = RC_OK, worst = RC_OK;

	for (size_t i = 0; i < like->slots->n; i++) {
		const struct scheduler_slot *slot = &like->slots->list[i];
		struct scheduler_step st = *like;
		enum scheduler_what what;

		if (slot->done || strcmp(slot->name, but) == 0 ||
		    (like->job != JOB_HOURLY && slot->job != like->job))
			continue;
		st.job = slot->job;
		scheduler_step_slot(&st);
		memcpy(st.run.slot, slot->name, sizeof(st.run.slot));
		st.run.enqueued = st.run.merged = st.run.missed = -1;
		rc = scheduler_finish(&st, &what, e);
		if (is_open_after(rc))
			return rc;
		worst = rc != RC_OK ? rc : worst;
	}
	return worst;
}

/* The slot of now: accept it, or take it up where it was accepted. */
static enum rc
run_slot(struct scheduler_step *st, enum scheduler_what *what, struct err *e)
{
	static const enum scheduler_what refused[] = { [SLOT_TAKEN] =
							   SCHEDULER_TAKEN,
		[SLOT_OLDER] = SCHEDULER_OLDER,
		[SLOT_STOPPED] = SCHEDULER_STOPPED };
	const struct scheduler_slot *slot =
	    scheduler_find(st->slots, st->run.slot);
	enum slot_fate fate = SLOT_ACCEPTED;
	enum rc rc = RC_OK;

	if (slot == NULL)
		rc = scheduler_accept(st, &fate, e);
	else if (slot->done)
		fate = SLOT_TAKEN;
	else
		st->run.enqueued = st->run.merged = st->run.missed = -1;
	if (rc != RC_OK)
		return rc;
	if (fate == SLOT_ACCEPTED)
		return scheduler_finish(st, what, e);
	*what = refused[fate];
	return RC_OK;
}

/* Slots that Redis would have to wait for: this clock is wrong. */
static enum rc
check_clock(const struct scheduler_step *st, int64_t redis_us, struct err *e)
{
	int64_t due =
	    SECOND * calendar_due(st->job, st->scheduler->minutes[st->job],
			 st->now_us / SECOND, calendar_local, NULL);

	if (due <= redis_us + SCHEDULER_AHEAD_US)
		return RC_OK;
	return err_set(e, RC_BUSY,
	    "this machine's clock is %lld s ahead of that of Redis: %s is not "
	    "due yet",
	    (long long)((st->now_us - redis_us) / SECOND), st->run.slot);
}

/* A slot that was accepted by a clock that was ahead stands in the way. */
static enum rc
check_future(const struct scheduler_step *st, const char *name, struct err *e)
{
	struct buf why;
	enum rc rc = RC_OK;

	if (*name == '\0')
		return RC_OK;
	buf_init(&why, 1024);
	scheduler_future_text(&why, name);
	rc = buf_check(&why, "slot", e);
	if (rc == RC_OK)
		rc = err_set(e, RC_BUSY, "%s: %s", st->run.slot, why.data);
	buf_fini(&why);
	return rc;
}

static enum rc
run(struct scheduler_step *st, struct scheduler_outcome *out, struct err *e)
{
	struct scheduler_slots slots;
	struct scheduler_state state;
	enum rc rc = scheduler_look(st->scheduler, &state, &slots, e), before;
	struct err why = { 0 };
	struct scheduler_turn turn;

	if (rc != RC_OK)
		return rc;
	st->slots = &slots;
	st->redis_us = state.now_us;
	scheduler_step_slot(st);
	if (!state.running) {
		out->what = SCHEDULER_STOPPED;
		return RC_OK;
	}
	rc = check_clock(st, state.now_us, e);
	if (rc == RC_OK)
		rc = check_future(st, state.future[st->job], e);
	st->since_us = state.since_us;
	if (rc == RC_OK &&
	    (state.since_us == 0 || state.since_us > state.now_us)) {
		rc = scheduler_switch(st->scheduler, -1, &turn, e);
		st->since_us = state.now_us;
	}
	if (rc != RC_OK)
		return rc;
	before = take_up(st, st->run.slot, &why);
	if (is_open_after(before))
		return err_set(e, before, "%s", why.msg);
	rc = run_slot(st, &out->what, e);
	return rc != RC_OK || before == RC_OK
		   ? rc
		   : err_set(e, before, "%s", why.msg);
}

/* Lines become one line. */
static void
join(const struct buf *from, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < from->len && n + 3 < size; i++)
		if (from->data[i] != '\n') {
			to[n++] = from->data[i];
		} else if (i + 1 < from->len) {
			to[n++] = ';';
			to[n++] = ' ';
		}
	to[n] = '\0';
}

enum rc
scheduler_run(struct scheduler *s, enum scheduler_job job, int64_t now_us,
    struct scheduler_outcome *out, struct err *e)
{
	struct scheduler_outcome o = { 0 };
	struct scheduler_step st = {
		.scheduler = s, .now_us = now_us, .job = job
	};
	struct buf text;
	enum rc rc;

	buf_init(&text, 16384);
	st.text = &text;
	if (s->minutes[job] < 0) {
		o.what = SCHEDULER_NEVER;
		rc = RC_OK;
	} else {
		rc = run(&st, &o, e);
	}
	if (rc == RC_OK || rc == RC_UNHEALTHY) {
		o.run = st.run;
		join(&text, o.text, sizeof(o.text));
		*out = o;
	}
	buf_fini(&text);
	return rc;
}

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "scheduler_part.h"

void
scheduler_record(const struct scheduler_run_info *r, struct buf *b)
{
	buf_addf(b, "%s %s %lld %lld %d %lld %lld %lld %lld %lld %lld", r->slot,
	    r->run, (long long)r->accepted_us, (long long)r->started_us,
	    r->exit, (long long)r->enqueued, (long long)r->merged,
	    (long long)r->missed, (long long)r->purged, (long long)r->repaired,
	    (long long)r->findings);
}

int
scheduler_record_read(const char *line, struct scheduler_run_info *out)
{
	struct scheduler_run_info r = { 0 };
	int64_t code = 0;
	int64_t *const fields[] = { &r.accepted_us, &r.started_us, &code,
		&r.enqueued, &r.merged, &r.missed, &r.purged, &r.repaired,
		&r.findings, &r.ended_us };
	const char *p = scheduler_word(line, r.slot, sizeof(r.slot));

	if (p != NULL)
		p = scheduler_word(p, r.run, sizeof(r.run));
	for (size_t i = 0; p != NULL && i < sizeof(fields) / sizeof(*fields);
	     i++)
		p = scheduler_number(p, fields[i]);
	if (p == NULL)
		return 0;
	r.exit = (int)code;
	*out = r;
	return 1;
}

/* The newest slot if it is not done yet, else the run that ended last. */
static void
read_last(const redisReply *line, const struct scheduler_slot *newest,
    struct scheduler_run_info *out)
{
	static const struct scheduler_run_info unknown = { .exit = -1,
		.enqueued = -1,
		.merged = -1,
		.missed = -1,
		.purged = -1,
		.repaired = -1,
		.findings = -1 };

	if (newest != NULL && !newest->done) {
		*out = unknown;
		snprintf(out->slot, sizeof(out->slot), "%s", newest->name);
		snprintf(out->run, sizeof(out->run), "%s", newest->run);
		out->accepted_us = newest->accepted_us;
		out->started_us = newest->accepted_us;
	} else if (line->type != REDIS_REPLY_STRING ||
		   !scheduler_record_read(line->str, out)) {
		*out = unknown;
	}
}

/* The next instant is the same until it has come. */
static int64_t
next_of(struct scheduler *s, enum scheduler_job job, int64_t now_s)
{
	if (now_s < s->due[job].at_s || now_s >= s->due[job].next_s) {
		s->due[job].at_s = now_s;
		s->due[job].next_s =
		    calendar_next(job, s->minutes[job], now_s, calendar_local);
	}
	return s->due[job].next_s;
}

static int64_t
size_of(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
}

enum rc
scheduler_look(struct scheduler *s, struct scheduler_state *out,
    struct scheduler_slots *slots, struct err *e)
{
	int64_t now_s = clock_wall_us() / 1000000;
	redisReply *v[SCHEDULER_PARTS] = { NULL };
	struct scheduler_state st = { 0 };
	enum rc rc = scheduler_call_state(s, v, e);

	if (rc != RC_OK)
		return rc;
	scheduler_slots_read(v[PART_SLOTS], slots);
	st.running = slots->running;
	st.since_us = slots->since_us;
	st.now_us = redis_reply_us(v[PART_NOW]);
	st.queue.pending = size_of(v[PART_PENDING]);
	st.queue.scheduled = size_of(v[PART_SCHEDULED]);
	st.queue.processing = size_of(v[PART_PROCESSING]);
	st.queue.failed = size_of(v[PART_FAILED]);
	st.queue.completed = size_of(v[PART_COMPLETED]);
	st.queue.cancelled = size_of(v[PART_CANCELLED]);
	scheduler_future(slots, st.now_us, calendar_local, st.future);
	for (int i = 0; i < JOB__MAX; i++) {
		enum scheduler_job job = (enum scheduler_job)i;

		read_last(v[PART_RUNS + i], scheduler_newest(slots, job),
		    &st.jobs[i].last);
		if (st.running && s->minutes[i] >= 0)
			st.jobs[i].next_s = next_of(s, job, now_s);
	}
	scheduler_free_state(v);
	*out = st;
	return RC_OK;
}

enum rc
scheduler_state(struct scheduler *s, struct scheduler_state *out, struct err *e)
{
	struct scheduler_slots slots;

	return scheduler_look(s, out, &slots, e);
}

enum rc
scheduler_history(struct scheduler *s, enum scheduler_job job,
    struct scheduler_run_info *runs, size_t most, size_t *n, struct err *e)
{
	redisReply *reply = NULL;
	size_t count = 0;
	char last[24];
	enum rc rc;

	if (most == 0) {
		*n = 0;
		return RC_OK;
	}
	snprintf(last, sizeof(last), "%zu", most - 1);
	rc = scheduler_call_runs(s, job, last, &reply, e);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < reply->elements && count < most; i++)
		count += (size_t)scheduler_record_read(
		    reply->element[i]->str, &runs[count]);
	freeReplyObject(reply);
	*n = count;
	return RC_OK;
}

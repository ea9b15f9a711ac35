#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "scheduler_part.h"

/* A text up to the next blank; NULL: none, or too long for out. */
static const char *
word(const char *p, char *out, size_t size)
{
	size_t n = strcspn(p, " ");

	if (n == 0 || n >= size)
		return NULL;
	memcpy(out, p, n);
	out[n] = '\0';
	return p + n + (p[n] == ' ');
}

static const char *
number(const char *p, int64_t *out)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(p, &end, 10);
	if (end == p || errno != 0 || (*end != ' ' && *end != '\0'))
		return NULL;
	*out = v;
	return end + (*end == ' ');
}

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
	const char *p = word(line, r.slot, sizeof(r.slot));

	if (p != NULL)
		p = word(p, r.run, sizeof(r.run));
	for (size_t i = 0; p != NULL && i < sizeof(fields) / sizeof(*fields);
	     i++)
		p = number(p, fields[i]);
	if (p == NULL)
		return 0;
	r.exit = (int)code;
	*out = r;
	return 1;
}

/* One field of the slots; leases, and what is not ours, are passed over. */
static void
read_slot(const char *name, const char *value, struct scheduler_slots *out)
{
	struct scheduler_slot *slot = &out->list[out->n];
	const char *colon = strchr(name, ':'), *p;
	char job[SCHEDULER_SLOT];

	if (out->n == SCHEDULER_SLOTS || colon == NULL ||
	    strlen(name) >= sizeof(slot->name))
		return;
	snprintf(job, sizeof(job), "%.*s", (int)(colon - name), name);
	if (calendar_job_of(job, &slot->job, NULL) != RC_OK)
		return;
	p = number(value, &slot->accepted_us);
	if (p != NULL)
		p = word(p, slot->run, sizeof(slot->run));
	if (p == NULL)
		return;
	snprintf(slot->name, sizeof(slot->name), "%s", name);
	slot->done = *p != '\0';
	out->n++;
}

static void
read_slots(const redisReply *reply, struct scheduler_state *state,
    struct scheduler_slots *out)
{
	int64_t on;
	const char *p;

	state->running = 1; /* a fresh installation runs */
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		const char *name = reply->element[i]->str;
		const char *value = reply->element[i + 1]->str;

		if (strcmp(name, "switch") != 0) {
			read_slot(name, value, out);
			continue;
		}
		p = number(value, &on);
		if (p != NULL && number(p, &state->since_us) != NULL)
			state->running = on != 0;
	}
}

const struct scheduler_slot *
scheduler_find(const struct scheduler_slots *slots, const char *name)
{
	for (size_t i = 0; i < slots->n; i++)
		if (strcmp(slots->list[i].name, name) == 0)
			return &slots->list[i];
	return NULL;
}

const struct scheduler_slot *
scheduler_newest(const struct scheduler_slots *slots, enum scheduler_job job)
{
	const struct scheduler_slot *newest = NULL;

	for (size_t i = 0; i < slots->n; i++) {
		const struct scheduler_slot *slot = &slots->list[i];

		if (slot->job == job &&
		    (newest == NULL || strcmp(slot->name, newest->name) > 0))
			newest = slot;
	}
	return newest;
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
	slots->n = 0;
	st.now_us = redis_reply_us(v[PART_NOW]);
	st.queue.pending = size_of(v[PART_PENDING]);
	st.queue.scheduled = size_of(v[PART_SCHEDULED]);
	st.queue.processing = size_of(v[PART_PROCESSING]);
	st.queue.failed = size_of(v[PART_FAILED]);
	st.queue.completed = size_of(v[PART_COMPLETED]);
	st.queue.cancelled = size_of(v[PART_CANCELLED]);
	read_slots(v[PART_SLOTS], &st, slots);
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

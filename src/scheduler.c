#include <stdlib.h>
#include <string.h>

#include "scheduled.h"
#include "scheduler_part.h"

#define PREFIX "stocknity:{default}:"

static const char *const runs_keys[JOB__MAX] = {
	[JOB_DAILY] = PREFIX "runs:daily",
	[JOB_HOURLY] = PREFIX "runs:hourly",
	[JOB_WEEKLY] = PREFIX "runs:weekly",
	[JOB_WARM] = PREFIX "runs:warm",
};

/* Whose sizes are told, in the order of enum scheduler_part. */
static const char *const set_keys[] = { PREFIX "ready", PREFIX "scheduled",
	PREFIX "processing", PREFIX "failed", PREFIX "completed",
	PREFIX "cancelled" };

#define SETS (sizeof(set_keys) / sizeof(set_keys[0]))

enum rc
scheduler_open(struct scheduler **out, const struct config *config,
    struct redis *redis, struct queue *queue, struct err *e)
{
	struct scheduler *s = calloc(1, sizeof(*s));
	enum rc rc;

	if (s == NULL)
		return err_set(e, RC_NOMEM, "scheduler: out of memory");
	s->config = config;
	s->redis = redis;
	s->queue = queue;
	s->minutes[JOB_DAILY] =
	    calendar_minutes(config->scheduler_daily_refresh);
	s->minutes[JOB_HOURLY] =
	    calendar_minutes(config->scheduler_hourly_check);
	s->minutes[JOB_WEEKLY] =
	    calendar_minutes(config->scheduler_weekly_cleanup);
	s->minutes[JOB_WARM] = calendar_minutes(config->scheduler_warm);
	rc = scheduled_indexes(config, s->indexes, &s->nindexes, e);
	if (rc != RC_OK) {
		free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

void
scheduler_close(struct scheduler *s)
{
	free(s);
}

enum rc
scheduler_call(struct scheduler *s, const struct script *script,
    enum scheduler_job job, int nkeys, const char *const *args, size_t n,
    redisReply **out, struct err *e)
{
	const char *argv[2 + SCHEDULER_ARGS] = { SCHEDULER_SLOTS_KEY,
		runs_keys[job] };

	if (nkeys + n > sizeof(argv) / sizeof(argv[0]))
		return err_set(
		    e, RC_BUG, "%s: too many arguments", script->name);
	memcpy(argv + nkeys, args, n * sizeof(*args));
	return redis_script(
	    s->redis, script, nkeys, nkeys + (int)n, argv, NULL, out, e);
}

/* Slots before runs: a slot that is done then has its run in the list. */
static enum rc
ask_state(struct scheduler *s, struct err *e)
{
	const char *now[] = { "TIME" };
	enum rc rc = redis_add(s->redis, 1, now, NULL, e);

	for (size_t i = 0; i < SETS && rc == RC_OK; i++) {
		const char *size[] = { "ZCARD", set_keys[i] };

		rc = redis_add(s->redis, 2, size, NULL, e);
	}
	if (rc == RC_OK)
		rc = scheduler_slots_ask(s->redis, e);
	for (int i = 0; i < JOB__MAX && rc == RC_OK; i++) {
		const char *last[] = { "LINDEX", runs_keys[i], "0" };

		rc = redis_add(s->redis, 3, last, NULL, e);
	}
	return rc;
}

enum rc
scheduler_call_state(
    struct scheduler *s, redisReply *v[SCHEDULER_PARTS], struct err *e)
{
	enum rc rc = redis_idle(s->redis, e);

	if (rc == RC_OK)
		rc = ask_state(s, e);
	if (rc == RC_OK)
		rc = redis_fetch(s->redis, v, SCHEDULER_PARTS, e);
	if (rc != RC_OK)
		scheduler_free_state(v);
	return rc;
}

void
scheduler_free_state(redisReply *v[SCHEDULER_PARTS])
{
	for (int i = 0; i < SCHEDULER_PARTS; i++) {
		if (v[i] != NULL)
			freeReplyObject(v[i]);
		v[i] = NULL;
	}
}

enum rc
scheduler_call_runs(struct scheduler *s, enum scheduler_job job,
    const char *last, redisReply **out, struct err *e)
{
	const char *argv[] = { "LRANGE", runs_keys[job], "0", last };

	return redis_call(s->redis, 4, argv, NULL, out, e);
}

enum rc
scheduler_switch(
    struct scheduler *s, int on, struct scheduler_turn *out, struct err *e)
{
	const char *args[SCHEDULER_ARGS] = { on < 0 ? "" : on > 0 ? "1" : "0" };
	struct scheduler_state state;
	struct scheduler_slots slots = { .n = 0 };
	redisReply *reply = NULL;
	size_t n = 1;
	enum rc rc = on > 0 ? scheduler_look(s, &state, &slots, e) : RC_OK;

	for (size_t i = 0; i < slots.n && rc == RC_OK; i++)
		if (scheduler_is_future(
			&slots.list[i], state.now_us, calendar_local))
			args[n++] = slots.list[i].name;
	if (rc == RC_OK)
		rc = scheduler_call(s, &script_schedule_switch, JOB_DAILY, 1,
		    args, n, &reply, e);
	if (rc != RC_OK)
		return rc;
	out->was = reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
	out->dropped = n - 1;
	freeReplyObject(reply);
	return RC_OK;
}

/*
 * Each task has its id before it is sent.  A second try, for those whose
 * connection was lost since the last call: what is there already is the same
 * task.
 */
static enum rc
refresh(struct scheduler *s, const struct dataset *d, size_t n,
    struct enqueue_result *results, struct err *e)
{
	struct task_spec specs[DATASET_INDEXES] = { 0 };
	size_t full = 0;
	enum rc rc;

	for (size_t i = 0; i < n; i++) {
		task_new_id(specs[i].id);
		specs[i].type = TASK_FETCH;
		specs[i].dataset = d[i];
		specs[i].force = 1;
		specs[i].priority = PRIORITY_URGENT;
	}
	rc = queue_enqueue(s->queue, specs, n, results, e);
	if (rc == RC_STORE) {
		rc = queue_enqueue(s->queue, specs, n, results, e);
		for (size_t i = 0; i < n && rc == RC_OK; i++)
			if (results[i].what == ENQUEUED_SAME)
				results[i].what = ENQUEUED_NEW;
	}
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++)
		full += results[i].what == ENQUEUED_FULL;
	if (full > 0)
		return err_set(e, RC_FULL,
		    "the queue is full (QUEUE_MAX): %zu of %zu task%s refused",
		    full, n, n == 1 ? "" : "s");
	return RC_OK;
}

enum rc
scheduler_refresh(struct scheduler *s, const struct dataset *d,
    struct enqueue_result *result, struct err *e)
{
	return refresh(s, d, 1, result, e);
}

enum rc
scheduler_force_refresh(struct scheduler *s, struct enqueue_result *results,
    size_t *n, struct err *e)
{
	struct dataset d[DATASET_INDEXES];

	for (size_t i = 0; i < s->nindexes; i++)
		d[i] = (struct dataset){ s->indexes[i], DATASET_ANY };
	*n = s->nindexes;
	return refresh(s, d, s->nindexes, results, e);
}

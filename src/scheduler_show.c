#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "data/envelope.h"
#include "report.h"
#include "scheduler_part.h"

#define COUNTS_WIDTH 19 /* of the last column: 80 in all */

/* The Stocknity application's names for the jobs; the fourth is ours. */
static const char *const members[JOB__MAX] = {
	[JOB_DAILY] = "daily_refresh",
	[JOB_HOURLY] = "hourly_check",
	[JOB_WEEKLY] = "weekly_cleanup",
	[JOB_WARM] = "warming",
};

/* Local time without zone; null for 0. */
static void
local_json(struct buf *b, int64_t us)
{
	char text[32];

	if (us <= 0) {
		buf_adds(b, "null");
		return;
	}
	clock_local(us / 1000, text, sizeof(text));
	buf_addf(b, "\"%s\"", text);
}

static void
count_json(struct buf *b, const char *name, int64_t n)
{
	if (n < 0)
		buf_addf(b, ",\"%s\":null", name);
	else
		buf_addf(b, ",\"%s\":%lld", name, (long long)n);
}

static void
run_json(struct buf *b, const struct scheduler_run_info *r)
{
	if (r->accepted_us == 0) {
		buf_adds(b, "null");
		return;
	}
	buf_adds(b, "{\"slot\":");
	envelope_string(b, r->slot);
	buf_adds(b, ",\"accepted_at\":");
	report_time_json(b, r->accepted_us);
	buf_adds(b, ",\"started_at\":");
	report_time_json(b, r->started_us);
	buf_adds(b, ",\"ended_at\":");
	report_time_json(b, r->ended_us);
	buf_adds(b, ",\"duration_seconds\":");
	if (r->ended_us > 0)
		report_seconds_json(b, r->ended_us - r->started_us);
	else
		buf_adds(b, "null");
	count_json(b, "exit", r->exit);
	count_json(b, "enqueued", r->enqueued);
	count_json(b, "merged", r->merged);
	count_json(b, "missed", r->missed);
	count_json(b, "purged", r->purged);
	count_json(b, "repaired", r->repaired);
	count_json(b, "findings", r->findings);
	buf_addc(b, '}');
}

static void
indexes_json(struct buf *b, const char *list)
{
	char name[64];
	size_t n;

	buf_adds(b, ",\"indexes\":[");
	for (const char *p = list; *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		snprintf(name, sizeof(name), "%.*s", (int)n, p);
		if (p != list)
			buf_addc(b, ',');
		envelope_string(b, name);
	}
	buf_addc(b, ']');
}

/* What is said of the slots in the future, each behind what. */
static void
findings_json(struct buf *b, const struct scheduler_state *s)
{
	struct buf text;
	int n = 0;

	buf_init(&text, 1024);
	buf_adds(b, ",\"findings\":[");
	for (int i = 0; i < JOB__MAX; i++) {
		if (s->future[i][0] == '\0')
			continue;
		buf_clear(&text);
		scheduler_future_text(&text, s->future[i]);
		buf_adds(b, n++ > 0 ? "," : "");
		envelope_string(b, text.data);
	}
	buf_addc(b, ']');
	buf_fini(&text);
}

/* What there is to say of a job in one of the objects that have all of them. */
typedef void job_writer(struct buf *, const struct config *,
    const struct scheduler_state *, enum scheduler_job);

static void
write_last(struct buf *b, const struct config *c,
    const struct scheduler_state *s, enum scheduler_job job)
{
	(void)c;
	local_json(b, s->jobs[job].last.accepted_us);
}

static void
write_next(struct buf *b, const struct config *c,
    const struct scheduler_state *s, enum scheduler_job job)
{
	(void)c;
	local_json(b, s->jobs[job].next_s * 1000000);
}

static void
write_setting(struct buf *b, const struct config *c,
    const struct scheduler_state *s, enum scheduler_job job)
{
	(void)s;
	buf_addf(b, "\"%s\"", scheduler_setting(c, job));
}

static void
write_run(struct buf *b, const struct config *c,
    const struct scheduler_state *s, enum scheduler_job job)
{
	(void)c;
	run_json(b, &s->jobs[job].last);
}

/* A member with an object of all jobs, but for the end of that. */
static void
by_job(struct buf *b, const char *name, job_writer *write,
    const struct config *c, const struct scheduler_state *s)
{
	buf_addf(b, ",\"%s\":{", name);
	for (int i = 0; i < JOB__MAX; i++) {
		buf_addf(b, "%s\"%s\":", i > 0 ? "," : "", members[i]);
		write(b, c, s, (enum scheduler_job)i);
	}
}

void
scheduler_state_json(
    struct buf *b, const struct config *c, const struct scheduler_state *s)
{
	buf_addf(
	    b, "{\"running\":%s,\"since\":", s->running ? "true" : "false");
	report_time_json(b, s->since_us);
	by_job(b, "last_run", write_last, c, s);
	buf_addc(b, '}');
	by_job(b, "next_run", write_next, c, s);
	buf_addf(b,
	    "},\"queue_stats\":{\"pending\":%lld,\"processing\":%lld,"
	    "\"completed\":%lld,\"failed\":%lld,\"scheduled\":%lld,"
	    "\"cancelled\":%lld}",
	    (long long)s->queue.pending, (long long)s->queue.processing,
	    (long long)s->queue.completed, (long long)s->queue.failed,
	    (long long)s->queue.scheduled, (long long)s->queue.cancelled);
	by_job(b, "schedule_config", write_setting, c, s);
	indexes_json(b, c->scheduler_indexes);
	buf_addc(b, '}');
	by_job(b, "runs", write_run, c, s);
	buf_addc(b, '}');
	findings_json(b, s);
	buf_adds(b, ",\"at\":");
	report_time_json(b, s->now_us);
	buf_addc(b, '}');
}

/* For people */

static void
local_text(struct buf *b, int64_t us, int from, int to)
{
	char text[32] = "";

	clock_local(us / 1000, text, sizeof(text));
	text[10] = ' ';
	buf_addf(b, "%.*s", to - from, text + from);
}

static void
head_text(
    struct buf *b, const struct config *c, const struct scheduler_state *s)
{
	buf_adds(b, s->running ? "running" : "stopped");
	if (s->since_us > 0) {
		buf_adds(b, " since ");
		local_text(b, s->since_us, 0, 19);
	}
	buf_addf(b,
	    "\nqueue: %lld pending, %lld scheduled, %lld processing, %lld "
	    "failed\n\n",
	    (long long)s->queue.pending, (long long)s->queue.scheduled,
	    (long long)s->queue.processing, (long long)s->queue.failed);
	for (int i = 0; i < JOB__MAX; i++) {
		const char *at = scheduler_setting(c, (enum scheduler_job)i);

		buf_addf(b, "%-8s%-7s%-7s",
		    calendar_job_name((enum scheduler_job)i),
		    i == JOB_WEEKLY ? "Sunday"
		    : i == JOB_WARM ? "Mo-Fr"
				    : "",
		    i == JOB_HOURLY ? at + 2 : at);
		buf_adds(b, "next ");
		if (s->jobs[i].next_s > 0)
			local_text(b, s->jobs[i].next_s * 1000000, 0, 19);
		else
			buf_adds(b, *at == '\0'
					? "none: SCHEDULER_WARM is empty"
					: "none: stopped");
		buf_addc(b, '\n');
	}
	for (int i = 0; i < JOB__MAX; i++) {
		if (s->future[i][0] == '\0')
			continue;
		buf_adds(b, "finding: ");
		scheduler_future_text(b, s->future[i]);
		buf_addc(b, '\n');
	}
}

/* "2 tasks, 1 missed", as many as fit. */
static void
counts_text(struct buf *b, const struct scheduler_run_info *r)
{
	const struct {
		const char *what;
		int64_t n;
	} list[] = { { "missed", r->missed }, { "findings", r->findings },
		{ "tasks", r->enqueued }, { "merged", r->merged },
		{ "purged", r->purged }, { "mended", r->repaired } };
	/* A run that accepted its slot knows what was missed, even where the
	 * answer with what became of its tasks was lost. */
	const char *unknown = r->missed < 0 ? "taken up" : "? tasks";
	char one[40];
	int width = 0, len;

	if (r->enqueued < 0) {
		buf_adds(b, unknown);
		width = (int)strlen(unknown);
	}
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (list[i].n <= 0)
			continue;
		len = snprintf(one, sizeof(one), "%s%lld %s",
		    width > 0 ? ", " : "", (long long)list[i].n, list[i].what);
		if (width + len > COUNTS_WIDTH)
			break;
		buf_adds(b, one);
		width += len;
	}
}

static void
run_text(struct buf *b, const struct scheduler_run_info *r)
{
	char took[24] = "", code[8] = "";
	int64_t ms = (r->ended_us - r->started_us) / 1000;

	buf_addf(b, "%-22s", r->slot);
	local_text(b, r->started_us, 5, 19);
	buf_adds(b, "  ");
	if (r->ended_us == 0) {
		buf_adds(b, "not done yet\n");
		return;
	}
	local_text(b, r->ended_us, 11, 19);
	if (ms < 100000)
		snprintf(took, sizeof(took), "%.1f s", (double)ms / 1000);
	else
		snprintf(took, sizeof(took), "%lld s", (long long)(ms / 1000));
	snprintf(code, sizeof(code), "%d", r->exit);
	buf_addf(b, "%8s%5s  ", took, code);
	counts_text(b, r);
	while (b->len > 0 && b->data[b->len - 1] == ' ')
		b->data[--b->len] = '\0';
	buf_addc(b, '\n');
}

/* The runs of a job: that which is not done yet, and the history. */
static void
job_text(struct buf *b, const struct scheduler_run_info *last,
    const struct scheduler_run_info *runs, size_t n)
{
	if (last->accepted_us > 0 && last->ended_us == 0)
		run_text(b, last);
	for (size_t i = 0; i < n; i++)
		run_text(b, &runs[i]);
}

static void
job_json(struct buf *b, const struct scheduler_run_info *runs, size_t n)
{
	buf_addc(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		run_json(b, &runs[i]);
	}
	buf_addc(b, ']');
}

enum rc
scheduler_show(
    struct scheduler *s, size_t most, int json, struct buf *b, struct err *e)
{
	struct scheduler_run_info runs[SCHEDULER_HISTORY];
	struct scheduler_state state;
	enum rc rc = scheduler_state(s, &state, e);
	size_t n = 0;

	if (rc != RC_OK)
		return rc;
	if (most > SCHEDULER_HISTORY)
		most = SCHEDULER_HISTORY;
	if (json) {
		scheduler_state_json(b, s->config, &state);
		if (b->rc == RC_OK)
			b->len--; /* one member more */
		buf_adds(b, ",\"history\":{");
	} else {
		head_text(b, s->config, &state);
		buf_addf(b, "\n%-22s%-16s%-8s%8s%5s  counts\n", "slot", "start",
		    "end", "took", "exit");
	}
	for (int i = 0; i < JOB__MAX && rc == RC_OK; i++) {
		rc = scheduler_history(
		    s, (enum scheduler_job)i, runs, most, &n, e);
		if (rc != RC_OK)
			break;
		if (json) {
			buf_addf(b, "%s\"%s\":", i > 0 ? "," : "", members[i]);
			job_json(b, runs, n);
		} else {
			job_text(b, &state.jobs[i].last, runs, n);
		}
	}
	if (json)
		buf_adds(b, "}}\n");
	return rc == RC_OK ? buf_check(b, "schedule", e) : rc;
}

#include "data/envelope.h"
#include "data/text.h"
#include "report.h"

/* The counters that never fall, by name. */
static void
counters(struct buf *b, const struct queue_stats *s, int json)
{
	const struct {
		const char *name;
		int64_t n;
	} list[] = { { "enqueued", s->enqueued }, { "merged", s->merged },
		{ "refused", s->refused }, { "claimed", s->claimed },
		{ "done", s->done }, { "retried", s->retried },
		{ "lost", s->lost }, { "dead", s->dead },
		{ "released", s->released }, { "cancelled", s->cancelled } };

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (i > 0)
			buf_adds(b, json ? "," : ", ");
		if (json)
			buf_addf(b, "\"%s\":%lld", list[i].name,
			    (long long)list[i].n);
		else
			buf_addf(
			    b, "%lld %s", (long long)list[i].n, list[i].name);
	}
}

/* "(2 low, 10 normal)" */
static void
priorities(struct buf *b, const struct queue_stats *s)
{
	int n = 0;

	for (int i = 0; i < PRIORITY__MAX; i++) {
		if (s->by_priority[i] <= 0)
			continue;
		buf_addf(b, "%s%lld %s", n++ == 0 ? " (" : ", ",
		    (long long)s->by_priority[i],
		    task_priority_name((enum priority)i));
	}
	if (n > 0)
		buf_addc(b, ')');
}

void
report_queue_text(struct buf *b, const struct queue_stats *s)
{
	if (s->paused) {
		buf_adds(b, "PAUSED      ");
		text_clean(b, s->pause_reason);
		if (s->pause_until_us > s->now_us) {
			buf_adds(b, ", for another ");
			report_span(b, (s->pause_until_us - s->now_us) / 1000);
		}
		buf_addc(b, '\n');
	}
	buf_addf(b, "pending     %lld", (long long)s->pending);
	priorities(b, s);
	if (s->oldest_us > 0) {
		buf_adds(b, ", the first waits for ");
		report_span(b, (s->now_us - s->oldest_us) / 1000);
	}
	buf_addf(b, "\nscheduled   %lld\nprocessing  %lld",
	    (long long)s->scheduled, (long long)s->processing);
	if (s->expired > 0)
		buf_addf(b, ", of them %lld with a lease that ran out",
		    (long long)s->expired);
	buf_addf(b, "\ncompleted   %lld", (long long)s->completed);
	if (s->done_minute > 0)
		buf_addf(
		    b, ", %lld in the last minute", (long long)s->done_minute);
	buf_addf(b, "\nfailed      %lld", (long long)s->failed);
	if (s->failed_minute > 0)
		buf_addf(b, ", %lld in the last minute",
		    (long long)s->failed_minute);
	buf_addc(b, '\n');
}

static void
priorities_json(struct buf *b, const struct queue_stats *s)
{
	buf_adds(b, ",\"by_priority\":{");
	for (int i = 0; i < PRIORITY__MAX; i++) {
		buf_addf(b, "%s\"%s\":", i > 0 ? "," : "",
		    task_priority_name((enum priority)i));
		if (s->by_priority[i] < 0)
			buf_adds(b, "null");
		else
			buf_addf(b, "%lld", (long long)s->by_priority[i]);
	}
	buf_addc(b, '}');
}

void
report_queue_json(struct buf *b, const struct queue_stats *s)
{
	buf_addf(b,
	    "{\"pending\":%lld,\"scheduled\":%lld,\"processing\":%lld,"
	    "\"completed\":%lld,\"failed\":%lld,\"expired\":%lld",
	    (long long)s->pending, (long long)s->scheduled,
	    (long long)s->processing, (long long)s->completed,
	    (long long)s->failed, (long long)s->expired);
	priorities_json(b, s);
	buf_adds(b, ",\"oldest_seconds\":");
	if (s->oldest_us > 0)
		report_seconds_json(b, s->now_us - s->oldest_us);
	else
		buf_adds(b, "null");
	buf_addf(b, ",\"done_last_minute\":%lld,\"failed_last_minute\":%lld",
	    (long long)s->done_minute, (long long)s->failed_minute);
	buf_addf(b,
	    ",\"paused\":%s,\"pause_reason\":", s->paused ? "true" : "false");
	if (s->paused)
		envelope_string(b, s->pause_reason);
	else
		buf_adds(b, "null");
	buf_adds(b, ",\"pause_until\":");
	report_time_json(b, s->paused ? s->pause_until_us : 0);
	buf_adds(b, ",\"counters\":{");
	counters(b, s, 1);
	buf_adds(b, "},\"at\":");
	report_time_json(b, s->now_us);
	buf_addc(b, '}');
}

enum rc
report_queue(const struct report *r, struct buf *b, struct err *e)
{
	struct queue_stats s;
	enum rc rc = queue_stats(r->queue, &s, e);

	if (rc != RC_OK)
		return rc;
	if (r->json) {
		report_queue_json(b, &s);
		buf_addc(b, '\n');
		return RC_OK;
	}
	report_queue_text(b, &s);
	buf_adds(b, "ever        ");
	counters(b, &s, 0);
	buf_addc(b, '\n');
	return RC_OK;
}

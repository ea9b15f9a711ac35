#include <stdlib.h>
#include <string.h>

#include "data/envelope.h"
#include "data/text.h"
#include "report.h"
#include "source/account.h"

/* A source with what the settings say of it. */
struct source_about {
	const char *name;
	const char *lacks; /* why it is off; NULL: it is not */
	double rate;
	int minute;          /* calls of a minute; 0: no such limit */
	int64_t quota, left; /* calls of its day; quota 0: no such limit */
};

int64_t
report_day_quota(const struct config *c, const struct report_state *s, size_t i,
    int64_t *left)
{
	enum zone zone = ZONE_UTC;
	int64_t quota = account_day_quota(c, s->sources[i], &zone);

	*left = quota;
	if (s->guards[i].day == zone_day(zone, s->now_us / 1000000))
		*left -= s->guards[i].day_used;
	*left -= s->guards[i].day_booked;
	if (*left < 0)
		*left = 0;
	return quota;
}

static struct source_about
about(const struct config *c, const struct report_state *s, size_t i)
{
	struct source_about a = { .name = s->sources[i] };

	a.lacks = account_lacks(c, a.name);
	a.rate = account_rate(c, a.name);
	a.minute = account_minute_quota(c, a.name);
	a.quota = report_day_quota(c, s, i, &a.left);
	return a;
}

static const char *
breaker_word(const struct guard_state *g)
{
	return g->open_us > 0 ? "open" : g->half_open ? "half-open" : "closed";
}

static void
source_text(struct buf *b, const struct source_about *a,
    const struct guard_state *g, int64_t now_us)
{
	buf_addf(b, "%-11s ", a->name);
	if (a->lacks != NULL) {
		buf_addf(b, "passed over: %s\n", a->lacks);
		return;
	}
	if (a->minute > 0)
		buf_addf(b, "%d a minute, ", a->minute);
	else if (a->rate >= 1)
		buf_addf(b, "%g/s, ", a->rate);
	else if (a->rate > 0)
		buf_addf(b, "%g a minute, ", 60 * a->rate);
	if (a->quota > 0)
		buf_addf(b, "%lld of %lld calls left today, ",
		    (long long)a->left, (long long)a->quota);
	if (!g->known) {
		buf_adds(b, "not asked yet\n");
		return;
	}
	buf_addf(b, "breaker %s", breaker_word(g));
	if (g->open_us > 0) {
		buf_adds(b, " for ");
		report_span(b, g->open_us / 1000);
	}
	if (g->hold_us > 0) {
		buf_adds(b, ", HELD for ");
		report_span(b, g->hold_us / 1000);
	}
	if (g->next_us > 0)
		buf_addf(b, ", next slot in %.1f s", (double)g->next_us / 1e6);
	buf_addf(b, ", %lld call%s a minute, %lld failed", (long long)g->calls,
	    g->calls == 1 ? "" : "s", (long long)g->failures);
	if (g->failures_in_row > 0)
		buf_addf(b, " (%lld in a row)", (long long)g->failures_in_row);
	if (g->last_error[0] != '\0') {
		buf_adds(b, ", last error ");
		text_clean(b, g->last_error);
		buf_adds(b, " ");
		report_span(b, (now_us - g->last_error_us) / 1000);
		buf_adds(b, " ago");
	}
	buf_addc(b, '\n');
}

void
report_sources_text(
    struct buf *b, const struct config *c, const struct report_state *s)
{
	for (size_t i = 0; i < s->nsources; i++) {
		struct source_about a = about(c, s, i);

		source_text(b, &a, &s->guards[i], s->now_us);
	}
}

static void
source_json(
    struct buf *b, const struct source_about *a, const struct guard_state *g)
{
	buf_adds(b, "{\"name\":");
	envelope_string(b, a->name);
	buf_adds(b, ",\"off\":");
	if (a->lacks != NULL)
		envelope_string(b, a->lacks);
	else
		buf_adds(b, "null");
	buf_addf(b, ",\"rate\":%g,\"minute_quota\":", a->rate);
	if (a->minute > 0)
		buf_addf(b, "%d", a->minute);
	else
		buf_adds(b, "null");
	buf_adds(b, ",\"day_quota\":");
	if (a->quota > 0)
		buf_addf(b, "%lld,\"day_left\":%lld", (long long)a->quota,
		    (long long)a->left);
	else
		buf_adds(b, "null,\"day_left\":null");
	buf_addf(
	    b, ",\"asked\":%s,\"next_seconds\":", g->known ? "true" : "false");
	report_seconds_json(b, g->next_us);
	buf_adds(b, ",\"hold_seconds\":");
	report_seconds_json(b, g->hold_us);
	buf_addf(b, ",\"breaker\":\"%s\",\"open_seconds\":", breaker_word(g));
	report_seconds_json(b, g->open_us);
	buf_addf(b,
	    ",\"calls_last_minute\":%lld,\"failures_last_minute\":%lld,"
	    "\"failures_in_row\":%lld,\"opened_in_row\":%lld,\"last_error\":",
	    (long long)g->calls, (long long)g->failures,
	    (long long)g->failures_in_row, (long long)g->opens);
	if (g->last_error[0] != '\0')
		envelope_string(b, g->last_error);
	else
		buf_adds(b, "null");
	buf_adds(b, ",\"last_error_at\":");
	report_time_json(b, g->last_error_us);
	buf_addc(b, '}');
}

void
report_sources_json(
    struct buf *b, const struct config *c, const struct report_state *s)
{
	buf_addc(b, '[');
	for (size_t i = 0; i < s->nsources; i++) {
		struct source_about a = about(c, s, i);

		if (i > 0)
			buf_addc(b, ',');
		source_json(b, &a, &s->guards[i]);
	}
	buf_addc(b, ']');
}

enum rc
report_sources(const struct report *r, struct buf *b, struct err *e)
{
	struct report_state *s = malloc(sizeof(*s));
	enum rc rc;

	if (s == NULL)
		return err_set(e, RC_NOMEM, "report: out of memory");
	rc = report_read(r, 0, s, e);
	if (rc == RC_OK && r->json) {
		report_sources_json(b, r->config, s);
		buf_addc(b, '\n');
	} else if (rc == RC_OK) {
		report_sources_text(b, r->config, s);
	}
	free(s);
	return rc;
}

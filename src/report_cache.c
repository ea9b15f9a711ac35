#include <stdlib.h>

#include "data/envelope.h"
#include "report.h"

/* Is there anything to say of it? */
static int
is_known(const struct cache_about *a)
{
	return a->there || a->misses > 0;
}

static const char *
state_of(const struct cache_about *a, int64_t now_us)
{
	return !a->there                     ? "absent"
	       : a->fresh_ms > now_us / 1000 ? "fresh"
					     : "stale";
}

/* Annual returns are not predicted. */
static void
ahead_json(struct buf *b, const struct cache_about *a, int is_returns)
{
	buf_addf(b, ",\"early_refreshes\":%lld", (long long)a->early);
	if (!is_returns)
		buf_addf(b,
		    ",\"predicted_refreshes\":%lld,\"predicted_used\":%lld",
		    (long long)a->predicted, (long long)a->used);
	buf_adds(b, ",\"sweep_seconds\":");
	if (a->cost_ms > 0)
		report_seconds_json(b, a->cost_ms * 1000);
	else
		buf_adds(b, "null");
}

/* sector NULL: annual returns. */
static void
cached_json(struct buf *b, const char *index, const char *sector,
    const struct cache_about *a, int64_t now_us)
{
	buf_adds(b, "{\"index\":");
	envelope_string(b, index);
	if (sector != NULL) {
		buf_adds(b, ",\"sector\":");
		envelope_string(b, sector);
	}
	buf_addf(b, ",\"state\":\"%s\"", state_of(a, now_us));
	if (a->there) {
		buf_adds(b, ",\"age_seconds\":");
		report_seconds_json(b, now_us - a->fetched_us);
		buf_adds(b, ",\"fetched_at\":");
		report_time_json(b, a->fetched_us);
		buf_adds(b, ",\"fresh_until\":");
		report_time_json(b, a->fresh_ms * 1000);
		buf_addf(b, ",\"rows\":%lld,\"bytes\":%lld,\"source\":",
		    (long long)a->rows, (long long)a->bytes);
		envelope_string(b, a->source);
	}
	buf_addf(b,
	    ",\"hits\":%lld,\"stale_reads\":%lld,\"misses\":%lld,"
	    "\"last_read_at\":",
	    (long long)a->hits, (long long)a->stale, (long long)a->misses);
	report_time_json(b, a->read_ms * 1000);
	ahead_json(b, a, sector == NULL);
	buf_addc(b, '}');
}

void
report_cache_json(struct buf *b, const struct report_state *s)
{
	int n = 0;

	buf_adds(b, "\"datasets\":[");
	for (int i = 0; i < DATASET_INDEXES; i++)
		for (int j = 0; j < DATASET_SECTORS; j++) {
			if (!is_known(&s->cache[i][j]))
				continue;
			if (n++ > 0)
				buf_addc(b, ',');
			cached_json(b, dataset_indexes[i].name,
			    dataset_sectors[j].name, &s->cache[i][j],
			    s->now_us);
		}
	buf_adds(b, "],\"annual_returns\":[");
	n = 0;
	for (int i = 0; i < DATASET_INDEXES; i++) {
		if (!is_known(&s->returns[i]))
			continue;
		if (n++ > 0)
			buf_addc(b, ',');
		cached_json(b, dataset_indexes[i].name, NULL, &s->returns[i],
		    s->now_us);
	}
	buf_addc(b, ']');
}

static void
cached_text(struct buf *b, const char *index, const char *sector,
    const struct cache_about *a, int64_t now_us)
{
	struct buf age;

	buf_init(&age, 64);
	if (a->there)
		report_span(&age, (now_us - a->fetched_us) / 1000);
	buf_addf(b, "%-12s %-22s %-6s %6s %4lld %-6.6s %5lld %5lld %6lld\n",
	    index, sector, state_of(a, now_us),
	    age.data != NULL ? age.data : "-", (long long)a->rows,
	    a->there ? a->source : "-", (long long)a->hits, (long long)a->stale,
	    (long long)a->misses);
	buf_fini(&age);
}

/* All datasets together: there is no room for more columns. */
static void
ahead_text(struct buf *b, const struct report_state *s)
{
	int64_t early = 0, predicted = 0, used = 0;

	for (int i = 0; i < DATASET_INDEXES; i++) {
		early += s->returns[i].early;
		for (int j = 0; j < DATASET_SECTORS; j++) {
			early += s->cache[i][j].early;
			predicted += s->cache[i][j].predicted;
			used += s->cache[i][j].used;
		}
	}
	buf_addf(b,
	    "fetched ahead: %lld early, %lld predicted, of those %lld read\n",
	    (long long)early, (long long)predicted, (long long)used);
}

static void
cache_table(struct buf *b, const struct report_state *s)
{
	int absent = 0;

	buf_addf(b, "%-12s %-22s %-6s %6s %4s %-6s %5s %5s %6s\n", "index",
	    "sector", "state", "age", "rows", "source", "hits", "stale",
	    "misses");
	for (int i = 0; i < DATASET_INDEXES; i++)
		for (int j = 0; j < DATASET_SECTORS; j++) {
			if (is_known(&s->cache[i][j]))
				cached_text(b, dataset_indexes[i].name,
				    dataset_sectors[j].name, &s->cache[i][j],
				    s->now_us);
			else
				absent++;
		}
	for (int i = 0; i < DATASET_INDEXES; i++)
		if (is_known(&s->returns[i]))
			cached_text(b, dataset_indexes[i].name,
			    "(annual returns)", &s->returns[i], s->now_us);
	buf_addf(
	    b, "%d more datasets are neither cached nor asked for\n", absent);
	ahead_text(b, s);
}

enum rc
report_cache(const struct report *r, struct buf *b, struct err *e)
{
	struct report_state *s = malloc(sizeof(*s));
	enum rc rc;

	if (s == NULL)
		return err_set(e, RC_NOMEM, "report: out of memory");
	rc = report_read(r, REPORT_OF_CACHE, s, e);
	if (rc == RC_OK && r->json) {
		buf_addc(b, '{');
		report_cache_json(b, s);
		buf_adds(b, "}\n");
	} else if (rc == RC_OK) {
		cache_table(b, s);
	}
	free(s);
	return rc;
}

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/csv.h"
#include "data/envelope.h"
#include "data/text.h"
#include "output.h"

static const char *const formats[] = { [FORMAT_JSON] = "json",
	[FORMAT_NDJSON] = "ndjson",
	[FORMAT_CSV] = "csv",
	[FORMAT_TABLE] = "table" };

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

void
view_init(struct view *v)
{
	*v = (struct view){ .sort = FIELD__MAX, .limit = -1 };
}

enum rc
view_format(struct view *v, const char *name, struct err *e)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (strcmp(name, formats[i]) == 0) {
			v->format = (enum format)i;
			return RC_OK;
		}
	return err_set(e, RC_USAGE,
	    "unknown format \"%.40s\": json, ndjson, csv or table", name);
}

static enum rc
field_named(const char *name, enum field *out, struct err *e)
{
	const char *names[FIELD__MAX], *near;

	*out = field_by_name(name);
	if (*out != FIELD__MAX)
		return RC_OK;
	for (int i = 0; i < FIELD__MAX; i++)
		names[i] = fields[i].name;
	near = dataset_nearest(name, names, FIELD__MAX);
	return err_set(e, RC_USAGE, "unknown field \"%.40s\"%s%s%s", name,
	    near ? ": did you mean \"" : "", near ? near : "",
	    near ? "\"?" : "");
}

enum rc
view_fields(struct view *v, const char *names, struct err *e)
{
	struct view fresh = *v;
	char name[64];
	enum field f;
	enum rc rc;

	fresh.chosen = 1;
	memset(fresh.fields, 0, sizeof(fresh.fields));
	for (;;) {
		size_t n = strcspn(names, ",");

		if (n == 0 || n >= sizeof(name))
			return err_set(e, RC_USAGE,
			    "fields are names with "
			    "commas between them: Ticker,price,Perf Year");
		memcpy(name, names, n);
		name[n] = '\0';
		rc = field_named(name, &f, e);
		if (rc != RC_OK)
			return rc;
		fresh.fields[f] = 1;
		if (names[n] == '\0')
			break;
		names += n + 1;
	}
	*v = fresh;
	return RC_OK;
}

enum rc
view_sort(struct view *v, const char *name, struct err *e)
{
	int descending = name[0] == '-';
	enum rc rc = field_named(name + descending, &v->sort, e);

	if (rc == RC_OK)
		v->descending = descending;
	return rc;
}

int
view_is_plain(const struct view *v)
{
	return v->format == FORMAT_JSON && !v->chosen &&
	       v->sort == FIELD__MAX && v->limit < 0;
}

/* "12 s", "5 min", "3 h", "2 d" */
static void
add_span(struct buf *b, int64_t ms)
{
	long long s = (long long)(ms < 0 ? 0 : ms / 1000);

	if (s < 120)
		buf_addf(b, "%lld s", s);
	else if (s < 7200)
		buf_addf(b, "%lld min", s / 60);
	else if (s < 172800)
		buf_addf(b, "%lld h", s / 3600);
	else
		buf_addf(b, "%lld d", s / 86400);
}

/* Under the table: what it is, where it comes from, how old it is. */
static void
footer(struct buf *b, const struct envelope_head *h, size_t shown, size_t count,
    int64_t now_ms)
{
	buf_addf(b, "%zu compan%s", shown, shown == 1 ? "y" : "ies");
	if (shown < count)
		buf_addf(b, " of %zu", count);
	buf_addf(b, "  %s / %s  %s, fetched ", h->dataset.index,
	    h->dataset.sector, h->source);
	add_span(b, now_ms - h->fetched_ms);
	buf_adds(b, " ago, ");
	if (h->fresh_ms > now_ms) {
		buf_adds(b, "fresh for ");
		add_span(b, h->fresh_ms - now_ms);
	} else {
		buf_adds(b, "STALE");
	}
	if (h->partial)
		buf_addf(b, "\nPARTIAL: %lld rows are missing",
		    (long long)(h->total - (int64_t)count));
	if (h->members[0] != '\0')
		buf_addf(b, "\nmembers from %s", h->members);
	if (h->origin[0] != '\0')
		buf_addf(b, "\nNOT LIVE DATA: %s stands in for %s", h->origin,
		    h->source);
	buf_addc(b, '\n');
}

static void
write_ndjson(struct buf *b, const struct table *t,
    const struct envelope_head *h, const unsigned char *only)
{
	for (size_t i = 0; i < t->count; i++) {
		envelope_record(
		    b, &t->rows[i], h->dataset.index, h->fetched_ms, only);
		buf_addc(b, '\n');
	}
}

/* How long {"stale":true,"attempts":[...], is; 0: the answer is not stale. */
static size_t
stale_prefix(const char *bytes)
{
	const char *p;

	if (strncmp(bytes, "{\"stale\":", 9) != 0)
		return 0;
	/* A quote in a message is escaped: the first match is the key. */
	p = strstr(bytes, "\"success\":");
	return p != NULL ? (size_t)(p - bytes) : 0;
}

static void
write_view(struct buf *b, const struct view *v, const char *bytes,
    const struct table *t, const struct envelope_head *h, size_t count,
    int64_t now_ms)
{
	const unsigned char *only = v->chosen ? v->fields : NULL;
	size_t stale = stale_prefix(bytes), at;

	switch (v->format) {
	case FORMAT_JSON:
		/* What goes before the envelope of a stale answer stays. */
		buf_add(b, bytes, stale);
		at = b->len;
		envelope_write(
		    b, &(struct envelope){ .dataset = h->dataset,
			   .source = h->source,
			   .origin = h->origin[0] ? h->origin : NULL,
			   .members = h->members[0] ? h->members : NULL,
			   .fetched_ms = h->fetched_ms,
			   .fresh_ms = h->fresh_ms,
			   .total = h->partial ? h->total : (int64_t)t->count,
			   .table = t,
			   .only = only });
		if (stale > 0 && b->rc == RC_OK) {
			memmove(b->data + at, b->data + at + 1, b->len - at);
			b->len--;
		}
		buf_addc(b, '\n');
		break;
	case FORMAT_NDJSON:
		write_ndjson(b, t, h, only);
		break;
	case FORMAT_CSV:
		csv_write(b, t, h->dataset.index, h->fetched_ms, only);
		break;
	case FORMAT_TABLE:
		text_write(b, t,
		    &(struct text_options){
			.width = v->width, .colour = v->colour, .only = only });
		footer(b, h, t->count, count, now_ms);
		break;
	}
}

enum rc
output_write(struct buf *b, const struct view *v, const char *bytes, size_t len,
    int64_t now_ms, struct err *e)
{
	struct envelope_head head;
	struct table t;
	size_t count;
	enum rc rc;

	if (view_is_plain(v)) {
		buf_add(b, bytes, len);
		buf_addc(b, '\n');
		return buf_check(b, "output", e);
	}
	table_init(&t);
	rc = envelope_read(bytes, len, &head, &t, e);
	if (rc == RC_OK) {
		count = t.count;
		if (v->sort != FIELD__MAX)
			table_sort(&t, v->sort, v->descending);
		if (v->limit >= 0 && (size_t)v->limit < t.count)
			t.count = (size_t)v->limit;
		if (head.success)
			write_view(b, v, bytes, &t, &head, count, now_ms);
		else if (v->format == FORMAT_JSON)
			buf_addf(b, "%.*s\n", (int)len, bytes);
		rc = buf_check(b, "output", e);
	}
	table_fini(&t);
	return rc;
}

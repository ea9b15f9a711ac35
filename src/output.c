#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/csv.h"
#include "data/envelope.h"
#include "data/text.h"
#include "output.h"
#include "returns_beside.h"

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
	const char *names[FIELD__ALL], *near;

	*out = field_by_name(name);
	if (*out != FIELD__MAX)
		return RC_OK;
	for (int i = 0; i < FIELD__ALL; i++)
		names[i] = fields[i].name;
	near = dataset_nearest(name, names, FIELD__ALL);
	return err_set(e, RC_USAGE, "unknown field \"%.40s\"%s%s%s", name,
	    near ? ": did you mean \"" : ": they are listed in stocknity(7)",
	    near ? near : "", near ? "\"?" : "");
}

enum rc
view_fields(struct view *v, const char *names, struct err *e)
{
	struct view fresh = *v;
	char name[64];
	enum field f;
	enum rc rc;

	fresh.chosen.n = 0;
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
		if (fresh.chosen.n == FIELD__ALL)
			return err_set(e, RC_USAGE, "too many fields");
		fresh.chosen.v[fresh.chosen.n++] = f;
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
view_wants_returns(const struct view *v)
{
	int wants = v->sort > FIELD__MAX;

	for (size_t i = 0; i < v->chosen.n; i++)
		wants |= v->chosen.v[i] > FIELD__MAX;
	return wants;
}

int
view_is_plain(const struct view *v)
{
	return v->format == FORMAT_JSON && v->chosen.n == 0 &&
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

/* What stands under a table: what it is, where it comes from, how old it is. */
struct footer {
	const struct envelope_head *head;
	size_t shown, count; /* records: here, and in the dataset */
	size_t left_out;     /* columns */
	int stale;
	int64_t now_ms;
	struct returns_beside returns;
};

/* Which figures are not the source's own. */
static void
write_filled(struct buf *b, const struct filled *of)
{
	for (size_t i = 0; i < of->nsources; i++) {
		size_t figures = 0, columns = 0;

		for (int f = 0; f < FIELD__MAX; f++) {
			figures += of->count[f][i];
			columns += of->count[f][i] > 0;
		}
		buf_addf(b, "\n%zu figures in %zu column%s are from %s",
		    figures, columns, columns == 1 ? "" : "s", of->source[i]);
	}
}

static void
write_footer(struct buf *b, const struct footer *f)
{
	const struct envelope_head *h = f->head;

	buf_addf(b, "%zu compan%s", f->shown, f->shown == 1 ? "y" : "ies");
	if (f->shown < f->count)
		buf_addf(b, " of %zu", f->count);
	buf_addf(b, "  %s / %s  %s, fetched ", h->dataset.index,
	    h->dataset.sector, h->source);
	add_span(b, f->now_ms - h->fetched_ms);
	buf_adds(b, " ago, ");
	if (h->fresh_ms > f->now_ms && !f->stale) {
		buf_adds(b, "fresh for ");
		add_span(b, h->fresh_ms - f->now_ms);
	} else {
		buf_adds(b, "STALE");
	}
	if (f->left_out > 0)
		buf_addf(b,
		    "\n%zu more column%s: a wider terminal, or --fields",
		    f->left_out, f->left_out == 1 ? "" : "s");
	if (h->partial)
		buf_addf(b, "\nPARTIAL: %lld rows are missing",
		    (long long)(h->total - (int64_t)f->count));
	if (h->members[0] != '\0')
		buf_addf(b, "\nmembers from %s", h->members);
	write_filled(b, &h->filled);
	if (f->returns.fetched_ms > 0) {
		buf_addf(b, "\nreturn and risk from %s, fetched ",
		    f->returns.source);
		add_span(b, f->now_ms - f->returns.fetched_ms);
		buf_addf(b, " ago%s",
		    f->returns.fresh_ms > f->now_ms ? "" : ", STALE");
	}
	if (h->origin[0] != '\0')
		buf_addf(b, "\nNOT LIVE DATA: %s stands in for %s", h->origin,
		    h->source);
	buf_addc(b, '\n');
}

static void
write_table(struct buf *b, const struct view *v, const struct table *t,
    struct footer *f)
{
	struct text_options o = { .width = v->width,
		.colour = v->colour,
		.chosen = v->chosen.n > 0 ? &v->chosen : NULL };

	f->left_out = text_write(b, t, &o);
	write_footer(b, f);
}

/* The JSON envelope anew; what goes before that of a stale answer stays. */
static void
write_json(struct buf *b, const char *bytes, size_t stale,
    const struct table *t, const struct footer *f, const unsigned char *only)
{
	const struct envelope_head *h = f->head;
	struct envelope env = { .dataset = h->dataset,
		.source = h->source,
		.origin = h->origin[0] ? h->origin : NULL,
		.members = h->members[0] ? h->members : NULL,
		.filled = h->is_filled ? &h->filled : NULL,
		.fetched_ms = h->fetched_ms,
		.fresh_ms = h->fresh_ms,
		.total = h->partial ? h->total : (int64_t)t->count,
		.table = t,
		.only = only,
		.returns_ms = f->returns.fetched_ms };
	size_t at;

	buf_add(b, bytes, stale);
	at = b->len;
	envelope_write(b, &env);
	if (stale > 0 && b->rc == RC_OK) {
		memmove(b->data + at, b->data + at + 1, b->len - at);
		b->len--;
	}
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
    const struct table *t, struct footer *f)
{
	const struct field_list *chosen = v->chosen.n > 0 ? &v->chosen : NULL;
	unsigned char mask[FIELD__ALL] = { 0 }, *only = chosen ? mask : NULL;
	const struct envelope_head *h = f->head;
	size_t stale = stale_prefix(bytes);

	for (size_t i = 0; i < v->chosen.n; i++)
		mask[v->chosen.v[i]] = 1;
	f->stale = stale > 0;
	switch (v->format) {
	case FORMAT_JSON:
		write_json(b, bytes, stale, t, f, only);
		break;
	case FORMAT_NDJSON:
		write_ndjson(b, t, h, only);
		break;
	case FORMAT_CSV:
		csv_write(b, t, h->dataset.index, h->fetched_ms, chosen);
		break;
	case FORMAT_TABLE:
		write_table(b, v, t, f);
		break;
	}
}

enum rc
output_write(struct buf *b, const struct view *v, const char *bytes, size_t len,
    int64_t now_ms, struct err *e)
{
	struct envelope_head head;
	struct table t;
	struct footer f = { .head = &head, .now_ms = now_ms };
	enum rc rc;

	if (view_is_plain(v)) {
		buf_add(b, bytes, len);
		buf_addc(b, '\n');
		return buf_check(b, "output", e);
	}
	table_init(&t);
	rc = envelope_read(bytes, len, &head, &t, e);
	if (rc == RC_OK && view_wants_returns(v))
		rc = returns_beside(&t, v->returns, &f.returns, e);
	if (rc == RC_OK) {
		f.count = t.count;
		if (v->sort != FIELD__MAX)
			table_sort(&t, v->sort, v->descending);
		if (v->limit >= 0 && (size_t)v->limit < t.count)
			t.count = (size_t)v->limit;
		f.shown = t.count;
		if (head.success)
			write_view(b, v, bytes, &t, &f);
		else if (v->format == FORMAT_JSON)
			buf_addf(b, "%.*s\n", (int)len, bytes);
		rc = buf_check(b, "output", e);
	}
	table_fini(&t);
	return rc;
}

#include <string.h>

#include <json-c/json.h>

#include "base/limits.h"
#include "base/num.h"
#include "data/text.h"
#include "returns_view.h"

static const struct column {
	const char *name, *title; /* of the document, of the table */
	int width;
	enum { PLAIN, FIGURE, PERCENT } what;
} columns[] = {
	{ "Ticker", "Ticker", -8, PLAIN },
	{ "currency", "Cur", -4, PLAIN },
	{ "points", "Points", 6, PLAIN },
	{ "nulls", "Nulls", 6, PLAIN },
	{ "first", "First", 11, FIGURE },
	{ "last", "Last", 11, FIGURE },
	{ "expected_annual_return", "Return", 9, PERCENT },
	{ "expected_annual_risk", "Risk", 9, PERCENT },
	{ "return_risk_ratio", "Ratio", 7, FIGURE },
	{ "error", "", -1, PLAIN },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* A cell of CSV; a number in its shortest form, quotes where they are due. */
static void
csv_cell(struct buf *b, struct json_object *v)
{
	char number[NUM_TEXT];
	const char *text;

	if (json_object_is_type(v, json_type_double)) {
		buf_add(
		    b, number, num_print(json_object_get_double(v), number));
		return;
	}
	text = v != NULL ? json_object_get_string(v) : "";
	if (strpbrk(text, ",\"\r\n") == NULL) {
		buf_adds(b, text);
		return;
	}
	buf_addc(b, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_addc(b, '"');
		buf_addc(b, *text);
	}
	buf_addc(b, '"');
}

static void
csv_row(struct buf *b, struct json_object *record)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		if (i > 0)
			buf_addc(b, ',');
		if (record != NULL)
			csv_cell(
			    b, json_object_object_get(record, columns[i].name));
		else
			buf_adds(b, columns[i].name);
	}
	buf_adds(b, "\r\n");
}

/* Yahoo's words, on a terminal. */
static void
text_cell(struct buf *b, int width, const char *text)
{
	struct buf clean;

	buf_init(&clean, LIMIT_RECORD);
	text_clean(&clean, text);
	buf_addf(b, "%*s", width, clean.len > 0 ? clean.data : "");
	buf_fini(&clean);
}

static void
table_row(struct buf *b, struct json_object *record)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		const struct column *c = &columns[i];
		struct json_object *v = json_object_object_get(record, c->name);
		double x = json_object_get_double(v);

		buf_addc(b, ' ');
		if (v == NULL)
			buf_addf(
			    b, "%*s", c->width, i + 1 == COLUMNS ? "" : "-");
		else if (c->what == PERCENT)
			buf_addf(b, "%*.2f%%", c->width - 1, x * 100);
		else if (c->what == FIGURE)
			buf_addf(b, "%*.2f", c->width, x);
		else
			text_cell(b, c->width, json_object_get_string(v));
	}
	while (b->len > 0 && b->data[b->len - 1] == ' ')
		b->len--;
	buf_addc(b, '\n');
}

static void
table_head(struct buf *b)
{
	for (size_t i = 0; i + 1 < COLUMNS; i++)
		buf_addf(b, " %*s", columns[i].width, columns[i].title);
	buf_addc(b, '\n');
}

static void
table_foot(struct buf *b, struct json_object *doc)
{
	struct json_object *origin = json_object_object_get(doc, "origin");
	long long count =
	    json_object_get_int64(json_object_object_get(doc, "count"));
	long long total =
	    json_object_get_int64(json_object_object_get(doc, "total"));

	buf_addf(b, "%lld companies  %s  %s, fetched %s%s\n", count,
	    json_object_get_string(json_object_object_get(doc, "index")),
	    json_object_get_string(json_object_object_get(doc, "source")),
	    json_object_get_string(json_object_object_get(doc, "fetched_at")),
	    json_object_object_get(doc, "stale") != NULL ? "  STALE" : "");
	if (count < total)
		buf_addf(
		    b, "PARTIAL: %lld companies are missing\n", total - count);
	if (origin != NULL)
		buf_addf(b, "NOT LIVE DATA: %s stands in for %s\n",
		    json_object_get_string(origin),
		    json_object_get_string(
			json_object_object_get(doc, "source")));
}

static void
write_all(struct buf *b, enum format format, struct json_object *doc,
    struct json_object *data)
{
	if (format == FORMAT_CSV)
		csv_row(b, NULL);
	else if (format == FORMAT_TABLE)
		table_head(b);
	for (size_t i = 0; i < json_object_array_length(data); i++) {
		struct json_object *r = json_object_array_get_idx(data, i);

		if (format == FORMAT_CSV)
			csv_row(b, r);
		else if (format == FORMAT_TABLE)
			table_row(b, r);
		else
			buf_addf(b, "%s\n",
			    json_object_to_json_string_ext(
				r, JSON_C_TO_STRING_PLAIN |
				       JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	if (format == FORMAT_TABLE)
		table_foot(b, doc);
}

enum rc
returns_view(struct buf *b, enum format format, const char *bytes, size_t len,
    struct err *e)
{
	struct json_object *doc, *data;
	enum rc rc;

	if (format == FORMAT_JSON) {
		buf_add(b, bytes, len);
		buf_addc(b, '\n');
		return buf_check(b, "annual returns", e);
	}
	doc = json_tokener_parse(bytes);
	data = json_object_object_get(doc, "data");
	if (json_object_is_type(data, json_type_array)) {
		write_all(b, format, doc, data);
		rc = buf_check(b, "annual returns", e);
	} else {
		rc = err_set(e, RC_PARSE, "the annual returns are not ours");
	}
	json_object_put(doc);
	return rc;
}

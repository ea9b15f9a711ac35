#include <math.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "base/clock.h"
#include "data/envelope.h"
#include "data/envelope_filled.h"

/*
 * The outer object and its array of records are walked here, each value in
 * them is read by json-c: so a large table costs the memory of one record, and
 * a document that is not ours ends at its first foreign value.
 */
struct reader {
	const char *p, *end;
	struct json_tokener *tokener;
	struct envelope_head head;
	struct table table;
	unsigned char missing[FIELD__MAX];
	int64_t count;
	int want; /* are the records wanted? */
	unsigned seen;
};

static enum rc
foreign(const struct reader *r, const char *what, struct err *e)
{
	return err_set(e, RC_PARSE,
	    "not an envelope of ours: %s, %zu bytes "
	    "before its end",
	    what, (size_t)(r->end - r->p));
}

static void
skip_blanks(struct reader *r)
{
	while (
	    r->p < r->end && *r->p != '\0' && strchr(" \t\r\n", *r->p) != NULL)
		r->p++;
}

/* Take a character that must come next. */
static int
take(struct reader *r, char c)
{
	skip_blanks(r);
	if (r->p == r->end || *r->p != c)
		return 0;
	r->p++;
	return 1;
}

/* The value that comes next, at most LIMIT_RECORD bytes long; put by the
 * caller.  NULL with RC_OK is the null of JSON. */
static enum rc
next_value(struct reader *r, struct json_object **out, struct err *e)
{
	size_t n = (size_t)(r->end - r->p);
	enum json_tokener_error why;

	if (n > LIMIT_RECORD)
		n = LIMIT_RECORD;
	json_tokener_reset(r->tokener);
	*out = json_tokener_parse_ex(r->tokener, r->p, (int)n);
	why = json_tokener_get_error(r->tokener);
	if (why != json_tokener_success) {
		json_object_put(*out);
		*out = NULL;
		return foreign(r, json_tokener_error_desc(why), e);
	}
	r->p += json_tokener_get_parse_end(r->tokener);
	return RC_OK;
}

/* A string without NUL characters; NULL: it is none. */
static const char *
text_of(struct json_object *v)
{
	const char *s;

	if (!json_object_is_type(v, json_type_string))
		return NULL;
	s = json_object_get_string(v);
	return strlen(s) == (size_t)json_object_get_string_len(v) ? s : NULL;
}

static int
copy_text(struct json_object *v, char *out, size_t size)
{
	const char *s = text_of(v);

	if (s == NULL || strlen(s) >= size)
		return 0;
	memcpy(out, s, strlen(s) + 1);
	return 1;
}

/* "2026-11-23T13:00:12Z" and nothing else. */
static int
read_time(struct json_object *v, int64_t *ms)
{
	const char *s = text_of(v);
	struct tm tm = { 0 };
	char again[32];

	if (s == NULL || strlen(s) != 20 || strptime(s, "%FT%TZ", &tm) == NULL)
		return 0;
	*ms = (int64_t)timegm(&tm) * 1000;
	clock_utc(*ms, again, sizeof(again));
	return strcmp(s, again) == 0;
}

static int
read_flag(struct json_object *v, int *out)
{
	*out = json_object_get_boolean(v);
	return json_object_is_type(v, json_type_boolean);
}

static int
read_whole(struct json_object *v, int64_t *out)
{
	*out = json_object_get_int64(v);
	return json_object_is_type(v, json_type_int) && *out >= 0;
}

/* One function a member of the head; 0: it is not as we write it. */

static int
set_success(struct reader *r, struct json_object *v)
{
	return read_flag(v, &r->head.success);
}

static int
set_index(struct reader *r, struct json_object *v)
{
	const char *s = text_of(v);

	return s != NULL &&
	       dataset_index(s, &r->head.dataset.index, NULL) == RC_OK;
}

static int
set_sector(struct reader *r, struct json_object *v)
{
	const char *s = text_of(v);

	return s != NULL &&
	       dataset_sector(s, &r->head.dataset.sector, NULL) == RC_OK;
}

static int
set_source(struct reader *r, struct json_object *v)
{
	return v == NULL ||
	       copy_text(v, r->head.source, sizeof(r->head.source));
}

static int
set_origin(struct reader *r, struct json_object *v)
{
	return copy_text(v, r->head.origin, sizeof(r->head.origin));
}

static int
set_error(struct reader *r, struct json_object *v)
{
	(void)r;
	return v == NULL || text_of(v) != NULL;
}

static int
set_text(struct reader *r, struct json_object *v)
{
	(void)r;
	return text_of(v) != NULL;
}

static int
set_fetched(struct reader *r, struct json_object *v)
{
	return read_time(v, &r->head.fetched_ms);
}

static int
set_fresh(struct reader *r, struct json_object *v)
{
	return read_time(v, &r->head.fresh_ms);
}

static int
set_partial(struct reader *r, struct json_object *v)
{
	return read_flag(v, &r->head.partial);
}

static int
set_count(struct reader *r, struct json_object *v)
{
	return read_whole(v, &r->count);
}

static int
set_total(struct reader *r, struct json_object *v)
{
	r->head.total = -1;
	return v == NULL || read_whole(v, &r->head.total);
}

static int
set_missing(struct reader *r, struct json_object *v)
{
	if (!json_object_is_type(v, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		const char *s = text_of(json_object_array_get_idx(v, i));

		if (s == NULL)
			return 0;
		for (int f = 0; f < FIELD__MAX; f++)
			if (strcmp(fields[f].name, s) == 0)
				r->missing[f] = 1;
	}
	return 1;
}

static int
set_members(struct reader *r, struct json_object *v)
{
	return copy_text(v, r->head.members, sizeof(r->head.members));
}

static int
set_filled(struct reader *r, struct json_object *v)
{
	r->head.is_filled = 1;
	return filled_read(&r->head.filled, v, r->count);
}

static const struct member {
	const char *name;
	int (*set)(struct reader *, struct json_object *);
	int optional;
} members[] = {
	{ "success", set_success, 0 },
	{ "index", set_index, 0 },
	{ "sector", set_sector, 0 },
	{ "source", set_source, 0 },
	{ "origin", set_origin, 1 },
	{ "error", set_error, 0 },
	{ "timestamp", set_text, 0 },
	{ "fetched_at", set_fetched, 0 },
	{ "fresh_until", set_fresh, 0 },
	{ "partial", set_partial, 0 },
	{ "count", set_count, 0 },
	{ "total", set_total, 0 },
	{ "missing_fields", set_missing, 0 },
	{ "filled", set_filled, 1 }, /* after count */
	{ "members", set_members, 1 },
	{ "data_hash", set_text, 0 },
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

static enum rc
set_member(
    struct reader *r, const char *name, struct json_object *v, struct err *e)
{
	for (size_t i = 0; i < MEMBERS; i++) {
		if (strcmp(members[i].name, name) != 0)
			continue;
		if (r->seen & 1u << i || !members[i].set(r, v))
			return foreign(r, name, e);
		r->seen |= 1u << i;
	}
	return RC_OK; /* others are of no interest here */
}

static enum rc
set_value(struct reader *r, struct record *to, enum field f,
    struct json_object *v, struct err *e)
{
	const char *text;

	if (v == NULL)
		return RC_OK;
	if (!field_is_number(f)) {
		text = text_of(v);
		if (text == NULL)
			return foreign(r, fields[f].name, e);
		return table_set_text(&r->table, to, f, text, e);
	}
	/* json-c takes NaN and Infinity for numbers. */
	if ((!json_object_is_type(v, json_type_double) &&
		!json_object_is_type(v, json_type_int)) ||
	    !isfinite(json_object_get_double(v)))
		return foreign(r, fields[f].name, e);
	table_set_number(to, f, json_object_get_double(v));
	return RC_OK;
}

static enum rc
read_record(struct reader *r, struct json_object *v, struct err *e)
{
	struct json_object *member = NULL;
	const char *ticker;
	struct record *to;
	int added;
	enum rc rc;

	if (!json_object_is_type(v, json_type_object))
		return foreign(r, "a record", e);
	json_object_object_get_ex(v, fields[FIELD_TICKER].name, &member);
	ticker = text_of(member);
	if (ticker == NULL)
		return foreign(r, fields[FIELD_TICKER].name, e);
	rc = table_record(&r->table, ticker, &to, &added, e);
	if (rc == RC_OK && !added)
		rc = foreign(r, "a ticker stands twice", e);
	for (int f = 0; f < FIELD__MAX && rc == RC_OK; f++)
		if (json_object_object_get_ex(v, fields[f].name, &member))
			rc = set_value(r, to, (enum field)f, member, e);
	return rc;
}

/* The records: the last member of an envelope. */
static enum rc
read_data(struct reader *r, struct err *e)
{
	struct json_object *v;
	enum rc rc = RC_OK;

	if (!take(r, '['))
		return foreign(r, "data", e);
	if (!r->want) {
		/* Only the head is wanted: look at the end instead. */
		if (r->end - r->p < 2 || memcmp(r->end - 2, "]}", 2) != 0)
			return foreign(r, "data", e);
		r->p = r->end;
		return RC_OK;
	}
	if (!take(r, ']')) {
		do {
			rc = next_value(r, &v, e);
			if (rc == RC_OK)
				rc = read_record(r, v, e);
			json_object_put(v);
		} while (rc == RC_OK && take(r, ','));
		if (rc == RC_OK && !take(r, ']'))
			rc = foreign(r, "data", e);
	}
	if (rc == RC_OK && !take(r, '}'))
		rc = foreign(r, "its end", e);
	skip_blanks(r);
	if (rc == RC_OK && r->p != r->end)
		rc = foreign(r, "more after its end", e);
	if (rc == RC_OK && r->count != (int64_t)r->table.count)
		rc = foreign(r, "count", e);
	return rc;
}

static enum rc
read_members(struct reader *r, struct err *e)
{
	struct json_object *name, *v;
	enum rc rc;
	int data = 0;

	if (!take(r, '{'))
		return foreign(r, "its beginning", e);
	do {
		name = v = NULL;
		rc = next_value(r, &name, e);
		if (rc == RC_OK && (text_of(name) == NULL || !take(r, ':')))
			rc = foreign(r, "a name", e);
		if (rc == RC_OK && strcmp(text_of(name), "data") == 0)
			data = 1;
		else if (rc == RC_OK)
			rc = next_value(r, &v, e);
		if (rc == RC_OK && !data)
			rc = set_member(r, text_of(name), v, e);
		json_object_put(v);
		json_object_put(name);
	} while (rc == RC_OK && !data && take(r, ','));
	if (rc == RC_OK && !data)
		return foreign(r, "no data", e);
	for (size_t i = 0; i < MEMBERS && rc == RC_OK; i++)
		if (!members[i].optional && !(r->seen & 1u << i))
			rc = foreign(r, members[i].name, e);
	if (rc == RC_OK && r->head.success && r->head.source[0] == '\0')
		rc = foreign(r, "source", e);
	return rc == RC_OK ? read_data(r, e) : rc;
}

enum rc
envelope_read(const char *bytes, size_t len, struct envelope_head *head,
    struct table *table, struct err *e)
{
	struct reader r = { .p = bytes, .end = bytes + len };
	enum rc rc;

	if (len > LIMIT_ENVELOPE)
		return err_set(e, RC_PARSE,
		    "an envelope has more than %u "
		    "bytes",
		    LIMIT_ENVELOPE);
	r.want = table != NULL;
	table_init(&r.table);
	r.tokener = json_tokener_new_ex(LIMIT_JSON_DEPTH);
	if (r.tokener == NULL)
		return err_set(e, RC_NOMEM, "envelope: out of memory");
	json_tokener_set_flags(
	    r.tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS |
			   JSON_TOKENER_VALIDATE_UTF8);
	rc = read_members(&r, e);
	json_tokener_free(r.tokener);
	if (rc == RC_OK && table != NULL) {
		for (int f = 0; f < FIELD__MAX; f++)
			r.table.have[f] = !r.missing[f];
		table_fini(table);
		*table = r.table;
		table_init(&r.table);
	}
	if (rc == RC_OK)
		*head = r.head;
	table_fini(&r.table);
	return rc;
}

#include <inttypes.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/utf8.h"
#include "data/envelope.h"
#include "data/envelope_filled.h"

#define STAMP 32 /* bytes of a time as text */

struct key {
	const char *text;
	size_t len;
};

/* What stands before each value, ready to be copied. */
static const struct key keys[FIELD__MAX] = {
#define FIELD(id, name, ...)                                                   \
	[FIELD_##id] = { "\"" name "\":", sizeof("\"" name "\":") - 1 },
#include "data/fields.def"
#undef FIELD
};

/* Is it a byte that stands for itself in a JSON string? */
static int
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* One character that is not plain; returns how many bytes it took. */
static size_t
add_special(struct buf *b, const char *text)
{
	size_t n = utf8_length(text);
	unsigned char c = (unsigned char)*text;

	if (n == 0) {
		buf_adds(b, UTF8_REPLACEMENT);
		return 1;
	}
	if (c == '"' || c == '\\') {
		buf_addc(b, '\\');
		buf_addc(b, *text);
	} else if (c < 0x20 || c == 0x7f) {
		buf_addf(b, "\\u%04x", c);
	} else {
		buf_add(b, text, n);
	}
	return n;
}

void
envelope_string(struct buf *b, const char *text)
{
	size_t n;

	buf_addc(b, '"');
	while (*text != '\0') {
		for (n = 0; is_plain((unsigned char)text[n]); n++)
			;
		buf_add(b, text, n);
		text += n;
		if (*text != '\0')
			text += add_special(b, text);
	}
	buf_addc(b, '"');
}

static void
string_or_null(struct buf *b, const char *text)
{
	if (text != NULL)
		envelope_string(b, text);
	else
		buf_adds(b, "null");
}

/* A figure of the annual returns, as the n-th member. */
static void
add_beside(struct buf *b, const struct record *r, enum field f, int n)
{
	char number[NUM_TEXT];
	const struct value *v = &r->v[f];

	buf_addf(b, "%s\"%s\":", n > 0 ? "," : "", fields[f].name);
	if (v->kind == VALUE_NUMBER)
		buf_add(b, number, num_print(v->u.number, number));
	else
		buf_adds(b, "null");
}

/* A record without its closing brace; returns how many members it has. */
static int
open_record(struct buf *b, const struct record *r, const unsigned char *only)
{
	char number[NUM_TEXT];
	int n = 0;

	buf_addc(b, '{');
	for (int f = 0; f < FIELD__MAX; f++) {
		const struct value *v = &r->v[f];

		if (only != NULL && !only[f])
			continue;
		if (n++ > 0)
			buf_addc(b, ',');
		buf_add(b, keys[f].text, keys[f].len);
		if (v->kind == VALUE_NUMBER)
			buf_add(b, number, num_print(v->u.number, number));
		else if (v->kind == VALUE_TEXT)
			envelope_string(b, v->u.text);
		else
			buf_add(b, "null", 4);
	}
	for (int f = FIELD__MAX + 1; only != NULL && f < FIELD__ALL; f++)
		if (only[f])
			add_beside(b, r, (enum field)f, n++);
	return n;
}

static void
close_record(struct buf *b, int members, const char *index, const char *when)
{
	if (members > 0)
		buf_addc(b, ',');
	buf_adds(b, "\"Index\":");
	envelope_string(b, index);
	buf_adds(b, ",\"Last_Updated\":\"");
	buf_adds(b, when);
	buf_adds(b, "\"}");
}

void
envelope_record(struct buf *b, const struct record *r, const char *index,
    int64_t fetched_ms, const unsigned char *only)
{
	char when[STAMP];

	clock_utc(fetched_ms, when, sizeof(when));
	close_record(b, open_record(b, r, only), index, when);
}

static void
hash_text(XXH3_state_t *state, char out[33])
{
	static const char hex[] = "0123456789abcdef";
	XXH128_canonical_t bytes;

	XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(state));
	for (size_t i = 0; i < 16; i++) {
		out[2 * i] = hex[bytes.digest[i] >> 4];
		out[2 * i + 1] = hex[bytes.digest[i] & 15];
	}
	out[32] = '\0';
}

/* The hash covers the records as lines of JSON; part is such a line without
 * its end. */
static void
hash_record(XXH3_state_t *state, const char *part, size_t len)
{
	XXH3_128bits_update(state, part, len);
	XXH3_128bits_update(state, "}\n", 2);
}

void
envelope_hash(const struct table *t, char out[33])
{
	/* On the stack, so that a hash cannot fail: a buffer that has its
	 * whole ceiling already never allocates. */
	char line[LIMIT_RECORD + 1];
	struct buf b = {
		.data = line, .cap = sizeof(line), .max = LIMIT_RECORD
	};
	XXH3_state_t state;

	XXH3_128bits_reset(&state);
	for (size_t i = 0; i < t->count; i++) {
		buf_clear(&b);
		open_record(&b, &t->rows[i], NULL);
		hash_record(&state, b.data, b.len);
	}
	hash_text(&state, out);
}

/* The records, and their hash into the 32 bytes at hash_at. */
static void
add_records(struct buf *b, const struct envelope *env, size_t hash_at)
{
	XXH3_state_t state;
	char when[STAMP], hash[33];

	XXH3_128bits_reset(&state);
	clock_utc(env->fetched_ms, when, sizeof(when));
	for (size_t i = 0; i < env->table->count; i++) {
		size_t at;
		int members;

		if (i > 0)
			buf_addc(b, ',');
		at = b->len;
		members = open_record(b, &env->table->rows[i], env->only);
		if (b->rc != RC_OK)
			return;
		hash_record(&state, b->data + at, b->len - at);
		close_record(b, members, env->dataset.index, when);
	}
	/* Of all fields, whichever are shown. */
	if (env->only != NULL)
		envelope_hash(env->table, hash);
	else
		hash_text(&state, hash);
	if (b->rc == RC_OK)
		memcpy(b->data + hash_at, hash, 32);
}

/* The same of records that are JSON already. */
static void
add_ready(struct buf *b, const struct envelope *env, size_t hash_at)
{
	XXH3_state_t state;
	char hash[33];

	XXH3_128bits_reset(&state);
	for (size_t i = 0; i < env->nrecords; i++) {
		size_t n = strlen(env->records[i]);

		if (i > 0)
			buf_addc(b, ',');
		buf_add(b, env->records[i], n);
		hash_record(&state, env->records[i], n > 0 ? n - 1 : 0);
	}
	hash_text(&state, hash);
	if (b->rc == RC_OK)
		memcpy(b->data + hash_at, hash, 32);
}

void
attempts_add(struct attempts *a, const char *source, int64_t wait_ms,
    const struct err *why)
{
	if (a->n == LIMIT_ATTEMPTS)
		a->n--;
	a->v[a->n++] = (struct attempt){ source, wait_ms, *why };
}

int
attempt_is_none(const struct attempt *a)
{
	return a->why.rc == RC_NOSOURCE;
}

static void
add_attempts(struct buf *b, const struct attempts *a)
{
	buf_adds(b, "\"attempts\":[");
	for (size_t i = 0; a != NULL && i < a->n; i++) {
		const struct attempt *v = &a->v[i];

		buf_adds(b, i > 0 ? ",{\"source\":" : "{\"source\":");
		string_or_null(b, v->source);
		buf_addf(
		    b, ",\"error\":\"%s\",\"message\":", rc_name(v->why.rc));
		envelope_string(b, v->why.msg);
		if (v->wait_ms > 0)
			buf_addf(b, ",\"retry_after\":%" PRId64 "}",
			    (v->wait_ms - 1) / 1000 + 1);
		else
			buf_adds(b, ",\"retry_after\":null}");
	}
	buf_adds(b, "],");
}

static void
add_missing(struct buf *b, const struct table *t, const unsigned char *only)
{
	int n = 0;

	buf_adds(b, "\"missing_fields\":[");
	for (int f = 0; t->count > 0 && f < FIELD__MAX; f++)
		if (!t->have[f] && (only == NULL || only[f])) {
			if (n++ > 0)
				buf_addc(b, ',');
			envelope_string(b, fields[f].name);
		}
	buf_adds(b, "],");
}

static void
add_error(struct buf *b, const struct err *e)
{
	char text[sizeof(e->msg) + 32] = "";

	if (e != NULL) {
		struct buf t = { .data = text,
			.cap = sizeof(text),
			.max = sizeof(text) - 1 };

		buf_addf(&t, "%s: %s", rc_name(e->rc), e->msg);
	}
	buf_adds(b, ",\"error\":");
	string_or_null(b, e != NULL ? text : NULL);
}

static void
add_times(struct buf *b, const struct envelope *env)
{
	char local[STAMP], fetched[STAMP], fresh[STAMP];

	clock_local(env->fetched_ms, local, sizeof(local));
	clock_utc(env->fetched_ms, fetched, sizeof(fetched));
	clock_utc(env->fresh_ms, fresh, sizeof(fresh));
	buf_addf(b,
	    ",\"timestamp\":\"%s\",\"fetched_at\":\"%s\","
	    "\"fresh_until\":\"%s\"",
	    local, fetched, fresh);
}

static void
add_counts(struct buf *b, size_t count, int64_t total)
{
	int partial = total >= 0 && count < (uint64_t)total;

	buf_addf(b, ",\"partial\":%s,\"count\":%zu,\"total\":",
	    partial ? "true" : "false", count);
	if (total >= 0)
		buf_addf(b, "%lld,", (long long)total);
	else
		buf_adds(b, "null,");
}

void
envelope_write(struct buf *b, const struct envelope *env)
{
	static const struct table none;
	struct envelope of = *env;
	size_t hash_at;

	if (of.table == NULL || of.error != NULL)
		of.table = &none;
	buf_adds(
	    b, of.error == NULL ? "{\"success\":true" : "{\"success\":false");
	buf_adds(b, ",\"index\":");
	envelope_string(b, of.dataset.index);
	buf_adds(b, ",\"sector\":");
	envelope_string(b, of.dataset.sector);
	buf_adds(b, ",\"source\":");
	string_or_null(b, of.source);
	if (of.origin != NULL) {
		buf_adds(b, ",\"origin\":");
		envelope_string(b, of.origin);
	}
	add_error(b, of.error);
	add_times(b, &of);
	add_counts(
	    b, of.records != NULL ? of.nrecords : of.table->count, of.total);
	add_missing(b, of.table, of.only);
	if (of.filled != NULL)
		filled_write(b, of.filled, of.only);
	if (of.members != NULL) {
		buf_adds(b, "\"members\":");
		envelope_string(b, of.members);
		buf_addc(b, ',');
	}
	buf_adds(b, "\"data_hash\":\"");
	hash_at = b->len;
	buf_adds(b, "................................\",");
	if (of.attempts != NULL && of.attempts->n > 0)
		add_attempts(b, of.attempts);
	if (of.returns_ms != 0) {
		char when[STAMP];

		clock_utc(of.returns_ms, when, sizeof(when));
		buf_addf(b, "\"returns_fetched_at\":\"%s\",", when);
	}
	buf_adds(b, "\"data\":[");
	if (of.records != NULL)
		add_ready(b, &of, hash_at);
	else
		add_records(b, &of, hash_at);
	buf_adds(b, "]}");
}

void
envelope_stale(
    struct buf *b, const char *stored, size_t len, const struct attempts *a)
{
	buf_adds(b, "{\"stale\":true,");
	add_attempts(b, a);
	if (len > 1)
		buf_add(b, stored + 1, len - 1);
}

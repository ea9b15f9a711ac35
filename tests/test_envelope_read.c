#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "envelope_sample.h"

static void
assert_tables_equal(const struct table *a, const struct table *b)
{
	assert_int_equal(a->count, b->count);
	assert_memory_equal(a->have, b->have, FIELD__MAX);
	for (size_t i = 0; i < a->count; i++)
		for (int f = 0; f < FIELD__MAX; f++) {
			const struct value *x = &a->rows[i].v[f];
			const struct value *y = &b->rows[i].v[f];

			assert_int_equal(x->kind, y->kind);
			if (x->kind == VALUE_NUMBER &&
			    x->u.number != y->u.number)
				fail_msg("%s: %.17g and %.17g", fields[f].name,
				    x->u.number, y->u.number);
			if (x->kind == VALUE_TEXT)
				assert_string_equal(x->u.text, y->u.text);
		}
}

static void
what_is_written_is_read_back(void **state)
{
	struct envelope_head head;
	struct table t, back;
	struct envelope env;
	char *text, *again;

	(void)state;
	sample(&t);
	table_init(&back);
	record(&back, "OLD"); /* replaced */
	env = envelope_of(&t);
	env.origin = "http://localhost:1";
	env.members = "cache 2026-11-23T13:00:12Z";
	env.total = 5;
	text = written(&env);
	assert_int_equal(
	    envelope_read(text, strlen(text), &head, &back, NULL), RC_OK);
	assert_tables_equal(&t, &back);
	assert_null(table_find(&back, "OLD"));
	assert_string_equal(head.dataset.index, "S&P 500");
	assert_string_equal(head.dataset.sector, "Technology");
	assert_string_equal(head.source, "finviz");
	assert_string_equal(head.origin, env.origin);
	assert_string_equal(head.members, env.members);
	assert_true(head.fetched_ms == FETCHED - 345);
	assert_true(head.fresh_ms == FRESH);
	assert_true(head.total == 5 && head.partial && head.success);
	env.table = &back;
	again = written(&env);
	assert_string_equal(text, again);
	memset(&head, 0, sizeof(head));
	assert_int_equal(
	    envelope_read(text, strlen(text), &head, NULL, NULL), RC_OK);
	assert_true(head.total == 5);
	free(text);
	free(again);
	table_fini(&t);
	table_fini(&back);
}

static void
any_figures_make_the_round_trip(void **state)
{
	static const double tens[] = { 1, 10, 100, 1e4, 1e7 };
	struct table t, back;
	struct envelope_head head;
	struct envelope env;
	uint64_t seed = 42;
	char ticker[16], *text;
	double v;

	(void)state;
	table_init(&t);
	table_init(&back);
	memset(t.have, 1, FIELD__MAX);
	for (int i = 0; i < 200; i++) {
		struct record *r;

		snprintf(ticker, sizeof(ticker), "T%d", i);
		r = record(&t, ticker);
		for (int f = 0; f < FIELD__MAX; f++) {
			seed =
			    seed * 6364136223846793005u + 1442695040888963407u;
			memcpy(&v, &seed, sizeof(v));
			if (f % 2)
				v = (double)(int64_t)(seed >> 20) / tens[f % 5];
			if (field_is_number((enum field)f))
				table_set_number(r, (enum field)f, v);
		}
	}
	env = envelope_of(&t);
	text = written(&env);
	assert_int_equal(
	    envelope_read(text, strlen(text), &head, &back, NULL), RC_OK);
	assert_tables_equal(&t, &back);
	free(text);
	table_fini(&t);
	table_fini(&back);
}

static void
an_empty_dataset_is_an_envelope_too(void **state)
{
	struct envelope env = envelope_of(NULL);
	struct envelope_head head;
	struct table t;
	char *text;

	(void)state;
	table_init(&t);
	env.total = 0;
	text = written(&env);
	assert_non_null(
	    strstr(text, "\"partial\":false,\"count\":0,\"total\":0,"
			 "\"missing_fields\":[],"));
	assert_int_equal(
	    envelope_read(text, strlen(text), &head, &t, NULL), RC_OK);
	assert_true(head.total == 0 && head.success);
	free(text);
	table_fini(&t);
}

static void
who_filled_what_is_written_and_read_back(void **state)
{
	struct filled of = {
		.source = { "yahoo", "polygon" }, .nsources = 2, .rows = 2
	};
	struct envelope_head head = { 0 };
	struct envelope env;
	struct table t;
	char *text;

	(void)state;
	sample(&t);
	env = envelope_of(&t);
	text = written(&env);
	assert_false(envelope_is_filled(text));
	free(text);
	env.filled = &of;
	text = written(&env);
	assert_non_null(strstr(text, "\"beta\"],\"filled\":{},\"data_hash"));
	assert_true(envelope_is_filled(text));
	free(text);

	of.count[FIELD_PEG][0] = 2;
	of.count[FIELD_PE][0] = 1;
	of.count[FIELD_EPS][0] = of.count[FIELD_EPS][1] = 1;
	env.members = "file 2026-08-08";
	text = written(&env);
	assert_non_null(
	    strstr(text, "],\"filled\":{\"pe\":{\"yahoo\":1},\"peg\":\"yahoo\","
			 "\"EPS\":{\"yahoo\":1,\"polygon\":1}},\"members\":"));
	assert_true(envelope_is_filled(text));
	assert_int_equal(
	    envelope_read(text, strlen(text), &head, NULL, NULL), RC_OK);
	assert_true(head.is_filled);
	assert_memory_equal(&head.filled, &of, sizeof(of));
	free(text);
	table_fini(&t);
}

/* An envelope in which one text was replaced by another must be refused, and
 * head and table left alone. */
static void
refused(const char *good, const char *from, const char *to)
{
	const char *at =
	    from == NULL ? good + strlen(good) : strstr(good, from);
	size_t cut = from == NULL ? 0 : strlen(from);
	struct envelope_head head, before;
	struct table t;
	struct buf b;

	assert_non_null(at);
	memset(&head, 7, sizeof(head));
	before = head;
	table_init(&t);
	record(&t, "KEPT");
	buf_init(&b, LIMIT_ENVELOPE);
	buf_add(&b, good, (size_t)(at - good));
	buf_adds(&b, to);
	buf_adds(&b, at + cut);
	if (envelope_read(b.data, b.len, &head, &t, NULL) != RC_PARSE)
		fail_msg("%s -> %s was taken", from, to);
	assert_memory_equal(&head, &before, sizeof(head));
	assert_int_equal(t.count, 1);
	assert_non_null(table_find(&t, "KEPT"));
	buf_fini(&b);
	table_fini(&t);
}

static void
a_foreign_filled_is_refused(void **state)
{
	static const char *const foreign[] = { "[]", "1", "null", "{\"pe\":1}",
		"{\"pe\":{\"yahoo\":3}}", "{\"pe\":{\"yahoo\":-1}}",
		"{\"pe\":{\"yahoo\":\"1\"}}",
		"{\"pe\":\"a source whose name is much too long\"}" };
	struct filled of = { .rows = 2 };
	struct envelope env;
	struct table t;
	char *good, to[256];
	size_t n;

	(void)state;
	sample(&t);
	env = envelope_of(&t);
	env.filled = &of;
	good = written(&env);
	for (size_t i = 0; i < N(foreign); i++) {
		snprintf(to, sizeof(to), "\"filled\":%s,", foreign[i]);
		refused(good, "\"filled\":{},", to);
	}
	/* One source more than there is room for. */
	n = (size_t)snprintf(to, sizeof(to), "\"filled\":{\"pe\":{");
	for (int i = 0; i <= LIMIT_SOURCES; i++)
		n += (size_t)snprintf(
		    to + n, sizeof(to) - n, "%s\"%d\":1", i > 0 ? "," : "", i);
	snprintf(to + n, sizeof(to) - n, "}},");
	refused(good, "\"filled\":{},", to);
	free(good);
	table_fini(&t);
}

static void
what_is_not_ours_is_refused(void **state)
{
	static const char *const changes[][2] = { { "{\"success\"", "[" },
		{ "\"success\":true", "\"success\":1" },
		{ "\"success\":true,", "" },
		{ "\"success\":true", "\"success\":true,\"success\":true" },
		{ "\"S&P 500\"", "\"FTSE\"" }, { "\"S&P 500\"", "500" },
		{ "\"Technology\"", "\"Tech\"" },
		{ "\"source\":\"finviz\"", "\"source\":null" },
		{ "\"source\":\"finviz\"", "\"source\":7" },
		{ "\"source\":\"finviz\"",
		    "\"source\":\"a-name-that-is-longer-than-any-source\"" },
		{ "\"source\":\"finviz\"", "\"source\":\"fin\\u0000viz\"" },
		{ "\"error\":null", "\"error\":{}" },
		{ "\"2026-11-23T13:00:12Z\"", "\"2026-11-23T13:00:12\"" },
		{ "\"2026-11-23T13:00:12Z\"", "\"2026-02-30T13:00:12Z\"" },
		{ "\"2026-11-23T14:00:12Z\"", "1795442412" },
		{ "\"partial\":false", "\"partial\":\"no\"" },
		{ "\"count\":2", "\"count\":3" },
		{ "\"count\":2", "\"count\":-2" },
		{ "\"count\":2", "\"count\":2.0" },
		{ "\"total\":2", "\"total\":\"2\"" },
		{ "\"total\":2", "\"total\":-1" },
		{ "[\"Perf 3Y\",\"beta\"]", "{}" },
		{ "[\"Perf 3Y\",\"beta\"]", "[1]" },
		{ "\"data\":[", "\"data\":{" },
		{ "\"data\":[", "\"data\":[7," },
		{ "\"data\":[", "\"data\":[," }, { "\"data\":[", "\"date\":[" },
		{ "\"BRK-B\"", "\"AAPL\"" }, { "\"BRK-B\"", "\"brk b\"" },
		{ "\"BRK-B\"", "null" }, { "\"pe\":39.98", "\"pe\":\"39.98\"" },
		{ "\"pe\":39.98", "\"pe\":NaN" },
		{ "\"pe\":39.98", "\"pe\":1e999" },
		{ "\"pe\":39.98", "\"pe\":true" },
		{ "\"pe\":39.98", "\"pe\":[1]" },
		{ "\"Company\":\"Apple", "\"Company\":\"\xff" },
		{ "\"Company\":\"Apple", "\"Company\":\"a\\u0000" },
		{ "\"1980-12-12\"", "19801212" }, { "}]}", "}]" },
		{ "}]}", "},]}" }, { "}]}", "}" }, { "}]}", "}],\"more\":1}" },
		{ NULL, "x" }, { NULL, "{}" } };
	struct table t;
	struct envelope env;
	char *text;

	(void)state;
	sample(&t);
	env = envelope_of(&t);
	text = written(&env);
	for (size_t i = 0; i < N(changes); i++)
		refused(text, changes[i][0], changes[i][1]);
	free(text);
	table_fini(&t);
}

static void
unknown_members_are_ignored(void **state)
{
	struct envelope_head head;
	struct table t;
	struct envelope env;
	struct buf b;
	char *text;

	(void)state;
	sample(&t);
	env = envelope_of(&t);
	text = written(&env);
	buf_init(&b, LIMIT_ENVELOPE);
	buf_adds(&b, " \n{ \"news\" : [ { } , null ] , ");
	buf_add(&b, text + 1, (size_t)(strstr(text, "\"pe\"") - text - 1));
	buf_adds(&b, "\"mood\":{\"x\":[1]},");
	buf_adds(&b, strstr(text, "\"pe\""));
	buf_adds(&b, " \r\n");
	assert_int_equal(envelope_read(b.data, b.len, &head, &t, NULL), RC_OK);
	assert_int_equal(t.count, 2);
	assert_true(t.rows[0].v[FIELD_PE].u.number == 39.98);
	buf_fini(&b);
	free(text);
	table_fini(&t);
}

static void
every_truncation_is_refused(void **state)
{
	struct envelope_head head;
	struct table t, back;
	struct envelope env;
	char *text, *copy;
	size_t len;

	(void)state;
	sample(&t);
	table_init(&back);
	env = envelope_of(&t);
	text = written(&env);
	len = strlen(text);
	for (size_t n = 0; n < len; n++) {
		copy = malloc(n + 1); /* so that a byte too far is noticed */
		assert_non_null(copy);
		memcpy(copy, text, n);
		copy = realloc(copy, n > 0 ? n : 1);
		assert_int_equal(
		    envelope_read(copy, n, &head, &back, NULL), RC_PARSE);
		assert_int_equal(
		    envelope_read(copy, n, &head, NULL, NULL), RC_PARSE);
		free(copy);
	}
	free(text);
	table_fini(&t);
	table_fini(&back);
}

static void
deep_long_and_binary_documents_are_refused(void **state)
{
	struct envelope_head head;
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, LIMIT_ENVELOPE + 2);
	buf_adds(&b, "{\"x\":");
	for (n = 0; n < 60000; n++)
		buf_addc(&b, '[');
	assert_int_equal(
	    envelope_read(b.data, b.len, &head, NULL, NULL), RC_PARSE);
	buf_clear(&b);
	buf_adds(&b, "{\"x\":\"");
	for (n = 0; n < (size_t)2 * LIMIT_RECORD; n++)
		buf_addc(&b, 'x');
	buf_adds(&b, "\"}");
	assert_int_equal(
	    envelope_read(b.data, b.len, &head, NULL, NULL), RC_PARSE);
	assert_int_equal(
	    envelope_read("\0\0\0", 3, &head, NULL, NULL), RC_PARSE);
	assert_int_equal(envelope_read("", 0, &head, NULL, NULL), RC_PARSE);
	assert_int_equal(envelope_read("[]", 2, &head, NULL, NULL), RC_PARSE);
	assert_int_equal(
	    envelope_read("", LIMIT_ENVELOPE + 1, &head, NULL, NULL), RC_PARSE);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(any_figures_make_the_round_trip),
		cmocka_unit_test(an_empty_dataset_is_an_envelope_too),
		cmocka_unit_test(what_is_not_ours_is_refused),
		cmocka_unit_test(who_filled_what_is_written_and_read_back),
		cmocka_unit_test(a_foreign_filled_is_refused),
		cmocka_unit_test(unknown_members_are_ignored),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(deep_long_and_binary_documents_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

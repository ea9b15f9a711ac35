#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "envelope_sample.h"

#define HASHED "\"data_hash\":\""

static struct json_object *
parsed(const char *text)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *o;

	json_tokener_set_flags(
	    tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, text, (int)strlen(text) + 1);
	assert_non_null(o);
	json_tokener_free(tok);
	return o;
}

static void
assert_end(const char *text, const char *end)
{
	assert_true(strlen(text) >= strlen(end));
	assert_string_equal(text + strlen(text) - strlen(end), end);
}

static void
members_stand_in_their_order(void **state)
{
	static const char want[] =
	    "{\"success\":true,\"index\":\"S&P 500\",\"sector\":\"Technology\","
	    "\"source\":\"finviz\",\"error\":null,"
	    "\"timestamp\":\"2026-11-23T08:00:12\","
	    "\"fetched_at\":\"2026-11-23T13:00:12Z\","
	    "\"fresh_until\":\"2026-11-23T14:00:12Z\","
	    "\"partial\":false,\"count\":2,\"total\":2,"
	    "\"missing_fields\":[\"Perf 3Y\",\"beta\"]," HASHED;
	static const char first[] =
	    "\",\"data\":[{\"Ticker\":\"AAPL\","
	    "\"Company\":\"Apple \\\"Inc\\\\\",\"Sector\":\"Technology\","
	    "\"Industry\":null,";
	struct table t;
	struct envelope env;
	char *text;

	(void)state;
	sample(&t);
	env = envelope_of(&t);
	text = written(&env);
	assert_int_equal(strncmp(text, want, sizeof(want) - 1), 0);
	assert_int_equal(
	    strspn(text + sizeof(want) - 1, "0123456789abcdef"), 32);
	assert_int_equal(
	    strncmp(text + sizeof(want) - 1 + 32, first, sizeof(first) - 1), 0);
	assert_end(text, "\"Sales\":null,\"Index\":\"S&P 500\","
			 "\"Last_Updated\":\"2026-11-23T13:00:12Z\"}]}");
	free(text);
	table_fini(&t);
}

static void
a_record_has_every_field_in_order(void **state)
{
	struct table t;
	struct envelope env;
	struct json_object *all, *data, *one;
	char *text;
	int f = 0;

	(void)state;
	sample(&t);
	env = envelope_of(&t);
	text = written(&env);
	all = parsed(text);
	assert_true(json_object_object_get_ex(all, "data", &data));
	assert_int_equal(json_object_array_length(data), 2);
	one = json_object_array_get_idx(data, 1);
	json_object_object_foreach(one, name, value)
	{
		(void)value;
		if (f < FIELD__MAX)
			assert_string_equal(name, fields[f].name);
		f++;
	}
	assert_int_equal(f, FIELD__MAX + 2);
	assert_true(json_object_object_get_ex(one, "EPS", &data));
	assert_true(json_object_get_double(data) == 4e-7);
	json_object_put(all);
	free(text);
	table_fini(&t);
}

static void
the_rare_members_stand_only_where_needed(void **state)
{
	static const char *const order[] = { "success", "index", "sector",
		"source", "origin", "error", "timestamp", "fetched_at",
		"fresh_until", "partial", "count", "total", "missing_fields",
		"members", "data_hash", "attempts", "data" };
	struct attempts a = { .n = 0 };
	struct err why = { RC_BLOCKED, "challenge \x1b \xff" };
	struct table t;
	struct envelope env;
	struct json_object *all, *v;
	char *text;
	size_t i = 0;

	(void)state;
	sample(&t);
	env = envelope_of(&t);
	env.origin = "http://127.0.0.1:8080";
	env.members = "file 2026-08-08";
	env.total = 3;
	attempts_add(&a, "finviz", 1, &why);
	attempts_add(&a, "yahoo", 0, &why);
	env.attempts = &a;
	text = written(&env);
	assert_non_null(strstr(text, "\"partial\":true,\"count\":2,"
				     "\"total\":3,"));
	assert_non_null(strstr(text,
	    "\"attempts\":[{\"source\":\"finviz\",\"error\":\"blocked\","
	    "\"message\":\"challenge \\u001b \xef\xbf\xbd\","
	    "\"retry_after\":1},{\"source\":\"yahoo\",\"error\":\"blocked\","
	    "\"message\":\"challenge \\u001b \xef\xbf\xbd\","
	    "\"retry_after\":null}],\"data\":["));
	all = parsed(text);
	json_object_object_foreach(all, name, value)
	{
		(void)value;
		assert_string_equal(name, order[i++]);
	}
	assert_int_equal(i, N(order));
	assert_true(json_object_object_get_ex(all, "origin", &v));
	json_object_put(all);
	free(text);
	env.total = -1;
	env.attempts = NULL;
	text = written(&env);
	assert_non_null(
	    strstr(text, "\"partial\":false,\"count\":2,\"total\":null,"));
	free(text);
	table_fini(&t);
}

static void
a_failed_fetch_has_its_error_and_no_data(void **state)
{
	struct attempts a = { .n = 0 };
	struct err why = { RC_LIMITED, "held" };
	struct envelope env = envelope_of(NULL);
	struct envelope_head head;
	struct table t;
	char *text;

	(void)state;
	sample(&t);
	attempts_add(&a, "finviz", 59001, &why);
	env.table = &t; /* left out: it is a failure */
	env.source = NULL;
	env.error = &why;
	env.attempts = &a;
	env.total = -1;
	text = written(&env);
	assert_int_equal(strncmp(text, "{\"success\":false,", 17), 0);
	assert_non_null(strstr(text, "\"source\":null,"
				     "\"error\":\"rate-limited: held\","));
	assert_non_null(strstr(text, "\"retry_after\":60}],"));
	assert_non_null(strstr(text, "\"count\":0,"));
	assert_non_null(strstr(text, "\"missing_fields\":[],"));
	assert_end(text, "\"data\":[]}");
	assert_int_equal(
	    envelope_read(text, strlen(text), &head, &t, NULL), RC_OK);
	assert_int_equal(head.success, 0);
	assert_int_equal(t.count, 0);
	free(text);
	table_fini(&t);
}

static void
attempts_beyond_the_ceiling_replace_the_last(void **state)
{
	struct attempts a = { .n = 0 };
	struct err why = { RC_NET, "" };

	(void)state;
	for (int i = 0; i <= LIMIT_ATTEMPTS; i++) {
		snprintf(why.msg, sizeof(why.msg), "%d", i);
		attempts_add(&a, "finviz", 0, &why);
	}
	assert_int_equal(a.n, LIMIT_ATTEMPTS);
	assert_string_equal(a.v[0].why.msg, "0");
	assert_string_equal(a.v[LIMIT_ATTEMPTS - 1].why.msg, "16");
}

static void
only_the_wanted_fields_are_written(void **state)
{
	unsigned char only[FIELD__ALL] = { 0 }, none[FIELD__ALL] = { 0 };
	struct table t;
	struct envelope env;
	struct buf b;
	char *all, *some;

	(void)state;
	sample(&t);
	only[FIELD_TICKER] = only[FIELD_PE] = only[FIELD_BETA] = 1;
	env = envelope_of(&t);
	all = written(&env);
	env.only = only;
	some = written(&env);
	assert_non_null(strstr(some, "\"missing_fields\":[\"beta\"],"));
	assert_non_null(strstr(some,
	    "\"data\":[{\"Ticker\":\"AAPL\",\"pe\":39.98,\"beta\":null,"
	    "\"Index\":\"S&P 500\",\"Last_Updated\":"
	    "\"2026-11-23T13:00:12Z\"},{"));
	/* The hash is that of the figures, whichever are shown. */
	assert_memory_equal(
	    strstr(all, HASHED), strstr(some, HASHED), sizeof(HASHED) + 32);
	buf_init(&b, 1000);
	envelope_record(&b, &t.rows[0], "Any", FETCHED, none);
	assert_string_equal(b.data, "{\"Index\":\"Any\",\"Last_Updated\":"
				    "\"2026-11-23T13:00:12Z\"}");
	buf_fini(&b);
	free(all);
	free(some);
	table_fini(&t);
}

static void
the_same_figures_have_the_same_hash(void **state)
{
	struct table t;
	struct envelope env;
	char one[33], other[33], *text;

	(void)state;
	sample(&t);
	envelope_hash(&t, one);
	assert_int_equal(strspn(one, "0123456789abcdef"), 32);
	env = envelope_of(&t);
	env.dataset.index = "Any";
	env.fetched_ms = 0;
	text = written(&env);
	assert_int_equal(
	    strncmp(strstr(text, HASHED) + sizeof(HASHED) - 1, one, 32), 0);
	free(text);
	table_set_number(&t.rows[1], FIELD_PE, 1.0 / 3 + 1e-16);
	envelope_hash(&t, other);
	assert_string_not_equal(one, other);
	table_clear(&t);
	envelope_hash(&t, other);
	/* XXH3-128 of nothing, as xxhsum prints it. */
	assert_string_equal(other, "99aa06d3014798d86001c324468d497f");
	table_fini(&t);
}

static void
strings_are_escaped_and_mended(void **state)
{
	static const char *const cases[][2] = { { "", "\"\"" },
		{ "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
		{ "\n\t\x01\x1f\x7f",
		    "\"\\u000a\\u0009\\u0001\\u001f\\u007f\"" },
		{ "\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
		{ "a\xff"
		  "b",
		    "\"a\xef\xbf\xbd"
		    "b\"" },
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80x",
		    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\"" } };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < N(cases); i++) {
		buf_clear(&b);
		envelope_string(&b, cases[i][0]);
		assert_string_equal(b.data, cases[i][1]);
		json_object_put(parsed(b.data));
	}
	buf_fini(&b);
}

static void
a_stale_answer_is_a_prefix_and_the_stored_bytes(void **state)
{
	static const char prefix[] =
	    "{\"stale\":true,\"attempts\":[{\"source\":\"finviz\","
	    "\"error\":\"timeout\",\"message\":\"late\",\"retry_after\":null}]"
	    ",";
	struct attempts a = { .n = 0 };
	struct err why = { RC_TIMEOUT, "late" };
	struct envelope_head head;
	struct table t, back;
	struct envelope env;
	struct buf b;
	char *text;

	(void)state;
	sample(&t);
	table_init(&back);
	env = envelope_of(&t);
	text = written(&env);
	attempts_add(&a, "finviz", 0, &why);
	buf_init(&b, LIMIT_ENVELOPE);
	envelope_stale(&b, text, strlen(text), &a);
	assert_int_equal(strncmp(b.data, prefix, sizeof(prefix) - 1), 0);
	assert_string_equal(b.data + sizeof(prefix) - 1, text + 1);
	json_object_put(parsed(b.data));
	assert_int_equal(
	    envelope_read(b.data, b.len, &head, &back, NULL), RC_OK);
	assert_int_equal(back.count, 2);
	assert_true(back.rows[0].v[FIELD_PE].u.number == 39.98);
	buf_clear(&b);
	envelope_stale(&b, text, strlen(text), NULL);
	assert_int_equal(
	    strncmp(b.data, "{\"stale\":true,\"attempts\":[],\"succ", 33), 0);
	buf_fini(&b);
	free(text);
	table_fini(&t);
	table_fini(&back);
}

static void
a_full_buffer_is_an_error_of_the_buffer(void **state)
{
	struct table t;
	struct envelope env;
	struct buf b;

	(void)state;
	sample(&t);
	env = envelope_of(&t);
	for (size_t max = 0; max < 5000; max += 7) {
		buf_init(&b, max);
		envelope_write(&b, &env);
		assert_true(b.len <= max);
		assert_true(b.rc == RC_INVALID || b.rc == RC_OK);
		buf_fini(&b);
	}
	table_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_stand_in_their_order),
		cmocka_unit_test(a_record_has_every_field_in_order),
		cmocka_unit_test(the_rare_members_stand_only_where_needed),
		cmocka_unit_test(a_failed_fetch_has_its_error_and_no_data),
		cmocka_unit_test(attempts_beyond_the_ceiling_replace_the_last),
		cmocka_unit_test(only_the_wanted_fields_are_written),
		cmocka_unit_test(the_same_figures_have_the_same_hash),
		cmocka_unit_test(strings_are_escaped_and_mended),
		cmocka_unit_test(
		    a_stale_answer_is_a_prefix_and_the_stored_bytes),
		cmocka_unit_test(a_full_buffer_is_an_error_of_the_buffer),
	};

	setenv("TZ", "EST5", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"

static char path[] = "/tmp/test_config.XXXXXX";

static const char *const names[] = { "REDIS_URL", "REDIS_HOST", "REDIS_PORT",
	"REDIS_DB", "REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_TIMEOUT",
	"CACHE_TTL", "STALE_TTL", "SOURCES", "FILL_FIELDS", "FINVIZ_URL",
	"FINVIZ_AUTH", "RATE_LIMIT", "YAHOO_URL", "YAHOO_COOKIE_URL",
	"YAHOO_RATE_LIMIT", "REQUEST_TIMEOUT", "CONNECT_TIMEOUT",
	"STALL_TIMEOUT", "TASK_DEADLINE", "MAX_WAIT", "USER_AGENT",
	"TLS_CIPHERS", "DATA_DIR", "STATE_DIR", "LOG_LEVEL",
	"SCHEDULER_DAILY_REFRESH", "SCHEDULER_HOURLY_CHECK",
	"SCHEDULER_WEEKLY_CLEANUP", "SCHEDULER_WARM", "SCHEDULER_INDEXES",
	"EARLY_REFRESH", "STOCKNITY_CONF" };

static int
clean(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	return 0;
}

static void
file(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	setenv("STOCKNITY_CONF", path, 1);
}

static void
defaults_are_those_of_the_manual(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(config_load(&c, NULL), RC_OK);
	assert_string_equal(c.redis_host, "localhost");
	assert_true(c.redis_port == 6379 && c.redis_db == 0);
	assert_true(c.cache_ttl == 3600 && c.stale_ttl == 604800);
	assert_true(c.rate_limit == 2 && c.yahoo_rate_limit == 1);
	assert_true(c.request_timeout == 30 && c.connect_timeout == 10);
	assert_true(c.stall_timeout == 10 && c.task_deadline == 600);
	assert_true(c.max_wait == 10);
	assert_string_equal(c.sources, "finviz,yahoo");
	assert_string_equal(c.finviz_url, "https://finviz.com");
	assert_string_equal(c.log_level, "warn");
	assert_non_null(strstr(c.user_agent, "stocknity-data/"));
}

/* What is set to nothing is not set; but one time may be none. */
static void
only_the_time_to_warm_may_be_empty(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(config_load(&c, NULL), RC_OK);
	assert_string_equal(c.scheduler_warm, "09:00");
	assert_true(c.early_refresh == 1);
	setenv("SCHEDULER_WARM", "", 1);
	setenv("SCHEDULER_DAILY_REFRESH", "", 1);
	assert_int_equal(config_load(&c, NULL), RC_OK);
	assert_string_equal(c.scheduler_warm, "");
	assert_string_equal(c.scheduler_daily_refresh, "08:00");
	unsetenv("SCHEDULER_WARM");
	file("SCHEDULER_WARM=\n", 16);
	assert_int_equal(config_load(&c, NULL), RC_OK);
	assert_string_equal(c.scheduler_warm, "");
	file("SCHEDULER_DAILY_REFRESH=\n", 25);
	assert_int_equal(config_load(&c, NULL), RC_CONFIG);
}

static void
wrong_values_are_refused_by_name(void **state)
{
	static const char *const bad[][2] = { { "REDIS_PORT", "0" },
		{ "REDIS_PORT", "65536" }, { "REDIS_PORT", "6379x" },
		{ "REDIS_PORT", "1.5" }, { "REDIS_DB", "16" },
		{ "REDIS_DB", "-1" }, { "REDIS_TIMEOUT", "0" },
		{ "CACHE_TTL", "nan" }, { "CACHE_TTL", "0x10" },
		{ "CACHE_TTL", " 5" }, { "RATE_LIMIT", "0" },
		{ "RATE_LIMIT", "inf" }, { "RATE_LIMIT", "1001" },
		{ "RATE_LIMIT", "1e999" }, { "FINVIZ_URL", "ftp://x" },
		{ "FINVIZ_URL", "finviz.com" }, { "LOG_LEVEL", "loud" },
		{ "LOG_LEVEL", "or" }, { "LOG_LEVEL", "war" },
		{ "LOG_LEVEL", "error, warn" }, { "USER_AGENT", "a\nb" },
		{ "REDIS_HOST", "a\x7f" }, { "SCHEDULER_WARM", "9:00" },
		{ "SCHEDULER_WARM", "off" }, { "EARLY_REFRESH", "-1" },
		{ "EARLY_REFRESH", "101" },
		{ "SCHEDULER_DAILY_REFRESH", "24:00" },
		{ "SCHEDULER_DAILY_REFRESH", "8:00" },
		{ "SCHEDULER_HOURLY_CHECK", "00:60" },
		{ "SCHEDULER_HOURLY_CHECK", "00:1x" },
		{ "SCHEDULER_WEEKLY_CLEANUP", "0200" },
		{ "SCHEDULER_WEEKLY_CLEANUP", "02:000" } };
	struct config c, before;

	memset(&c, 7, sizeof(c));
	before = c;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };

		clean(state);
		setenv(bad[i][0], bad[i][1], 1);
		if (config_load(&c, &e) != RC_CONFIG)
			fail_msg("%s=%s was taken", bad[i][0], bad[i][1]);
		assert_int_equal(e.rc, RC_CONFIG);
		assert_non_null(strstr(e.msg, bad[i][0]));
		assert_memory_equal(&c, &before, sizeof(c));
	}
}

static void
a_message_tells_the_range(void **state)
{
	struct config c;
	struct err e;

	(void)state;
	setenv("REDIS_PORT", "99999", 1);
	assert_int_equal(config_load(&c, &e), RC_CONFIG);
	assert_non_null(strstr(e.msg, "from 1 to 65535"));
	assert_non_null(strstr(e.msg, "99999"));
	unsetenv("REDIS_PORT");
	setenv("SCHEDULER_DAILY_REFRESH", "25:00", 1);
	assert_int_equal(config_load(&c, &e), RC_CONFIG);
	assert_non_null(strstr(e.msg, "from 00:00 to 23:59"));
	assert_non_null(strstr(e.msg, "25:00"));
}

static void
the_environment_goes_before_the_file(void **state)
{
	static const char text[] = "# ours\n\n"
				   "export REDIS_PORT=7000\n"
				   "REDIS_HOST = \"from file\" \r\n"
				   "UNKNOWN_NAME=whatever\n"
				   "  CACHE_TTL='60'\n"
				   "RATE_LIMIT=0.5";
	struct config c;

	(void)state;
	file(text, sizeof(text) - 1);
	setenv("REDIS_PORT", "7001", 1);
	setenv("CACHE_TTL", "", 1); /* empty is not set */
	assert_int_equal(config_load(&c, NULL), RC_OK);
	assert_true(c.redis_port == 7001);
	assert_true(c.cache_ttl == 60);
	assert_true(c.rate_limit == 0.5);
	assert_string_equal(c.redis_host, "from file");
}

static void
a_bad_file_is_refused_with_its_line(void **state)
{
	static char endless[LIMIT_CONF + 100], longest[2 * LIMIT_SETTING];
	struct config c;
	struct err e;

	(void)state;
	file("\nREDIS_PORT=x\n", 14);
	assert_int_equal(config_load(&c, &e), RC_CONFIG);
	assert_non_null(strstr(e.msg, "line 2"));
	assert_non_null(strstr(e.msg, path));

	file("nonsense\n", 9);
	assert_int_equal(config_load(&c, &e), RC_CONFIG);
	assert_non_null(strstr(e.msg, "line 1"));

	memset(endless, '\n', sizeof(endless));
	file(endless, sizeof(endless));
	assert_int_equal(config_load(&c, &e), RC_CONFIG);
	assert_non_null(strstr(e.msg, "more than"));

	memset(longest, 'a', sizeof(longest));
	file(longest, sizeof(longest));
	assert_int_equal(config_load(&c, &e), RC_CONFIG);
	assert_non_null(strstr(e.msg, "too long"));

	setenv("STOCKNITY_CONF", "/nonexistent/x", 1);
	assert_int_equal(config_load(&c, &e), RC_CONFIG);
	assert_non_null(strstr(e.msg, "/nonexistent/x"));
	setenv("STOCKNITY_CONF", "/tmp", 1);
	assert_int_equal(config_load(&c, &e), RC_CONFIG);
}

static void
secrets_stand_in_no_message_and_no_listing(void **state)
{
	char secret[2 * LIMIT_SETTING], *text = NULL;
	size_t len = 0;
	struct config c;
	struct err e;
	FILE *f;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(secret); i++)
		secret[i] = "hunter2-"[i % 8];
	secret[sizeof(secret) - 1] = '\0';
	setenv("REDIS_PASSWORD", secret, 1);
	assert_int_equal(config_load(&c, &e), RC_CONFIG);
	assert_non_null(strstr(e.msg, "REDIS_PASSWORD"));
	assert_null(strstr(e.msg, "hunter2"));
	setenv("REDIS_PASSWORD", "hunter2\n", 1);
	assert_int_equal(config_load(&c, &e), RC_CONFIG);
	assert_null(strstr(e.msg, "hunter2"));
	unsetenv("REDIS_PASSWORD");
	file("REDIS_URL=redis://:hunter2\x01@x\n", 30);
	assert_int_equal(config_load(&c, &e), RC_CONFIG);
	assert_null(strstr(e.msg, "hunter2"));
	unsetenv("STOCKNITY_CONF");

	setenv("REDIS_PASSWORD", "hunter2", 1);
	setenv("REDIS_URL", "redis://:hunter2@localhost", 1);
	assert_int_equal(config_load(&c, &e), RC_OK);
	assert_string_equal(c.redis_password, "hunter2");
	f = open_memstream(&text, &len);
	config_print(&c, f);
	fclose(f);
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "REDIS_PASSWORD=(set)\n"));
	assert_non_null(strstr(text, "REDIS_PORT=6379\n"));
	assert_non_null(strstr(text, "RATE_LIMIT=2\n"));
	free(text);
}

static void
the_manual_lists_every_setting(void **state)
{
	char *text = NULL, cell[64];
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	config_document(f);
	fclose(f);
	for (size_t i = 0; i + 1 < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(cell, sizeof(cell), "| `%s` | ", names[i]);
		if (strstr(text, cell) == NULL)
			fail_msg("%s is not in the manual", names[i]);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(defaults_are_those_of_the_manual, clean),
		cmocka_unit_test_setup(
		    only_the_time_to_warm_may_be_empty, clean),
		cmocka_unit_test_setup(wrong_values_are_refused_by_name, clean),
		cmocka_unit_test_setup(a_message_tells_the_range, clean),
		cmocka_unit_test_setup(
		    the_environment_goes_before_the_file, clean),
		cmocka_unit_test_setup(
		    a_bad_file_is_refused_with_its_line, clean),
		cmocka_unit_test_setup(
		    secrets_stand_in_no_message_and_no_listing, clean),
		cmocka_unit_test_setup(the_manual_lists_every_setting, clean),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}

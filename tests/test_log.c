#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static char got[8192];

/* What a call writes on stderr, into got. */
static size_t
written(void (*call)(const char *), const char *arg)
{
	int saved = dup(STDERR_FILENO), pipes[2];
	ssize_t n;

	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	close(pipes[1]);
	call(arg);
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(pipes[0], got, sizeof(got) - 1);
	close(pipes[0]);
	assert_true(n >= 0);
	got[n] = '\0';
	return (size_t)n;
}

static void
call_error(const char *text)
{
	log_error("rc=%s", text);
}

static void
call_warn(const char *text)
{
	log_warn("%s", text);
}

static void
call_info(const char *text)
{
	log_info("%s", text);
}

static void
call_debug(const char *text)
{
	log_debug("%s", text);
}

static void
a_line_has_time_level_program_and_text(void **state)
{
	(void)state;
	log_init("fetch", LOG_WARN);
	written(call_error, "blocked");
	assert_int_equal(strlen(got), 21 + strlen("error fetch: rc=blocked\n"));
	assert_int_equal(got[10], 'T');
	assert_int_equal(got[19], 'Z');
	assert_string_equal(got + 20, " error fetch: rc=blocked\n");
}

static void
foreign_bytes_are_escaped(void **state)
{
	(void)state;
	log_init("fetch", LOG_WARN);
	written(call_warn, "a\nwarn fetch: forged\x1b[31m\\x\x7f\xc3\xa9%s%n");
	assert_string_equal(got + 20,
	    " warn fetch: a\\x0awarn fetch: forged\\x1b[31m\\x5cx\\x7f"
	    "\\xc3\\xa9%s%n\n");
}

static void
a_long_text_is_cut_and_stays_one_line(void **state)
{
	static char text[5000];

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	log_init("fetch", LOG_WARN);
	assert_true(written(call_warn, text) <= 4096);
	assert_ptr_equal(strchr(got, '\n'), got + strlen(got) - 1);
}

static void
only_what_the_level_asks_for_is_written(void **state)
{
	static void (*const calls[])(
	    const char *) = { call_error, call_warn, call_info, call_debug };

	(void)state;
	for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
		log_set_level((enum log_level)level);
		assert_int_equal(log_level(), level);
		for (int i = LOG_ERROR; i <= LOG_DEBUG; i++)
			assert_int_equal(
			    written(calls[i], "x") > 0, i <= level);
	}
}

static void
levels_have_names(void **state)
{
	(void)state;
	assert_int_equal(log_level_of("error"), LOG_ERROR);
	assert_int_equal(log_level_of("warn"), LOG_WARN);
	assert_int_equal(log_level_of("info"), LOG_INFO);
	assert_int_equal(log_level_of("debug"), LOG_DEBUG);
	assert_int_equal(log_level_of("shout"), LOG_WARN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_time_level_program_and_text),
		cmocka_unit_test(foreign_bytes_are_escaped),
		cmocka_unit_test(a_long_text_is_cut_and_stays_one_line),
		cmocka_unit_test(only_what_the_level_asks_for_is_written),
		cmocka_unit_test(levels_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

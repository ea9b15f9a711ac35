/*
 * What the tests of the limiter without Redis share: a folder for its file, and
 * several processes that use it.
 */
#ifndef TESTS_GUARD_FILE_FIXTURE_H
#define TESTS_GUARD_FILE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/guard.h"

static inline struct config
plain_config(void)
{
	struct config c = { .redis_host = "localhost",
		.redis_port = 6379,
		.redis_timeout = 1 };

	return c;
}

static char folder[64];

static inline int
make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/store_file.XXXXXX");
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static inline int
remove_folder(void **state)
{
	char path[128];

	(void)state;
	for (const char *const *p = (const char *const[]){ "state/deep/limits",
		 "state/deep", "state/stocknity/limits", "state/stocknity",
		 ".local/state/stocknity/limits", ".local/state/stocknity",
		 ".local/state", ".local", "state", "limits", "", NULL };
	     *p != NULL; p++) {
		snprintf(path, sizeof(path), "%s/%s", folder, *p);
		remove(path);
	}
	unsetenv("XDG_STATE_HOME");
	return access(folder, F_OK) == 0 ? -1 : 0;
}

static inline struct config
file_config(void)
{
	struct config c = plain_config();

	snprintf(c.state_dir, sizeof(c.state_dir), "%s", folder);
	return c;
}

static inline struct guard *
open_guard(void)
{
	struct config c = file_config();
	struct guard *g = NULL;

	assert_int_equal(guard_open(&g, &c, NULL, NULL), RC_OK);
	return g;
}

/* n processes that write to the other end of what is returned. */
static inline int
start(int n, void (*process)(int fd))
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			process(fds[1]);
	}
	close(fds[1]);
	return fds[0];
}

static inline void
end(int fd)
{
	int status;

	close(fd);
	while (wait(&status) > 0)
		assert_int_equal(status, 0);
}

#define FILE_TEST(test)                                                        \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

#endif

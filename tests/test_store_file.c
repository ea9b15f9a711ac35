/*
 * The limiter that is used where there is no Redis, in its file.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "store/guard_file.h"
#include "guard_file_fixture.h"

#define SECOND INT64_C(1000000)

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* In any window W at most n + W / interval of them. */
static void
check_windows(int64_t *at, int n, int64_t interval, int most)
{
	qsort(at, (size_t)n, sizeof(at[0]), by_value);
	for (int i = 0; i < n; i++)
		for (int j = i; j < n; j++)
			if (j - i + 1 > most + (at[j] - at[i]) / interval)
				fail_msg("%d calls in %lld us", j - i + 1,
				    (long long)(at[j] - at[i]));
}

static void
write_file(const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/limits", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static const struct policy two_a_second = {
	.rate = 2, .burst = 1, .connections = 2
};

static void
processes_share_the_file(void **state)
{
	struct guard *a = open_guard(), *b = open_guard();
	struct grant x = { 0 }, y = { 0 }, other = { 0 };
	int64_t wait = -1;

	(void)state;
	assert_int_equal(
	    guard_take(a, "finviz", &two_a_second, 9000, &x, &wait, NULL),
	    RC_OK);
	assert_int_equal(x.wait_ms, 0);
	assert_int_equal(
	    guard_take(b, "finviz", &two_a_second, 9000, &y, &wait, NULL),
	    RC_OK);
	assert_true(y.wait_ms > 300 && y.wait_ms <= 500);
	assert_int_equal(
	    guard_take(b, "yahoo", &two_a_second, 9000, &other, &wait, NULL),
	    RC_OK);
	assert_int_equal(other.wait_ms, 0);
	assert_int_equal(wait, -1); /* untouched */
	guard_close(a);
	guard_close(b);
}

static void
a_place_that_is_not_needed_is_free_again(void **state)
{
	struct guard *guard = open_guard();
	struct grant x = { 0 }, y = { 0 };
	int64_t wait = -1, due;

	(void)state;
	guard_take(guard, "finviz", &two_a_second, 9000, &x, &wait, NULL);
	guard_take(guard, "finviz", &two_a_second, 9000, &y, &wait, NULL);
	due = y.due_us;
	assert_int_equal(
	    guard_leave(guard, "finviz", &two_a_second, &y, NULL), RC_OK);
	assert_int_equal(y.due_us, 0);
	guard_take(guard, "finviz", &two_a_second, 9000, &y, &wait, NULL);
	assert_int_equal(y.due_us, due);
	guard_close(guard);
}

static void
a_hold_in_the_file_is_heeded_by_all(void **state)
{
	struct guard *a = open_guard(), *b = open_guard();
	struct grant x = { 0 }, y = { 0 };
	int64_t wait = 0, hold = 0;
	struct err e;

	(void)state;
	assert_int_equal(
	    guard_take(a, "finviz", &two_a_second, 0, &x, &wait, NULL), RC_OK);
	assert_int_equal(
	    guard_report(a, "finviz", &x, RC_LIMITED, 30000, &hold, NULL),
	    RC_OK);
	assert_true(hold > 29000 && hold <= 30000);
	assert_int_equal(
	    guard_take(b, "finviz", &two_a_second, 10000, &y, &wait, &e),
	    RC_LIMITED);
	assert_true(wait > 29000 && wait <= 30000);
	assert_non_null(strstr(e.msg, "limited"));
	guard_close(a);
	guard_close(b);
}

static void
garbage_in_the_file_is_dropped(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n\n",
		"finviz",
		"finviz 1 2 3",
		"finviz 1 2 3 4 5",
		/* where they were read, it would be held */
		"finviz 1 900000000000000000 3 4 5 6 7",
		"finviz 1 900000000000000000 3 4 5 6 7 8",
		"finviz 1 900000000000000000 3 4 5 6 7 8 -9",
		"finviz 1 900000000000000000 3 4 5 6 7 8 9 ",
		"finviz 1 2 3 x\n",
		"finviz -1 2 3 4\n",
		"finviz  1 2 3 4\n",
		"finviz 99999999999999999999 0 0 0\n",
		"\xff\xfe garbage \x01\nmore",
		"a-name-that-is-much-longer-than-thirty-two 1 1 1 1\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct grant g = { 0 };
		struct guard *guard;
		int64_t wait;

		write_file(texts[i]);
		guard = open_guard();
		assert_int_equal(guard_take(guard, "finviz", &two_a_second, 0,
				     &g, &wait, NULL),
		    RC_OK);
		assert_int_equal(g.wait_ms, 0);
		g = (struct grant){ 0 };
		assert_int_equal(guard_take(guard, "finviz", &two_a_second, 0,
				     &g, &wait, NULL),
		    RC_LIMITED);
		guard_close(guard);
	}
}

static void
other_lines_of_the_file_are_kept(void **state)
{
	struct grant g = { 0 };
	struct guard *guard;
	char text[256], path[128];
	int64_t wait;
	FILE *f;
	size_t n;

	(void)state;
	write_file("yahoo 11 22 3 44\nnonsense\nother 5 6 7 8\n");
	guard = open_guard();
	guard_take(guard, "finviz", &two_a_second, 0, &g, &wait, NULL);
	guard_close(guard);
	snprintf(path, sizeof(path), "%s/limits", folder);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	assert_memory_equal(
	    text, "yahoo 11 22 3 44\nother 5 6 7 8\nfinviz ", 38);
}

static void
times_far_ahead_do_not_block_for_ever(void **state)
{
	struct guard *guard;
	struct grant g = { 0 };
	int64_t wait = 0;

	(void)state;
	write_file("finviz 900000000000000000 900000000000000000 9 0\n");
	guard = open_guard();
	assert_int_equal(
	    guard_take(guard, "finviz", &two_a_second, 0, &g, &wait, NULL),
	    RC_LIMITED);
	assert_true(wait <= INT64_C(1000) * 26 * 3600);
	guard_close(guard);
}

static void
a_stuck_clock_jump_in_the_file_is_survived(void **state)
{
	struct guard *guard;
	struct grant g = { 0 };
	int64_t wait = 0, ahead = clock_wall_us() + 7200 * SECOND;
	char line[160];

	(void)state;
	snprintf(line, sizeof(line), "finviz %lld 0 0 %lld\n", (long long)ahead,
	    (long long)ahead);
	write_file(line);
	guard = open_guard();
	assert_int_equal(
	    guard_take(guard, "finviz", &two_a_second, 0, &g, &wait, NULL),
	    RC_OK);
	assert_int_equal(g.wait_ms, 0);
	guard_close(guard);
}

static void
reports(int fd)
{
	static const struct grant granted = { 0 };
	struct guard *g = open_guard();
	int64_t hold;

	_exit(guard_report(g, "finviz", &granted, RC_OK, -1, &hold, NULL) !=
		  RC_OK ||
	      write(fd, "", 1) != 1);
}

/* The lock is waited for, and another writes meanwhile: that is no clock that
 * was set back. */
static void
a_report_is_of_the_time_under_the_lock(void **state)
{
	struct guard *guard = open_guard();
	struct policy slow = { .rate = 0.5, .burst = 1, .connections = 1 };
	long long slot, hold, n, after;
	struct grant g = { 0 };
	int64_t wait = 0;
	char path[128], line[256] = "";
	int file, fd;

	(void)state;
	assert_int_equal(
	    guard_take(guard, "finviz", &slow, 9000, &g, &wait, NULL), RC_OK);
	snprintf(path, sizeof(path), "%s/limits", folder);
	file = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(file, LOCK_EX), 0);
	fd = start(1, reports);
	clock_sleep_ms(50); /* the child waits for the lock by now */
	assert_true(pread(file, line, sizeof(line) - 1, 0) > 0);
	assert_int_equal(
	    sscanf(line, "finviz %lld %lld %lld", &slot, &hold, &n), 3);
	snprintf(line, sizeof(line), "finviz %lld %lld %lld %lld\n", slot, hold,
	    n, (long long)clock_wall_us());
	assert_int_equal(ftruncate(file, 0), 0);
	assert_int_equal(
	    pwrite(file, line, strlen(line), 0), (ssize_t)strlen(line));
	assert_int_equal(flock(file, LOCK_UN), 0);
	end(fd);
	close(file);
	file = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(pread(file, line, sizeof(line) - 1, 0) > 0);
	assert_int_equal(sscanf(line, "finviz %lld", &after), 1);
	assert_int_equal(after, slot);
	close(file);
	guard_close(guard);
}

static void
the_folder_is_made_for_the_user_alone(void **state)
{
	static const struct {
		const char *state_dir, *xdg, *home, *want;
	} cases[] = {
		{ "state/deep", NULL, NULL, "state/deep" },
		{ NULL, "state", "nowhere", "state/stocknity" },
		{ NULL, NULL, "", ".local/state/stocknity" },
	};
	char text[256], path[GUARD_FILE_PATH], *home = getenv("HOME");

	(void)state;
	home = home != NULL ? strdup(home) : NULL;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config c = plain_config();
		struct stat st;

		if (cases[i].state_dir != NULL)
			snprintf(c.state_dir, sizeof(c.state_dir), "%s/%s",
			    folder, cases[i].state_dir);
		snprintf(text, sizeof(text), "%s/%s", folder,
		    cases[i].xdg != NULL ? cases[i].xdg : "");
		if (cases[i].xdg != NULL)
			setenv("XDG_STATE_HOME", text, 1);
		else
			unsetenv("XDG_STATE_HOME");
		snprintf(text, sizeof(text), "%s/%s", folder,
		    cases[i].home != NULL ? cases[i].home : "");
		setenv("HOME", text, 1);
		assert_int_equal(guard_file_path(&c, path, NULL), RC_OK);
		snprintf(
		    text, sizeof(text), "%s/%s/limits", folder, cases[i].want);
		/* HOME may end in a slash */
		assert_string_equal(
		    strstr(path, cases[i].want), strstr(text, cases[i].want));
		text[strlen(text) - strlen("/limits")] = '\0';
		assert_int_equal(stat(text, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
	}
	if (home != NULL)
		setenv("HOME", home, 1);
	free(home);
}

static void
without_a_home_the_limiter_says_so(void **state)
{
	struct config c = plain_config();
	struct guard *guard = NULL;
	char *home = getenv("HOME");
	struct err e;

	(void)state;
	home = home != NULL ? strdup(home) : NULL;
	unsetenv("HOME");
	unsetenv("XDG_STATE_HOME");
	assert_int_equal(guard_open(&guard, &c, NULL, &e), RC_SYS);
	assert_null(guard);
	assert_non_null(strstr(e.msg, "STATE_DIR"));
	if (home != NULL)
		setenv("HOME", home, 1);
	free(home);
}

static void
a_folder_that_cannot_be_made_is_named(void **state)
{
	struct config c = plain_config();
	struct guard *guard = NULL;
	struct err e;

	(void)state;
	write_file("");
	snprintf(c.state_dir, sizeof(c.state_dir), "%s/limits/sub", folder);
	assert_int_equal(guard_open(&guard, &c, NULL, &e), RC_SYS);
	assert_non_null(strstr(e.msg, "/limits/sub"));
}

static void
what_is_no_file_is_refused(void **state)
{
	struct guard *guard = open_guard();
	struct grant g = { 0 };
	char path[128];
	int64_t wait;

	(void)state;
	snprintf(path, sizeof(path), "%s/limits", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(
	    guard_take(guard, "finviz", &two_a_second, 0, &g, &wait, NULL),
	    RC_SYS);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_int_equal(
	    guard_take(guard, "finviz", &two_a_second, 0, &g, &wait, NULL),
	    RC_SYS);
	guard_close(guard);
}

/* Make calls for half a second and write when they were made to fd. */
static void
caller(int fd)
{
	static const struct policy hundred = {
		.rate = 100, .burst = 1, .connections = 2
	};
	struct guard *guard = open_guard();
	int64_t end = clock_mono_ms() + 500, wait, now;

	while (clock_mono_ms() < end) {
		struct grant g = { 0 };

		do {
			if (guard_take(guard, "finviz", &hundred, 1000, &g,
				&wait, NULL) != RC_OK)
				_exit(1);
			clock_sleep_ms(g.wait_ms);
		} while (g.wait_ms > 0);
		now = clock_wall_us();
		if (write(fd, &g.due_us, sizeof(g.due_us)) < 0 || now == 0)
			_exit(1);
	}
	guard_close(guard);
	_exit(0);
}

static void
four_processes_keep_one_rate_by_the_file(void **state)
{
	static int64_t due[1000];
	int fd = start(4, caller), n = 0;

	(void)state;
	while (n < 1000 &&
	       read(fd, &due[n], sizeof(due[n])) == (ssize_t)sizeof(due[n]))
		n++;
	end(fd);
	assert_true(n >= 10);
	check_windows(due, n, SECOND / 100, 1);
}

static void
a_policy_that_is_none_is_our_bug(void **state)
{
	static const struct policy none = {
		.rate = 0, .burst = 1, .connections = 1
	};
	struct guard *guard = open_guard();
	struct grant g = { 0 };
	int64_t wait;

	(void)state;
	assert_int_equal(
	    guard_take(guard, "finviz", &none, 0, &g, &wait, NULL), RC_BUG);
	guard_close(guard);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(processes_share_the_file),
		FILE_TEST(a_place_that_is_not_needed_is_free_again),
		FILE_TEST(a_hold_in_the_file_is_heeded_by_all),
		FILE_TEST(garbage_in_the_file_is_dropped),
		FILE_TEST(other_lines_of_the_file_are_kept),
		FILE_TEST(times_far_ahead_do_not_block_for_ever),
		FILE_TEST(a_stuck_clock_jump_in_the_file_is_survived),
		FILE_TEST(a_report_is_of_the_time_under_the_lock),
		FILE_TEST(the_folder_is_made_for_the_user_alone),
		FILE_TEST(without_a_home_the_limiter_says_so),
		FILE_TEST(a_folder_that_cannot_be_made_is_named),
		FILE_TEST(what_is_no_file_is_refused),
		FILE_TEST(four_processes_keep_one_rate_by_the_file),
		FILE_TEST(a_policy_that_is_none_is_our_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

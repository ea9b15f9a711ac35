/*
 * pairs N COMMAND... -- COMMAND...: run two programs by turns, N times each,
 * their output to /dev/null, and print the nanoseconds of both, from the fork
 * to the end, a pair a line.  An argument "{}" is the number of the run.  (From
 * Python, the measuring would cost as much as what is measured.)
 */
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/wait.h>

#define WORDS 32

extern char **environ;

static void
die(const char *why, const char *what)
{
	fprintf(stderr, "pairs: %s: %s\n", why, what);
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t
run(char *const *words, int turn)
{
	posix_spawn_file_actions_t quiet;
	char *argv[WORDS + 1] = { 0 }, number[24];
	int64_t begin;
	int status;
	pid_t pid;

	if (words[0] == NULL)
		die("usage", "no command");
	snprintf(number, sizeof(number), "%d", turn);
	for (int i = 0; i < WORDS && words[i] != NULL; i++)
		argv[i] = strcmp(words[i], "{}") == 0 ? number : words[i];
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(
	    &quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	begin = now_ns();
	if (posix_spawnp(&pid, words[0], &quiet, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid)
		die("cannot be run", words[0]);
	begin = now_ns() - begin;
	posix_spawn_file_actions_destroy(&quiet);
	if (status != 0)
		die("it failed", words[0]);
	return begin;
}

int
main(int argc, char *argv[])
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	int between = 2;

	while (between < argc && strcmp(argv[between], "--") != 0)
		between++;
	if (n <= 0 || between == 2 || between + 1 >= argc || argc > WORDS)
		die("usage", "pairs N COMMAND... -- COMMAND...");
	argv[between] = NULL;
	for (int i = 0; i < n; i++) {
		int64_t first = run(argv + 2, i);

		printf("%" PRId64 " %" PRId64 "\n", first,
		    run(argv + between + 1, i));
	}
	return 0;
}

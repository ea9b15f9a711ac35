/*
 * beanstalk SOCKET put|drain TASKS: the beanstalkd at that socket.
 *
 *	put    50 jobs a write, then their 50 answers
 *	drain  reserve a job, delete it: the one it holds is deleted in the
 *	       same write that reserves the next
 *
 * beanstalkd keeps neither status nor result, and forgets a job that is done:
 * it stands here for what a server made for the purpose can do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#define BATCH 50

static void
die(const char *why)
{
	fprintf(stderr, "beanstalk: %s\n", why);
	exit(1);
}

static FILE *
open_socket(const char *path, int *fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	FILE *in;

	if (strlen(path) >= sizeof(a.sun_path))
		die("the socket's name is too long");
	memcpy(a.sun_path, path, strlen(path));
	*fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (*fd < 0 || connect(*fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		die("no connection");
	in = fdopen(*fd, "r");
	if (in == NULL)
		die("out of memory");
	return in;
}

static void
send_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n <= 0)
			die("the connection is lost");
		p += n;
		len -= (size_t)n;
	}
}

/* A line that begins with what is expected; the rest of it. */
static const char *
expect(FILE *in, const char *what, char line[256])
{
	if (fgets(line, 256, in) == NULL)
		die("the connection is lost");
	if (strncmp(line, what, strlen(what)) != 0)
		die(line);
	return line + strlen(what);
}

static void
put(FILE *in, int fd, long tasks)
{
	char out[BATCH * 160], line[256];

	for (long done = 0; done < tasks;) {
		size_t len = 0;
		int n;

		for (n = 0; n < BATCH && done < tasks; n++, done++) {
			char job[96];
			int size = snprintf(job, sizeof(job),
			    "{\"type\":\"probe\",\"index\":\"p%ld\"}", done);

			len += (size_t)snprintf(out + len, sizeof(out) - len,
			    "put 1024 0 60 %d\r\n%s\r\n", size, job);
		}
		send_all(fd, out, len);
		while (n-- > 0)
			expect(in, "INSERTED ", line);
	}
}

static void
drain(FILE *in, int fd, long tasks)
{
	char out[96], line[256];
	unsigned long long id;

	send_all(fd, "reserve\r\n", 9);
	for (long done = 0; done < tasks; done++) {
		const char *more = done + 1 < tasks ? "reserve\r\n" : "";

		id = strtoull(expect(in, "RESERVED ", line), NULL, 10);
		expect(in, "{", line);
		send_all(fd, out,
		    (size_t)snprintf(
			out, sizeof(out), "delete %llu\r\n%s", id, more));
		expect(in, "DELETED", line);
	}
}

int
main(int argc, char *argv[])
{
	long tasks = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	FILE *in;
	int fd;

	if (tasks <= 0)
		die("usage: beanstalk SOCKET put|drain TASKS");
	in = open_socket(argv[1], &fd);
	if (strcmp(argv[2], "put") == 0)
		put(in, fd, tasks);
	else
		drain(in, fd, tasks);
	fclose(in);
	return 0;
}

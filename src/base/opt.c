#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/num.h"
#include "base/opt.h"

/* Foreign text may stand in it: no control byte reaches the terminal. */
static void
say(const char *prog, const char *text)
{
	fprintf(stderr, "%s: ", prog);
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fprintf(stderr, "\\x%02x", (unsigned char)*text);
		else
			fputc(*text, stderr);
	fputc('\n', stderr);
}

void
opt_descriptors(void)
{
	static const int modes[] = { O_RDONLY, O_RDONLY, O_RDWR };

	/* In this order: open() takes the lowest number that is free. */
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", modes[fd]) != fd)
			abort();
}

void
opt_fail(const char *prog, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(prog, text);
	fprintf(stderr, "%s: try \"%s -h\"\n", prog, prog);
	exit(EX_USAGE);
}

int64_t
opt_int(const char *prog, const char *option, const char *text, int64_t min,
    int64_t max)
{
	struct err e;
	int64_t v = 0;

	if (num_int(text, min, max, &v, &e) != RC_OK)
		opt_fail(prog, "%s: %s", option, e.msg);
	return v;
}

static void
finish(void)
{
	exit(fflush(stdout) == 0 && !ferror(stdout) ? EX_OK : EX_OSERR);
}

void
opt_help(const char *text)
{
	fputs(text, stdout);
	finish();
	abort();
}

void
opt_version(const char *prog)
{
	printf("%s (Stocknity Data) %s\n", prog, VERSION);
	finish();
	abort();
}

int
opt_report(const char *prog, const struct err *e)
{
	say(prog, e->msg);
	return rc_exit(e->rc);
}

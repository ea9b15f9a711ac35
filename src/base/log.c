#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static const char *const names[] = { "error", "warn", "info", "debug" };
static const char *program = "stocknity";
static enum log_level level = LOG_WARN;

void
log_init(const char *prog, enum log_level l)
{
	program = prog;
	level = l;
}

enum log_level
log_level_of(const char *name)
{
	for (int i = 0; i < 4; i++)
		if (strcasecmp(name, names[i]) == 0)
			return (enum log_level)i;
	return LOG_WARN;
}

void
log_set_level(enum log_level l)
{
	level = l;
}

enum log_level
log_level(void)
{
	return level;
}

/* Copy text to out, escaped; returns how many bytes it wrote. */
static size_t
escape(char *out, size_t size, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *text != '\0' && n + 5 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c < 0x7f && c != '\\') {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	return n;
}

static void __attribute__((format(printf, 2, 0)))
write_line(enum log_level l, const char *fmt, va_list ap)
{
	char text[1024], line[4 * sizeof(text)], when[32];
	size_t n;

	if (l > level)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	clock_utc(clock_wall_us() / 1000, when, sizeof(when));
	n = (size_t)snprintf(
	    line, 256, "%s %s %.64s: ", when, names[l], program);
	n += escape(line + n, sizeof(line) - n - 1, text);
	line[n++] = '\n';
	/* One write, so that lines of several processes stay whole; nobody is
	 * left to tell when stderr itself fails. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

#define LEVEL_FUNCTION(name, l)                                                \
	void name(const char *fmt, ...)                                        \
	{                                                                      \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, fmt);                                             \
		write_line(l, fmt, ap);                                        \
		va_end(ap);                                                    \
	}

LEVEL_FUNCTION(log_error, LOG_ERROR)
LEVEL_FUNCTION(log_warn, LOG_WARN)
LEVEL_FUNCTION(log_info, LOG_INFO)
LEVEL_FUNCTION(log_debug, LOG_DEBUG)

/*
 * The log: one line an event on stderr, key=value, with a level in front.
 *
 *	2026-11-23T13:00:12Z warn fetch: source=finviz rc=blocked: challenge
 *
 * Foreign text may stand in any argument: control bytes, backslashes and
 * bytes that are not ASCII are escaped as \xNN before the line is written.
 * Programs log at "warn" unless LOG_LEVEL or -v says otherwise.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* prog is borrowed and stands in every line. */
void log_init(const char *prog, enum log_level);
/* "error", "warn", "info" or "debug"; anything else is LOG_WARN. */
enum log_level log_level_of(const char *name);
void log_set_level(enum log_level);
enum log_level log_level(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif

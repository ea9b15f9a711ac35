/*
 * Options of the programs.  The only module of the library that ends the
 * process: a bad option is the user's to mend, at once.
 */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdint.h>

#include "base/rc.h"

/*
 * First of all in main: where standard input, output or error is closed, make
 * it /dev/null, so that no socket takes its number.  Output that was closed
 * stays one that cannot be written to.
 */
void opt_descriptors(void);

/* "fetch: <message>" and a pointer to -h on stderr; exits 64. */
void opt_fail(const char *prog, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* A whole number in the range, or opt_fail with the option's name and range. */
int64_t opt_int(const char *prog, const char *option, const char *text,
    int64_t min, int64_t max);

/* The program's help on stdout; exits 0 (71 where stdout fails). */
void opt_help(const char *text) __attribute__((noreturn));

/* "fetch (Stocknity Data) 1.0" on stdout; exits 0. */
void opt_version(const char *prog) __attribute__((noreturn));

/* "prog: message" on stderr (escaped as in the log); the exit status of e. */
int opt_report(const char *prog, const struct err *e);

#endif

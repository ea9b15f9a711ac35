#ifndef UPSTREAM_SESSIONS_H
#define UPSTREAM_SESSIONS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Yahoo's sessions: a cookie A3, and the crumb that belongs to it.  The
 * youngest 1024 are remembered.
 */

enum {
	CRUMB_SIZE = 12, /* 11 characters and a NUL */
	COOKIE_SIZE = 48
};

enum session_state {
	SESSION_NO_COOKIE,
	SESSION_BAD_COOKIE,
	SESSION_BAD_CRUMB,
	SESSION_GOOD
};

struct sessions;

struct sessions *sessions_new(uint64_t seed);
void sessions_free(struct sessions *);

/* Open a session; its cookie's value goes to cookie. */
void sessions_open(struct sessions *, char cookie[COOKIE_SIZE]);

/* The crumb of the session in a Cookie header. */
enum session_state sessions_crumb(
    struct sessions *, const char *header, char crumb[CRUMB_SIZE]);

/* Do the Cookie header and the crumb belong together? */
enum session_state sessions_check(
    struct sessions *, const char *header, const char *crumb);

/* From now on the session has another crumb. */
void sessions_void_crumb(struct sessions *, const char *header);

void sessions_clear(struct sessions *);

#endif

#ifndef UPSTREAM_CALLS_H
#define UPSTREAM_CALLS_H

#include <stddef.h>
#include <stdint.h>

struct text;

/*
 * What the market was asked, so that tests can prove how many calls were made
 * and how fast.  Counts run since the last reset; the log is a ring of the
 * last 10000 calls.  Calls to /_/ are neither counted nor logged.
 */

struct calls;

struct calls *calls_new(void);
void calls_free(struct calls *);

/*
 * A call has arrived on a connection (its number): the number of the call,
 * from 1.  The URI is copied.
 */
unsigned long calls_begin(
    struct calls *, const char *uri, unsigned long connection);

/* What it was answered; status 0 is a connection broken off. */
void calls_answer(struct calls *, unsigned long no, int status,
    const char *fault, const char *agent);

/* The answer is handed over, or the client has left. */
void calls_end(struct calls *, unsigned long no);

void calls_reset(struct calls *);

/* The counts and, of the calls after number since, the log: one object. */
void calls_json(
    struct calls *, struct text *, unsigned long since, const char *prefix);

#endif

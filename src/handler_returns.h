/*
 * calculate_annual_returns, of the table in handler.c.
 *
 * The task of an index ("Any" for a sector) takes its tickers from the cached
 * dataset of the index; where that is not fresh it asks for a refresh and puts
 * itself back for 30 s.  It begins the work (store/returns.h), enqueues a task
 * of each chunk, and then looks after them, a moment every two seconds: it puts
 * itself back with how far the work is, gives a chunk whose task is gone a new
 * one, and ends a chunk whose task has failed or was cancelled.  When all have
 * ended, or after five hours, it writes the document with what there is.  So it
 * is done when the document is there.  Without force nothing is done while the
 * cache has fresh returns of the whole index.
 *	{"companies":503,"partial":false,"cached":false}
 *
 * The task of a chunk ("3/11") asks for its tickers, keeps each as it comes,
 * and says when it has ended; the last one wakes the task of the index.  A run
 * that got something is no failed one, whatever came behind it.
 *	{"tickers":50,"asked":50}
 */
#ifndef HANDLER_RETURNS_H
#define HANDLER_RETURNS_H

#include "handler.h"

handler handler_returns;

/* Its half for an index, in handler_index.c. */
void handler_index(
    struct toolbox *, const struct task *, const char *index, struct run *);

#define HANDLER_LATER_MS 1000 /* after Redis failed us on the way */
#define HANDLER_FULL_MS  30000

/* The run ends with why.  What Redis did is no attempt, nor what is not
 * charged. */
void handler_ends(
    struct run *, const struct err *why, int64_t wait_ms, int charged);

#endif

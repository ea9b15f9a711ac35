/*
 * The command line of enqueue.  Ends the process where it is wrong (64, 78)
 * and for -h and --version.
 */
#ifndef ENQUEUE_ARGS_H
#define ENQUEUE_ARGS_H

#include "base/config.h"
#include "enqueue.h"

/* Loads the settings and fills all of *q but queue and progress. */
void enqueue_args(struct enqueue *q, struct config *, int argc, char *argv[]);

#endif

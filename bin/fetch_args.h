/*
 * The command line of fetch, read by both of its programs: fetch, which
 * answers out of the cache and is as light as a Redis client, and fetch-live,
 * which fetch becomes when the cache does not have it.
 */
#ifndef FETCH_ARGS_H
#define FETCH_ARGS_H

#include <stdint.h>

#include "base/config.h"
#include "base/limits.h"
#include "data/dataset.h"
#include "output.h"

struct fetch_args {
	struct dataset datasets[LIMIT_DATASETS];
	size_t ndatasets;
	int returns; /* the annual returns of the indexes */
	int refresh;
	int fill;           /* take nothing that gaps were not filled in */
	int async;          /* enqueue instead */
	int forget;         /* take out of the cache instead */
	int whole;          /* all of each index, whatever sector is named */
	int json;           /* what was enqueued as JSON */
	int64_t max_age_ms; /* -1: not given */
	const char *source; /* NULL: not given */
	struct view view;
	const char *file; /* NULL: none */
	int status;       /* of the file */
};

/* Load the settings and read the options.  Ends the process where they are
 * wrong (64, 78), and for -h and --version. */
void fetch_args(struct fetch_args *, struct config *, int argc, char *argv[]);

#endif

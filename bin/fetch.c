/*
 * fetch: datasets as they are cached, as fast as a Redis client; with --async,
 * tasks for them, as enqueue makes them; with --forget, out of the cache.
 * Whatever needs more than that (a
 * table, a source, a refresh) is fetch-live's, which lies beside this program
 * and takes its place: loading libcurl's thirty shared objects costs more than
 * a cached read does.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/opt.h"
#include "data/envelope.h"
#include "enqueue.h"
#include "fetch_args.h"
#include "outcome.h"
#include "store/cache.h"

/* Become fetch-live, with the same arguments. */
static int
live(char *argv[])
{
	char path[4096];
	struct err e;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 6);

	if (n > 0) {
		memcpy(path + n, "-live", 6);
		execv(path, argv);
	}
	err_set(&e, RC_SYS, "cannot run %.200s: %s",
	    n > 0 ? path : "fetch-live", strerror(errno));
	return opt_report("fetch", &e);
}

/* RC_OK: written.  RC_NOTFOUND: not fresh in the cache. */
static enum rc
cached(struct redis *redis, const struct fetch_args *a, enum rc *worst)
{
	struct cache_entry entries[LIMIT_DATASETS] = { 0 };
	enum rc rc = RC_OK;
	size_t i, n;

	for (n = 0; n < a->ndatasets && rc == RC_OK; n++) {
		rc = cache_get(redis, &a->datasets[n], a->max_age_ms,
		    CACHE_COUNT_NONE, &entries[n], NULL, NULL);
		if (rc == RC_OK &&
		    (entries[n].state != CACHE_FRESH ||
			(a->fill && !envelope_is_filled(entries[n].bytes))))
			rc = RC_NOTFOUND;
	}
	for (i = 0; i < n && rc == RC_OK; i++) {
		int64_t count = 0;
		int partial = 0;

		cache_count_read(redis, &a->datasets[i], &entries[i]);
		envelope_peek(entries[i].bytes, &count, &partial);
		*worst = outcome_worse(*worst, outcome_of(count, partial));
		if (fwrite(entries[i].bytes, 1, entries[i].len, stdout) !=
			entries[i].len ||
		    fputc('\n', stdout) == EOF)
			rc = RC_SYS;
	}
	for (i = 0; i < n; i++)
		cache_entry_fini(&entries[i]);
	return rc;
}

/* Is Any of its index asked for too?  That task's sweep fills it. */
static int
is_covered(const struct fetch_args *a, const struct dataset *d)
{
	if (strcmp(d->sector, DATASET_ANY) == 0)
		return 0;
	for (size_t i = 0; i < a->ndatasets; i++)
		if (strcmp(a->datasets[i].index, d->index) == 0 &&
		    strcmp(a->datasets[i].sector, DATASET_ANY) == 0)
			return 1;
	return 0;
}

/* Put a task for each dataset into the queue. */
static int
async(const struct fetch_args *a, const struct config *config)
{
	struct enqueue q = { .config = config,
		.prog = "fetch",
		.out = stdout,
		.action = ENQUEUE_TASKS,
		.json = a->json };
	struct redis *redis = NULL;
	struct err e = { 0 };
	enum rc rc;

	for (size_t i = 0; i < a->ndatasets; i++)
		if (!is_covered(a, &a->datasets[i]))
			q.tasks[q.ntasks++].spec =
			    (struct task_spec){ .type = TASK_FETCH,
				    .dataset = a->datasets[i],
				    .force = a->refresh,
				    .priority = PRIORITY_NORMAL };
	rc = redis_open(&redis, config, &e);
	if (rc == RC_OK)
		rc = queue_open(&q.queue, config, redis, &e);
	if (rc == RC_OK)
		rc = enqueue_run(&q, &e);
	queue_close(q.queue);
	redis_close(redis);
	return rc == RC_OK ? 0 : opt_report("fetch", &e);
}

/* Take the datasets out of the cache. */
static int
forget(const struct fetch_args *a, const struct config *config)
{
	struct redis *redis = NULL;
	struct err e = { 0 };
	int64_t n = 0, one;
	enum rc rc = redis_open(&redis, config, &e);

	for (size_t i = 0; i < a->ndatasets && rc == RC_OK; i++) {
		rc = a->whole ? cache_clear_all(
				    redis, a->datasets[i].index, &one, &e)
			      : cache_clear(redis, &a->datasets[i], &one, &e);
		n += rc == RC_OK ? one : 0;
	}
	redis_close(redis);
	if (rc != RC_OK)
		return opt_report("fetch", &e);
	log_info("forgot %lld dataset%s", (long long)n, n == 1 ? "" : "s");
	return 0;
}

int
main(int argc, char *argv[])
{
	struct fetch_args args;
	struct config config;
	struct redis *redis;
	struct err e = { 0 };
	enum rc rc, worst = RC_EMPTY; /* the least that there is */

	opt_descriptors();
	fetch_args(&args, &config, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (args.async)
		return async(&args, &config);
	if (args.forget)
		return forget(&args, &config);
	if (args.file != NULL || args.source != NULL || args.refresh ||
	    !view_is_plain(&args.view))
		return live(argv);
	if (redis_open(&redis, &config, &e) != RC_OK)
		return live(argv);
	rc = cached(redis, &args, &worst);
	redis_close(redis);
	if (rc != RC_OK && rc != RC_SYS)
		return live(argv);
	if (rc == RC_SYS || fflush(stdout) != 0) {
		if (errno == EPIPE)
			return 128 + SIGPIPE; /* nobody reads any more */
		err_set(&e, RC_SYS, "cannot write: %s", strerror(errno));
		return opt_report("fetch", &e);
	}
	return rc_exit(worst);
}

/*
 * What the parts of the fetcher share: fetcher.c has the interface and the
 * sweeps' way through flight and sources; fetcher_land.c brings what they made
 * into the cache; fetcher_answer.c answers the requests.  Nobody else includes
 * this.
 */
#ifndef FETCHER_PART_H
#define FETCHER_PART_H

#include "fetcher.h"
#include "store/cache.h"
#include "store/flight.h"
#include "sweep.h"

/* A request for a dataset. */
struct job {
	struct fetch_request request;
	fetch_done *done;
	void *arg;
	struct path *path;        /* NULL: answered from the cache at once */
	struct cache_entry entry; /* what the cache had */
	struct job *next;
};

/* The work for one index: jobs, and the sweep they wait for. */
struct path {
	struct dataset dataset;    /* its sector grows to Any while it waits */
	const struct source *only; /* as in the request */
	struct sweep *sweep;       /* NULL: no flight yet */
	struct flight flight;
	int64_t begun_ms, poll_ms, pause_ms, renew_ms;
	int64_t swept_ms; /* its sweep began then; clock_mono_ms */
	int closing;      /* its jobs are being answered: none may join */
	struct path *next;
};

struct fetcher {
	const struct config *config;
	struct drive_env env;
	struct redis *lost; /* the Redis that went away, with our flights */
	const struct source *sources[LIMIT_SOURCES];
	size_t nsources;
	struct filling_plan plan;
	int fills; /* FILL_FIELDS names some */
	fetch_watch *watch;
	void *watch_arg;
	struct job *jobs;
	struct path *paths; /* in the order of their coming */
	size_t active;
	int needs_redis; /* a Redis that is lost fails the requests */
};

/* Take a request in; the caller has filled it. */
void fetcher_append(struct fetcher *, struct job *);
void fetcher_free_job(struct job *);

/* Has the path requests left? */
int fetcher_has_jobs(struct fetcher *, const struct path *);

/* Answer those that the cache answered when they came. */
void fetcher_answer_cached(struct fetcher *);

/* Answer those of a path that newer data in the cache serves by now. */
enum rc fetcher_answer_newer(
    struct fetcher *, const struct path *, struct err *);

/* Answer those of a path that want this dataset of its sweep. */
void fetcher_answer_fetched(
    struct fetcher *, const struct path *, const struct fetch_result *);

/* Answer all of a path: what the cache still has, else a failure. */
void fetcher_answer_failed(
    struct fetcher *, const struct path *, const struct err *why);

/* The path's sweep has a table: publish it, and answer who waits for it.
 * RC_BUSY: it was held back, and the next source has its turn. */
enum rc fetcher_land(struct fetcher *, struct path *, struct err *);

/* Read the cache for a request; what Redis refuses is as if it had nothing
 * (fetcher_lose_redis).  RC_OK, or no way to go on. */
enum rc fetcher_look(struct fetcher *, const struct fetch_request *,
    enum cache_count, struct cache_entry *, struct err *);

/* Redis went away: go on without it, said once.  why: redis_trouble. */
enum rc fetcher_lose_redis(
    struct fetcher *, const struct err *why, struct err *);

#endif

/*
 * The synchronous call: asks for the DJIA twice and prints what came of it and
 * whether it was cached.  Settings as fetch's.
 */
#include <signal.h>
#include <stdio.h>

#include "fetcher.h"

static void
print(void *arg, const struct fetch_result *r)
{
	(void)arg;
	printf("%s %s %d\n", rc_name(r->rc), r->dataset.index, r->cached);
}

int
main(void)
{
	struct fetch_request request = { .dataset = { "DJIA", DATASET_ANY },
		.max_age_ms = -1 };
	struct fetcher *fetcher;
	struct config config;
	struct redis *redis;
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	if (config_load(&config, &e) != RC_OK ||
	    redis_open(&redis, &config, &e) != RC_OK ||
	    fetcher_open(&fetcher, &config, redis, NULL, NULL, &e) != RC_OK ||
	    fetcher_get(fetcher, &request, print, NULL, &e) != RC_OK ||
	    fetcher_get(fetcher, &request, print, NULL, &e) != RC_OK) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	fetcher_close(fetcher);
	redis_close(redis);
	return 0;
}

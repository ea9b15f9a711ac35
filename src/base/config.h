/*
 * The settings: one table (config.c) with name, kind, range, default and what
 * it is for.  They come from the environment, else from the file that
 * STOCKNITY_CONF names ("NAME=value" a line, '#' begins a comment, quotes
 * around the value are taken off), else from the default.
 *
 * A wrong value is RC_CONFIG, with its name and range in the message.  The
 * values of secrets never appear in messages.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/rc.h"

struct config {
	char redis_url[LIMIT_SETTING];
	char redis_host[LIMIT_SETTING];
	int64_t redis_port;
	int64_t redis_db;
	char redis_username[LIMIT_SETTING];
	char redis_password[LIMIT_SETTING];
	int64_t redis_timeout; /* seconds */

	int64_t cache_ttl;          /* seconds */
	int64_t annual_returns_ttl; /* seconds */
	int64_t stale_ttl;          /* seconds beyond cache_ttl */
	double early_refresh;       /* beta of XFetch; 0: off */

	char scheduler_daily_refresh[8];       /* HH:MM, local */
	char scheduler_hourly_check[8];        /* HH:MM; its minutes count */
	char scheduler_weekly_cleanup[8];      /* HH:MM on Sunday, local */
	char scheduler_warm[8];                /* HH:MM, local; "": never */
	char scheduler_indexes[LIMIT_SETTING]; /* names, comma-separated */

	char api_token[LIMIT_SETTING]; /* "": only this machine may write */

	char sources[LIMIT_SETTING]; /* names, in order, comma-separated */
	/* Names of fields, comma-separated, or "all"; "": off. */
	char fill_fields[LIMIT_SETTING];
	char finviz_url[LIMIT_SETTING];
	/* The token of Finviz Elite, a secret; "": none. */
	char finviz_auth[LIMIT_SETTING];
	double rate_limit; /* calls a second to Finviz */
	char yahoo_url[LIMIT_SETTING];
	char yahoo_cookie_url[LIMIT_SETTING];
	double yahoo_rate_limit; /* calls a second to Yahoo */
	char alphavantage_key[LIMIT_SETTING];
	char alphavantage_url[LIMIT_SETTING];
	double alphavantage_rate_limit; /* calls a second */
	int64_t alphavantage_day_quota; /* calls a day; 0: no such limit */
	char polygon_key[LIMIT_SETTING];
	char polygon_url[LIMIT_SETTING];
	int64_t polygon_minute_quota; /* calls a minute */
	char iex_token[LIMIT_SETTING];
	char iex_url[LIMIT_SETTING]; /* "": off */
	double iex_rate_limit;       /* calls a second */

	int64_t request_timeout;   /* seconds */
	int64_t connect_timeout;   /* seconds */
	int64_t stall_timeout;     /* seconds */
	int64_t task_deadline;     /* seconds */
	int64_t max_wait;          /* seconds */
	int64_t queue_max;         /* tasks that may wait */
	int64_t task_max_attempts; /* charged runs of a task */
	int64_t task_lease;        /* seconds */
	int64_t retry_delay;       /* seconds before the first retry */
	int64_t workers;           /* processes of drain-queue */
	int64_t max_workers;       /* of --workers auto */
	char user_agent[LIMIT_SETTING];
	char tls_ciphers[LIMIT_SETTING];

	char data_dir[LIMIT_SETTING];
	char state_dir[LIMIT_SETTING];
	char log_level[16]; /* error warn info debug */
};

/* Fill *c from defaults, file and environment. */
enum rc config_load(struct config *c, struct err *e);

/* The settings in effect, NAME=value a line; "(set)" for a secret. */
void config_print(const struct config *c, FILE *out);

/* A Markdown table of the settings, for README.md and the manual. */
void config_document(FILE *out);

#endif

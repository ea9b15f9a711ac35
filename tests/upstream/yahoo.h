#ifndef UPSTREAM_YAHOO_H
#define UPSTREAM_YAHOO_H

#include <stddef.h>

#include "companies.h"
#include "sessions.h"

struct answer;
struct world;

/* What the handlers of Yahoo's API share; the handlers are in market.h. */

#define YAHOO_JSON "application/json;charset=utf-8"

/* A 401 with the body that belongs to the state. */
void yahoo_refuse(struct answer *, enum session_state);

/*
 * The companies of a comma-separated list, each once, unknown ones left out.
 * *asked is how many symbols there were; the list is to be freed.
 */
const struct company **yahoo_symbols(
    const struct market *, const char *list, size_t *n, size_t *asked);

/* "NMS" and "NasdaqGS", or "YHD" twice where the exchange is not known. */
const char *yahoo_exchange(const struct company *, int full);

/* Seconds since 1970 of the first trade: 1 and *t, or 0 when not known. */
int yahoo_first_trade(const struct company *, long long *t);

/* Seconds since 1970 when New York opens (hour 9:30) or closes on a day. */
long long yahoo_opening(long long day);
long long yahoo_closing(long long day);
int yahoo_summer(long long day); /* daylight saving time? */

#endif

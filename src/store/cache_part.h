/*
 * What the files of the cache share, and nobody else.
 */
#ifndef STORE_CACHE_PART_H
#define STORE_CACHE_PART_H

#include "store/cache.h"

#define CACHE_HEAD         "{\"success\":"
#define CACHE_MISS_KEPT_MS (30 * 86400000LL) /* counters of an absent one */

/* Of an entry with its times; max_age_ms as in cache_get. */
enum cache_state cache_age(const struct cache_entry *, int64_t max_age_ms);

/* The commands that count a read, by way of add; returns how many. */
#define CACHE_COUNTS 4
typedef enum rc cache_add(struct redis *, int argc, const char *const *argv,
    const size_t *lens, struct err *);
size_t cache_count_add(const struct cache_keys *, const struct cache_entry *,
    cache_add *, struct redis *);

#endif

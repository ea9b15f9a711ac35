/*
 * Who is in a dataset, for sources that cannot list an index themselves: the
 * members of the last good sweep by a source that can, kept in Redis, else
 * the list shipped with the program (source/members.h).
 */
#ifndef MEMBERSHIP_H
#define MEMBERSHIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/rc.h"
#include "data/dataset.h"
#include "data/table.h"
#include "store/redis.h"

/* Keep the members of a sweep (Ticker, Company, Sector of its table). */
enum rc membership_save(struct redis *, const struct dataset *,
    const struct table *, int64_t fetched_ms, struct err *);

/*
 * Add the members to table (initialised, empty).  from says where they come
 * from: "cache 2026-11-23T13:00:12Z" or "file 2026-08-08".  redis may be NULL.
 * RC_NOTFOUND: nobody knows them.
 */
enum rc membership_load(const struct config *, struct redis *,
    const struct dataset *, struct table *, char *from, size_t size,
    struct err *);

#endif

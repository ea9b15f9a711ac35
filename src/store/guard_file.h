/*
 * The limits of all sources in one locked file of the user's state folder,
 * for where there is no Redis.  A line a source:
 *
 *	finviz tat_us hold_us hold_n seen_us [day used [id left until_us]...]
 *
 * The last ones where the source has a quota of the day: what was used of it,
 * and what is booked.
 * Lines that are not of this form are dropped.  RC_SYS: the file or its
 * folder cannot be used, or stays locked.
 */
#ifndef STORE_GUARD_FILE_H
#define STORE_GUARD_FILE_H

#include <stdint.h>

#include "base/config.h"
#include "base/rc.h"
#include "source/source.h"
#include "store/guard.h"
#include "store/guard_limit.h"

#define GUARD_FILE_PATH 1024

/* The path of the file; makes its folder (0700) where it is missing. */
enum rc guard_file_path(
    const struct config *, char path[GUARD_FILE_PATH], struct err *);

/* As guard_take and guard_report, in microseconds.  *day: whether it was
 * the quota of the day that refused. */
enum rc guard_file_take(const char *path, const char *source,
    const struct policy *, int64_t max_wait_us, struct grant *g,
    int64_t *wait_us, enum guard_day *day, struct err *);
enum rc guard_file_unbook(
    const char *path, const char *source, int64_t booking, struct err *);
enum rc guard_file_report(const char *path, const char *source,
    const struct grant *g, enum rc what, int64_t retry_after_us,
    int64_t *hold_us, struct err *);

#endif

/*
 * Settings that are lists: the indexes that are kept fresh, and the names of
 * the sources as text (who only shows them needs no source's code).
 */
#ifndef SCHEDULED_H
#define SCHEDULED_H

#include <stddef.h>

#include "base/config.h"
#include "base/limits.h"
#include "base/rc.h"
#include "data/dataset.h"

/* SCHEDULER_INDEXES, each once, in its one spelling.  RC_CONFIG. */
enum rc scheduled_indexes(const struct config *,
    const char *names[DATASET_INDEXES], size_t *n, struct err *);

#define SCHEDULED_NAME 32

/* SOURCES, each once; names that are too long are left out. */
size_t scheduled_sources(
    const struct config *, char names[LIMIT_SOURCES][SCHEDULED_NAME]);

#endif

/*
 * What came of datasets, as one result code: the one whose exit status a
 * program ends with.
 */
#ifndef OUTCOME_H
#define OUTCOME_H

#include <stdint.h>

#include "base/rc.h"

/* RC_OK, RC_EMPTY (no records) or RC_PARTIAL (rows are missing). */
enum rc outcome_of(int64_t count, int partial);

/* Of two outcomes the one that matters more: a failure before "try later",
 * then partial, stale, done; nothing at all only if all had nothing. */
enum rc outcome_worse(enum rc a, enum rc b);

#endif

/*
 * One sweep: a dataset asked of one source after the other until a valid
 * table comes of it.  What it is for, single flight, cache and answers are
 * fetcher.c's.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include <stdint.h>

#include "base/rc.h"
#include "data/envelope.h"
#include "data/table.h"
#include "drive.h"
#include "filling.h"
#include "source/source.h"

struct sweep;

/* env and the list of sources are borrowed until sweep_end. */
enum rc sweep_begin(struct sweep **, const struct drive_env *,
    const struct dataset *, const struct source *const *list, size_t n,
    int64_t deadline_ms, struct err *);
void sweep_end(struct sweep *);

/* Fill the gaps of the table before it is given out; borrowed. */
void sweep_plan(struct sweep *, const struct filling_plan *);

/*
 * RC_BUSY: running; call again at *wake_ms.  RC_OK: sweep_table has a valid
 * table.  RC_STORE: Redis was lost: sweep_again once env is mended.  RC_DENIED:
 * likewise, for a key of ours that holds something else.  RC_FULL:
 * Redis is full, nothing was charged.  RC_NOSOURCE and its kin: every source
 * failed, sweep_attempts tells why; e says it in a line.
 */
enum rc sweep_step(
    struct sweep *, int64_t now_ms, int64_t *wake_ms, struct err *);

/* Begin the current source anew. */
void sweep_again(struct sweep *);

/* The table will not do after all: on to the next source. */
void sweep_reject(struct sweep *, const struct err *why);

const struct attempts *sweep_attempts(const struct sweep *);
const struct source *sweep_source(const struct sweep *);
/* Who is asked now: the source, or one that fills its gaps. */
const struct source *sweep_asked(const struct sweep *);
/* What was filled; NULL: nothing was to be. */
const struct fill *sweep_filled(const struct sweep *);
/* The members asked for and where they came from; NULL: not that kind. */
const struct table *sweep_members(const struct sweep *, const char **from);
struct table *sweep_table(struct sweep *, int64_t *total);
void sweep_progress(
    const struct sweep *, int64_t now_ms, struct drive_progress *);

#endif

/*
 * The sources that fill the gaps of a table (fill.h), asked one after the
 * other, each once and only where it may have what is lacking, with the same
 * guards as any sweep.  One that fails is a warning: the table stays as it is.
 */
#ifndef FILLING_H
#define FILLING_H

#include <stdint.h>

#include "base/rc.h"
#include "data/envelope.h"
#include "data/table.h"
#include "drive.h"
#include "fill.h"
#include "source/source.h"

/* What is filled, and by whom. */
struct filling_plan {
	unsigned char want[FIELD__MAX];
	const struct source *const *sources; /* in the order of SOURCES */
	size_t n;
};

/* The table that a sweep brought; all borrowed until filling_end. */
struct filling_task {
	const struct filling_plan *plan;
	const struct dataset *dataset;
	const struct source *first;   /* who answered */
	const struct attempts *tried; /* who failed, and is not asked again */
	struct table *table;
	int64_t deadline_ms;
};

struct filling;

enum rc filling_begin(struct filling **, const struct drive_env *,
    const struct filling_task *, struct err *);
void filling_end(struct filling *); /* takes NULL */

/*
 * RC_BUSY: running; call again at *wake_ms.  RC_OK: all were asked.  RC_STORE,
 * RC_DENIED: Redis was lost: filling_again once env is mended.
 */
enum rc filling_step(
    struct filling *, int64_t now_ms, int64_t *wake_ms, struct err *);

/* Begin the current source anew. */
void filling_again(struct filling *);

/* Who is asked now; NULL: nobody. */
const struct source *filling_source(const struct filling *);
void filling_progress(
    const struct filling *, int64_t now_ms, struct drive_progress *);

/* What was filled so far. */
const struct fill *filling_result(const struct filling *);

#endif

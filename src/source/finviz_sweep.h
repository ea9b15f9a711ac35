/*
 * The bookkeeping of one view's pages: which row numbers of 1 to total have
 * arrived, which are asked for, and what to ask next.  Pages may come in any
 * order, short, with holes or doubled rows; what arrived is never asked again.
 */
#ifndef SOURCE_FINVIZ_SWEEP_H
#define SOURCE_FINVIZ_SWEEP_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "data/table.h"
#include "source/finviz_page.h"

struct finviz_slot {
	uint32_t record; /* its place in the table + 1; 0: not arrived */
	uint16_t asked;  /* requests in flight that begin here, */
	uint16_t cover;  /* and that reach here */
};

struct finviz_sweep {
	int64_t total;             /* -1: the first page is not in */
	size_t size;               /* rows of a full page, as received */
	struct finviz_slot *slots; /* by number, total + 1 of them */
	size_t arrived;
	size_t low; /* no number below is missing or uncovered */
	int opened; /* the first page is asked for */
	int broken; /* a page was taken in half: of no more use */
	struct table table;
};

void finviz_sweep_init(struct finviz_sweep *);
void finviz_sweep_fini(struct finviz_sweep *);

/* Begin with a total and page size known from an earlier view. */
enum rc finviz_sweep_expect(
    struct finviz_sweep *, int64_t total, size_t size, struct err *);

/* The first number to ask for next; 0: none just now. */
size_t finviz_sweep_next(struct finviz_sweep *);

/* Are all rows in? */
int finviz_sweep_done(const struct finviz_sweep *);

/* Has it brought exactly the companies of this table? */
int finviz_sweep_has(const struct finviz_sweep *, const struct table *);

/* Is a request that begins at this number in flight? */
int finviz_sweep_awaits(const struct finviz_sweep *, size_t first);

/*
 * Take the page that was asked for at first.  *moved: the screen changed under
 * the sweep (e says how) and nothing was taken.  RC_INVALID: the page brings
 * nothing new.  RC_PARSE: no count, or other columns than before; the request
 * is still in flight then.  RC_NOMEM: look at broken.
 */
enum rc finviz_sweep_take(struct finviz_sweep *, size_t first,
    const struct finviz_page *, int *moved, struct err *);

/* Move the records, in the order of their numbers, to *out (empty). */
enum rc finviz_sweep_move(
    struct finviz_sweep *, struct table *out, struct err *);

#endif

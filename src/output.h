/*
 * An envelope as the user asked to see it: as it is, as CSV, a record a line,
 * or a table for a terminal; of chosen fields, sorted, cut off.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rc.h"
#include "data/field.h"

enum format { FORMAT_JSON, FORMAT_NDJSON, FORMAT_CSV, FORMAT_TABLE };

struct view {
	enum format format;
	struct field_list chosen; /* n 0: all */
	enum field sort;          /* FIELD__MAX: as it comes */
	int descending;
	int64_t limit;     /* records; -1: all */
	int width, colour; /* of a table, see data/text.h */
	/* The document of annual returns of the index, borrowed; NULL: there
	 * is none, and what a view wants of it is null. */
	const char *returns;
};

void view_init(struct view *);

/* "json", "ndjson", "csv" or "table"; RC_USAGE. */
enum rc view_format(struct view *, const char *name, struct err *);
/* "Ticker,price,Perf Year"; RC_USAGE names the nearest. */
enum rc view_fields(struct view *, const char *names, struct err *);
/* "price", or "-price" for descending. */
enum rc view_sort(struct view *, const char *name, struct err *);

/* Does it want what only annual returns have? */
int view_wants_returns(const struct view *);

/* Is the envelope wanted as it is, byte for byte? */
int view_is_plain(const struct view *);

/*
 * Append an envelope as the view shows it, with a line feed at its end.
 * now_ms (since the epoch) ages a table's footer.  RC_PARSE: it is not ours.
 */
enum rc output_write(struct buf *, const struct view *, const char *bytes,
    size_t len, int64_t now_ms, struct err *);

#endif

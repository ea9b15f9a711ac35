/*
 * CSV by RFC 4180: a table written, and rows read (Elite exports, members).
 */
#ifndef DATA_CSV_H
#define DATA_CSV_H

#include <stddef.h>

#include "base/buf.h"
#include "base/rc.h"
#include "data/table.h"

/* Header and records, CR LF, null as an empty field, numbers as in JSON.  The
 * chosen fields in their order; NULL: all, then Index and Last_Updated. */
void csv_write(struct buf *, const struct table *, const char *index,
    int64_t fetched_ms, const struct field_list *chosen);

/*
 * A reader over len bytes that it borrows.  Takes quoted and bare fields, CR
 * LF or LF, and a UTF-8 byte order mark.
 */
struct csv {
	const char *p, *end;
	struct buf text; /* fields of the current row, each NUL-terminated */
	size_t *at;      /* their offsets in text */
	size_t n;        /* how many */
	size_t cap;
	size_t line; /* of the current row, from 1 */
	size_t rest; /* line feeds inside its quotes */
};

void csv_init(struct csv *, const char *bytes, size_t len);
void csv_fini(struct csv *);

/*
 * The next row; csv_field(c, i) is its i-th field until the next call, ""
 * where the row is shorter.  Empty lines are skipped.
 * RC_NOTFOUND at the end; RC_PARSE: an open quote, text after a closing one, a
 * NUL byte, more than LIMIT_COLUMNS fields or LIMIT_CELL bytes in one.
 */
enum rc csv_next(struct csv *, struct err *);
const char *csv_field(const struct csv *, size_t i);

#endif

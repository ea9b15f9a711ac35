/*
 * One saved body of a source, read without network or Redis: fetch -f.
 */
#ifndef SAVED_H
#define SAVED_H

#include "base/buf.h"
#include "base/config.h"
#include "base/rc.h"
#include "data/dataset.h"
#include "source/source.h"

/*
 * Read path ("-": standard input) as an answer of the source with that HTTP
 * status, and append its envelope to out, of a failure too.
 *
 * *object: it is of the other kind that the source has (a chart of Yahoo), and
 * out is its one object, no envelope.
 *
 * RC_OK: rows; RC_EMPTY: legitimately none; else what the source says of the
 * body.  RC_SYS: the file cannot be read, nothing is appended.
 */
enum rc saved_read(const struct config *, const struct source *,
    const struct dataset *, const char *path, int status, struct buf *out,
    int *object, struct err *);

#endif

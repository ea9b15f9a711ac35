/*
 * The annual returns of an index as the user asked to see them: the document
 * as it is, a record a line, CSV, or a table for a terminal.
 */
#ifndef RETURNS_VIEW_H
#define RETURNS_VIEW_H

#include "base/buf.h"
#include "base/rc.h"
#include "output.h"

/* Append it with a line feed at its end.  RC_PARSE: it is not ours. */
enum rc returns_view(
    struct buf *, enum format, const char *bytes, size_t len, struct err *);

#endif

/*
 * The headers of an answer as text, "Name: value\n" a line.  Private to
 * http*.c and its test; http_header() of http.h reads them.
 */
#ifndef NET_HTTP_HEAD_H
#define NET_HTTP_HEAD_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Add a line as it came, with or without its line end.  Control bytes become
 * blanks.  What is no "name: value" (folded lines too) is left out; what does
 * not fit is left out whole, and all that come after it: the buffer is full
 * (rc RC_INVALID) then.
 */
void http_head_add(struct buf *, const char *line, size_t n);

#endif

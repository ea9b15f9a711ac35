/*
 * gzip (RFC 1952) of whole texts, for who accepts that encoding.
 */
#ifndef BASE_GZIP_H
#define BASE_GZIP_H

#include <stddef.h>

#include "base/buf.h"
#include "base/rc.h"

/* Append the compressed bytes; the same input gives the same output.
 * RC_NOMEM, or RC_INVALID where the buffer's ceiling is reached. */
enum rc gzip_pack(struct buf *, const void *bytes, size_t len, struct err *e);

#endif

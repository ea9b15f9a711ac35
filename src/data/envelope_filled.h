/*
 * The member "filled" of an envelope: {"beta":"yahoo","pe":{"yahoo":12}}, by
 * field the source that all its figures come from, or how many come from
 * which.  Private to envelope*.c.
 */
#ifndef DATA_ENVELOPE_FILLED_H
#define DATA_ENVELOPE_FILLED_H

#include "base/buf.h"
#include "data/envelope.h"

struct json_object;

/* Append it, with a comma behind it; only: as in struct envelope. */
void filled_write(
    struct buf *, const struct filled *, const unsigned char *only);

/* Read its value, of a dataset of so many records; 0: it is not as we write
 * it. */
int filled_read(struct filled *, struct json_object *, int64_t rows);

#endif

#ifndef UPSTREAM_GZIP_H
#define UPSTREAM_GZIP_H

#include <stddef.h>

struct text;

/* Replace the bytes by their gzip form. */
void gzip_pack(struct text *);

/* Replace them by a small gzip that unpacks to so many MiB of blanks. */
void gzip_bomb(struct text *, size_t mib);

#endif

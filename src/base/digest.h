/*
 * A digest of bytes: XXH3, 128 bits.  It tells versions apart; it is no proof
 * against somebody who makes two that agree.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

#define DIGEST 33 /* 32 hexadecimal digits and a NUL */

void digest_text(const void *bytes, size_t len, char out[DIGEST]);

#endif

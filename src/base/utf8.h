/*
 * UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD, for what is no UTF-8 */

/* Bytes (1 to 4) of the character that a NUL-terminated text begins with; 0
 * where its first byte begins none. */
size_t utf8_length(const char *text);

#endif

/*
 * Bytes with a maximum.  A buffer has its ceiling from birth; what would pass
 * it fails.  The error is sticky: write as much as you like and look at
 * b->rc once, at the end.  A failed buffer keeps what it had.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

#include "base/rc.h"

struct buf {
	char *data; /* NUL-terminated where not NULL; the NUL is not counted */
	size_t len;
	size_t cap;
	size_t max;
	enum rc rc; /* RC_OK, RC_NOMEM, or RC_INVALID: the ceiling is reached */
};

void buf_init(struct buf *, size_t max);
void buf_fini(struct buf *);
/* Forget the contents and the error, keep the memory. */
void buf_clear(struct buf *);

void buf_add(struct buf *, const void *, size_t);
void buf_addc(struct buf *, char);
void buf_adds(struct buf *, const char *);
void buf_addf(struct buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Percent-encode all but the unreserved characters of RFC 3986. */
void buf_add_url(struct buf *, const char *);

/* RC_OK and its meaning in *e otherwise; what names the content. */
enum rc buf_check(const struct buf *, const char *what, struct err *e);

/* Hand the bytes over: the caller frees them; the buffer is empty then.
 * NULL where the buffer failed or is empty. */
char *buf_take(struct buf *);

#endif

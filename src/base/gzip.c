#define ZLIB_CONST /* input is not changed, and says so */
#include <zlib.h>

#include "base/gzip.h"

enum {
	LEVEL = 6,
	WINDOW_GZIP = 15 + 16, /* see deflateInit2() */
	MEMORY = 8
};

enum rc
gzip_pack(struct buf *b, const void *bytes, size_t len, struct err *e)
{
	unsigned char part[16384];
	z_stream z = { 0 };
	int more;

	if (deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW_GZIP, MEMORY,
		Z_DEFAULT_STRATEGY) != Z_OK)
		return err_set(e, RC_NOMEM, "gzip: out of memory");
	z.next_in = bytes;
	z.avail_in = (uInt)len;
	do {
		z.next_out = part;
		z.avail_out = sizeof(part);
		more = deflate(&z, Z_FINISH) == Z_OK;
		buf_add(b, part, sizeof(part) - z.avail_out);
	} while (more && b->rc == RC_OK);
	deflateEnd(&z);
	return buf_check(b, "gzip", e);
}

#include <err.h>
#include <string.h>
#include <sysexits.h>

#define ZLIB_CONST /* input is not changed, and says so */
#include <zlib.h>

#include "gzip.h"
#include "text.h"

enum {
	WINDOW_GZIP = 15 + 16, /* see deflateInit2() */
	MEMORY = 8
};

static void
start(z_stream *z)
{
	*z = (z_stream){ 0 };
	if (deflateInit2(z, Z_BEST_SPEED, Z_DEFLATED, WINDOW_GZIP, MEMORY,
		Z_DEFAULT_STRATEGY) != Z_OK)
		errx(EX_SOFTWARE, "deflateInit2");
}

/* Append what n bytes become; with Z_FINISH, also the end. */
static void
feed(z_stream *z, const char *s, size_t n, int flush, struct text *out)
{
	unsigned char buf[16384];

	z->next_in = (const Bytef *)s;
	z->avail_in = (uInt)n;
	do {
		z->next_out = buf;
		z->avail_out = sizeof(buf);
		deflate(z, flush);
		text_addn(out, (char *)buf, sizeof(buf) - z->avail_out);
	} while (z->avail_out == 0);
}

void
gzip_pack(struct text *t)
{
	struct text out = { 0 };
	z_stream z;

	start(&z);
	feed(&z, t->s, t->len, Z_FINISH, &out);
	deflateEnd(&z);
	text_free(t);
	*t = out;
}

void
gzip_bomb(struct text *t, size_t mib)
{
	struct text out = { 0 }, blanks = { 0 };
	char line[1024];
	z_stream z;
	size_t i;

	memset(line, ' ', sizeof(line));
	for (i = 0; i < 1024; i++)
		text_addn(&blanks, line, sizeof(line));
	start(&z);
	for (i = 0; i < mib; i++)
		feed(&z, blanks.s, blanks.len, Z_NO_FLUSH, &out);
	feed(&z, "", 0, Z_FINISH, &out);
	deflateEnd(&z);
	text_free(&blanks);
	text_free(t);
	*t = out;
}

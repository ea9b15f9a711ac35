#include <inttypes.h>
#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/digest.h"

void
digest_text(const void *bytes, size_t len, char out[DIGEST])
{
	XXH128_hash_t h = XXH3_128bits(bytes, len);

	snprintf(out, DIGEST, "%016" PRIx64 "%016" PRIx64, (uint64_t)h.high64,
	    (uint64_t)h.low64);
}

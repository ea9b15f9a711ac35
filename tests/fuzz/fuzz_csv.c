/* The CSV reader: rows and fields of any bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "data/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv in;

	csv_init(&in, (const char *)data, size);
	while (csv_next(&in, NULL) == RC_OK) {
		if (in.n == 0 || in.n > LIMIT_COLUMNS)
			abort();
		for (size_t i = 0; i < in.n; i++)
			if (strlen(csv_field(&in, i)) > LIMIT_CELL)
				abort();
	}
	csv_fini(&in);
	return 0;
}

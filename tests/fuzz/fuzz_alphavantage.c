#include "fuzz_keyed.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz(&source_alphavantage, data, size);
}

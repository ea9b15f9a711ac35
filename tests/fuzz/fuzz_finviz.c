/* One body of Finviz, HTML or an Elite export, as fetch -f reads it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "source/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body = malloc(size + 1);
	struct http_response r = { .status = 200,
		.body = body,
		.len = size,
		.headers = "",
		.retry_after_ms = -1 };
	struct table t;
	int64_t total = -1;
	enum rc rc;

	if (body == NULL)
		return 0;
	if (size > 0)
		memcpy(body, data, size);
	body[size] = '\0';
	table_init(&t);
	rc = source_finviz.read(&r, &t, &total, NULL);
	/* What the contract says of every outcome. */
	if ((rc == RC_OK) != (t.count > 0) || (rc == RC_EMPTY && total < 0) ||
	    (rc == RC_OK && total >= 0 && (size_t)total < t.count))
		abort();
	for (size_t i = 0; i < t.count; i++)
		if (!table_is_ticker(t.rows[i].v[FIELD_TICKER].u.text))
			abort();
	table_fini(&t);
	free(body);
	return 0;
}

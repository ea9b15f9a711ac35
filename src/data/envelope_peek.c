#include <stdlib.h>
#include <string.h>

#include "data/envelope.h"

/* The members before "data" are short, and none but "origin" and the attempts
 * holds text from outside, in which every quote is escaped: the first match of
 * a key with its quotes is the key. */
int
envelope_peek(const char *bytes, int64_t *count, int *partial)
{
	const char *p = strstr(bytes, "\"partial\":"), *n;

	if (p == NULL || strncmp(bytes, "{\"", 2) != 0)
		return 0;
	n = strstr(p, ",\"count\":");
	if (n == NULL || n - p > 32)
		return 0;
	*partial = strncmp(p + 10, "true", 4) == 0;
	*count = strtoll(n + 9, NULL, 10);
	return 1;
}

int
envelope_is_filled(const char *bytes)
{
	static const char next[] = "],\"filled\":{";
	const char *p = strstr(bytes, "\"missing_fields\":[");

	p = p != NULL ? strchr(p, ']') : NULL;
	return p != NULL && strncmp(p, next, sizeof(next) - 1) == 0;
}

int
envelope_is_of(const char *bytes, const char *source)
{
	static const char key[] = ",\"source\":\"";
	const char *p = strstr(bytes, key);
	size_t n = strlen(source);

	if (p == NULL)
		return 0;
	p += sizeof(key) - 1;
	return strncmp(p, source, n) == 0 && p[n] == '"';
}

#include <stdio.h>
#include <string.h>

#include "scheduled.h"

/* Copy the next name of a comma-separated list; NULL: there is none left. */
static const char *
next_name(const char *list, char *out, size_t size)
{
	size_t n;

	if (list == NULL)
		return NULL;
	n = strcspn(list, ",");
	snprintf(out, size, "%.*s", (int)n, list);
	return list[n] == ',' ? list + n + 1 : list + n;
}

enum rc
scheduled_indexes(const struct config *c, const char *names[DATASET_INDEXES],
    size_t *n, struct err *e)
{
	const char *p = c->scheduler_indexes, *known;
	const char *list[DATASET_INDEXES];
	size_t count = 0, i;
	char name[64];

	do {
		p = next_name(p, name, sizeof(name));
		if (dataset_index(name, &known, e) != RC_OK) {
			if (e != NULL)
				e->rc = RC_CONFIG;
			err_wrap(e, "SCHEDULER_INDEXES");
			return RC_CONFIG;
		}
		for (i = 0; i < count && list[i] != known; i++)
			;
		if (i == count && count < DATASET_INDEXES)
			list[count++] = known;
	} while (*p != '\0');
	memcpy(names, list, count * sizeof(*names));
	*n = count;
	return RC_OK;
}

size_t
scheduled_sources(
    const struct config *c, char names[LIMIT_SOURCES][SCHEDULED_NAME])
{
	const char *p = c->sources;
	size_t n = 0, i;
	char name[SCHEDULED_NAME + 1];

	while (*p != '\0' && n < LIMIT_SOURCES) {
		p = next_name(p, name, sizeof(name));
		for (i = 0; i < n && strcmp(names[i], name) != 0; i++)
			;
		if (i == n && name[0] != '\0' && strlen(name) < SCHEDULED_NAME)
			memcpy(names[n++], name, strlen(name) + 1);
	}
	return n;
}

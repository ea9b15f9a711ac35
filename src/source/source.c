#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "source/source.h"

const struct source *const sources[] = { &source_finviz, &source_yahoo,
	&source_alphavantage, &source_polygon, &source_iex };
const size_t nsources = sizeof(sources) / sizeof(sources[0]);

_Static_assert(sizeof(sources) / sizeof(sources[0]) <= LIMIT_SOURCES,
    "every source fits into a list");

static const struct source *
find(const char *name, size_t len)
{
	for (size_t i = 0; i < nsources; i++)
		if (strlen(sources[i]->name) == len &&
		    strncasecmp(sources[i]->name, name, len) == 0)
			return sources[i];
	return NULL;
}

/* "finviz, yahoo" */
static void
all_names(char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < nsources && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s",
		    i > 0 ? ", " : "", sources[i]->name);
}

enum rc
source_by_name(const char *name, const struct source **out, struct err *e)
{
	const struct source *s = find(name, strlen(name));
	char names[128];

	if (s == NULL) {
		all_names(names, sizeof(names));
		return err_set(e, RC_USAGE,
		    "unknown source \"%.60s\": it is one of %s", name, names);
	}
	*out = s;
	return RC_OK;
}

/* Put s behind the n of list, unless it is there. */
static size_t
add_once(const struct source **list, size_t n, const struct source *s)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == s)
			return n;
	list[n] = s;
	return n + 1;
}

enum rc
source_list(
    const char *setting, const struct source **out, size_t *n, struct err *e)
{
	const struct source *list[LIMIT_SOURCES], *s;
	const char *p = setting;
	char names[128];
	size_t count = 0, len;

	for (;;) {
		p += strspn(p, ", \t");
		len = strcspn(p, ", \t");
		if (len == 0)
			break;
		s = find(p, len);
		if (s == NULL) {
			all_names(names, sizeof(names));
			return err_set(e, RC_CONFIG,
			    "SOURCES names \"%.*s\": "
			    "a source is one of %s",
			    len > 60 ? 60 : (int)len, p, names);
		}
		count = add_once(list, count, s);
		p += len;
	}
	if (count == 0)
		return err_set(e, RC_CONFIG, "SOURCES names no source");
	for (size_t i = 0; i < count; i++)
		out[i] = list[i];
	*n = count;
	return RC_OK;
}

enum rc
source_status(const struct http_response *r, struct err *e)
{
	char mitigated[64];

	if (r->status == 0)
		return err_set(e, r->why.rc, "%s", r->why.msg);
	if (http_header(r, "cf-mitigated", 0, mitigated, sizeof(mitigated)))
		return err_set(e, RC_BLOCKED,
		    "HTTP status %d, cf-mitigated: %s", r->status, mitigated);
	if (r->status == 200)
		return RC_OK;
	if (r->status == 429 || r->status == 999)
		return err_set(e, RC_LIMITED, "HTTP status %d", r->status);
	if (r->status == 401 || r->status == 403 || r->status == 407 ||
	    r->status == 451)
		return err_set(e, RC_BLOCKED, "HTTP status %d", r->status);
	return err_set(e, RC_UPSTREAM, "HTTP status %d", r->status);
}

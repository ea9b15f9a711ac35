#include <string.h>

#include <json-c/json.h>

#include "base/limits.h"
#include "data/envelope_filled.h"

static int
set_count(struct filled *of, enum field f, const char *source, int64_t n)
{
	size_t i = 0;

	while (i < of->nsources && strcmp(of->source[i], source) != 0)
		i++;
	if (i == LIMIT_SOURCES || strlen(source) >= sizeof(of->source[i]) ||
	    n < 0 || n > (int64_t)of->rows)
		return 0;
	if (i == of->nsources)
		memcpy(of->source[of->nsources++], source, strlen(source) + 1);
	of->count[f][i] = (uint32_t)n;
	return 1;
}

static int
read_field(struct filled *of, enum field f, struct json_object *v)
{
	if (json_object_is_type(v, json_type_string))
		return set_count(
		    of, f, json_object_get_string(v), (int64_t)of->rows);
	if (!json_object_is_type(v, json_type_object))
		return 0;
	json_object_object_foreach(
	    v, source, count) if (!json_object_is_type(count, json_type_int) ||
				  !set_count(of, f, source,
				      json_object_get_int64(count))) return 0;
	return 1;
}

int
filled_read(struct filled *of, struct json_object *v, int64_t rows)
{
	of->rows = (size_t)rows;
	if (!json_object_is_type(v, json_type_object) || rows > LIMIT_ROWS)
		return 0;
	json_object_object_foreach(
	    v, name, sources) for (int f = 0; f < FIELD__MAX;
				   f++) if (strcmp(fields[f].name, name) == 0 &&
					    !read_field(of, (enum field)f,
						sources)) return 0;
	return 1;
}

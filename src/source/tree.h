/*
 * A JSON body as a tree, within limits, and figures out of it.
 */
#ifndef SOURCE_TREE_H
#define SOURCE_TREE_H

#include <stddef.h>

#include <json-c/json.h>

#include "base/rc.h"
#include "data/table.h"

/*
 * One JSON document and nothing after it; the caller gives *out back with
 * json_object_put.  RC_PARSE: malformed, cut off, too large, too deep.
 */
enum rc tree_parse(
    const char *body, size_t len, struct json_object **out, struct err *);

/* The text of a member; NULL where it is absent, not a text, or has a NUL
 * byte in it.  Borrowed. */
const char *tree_text(struct json_object *, const char *name);

/* A number, read from its source text, times 10^exp10. */
enum rc tree_number(struct json_object *, int exp10, double *out, struct err *);

/* Where a figure of ours stands. */
struct tree_field {
	enum field field;
	const char *name;
	int exp10;
	int zero_is_none; /* 0 cannot be, and means that there is none */
	int as_text;      /* "1.5", "None", "-", "0.4 %" */
};

/* RC_NOTFOUND where it is absent, null or marked as missing; *out is
 * untouched then. */
enum rc tree_figure(
    struct json_object *, const struct tree_field *, double *out, struct err *);

/* All of a list that are there. */
enum rc tree_figures(struct record *, struct json_object *,
    const struct tree_field *, size_t n, struct err *);

/* A member as a text field; "None", "-" and "" are null. */
enum rc tree_words(struct table *, struct record *, enum field,
    struct json_object *, const char *name, struct err *);

#endif

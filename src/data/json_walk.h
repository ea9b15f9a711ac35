/*
 * JSON of ours walked byte by byte, without building it: where the members of
 * an object and the elements of an array begin and end.  For documents of
 * which a part is looked at and the rest is passed on as it is; what is inside
 * of a value is not judged, but for its strings and brackets.
 */
#ifndef DATA_JSON_WALK_H
#define DATA_JSON_WALK_H

#include <stddef.h>

/* Where a walk is; both are the caller's bytes. */
struct json_walk {
	const char *p, *end;
};

/* Bytes of a document as they stand there: a string with quotes and escapes. */
struct json_part {
	const char *p;
	size_t len;
};

/* Go into the object or array ('{' or '[') that comes next, past blanks.  0: it
 * is something else. */
int json_enter(struct json_walk *, char bracket);

/*
 * The next member of the object, or element of the array, that was entered: 1;
 * 0: it is at its end, and the walk behind it; -1: it is not JSON, or is deeper
 * than LIMIT_JSON_DEPTH.
 */
int json_member(
    struct json_walk *, struct json_part *name, struct json_part *value);
int json_element(struct json_walk *, struct json_part *value);

/* Is a part these bytes?  A string is asked for with its quotes. */
int json_is(const struct json_part *, const char *bytes);
/* Is it a number or null, as JSON has them? */
int json_is_figure(const struct json_part *);

#endif

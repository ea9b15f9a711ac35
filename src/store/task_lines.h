/*
 * Tasks as lines of JSON, one object a line:
 *
 *	{"type":"fetch_stock_data","index":"DJIA","sector":"Any",
 *	 "priority":"high","force":true,"delay":60,"id":"…"}
 *
 * type is needed, the rest is not: S&P 500, Any, normal, false, 0, a new id.
 * null is as good as left out.  A priority is a name or 1 to 4.  Any other
 * member and a value of the wrong kind are errors of the line; of a member that
 * stands twice the last one counts.
 */
#ifndef STORE_TASK_LINES_H
#define STORE_TASK_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "store/task.h"

#define TASK_LINE_MAX  4096    /* bytes of a line */
#define TASK_LINE_TEXT 40      /* bytes of a probe's texts together */
#define TASK_DELAY_MAX 2592000 /* seconds: 30 days */

struct task_lines;

/* A parser, used for one line after the other. */
enum rc task_lines_new(struct task_lines **, struct err *);
void task_lines_free(struct task_lines *);

/* A line as a task; the spec borrows from the texts beside it. */
struct task_line {
	struct task_spec spec;
	char index[TASK_LINE_TEXT + 1];
	char sector[TASK_LINE_TEXT + 1];
};

/* RC_PARSE: not such an object.  RC_USAGE: an unknown name or value. */
enum rc task_line_read(struct task_lines *, const char *line, size_t len,
    struct task_line *, struct err *);

/* The texts of a line (or of a command line) as those of its type: names of
 * datasets in their one spelling, of a probe any printable text.  NULL: the
 * default. */
enum rc task_line_dataset(
    struct task_line *, const char *index, const char *sector, struct err *);

#endif

/*
 * Lines of enqueue: whatever a line holds, it is a task that the queue takes,
 * or an error that says so.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/task_lines.h"

static void
check(const struct task_line *t)
{
	const struct task_spec *s = &t->spec;

	if (s->dataset.index == NULL || s->dataset.sector == NULL)
		abort();
	if (s->type >= TASK__MAX || s->priority >= PRIORITY__MAX ||
	    s->delay_ms < 0 || s->delay_ms > TASK_DELAY_MAX * INT64_C(1000) ||
	    (s->id[0] != '\0' && !task_is_id(s->id)) ||
	    strlen(s->dataset.index) + strlen(s->dataset.sector) >
		TASK_LINE_TEXT)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct task_lines *l = NULL;
	struct task_line t = { 0 };
	struct err e = { 0 };
	enum rc rc;

	if (task_lines_new(&l, NULL) != RC_OK)
		return 0;
	/* Twice: nothing of a line is left for the next. */
	for (int i = 0; i < 2; i++) {
		rc = task_line_read(l, (const char *)data, size, &t, &e);
		if (rc == RC_OK)
			check(&t);
		else if (e.rc != rc || e.msg[0] == '\0')
			abort();
	}
	task_lines_free(l);
	return 0;
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/queue_part.h"

const char *const queue_fields[QUEUE_FIELDS] = {
	/* of a claim, see lua/queue_claim.lua */
	"type",
	"index",
	"sector",
	"force",
	"priority",
	"retry_count",
	"lost",
	"created",
	"ready",
	/* and all that is known */
	"status",
	"rerun",
	"token",
	"started",
	"finished",
	"owner",
	"progress",
	"result",
	"e1",
	"e2",
	"e3",
	"e4",
	"e5",
	"e6",
	"e7",
	"e8",
};

enum kind { TYPE, STATUS, TEXT, INT, INT64, ERROR };

/* Where the fields of the same place above belong. */
static const struct place {
	enum kind kind;
	size_t offset, size;
} places[] = {
#define AT(kind, member)                                                       \
	{                                                                      \
		kind, offsetof(struct task, member),                           \
		    sizeof(((struct task *)0)->member)                         \
	}
	AT(TYPE, type),
	AT(TEXT, index),
	AT(TEXT, sector),
	AT(INT, force),
	AT(INT, priority),
	AT(INT, retry_count),
	AT(INT, lost),
	AT(INT64, created_us),
	AT(INT64, ready_us),
	AT(STATUS, status),
	AT(INT, rerun),
	AT(INT64, token),
	AT(INT64, started_us),
	AT(INT64, finished_us),
	AT(TEXT, owner),
	AT(TEXT, progress),
	AT(TEXT, result),
	AT(ERROR, errors),
	AT(ERROR, errors),
	AT(ERROR, errors),
	AT(ERROR, errors),
	AT(ERROR, errors),
	AT(ERROR, errors),
	AT(ERROR, errors),
	AT(ERROR, errors),
#undef AT
};

_Static_assert(
    sizeof(places) / sizeof(places[0]) == QUEUE_FIELDS, "a place a field");
_Static_assert(sizeof(enum priority) == sizeof(int), "read as an int");

/* "1763000000000 rate-limited: …", in the order of their times. */
static void
read_error(struct task *t, const char *text)
{
	struct task_error it = { 0 };
	size_t at = t->nerrors;
	char *rest;

	it.at_ms = strtoll(text, &rest, 10);
	snprintf(it.text, sizeof(it.text), "%s", *rest == ' ' ? rest + 1 : "");
	if (at == TASK_ERRORS)
		return;
	while (at > 0 && t->errors[at - 1].at_ms > it.at_ms) {
		t->errors[at] = t->errors[at - 1];
		at--;
	}
	t->errors[at] = it;
	t->nerrors++;
}

static enum rc
read_value(
    struct task *t, const struct place *p, const char *text, struct err *e)
{
	char *at = (char *)t + p->offset;

	switch (p->kind) {
	case TYPE:
		return task_type_of(text, &t->type, e);
	case STATUS:
		return task_status_of(text, &t->status, e);
	case TEXT:
		snprintf(at, p->size, "%s", text);
		break;
	case INT:
		*(int *)at = (int)strtol(text, NULL, 10);
		break;
	case INT64:
		*(int64_t *)at = strtoll(text, NULL, 10);
		break;
	case ERROR:
		read_error(t, text);
		break;
	}
	return RC_OK;
}

enum rc
queue_task_read(
    const redisReply *const *values, size_t n, struct task *out, struct err *e)
{
	struct task t = { .status = TASK_PROCESSING };

	for (size_t i = 0; i < n && i < QUEUE_FIELDS; i++)
		if (values[i]->type == REDIS_REPLY_STRING &&
		    read_value(&t, &places[i], values[i]->str, e) != RC_OK)
			return err_set(e, RC_INVALID,
			    "a task that we cannot read: its %s is \"%.20s\"",
			    queue_fields[i], values[i]->str);
	if (t.priority >= PRIORITY__MAX)
		t.priority = PRIORITY_URGENT;
	memcpy(t.id, out->id, sizeof(t.id));
	*out = t;
	return RC_OK;
}

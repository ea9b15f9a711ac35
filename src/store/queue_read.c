#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/queue_part.h"

const char *const queue_fields[QUEUE_FIELDS] = {
	/* of a claim, see lua/queue_claim.lua */
	"spec",
	"tries",
	/* and all that is known */
	"status",
	"created",
	"asked",
	"rerun",
	"cancel",
	"run",
	"progress",
	"put_off",
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

enum kind { SPEC, TRIES, STATUS, RUN, TEXT, INT, INT64, TIMED, ERROR };

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
	AT(SPEC, type),
	AT(TRIES, retry_count),
	AT(STATUS, status),
	AT(INT64, created_us),
	AT(INT64, asked_us),
	AT(INT64, rerun_us),
	AT(INT, cancel),
	AT(RUN, run),
	AT(TEXT, progress),
	AT(TIMED, put_off),
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

/* n bytes of a text, as far as there is room. */
static void
copy(char *out, size_t size, const char *text, size_t n)
{
	if (n >= size)
		n = size - 1;
	memcpy(out, text, n);
	out[n] = '\0';
}

/* "10fetch_stock_data|DJIA|Any": priority, flags, work. */
static enum rc
read_spec(struct task *t, const char *text, struct err *e)
{
	const char *work = text + 2, *index, *sector;
	char type[TASK_TEXT + 1];

	if (text[0] < '0' || text[0] >= '0' + PRIORITY__MAX ||
	    text[1] == '\0' || strlen(work) > TASK_TEXT)
		return RC_INVALID;
	t->priority = (enum priority)(text[0] - '0');
	t->force = (text[1] - '0') & 1;
	index = strchr(work, '|');
	sector = index != NULL ? strchr(index + 1, '|') : NULL;
	if (sector == NULL)
		return RC_INVALID;
	copy(type, sizeof(type), work, (size_t)(index - work));
	copy(t->index, sizeof(t->index), index + 1,
	    (size_t)(sector - index - 1));
	copy(t->sector, sizeof(t->sector), sector + 1, strlen(sector + 1));
	return task_type_of(type, &t->type, e);
}

/* "1763000000000000 host:4711 1 1763000000000000": token, owner, priority then
 * and score. */
static void
read_run(struct task *t, const char *text)
{
	const char *owner = strchr(text, ' '), *end;

	copy(t->run, sizeof(t->run), text, strlen(text));
	t->token = strtoll(text, NULL, 10);
	end = owner != NULL ? strchr(owner + 1, ' ') : NULL;
	if (end != NULL)
		copy(t->owner, sizeof(t->owner), owner + 1,
		    (size_t)(end - owner - 1));
}

/* "1763000000000 rate-limited: …" */
static void
read_timed(struct task_error *it, const char *text)
{
	char *rest;

	it->at_ms = strtoll(text, &rest, 10);
	rest += *rest == ' ';
	copy(it->text, sizeof(it->text), rest, strlen(rest));
}

/* In the order of their times. */
static void
read_error(struct task *t, const char *text)
{
	struct task_error it;
	size_t at = t->nerrors;

	read_timed(&it, text);
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
	char *at = (char *)t + p->offset, *rest;

	switch (p->kind) {
	case SPEC:
		return read_spec(t, text, e);
	case TRIES:
		t->retry_count = (int)strtol(text, &rest, 10);
		t->lost = (int)strtol(rest, NULL, 10);
		break;
	case RUN:
		read_run(t, text);
		break;
	case STATUS:
		return task_status_of(text, &t->status, e);
	case TEXT:
		copy(at, p->size, text, strlen(text));
		break;
	case INT:
		*(int *)at = (int)strtol(text, NULL, 10);
		break;
	case INT64:
		*(int64_t *)at = strtoll(text, NULL, 10);
		break;
	case TIMED:
		read_timed(&t->put_off, text);
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
	if (t.asked_us == 0)
		t.asked_us = t.created_us;
	memcpy(t.id, out->id, sizeof(t.id));
	*out = t;
	return RC_OK;
}

void
queue_task_place(struct task *t, const char *score)
{
	int64_t head = (int64_t)QUEUE_HEAD_START * 1000000 * t->priority;

	/* strtod: newer servers write 1.7e+15. */
	t->ready_us =
	    score[0] != '\0' ? (int64_t)strtod(score, NULL) + head : 0;
}

enum rc
queue_has(struct queue *q, enum task_type type, const struct dataset *d,
    size_t n, int *has, struct err *e)
{
	char works[4][TASK_WORK + 1];
	const char *argv[2 + 4] = { "HMGET", queue_keys[KEY_UNIQUE] };
	redisReply *reply;
	enum rc rc;

	if (n > sizeof(works) / sizeof(works[0]))
		return err_set(e, RC_BUG, "queue: %zu datasets at once", n);
	for (size_t i = 0; i < n; i++) {
		struct task_spec s = { .type = type, .dataset = d[i] };

		if (!queue_work(works[i], &s))
			return err_set(e, RC_USAGE, "queue: a name too long");
		argv[2 + i] = works[i];
	}
	rc = redis_call(q->redis, 2 + (int)n, argv, NULL, &reply, e);
	if (rc != RC_OK)
		return redis_blame_key(rc, queue_keys[KEY_UNIQUE], e);
	*has = 0;
	for (size_t i = 0; i < reply->elements; i++)
		*has |= reply->element[i]->type == REDIS_REPLY_STRING;
	freeReplyObject(reply);
	return RC_OK;
}

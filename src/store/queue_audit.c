#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/queue_part.h"

#define STEP   "500"   /* of one SCAN, ZSCAN or HSCAN */
#define ROUNDS 1000000 /* at most, of one audit */

/* A batch of ids, or of pairs of work and id, through the script. */
static enum rc
check(struct queue *q, int repair, const char *what, const char *const *items,
    size_t n, struct queue_audit *sum, struct err *e)
{
	const char **args;
	redisReply *reply = NULL;
	enum rc rc;

	if (n == 0)
		return RC_OK;
	args = calloc(n + 3, sizeof(*args));
	if (args == NULL)
		return err_set(e, RC_NOMEM, "queue: out of memory");
	args[0] = repair ? "1" : "0";
	args[1] = queue_head_start();
	args[2] = what;
	memcpy(args + 3, items, n * sizeof(*args));
	rc = queue_call(q, &script_queue_audit,
	    KEYS(KEY_READY, KEY_SCHEDULED, KEY_PROCESSING, KEY_UNIQUE,
		KEY_FAILED, KEY_COMPLETED, KEY_CANCELLED),
	    args, n + 3, &reply, e);
	free(args);
	if (rc != RC_OK)
		return rc;
	sum->tasks += redis_int(reply, 0, 0);
	sum->orphans += redis_int(reply, 1, 0);
	sum->strays += redis_int(reply, 2, 0);
	sum->duplicates += redis_int(reply, 3, 0);
	sum->repaired += redis_int(reply, 4, 0);
	freeReplyObject(reply);
	return RC_OK;
}

/* What one walk goes through, and what of it goes into the script. */
struct walk {
	const char *command; /* SCAN, ZSCAN, HSCAN */
	const char *key;     /* NULL: SCAN has none */
	const char *match;   /* NULL: all */
	const char *what;    /* "ids" or "unique" */
	size_t every;        /* member and score: 2, of which the first goes */
	size_t skip;         /* bytes before the id */
};

static enum rc
check_page(struct queue *q, const struct walk *w, const redisReply *page,
    int repair, struct queue_audit *sum, struct err *e)
{
	const char **items;
	size_t n = 0;
	enum rc rc;

	if (page->elements == 0)
		return RC_OK;
	items = calloc(page->elements, sizeof(*items));
	if (items == NULL)
		return err_set(e, RC_NOMEM, "queue: out of memory");
	for (size_t i = 0; i < page->elements; i += w->every)
		if (page->element[i]->len >= w->skip)
			items[n++] = page->element[i]->str + w->skip;
	rc = check(q, repair, w->what, items, n, sum, e);
	free(items);
	return rc;
}

static enum rc
walk(struct queue *q, const struct walk *w, int repair, struct queue_audit *sum,
    struct err *e)
{
	char cursor[24] = "0";
	const char *argv[8];
	redisReply *reply = NULL;
	enum rc rc = RC_OK;
	int n;

	for (int round = 0; round < ROUNDS && rc == RC_OK; round++) {
		n = 0;
		argv[n++] = w->command;
		if (w->key != NULL)
			argv[n++] = w->key;
		argv[n++] = cursor;
		argv[n++] = "COUNT";
		argv[n++] = STEP;
		if (w->match != NULL) {
			argv[n++] = "MATCH";
			argv[n++] = w->match;
		}
		rc = redis_call(q->redis, n, argv, NULL, &reply, e);
		if (rc != RC_OK)
			return rc;
		if (reply->elements != 2) {
			freeReplyObject(reply);
			return err_set(e, RC_STORE, "audit: unexpected answer");
		}
		snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
		rc = check_page(q, w, reply->element[1], repair, sum, e);
		freeReplyObject(reply);
		if (strcmp(cursor, "0") == 0)
			break;
	}
	return rc;
}

/*
 * First what lies in the sets, where only entries without a task are news, then
 * the unique entries, then all tasks, which are counted.  What happens
 * meanwhile is no matter: the script sees each of them at one moment.
 */
enum rc
queue_audit(struct queue *q, int repair, struct queue_audit *out, struct err *e)
{
	static const enum queue_key sets[] = { KEY_READY, KEY_SCHEDULED,
		KEY_PROCESSING, KEY_FAILED, KEY_COMPLETED, KEY_CANCELLED };
	struct queue_audit sum = { 0 };
	struct walk w = { "ZSCAN", NULL, NULL, "entries", 2, 0 };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]) && rc == RC_OK;
	     i++) {
		w.key = queue_keys[sets[i]];
		rc = walk(q, &w, repair, &sum, e);
	}
	if (rc != RC_OK)
		return rc;
	w = (struct walk){ "HSCAN", queue_keys[KEY_UNIQUE], NULL, "unique", 1,
		0 };
	rc = walk(q, &w, repair, &sum, e);
	if (rc != RC_OK)
		return rc;
	w = (struct walk){ "SCAN", NULL, QUEUE_TASK "*", "ids", 1,
		strlen(QUEUE_TASK) };
	rc = walk(q, &w, repair, &sum, e);
	if (rc == RC_OK)
		*out = sum;
	return rc;
}

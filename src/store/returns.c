#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "store/returns.h"

static void
work_key(const char *index, char key[LIMIT_KEY])
{
	snprintf(key, LIMIT_KEY, "stocknity:work:{annual_returns:%s}", index);
}

void
returns_work_fini(struct returns_work *w)
{
	free(w->tickers);
	free(w->records);
	free(w->text);
	if (w->reply != NULL)
		freeReplyObject(w->reply);
	*w = (struct returns_work){ 0 };
}

/* Part the text of the tickers. */
static enum rc
part(struct returns_work *w, const char *text, struct err *e)
{
	char *rest, *word;
	size_t most = strlen(text) / 2 + 1;

	w->text = strdup(text);
	w->tickers = calloc(most, sizeof(*w->tickers));
	w->records = calloc(most, sizeof(*w->records));
	if (w->text == NULL || w->tickers == NULL || w->records == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	for (word = strtok_r(w->text, " ", &rest); word != NULL && w->n < most;
	     word = strtok_r(NULL, " ", &rest))
		w->tickers[w->n++] = word;
	return RC_OK;
}

/* What returns_begin.lua answered. */
static enum rc
take_head(const redisReply *reply, struct returns_work *w, struct err *e)
{
	w->fence_us = redis_int(reply, 0, 0);
	w->chunks = (size_t)redis_int(reply, 1, 0);
	w->over = redis_int(reply, 3, 0) == 1;
	w->began_us = redis_int(reply, 4, 0);
	if (w->fence_us == 0)
		return RC_OK;
	if (reply->elements < 3 ||
	    reply->element[2]->type != REDIS_REPLY_STRING)
		return err_set(e, RC_STORE, "returns: unexpected answer");
	return part(w, reply->element[2]->str, e);
}

static enum rc
begin(struct redis *r, const char *index, int argc, const char *const *more,
    struct returns_work *w, struct err *e)
{
	char key[LIMIT_KEY];
	const char *argv[6] = { key };
	redisReply *reply;
	enum rc rc;

	*w = (struct returns_work){ 0 };
	work_key(index, key);
	for (int i = 0; i < argc; i++)
		argv[1 + i] = more[i];
	rc = redis_script(
	    r, &script_returns_begin, 1, 1 + argc, argv, NULL, &reply, e);
	if (rc != RC_OK)
		return redis_blame_key(rc, key, e);
	rc = take_head(reply, w, e);
	freeReplyObject(reply);
	if (rc != RC_OK)
		returns_work_fini(w);
	return rc;
}

enum rc
returns_begin(struct redis *r, const char *index, const char *tickers, size_t n,
    enum returns_anew anew, struct returns_work *w, struct err *e)
{
	char ttl[24], count[24], chunks[24];
	const char *more[] = { ttl, tickers, count, chunks,
		anew == RETURNS_ANEW ? "1" : "0" };

	snprintf(ttl, sizeof(ttl), "%d", RETURNS_KEPT_S * 1000);
	snprintf(count, sizeof(count), "%zu", n);
	snprintf(chunks, sizeof(chunks), "%zu",
	    (n + RETURNS_CHUNK - 1) / RETURNS_CHUNK);
	return begin(r, index, sizeof(more) / sizeof(more[0]), more, w, e);
}

/* Ask for the fence and the record of each ticker, in their order. */
static enum rc
ask_records(
    struct redis *r, const char *key, struct returns_work *w, struct err *e)
{
	char(*fields)[LIMIT_TICKER + 3] = calloc(w->n + 1, sizeof(*fields));
	const char **argv = calloc(w->n + 3, sizeof(*argv));
	enum rc rc;

	if (fields == NULL || argv == NULL) {
		rc = err_set(e, RC_NOMEM, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < w->n; i++) {
		snprintf(fields[i], sizeof(fields[i]), "t:%s", w->tickers[i]);
		argv[3 + i] = fields[i];
	}
	argv[0] = "HMGET";
	argv[1] = key;
	argv[2] = "fence";
	rc = redis_call(r, (int)w->n + 3, argv, NULL, &w->reply, e);
out:
	free(argv);
	free(fields);
	return rc;
}

enum rc
returns_find(
    struct redis *r, const char *index, struct returns_work *w, struct err *e)
{
	char key[LIMIT_KEY];
	enum rc rc = begin(r, index, 0, NULL, w, e);

	if (rc != RC_OK || w->fence_us == 0)
		return rc;
	work_key(index, key);
	rc = ask_records(r, key, w, e);
	/* Another one by now: what was found is gone. */
	if (rc != RC_OK || redis_int(w->reply, 0, 0) != w->fence_us) {
		returns_work_fini(w);
		return rc;
	}
	for (size_t i = 0; i < w->n; i++)
		if (w->reply->element[1 + i]->type == REDIS_REPLY_STRING)
			w->records[i] = w->reply->element[1 + i]->str;
	return RC_OK;
}

/* A script that answers a number; more ends with NULL. */
static enum rc
call(struct redis *r, const struct script *s, const char *index,
    int64_t fence_us, const char *const *more, int64_t *out, struct err *e)
{
	char key[LIMIT_KEY], fence[24];
	const char *argv[5] = { key, fence };
	redisReply *reply;
	int argc = 2;
	enum rc rc;

	work_key(index, key);
	snprintf(fence, sizeof(fence), "%lld", (long long)fence_us);
	while (*more != NULL && argc < 5)
		argv[argc++] = *more++;
	rc = redis_script(r, s, 1, argc, argv, NULL, &reply, e);
	if (rc != RC_OK)
		return redis_blame_key(rc, key, e);
	*out = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
	freeReplyObject(reply);
	return RC_OK;
}

/* Set a field of the work. */
static enum rc
keep(struct redis *r, const char *index, int64_t fence_us, const char *field,
    const char *value, struct err *e)
{
	const char *more[] = { field, value, NULL };
	int64_t kept = 0;
	enum rc rc =
	    call(r, &script_returns_keep, index, fence_us, more, &kept, e);

	if (rc == RC_OK && !kept)
		return err_set(e, RC_NOTFOUND, "that work is over");
	return rc;
}

enum rc
returns_keep(struct redis *r, const char *index, int64_t fence_us,
    const char *ticker, const char *record, struct err *e)
{
	char field[LIMIT_TICKER + 3];

	snprintf(field, sizeof(field), "t:%s", ticker);
	return keep(r, index, fence_us, field, record, e);
}

enum rc
returns_assign(struct redis *r, const char *index, int64_t fence_us,
    size_t chunk, const char *id, struct err *e)
{
	char field[32];

	snprintf(field, sizeof(field), "task:%zu", chunk);
	return keep(r, index, fence_us, field, id, e);
}

enum rc
returns_end(struct redis *r, const char *index, int64_t fence_us, size_t chunk,
    const char *why, int64_t *left, struct err *e)
{
	char number[24];
	const char *more[] = { number, why != NULL ? why : "", NULL };

	snprintf(number, sizeof(number), "%zu", chunk);
	return call(r, &script_returns_end, index, fence_us, more, left, e);
}

enum rc
returns_done(
    struct redis *r, const char *index, int64_t fence_us, struct err *e)
{
	const char *more[] = { NULL };
	int64_t gone;

	return call(r, &script_returns_done, index, fence_us, more, &gone, e);
}

enum rc
returns_forget(struct redis *r, const char *index, struct err *e)
{
	char key[LIMIT_KEY];
	const char *argv[] = { "UNLINK", key };
	redisReply *reply;
	enum rc rc;

	work_key(index, key);
	rc = redis_call(r, 2, argv, NULL, &reply, e);
	if (rc == RC_OK)
		freeReplyObject(reply);
	return rc;
}

enum rc
returns_over(struct redis *r, const char *index, int64_t fence_us,
    const char *id, int attempt, enum rc rc, const char *said, struct err *e)
{
	char text[TASK_ID + 32 + sizeof(e->msg)];
	const char *more[] = { text, NULL };
	int64_t there;

	snprintf(text, sizeof(text), "%s %d %d %s", id, attempt, (int)rc, said);
	return call(r, &script_returns_done, index, fence_us, more, &there, e);
}

/* "ID ATTEMPT RC TEXT", as returns_over writes it. */
static void
read_over(struct returns_look *l, const char *text)
{
	int rc, at = 0;

	l->over = *text != '\0';
	if (sscanf(text, "%36s %9d %9d %n", l->over_id, &l->over_attempt, &rc,
		&at) == 3 &&
	    rc >= 0 && rc < RC__MAX)
		err_set(&l->over_said, (enum rc)rc, "%s", text + at);
}

static const char *
text_at(const redisReply *r, size_t i)
{
	return i < r->elements && r->element[i]->type == REDIS_REPLY_STRING
		   ? r->element[i]->str
		   : "";
}

enum rc
returns_look(
    struct redis *r, const char *index, struct returns_look *l, struct err *e)
{
	enum { FENCE, AGE, N, KEPT, CHUNKS, OVER, WHY, FIRST };
	char key[LIMIT_KEY];
	const char *argv[] = { key };
	redisReply *reply;
	enum rc rc;

	*l = (struct returns_look){ 0 };
	work_key(index, key);
	rc = redis_script(r, &script_returns_look, 1, 1, argv, NULL, &reply, e);
	if (rc != RC_OK)
		return redis_blame_key(rc, key, e);
	l->fence_us = redis_int(reply, FENCE, 0);
	l->age_us = redis_int(reply, AGE, 0);
	l->n = (size_t)redis_int(reply, N, 0);
	l->kept = (size_t)redis_int(reply, KEPT, 0);
	l->chunks = (size_t)redis_int(reply, CHUNKS, 0);
	read_over(l, text_at(reply, OVER));
	snprintf(l->why, sizeof(l->why), "%s", text_at(reply, WHY));
	if (l->chunks > RETURNS_CHUNKS)
		l->chunks = RETURNS_CHUNKS;
	for (size_t i = 0; i < l->chunks; i++) {
		snprintf(l->task[i], sizeof(l->task[i]), "%s",
		    text_at(reply, FIRST + 2 * i));
		l->ended[i] = redis_int(reply, FIRST + 2 * i + 1, 0) == 1;
		l->left += !l->ended[i];
	}
	freeReplyObject(reply);
	return RC_OK;
}

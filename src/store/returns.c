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
	const char *argv[4] = { key };
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
    struct returns_work *w, struct err *e)
{
	char ttl[24], chunks[24];
	const char *more[] = { ttl, tickers, chunks };

	snprintf(ttl, sizeof(ttl), "%d", RETURNS_KEPT_S * 1000);
	snprintf(chunks, sizeof(chunks), "%zu",
	    (n + RETURNS_CHUNK - 1) / RETURNS_CHUNK);
	return begin(r, index, 3, more, w, e);
}

/* Point at the record of each ticker. */
static void
find_records(struct returns_work *w)
{
	const redisReply *v = w->reply;

	for (size_t i = 0; i + 1 < v->elements; i += 2) {
		const char *field = v->element[i]->str;

		if (v->element[i]->type != REDIS_REPLY_STRING ||
		    strncmp(field, "t:", 2) != 0)
			continue;
		for (size_t j = 0; j < w->n; j++)
			if (strcmp(w->tickers[j], field + 2) == 0)
				w->records[j] = v->element[i + 1]->str;
	}
}

enum rc
returns_find(
    struct redis *r, const char *index, struct returns_work *w, struct err *e)
{
	char key[LIMIT_KEY];
	const char *argv[] = { "HGETALL", key };
	enum rc rc = begin(r, index, 0, NULL, w, e);

	if (rc != RC_OK || w->fence_us == 0)
		return rc;
	work_key(index, key);
	rc = redis_call(r, 2, argv, NULL, &w->reply, e);
	if (rc == RC_OK)
		find_records(w);
	else
		returns_work_fini(w);
	return rc;
}

/* A script that answers a number. */
static enum rc
call(struct redis *r, const struct script *s, const char *index,
    const struct returns_work *w, const char *a, const char *b, int64_t *out,
    struct err *e)
{
	char key[LIMIT_KEY], fence[24];
	const char *argv[] = { key, fence, a, b };
	redisReply *reply;
	enum rc rc;

	work_key(index, key);
	snprintf(fence, sizeof(fence), "%lld", (long long)w->fence_us);
	rc = redis_script(
	    r, s, 1, 2 + (a != NULL) + (b != NULL), argv, NULL, &reply, e);
	if (rc != RC_OK)
		return redis_blame_key(rc, key, e);
	*out = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
	freeReplyObject(reply);
	return RC_OK;
}

enum rc
returns_keep(struct redis *r, const char *index, const struct returns_work *w,
    const char *ticker, const char *record, struct err *e)
{
	char field[LIMIT_TICKER + 3];
	int64_t kept = 0;
	enum rc rc;

	snprintf(field, sizeof(field), "t:%s", ticker);
	rc = call(r, &script_returns_keep, index, w, field, record, &kept, e);
	if (rc == RC_OK && !kept)
		return err_set(e, RC_NOTFOUND, "that work is over");
	return rc;
}

enum rc
returns_end(struct redis *r, const char *index, const struct returns_work *w,
    size_t chunk, int *last, struct err *e)
{
	char number[24];
	int64_t is = 0;
	enum rc rc;

	snprintf(number, sizeof(number), "%zu", chunk);
	rc = call(r, &script_returns_end, index, w, number, NULL, &is, e);
	if (rc == RC_OK)
		*last = is == 1;
	return rc;
}

enum rc
returns_done(struct redis *r, const char *index, const struct returns_work *w,
    struct err *e)
{
	int64_t gone;

	return call(r, &script_returns_done, index, w, NULL, NULL, &gone, e);
}

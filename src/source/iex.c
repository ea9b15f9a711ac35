/*
 * IEX Cloud, the conversation: batches of a hundred symbols, in flight
 * together.  The service ended on 2024-08-31; what speaks as it did is asked
 * at IEX_URL, and nobody without it: the token goes nowhere by default.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "source/account.h"
#include "source/iex_body.h"
#include "source/roster.h"

#define BATCH 100 /* symbols of a request: the rest is ignored */

enum state { WAITING, SENT, TAKEN };

struct conversation {
	struct query query;
	unsigned char *batches; /* enum state */
	size_t nbatches, taken;
	struct table table;
	struct err failed; /* RC_OK: it has not */
};

static const enum field required[] = { FIELD_TICKER, FIELD_PRICE };

static int
serves(enum field f)
{
	return roster_serves(iex_have, f);
}

static const char *
address(const struct config *c)
{
	return c->iex_url;
}

static void
policy(const struct config *c, struct policy *p)
{
	*p = (struct policy){
		.rate = account_rate(c, "iex"), .burst = 1, .connections = 2
	};
}

static void
end(struct conversation *c)
{
	if (c == NULL)
		return;
	table_fini(&c->table);
	free(c->batches);
	free(c);
}

static enum rc
begin(struct conversation **out, const struct query *q, struct err *e)
{
	struct conversation *c;
	enum rc rc = roster_begin(q, e);

	if (rc != RC_OK)
		return rc;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	table_init(&c->table);
	c->query = *q;
	c->nbatches = (q->nmembers + BATCH - 1) / BATCH;
	c->batches = calloc(c->nbatches, 1);
	if (c->batches == NULL) {
		end(c);
		return err_set(e, RC_NOMEM, "out of memory");
	}
	iex_have(&c->table);
	*out = c;
	return RC_OK;
}

/* The members of a batch: from *i up to the return value. */
static size_t
range(const struct conversation *c, size_t batch, size_t *i)
{
	size_t last = (batch + 1) * BATCH;

	*i = batch * BATCH;
	return last < c->query.nmembers ? last : c->query.nmembers;
}

static enum step
next(struct conversation *c, struct http_request *out)
{
	const char *base = c->query.config->iex_url;
	size_t batch = 0, n = strlen(base), i, last;
	char symbol[LIMIT_TICKER + 1];
	struct buf url;

	while (batch < c->nbatches && c->batches[batch] != WAITING)
		batch++;
	if (c->failed.rc != RC_OK || c->taken == c->nbatches)
		return STEP_DONE;
	if (batch == c->nbatches)
		return STEP_WAIT;
	while (n > 0 && base[n - 1] == '/')
		n--;
	buf_init(&url, LIMIT_URL - 1);
	buf_add(&url, base, n);
	buf_adds(
	    &url, "/stock/market/batch?types=quote,stats,company&symbols=");
	last = range(c, batch, &i);
	for (size_t first = i; i < last; i++) {
		roster_dotted(symbol, c->query.members[i].ticker);
		buf_adds(&url, i > first ? "," : "");
		buf_add_url(&url, symbol);
	}
	buf_adds(&url, "&token=");
	buf_add_url(&url, c->query.config->iex_token);
	c->batches[batch] = SENT;
	out->cookie[0] = '\0';
	out->bearer[0] = '\0';
	out->accept = "application/json";
	out->head_only = 0;
	out->tag = (unsigned)batch;
	if (buf_check(&url, "IEX's address", &c->failed) == RC_OK)
		snprintf(out->url, sizeof(out->url), "%s", url.data);
	buf_fini(&url);
	return c->failed.rc == RC_OK ? STEP_REQUEST : STEP_DONE;
}

/* Copy what came of a batch; without a price it is no company of ours. */
static enum rc
merge(struct conversation *c, size_t batch, const struct table *from,
    struct err *e)
{
	char symbol[LIMIT_TICKER + 1];
	const struct record *got;
	size_t i, last = range(c, batch, &i);
	enum rc rc = RC_OK;

	for (; i < last && rc == RC_OK; i++) {
		roster_dotted(symbol, c->query.members[i].ticker);
		got = table_find(from, symbol);
		if (got != NULL && got->v[FIELD_PRICE].kind == VALUE_NUMBER)
			rc = roster_take(
			    &c->table, &c->query.members[i], symbol, got, e);
	}
	return rc;
}

static enum rc
feed(struct conversation *c, const struct http_response *r, struct err *e)
{
	struct table t;
	int64_t total;
	enum rc rc;

	if (r->tag >= c->nbatches)
		return err_set(e, RC_BUG, "no batch %u", r->tag);
	if (c->batches[r->tag] == TAKEN)
		return RC_OK;
	table_init(&t);
	rc = iex_read(r, &t, &total, e);
	if (rc == RC_OK || rc == RC_EMPTY)
		rc = merge(c, r->tag, &t, e);
	if (rc == RC_OK) {
		c->batches[r->tag] = TAKEN;
		c->taken++;
	}
	table_fini(&t);
	return rc;
}

static void
progress(const struct conversation *c, int64_t *rows, int64_t *total)
{
	*rows = (int64_t)c->table.count;
	*total = (int64_t)c->query.nmembers;
}

static enum rc
finish(
    struct conversation *c, struct table *table, int64_t *total, struct err *e)
{
	if (c->failed.rc != RC_OK)
		return err_set(e, c->failed.rc, "%s", c->failed.msg);
	if (c->taken < c->nbatches)
		return err_set(e, RC_BUG, "IEX has not answered yet");
	return roster_finish(&c->table, &c->query, "IEX", table, total, e);
}

const struct source source_iex = {
	.name = "iex",
	.origin = "https://cloud.iexapis.com/stable",
	.required = required,
	.nrequired = sizeof(required) / sizeof(required[0]),
	.needs_members = 1,
	.may_miss = 1,
	.serves = serves,
	.address = address,
	.policy = policy,
	.begin = begin,
	.next = next,
	.feed = feed,
	.progress = progress,
	.finish = finish,
	.end = end,
	.read = iex_read,
};

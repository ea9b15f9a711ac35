/*
 * Alpha Vantage, the conversation: two calls a company, GLOBAL_QUOTE for its
 * price and OVERVIEW for its ratios, one after the other.
 *
 * The free plan has 25 calls a day: twelve companies.  A dataset that takes
 * more than the day has is refused whole, before its first call: the day would
 * be spent on a table that is too small to be valid.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "source/account.h"
#include "source/alphavantage_body.h"
#include "source/roster.h"

#define CALLS 2 /* a company */

enum call { QUOTE, OVERVIEW };
enum state { WAITING, SENT, TAKEN };

static const char *const functions[CALLS] = { "GLOBAL_QUOTE", "OVERVIEW" };

struct conversation {
	struct query query;
	unsigned char *calls; /* enum state; CALLS for each member */
	size_t ncalls, taken;
	int64_t pause_ms;
	struct table table;
	struct err failed; /* RC_OK: it has not */
};

static const enum field required[] = { FIELD_TICKER, FIELD_PRICE };

static int
serves(enum field f)
{
	return roster_serves(alphavantage_have, f);
}

static const char *
address(const struct config *c)
{
	return c->alphavantage_url;
}

static void
policy(const struct config *c, struct policy *p)
{
	*p = (struct policy){ .rate = account_rate(c, "alphavantage"),
		.burst = 1,
		.connections = 1 };
	p->day_quota = account_day_quota(c, "alphavantage", &p->zone);
}

static void
end(struct conversation *c)
{
	if (c == NULL)
		return;
	table_fini(&c->table);
	free(c->calls);
	free(c);
}

static enum rc
begin(struct conversation **out, const struct query *q, struct err *e)
{
	int quota = account_day_quota(q->config, "alphavantage", NULL);
	struct conversation *c;
	enum rc rc = roster_begin(q, e);

	if (rc != RC_OK)
		return rc;
	if (quota > 0 && q->nmembers * CALLS > (size_t)quota)
		return err_set(e, RC_NOTFOUND,
		    "%zu companies take %zu calls, and its day has %d "
		    "(ALPHAVANTAGE_DAY_QUOTA)",
		    q->nmembers, q->nmembers * CALLS, quota);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	table_init(&c->table);
	c->query = *q;
	c->pause_ms = -1;
	c->ncalls = q->nmembers * CALLS;
	c->calls = calloc(c->ncalls, 1);
	if (c->calls == NULL) {
		end(c);
		return err_set(e, RC_NOMEM, "out of memory");
	}
	alphavantage_have(&c->table);
	*out = c;
	return RC_OK;
}

static int
calls(const struct conversation *c)
{
	return (int)(c->ncalls - c->taken);
}

static int64_t
pause_ms(const struct conversation *c)
{
	return c->pause_ms;
}

static enum step
next(struct conversation *c, struct http_request *out)
{
	const char *base = c->query.config->alphavantage_url;
	size_t i = 0, n = strlen(base);
	struct buf url;

	while (i < c->ncalls && c->calls[i] != WAITING)
		i++;
	if (c->failed.rc != RC_OK || c->taken == c->ncalls)
		return STEP_DONE;
	if (i == c->ncalls)
		return STEP_WAIT;
	while (n > 0 && base[n - 1] == '/')
		n--;
	buf_init(&url, LIMIT_URL - 1);
	buf_add(&url, base, n);
	buf_addf(&url, "/query?function=%s&symbol=", functions[i % CALLS]);
	buf_add_url(&url, c->query.members[i / CALLS].ticker);
	buf_adds(&url, "&apikey=");
	buf_add_url(&url, c->query.config->alphavantage_key);
	c->calls[i] = SENT;
	out->cookie[0] = '\0';
	out->bearer[0] = '\0';
	out->accept = "application/json";
	out->head_only = 0;
	out->tag = (unsigned)i;
	if (buf_check(&url, "Alpha Vantage's address", &c->failed) == RC_OK)
		snprintf(out->url, sizeof(out->url), "%s", url.data);
	buf_fini(&url);
	return c->failed.rc == RC_OK ? STEP_REQUEST : STEP_DONE;
}

/* BRK.B and BRK-B are one. */
static int
is_same(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++)
		if (*a != *b &&
		    (strchr(".-/", *a) == NULL || strchr(".-/", *b) == NULL))
			return 0;
	return *a == *b;
}

static void
take(struct conversation *c, size_t i)
{
	c->taken += c->calls[i] != TAKEN;
	c->calls[i] = TAKEN;
}

/* The answer to call i is in t, or empty. */
static enum rc
merge(struct conversation *c, size_t i, const struct table *t, struct err *e)
{
	const struct member *m = &c->query.members[i / CALLS];
	const struct record *got = t->count > 0 ? &t->rows[0] : NULL;
	enum rc rc = RC_OK;

	if (got != NULL && !is_same(got->v[FIELD_TICKER].u.text, m->ticker))
		return err_set(e, RC_PARSE,
		    "the answer is of another symbol than %s", m->ticker);
	/* Without a price it is no company of ours: no second call. */
	if (i % CALLS == QUOTE &&
	    (got == NULL || got->v[FIELD_PRICE].kind == VALUE_NULL))
		take(c, i + OVERVIEW);
	else if (got != NULL)
		rc = roster_take(&c->table, m, m->ticker, got, e);
	if (rc == RC_OK)
		take(c, i);
	return rc;
}

static enum rc
feed(struct conversation *c, const struct http_response *r, struct err *e)
{
	struct table t;
	int64_t total;
	enum rc rc;

	if (r->tag >= c->ncalls)
		return err_set(e, RC_BUG, "no call %u", r->tag);
	if (c->calls[r->tag] == TAKEN)
		return RC_OK;
	table_init(&t);
	rc = alphavantage_read(r, &t, &total, &c->pause_ms, e);
	if (rc == RC_OK || rc == RC_EMPTY || rc == RC_NOTFOUND)
		rc = merge(c, r->tag, &t, e);
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
	if (c->taken < c->ncalls)
		return err_set(e, RC_BUG, "Alpha Vantage has not answered yet");
	return roster_finish(
	    &c->table, &c->query, "Alpha Vantage", table, total, e);
}

static enum rc
read_body(const struct http_response *r, struct table *table, int64_t *total,
    struct err *e)
{
	int64_t pause;

	return alphavantage_read(r, table, total, &pause, e);
}

const struct source source_alphavantage = {
	.name = "alphavantage",
	.origin = "https://www.alphavantage.co",
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
	.calls = calls,
	.pause_ms = pause_ms,
	.progress = progress,
	.finish = finish,
	.end = end,
	.read = read_body,
};

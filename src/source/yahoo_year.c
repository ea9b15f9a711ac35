/*
 * A year of daily bars for each of many tickers: one request a ticker, in
 * flight together.  The chart needs no session.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "source/source.h"
#include "source/yahoo_chart.h"
#include "source/yahoo_quote.h"

#define TRIES  2 /* of a chart; as many as drive.c makes */
#define IN_ROW 3 /* symbols that fail one after the other: so does Yahoo */

enum ask { WAITING, SENT, ANSWERED };

struct asked {
	unsigned char state; /* enum ask */
	unsigned char failed;
};

struct conversation {
	struct query query;
	struct asked *asked; /* a member each */
	size_t next;         /* none before it waits */
	size_t answered;
	size_t known;    /* of these: not given up */
	int in_row;      /* given up since the last answer, for Yahoo's fault */
	enum rc verdict; /* on the last one */
};

static const char *
address(const struct config *c)
{
	return source_yahoo.address(c);
}

static void
policy(const struct config *c, struct policy *p)
{
	source_yahoo.policy(c, p);
}

static enum rc
begin(struct conversation **out, const struct query *q, struct err *e)
{
	struct conversation *c;

	if (q->nmembers == 0 || q->nmembers > LIMIT_ROWS)
		return err_set(
		    e, RC_INVALID, "charts of %zu tickers", q->nmembers);
	c = calloc(1, sizeof(*c));
	if (c != NULL)
		c->asked = calloc(q->nmembers, sizeof(*c->asked));
	if (c == NULL || c->asked == NULL) {
		free(c);
		return err_set(e, RC_NOMEM, "out of memory");
	}
	c->query = *q;
	*out = c;
	return RC_OK;
}

static void
end(struct conversation *c)
{
	if (c == NULL)
		return;
	free(c->asked);
	free(c);
}

static enum step
next(struct conversation *c, struct http_request *out)
{
	const char *base = c->query.config->yahoo_url;
	char symbol[LIMIT_TICKER + 1];
	size_t n = strlen(base);
	struct buf url;

	if (c->answered == c->query.nmembers)
		return STEP_DONE;
	if (c->next == c->query.nmembers)
		return STEP_WAIT;
	*out = (struct http_request){ .accept = "application/json",
		.tag = (unsigned)c->next };
	while (n > 0 && base[n - 1] == '/')
		n--;
	yahoo_quote_symbol(symbol, c->query.members[c->next].ticker);
	buf_init(&url, LIMIT_URL - 1);
	buf_add(&url, base, n);
	buf_adds(&url, "/v8/finance/chart/");
	buf_add_url(&url, symbol);
	buf_adds(&url, "?range=1y&interval=1d&events=div%2Csplits"
		       "&includePrePost=false&includeAdjustedClose=true");
	if (url.rc == RC_OK) /* else "": no address, says http */
		memcpy(out->url, url.data, url.len + 1);
	buf_fini(&url);
	c->asked[c->next++].state = SENT;
	return STEP_REQUEST;
}

/* May it be the symbol alone that brings this, if it brings it twice?  A limit
 * or a refusal is never a symbol's. */
static int
may_be_of_symbol(enum rc rc)
{
	return rc == RC_PARSE || rc == RC_UPSTREAM || rc == RC_TIMEOUT ||
	       rc == RC_NET;
}

/* No chart, but no error of theirs either. */
static int
is_answer(const struct http_response *r, enum rc rc)
{
	return rc == RC_PARSE ||
	       (rc == RC_UPSTREAM && r->status >= 400 && r->status < 500);
}

/* It failed once more.  RC_OK: the others may fare better. */
static enum rc
failed(struct conversation *c, const struct http_response *r, enum rc rc)
{
	struct asked *a = &c->asked[r->tag];

	if (!may_be_of_symbol(rc) || ++a->failed < TRIES)
		return rc;
	a->state = ANSWERED;
	c->answered++;
	c->verdict = rc;
	if (is_answer(r, rc))
		return RC_OK;
	if (++c->in_row >= IN_ROW ||
	    (c->answered == c->query.nmembers && c->known == 0))
		return rc;
	return RC_OK;
}

static enum rc
feed(struct conversation *c, const struct http_response *r, struct err *e)
{
	struct returns got;
	struct asked *a;
	enum rc rc;

	if (r->tag >= c->query.nmembers)
		return err_set(e, RC_BUG, "no ticker %u", r->tag);
	a = &c->asked[r->tag];
	c->verdict = RC_OK;
	if (a->state != SENT)
		return RC_OK;
	if (r->status == 0)
		return failed(c, r,
		    err_set(e, r->why.rc != RC_OK ? r->why.rc : RC_NET, "%s",
			r->why.msg));
	rc = yahoo_chart_read(r, &got, e);
	if (rc != RC_OK && rc != RC_EMPTY && rc != RC_INVALID)
		return failed(c, r, rc);
	a->state = ANSWERED;
	c->answered++;
	c->known++;
	c->in_row = 0;
	c->verdict = RC_OK;
	got.answered = 1;
	c->query.returns[r->tag] = got;
	return RC_OK;
}

static enum rc
verdict(const struct conversation *c)
{
	return c->verdict;
}

static void
progress(const struct conversation *c, int64_t *rows, int64_t *total)
{
	*rows = (int64_t)c->answered;
	*total = (int64_t)c->query.nmembers;
}

const struct source source_yahoo_year = {
	.name = "yahoo",
	.origin = "https://query1.finance.yahoo.com",
	.needs_members = 1,
	.address = address,
	.policy = policy,
	.begin = begin,
	.next = next,
	.feed = feed,
	.verdict = verdict,
	.progress = progress,
	.end = end,
};

/*
 * The conversation with finviz.com's screener: one custom view with all
 * columns, sorted by ticker, page by page; where the site refuses the columns,
 * its classic views, joined by ticker.  With FINVIZ_AUTH the export of Finviz
 * Elite instead of pages: one call.
 *
 * What is known of the site, and how: requests and columns from its own page
 * script and column picker, 2021 to 2026.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "source/finviz_csv.h"
#include "source/finviz_elite.h"
#include "source/finviz_page.h"
#include "source/finviz_refusal.h"
#include "source/finviz_sweep.h"
#include "source/source.h"

#define CUSTOM    152 /* without the filter panel: half the bytes */
#define TAG_SHIFT 16  /* below it the row, above it the generation */

_Static_assert(LIMIT_ROWS < 1 << TAG_SHIFT, "a row fits into a tag");

/* The record set is that of the first. */
static const int classic[] = { 110, 120, 130, 140, 160, 170 };
#define CLASSICS (sizeof(classic) / sizeof(classic[0]))

static const enum field required[] = { FIELD_TICKER, FIELD_COMPANY,
	FIELD_SECTOR, FIELD_MARKET_CAP, FIELD_PRICE, FIELD_CHANGE,
	FIELD_VOLUME };

struct conversation {
	char screener[LIMIT_SETTING + 16]; /* ".../screener" */
	char filter[128];                  /* "&f=idx_sp500" */
	char columns[1024];                /* "&c=0,1,2" */
	char export[LIMIT_URL]; /* Elite: its address, with the token; "" */
	int refused;            /* the columns: the classic views it is */
	size_t view;            /* of the classic ones */
	unsigned gen;           /* answers to an earlier one come too late */
	int restarted;          /* the sweep was started over */
	size_t calls;           /* handed out since the first view began */
	size_t flying;          /* requests without an answer */
	size_t pages;           /* of a view, the most that any count told */
	int64_t total;          /* -1: not known */
	int done;
	struct err why;            /* what it failed of; RC_OK */
	struct finviz_sweep sweep; /* of the current view */
	struct table joined;       /* the views before it */
};

static const char *
finviz_address(const struct config *c)
{
	return c->finviz_url;
}

static int
finviz_serves(enum field f)
{
	return fields[f].finviz_id >= 0;
}

static void
finviz_policy(const struct config *c, struct policy *p)
{
	p->rate = c->rate_limit;
	p->burst = 1;
	p->connections = 2;
}

/* "&f=idx_sp500,sec_technology", "" for everything. */
static void
filter_text(const struct dataset *d, struct buf *b)
{
	const char *index = dataset_finviz(d->index);
	const char *sector = dataset_finviz(d->sector);

	if (*index == '\0' && *sector == '\0')
		return;
	buf_addf(b, "&f=%s%s%s", index,
	    *index != '\0' && *sector != '\0' ? "," : "", sector);
}

static size_t
asked_columns(void)
{
	size_t n = 0;

	for (int f = 0; f < FIELD__MAX; f++)
		n += fields[f].finviz_id >= 0;
	return n;
}

static void
columns_text(struct buf *b)
{
	buf_adds(b, "&c=0");
	for (int f = 0; f < FIELD__MAX; f++)
		if (fields[f].finviz_id >= 0)
			buf_addf(b, ",%d", fields[f].finviz_id);
}

/* Move the buffer's text into to. */
static enum rc
put_text(struct buf *b, char *to, size_t size, struct err *e)
{
	enum rc rc = buf_check(b, "a screener address", e);

	if (rc == RC_OK && b->len >= size)
		rc = err_set(e, RC_CONFIG, "the screener address is too long");
	if (rc == RC_OK)
		memcpy(to, b->data == NULL ? "" : b->data, b->len + 1);
	buf_clear(b);
	return rc;
}

static enum rc
build_texts(struct conversation *c, const struct query *q, struct err *e)
{
	size_t n = strlen(q->config->finviz_url);
	struct buf b;
	enum rc rc;

	buf_init(&b, LIMIT_URL);
	while (n > 0 && q->config->finviz_url[n - 1] == '/')
		n--;
	buf_add(&b, q->config->finviz_url, n);
	buf_adds(&b, "/screener");
	rc = put_text(&b, c->screener, sizeof(c->screener), e);
	if (rc == RC_OK) {
		filter_text(&q->dataset, &b);
		rc = put_text(&b, c->filter, sizeof(c->filter), e);
	}
	if (rc == RC_OK) {
		columns_text(&b);
		rc = put_text(&b, c->columns, sizeof(c->columns), e);
	}
	if (rc == RC_OK && q->config->finviz_auth[0] != '\0') {
		finviz_elite_url(&b, q->config, CUSTOM, c->filter, c->columns);
		rc = put_text(&b, c->export, sizeof(c->export), e);
	}
	buf_fini(&b);
	return rc;
}

static void
finviz_end(struct conversation *c)
{
	if (c == NULL)
		return;
	finviz_sweep_fini(&c->sweep);
	table_fini(&c->joined);
	free(c);
}

static enum rc
finviz_begin(struct conversation **out, const struct query *q, struct err *e)
{
	struct conversation *c = calloc(1, sizeof(*c));
	enum rc rc;

	if (c == NULL)
		return err_set(e, RC_NOMEM, "finviz: out of memory");
	c->total = -1;
	finviz_sweep_init(&c->sweep);
	table_init(&c->joined);
	rc = build_texts(c, q, e);
	if (rc == RC_OK)
		*out = c;
	else
		finviz_end(c);
	return rc;
}

/* The ceiling on calls. */
static size_t
call_budget(const struct conversation *c)
{
	size_t views = c->refused ? CLASSICS : 1;
	size_t n = (c->pages > 0 ? c->pages : 1) * LIMIT_CALLS_PER_PAGE * views;

	return n < LIMIT_SWEEP_CALLS ? n : LIMIT_SWEEP_CALLS;
}

static void
count_pages(struct conversation *c)
{
	const struct finviz_sweep *s = &c->sweep;
	size_t n = 0;

	if (s->total > 0)
		n = ((size_t)s->total + s->size - 1) / s->size;
	if (n > c->pages)
		c->pages = n;
}

/* The one request of Elite. */
static enum step
next_export(struct conversation *c, struct http_request *out)
{
	if (c->calls > 0)
		return STEP_WAIT;
	c->calls++;
	memset(out, 0, sizeof(*out));
	out->accept = "text/csv";
	memcpy(out->url, c->export, sizeof(out->url));
	return STEP_REQUEST;
}

static enum step
finviz_next(struct conversation *c, struct http_request *out)
{
	size_t first;

	if (c->done || c->why.rc != RC_OK)
		return STEP_DONE;
	if (c->export[0] != '\0')
		return next_export(c, out);
	if (c->calls >= call_budget(c))
		return STEP_WAIT;
	first = finviz_sweep_next(&c->sweep);
	if (first == 0)
		return STEP_WAIT;
	c->calls++;
	c->flying++;
	memset(out, 0, sizeof(*out));
	out->tag = c->gen << TAG_SHIFT | (unsigned)first;
	out->accept = "text/html";
	snprintf(out->url, sizeof(out->url), "%s?v=%d%s&o=ticker%s",
	    c->screener, c->refused ? classic[c->view] : CUSTOM, c->filter,
	    c->refused ? "" : c->columns);
	if (first > 1) {
		size_t n = strlen(out->url);

		snprintf(out->url + n, sizeof(out->url) - n, "&r=%zu", first);
	}
	return STEP_REQUEST;
}

/* The conversation fails as a whole. */
static enum rc
give_up(struct conversation *c, const struct err *why, struct err *e)
{
	c->why = *why;
	return err_set(e, why->rc, "%s", why->msg);
}

static enum rc
too_many_calls(struct conversation *c, struct err *e)
{
	struct err why;

	err_set(&why, RC_INVALID, "%zu of %lld rows after %zu calls",
	    c->sweep.arrived, (long long)c->sweep.total, c->calls);
	return give_up(c, &why, e);
}

/* A new sweep; what is in flight for the old one is forgotten. */
static void
new_sweep(struct conversation *c)
{
	finviz_sweep_fini(&c->sweep);
	c->gen++;
	c->flying = 0;
}

static void
refuse_columns(struct conversation *c)
{
	new_sweep(c);
	c->refused = 1;
	c->calls = 0;
}

/* The screen changed while it was read: once from the start. */
static enum rc
start_over(struct conversation *c, const struct err *why, struct err *e)
{
	count_pages(c);
	if (c->restarted || c->calls >= call_budget(c))
		return give_up(c, why, e);
	c->restarted = 1;
	c->view = 0;
	table_clear(&c->joined);
	new_sweep(c);
	return RC_OK;
}

/* All rows of a view are in. */
static enum rc
end_view(struct conversation *c, struct err *e)
{
	size_t size = c->sweep.size;
	struct err why = { 0 };
	enum rc rc;

	c->total = c->sweep.total;
	if (c->view == 0)
		rc = finviz_sweep_move(&c->sweep, &c->joined, &why);
	else if (!finviz_sweep_has(&c->sweep, &c->joined)) {
		err_set(
		    &why, RC_INVALID, "the companies changed during the sweep");
		return start_over(c, &why, e);
	} else
		rc = table_join(&c->joined, &c->sweep.table, &why);
	if (rc == RC_OK && c->refused && c->total > 0 &&
	    c->view + 1 < CLASSICS) {
		if (c->calls >= call_budget(c))
			return too_many_calls(c, e);
		c->view++;
		new_sweep(c);
		rc = finviz_sweep_expect(&c->sweep, c->total, size, &why);
	} else {
		c->done = 1;
	}
	return rc == RC_OK ? RC_OK : give_up(c, &why, e);
}

static size_t
delivered(const struct table *t)
{
	size_t n = 0;

	for (int f = 0; f < FIELD__MAX; f++)
		n += t->have[f] != 0;
	return n;
}

static enum rc
take_page(struct conversation *c, size_t first, const struct finviz_page *page,
    struct err *e)
{
	struct err why = { 0 };
	enum rc rc;
	int moved;

	if (!c->refused && page->nrows > 0 && c->sweep.total < 0 &&
	    delivered(&page->table) * 2 < asked_columns()) {
		refuse_columns(c);
		return RC_OK;
	}
	rc = finviz_sweep_take(&c->sweep, first, page, &moved, &why);
	if (moved && rc == RC_OK)
		return start_over(c, &why, e);
	if (rc == RC_INVALID || c->sweep.broken)
		return give_up(c, &why, e);
	if (rc != RC_OK)
		return err_set(e, rc, "%s", why.msg);
	count_pages(c);
	c->flying--;
	if (finviz_sweep_done(&c->sweep))
		return end_view(c, e);
	if (c->flying == 0 && c->calls >= call_budget(c))
		return too_many_calls(c, e);
	return RC_OK;
}

static enum rc
take_export(
    struct conversation *c, const struct http_response *r, struct err *e)
{
	enum rc rc = finviz_elite_read(r, &c->joined, e);

	if (rc != RC_OK && rc != RC_EMPTY)
		return rc;
	c->total = (int64_t)c->joined.count;
	c->done = 1;
	return RC_OK;
}

static size_t
first_of(unsigned tag)
{
	return tag & ((1u << TAG_SHIFT) - 1);
}

static int
finviz_wants(const struct conversation *c, unsigned tag)
{
	return !c->done && c->why.rc == RC_OK &&
	       (c->export[0] != '\0' ||
		   (tag >> TAG_SHIFT == c->gen &&
		       finviz_sweep_awaits(&c->sweep, first_of(tag))));
}

static enum rc
finviz_feed(
    struct conversation *c, const struct http_response *r, struct err *e)
{
	struct finviz_page page;
	enum rc rc;

	if (c->why.rc != RC_OK)
		return err_set(e, c->why.rc, "%s", c->why.msg);
	if (!finviz_wants(c, r->tag))
		return RC_OK;
	if (c->export[0] != '\0')
		return take_export(c, r, e);
	rc = finviz_refusal(r, e);
	if (rc != RC_OK)
		return rc;
	rc = finviz_page_read(&page, r->body, r->len, e);
	if (rc == RC_OK || rc == RC_EMPTY)
		rc = take_page(c, first_of(r->tag), &page, e);
	finviz_page_fini(&page);
	return rc;
}

static void
finviz_progress(const struct conversation *c, int64_t *rows, int64_t *total)
{
	int joined = c->done || c->view > 0;

	*rows = (int64_t)(joined ? c->joined.count : c->sweep.table.count);
	*total = joined ? c->total : c->sweep.total;
}

static enum rc
finviz_finish(
    struct conversation *c, struct table *out, int64_t *total, struct err *e)
{
	if (c->why.rc != RC_OK)
		return err_set(e, c->why.rc, "%s", c->why.msg);
	if (!c->done || (int64_t)c->joined.count != c->total)
		return err_set(e, RC_INVALID, "%zu of %lld rows",
		    c->joined.count, (long long)c->total);
	table_fini(out);
	*out = c->joined;
	table_init(&c->joined);
	*total = c->total;
	return RC_OK;
}

static enum rc
read_page(const struct http_response *r, struct table *out, int64_t *total,
    struct err *e)
{
	struct finviz_page page;
	enum rc rc = finviz_page_read(&page, r->body, r->len, e);

	if (rc == RC_OK)
		rc = finviz_page_whole(&page, e);
	if (rc == RC_OK) {
		table_fini(out);
		*out = page.table;
		table_init(&page.table);
	}
	if (rc == RC_OK || rc == RC_EMPTY)
		*total = page.total;
	finviz_page_fini(&page);
	return rc;
}

static enum rc
finviz_read(const struct http_response *r, struct table *out, int64_t *total,
    struct err *e)
{
	enum rc rc = finviz_refusal(r, e);
	int is_csv = 0;

	if (rc != RC_OK)
		return rc;
	if (r->len == 0)
		return err_set(e, RC_PARSE, "an empty body");
	rc = finviz_csv_is(r->body, r->len, &is_csv, e);
	if (rc != RC_OK)
		return rc;
	if (!is_csv)
		return read_page(r, out, total, e);
	rc = finviz_csv_read(r->body, r->len, out, e);
	if (rc == RC_OK || rc == RC_EMPTY)
		*total = (int64_t)out->count;
	return rc;
}

const struct source source_finviz = {
	.name = "finviz",
	.origin = "https://finviz.com",
	.required = required,
	.nrequired = sizeof(required) / sizeof(required[0]),
	.serves = finviz_serves,
	.address = finviz_address,
	.policy = finviz_policy,
	.begin = finviz_begin,
	.next = finviz_next,
	.feed = finviz_feed,
	.wants = finviz_wants,
	.progress = finviz_progress,
	.finish = finviz_finish,
	.end = finviz_end,
	.read = finviz_read,
};

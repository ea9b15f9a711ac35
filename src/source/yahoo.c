/*
 * Yahoo Finance, the conversation: a session (cookie and crumb), then quotes
 * of the members in batches, in flight together.
 *
 *	NEED ──▶ (session) ──▶ COOKIE ──▶ CRUMB ──▶ READY ──▶ quotes
 *	  ▲          └── of another process ──────────▲         │
 *	  └──────────────── 401, at most twice ─────────────────┘
 *
 * Sessions are counted (generations), and a request's tag says of which it
 * was: of N answers that refuse one session the first asks for a new one, and
 * the others are just asked again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "source/roster.h"
#include "source/yahoo_body.h"
#include "source/yahoo_chart.h"
#include "source/yahoo_quote.h"
#include "source/yahoo_session.h"

#define BATCH      50 /* symbols of a request: over 99 fail, over 65 may */
#define COOKIE_URL "https://fc.yahoo.com/"
/* Where name servers block the former; needs Accept: text/html. */
#define COOKIE_URL2 "https://finance.yahoo.com/quote/AAPL"

#define TAG_BITS   16
#define TAG_COOKIE 0xfffeu
#define TAG_CRUMB  0xffffu

enum state { NEED, COOKIE, COOKIE_SENT, CRUMB, CRUMB_SENT, READY };
enum batch { WAITING, SENT, TAKEN };

struct conversation {
	struct query query;
	char (*asked)[LIMIT_TICKER + 1]; /* as Yahoo writes the members */
	unsigned char *batches;          /* enum batch */
	size_t nbatches;
	size_t waiting, sent; /* how many batches are so */
	struct table table;

	enum state state;
	unsigned generation;
	struct yahoo_session session;
	int second_url; /* of the cookie */
	int refusals;   /* of sessions */
	int remade;     /* a session was made after a refusal */
	int made;       /* and made() has not told of it yet */
	char made_text[YAHOO_SESSION_TEXT];
	char refused[YAHOO_SESSION_TEXT];
	struct err failed; /* RC_OK: it has not */
};

static const enum field required[] = { FIELD_TICKER, FIELD_PRICE };

static int
serves(enum field f)
{
	return fields[f].yahoo != NULL;
}

static const char *
address(const struct config *c)
{
	return c->yahoo_url;
}

static void
policy(const struct config *c, struct policy *p)
{
	*p = (struct policy){
		.rate = c->yahoo_rate_limit, .burst = 1, .connections = 2
	};
}

static void
end(struct conversation *c)
{
	if (c == NULL)
		return;
	table_fini(&c->table);
	free(c->asked);
	free(c->batches);
	free(c);
}

static enum rc
begin(struct conversation **out, const struct query *q, struct err *e)
{
	struct conversation *c;

	if (q->nmembers == 0)
		return err_set(e, RC_NOTFOUND,
		    "the members of %s are not known", q->dataset.index);
	if (q->nmembers > LIMIT_ROWS)
		return err_set(
		    e, RC_INVALID, "%zu members are too many", q->nmembers);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	table_init(&c->table);
	c->query = *q;
	c->nbatches = (q->nmembers + BATCH - 1) / BATCH;
	c->waiting = c->nbatches;
	c->asked = calloc(q->nmembers, sizeof(*c->asked));
	c->batches = calloc(c->nbatches, 1);
	if (c->asked == NULL || c->batches == NULL) {
		end(c);
		return err_set(e, RC_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < q->nmembers; i++)
		yahoo_quote_symbol(c->asked[i], q->members[i].ticker);
	yahoo_quote_have(&c->table);
	*out = c;
	return RC_OK;
}

/* The members of a batch: from *i up to the return value. */
static size_t
batch_range(const struct conversation *c, size_t batch, size_t *i)
{
	size_t last = (batch + 1) * BATCH;

	*i = batch * BATCH;
	return last < c->query.nmembers ? last : c->query.nmembers;
}

static void
set_batch(struct conversation *c, size_t i, enum batch to)
{
	c->waiting -= c->batches[i] == WAITING;
	c->sent -= c->batches[i] == SENT;
	c->batches[i] = (unsigned char)to;
	c->waiting += to == WAITING;
	c->sent += to == SENT;
}

static void
begin_request(struct conversation *c, struct http_request *out, unsigned what,
    const char *accept)
{
	out->url[0] = '\0';
	out->cookie[0] = '\0';
	out->accept = accept;
	out->head_only = what == TAG_COOKIE;
	out->tag = c->generation << TAG_BITS | what;
}

/* The base address without a slash at its end. */
static void
add_base(const struct conversation *c, struct buf *url)
{
	const char *base = c->query.config->yahoo_url;
	size_t n = strlen(base);

	while (n > 0 && base[n - 1] == '/')
		n--;
	buf_add(url, base, n);
}

static enum step
put_url(struct conversation *c, struct buf *url, struct http_request *out)
{
	if (buf_check(url, "Yahoo's address", &c->failed) == RC_OK)
		snprintf(out->url, sizeof(out->url), "%s", url->data);
	buf_fini(url);
	return c->failed.rc == RC_OK ? STEP_REQUEST : STEP_DONE;
}

static enum step
ask_cookie(struct conversation *c, struct http_request *out)
{
	begin_request(c, out, TAG_COOKIE, "text/html");
	snprintf(out->url, sizeof(out->url), "%s",
	    c->second_url ? COOKIE_URL2 : c->query.config->yahoo_cookie_url);
	c->state = COOKIE_SENT;
	return STEP_REQUEST;
}

static enum step
ask_crumb(struct conversation *c, struct http_request *out)
{
	struct buf url;

	begin_request(c, out, TAG_CRUMB, "*/*");
	snprintf(out->cookie, sizeof(out->cookie), "%s", c->session.cookie);
	c->state = CRUMB_SENT;
	buf_init(&url, LIMIT_URL - 1);
	add_base(c, &url);
	buf_adds(&url, "/v1/test/getcrumb");
	return put_url(c, &url, out);
}

static enum step
ask_quotes(struct conversation *c, struct http_request *out)
{
	size_t batch = 0, i, last;
	struct buf url;

	while (c->batches[batch] != WAITING)
		batch++;
	begin_request(c, out, (unsigned)batch, "application/json");
	snprintf(out->cookie, sizeof(out->cookie), "%s", c->session.cookie);
	buf_init(&url, LIMIT_URL - 1);
	add_base(c, &url);
	buf_adds(&url, "/v7/finance/quote?symbols=");
	last = batch_range(c, batch, &i);
	for (size_t first = i; i < last; i++) {
		buf_adds(&url, i > first ? "," : "");
		buf_add_url(&url, c->asked[i]);
	}
	buf_adds(&url, "&fields=");
	yahoo_quote_fields(&url);
	buf_adds(&url, "&crumb=");
	buf_add_url(&url, c->session.crumb);
	set_batch(c, batch, SENT);
	return put_url(c, &url, out);
}

static enum step
next(struct conversation *c, struct http_request *out)
{
	if (c->failed.rc != RC_OK)
		return STEP_DONE;
	if (c->waiting == 0)
		return c->sent == 0 ? STEP_DONE : STEP_WAIT;
	switch (c->state) {
	case NEED:
		return STEP_SESSION;
	case COOKIE:
		return ask_cookie(c, out);
	case CRUMB:
		return ask_crumb(c, out);
	case READY:
		return ask_quotes(c, out);
	default:
		return STEP_WAIT;
	}
}

static void
session(struct conversation *c, const char *text)
{
	if (c->state != NEED)
		return;
	c->generation++;
	/* Another's session is tried once after a refusal; then our own. */
	if (text != NULL && c->refusals < 2 && strcmp(text, c->refused) != 0 &&
	    yahoo_session_read(&c->session, text)) {
		c->state = READY;
		return;
	}
	c->state = COOKIE;
	c->second_url = 0;
	c->remade = c->refusals > 0;
}

static const char *
made(struct conversation *c)
{
	int was = c->made;

	c->made = 0;
	return was ? c->made_text : NULL;
}

static const char *
refused(struct conversation *c)
{
	return c->refused[0] != '\0' ? c->refused : NULL;
}

static void
progress(const struct conversation *c, int64_t *rows, int64_t *total)
{
	*rows = (int64_t)c->table.count;
	*total = (int64_t)c->query.nmembers;
}

/* No answer came: what http said of it. */
static enum rc
no_answer(const struct http_response *r, struct err *e)
{
	if (r->why.rc == RC_BLOCKED)
		return err_set(e, RC_BLOCKED, "%s", YAHOO_CONSENT);
	return err_set(
	    e, r->why.rc != RC_OK ? r->why.rc : RC_NET, "%s", r->why.msg);
}

static enum rc
feed_cookie(
    struct conversation *c, const struct http_response *r, struct err *e)
{
	enum rc rc = r->status == 0 ? no_answer(r, e)
				    : yahoo_session_cookie(r, &c->session, e);

	if (rc == RC_OK) {
		c->state = CRUMB;
		return RC_OK;
	}
	if (rc == RC_LIMITED || c->second_url ||
	    strcmp(c->query.config->yahoo_cookie_url, COOKIE_URL) != 0)
		return rc;
	c->second_url = 1;
	c->state = COOKIE;
	c->generation++;
	return RC_OK;
}

static enum rc
feed_crumb(struct conversation *c, const struct http_response *r, struct err *e)
{
	enum rc rc = r->status == 0 ? no_answer(r, e)
				    : yahoo_session_crumb(r, &c->session, e);

	if (rc != RC_OK)
		return rc;
	c->state = READY;
	c->made = 1;
	yahoo_session_text(&c->session, c->made_text);
	return RC_OK;
}

/* Copy what came of a batch, each company under its member's own ticker. */
static enum rc
merge(struct conversation *c, size_t batch, const struct table *from,
    struct err *e)
{
	const struct member *m;
	const struct record *got;
	struct record *rec;
	const char *ticker, *name;
	size_t i, last = batch_range(c, batch, &i);
	enum rc rc = RC_OK;

	for (; i < last && rc == RC_OK; i++) {
		m = &c->query.members[i];
		got = table_find(from, c->asked[i]);
		if (got == NULL)
			continue;
		ticker = table_is_ticker(m->ticker) ? m->ticker : c->asked[i];
		rc = table_record(&c->table, ticker, &rec, NULL, e);
		for (int f = 0; f < FIELD__MAX && rc == RC_OK; f++)
			if (got->v[f].kind == VALUE_NUMBER)
				table_set_number(rec, f, got->v[f].u.number);
		name = got->v[FIELD_COMPANY].kind == VALUE_TEXT
			   ? got->v[FIELD_COMPANY].u.text
			   : m->company;
		if (rc == RC_OK && name != NULL)
			rc = table_set_text(
			    &c->table, rec, FIELD_COMPANY, name, e);
		if (rc != RC_OK || m->sector == NULL)
			continue;
		rc = table_set_text(&c->table, rec, FIELD_SECTOR, m->sector, e);
		c->table.have[FIELD_SECTOR] = 1;
	}
	return rc;
}

/* A batch was refused for its session, which was of this generation. */
static enum rc
refuse(struct conversation *c, unsigned generation, size_t batch, struct err *e)
{
	set_batch(c, batch, WAITING);
	if (generation != c->generation || c->state != READY)
		return RC_OK;
	c->refusals++;
	yahoo_session_text(&c->session, c->refused);
	if (c->remade || c->refusals > 2) {
		c->failed = (struct err){ .rc = RC_BLOCKED };
		snprintf(c->failed.msg, sizeof(c->failed.msg),
		    "Yahoo refuses a session that it has just given");
		return err_set(e, RC_BLOCKED, "%s", c->failed.msg);
	}
	c->made = 0;
	c->generation++;
	c->state = NEED;
	return RC_OK;
}

static enum rc
feed_quotes(struct conversation *c, const struct http_response *r,
    unsigned generation, size_t batch, struct err *e)
{
	int unauthorized = 0;
	struct table table;
	int64_t total;
	enum rc rc;

	if (batch >= c->nbatches)
		return err_set(e, RC_BUG, "no batch %zu", batch);
	if (c->batches[batch] == TAKEN)
		return RC_OK;
	table_init(&table);
	if (r->status == 0)
		rc = no_answer(r, e);
	else
		rc = yahoo_quote_read(r, &table, &total, &unauthorized, e);
	if (unauthorized)
		rc = refuse(c, generation, batch, e);
	else if (rc == RC_OK || rc == RC_EMPTY)
		rc = merge(c, batch, &table, e);
	if (!unauthorized && rc == RC_OK)
		set_batch(c, batch, TAKEN);
	table_fini(&table);
	return rc;
}

static enum rc
feed(struct conversation *c, const struct http_response *r, struct err *e)
{
	unsigned generation = r->tag >> TAG_BITS;
	unsigned what = r->tag & ((1u << TAG_BITS) - 1);
	int ours = generation == c->generation;

	if (what == TAG_COOKIE)
		return ours && c->state == COOKIE_SENT ? feed_cookie(c, r, e)
						       : RC_OK;
	if (what == TAG_CRUMB)
		return ours && c->state == CRUMB_SENT ? feed_crumb(c, r, e)
						      : RC_OK;
	return feed_quotes(c, r, generation, what, e);
}

static enum rc
finish(
    struct conversation *c, struct table *table, int64_t *total, struct err *e)
{
	if (c->failed.rc != RC_OK)
		return err_set(e, c->failed.rc, "%s", c->failed.msg);
	if (c->waiting + c->sent > 0)
		return err_set(e, RC_BUG, "Yahoo has not answered yet");
	return roster_finish(&c->table, &c->query, "Yahoo", table, total, e);
}

static enum rc
read_body(const struct http_response *r, struct table *table, int64_t *total,
    struct err *e)
{
	int64_t n = 0;
	int unauthorized;
	enum rc rc = yahoo_quote_read(r, table, &n, &unauthorized, e);

	if (rc == RC_OK || rc == RC_EMPTY)
		*total = n;
	return rc;
}

static enum rc
object(
    const struct http_response *r, struct buf *out, int *known, struct err *e)
{
	struct returns returns;
	enum rc rc;

	*known = yahoo_chart_is(r);
	if (!*known)
		return RC_OK;
	rc = yahoo_chart_read(r, &returns, e);
	returns_object(out, &returns, "yahoo", rc == RC_OK);
	return rc;
}

const struct source source_yahoo = {
	.name = "yahoo",
	.origin = "https://query1.finance.yahoo.com",
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
	.session = session,
	.made = made,
	.refused = refused,
	.progress = progress,
	.finish = finish,
	.end = end,
	.read = read_body,
	.object = object,
};

/*
 * Polygon (Massive), the conversation on its free plan: which day was the last
 * to be traded, then all tickers of that day in one call, and all of the day
 * before for the change.
 *
 *	FIND ──▶ LAST ──▶ BEFORE ──▶ ENDED
 *	          ▲ │       ▲ │
 *	          └─┘       └─┘  a day without trading: the one before it
 *
 * The day comes from the previous close of a fund that is traded every day: so
 * neither a clock nor a calendar of holidays is needed, and a day that has not
 * ended is not asked for.  The key goes in a header, not in the address.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/zone.h"
#include "source/account.h"
#include "source/polygon_body.h"
#include "source/roster.h"

#define GUIDE    "SPY" /* traded on every day that anything is */
#define DAYS_OFF 6     /* in a row at most; 2001 had four, after a weekend */

enum phase { FIND, LAST, BEFORE, ENDED };

struct conversation {
	struct query query;
	struct table asked; /* the members, by Polygon's tickers */
	enum phase phase;
	int sent;    /* the phase's request is under way */
	int64_t day; /* asked for, since 1970 */
	int off;     /* days without trading in this phase */
	struct table table;
	struct err failed; /* RC_OK: it has not */
};

static const enum field required[] = { FIELD_TICKER, FIELD_PRICE };

static int
serves(enum field f)
{
	return roster_serves(polygon_have, f);
}

static const char *
address(const struct config *c)
{
	return c->polygon_url;
}

static void
policy(const struct config *c, struct policy *p)
{
	*p = (struct policy){ .rate = account_rate(c, "polygon"),
		.burst = account_minute_burst(c),
		.connections = 1 };
}

static void
end(struct conversation *c)
{
	if (c == NULL)
		return;
	table_fini(&c->asked);
	table_fini(&c->table);
	free(c);
}

static enum rc
begin(struct conversation **out, const struct query *q, struct err *e)
{
	char symbol[LIMIT_TICKER + 1];
	struct conversation *c;
	struct record *rec;
	enum rc rc = roster_begin(q, e);

	if (rc != RC_OK)
		return rc;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	table_init(&c->asked);
	table_init(&c->table);
	c->query = *q;
	for (size_t i = 0; i < q->nmembers && rc == RC_OK; i++) {
		roster_dotted(symbol, q->members[i].ticker);
		if (table_is_ticker(symbol))
			rc = table_record(&c->asked, symbol, &rec, NULL, e);
	}
	if (rc != RC_OK) {
		end(c);
		return rc;
	}
	polygon_have(&c->table);
	*out = c;
	return RC_OK;
}

/* What the phase asks for, behind the base address. */
static void
add_path(const struct conversation *c, struct buf *url)
{
	int year, month, day;

	if (c->phase == FIND) {
		buf_adds(url, "/v2/aggs/ticker/" GUIDE "/prev?adjusted=true");
		return;
	}
	zone_date(c->day, &year, &month, &day);
	buf_addf(url,
	    "/v2/aggs/grouped/locale/us/market/stocks/%04d-%02d-%02d"
	    "?adjusted=true",
	    year, month, day);
}

static enum step
next(struct conversation *c, struct http_request *out)
{
	const char *base = c->query.config->polygon_url;
	size_t n = strlen(base);
	struct buf url;

	if (c->failed.rc != RC_OK || c->phase == ENDED)
		return STEP_DONE;
	if (c->sent)
		return STEP_WAIT;
	while (n > 0 && base[n - 1] == '/')
		n--;
	buf_init(&url, LIMIT_URL - 1);
	buf_add(&url, base, n);
	add_path(c, &url);
	out->cookie[0] = '\0';
	snprintf(out->bearer, sizeof(out->bearer), "%s",
	    c->query.config->polygon_key);
	out->accept = "application/json";
	out->head_only = 0;
	out->tag = (unsigned)c->phase;
	if (buf_check(&url, "Polygon's address", &c->failed) == RC_OK)
		snprintf(out->url, sizeof(out->url), "%s", url.data);
	buf_fini(&url);
	c->sent = 1;
	return c->failed.rc == RC_OK ? STEP_REQUEST : STEP_DONE;
}

static void
advance(struct conversation *c, enum phase to)
{
	c->phase = to;
	c->sent = 0;
	c->off = 0;
}

/* The day before that is not of a weekend; day 0 was a Thursday. */
static void
step_back(struct conversation *c)
{
	do
		c->day--;
	while ((c->day + 4) % 7 == 0 || (c->day + 4) % 7 == 6);
}

/* No trading on this day: try the one before it. */
static enum rc
day_off(struct conversation *c, const struct err *why, struct err *e)
{
	if (++c->off <= DAYS_OFF) {
		step_back(c);
		c->sent = 0;
		return RC_OK;
	}
	c->failed = (struct err){ .rc = RC_INVALID };
	snprintf(c->failed.msg, sizeof(c->failed.msg),
	    "%d days in a row without prices: %.120s", c->off, why->msg);
	return err_set(e, RC_INVALID, "%s", c->failed.msg);
}

static const struct record *
find(const struct table *t, const struct member *m)
{
	char symbol[LIMIT_TICKER + 1];

	roster_dotted(symbol, m->ticker);
	return table_find(t, symbol);
}

static int
has_price(const struct record *r)
{
	return r != NULL && r->v[FIELD_PRICE].kind == VALUE_NUMBER;
}

static enum rc
take_last(struct conversation *c, const struct table *day, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < c->query.nmembers && rc == RC_OK; i++) {
		const struct member *m = &c->query.members[i];
		const struct record *got = find(day, m);

		if (has_price(got))
			rc = roster_take(
			    &c->table, m, got->v[FIELD_TICKER].u.text, got, e);
	}
	return rc;
}

static void
take_before(struct conversation *c, const struct table *day)
{
	for (size_t i = 0; i < c->query.nmembers; i++) {
		const struct member *m = &c->query.members[i];
		const struct record *was = find(day, m);
		struct record *now;
		double close;

		if (!has_price(was))
			continue;
		now = table_find(&c->table, table_is_ticker(m->ticker)
						? m->ticker
						: was->v[FIELD_TICKER].u.text);
		if (!has_price(now))
			continue;
		close = was->v[FIELD_PRICE].u.number;
		table_set_number(now, FIELD_PREV_CLOSE, close);
		table_set_number(now, FIELD_CHANGE,
		    (now->v[FIELD_PRICE].u.number - close) / close);
	}
}

static enum rc
feed_day(struct conversation *c, const struct http_response *r, struct err *e)
{
	struct err why = { 0 };
	struct table day;
	int64_t total = 0;
	enum rc rc;

	table_init(&day);
	rc = polygon_read(r, &c->asked, &day, &total, &why);
	if ((rc == RC_EMPTY && total == 0) || rc == RC_NOTFOUND) {
		rc = day_off(c, &why, e);
	} else if (rc == RC_OK || rc == RC_EMPTY) {
		rc = RC_OK;
		if (c->phase == LAST)
			rc = take_last(c, &day, e);
		else
			take_before(c, &day);
		if (rc == RC_OK) {
			advance(c, c->phase + 1);
			step_back(c);
		}
	} else {
		err_set(e, rc, "%s", why.msg);
	}
	table_fini(&day);
	return rc;
}

static enum rc
feed(struct conversation *c, const struct http_response *r, struct err *e)
{
	enum rc rc;

	if (r->tag != (unsigned)c->phase || !c->sent)
		return RC_OK;
	if (c->phase != FIND)
		return feed_day(c, r, e);
	rc = polygon_day(r, &c->day, e);
	if (rc == RC_OK)
		advance(c, LAST);
	return rc;
}

/* The day counts as a record: with it the sweep is under way. */
static void
progress(const struct conversation *c, int64_t *rows, int64_t *total)
{
	*rows = c->table.count > 0 ? (int64_t)c->table.count : c->phase > FIND;
	*total = (int64_t)c->query.nmembers;
}

static enum rc
finish(
    struct conversation *c, struct table *table, int64_t *total, struct err *e)
{
	if (c->failed.rc != RC_OK)
		return err_set(e, c->failed.rc, "%s", c->failed.msg);
	if (c->phase != ENDED)
		return err_set(e, RC_BUG, "Polygon has not answered yet");
	return roster_finish(&c->table, &c->query, "Polygon", table, total, e);
}

static enum rc
read_body(const struct http_response *r, struct table *table, int64_t *total,
    struct err *e)
{
	return polygon_read(r, NULL, table, total, e);
}

const struct source source_polygon = {
	.name = "polygon",
	.origin = "https://api.massive.com",
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
	.read = read_body,
};

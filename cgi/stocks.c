#include <string.h>

#include "api.h"
#include "authorise.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/envelope.h"
#include "refresh_ahead.h"
#include "returns_join.h"
#include "scheduled.h"

#define ASK_EVERY_MS 5000
/* When to look again for what is not there. */
#define AGAIN_S         2
#define AGAIN_RETURNS_S 30 /* a call each company */
/* As nginx's fastcgi_cache_valid: it is one more level, not a longer life. */
#define LASTS "max-age=2"
/* In Cache-Status: this level, and of it the annual returns that are joined. */
#define NAME         "stocknity"
#define NAME_RETURNS "stocknity-returns"
#define LEVEL        96

/* Only what is kept fresh anyway is queued for anybody; the whole market has no
 * annual returns. */
static enum rc
may_enqueue(struct call *c, const struct dataset *d, int *may, struct err *e)
{
	const char *indexes[DATASET_INDEXES];
	size_t n = 0;
	enum rc rc = scheduled_indexes(c->api->config, indexes, &n, e);

	*may = 0;
	if (cache_is_returns(d) && strcmp(d->index, DATASET_ANY) == 0)
		return rc;
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		*may |= strcmp(indexes[i], d->index) == 0;
	if (rc == RC_OK && !*may)
		*may = authorise(c->api->config, c->request, NULL) == 0;
	return rc;
}

static int
place(const struct dataset_name *names, const char *name)
{
	int i = 0;

	while (strcmp(names[i].name, name) != 0)
		i++;
	return i;
}

static int64_t *
last_asked(struct api *api, const struct dataset *d)
{
	return &api->asked_ms[place(dataset_indexes,
	    d->index)][cache_is_returns(d) ? DATASET_SECTORS
					   : place(dataset_sectors, d->sector)];
}

/* It is stale, or will be soon: have it fetched.  What this process has asked
 * for just now it need not ask Redis about. */
static void
refresh(
    struct call *c, const struct dataset *d, const struct cache_entry *entry)
{
	enum ahead wanted = refresh_ahead_wants(c->api->config, entry);
	int64_t *asked = last_asked(c->api, d);
	int64_t now = clock_mono_ms();
	struct err e = { 0 };
	enum rc rc;
	int may;

	if (wanted == AHEAD_NOTHING ||
	    (*asked != 0 && now - *asked < ASK_EVERY_MS))
		return;
	rc = may_enqueue(c, d, &may, &e);
	if (rc == RC_OK && !may)
		return;
	if (rc == RC_OK)
		rc = refresh_ahead(
		    c->api->redis, c->api->queue, d, wanted, NULL, &e);
	if (rc != RC_OK)
		log_warn("id=%s refresh of %s / %s not queued: %s",
		    c->request->id, d->index, d->sector, e.msg);
	*asked = now;
}

/* 404: nobody fetches it because of a reader who may not ask for it. */
static int
unwanted(const struct dataset *d, struct err *e)
{
	if (cache_is_returns(d))
		err_set(e, RC_NOTFOUND,
		    "no annual returns of %s are cached, nor is it an index "
		    "that has them kept fresh",
		    d->index);
	else
		err_set(e, RC_NOTFOUND,
		    "%s / %s is not cached, nor an index that is kept fresh: "
		    "POST /api/scheduler/refresh asks for it",
		    d->index, d->sector);
	return 404;
}

/* Nothing is cached: say so, with the task that will change it, or the one that
 * has failed just now. */
static int
absent(struct call *c, const struct dataset *d, struct err *e)
{
	int returns = cache_is_returns(d);
	struct buf *b = &c->answer->body;
	struct refresh_wait w;
	struct task t;
	int64_t wait_s = returns ? AGAIN_RETURNS_S : AGAIN_S;
	enum rc rc;
	int may;

	answer_header(c->answer, "Cache-Status", NAME "; fwd=miss");
	rc = may_enqueue(c, d, &may, e);
	if (rc == RC_OK && !may)
		return unwanted(d, e);
	if (rc == RC_OK)
		rc = refresh_absent(c->api->redis, c->api->queue, d, &w, e);
	if (rc != RC_OK)
		return api_status(rc);
	if (w.braked_ms > 0)
		wait_s = (w.braked_ms + 999) / 1000;
	buf_addf(b, "{\"success\":true,\"message\":\"Not cached%s\",\"index\":",
	    w.braked_ms > 0 ? ", and its fetch has failed: it is not tried "
			      "again at once"
			    : " yet: the task fetches it");
	envelope_string(b, d->index);
	buf_adds(b, ",\"sector\":");
	envelope_string(b, returns ? DATASET_ANY : d->sector);
	buf_adds(b, ",\"count\":0,\"data\":[]");
	rc = api_task(c, w.id, &t, e);
	if (rc != RC_OK)
		return api_status(rc);
	buf_adds(b, "}\n");
	answer_header(c->answer, "Location", "/api/tasks/%s", w.id);
	answer_header(c->answer, "Retry-After", "%lld", (long long)wait_s);
	return 202;
}

/* The member of Cache-Status that says how an entry stands. */
static void
level(char out[LEVEL], const char *name, const struct cache_entry *entry)
{
	long long ttl = (entry->fresh_ms - entry->now_ms) / 1000;

	if (entry->state == CACHE_ABSENT)
		snprintf(out, LEVEL, "%s; fwd=miss", name);
	else
		snprintf(out, LEVEL, "%s; hit; ttl=%lld%s", name, ttl,
		    entry->state == CACHE_STALE ? "; detail=stale" : "");
}

/* What is left to be said of a document that is there; with: what is joined to
 * it, NULL: nothing. */
static int
found(struct call *c, const struct cache_served *with)
{
	struct answer *a = c->answer;
	const struct cache_served *s = &a->served;
	const struct cache_entry *entry = &s->entry;
	int stale = entry->state == CACHE_STALE;
	const char *joined = with == NULL            ? ""
			     : with->etag[0] != '\0' ? with->etag
						     : "0";
	char tag[2 * DIGEST + 16], mine[LEVEL], theirs[LEVEL] = "";

	a->cache = LASTS;
	answer_header(a, "Vary", "Accept-Encoding");
	level(mine, NAME, entry);
	if (with != NULL)
		level(theirs, NAME_RETURNS, &with->entry);
	answer_header(a, "Cache-Status", "%s%s%s", mine,
	    with != NULL ? ", " : "", theirs);
	snprintf(tag, sizeof(tag), "%s%s%s%s", s->etag, with != NULL ? "-" : "",
	    joined, stale && s->etag[0] != '\0' ? "-stale" : "");
	if (tag[0] != '\0')
		answer_header(a, "ETag", "\"%s\"", tag);
	if (request_has_tag(c->request->if_none_match, tag))
		return 304;
	if (s->gzip)
		answer_header(a, "Content-Encoding", "gzip");
	a->bytes = entry->bytes;
	a->len = entry->len;
	if (stale) {
		/* The stored bytes from their second on, see envelope.h. */
		buf_adds(&a->body, "{\"stale\":true,\"attempts\":[],");
		a->bytes++;
		a->len--;
	}
	return 200;
}

static enum rc
serve(struct call *c, const struct cache_keys *k, struct err *e)
{
	int gzip = c->text[INPUT_RETURNS] == NULL &&
		   request_takes_gzip(c->request->accept_encoding);

	return cache_serve(c->api->redis, k, gzip, &c->answer->served, e);
}

/* The envelope with the annual returns of its index beside it. */
static int
joined(struct call *c, const struct dataset *d, struct err *e)
{
	const struct dataset what = { d->index, CACHE_RETURNS };
	struct answer *a = c->answer;
	struct cache_served returns = { 0 };
	struct cache_keys k;
	size_t head;
	int status;
	enum rc rc = cache_keys(&what, &k, e);

	if (rc == RC_OK)
		rc = cache_serve(c->api->redis, &k, 0, &returns, e);
	if (rc != RC_OK)
		return api_status(rc);
	refresh(c, &what, &returns.entry);
	status = found(c, &returns);
	if (status == 200) {
		a->bytes = NULL;
		a->len = 0;
		head = a->body.len;
		rc = returns_join(
		    &a->body, a->served.entry.bytes, returns.entry.bytes, e);
		/* Behind the words of a stale answer its brace is there. */
		if (rc == RC_OK && head > 0)
			a->body.data[head] = ' ';
	}
	cache_entry_fini(&returns.entry);
	return rc == RC_OK ? status : api_status(rc);
}

/* Are the annual returns to be joined?  Not 0: an HTTP status. */
static int
wants_returns(struct call *c, struct err *e)
{
	const char *text = c->text[INPUT_RETURNS];

	if (text == NULL || strcmp(text, "1") == 0)
		return 0;
	if (strcmp(text, "0") == 0) {
		c->text[INPUT_RETURNS] = NULL;
		return 0;
	}
	err_set(e, RC_USAGE, "\"returns\" is 0 or 1, not \"%.40s\"", text);
	return 422;
}

int
stocks_get(struct call *c, struct err *e)
{
	struct cache_keys k;
	struct dataset d;
	int status = api_dataset(c, &d, e);
	enum rc rc;

	if (status == 0)
		status = wants_returns(c, e);
	if (status != 0)
		return status;
	rc = cache_keys(&d, &k, e);
	if (rc == RC_OK)
		rc = serve(c, &k, e);
	if (rc != RC_OK)
		return api_status(rc);
	if (c->answer->served.entry.state == CACHE_ABSENT)
		return absent(c, &d, e);
	refresh(c, &d, &c->answer->served.entry);
	return c->text[INPUT_RETURNS] != NULL ? joined(c, &d, e)
					      : found(c, NULL);
}

int
stocks_returns(struct call *c, struct err *e)
{
	struct cache_keys k;
	struct dataset d;
	int status = api_dataset(c, &d, e);
	enum rc rc;

	if (status != 0)
		return status;
	d.sector = CACHE_RETURNS;
	rc = cache_keys(&d, &k, e);
	if (rc == RC_OK)
		rc = serve(c, &k, e);
	if (rc != RC_OK)
		return api_status(rc);
	if (c->answer->served.entry.state == CACHE_ABSENT)
		return absent(c, &d, e);
	refresh(c, &d, &c->answer->served.entry);
	return found(c, NULL);
}

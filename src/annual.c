#include <stdlib.h>
#include <string.h>

#include "annual.h"
#include "base/clock.h"
#include "data/envelope.h"
#include "publish.h"
#include "store/cache.h"

#define STEP_MS 200

/* A conversation under way. */
struct asking {
	const struct drive_env *env;
	struct drive *drive;
	struct member *members;
	struct returns *returns;
	unsigned char *taken;
	size_t n;
};

static void
end(struct asking *a)
{
	drive_end(a->drive);
	free(a->members);
	free(a->returns);
	free(a->taken);
}

static enum rc
begin(struct asking *a, const char *const *tickers, int64_t deadline_ms,
    struct err *e)
{
	struct query q = { .dataset = { DATASET_ANY, DATASET_ANY },
		.config = a->env->config,
		.nmembers = a->n };

	q.members = a->members = calloc(a->n + 1, sizeof(*a->members));
	q.returns = a->returns = calloc(a->n + 1, sizeof(*a->returns));
	a->taken = calloc(a->n + 1, 1);
	if (a->members == NULL || a->returns == NULL || a->taken == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	for (size_t i = 0; i < a->n; i++)
		a->members[i].ticker = tickers[i];
	return drive_begin(
	    &a->drive, a->env, &source_yahoo_year, &q, deadline_ms, e);
}

/* Do what can be done, then wait for more.  RC_BUSY: not all are answered. */
static enum rc
step(struct asking *a, struct err *e)
{
	int64_t now_ms = clock_mono_ms(), wake_ms = now_ms, ms = STEP_MS;
	enum rc rc = drive_step(a->drive, now_ms, &wake_ms, e);

	if (rc != RC_BUSY)
		return rc;
	if (wake_ms - now_ms < ms)
		ms = wake_ms > now_ms ? wake_ms - now_ms : 0;
	rc = http_poll(a->env->http, ms, e);
	return rc == RC_OK ? RC_BUSY : rc;
}

/* Hand over what has been answered since. */
static enum rc
hand_over(struct asking *a, const struct annual_asker *asker, struct err *e)
{
	enum rc rc = RC_OK;
	struct buf b;

	for (size_t i = 0; i < a->n && rc == RC_OK; i++) {
		if (!a->returns[i].answered || a->taken[i])
			continue;
		a->taken[i] = 1;
		buf_init(&b, LIMIT_RECORD);
		returns_record(&b, &a->returns[i], a->members[i].ticker);
		rc = buf_check(&b, "record", e);
		if (rc == RC_OK)
			rc = asker->keep(asker->arg, i, b.data, e);
		buf_fini(&b);
	}
	return rc;
}

enum rc
annual_ask(const struct drive_env *env, const char *const *tickers, size_t n,
    int64_t deadline_ms, const struct annual_asker *asker,
    struct annual_talk *talk, struct err *e)
{
	struct asking a = { .env = env, .n = n };
	struct drive_progress p;
	struct err why;
	enum rc rc = n == 0 ? RC_OK : begin(&a, tickers, deadline_ms, e);
	enum rc said = n == 0 ? RC_OK : RC_BUSY;

	while (rc == RC_OK && said == RC_BUSY) {
		drive_progress(a.drive, clock_mono_ms(), &p);
		if (!asker->go_on(asker->arg, &p)) {
			rc = err_set(e, RC_BUSY, "told to stop");
			break;
		}
		said = step(&a, &why);
		rc = hand_over(&a, asker, e);
	}
	if (rc == RC_OK && said != RC_OK)
		rc = err_set(e, said, "%s", why.msg);
	*talk = (struct annual_talk){ 0 };
	if (a.drive != NULL) {
		drive_progress(a.drive, clock_mono_ms(), &p);
		talk->answers = p.pages;
		talk->wait_ms = drive_wait_ms(a.drive);
	}
	end(&a);
	return rc;
}

enum rc
annual_tickers(struct redis *redis, const char *index, struct buf *out,
    size_t *n, struct err *e)
{
	struct dataset d = { index, DATASET_ANY };
	struct cache_entry entry = { 0 };
	struct envelope_head head;
	struct table t;
	enum rc rc;

	table_init(&t);
	rc = cache_get(redis, &d, -1, CACHE_COUNT_NONE, &entry, NULL, e);
	if (rc == RC_OK && entry.state != CACHE_FRESH)
		rc = err_set(
		    e, RC_NOTFOUND, "%s is not fresh in the cache", index);
	if (rc == RC_OK)
		rc = envelope_read(entry.bytes, entry.len, &head, &t, e);
	for (size_t i = 0; i < t.count && rc == RC_OK; i++) {
		buf_adds(out, i > 0 ? " " : "");
		buf_adds(out, t.rows[i].v[FIELD_TICKER].u.text);
	}
	*n = t.count;
	table_fini(&t);
	cache_entry_fini(&entry);
	return rc == RC_OK ? buf_check(out, "tickers", e) : rc;
}

/* What it took since it began, or went on; 0: unknown. */
static int64_t
cost_of(struct redis *redis, int64_t fence_us)
{
	int64_t now_us;

	if (redis_time_us(redis, &now_us, NULL) != RC_OK || now_us <= fence_us)
		return 0;
	return (now_us - fence_us) / 1000 + 1; /* not 0 */
}

/* What the cache is to know of a document; it finds the hash in its head. */
static void
put(const struct config *c, struct redis *redis, const struct dataset *d,
    const struct envelope *env, const struct buf *b, int64_t fence_us,
    struct annual_made *made)
{
	static const char key[] = "\"data_hash\":\"";
	const char *at = strstr(b->data, key);
	char hash[33] = "";

	if (at != NULL)
		memcpy(hash, at + sizeof(key) - 1, 32);
	publish_put(c, redis, d,
	    &(struct cache_value){ .bytes = b->data,
		.len = b->len,
		.fence_us = fence_us,
		.fresh_ms = env->fresh_ms,
		.cost_ms = cost_of(redis, fence_us),
		.rows = (int64_t)made->figures,
		.source = env->source,
		.hash = hash,
		.guard_shrink = 1 },
	    &made->stored);
}

/* Is there a fresh one that has more? */
static int
is_worse(struct redis *redis, const struct dataset *d, struct annual_made *made)
{
	struct cache_entry entry = { 0 };
	int64_t count = 0;
	int partial = 0, worse;

	(void)cache_get(redis, d, -1, CACHE_COUNT_NONE, &entry, NULL, NULL);
	worse = entry.state == CACHE_FRESH &&
		envelope_peek(entry.bytes, &count, &partial) &&
		(!partial || count > (int64_t)made->count);
	if (worse)
		err_set(&made->stored, RC_INVALID,
		    "%zu companies only: the cached one has %lld and is fresh",
		    made->count, (long long)count);
	cache_entry_fini(&entry);
	return worse;
}

static void
store(const struct config *c, struct redis *redis,
    const struct annual_document *doc, const struct envelope *env,
    const struct buf *b, struct annual_made *made)
{
	const struct dataset key = { doc->index, CACHE_RETURNS };
	const struct dataset plain = { "", CACHE_RETURNS };

	if (made->partial && is_worse(redis, &key, made))
		return;
	/* First what the application reads: it is not asked for again. */
	if (strcmp(doc->index, DATASET_DEFAULT_INDEX) == 0)
		put(c, redis, &plain, env, b, doc->fence_us, made);
	made->stored = (struct err){ 0 };
	put(c, redis, &key, env, b, doc->fence_us, made);
}

/* The records that there are, and how many have figures. */
static size_t
gather(const struct annual_document *doc, const char **records,
    struct annual_made *made)
{
	*made = (struct annual_made){ 0 };
	for (size_t i = 0; i < doc->n; i++) {
		if (doc->records[i] == NULL)
			continue;
		records[made->count++] = doc->records[i];
		made->figures +=
		    (size_t)returns_record_has_figures(doc->records[i]);
	}
	made->partial = made->count < doc->n;
	return made->count;
}

/* When it was asked for what is in it, the last time. */
static int64_t
asked_ms(const struct annual_document *doc)
{
	return (doc->fence_us > doc->began_us ? doc->fence_us : doc->began_us) /
	       1000;
}

enum rc
annual_publish(const struct config *c, struct redis *redis,
    const struct annual_document *doc, struct buf *b, struct annual_made *made,
    struct err *e)
{
	const char **records = calloc(doc->n + 1, sizeof(*records));
	struct envelope env = { .dataset = { doc->index, DATASET_ANY },
		.source = source_yahoo_year.name,
		.members = doc->members,
		.fetched_ms = doc->began_us / 1000,
		.total = (int64_t)doc->n,
		.records = records };
	int64_t partial_ms = asked_ms(doc) + INT64_C(1000) * ANNUAL_PARTIAL_S;
	enum rc rc;

	if (records == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (strcmp(c->yahoo_url, source_yahoo_year.origin) != 0)
		env.origin = c->yahoo_url;
	env.nrecords = gather(doc, records, made);
	env.fresh_ms = env.fetched_ms + c->annual_returns_ttl * 1000;
	if (made->partial && env.fresh_ms > partial_ms)
		env.fresh_ms = partial_ms;
	if (made->figures == 0) {
		rc = err_set(e, RC_NOSOURCE,
		    "no figures of any of %zu companies", doc->n);
	} else {
		envelope_write(b, &env);
		rc = buf_check(b, "annual returns", e);
	}
	if (rc == RC_OK && redis != NULL)
		store(c, redis, doc, &env, b, made);
	free(records);
	return rc;
}

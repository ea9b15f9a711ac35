#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fetcher_part.h"
#include "membership.h"
#include "outcome.h"
#include "publish.h"

struct handing {
	struct fetcher *fetcher;
	struct path *path;
};

/* An envelope of a sweep is ready: answer who waits for it. */
static void
hand_out(void *arg, const struct dataset *ds, const struct buf *b, int64_t rows,
    int64_t total, const struct err *stored)
{
	struct handing *h = arg;
	struct fetch_result r = {
		.dataset = *ds,
		.bytes = b->data,
		.len = b->len,
		.rc = outcome_of(rows, total >= 0 && rows < total),
		.stored = *stored,
	};

	fetcher_answer_fetched(h->fetcher, h->path, &r);
}

/* The source's address where it is not its own. */
static const char *
origin(const struct source *source, const struct config *c)
{
	const char *at = source->address(c);

	return strcmp(at, source->origin) != 0 ? at : NULL;
}

/* Who answered is not who was asked first: that is news. */
static void
tell_attempts(const struct path *p)
{
	const struct attempts *a = sweep_attempts(p->sweep);

	for (size_t i = 0; i < a->n; i++)
		if (!attempt_is_none(&a->v[i]))
			log_warn("%s / %s: source=%s rc=%s: %s; taken from %s",
			    p->dataset.index, p->dataset.sector, a->v[i].source,
			    rc_name(a->v[i].why.rc), a->v[i].why.msg,
			    sweep_source(p->sweep)->name);
}

enum rc
fetcher_land(struct fetcher *f, struct path *p, struct err *e)
{
	struct handing h = { f, p };
	struct err why = { 0 }, stored = { 0 };
	enum rc rc;
	const struct source *source = sweep_source(p->sweep);
	struct publication pub = {
		.dataset = p->dataset,
		.source = source->name,
		.origin = origin(source, f->config),
		.fence_us = p->flight.fence_us != 0 ? p->flight.fence_us
						    : clock_wall_us(),
		.cost_ms = clock_mono_ms() - p->swept_ms + 1, /* not 0 */
	};

	pub.asked = sweep_members(p->sweep, &pub.members);
	pub.table = sweep_table(p->sweep, &pub.total);
	pub.fill = sweep_filled(p->sweep);
	rc =
	    publish(f->config, f->env.redis, &pub, hand_out, &h, &stored, &why);
	if (rc == RC_INVALID) {
		sweep_reject(p->sweep, &why);
		return RC_BUSY;
	}
	if (rc != RC_OK)
		return err_set(e, rc, "%s", why.msg);
	tell_attempts(p);
	if (stored.rc == RC_BUSY)
		log_info(
		    "newer data of %s is cached already", p->dataset.index);
	else if (stored.rc != RC_OK)
		log_warn("not cached: %s", stored.msg);
	if (f->env.redis != NULL && !source->needs_members &&
	    stored.rc == RC_OK &&
	    membership_save(f->env.redis, &pub.dataset, pub.table,
		pub.fence_us / 1000, &why) != RC_OK)
		log_warn("members not kept: %s", why.msg);
	return RC_OK;
}

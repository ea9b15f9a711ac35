#include <string.h>

#include "report.h"
#include "scheduler_part.h"
#include "store/cache.h"

#define SECOND    INT64_C(1000000)         /* in microseconds */
#define KEEP_MS   (30 * INT64_C(86400000)) /* of tasks that ended */
#define CALLS     100000 /* of a step that goes on until nothing is left */
#define TEXT_MOST 16384

/* Which tasks a slot has */

static void
add_task(struct task_spec *specs, size_t *n, const char *index,
    const char *sector, enum priority priority)
{
	struct task_spec *t = &specs[(*n)++];

	memset(t, 0, sizeof(*t));
	t->type = TASK_FETCH;
	t->dataset = (struct dataset){ index, sector };
	t->force = 1;
	t->priority = priority;
}

static enum rc
daily_tasks(const struct scheduler_step *st, struct task_spec *specs, size_t *n,
    struct err *e)
{
	const struct scheduler *s = st->scheduler;

	(void)e;
	for (size_t i = 0; i < s->nindexes; i++)
		add_task(specs, n, s->indexes[i], DATASET_ANY, PRIORITY_HIGH);
	for (size_t i = 0; i < s->nindexes; i++) {
		if (strcmp(s->indexes[i], DATASET_ANY) == 0)
			continue; /* the whole market has none */
		add_task(specs, n, s->indexes[i], DATASET_ANY, PRIORITY_NORMAL);
		specs[*n - 1].type = TASK_RETURNS;
	}
	return RC_OK;
}

/* Work beside the tasks */

/* What status --check finds, but for the age of the data: that is what this
 * run sees to. */
static enum rc
check_health(struct scheduler_step *st, struct err *e)
{
	struct scheduler *s = st->scheduler;
	struct report r = { .config = s->config,
		.redis = s->redis,
		.queue = s->queue,
		.view = REPORT_CHECK };
	struct buf found;
	enum rc rc;
	size_t n;

	buf_init(&found, TEXT_MOST);
	rc = report_check(&r, &found, e);
	if (rc == RC_UNHEALTHY)
		rc = RC_OK;
	for (char *p = found.data; rc == RC_OK && p != NULL && *p != '\0';
	     p += n) {
		n = strcspn(p, "\n");
		n += p[n] == '\n';
		if (strncmp(p, "data: ", 6) == 0)
			continue;
		buf_add(st->text, p, n);
		st->run.findings++;
	}
	buf_fini(&found);
	return rc;
}

/* A slot that was due, that nobody accepted: once, for all that were missed. */
static enum rc
catch_up(struct scheduler_step *hourly, enum scheduler_job job, struct err *e)
{
	const struct scheduler_slot *newest =
	    scheduler_newest(hourly->slots, job);
	struct scheduler_step st = *hourly;
	int64_t now = st.now_us / SECOND, due;
	enum scheduler_what what;
	enum slot_fate fate;
	enum rc rc;

	st.job = job;
	scheduler_step_slot(&st);
	due = calendar_due(
	    job, st.scheduler->minutes[job], now, calendar_local, NULL);
	if (due * SECOND <= st.since_us || now - due <= SCHEDULER_GRACE ||
	    (newest != NULL && strcmp(st.run.slot, newest->name) <= 0))
		return RC_OK;
	rc = scheduler_accept(&st, &fate, e);
	if (rc == RC_OK && fate == SLOT_ACCEPTED)
		rc = scheduler_finish(&st, &what, e);
	hourly->run.findings += st.run.findings;
	return rc;
}

static enum rc
unhealthy(const struct scheduler_step *st, struct err *e)
{
	if (st->run.findings <= 0)
		return RC_OK;
	return err_set(e, RC_UNHEALTHY, "%lld finding%s",
	    (long long)st->run.findings, st->run.findings == 1 ? "" : "s");
}

static enum rc
hourly_work(struct scheduler_step *st, struct err *e)
{
	enum rc rc = check_health(st, e), full = RC_OK;
	struct err why = { 0 };

	for (int job = 0; job < JOB__MAX && rc == RC_OK; job++) {
		/* To warm up late is what the hourly run does anyway. */
		if (job == JOB_HOURLY || job == JOB_WARM)
			continue;
		rc = catch_up(st, (enum scheduler_job)job, &why);
		if (rc == RC_FULL)
			full = rc;
		else if (rc != RC_OK && rc != RC_UNHEALTHY)
			return err_set(e, rc, "%s", why.msg);
		rc = scheduler_renew(st, e);
	}
	if (rc == RC_OK && full != RC_OK)
		return err_set(
		    e, full, "a missed slot stays open: %.200s", why.msg);
	return rc == RC_OK ? unhealthy(st, e) : rc;
}

static enum rc
purge_tasks(struct scheduler_step *st, struct err *e)
{
	int64_t n = 0;
	enum rc rc = RC_OK;

	for (int i = 0; i < CALLS && rc == RC_OK; i++) {
		rc = queue_purge(st->scheduler->queue, KEEP_MS, &n, e);
		if (rc != RC_OK || n == 0)
			break;
		st->run.purged += n;
		rc = scheduler_renew(st, e);
	}
	return rc;
}

static enum rc
purge_dataset(struct scheduler_step *st, const char *index, const char *sector,
    struct err *e)
{
	const struct config *c = st->scheduler->config;
	const struct dataset d = { index, sector };
	int64_t ttl =
	    cache_is_returns(&d) ? c->annual_returns_ttl : c->cache_ttl;
	int gone = 0;
	enum rc rc = cache_purge(
	    st->scheduler->redis, &d, (ttl + c->stale_ttl) * SECOND, &gone, e);

	st->run.purged += rc == RC_OK && gone;
	return rc;
}

static enum rc
purge_datasets(struct scheduler_step *st, struct err *e)
{
	/* The copy of annual returns under the application's key. */
	enum rc rc = purge_dataset(st, "", CACHE_RETURNS, e);

	for (size_t i = 0; i < DATASET_INDEXES && rc == RC_OK; i++) {
		const char *index = dataset_indexes[i].name;

		rc = purge_dataset(st, index, CACHE_RETURNS, e);
		for (size_t j = 0; j < DATASET_SECTORS && rc == RC_OK; j++)
			rc = purge_dataset(
			    st, index, dataset_sectors[j].name, e);
	}
	return rc;
}

static enum rc
audit(struct scheduler_step *st, struct err *e)
{
	struct queue_audit a;
	enum rc rc = queue_audit(st->scheduler->queue, 1, &a, e);
	int64_t left;

	if (rc != RC_OK)
		return rc;
	st->run.repaired = a.repaired;
	left = a.orphans + a.strays + a.duplicates - a.repaired;
	if (left > 0) {
		st->run.findings += left;
		buf_addf(st->text, "audit: %lld faults are not mended\n",
		    (long long)left);
	}
	return RC_OK;
}

static enum rc
weekly_work(struct scheduler_step *st, struct err *e)
{
	enum rc rc = purge_tasks(st, e);

	if (rc == RC_OK)
		rc = purge_datasets(st, e);
	if (rc == RC_OK)
		rc = scheduler_renew(st, e);
	if (rc == RC_OK)
		rc = audit(st, e);
	return rc == RC_OK ? unhealthy(st, e) : rc;
}

/* What a job is: its tasks, and what else it does (NULL: nothing). */
static const struct {
	enum rc (*tasks)(const struct scheduler_step *, struct task_spec *,
	    size_t *, struct err *);
	enum rc (*work)(struct scheduler_step *, struct err *);
} jobs[JOB__MAX] = {
	[JOB_DAILY] = { daily_tasks, NULL },
	[JOB_HOURLY] = { scheduler_hourly_tasks, hourly_work },
	[JOB_WEEKLY] = { NULL, weekly_work },
	[JOB_WARM] = { scheduler_warm_tasks, NULL },
};

enum rc
scheduler_tasks(const struct scheduler_step *st, struct task_spec *specs,
    size_t *n, struct err *e)
{
	*n = 0;
	return jobs[st->job].tasks != NULL
		   ? jobs[st->job].tasks(st, specs, n, e)
		   : RC_OK;
}

enum rc
scheduler_work(struct scheduler_step *st, struct err *e)
{
	return jobs[st->job].work != NULL ? jobs[st->job].work(st, e) : RC_OK;
}

/*
 * chaos_flow starve|through|bytes [-n tasks]
 *
 * starve: urgent work without end at twice what is done, in a time of its own:
 * the queue's ready times are moved ahead of the clock, a second a step.
 * through: tasks go through, used_memory stays.  bytes: what a waiting task
 * costs, in every sector.
 */
#include "data/dataset.h"
#include "driver.h"

#define HEAD_US    (QUEUE_HEAD_START * INT64_C(1000000))
#define EACH       10    /* tasks of each lower priority */
#define KEPT       10000 /* finished tasks that are kept */
#define TASK_BYTES 700
#define WAITING    5000

struct flow {
	struct driver d;
	struct task tasks[QUEUE_CLAIM_LIGHT];
	size_t n;
};

static struct task_spec specs[QUEUE_BATCH];
static struct enqueue_result results[QUEUE_BATCH];
static char names[QUEUE_BATCH][TASK_TEXT];

/* n tasks of their own, named after first. */
static void
enqueue(struct flow *f, const char *fmt, const char *sector, int64_t first,
    size_t n, enum priority priority)
{
	struct err e;

	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], TASK_TEXT, "%s %010lld", fmt,
		    ll(first + (int64_t)i));
		specs[i] = (struct task_spec){ .type = TASK_PROBE,
			.dataset = { names[i], sector },
			.priority = priority };
	}
	need(queue_enqueue(f->d.queue, specs, n, results, &e), "enqueue", &e);
	for (size_t i = 0; i < n; i++)
		if (results[i].what != ENQUEUED_NEW)
			broken("%s is not new: %d", names[i],
			    (int)results[i].what);
}

static void
claim(struct flow *f, int most)
{
	struct claim how = { .owner = "flow:1", .most = most };
	int64_t next;
	struct err e;

	need(queue_claim(f->d.queue, &how, f->tasks, &f->n, &next, &e), "claim",
	    &e);
}

static void
complete(struct flow *f)
{
	const char *texts[QUEUE_CLAIM_LIGHT];
	size_t lost = 0;
	struct err e;

	for (size_t i = 0; i < f->n; i++)
		texts[i] = "";
	need(queue_complete(f->d.queue, f->tasks, texts, f->n, &lost, &e),
	    "complete", &e);
	if (lost != 0)
		broken("%zu of %zu were lost", lost, f->n);
}

/* The clock of the queue stands at base_us + s. */
static void
move(struct flow *f, int64_t base_us, int64_t s)
{
	char text[128];

	snprintf(text, sizeof(text), "HSET " QUEUE_KEY "config last_ready %lld",
	    ll(base_us + s * 1000000));
	order(f->d.redis, text);
}

/*
 * What is in line first is what has the least ready_us less its head start:
 * so each claim's is at least that of the one before, but for what came in
 * later; and a task of a level waits for urgent ones that came up to so many
 * head starts after it, and no longer.
 */
static void
starve(struct flow *f, int64_t steps)
{
	int64_t base_us = clock_wall_us() + 1000000, last_us = 0;
	int64_t last_ready[PRIORITY__MAX] = { 0 };
	int served[PRIORITY__MAX] = { 0 };

	move(f, base_us, 0);
	for (int p = PRIORITY_LOW; p < PRIORITY_URGENT; p++)
		enqueue(f, task_priority_name((enum priority)p), "chaos", 0,
		    EACH, (enum priority)p);
	for (int64_t s = 1; s <= steps; s++) {
		const struct task *t = &f->tasks[0];
		int64_t score;

		move(f, base_us, s);
		enqueue(f, "urgent", "chaos", 2 * s, 2, PRIORITY_URGENT);
		claim(f, 1);
		if (f->n != 1)
			broken("%zu tasks claimed instead of one", f->n);
		score = t->ready_us - (int64_t)t->priority * HEAD_US;
		if (score < last_us && s > 1)
			broken("step %lld: %s, out of line", ll(s),
			    task_priority_name(t->priority));
		if (t->ready_us <= last_ready[t->priority])
			broken("an inversion inside %s",
			    task_priority_name(t->priority));
		last_us = score;
		last_ready[t->priority] = t->ready_us;
		served[t->priority]++;
		complete(f);
		/* Its turn comes when the urgent ones in line are so much
		 * younger, which at half their pace takes twice as long. */
		for (int p = PRIORITY_LOW; p < PRIORITY_URGENT; p++)
			if (served[p] < EACH &&
			    s > 2 * (PRIORITY_URGENT - p) * QUEUE_HEAD_START +
				    8 * EACH)
				broken("%s starves at step %lld",
				    task_priority_name((enum priority)p),
				    ll(s));
	}
	for (int p = PRIORITY_LOW; p < PRIORITY_URGENT; p++)
		if (served[p] != EACH)
			broken("%d of priority %d served", served[p], p);
	printf("%d urgent tasks, and %d of each other priority in time\n",
	    served[PRIORITY_URGENT], EACH);
}

static void
pump(struct flow *f, int64_t *first, int64_t n)
{
	for (int64_t done = 0; done < n; done += QUEUE_BATCH) {
		enqueue(f, "flow", "Technology", *first, QUEUE_BATCH,
		    PRIORITY_NORMAL);
		*first += QUEUE_BATCH;
		do {
			claim(f, QUEUE_CLAIM_LIGHT);
			if (f->n > 0)
				complete(f);
		} while (f->n > 0);
	}
}

static void
through(struct flow *f, int64_t n)
{
	int64_t first = 0, before, after;

	pump(f, &first, KEPT + 5 * QUEUE_BATCH);
	before = used_memory(f->d.redis);
	pump(f, &first, n);
	after = used_memory(f->d.redis);
	printf("used_memory %lld, after %lld tasks %lld\n", ll(before), ll(n),
	    ll(after));
	if (after > before + before / 20 || after < before - before / 20)
		broken("the memory is not flat");
}

/* The longest names: as many bytes as the longest fetch task has. */
static void
bytes(struct flow *f)
{
	int64_t before, each, most = 0;

	for (int i = 0; i < DATASET_SECTORS; i++) {
		order(f->d.redis, "FLUSHALL");
		enqueue(f, "RUSSELL 2000", dataset_sectors[i].name, 0, 1,
		    PRIORITY_NORMAL); /* the keys of the queue */
		before = used_memory(f->d.redis);
		for (int64_t n = 1; n < WAITING; n += QUEUE_BATCH)
			enqueue(f, "RUSSELL 2000", dataset_sectors[i].name, n,
			    QUEUE_BATCH, PRIORITY_NORMAL);
		each = (used_memory(f->d.redis) - before) / WAITING;
		if (each > most)
			most = each;
		if (each > TASK_BYTES)
			broken("%lld bytes a task of %s", ll(each),
			    dataset_sectors[i].name);
	}
	printf("at most %lld bytes a task\n", ll(most));
}

int
main(int argc, char *argv[])
{
	static struct flow f;
	int64_t n = 0;
	int c;

	while ((c = getopt(argc, argv, "n:")) != -1) {
		if (c != 'n')
			return 64;
		n = whole(optarg);
	}
	if (optind + 1 != argc)
		return 64;
	driver_open(&f.d, NULL, 1);
	if (strcmp(argv[optind], "starve") == 0)
		starve(&f, n != 0 ? n : 4000);
	else if (strcmp(argv[optind], "through") == 0)
		through(&f, n != 0 ? n : 20000);
	else if (strcmp(argv[optind], "bytes") == 0)
		bytes(&f);
	else
		return 64;
	driver_close(&f.d);
	return 0;
}

/*
 * The model beside which queue_model.c walks: each task as it should be, and
 * the questions that are asked of it.
 */
#ifndef TESTS_QUEUE_MODEL_H
#define TESTS_QUEUE_MODEL_H

#include "queue_fixture.h"

#define WORKS 24
#define TASKS 2048

/* A task as it should be. */
struct model {
	char id[TASK_ID + 1];
	int work;
	enum task_status status;
	int level, force, retries, lost, cancel;
	int rerun; /* 1 at once, 2 after a delay */
	int ran, expired, due;
	int64_t seq; /* its place in line among those of its level */
	char run[TASK_TEXT + 1]; /* that it is in */
};

struct walk {
	struct fixture *f;
	struct queue *q;
	struct model tasks[TASKS];
	size_t n;
	int64_t seq, token, last_ready;
	int paused;
	uint64_t rand;
	struct queue_stats before;
	struct task stale; /* of a run that is over */
	int has_stale;
};

static struct walk w;

/* splitmix64 */
static inline uint64_t
random_of(uint64_t n)
{
	uint64_t z = (w.rand += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % n;
}

static inline int
waits(const struct model *m)
{
	return m->status == TASK_PENDING || m->status == TASK_SCHEDULED;
}

static inline int
lives(const struct model *m)
{
	return waits(m) || m->status == TASK_PROCESSING;
}

static inline struct model *
find_id(const char *id)
{
	for (size_t i = 0; i < w.n; i++)
		if (strcmp(w.tasks[i].id, id) == 0)
			return &w.tasks[i];
	fail_msg("%s is unknown to the model", id);
	return NULL;
}

static inline struct model *
find_work(int work)
{
	for (size_t i = 0; i < w.n; i++)
		if (w.tasks[i].work == work && lives(&w.tasks[i]))
			return &w.tasks[i];
	return NULL;
}

/* Any of that status, or NULL. */
static inline struct model *
any(enum task_status status)
{
	size_t from = w.n > 0 ? random_of(w.n) : 0;

	for (size_t i = 0; i < w.n; i++) {
		struct model *m = &w.tasks[(from + i) % w.n];

		if (m->status == status)
			return m;
	}
	return NULL;
}

/* First in line. */
static inline struct model *
first(void)
{
	struct model *best = NULL;

	for (size_t i = 0; i < w.n; i++) {
		struct model *m = &w.tasks[i];

		if (m->status == TASK_PENDING &&
		    (best == NULL || m->level > best->level ||
			(m->level == best->level && m->seq < best->seq)))
			best = m;
	}
	return best;
}

static inline void
to_line(struct model *m)
{
	m->status = TASK_PENDING;
	m->seq = ++w.seq;
}

static inline void
fresh(struct model *m)
{
	to_line(m);
	m->retries = m->lost = 0;
}

static inline void
once_more(struct model *m, int rerun)
{
	fresh(m);
	m->ran = 0;
	if (rerun == 2)
		m->status = TASK_SCHEDULED;
}

static inline struct task
claimed(const struct model *m)
{
	struct task t = { .token = 0 };

	memcpy(t.run, m->run, sizeof(t.run));

	snprintf(t.id, sizeof(t.id), "%s", m->id);
	return t;
}

/* A run is over; what it was is stale from now on. */
static inline void
over(struct model *m)
{
	w.stale = claimed(m);
	w.has_stale = 1;
	m->rerun = m->cancel = m->expired = 0;
}

#endif

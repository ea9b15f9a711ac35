/*
 * The API: what the routes share, and their one table (routes.c).  README.md,
 * "The API", is for those who call it.
 */
#ifndef CGI_API_H
#define CGI_API_H

#include <stdint.h>

#include "answer.h"
#include "base/config.h"
#include "data/dataset.h"
#include "request.h"
#include "store/queue.h"
#include "store/redis.h"

struct api {
	const struct config *config;
	struct redis *redis;
	struct queue *queue;
	struct scheduler *scheduler;
	/* When a refresh of a stale dataset, the annual returns behind the
	 * sectors, was last asked for; clock_mono_ms, 0: never. */
	int64_t asked_ms[DATASET_INDEXES][DATASET_SECTORS + 1];
};

/* What a route may be told, in its query or its body. */
enum input { INPUT_INDEX, INPUT_SECTOR, INPUT_RETURNS, INPUT_ALL, INPUT__MAX };

#define TAKES(input) (1u << (input))

struct input_info {
	const char *name;
	int is_flag; /* true or false, else a text */
};

extern const struct input_info inputs[INPUT__MAX];

/* One call of a route. */
struct call {
	struct api *api;
	const struct request *request;
	struct answer *answer;
	const char *id;               /* of the path, "" where it has none */
	const char *text[INPUT__MAX]; /* NULL: not given */
	int flag[INPUT__MAX];
};

/*
 * Fills the answer and returns its HTTP status.  From 400 on, e says why and
 * becomes the body, unless the route has written one.
 */
typedef int route_run(struct call *, struct err *e);

#define ROUTE_ANSWERS 3

struct route {
	enum method method;
	const char *path; /* "{id}" stands for the id of a task */
	route_run *run;
	int writes;     /* who calls must be allowed to */
	unsigned query; /* TAKES() of its parameters */
	unsigned body;  /* and of the members of its body */
	const char *summary;
	struct {
		int status;
		const char *schema; /* of openapi_schema.c */
	} answers[ROUTE_ANSWERS];
};

extern const struct route routes[];
extern const size_t nroutes;

/* Find the route, check, and run it; returns the status of the answer. */
int api_answer(struct api *, struct request *, const char *body,
    struct answer *, struct err *e);

/* Is this the head of a request that may have a body to be read? */
int api_wants_body(const struct request *);

/* The dataset that a call names (S&P 500 and Any by default).  0 or 422. */
int api_dataset(struct call *, struct dataset *, struct err *e);

/* The status of a result code: what is no more than a name in a path is 404. */
int api_status(enum rc);

/* "task":{…} of that id, with "task_id" and a comma before both. */
enum rc api_task(struct call *, const char *id, struct task *, struct err *e);
/* The task alone. */
enum rc api_task_json(struct call *, const char *id, struct err *e);

route_run stocks_get, stocks_returns, task_get, task_cancel, task_requeue,
    queue_view, cache_view, cache_clear_post, health, health_live, health_ready,
    openapi_get, metrics, scheduler_start, scheduler_stop, scheduler_status,
    scheduler_refresh_post, scheduler_force_post;

#endif

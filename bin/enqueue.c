/*
 * enqueue: put tasks into the queue, and change what is in it.  The other side
 * of status, which only looks.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/opt.h"
#include "enqueue_args.h"

/* Does it put work into the queue, which Redis must not throw away? */
static int
adds(const struct enqueue *q)
{
	return q->action == ENQUEUE_TASKS || q->action == ENQUEUE_LINES ||
	       q->action == ENQUEUE_REQUEUE;
}

int
main(int argc, char *argv[])
{
	static struct config config;
	struct enqueue q;
	struct redis *redis = NULL;
	struct err e = { 0 };
	enum rc rc;

	opt_descriptors();
	enqueue_args(&q, &config, argc, argv);
	if (isatty(STDERR_FILENO))
		q.progress = stderr;
	signal(SIGPIPE, SIG_IGN);
	rc = redis_open_as(&redis, &config, adds(&q) ? REDIS_EVICTION : 0, &e);
	if (rc == RC_OK && adds(&q))
		rc = redis_check_eviction(redis, &e);
	if (rc == RC_OK)
		rc = queue_open(&q.queue, &config, redis, &e);
	if (rc == RC_OK)
		rc = enqueue_run(&q, &e);
	queue_close(q.queue);
	redis_close(redis);
	return rc == RC_OK ? 0 : opt_report(q.prog, &e);
}

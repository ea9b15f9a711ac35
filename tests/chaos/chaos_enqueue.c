/*
 * chaos_enqueue -n tasks [-j journal] [-b batch] [-s seed] [-p priority]
 *
 * Put probe tasks into the queue, of a priority or of any.  A batch whose
 * answer is lost is sent again under the same ids until there is one.  The
 * journal has a line for each task that was acknowledged:
 *
 *	ack ID WHAT DOUBTFUL    what: enum enqueued; doubtful: sent before
 */
#include "driver.h"

#define PATIENCE 60000 /* ms without any answer */

struct batch {
	struct task_spec specs[QUEUE_BATCH];
	struct enqueue_result results[QUEUE_BATCH];
	char names[QUEUE_BATCH][TASK_TEXT];
	size_t n;
};

static void
fill(struct driver *d, struct batch *b, int64_t first, size_t n, int priority)
{
	b->n = n;
	for (size_t i = 0; i < n; i++) {
		struct task_spec *s = &b->specs[i];

		*s = (struct task_spec){ .type = TASK_PROBE };
		task_new_id(s->id);
		snprintf(b->names[i], TASK_TEXT, "%ld-%lld", (long)getpid(),
		    ll(first + (int64_t)i));
		s->dataset.index = b->names[i];
		s->dataset.sector = "chaos";
		s->priority = priority >= 0
				  ? (enum priority)priority
				  : (enum priority)chance(d, PRIORITY__MAX);
	}
}

/* How often it had to be sent again. */
static int
send(struct driver *d, struct batch *b)
{
	int64_t end = clock_mono_ms() + PATIENCE;
	struct err e;
	int again = 0;

	for (;; again++) {
		enum rc rc =
		    queue_enqueue(d->queue, b->specs, b->n, b->results, &e);

		if (rc == RC_OK)
			return again;
		if ((rc != RC_STORE && rc != RC_BUSY) || clock_mono_ms() > end)
			die("enqueue", &e);
		clock_sleep_ms(10);
	}
}

static void
acknowledge(struct driver *d, const struct batch *b, int again)
{
	static char text[QUEUE_BATCH * (TASK_ID + 16)];
	size_t len = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (strcmp(b->results[i].id, b->specs[i].id) != 0 ||
		    (b->results[i].what == ENQUEUED_SAME && again == 0) ||
		    b->results[i].what == ENQUEUED_MERGED ||
		    b->results[i].what == ENQUEUED_FULL)
			broken("task %s became %s, %d, after %d times",
			    b->specs[i].id, b->results[i].id,
			    (int)b->results[i].what, again);
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "ack %s %d %d\n", b->specs[i].id, (int)b->results[i].what,
		    again > 0);
	}
	note(d, text, len);
}

int
main(int argc, char *argv[])
{
	static struct driver d;
	static struct batch b;
	const char *journal = NULL;
	int64_t n = 0, done, batch = 100, seed = 0, priority = -1;
	int c;

	while ((c = getopt(argc, argv, "b:j:n:p:s:")) != -1) {
		if (c == 'b')
			batch = whole(optarg);
		else if (c == 'j')
			journal = optarg;
		else if (c == 'n')
			n = whole(optarg);
		else if (c == 'p')
			priority = whole(optarg);
		else if (c == 's')
			seed = whole(optarg);
		else
			return 64;
	}
	if (batch < 1 || batch > QUEUE_BATCH)
		return 64;
	driver_open(&d, journal, (uint64_t)seed);
	for (done = 0; done < n; done += (int64_t)b.n) {
		fill(&d, &b, done,
		    (size_t)(n - done < batch ? n - done : batch),
		    (int)priority);
		acknowledge(&d, &b, send(&d, &b));
	}
	driver_close(&d);
	return 0;
}

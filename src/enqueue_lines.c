#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/opt.h"
#include "data/envelope.h"
#include "enqueue.h"

#define BLOCK      (256u << 10)
#define RESULTS    (2u << 20) /* the results of a batch as text, at most */
#define NO_SPEC    ((size_t)-1)
#define LINE_LIMIT INT64_C(1000000000)

/* A line that was read, until its batch is sent. */
struct entry {
	int64_t number;
	size_t spec;   /* NO_SPEC: it is wrong */
	char why[200]; /* then */
};

struct stream {
	const struct enqueue *q;
	struct task_lines *parser;
	struct buf text;
	struct task_line lines[QUEUE_BATCH];
	struct task_spec specs[QUEUE_BATCH];
	struct enqueue_result results[QUEUE_BATCH];
	struct entry entries[QUEUE_BATCH];
	size_t nspecs, nentries;
	int64_t number;      /* of the last line */
	int64_t wrong, full; /* lines so far */
	int skipping;        /* in a line that is too long */
	char block[BLOCK];
	size_t used;
};

static void
add_wrong(struct stream *s, const struct entry *entry)
{
	struct err say;

	buf_addf(&s->text, "{\"line\":%lld,\"status\":\"error\",\"error\":",
	    (long long)entry->number);
	envelope_string(&s->text, entry->why);
	buf_adds(&s->text, "}\n");
	err_set(&say, RC_PARSE, "line %lld: %s", (long long)entry->number,
	    entry->why);
	opt_report(s->q->prog, &say);
	s->wrong++;
}

static void
add_result(struct stream *s, const struct entry *entry)
{
	const struct enqueue_result *r = &s->results[entry->spec];

	if (r->what == ENQUEUED_FULL) {
		buf_addf(&s->text, "{\"line\":%lld,\"status\":\"full\"}\n",
		    (long long)entry->number);
		s->full++;
		return;
	}
	buf_addf(&s->text, "{\"line\":%lld,\"id\":\"%s\",\"status\":\"%s\"}\n",
	    (long long)entry->number, r->id,
	    enqueue_status(r, &s->specs[entry->spec]));
}

/* Send the batch and write its results. */
static enum rc
flush(struct stream *s, struct err *e)
{
	enum rc rc = RC_OK;

	if (s->nentries == 0)
		return RC_OK;
	if (s->nspecs > 0)
		rc = enqueue_batch(s->q, s->specs, s->nspecs, s->results, e);
	if (rc == RC_FULL) {
		/* Redis itself is: the whole batch was refused. */
		for (size_t i = 0; i < s->nspecs; i++)
			s->results[i].what = ENQUEUED_FULL;
		rc = RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	buf_clear(&s->text);
	for (size_t i = 0; i < s->nentries; i++)
		if (s->entries[i].spec == NO_SPEC)
			add_wrong(s, &s->entries[i]);
		else
			add_result(s, &s->entries[i]);
	s->nspecs = s->nentries = 0;
	rc = buf_check(&s->text, "results", e);
	if (rc == RC_OK && s->text.len > 0)
		fwrite(s->text.data, 1, s->text.len, s->q->out);
	return rc == RC_OK ? enqueue_written(s->q, e) : rc;
}

static int
is_empty(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return 0;
	return 1;
}

static enum rc
take_line(struct stream *s, const char *line, size_t len, struct err *e)
{
	struct entry *entry = &s->entries[s->nentries];
	struct task_line *t = &s->lines[s->nspecs];
	struct err why = { 0 };
	enum rc rc;

	if (++s->number > LINE_LIMIT)
		return err_set(e, RC_INVALID, "too many lines");
	if (!s->skipping && is_empty(line, len))
		return RC_OK;
	rc = s->skipping ? err_set(&why, RC_PARSE, "longer than %d bytes",
			       TASK_LINE_MAX)
			 : task_line_read(s->parser, line, len, t, &why);
	s->skipping = 0;
	entry->number = s->number;
	if (rc == RC_OK) {
		entry->spec = s->nspecs;
		s->specs[s->nspecs++] = t->spec;
	} else {
		entry->spec = NO_SPEC;
		snprintf(entry->why, sizeof(entry->why), "%.199s", why.msg);
	}
	return ++s->nentries == QUEUE_BATCH ? flush(s, e) : RC_OK;
}

/* All whole lines of the block; what is left moves to its front. */
static enum rc
take_block(struct stream *s, struct err *e)
{
	char *p = s->block, *end = s->block + s->used, *nl;
	enum rc rc = RC_OK;

	while (
	    rc == RC_OK && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		rc = take_line(s, p, (size_t)(nl - p), e);
		p = nl + 1;
	}
	s->used = (size_t)(end - p);
	if (s->used > TASK_LINE_MAX || s->skipping) {
		s->skipping = 1;
		s->used = 0;
	}
	memmove(s->block, p, s->used);
	return rc;
}

/* Is there input without waiting for it? */
static int
readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static enum rc
take_all(struct stream *s, struct err *e)
{
	enum rc rc = RC_OK;
	ssize_t n;

	for (;;) {
		/* Who sends a line and waits for its result gets it. */
		if (!readable(s->q->fd))
			rc = flush(s, e);
		if (rc != RC_OK)
			return rc;
		n = read(s->q->fd, s->block + s->used, BLOCK - s->used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(
			    e, RC_SYS, "cannot read: %s", strerror(errno));
		if (n == 0)
			break;
		s->used += (size_t)n;
		rc = take_block(s, e);
	}
	if (s->used > 0 || s->skipping)
		rc = take_line(s, s->block, s->used, e);
	return rc == RC_OK ? flush(s, e) : rc;
}

enum rc
enqueue_lines(const struct enqueue *q, struct err *e)
{
	struct stream *s = calloc(1, sizeof(*s));
	enum rc rc;

	if (s == NULL)
		return err_set(e, RC_NOMEM, "lines: out of memory");
	s->q = q;
	buf_init(&s->text, RESULTS);
	rc = task_lines_new(&s->parser, e);
	if (rc == RC_OK)
		rc = take_all(s, e);
	if (rc == RC_OK && s->full > 0)
		rc = err_set(e, RC_FULL, "%lld refused: the queue is full",
		    (long long)s->full);
	else if (rc == RC_OK && s->wrong > 0)
		rc = err_set(e, RC_PARSE, "%lld line%s wrong",
		    (long long)s->wrong, s->wrong == 1 ? " was" : "s were");
	task_lines_free(s->parser);
	buf_fini(&s->text);
	free(s);
	return rc;
}

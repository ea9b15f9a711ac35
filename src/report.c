#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "report.h"

#define REPORT_MAX (16u << 20)

void
report_span(struct buf *b, int64_t ms)
{
	long long s = (long long)(ms < 0 ? 0 : ms / 1000);

	if (s < 120)
		buf_addf(b, "%lld s", s);
	else if (s < 7200)
		buf_addf(b, "%lld min", s / 60);
	else if (s < 172800)
		buf_addf(b, "%lld h", s / 3600);
	else
		buf_addf(b, "%lld d", s / 86400);
}

void
report_time_json(struct buf *b, int64_t us)
{
	char text[32];

	if (us <= 0) {
		buf_adds(b, "null");
		return;
	}
	clock_utc(us / 1000, text, sizeof(text));
	buf_addf(b, "\"%s\"", text);
}

void
report_seconds_json(struct buf *b, int64_t us)
{
	buf_addf(b, "%.3f", (double)us / 1e6);
}

#define INDENT 12 /* of what a line continues on: behind its name */

/* Where the text of a continued line begins. */
static int
indent_of(const char *line, int width)
{
	int n = (int)strspn(line, " ");

	n = n > 0 ? n + 2 : INDENT;
	return n <= width / 2 ? n : width / 2;
}

/* How many bytes of the line fit, and whether that is all of it: up to the
 * last comma if that leaves it half full, else to the last space, else all. */
static size_t
fitting(const char *line, int width, int *whole)
{
	size_t at = 0, space = 0, comma = 0, half = 0, n;

	for (int column = 0; line[at] != '\0' && line[at] != '\n'; column++) {
		if (column == width) {
			*whole = 0;
			return comma > half ? comma : space > 0 ? space : at;
		}
		if (column == width / 2)
			half = at;
		n = utf8_length(&line[at]);
		at += n > 0 ? n : 1;
		if (line[at] == ' ' && line[at - 1] != ' ')
			space = at;
		if (space == at && line[at - 1] == ',')
			comma = at;
	}
	*whole = 1;
	return at;
}

/* Copy a line (without its end) as lines of at most width characters. */
static void
wrap(struct buf *out, const char *line, int width)
{
	int whole = 0, indent = indent_of(line, width), room = width;
	size_t skip = strspn(line, " "), n;

	if (skip > (size_t)width / 2)
		skip = (size_t)width / 2;
	buf_add(out, line, skip);
	line += strspn(line, " ");
	room -= (int)skip;
	for (;;) {
		n = fitting(line, room, &whole);
		buf_add(out, line, n);
		if (whole)
			return;
		line += n;
		line += strspn(line, " ");
		buf_addf(out, "\n%*s", indent, "");
		room = width - indent;
	}
}

static void
wrap_all(struct buf *out, const struct buf *in, int width)
{
	const char *p = in->data != NULL ? in->data : "";

	for (; *p != '\0'; p += strcspn(p, "\n") + 1) {
		wrap(out, p, width > 1 ? width : 2);
		buf_addc(out, '\n');
		if (p[strcspn(p, "\n")] == '\0')
			break;
	}
}

static enum rc
write_out(const struct report *r, const struct buf *b, struct err *e)
{
	struct buf wrapped;
	enum rc rc = RC_OK;

	buf_init(&wrapped, REPORT_MAX);
	if (r->terminal && !r->json) {
		wrap_all(&wrapped, b, r->width);
		rc = buf_check(&wrapped, "report", e);
		b = &wrapped;
	}
	if (rc == RC_OK && b->len > 0 &&
	    fwrite(b->data, 1, b->len, r->out) != b->len)
		rc = err_set(e, RC_SYS, "cannot write: %s", strerror(errno));
	if (rc == RC_OK && fflush(r->out) != 0)
		rc = err_set(e, RC_SYS, "cannot write: %s", strerror(errno));
	buf_fini(&wrapped);
	return rc;
}

static report_writer *const writers[REPORT_VIEW__MAX] = {
	[REPORT_OVERVIEW] = report_overview,
	[REPORT_QUEUE] = report_queue,
	[REPORT_TASK] = report_task,
	[REPORT_FAILED] = report_failed,
	[REPORT_SOURCES] = report_sources,
	[REPORT_CACHE] = report_cache,
	[REPORT_DOCTOR] = report_doctor,
	[REPORT_CHECK] = report_check,
	[REPORT_PROMETHEUS] = report_prometheus,
};

/* Is there something to write, whatever the exit status says? */
static int
is_written(const struct report *r, enum rc rc)
{
	return rc == RC_OK || rc == RC_UNHEALTHY || rc == RC_INVALID ||
	       r->view == REPORT_PROMETHEUS;
}

static enum rc
write_view(const struct report *r, struct buf *b, struct err *e)
{
	struct err why = { 0 };
	enum rc rc = writers[r->view](r, b, &why), written;

	if (is_written(r, rc)) {
		written = buf_check(b, "report", &why);
		if (written == RC_OK)
			written = write_out(r, b, &why);
		rc = written != RC_OK ? written : rc;
	}
	return rc == RC_OK ? RC_OK : err_set(e, rc, "%s", why.msg);
}

#define WATCH_MS    500
#define WATCH_STEPS (86400000 / WATCH_MS)

/* Follow a task to its end, writing what changes. */
static enum rc
watch(const struct report *r, struct err *e)
{
	struct buf b, last;
	enum rc rc = RC_OK;
	struct task t;
	int64_t position;

	buf_init(&b, REPORT_MAX);
	buf_init(&last, REPORT_MAX);
	for (int i = 0; i < WATCH_STEPS && rc == RC_OK; i++) {
		rc = queue_get(r->queue, r->id, &t, &position, e);
		if (rc != RC_OK)
			break;
		buf_clear(&b);
		rc = report_task(r, &b, e);
		if (rc == RC_OK && (last.data == NULL || b.len != last.len ||
				       memcmp(b.data, last.data, b.len) != 0)) {
			if (r->terminal && !r->json)
				fputs("\033[H\033[2J", r->out);
			rc = write_out(r, &b, e);
			buf_clear(&last);
			buf_add(&last, b.data, b.len);
		}
		if (t.status == TASK_COMPLETED || t.status == TASK_FAILED ||
		    t.status == TASK_CANCELLED)
			break;
		clock_sleep_ms(WATCH_MS);
	}
	buf_fini(&b);
	buf_fini(&last);
	return rc;
}

enum rc
report_run(const struct report *r, struct err *e)
{
	struct buf b;
	enum rc rc;

	if (r->view == REPORT_TASK && r->watch)
		return watch(r, e);
	buf_init(&b, REPORT_MAX);
	rc = write_view(r, &b, e);
	buf_fini(&b);
	return rc;
}

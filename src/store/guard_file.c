#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/num.h"
#include "store/guard_file.h"
#include "store/guard_limit.h"

#define MAX_LINES 64
#define LOCK_MS   5000 /* nobody holds the lock longer than a write takes */
#define LOCK_STEP 2    /* ms between tries */
#define NAME_SIZE 32
#define MAX_TIME  (INT64_C(1) << 60)
#define PLAIN     4 /* numbers of a line without a quota, */
#define WITH_DAY  6 /* and with one; then those of each booking */
#define OF_ONE    3

struct line {
	char source[NAME_SIZE];
	struct guard_limit limit;
};

struct limits {
	int fd;
	struct line line[MAX_LINES];
	size_t n;
};

/* Make every folder of path that is missing. */
static enum rc
make_folders(char *path, struct err *e)
{
	char *p = path;
	int gone;

	do {
		p = strchr(p + 1, '/');
		if (p != NULL)
			*p = '\0';
		gone = mkdir(path, 0700) != 0 && errno != EEXIST;
		if (gone && access(path, F_OK) != 0)
			return err_set(e, RC_SYS,
			    "cannot make the folder %s: %s (STATE_DIR)", path,
			    strerror(errno));
		if (p != NULL)
			*p = '/';
	} while (p != NULL);
	return RC_OK;
}

enum rc
guard_file_path(
    const struct config *c, char path[GUARD_FILE_PATH], struct err *e)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char folder[GUARD_FILE_PATH - 8];
	enum rc rc;
	int n;

	if (c->state_dir[0] != '\0')
		n = snprintf(folder, sizeof(folder), "%s", c->state_dir);
	else if (state != NULL && state[0] == '/')
		n = snprintf(folder, sizeof(folder), "%s/stocknity", state);
	else if (home != NULL && home[0] == '/')
		n = snprintf(
		    folder, sizeof(folder), "%s/.local/state/stocknity", home);
	else
		return err_set(e, RC_SYS,
		    "nowhere to keep the limits without Redis: set STATE_DIR, "
		    "XDG_STATE_HOME or HOME");
	if (n < 0 || (size_t)n >= sizeof(folder))
		return err_set(e, RC_SYS, "STATE_DIR: the path is too long");
	rc = make_folders(folder, e);
	if (rc == RC_OK)
		snprintf(path, GUARD_FILE_PATH, "%s/limits", folder);
	return rc;
}

/* One line; 0 where it is not one of ours.  s is cut up. */
static int
read_line(char *s, struct line *out)
{
	const char *word = strsep(&s, " ");
	int64_t v[WITH_DAY + OF_ONE * GUARD_BOOKINGS] = { 0 };
	int n = 0, most = sizeof(v) / sizeof(v[0]);

	if (*word == '\0' || strlen(word) >= sizeof(out->source))
		return 0;
	snprintf(out->source, sizeof(out->source), "%s", word);
	while (n < most && (word = strsep(&s, " ")) != NULL)
		if (num_int(word, 0, MAX_TIME, &v[n++], NULL) != RC_OK)
			return 0;
	out->limit = (struct guard_limit){
		.tat_us = v[0],
		.hold_us = v[1],
		.hold_n = v[2],
		.seen_us = v[3],
		.day = v[4],
		.used = v[5],
	};
	for (int i = WITH_DAY; i + OF_ONE <= n; i += OF_ONE)
		out->limit.booked[out->limit.nbooked++] =
		    (struct guard_booking){ v[i], v[i + 1], v[i + 2] };
	return s == NULL &&
	       (n == PLAIN || (n >= WITH_DAY && (n - WITH_DAY) % OF_ONE == 0));
}

static void
read_lines(char *text, struct limits *l)
{
	char *next;

	for (; text != NULL && l->n < MAX_LINES; text = next) {
		next = strchr(text, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (read_line(text, &l->line[l->n]))
			l->n++;
	}
}

/* Wait for the lock, but not for ever: its holder may be stopped. */
static enum rc
lock(int fd, const char *path, struct err *e)
{
	int64_t end = clock_mono_ms() + LOCK_MS;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set(e, RC_SYS, "cannot lock %s: %s", path,
			    strerror(errno));
		if (clock_mono_ms() >= end)
			return err_set(e, RC_SYS,
			    "%s stays locked by another process", path);
		clock_sleep_ms(LOCK_STEP);
	}
	return RC_OK;
}

static enum rc
read_file(int fd, const char *path, struct limits *l, struct err *e)
{
	char *text = malloc(LIMIT_STATE + 1);
	size_t n = 0;
	ssize_t got;

	if (text == NULL)
		return err_set(e, RC_NOMEM, "%s: out of memory", path);
	do {
		got = read(fd, text + n, LIMIT_STATE - n);
		if (got > 0)
			n += (size_t)got;
	} while ((got > 0 && n < LIMIT_STATE) || (got < 0 && errno == EINTR));
	if (got < 0) {
		free(text);
		return err_set(
		    e, RC_SYS, "cannot read %s: %s", path, strerror(errno));
	}
	text[n] = '\0';
	read_lines(text, l);
	free(text);
	return RC_OK;
}

/* Open and lock the file and read it; l->fd is the caller's to close. */
static enum rc
load(const char *path, struct limits *l, struct err *e)
{
	struct stat st;
	enum rc rc;

	l->n = 0;
	l->fd = open(
	    path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (l->fd < 0)
		return err_set(
		    e, RC_SYS, "cannot open %s: %s", path, strerror(errno));
	if (fstat(l->fd, &st) != 0 || !S_ISREG(st.st_mode))
		rc = err_set(e, RC_SYS, "%s is not a regular file", path);
	else
		rc = lock(l->fd, path, e);
	if (rc == RC_OK)
		rc = read_file(l->fd, path, l, e);
	if (rc != RC_OK)
		close(l->fd);
	return rc;
}

/* The line of a source; a full file forgets its last one. */
static struct guard_limit *
find(struct limits *l, const char *source)
{
	struct line *line;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->line[i].source, source) == 0)
			return &l->line[i].limit;
	if (l->n == MAX_LINES)
		l->n--;
	line = &l->line[l->n++];
	*line = (struct line){ 0 };
	snprintf(line->source, sizeof(line->source), "%s", source);
	return &line->limit;
}

static enum rc
save(const char *path, const struct limits *l, struct err *e)
{
	struct buf b;
	enum rc rc;

	buf_init(&b, LIMIT_STATE);
	for (size_t i = 0; i < l->n; i++) {
		const struct guard_limit *g = &l->line[i].limit;

		buf_addf(&b, "%s %lld %lld %lld %lld", l->line[i].source,
		    (long long)g->tat_us, (long long)g->hold_us,
		    (long long)g->hold_n, (long long)g->seen_us);
		if (g->day != 0)
			buf_addf(&b, " %lld %lld", (long long)g->day,
			    (long long)g->used);
		for (size_t j = 0; j < g->nbooked && g->day != 0; j++)
			buf_addf(&b, " %lld %lld %lld",
			    (long long)g->booked[j].id,
			    (long long)g->booked[j].left,
			    (long long)g->booked[j].until_us);
		buf_addc(&b, '\n');
	}
	rc = buf_check(&b, path, e);
	/* A state that cannot be written must not let calls through. */
	if (rc == RC_OK && (pwrite(l->fd, b.data, b.len, 0) != (ssize_t)b.len ||
			       ftruncate(l->fd, (off_t)b.len) != 0))
		rc = err_set(
		    e, RC_SYS, "cannot write %s: %s", path, strerror(errno));
	buf_fini(&b);
	return rc;
}

enum rc
guard_file_take(const char *path, const char *source, const struct policy *p,
    int64_t max_wait_us, struct grant *g, int64_t *wait_us, enum guard_day *day,
    struct err *e)
{
	int64_t wait = 0, now;
	struct guard_limit *limit;
	struct grant fresh = *g;
	enum rc rc = RC_LIMITED, saved;
	struct limits l;

	if (strlen(source) >= NAME_SIZE)
		return err_set(e, RC_BUG, "guard: the source's name is long");
	saved = load(path, &l, e);
	if (saved != RC_OK)
		return saved;
	now = clock_wall_us(); /* under the lock */
	limit = find(&l, source);
	*day = guard_limit_day(limit, now, p, g, &wait);
	if (*day == DAY_FREE)
		rc = guard_limit_take(limit, now, guard_interval_us(p),
		    p->burst, max_wait_us, &fresh, &wait);
	if (rc == RC_OK)
		guard_limit_count(limit, now, p, &fresh, wait == 0);
	saved = save(path, &l, e);
	close(l.fd);
	if (saved != RC_OK)
		return saved;
	*wait_us = wait;
	if (rc == RC_OK)
		*g = fresh;
	return rc;
}

enum rc
guard_file_unbook(
    const char *path, const char *source, int64_t booking, struct err *e)
{
	struct limits l;
	enum rc rc = load(path, &l, e);

	if (rc != RC_OK)
		return rc;
	guard_limit_unbook(find(&l, source), booking);
	rc = save(path, &l, e);
	close(l.fd);
	return rc;
}

enum rc
guard_file_report(const char *path, const char *source, const struct grant *g,
    enum rc what, int64_t retry_after_us, int64_t *hold_us, struct err *e)
{
	int64_t now, hold;
	struct guard_limit *limit;
	struct limits l;
	enum rc rc;

	rc = load(path, &l, e);
	if (rc != RC_OK)
		return rc;
	now = clock_wall_us(); /* under the lock */
	limit = find(&l, source);
	guard_limit_report(limit, now, g, what, retry_after_us);
	hold = limit->hold_us > now ? limit->hold_us - now : 0;
	rc = save(path, &l, e);
	close(l.fd);
	if (rc == RC_OK)
		*hold_us = hold;
	return rc;
}

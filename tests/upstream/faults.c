/*
 * Faults on demand.  POST /_/faults takes rules, one a line:
 *
 *	kind=WORD [path=PREFIX] [match=TEXT] [after=N] [count=N] [rate=P]
 *	    [n=N] [column=ID] [to=TEXT] [retry-after=TEXT]
 *
 * Blank lines and those that open with '#' are skipped; values are
 * percent-decoded.  A rule concerns the calls whose path opens with PREFIX
 * (default "/") and whose query, not decoded, holds TEXT.  Of these it lets N
 * pass (after), then fires N times (count, default without end), each time
 * with probability P (rate, default 1; repeats with --seed).  The first rule
 * that fires decides the call; the ones below it do not see that call.
 * GET /_/faults lists the rules with what they saw; POST /_/reset clears them,
 * the counters and the log of calls.  What each kind does is in kinds[].
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "faults.h"
#include "text.h"

enum { RULES = 64 };

static const struct kind {
	const char *name;
	enum fault_kind kind;
	long n; /* when the rule has no n= */
	const char *help;
} kinds[] = {
	{ "busy", FAULT_BUSY, 0,
	    "200 and the 18 bytes \"Too many requests.\"" },
	{ "challenge", FAULT_CHALLENGE, 0, "403, cf-mitigated: challenge" },
	{ "redirect", FAULT_REDIRECT, 0, "302 to another host, or to to=URL" },
	{ "loop", FAULT_LOOP, 0, "302 to itself" },
	{ "consent", FAULT_CONSENT, 0, "302s that end in a consent form" },
	{ "html", FAULT_HTML, 0, "200 with HTML, whatever was due" },
	{ "crumb", FAULT_CRUMB, 0, "401 Invalid Crumb; the crumb is void" },
	{ "token", FAULT_TOKEN, 0,
	    "the export does not take the token: 302 to the login page, or "
	    "200 and the text to=" },
	{ "reset", FAULT_RESET, 0, "RST, after n bytes of body if n > 0" },
	{ "silence", FAULT_SILENCE, 60, "no answer at all for n seconds" },
	{ "stall", FAULT_STALL, 60, "headers, then nothing for n seconds" },
	{ "slow", FAULT_SLOW, 2000, "n bytes a second" },
	{ "short", FAULT_SHORT, 0, "closed after n bytes (0: half) of body" },
	{ "endless", FAULT_ENDLESS, 1024, "a body of n MiB without a length" },
	{ "bomb", FAULT_BOMB, 256, "gzip of n MiB of blanks" },
	{ "badgzip", FAULT_BADGZIP, 0,
	    "Content-Encoding: gzip, but it is not" },
	{ "latin1", FAULT_LATIN1, 1, "row n: a company name in Latin-1" },
	{ "cut", FAULT_CUT, 0, "whole by its length, but cut in the table" },
	{ "layout", FAULT_LAYOUT, 0, "no table: another markup" },
	{ "rename", FAULT_RENAME, 0,
	    "heading of column (65) becomes to (Kurs)" },
	{ "reorder", FAULT_REORDER, 0, "the columns backwards" },
	{ "refuse", FAULT_REFUSE, 0, "c= is ignored" },
	{ "wide", FAULT_WIDE, 1000000, "a table of n columns more" },
	{ "shrink", FAULT_SHRINK, 150, "total and rows fewer by n" },
	{ "count", FAULT_COUNT, 1, "the count element says n more" },
	{ "twice", FAULT_TWICE, 1, "row n of the page comes twice" },
	{ "missing", FAULT_MISSING, 2, "row n of the page is left out" },
	{ "control", FAULT_CONTROL, 1, "row n: control bytes in the ticker" },
	{ "figure", FAULT_FIGURE, 0, "figures (of column) are to (NaN)" },
	{ "quota", FAULT_QUOTA, 0, "a source behind a key: quota used up" },
	{ "burst", FAULT_BURST, 0, "the same: too many at once" },
	{ "premium", FAULT_PREMIUM, 0, "the same: the plan lacks this" },
	{ "delisted", FAULT_DELISTED, 0, "Yahoo's chart: no such symbol" },
	{ "holiday", FAULT_HOLIDAY, 0, "Polygon: no trading on this day" },
};

struct rule {
	struct fault fault; /* what a call gets that it fires for */
	char path[128], match[128];
	unsigned long after, count; /* count 0: without end */
	double rate;
	unsigned long seen, fired;
	uint64_t chance;
};

struct faults {
	pthread_mutex_t lock;
	uint64_t seed;
	struct rule rules[RULES];
	size_t n;
};

struct faults *
faults_new(uint64_t seed)
{
	struct faults *f = mem_new(sizeof(*f));

	pthread_mutex_init(&f->lock, NULL);
	f->seed = seed;
	return f;
}

void
faults_free(struct faults *f)
{
	if (f == NULL)
		return;
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static int
hex(char c)
{
	const char *digits = "0123456789abcdef", *at;

	at = c != '\0' ? strchr(digits, c | 0x20) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

/* Copy a percent-encoded value; -1 when it does not fit. */
static int
decode(char *to, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++) {
		if (n + 1 >= size)
			return -1;
		if (*s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
			to[n++] = (char)(hex(s[1]) * 16 + hex(s[2]));
			s += 2;
		} else {
			to[n++] = *s;
		}
	}
	to[n] = '\0';
	return 0;
}

static int
set_kind(struct rule *r, const char *value)
{
	struct fault *f = &r->fault;
	char *end;
	size_t i;

	if (decode(f->name, sizeof(f->name), value) != 0)
		return -1;
	f->status = (int)strtol(value, &end, 10);
	if (end != value) {
		f->kind = FAULT_STATUS;
		if (*end != '\0' || f->status < 400 || f->status > 999)
			return -1;
		return 0;
	}
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].name, value) == 0) {
			f->kind = kinds[i].kind;
			return 0;
		}
	return -1;
}

static int
number(const char *value, unsigned long *to)
{
	char *end;

	*to = strtoul(value, &end, 10);
	return end != value && *end == '\0' && *value != '-' ? 0 : -1;
}

static int
set_path(struct rule *r, const char *value)
{
	return decode(r->path, sizeof(r->path), value);
}

static int
set_match(struct rule *r, const char *value)
{
	return decode(r->match, sizeof(r->match), value);
}

static int
set_after(struct rule *r, const char *value)
{
	return number(value, &r->after);
}

static int
set_count(struct rule *r, const char *value)
{
	return number(value, &r->count);
}

static int
set_rate(struct rule *r, const char *value)
{
	char *end;

	r->rate = strtod(value, &end);
	if (end == value || *end != '\0' || r->rate < 0 || r->rate > 1)
		return -1;
	return 0;
}

static int
set_n(struct rule *r, const char *value)
{
	unsigned long n;

	if (number(value, &n) != 0 || n > INT32_MAX)
		return -1;
	r->fault.n = (long)n;
	return 0;
}

static int
set_column(struct rule *r, const char *value)
{
	unsigned long n;

	if (number(value, &n) != 0 || n > INT32_MAX)
		return -1;
	r->fault.column = (int)n;
	return 0;
}

static int
set_to(struct rule *r, const char *value)
{
	return decode(r->fault.to, sizeof(r->fault.to), value);
}

static int
set_retry_after(struct rule *r, const char *value)
{
	return decode(
	    r->fault.retry_after, sizeof(r->fault.retry_after), value);
}

static const struct {
	const char *name;
	int (*set)(struct rule *, const char *value);
} words[] = {
	{ "kind", set_kind },
	{ "path", set_path },
	{ "match", set_match },
	{ "after", set_after },
	{ "count", set_count },
	{ "rate", set_rate },
	{ "n", set_n },
	{ "column", set_column },
	{ "to", set_to },
	{ "retry-after", set_retry_after },
};

/* Take one NAME=VALUE into the rule. */
static int
set_word(struct rule *r, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i].name, name) == 0)
			return words[i].set(r, value);
	return -1;
}

/* What the kind takes when the rule does not say it. */
static void
set_defaults(struct fault *f)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds) && f->n < 0; i++)
		if (kinds[i].kind == f->kind)
			f->n = kinds[i].n;
}

/* Read one line (which is cut up); 0, or -1 and *bad is the word at fault. */
static int
read_rule(struct rule *r, char *line, const char **bad)
{
	char *word, *eq;

	*r = (struct rule){ .path = "/", .rate = 1 };
	r->fault.n = -1;
	r->fault.column = -1;
	while ((word = strsep(&line, " \t\r")) != NULL) {
		if (*word == '\0')
			continue;
		*bad = word;
		eq = strchr(word, '=');
		if (eq == NULL)
			return -1;
		*eq = '\0';
		if (set_word(r, word, eq + 1) != 0)
			return -1;
	}
	*bad = "no kind=";
	set_defaults(&r->fault);
	return r->fault.kind != FAULT_NONE ? 0 : -1;
}

/* All lines into rules[]; their number, or -1 and why. */
static int
read_rules(struct rule *rules, char *s, char *why, size_t size)
{
	const char *bad = "";
	int line, n = 0;
	char *next;

	for (line = 1; s != NULL; s = next, line++) {
		next = strchr(s, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (s[strspn(s, " \t\r")] == '\0' || *s == '#')
			continue;
		if (n == RULES) {
			snprintf(why, size, "more than %d rules", RULES);
			return -1;
		}
		if (read_rule(&rules[n++], s, &bad) != 0) {
			snprintf(why, size, "line %d: %s", line, bad);
			return -1;
		}
	}
	return n;
}

int
faults_add(struct faults *f, const char *s, char *why, size_t size)
{
	struct rule *rules = mem_new(RULES * sizeof(*rules));
	char *copy = mem_dup(s);
	int i, n;

	n = read_rules(rules, copy, why, size);
	pthread_mutex_lock(&f->lock);
	if (n >= 0 && f->n + (size_t)n > RULES) {
		snprintf(why, size, "more than %d rules", RULES);
		n = -1;
	}
	for (i = 0; i < n; i++) {
		rules[i].chance = f->seed + f->n;
		f->rules[f->n++] = rules[i];
	}
	pthread_mutex_unlock(&f->lock);
	free(copy);
	free(rules);
	return n < 0 ? -1 : 0;
}

void
faults_clear(struct faults *f)
{
	pthread_mutex_lock(&f->lock);
	f->n = 0;
	pthread_mutex_unlock(&f->lock);
}

/* Does the rule fire for a call that it concerns? */
static int
fires(struct rule *r)
{
	if (r->seen++ < r->after || (r->count && r->fired >= r->count))
		return 0;
	if (r->rate < 1 && chance_real(&r->chance) >= r->rate)
		return 0;
	r->fired++;
	return 1;
}

void
faults_pick(
    struct faults *f, const char *path, const char *query, struct fault *out)
{
	struct rule *r;

	*out = (struct fault){ .kind = FAULT_NONE };
	pthread_mutex_lock(&f->lock);
	for (r = f->rules; r < f->rules + f->n; r++)
		if (strncmp(path, r->path, strlen(r->path)) == 0 &&
		    strstr(query, r->match) != NULL && fires(r)) {
			*out = r->fault;
			break;
		}
	pthread_mutex_unlock(&f->lock);
}

void
faults_json(struct faults *f, struct text *t)
{
	const struct rule *r;
	const char *sep = "";

	pthread_mutex_lock(&f->lock);
	text_add(t, "[");
	for (r = f->rules; r < f->rules + f->n; r++, sep = ",") {
		text_addf(t, "%s{\"kind\":", sep);
		text_json(t, r->fault.name);
		text_add(t, ",\"path\":");
		text_json(t, r->path);
		text_addf(t, ",\"seen\":%lu,\"fired\":%lu}", r->seen, r->fired);
	}
	text_add(t, "]");
	pthread_mutex_unlock(&f->lock);
}

void
faults_help(struct text *t)
{
	size_t i;

	text_add(t,
	    "POST /_/faults takes rules, one a line:\n"
	    "  kind=WORD [path=PREFIX] [match=TEXT-IN-QUERY] [after=N] "
	    "[count=N] [rate=P]\n"
	    "  [n=N] [column=ID] [to=TEXT] [retry-after=TEXT]\n"
	    "  429 403 502 ...  any status from 400 on, with its usual body\n");
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		text_addf(t, "  %-10s %s\n", kinds[i].name, kinds[i].help);
}

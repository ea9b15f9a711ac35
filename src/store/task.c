#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "store/task.h"

const struct task_type_info task_types[TASK__MAX] = {
	[TASK_FETCH] = { "fetch_stock_data", 0, 1 },
	[TASK_RETURNS] = { "calculate_annual_returns", 0, 1 },
	[TASK_PROBE] = { "probe", 1, 0 },
};

static const char *const priorities[PRIORITY__MAX] = {
	[PRIORITY_LOW] = "low",
	[PRIORITY_NORMAL] = "normal",
	[PRIORITY_HIGH] = "high",
	[PRIORITY_URGENT] = "urgent",
};

static const char *const statuses[TASK_STATUS__MAX] = {
	[TASK_PENDING] = "pending",
	[TASK_SCHEDULED] = "scheduled",
	[TASK_PROCESSING] = "processing",
	[TASK_COMPLETED] = "completed",
	[TASK_FAILED] = "failed",
	[TASK_CANCELLED] = "cancelled",
};

/* The place of name among n words; RC_USAGE with all of them where it is none.
 */
static enum rc
word_of(const char *what, const char *name, const char *const *words, size_t n,
    size_t *at, struct err *e)
{
	char list[128] = "";
	size_t len = 0;
	const char *near;

	for (size_t i = 0; i < n; i++)
		if (strcmp(name, words[i]) == 0) {
			*at = i;
			return RC_OK;
		}
	for (size_t i = 0; i < n && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
		    i > 0 ? ", " : "", words[i]);
	near = dataset_nearest(name, words, n);
	return err_set(e, RC_USAGE,
	    "unknown %s \"%.20s\": it is one of %s%s%s%s", what, name, list,
	    near != NULL ? " (did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?)" : "");
}

enum rc
task_type_of(const char *name, enum task_type *out, struct err *e)
{
	const char *words[TASK__MAX];
	size_t at;
	enum rc rc;

	for (size_t i = 0; i < TASK__MAX; i++)
		words[i] = task_types[i].name;
	rc = word_of("task type", name, words, TASK__MAX, &at, e);
	if (rc == RC_OK)
		*out = (enum task_type)at;
	return rc;
}

enum rc
task_priority_of(const char *name, enum priority *out, struct err *e)
{
	size_t at;
	enum rc rc;

	if (name[0] >= '1' && name[0] <= '4' && name[1] == '\0') {
		*out = (enum priority)(name[0] - '1');
		return RC_OK;
	}
	rc = word_of("priority", name, priorities, PRIORITY__MAX, &at, e);
	if (rc == RC_OK)
		*out = (enum priority)at;
	return rc;
}

const char *
task_priority_name(enum priority p)
{
	return p < PRIORITY__MAX ? priorities[p] : "?";
}

const char *
task_status_name(enum task_status s)
{
	return s < TASK_STATUS__MAX ? statuses[s] : "?";
}

enum rc
task_status_of(const char *name, enum task_status *out, struct err *e)
{
	size_t at;
	enum rc rc;

	rc = word_of("status", name, statuses, TASK_STATUS__MAX, &at, e);
	if (rc == RC_OK)
		*out = (enum task_status)at;
	return rc;
}

static char *
put_hex(char *p, uint64_t v, int digits)
{
	for (int i = digits - 1; i >= 0; i--)
		*p++ = "0123456789abcdef"[v >> 4 * i & 0xf];
	return p;
}

/* RFC 9562, section 5.7, with its method 3: the twelve bits behind the
 * milliseconds are their fraction. */
static uint64_t
ticks_now(void)
{
	uint64_t us = (uint64_t)clock_wall_us();

	return us / 1000 << 12 | us % 1000 * 4096 / 1000;
}

static void
put_id(char *p, uint64_t ticks, uint64_t r)
{
	p = put_hex(p, ticks >> 28, 8);
	*p++ = '-';
	p = put_hex(p, ticks >> 12, 4);
	*p++ = '-';
	p = put_hex(p, 0x7000 | (ticks & 0xfff), 4);
	*p++ = '-';
	p = put_hex(p, 0x8000 | (r >> 48 & 0x3fff), 4);
	*p++ = '-';
	p = put_hex(p, r, 12);
	*p = '\0';
}

/* Never fails for 256 bytes or less, and never waits once booted. */
static void
fill_random(uint64_t *r, size_t n)
{
	if (getrandom(r, n * sizeof(*r), 0) == (ssize_t)(n * sizeof(*r)))
		return;
	for (size_t i = 0; i < n; i++)
		r[i] = ((uint64_t)clock_wall_us() + i) *
		       UINT64_C(0x9e3779b97f4a7c15);
}

void
task_ids_next(struct task_ids *ids, char out[TASK_ID + 1])
{
	uint64_t now = ticks_now();

	if (ids->left == 0) {
		for (size_t i = 0; i < TASK_RANDOM; i += 32)
			fill_random(ids->random + i, 32);
		ids->left = TASK_RANDOM;
	}
	ids->last = now > ids->last ? now : ids->last + 1;
	put_id(out, ids->last, ids->random[--ids->left]);
}

void
task_new_id(char out[TASK_ID + 1])
{
	uint64_t r;

	fill_random(&r, 1);
	put_id(out, ticks_now(), r);
}

int
task_is_id(const char *id)
{
	static const char form[] = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";

	for (size_t i = 0; i < TASK_ID; i++)
		if (form[i] == '-' ? id[i] != '-'
				   : id[i] == '\0' || strchr("0123456789abcdef",
							  id[i]) == NULL)
			return 0;
	return id[TASK_ID] == '\0';
}

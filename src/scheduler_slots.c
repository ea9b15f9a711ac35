#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scheduler_slots.h"

#define SECOND INT64_C(1000000) /* in microseconds */
#define HOUR   INT64_C(3600)
/* Between the first zone that has a local date and the last one. */
#define ZONES (26 * HOUR)

const char *
scheduler_word(const char *p, char *out, size_t size)
{
	size_t n = strcspn(p, " ");

	if (n == 0 || n >= size)
		return NULL;
	memcpy(out, p, n);
	out[n] = '\0';
	return p + n + (p[n] == ' ');
}

const char *
scheduler_number(const char *p, int64_t *out)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(p, &end, 10);
	if (end == p || errno != 0 || (*end != ' ' && *end != '\0'))
		return NULL;
	*out = v;
	return end + (*end == ' ');
}

enum rc
scheduler_slots_ask(struct redis *redis, struct err *e)
{
	const char *argv[] = { "HGETALL", SCHEDULER_SLOTS_KEY };

	return redis_add(redis, 2, argv, NULL, e);
}

/* One field; leases, and what is not ours, are passed over. */
static void
read_slot(const char *name, const char *value, struct scheduler_slots *out)
{
	struct scheduler_slot *slot = &out->list[out->n];
	const char *colon = strchr(name, ':'), *p;
	char job[SCHEDULER_SLOT];

	if (out->n == SCHEDULER_SLOTS || colon == NULL ||
	    strlen(name) >= sizeof(slot->name))
		return;
	snprintf(job, sizeof(job), "%.*s", (int)(colon - name), name);
	if (calendar_job_of(job, &slot->job, NULL) != RC_OK)
		return;
	p = scheduler_number(value, &slot->accepted_us);
	if (p != NULL)
		p = scheduler_word(p, slot->run, sizeof(slot->run));
	if (p == NULL)
		return;
	snprintf(slot->name, sizeof(slot->name), "%s", name);
	slot->done = *p != '\0';
	out->n++;
}

void
scheduler_slots_read(const redisReply *reply, struct scheduler_slots *out)
{
	int64_t on;
	const char *p;

	out->n = 0;
	out->running = 1; /* a fresh installation runs */
	out->since_us = 0;
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		const char *name = reply->element[i]->str;
		const char *value = reply->element[i + 1]->str;

		if (strcmp(name, "switch") != 0) {
			read_slot(name, value, out);
			continue;
		}
		p = scheduler_number(value, &on);
		if (p != NULL && scheduler_number(p, &out->since_us) != NULL)
			out->running = on != 0;
	}
}

const struct scheduler_slot *
scheduler_find(const struct scheduler_slots *slots, const char *name)
{
	for (size_t i = 0; i < slots->n; i++)
		if (strcmp(slots->list[i].name, name) == 0)
			return &slots->list[i];
	return NULL;
}

const struct scheduler_slot *
scheduler_newest(const struct scheduler_slots *slots, enum scheduler_job job)
{
	const struct scheduler_slot *newest = NULL;

	for (size_t i = 0; i < slots->n; i++) {
		const struct scheduler_slot *slot = &slots->list[i];

		if (slot->job == job &&
		    (newest == NULL || strcmp(slot->name, newest->name) > 0))
			newest = slot;
	}
	return newest;
}

/* Is it later than what could be due at an instant, at whatever HH:MM? */
static int
is_later(const struct scheduler_slot *slot, int64_t at, calendar_zone *zone)
{
	char due[SCHEDULER_SLOT];

	calendar_due(slot->job, 0, at, zone, due);
	return strcmp(slot->name, due) > 0;
}

/* Beyond what is due here it is in the future if Redis says so, who accepted
 * it, or if it is beyond what is due anywhere. */
int
scheduler_is_future(
    const struct scheduler_slot *slot, int64_t now_us, calendar_zone *zone)
{
	int64_t now = now_us / SECOND;

	return is_later(slot, now, zone) &&
	       (slot->accepted_us > now_us + SCHEDULER_AHEAD_US ||
		   is_later(slot,
		       now + (slot->job == JOB_HOURLY ? HOUR : ZONES), zone));
}

void
scheduler_future(const struct scheduler_slots *slots, int64_t now_us,
    calendar_zone *zone, char names[JOB__MAX][SCHEDULER_SLOT])
{
	for (int job = 0; job < JOB__MAX; job++) {
		const struct scheduler_slot *slot =
		    scheduler_newest(slots, (enum scheduler_job)job);

		names[job][0] = '\0';
		if (slot != NULL && scheduler_is_future(slot, now_us, zone))
			memcpy(names[job], slot->name, sizeof(slot->name));
	}
}

void
scheduler_future_text(struct buf *b, const char *name)
{
	buf_addf(b,
	    "%s lies in the future: a clock that was ahead accepted it, and "
	    "what is due before is refused (schedule start drops it)",
	    name);
}

#include <string.h>

#include "data/envelope.h"
#include "data/field.h"
#include "openapi.h"
#include "store/task.h"

/* A member of an object; all are required but for those of '?'. */
struct member {
	const char *name;
	const char *type; /* see type(); NULL ends a list */
};

struct object {
	const char *name;
	const struct member *members;
	int open; /* further members are allowed */
};

#define END                                                                    \
	{                                                                      \
		NULL, NULL                                                     \
	}

static const struct member envelope[] = { { "stale", "?boolean" },
	{ "attempts", "?[Any" }, { "success", "boolean" },
	{ "index", "string" }, { "sector", "string" }, { "source", "string" },
	{ "origin", "?string" }, { "error", "string|null" },
	{ "timestamp", "string" }, { "fetched_at", "time" },
	{ "fresh_until", "time" }, { "partial", "boolean" },
	{ "count", "integer" }, { "total", "integer|null" },
	{ "missing_fields", "[Name" }, { "filled", "?Any" },
	{ "members", "?string" }, { "data_hash", "string" },
	{ "returns_fetched_at", "?string|null" }, { "data", "[Record" }, END };
static const struct member waiting[] = { { "success", "boolean" },
	{ "message", "string" }, { "index", "string" }, { "sector", "string" },
	{ "count", "integer" }, { "data", "[Record" }, { "task_id", "string" },
	{ "task", "Task" }, END };
static const struct member attempt[] = { { "at", "time" },
	{ "error", "string" }, END };
static const struct member task[] = { { "id", "string" }, { "type", "string" },
	{ "index", "string|null" }, { "sector", "string|null" },
	{ "priority", "Priority" }, { "status", "Status" },
	{ "error_message", "string|null" }, { "retry_count", "integer" },
	{ "max_retries", "integer" }, { "lost", "integer" },
	{ "force", "boolean" }, { "rerun", "boolean" },
	{ "created_at", "time|null" }, { "updated_at", "time|null" },
	{ "due_at", "time|null" }, { "started_at", "time|null" },
	{ "finished_at", "time|null" }, { "lease_until", "time|null" },
	{ "owner", "string|null" }, { "position", "integer|null" },
	{ "progress", "string|null" }, { "put_off", "string|null" },
	{ "result", "string|null" }, { "attempts", "[Attempt" }, END };
static const struct member task_answer[] = { { "success", "boolean" },
	{ "task_id", "string" }, { "task", "Task" }, END };
static const struct member task_done[] = { { "success", "boolean" },
	{ "message", "string" }, { "task_id", "string" }, { "task", "Task" },
	END };
static const struct member tasks_done[] = { { "success", "boolean" },
	{ "message", "string" }, { "task_id", "string" }, { "task", "Task" },
	{ "tasks", "[Task" }, END };
static const struct member switched[] = { { "success", "boolean" },
	{ "message", "string" }, { "running", "boolean" }, END };
static const struct member times[] = { { "daily_refresh", "string|null" },
	{ "hourly_check", "string|null" }, { "weekly_cleanup", "string|null" },
	{ "warming", "string|null" }, END };
static const struct member queue_counts[] = { { "pending", "integer" },
	{ "processing", "integer" }, { "completed", "integer" },
	{ "failed", "integer" }, { "scheduled", "integer" },
	{ "cancelled", "integer" }, END };
static const struct member run[] = { { "slot", "string" },
	{ "accepted_at", "time" }, { "started_at", "time" },
	{ "ended_at", "time|null" }, { "duration_seconds", "number|null" },
	{ "exit", "integer|null" }, { "enqueued", "integer|null" },
	{ "merged", "integer|null" }, { "missed", "integer|null" },
	{ "purged", "integer|null" }, { "repaired", "integer|null" },
	{ "findings", "integer|null" }, END };
static const struct member runs[] = { { "daily_refresh", "Run|null" },
	{ "hourly_check", "Run|null" }, { "weekly_cleanup", "Run|null" },
	{ "warming", "Run|null" }, END };
static const struct member schedule[] = { { "daily_refresh", "string" },
	{ "hourly_check", "string" }, { "weekly_cleanup", "string" },
	{ "warming", "string" }, { "indexes", "[Name" }, END };
static const struct member status[] = { { "success", "boolean" },
	{ "running", "boolean" }, { "last_run", "Times" },
	{ "next_run", "Times" }, { "queue_stats", "QueueCounts" },
	{ "schedule_config", "Schedule" }, { "since", "time|null" },
	{ "runs", "Runs" }, { "findings", "[Name" }, { "at", "time" }, END };
static const struct member queue[] = { { "pending", "integer" },
	{ "scheduled", "integer" }, { "processing", "integer" },
	{ "completed", "integer" }, { "failed", "integer" },
	{ "expired", "integer" }, { "by_priority", "Counts" },
	{ "oldest_seconds", "number|null" }, { "done_last_minute", "integer" },
	{ "failed_last_minute", "integer" }, { "paused", "boolean" },
	{ "pause_reason", "string|null" }, { "pause_until", "time|null" },
	{ "counters", "Counts" }, { "at", "time" }, END };
static const struct member queue_answer[] = { { "success", "boolean" },
	{ "queue", "Queue" }, END };
static const struct member dataset[] = { { "index", "string" },
	{ "sector", "string" }, { "state", "string" },
	{ "age_seconds", "?number" }, { "fetched_at", "?time" },
	{ "fresh_until", "?time" }, { "rows", "?integer" },
	{ "bytes", "?integer" }, { "source", "?string" }, { "hits", "integer" },
	{ "stale_reads", "integer" }, { "misses", "integer" },
	{ "last_read_at", "time|null" }, { "early_refreshes", "integer" },
	{ "predicted_refreshes", "integer" }, { "predicted_used", "integer" },
	{ "sweep_seconds", "number|null" }, END };
static const struct member returns[] = { { "index", "string" },
	{ "state", "string" }, { "age_seconds", "?number" },
	{ "fetched_at", "?time" }, { "fresh_until", "?time" },
	{ "rows", "?integer" }, { "bytes", "?integer" },
	{ "source", "?string" }, { "hits", "integer" },
	{ "stale_reads", "integer" }, { "misses", "integer" },
	{ "last_read_at", "time|null" }, { "early_refreshes", "integer" },
	{ "sweep_seconds", "number|null" }, END };
static const struct member source[] = { { "name", "string" }, END };
static const struct member cache_info[] = { { "success", "boolean" },
	{ "datasets", "[Dataset" }, { "annual_returns", "[Returns" },
	{ "sources", "[Source" }, END };
static const struct member cleared[] = { { "success", "boolean" },
	{ "message", "string" }, { "cleared", "integer" }, END };
static const struct member finding[] = { { "name", "string" },
	{ "text", "string" }, END };
static const struct member health[] = { { "success", "boolean" },
	{ "status", "string" }, { "error", "string|null" },
	{ "checks", "[Finding" }, END };
static const struct member alive[] = { { "success", "boolean" },
	{ "status", "string" }, END };
static const struct member problem[] = { { "success", "boolean" },
	{ "type", "string" }, { "title", "string" }, { "status", "integer" },
	{ "code", "string" }, { "detail", "string" }, { "error", "string" },
	{ "instance", "string" }, { "parameter", "?string" },
	{ "allowed", "?[Name" }, END };

static const struct object objects[] = {
	{ "Envelope", envelope, 0 },
	{ "Waiting", waiting, 0 },
	{ "Attempt", attempt, 0 },
	{ "Task", task, 0 },
	{ "TaskAnswer", task_answer, 0 },
	{ "TaskDone", task_done, 0 },
	{ "TasksDone", tasks_done, 0 },
	{ "Switch", switched, 0 },
	{ "Times", times, 0 },
	{ "QueueCounts", queue_counts, 0 },
	{ "Run", run, 0 },
	{ "Runs", runs, 0 },
	{ "Schedule", schedule, 0 },
	{ "SchedulerStatus", status, 0 },
	{ "Queue", queue, 0 },
	{ "QueueAnswer", queue_answer, 0 },
	{ "Dataset", dataset, 0 },
	{ "Returns", returns, 0 },
	{ "Source", source, 1 },
	{ "CacheInfo", cache_info, 0 },
	{ "Cleared", cleared, 0 },
	{ "Finding", finding, 0 },
	{ "Health", health, 0 },
	{ "Alive", alive, 0 },
	{ "Problem", problem, 0 },
};

/* "string", "integer|null", "time", "[Record" (a list of), "Task", "Run|null".
 */
static void
type(struct buf *b, const char *text)
{
	int nullable = strstr(text, "|null") != NULL;
	size_t n = strcspn(text, "|");

	if (*text == '[') {
		buf_adds(b, "{\"type\":\"array\",\"items\":");
		type(b, text + 1);
		buf_addc(b, '}');
	} else if (*text >= 'A' && *text <= 'Z') {
		buf_adds(b, nullable ? "{\"anyOf\":[" : "");
		buf_addf(b, "{\"$ref\":\"#/components/schemas/%.*s\"}", (int)n,
		    text);
		buf_adds(b, nullable ? ",{\"type\":\"null\"}]}" : "");
	} else {
		int time = n == 4 && strncmp(text, "time", 4) == 0;

		buf_addf(b, "{\"type\":%s\"%.*s\"%s", nullable ? "[" : "",
		    time ? 6 : (int)n, time ? "string" : text,
		    nullable ? ",\"null\"]" : "");
		buf_adds(b, time ? ",\"format\":\"date-time\"}" : "}");
	}
}

static void
write_object(struct buf *b, const struct object *o)
{
	const struct member *m;
	int n = 0;

	buf_addf(b, "\"%s\":{\"type\":\"object\",\"required\":[", o->name);
	for (m = o->members; m->name != NULL; m++)
		if (*m->type != '?')
			buf_addf(b, "%s\"%s\"", n++ > 0 ? "," : "", m->name);
	buf_adds(b, "],\"properties\":{");
	for (m = o->members; m->name != NULL; m++) {
		buf_addf(b, "%s\"%s\":", m == o->members ? "" : ",", m->name);
		type(b, m->type + (*m->type == '?'));
	}
	buf_addf(b, "}%s},", o->open ? "" : ",\"additionalProperties\":false");
}

static const struct {
	const char *type, *unit;
} kinds[] = {
	[FIELD_TEXT] = { "string|null", "" },
	[FIELD_DATE] = { "string|null", "a date" },
	[FIELD_NUMBER] = { "number|null", "" },
	[FIELD_FRACTION] = { "number|null", "a fraction: 0.07 is 7 %" },
	[FIELD_MONEY] = { "number|null", "dollars" },
	[FIELD_COUNT] = { "number|null", "a count" },
};

/* A record: every field, the two that the envelope adds, and what is joined to
 * it where that was asked for. */
static void
write_record(struct buf *b)
{
	static const char *const more[] = { "Index", "Last_Updated" };
	static const char *const joined[] = { "expected_annual_return",
		"expected_annual_risk", "return_risk_ratio" };

	buf_adds(b, "\"Record\":{\"type\":\"object\",\"required\":[");
	for (int i = 0; i < FIELD__MAX; i++) {
		envelope_string(b, fields[i].name);
		buf_addc(b, ',');
	}
	buf_addf(b, "\"%s\",\"%s\"],\"properties\":{", more[0], more[1]);
	for (int i = 0; i < FIELD__MAX; i++) {
		const char *unit = kinds[fields[i].type].unit;

		envelope_string(b, fields[i].name);
		buf_adds(b, ":{\"allOf\":[");
		type(b, kinds[fields[i].type].type);
		buf_adds(b, "],\"description\":");
		envelope_string(b, *unit != '\0' ? unit : fields[i].label);
		buf_adds(b, "},");
	}
	buf_addf(b, "\"%s\":{\"type\":\"string\"},\"%s\":{\"type\":\"string\"}",
	    more[0], more[1]);
	for (size_t i = 0; i < sizeof(joined) / sizeof(joined[0]); i++) {
		buf_addf(b, ",\"%s\":", joined[i]);
		type(b, "number|null");
	}
	buf_adds(b, "},\"additionalProperties\":false},");
}

static void
write_words(struct buf *b)
{
	buf_adds(b, "\"Priority\":{\"type\":\"string\",\"enum\":[");
	for (int i = 0; i < PRIORITY__MAX; i++)
		buf_addf(b, "%s\"%s\"", i > 0 ? "," : "",
		    task_priority_name((enum priority)i));
	buf_adds(b, "]},\"Status\":{\"type\":\"string\",\"enum\":[");
	for (int i = 0; i < TASK_STATUS__MAX; i++)
		buf_addf(b, "%s\"%s\"", i > 0 ? "," : "",
		    task_status_name((enum task_status)i));
	buf_adds(b, "]},");
}

void
openapi_schemas(struct buf *b)
{
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		write_object(b, &objects[i]);
	write_record(b);
	write_words(b);
	buf_adds(b, "\"Name\":{\"type\":\"string\"},\"Any\":{},"
		    "\"Counts\":{\"type\":\"object\",\"additionalProperties\":"
		    "{\"type\":[\"integer\",\"null\"]}},"
		    "\"Document\":{\"type\":\"object\"}");
}

#include <string.h>

#include "api.h"

#define DATASET (TAKES(INPUT_INDEX) | TAKES(INPUT_SECTOR))
#define TABLE   (DATASET | TAKES(INPUT_RETURNS))

const struct input_info inputs[INPUT__MAX] = {
	[INPUT_INDEX] = { "index", 0 },
	[INPUT_SECTOR] = { "sector", 0 },
	[INPUT_RETURNS] = { "returns", 0 },
	[INPUT_ALL] = { "all", 1 },
};

const struct route routes[] = {
	{ METHOD_POST, "/api/scheduler/start", scheduler_start, 1, 0, 0,
	    "Let the scheduler's slots run", { { 200, "Switch" } } },
	{ METHOD_POST, "/api/scheduler/stop", scheduler_stop, 1, 0, 0,
	    "Let them pass by", { { 200, "Switch" } } },
	{ METHOD_GET, "/api/scheduler/status", scheduler_status, 0, 0, 0,
	    "Last and next runs, the queue, the settings",
	    { { 200, "SchedulerStatus" } } },
	{ METHOD_POST, "/api/scheduler/refresh", scheduler_refresh_post, 1, 0,
	    DATASET, "Have a dataset fetched anew, urgently",
	    { { 202, "TaskDone" } } },
	{ METHOD_POST, "/api/scheduler/force-refresh", scheduler_force_post, 1,
	    0, 0, "The same for every index that is kept fresh",
	    { { 202, "TasksDone" } } },
	{ METHOD_GET, "/api/stocks", stocks_get, 0, TABLE, 0,
	    "The table of an index and sector, as it is stored",
	    { { 200, "Envelope" }, { 202, "Waiting" } } },
	{ METHOD_GET, "/api/screener/data", stocks_get, 0, TABLE, 0,
	    "The same under the name that Stocknity uses",
	    { { 200, "Envelope" }, { 202, "Waiting" } } },
	{ METHOD_GET, "/api/annual-returns", stocks_returns, 0,
	    TAKES(INPUT_INDEX), 0,
	    "The annual returns of an index, as they are stored",
	    { { 200, "Document" }, { 202, "Waiting" } } },
	{ METHOD_GET, "/api/tasks/{id}", task_get, 0, 0, 0, "All of a task",
	    { { 200, "TaskAnswer" } } },
	{ METHOD_DELETE, "/api/tasks/{id}", task_cancel, 1, 0, 0,
	    "Cancel a task; one that runs is told to stop",
	    { { 200, "TaskDone" }, { 202, "TaskDone" } } },
	{ METHOD_POST, "/api/tasks/{id}/requeue", task_requeue, 1, 0, 0,
	    "Put a failed or cancelled task back into the queue",
	    { { 202, "TaskDone" } } },
	{ METHOD_GET, "/api/queue/stats", queue_view, 0, 0, 0,
	    "How the queue stands", { { 200, "QueueAnswer" } } },
	{ METHOD_GET, "/api/cache/info", cache_view, 0, 0, 0,
	    "How datasets and sources stand", { { 200, "CacheInfo" } } },
	{ METHOD_POST, "/api/cache/clear", cache_clear_post, 1, 0,
	    DATASET | TAKES(INPUT_ALL),
	    "Forget cached datasets: of a sector, of an index, or all",
	    { { 200, "Cleared" } } },
	{ METHOD_GET, "/api/health", health, 0, 0, 0,
	    "What is wrong, if anything is",
	    { { 200, "Health" }, { 503, "Health" } } },
	{ METHOD_GET, "/api/health/live", health_live, 0, 0, 0,
	    "Does the process answer", { { 200, "Alive" } } },
	{ METHOD_GET, "/api/health/ready", health_ready, 0, 0, 0,
	    "Does Redis answer as well", { { 200, "Alive" } } },
	{ METHOD_GET, "/metrics", metrics, 0, 0, 0,
	    "All of this for Prometheus", { { 200, "Text" } } },
	{ METHOD_GET, "/api/openapi.json", openapi_get, 0, 0, 0,
	    "This description", { { 200, "Document" } } },
};

const size_t nroutes = sizeof(routes) / sizeof(routes[0]);

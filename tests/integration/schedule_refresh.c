/*
 * schedule_refresh [INDEX SECTOR]: what the API does for a refresh of a
 * dataset, or of all indexes, on the Redis of the settings.  Prints how it went
 * for each task.
 */
#include <stdio.h>

#include "scheduler.h"

int
main(int argc, char *argv[])
{
	static const char *const words[] = { [ENQUEUED_NEW] = "new",
		[ENQUEUED_MERGED] = "merged",
		[ENQUEUED_SAME] = "same",
		[ENQUEUED_FULL] = "full" };
	struct enqueue_result results[DATASET_INDEXES];
	static struct config config;
	struct scheduler *s = NULL;
	struct redis *redis = NULL;
	struct queue *queue = NULL;
	struct dataset d = { NULL, NULL };
	struct err e = { 0 };
	size_t n = 1;
	enum rc rc = config_load(&config, &e);

	if (rc == RC_OK)
		rc = redis_open(&redis, &config, &e);
	if (rc == RC_OK)
		rc = queue_open(&queue, &config, redis, &e);
	if (rc == RC_OK)
		rc = scheduler_open(&s, &config, redis, queue, &e);
	if (rc == RC_OK && argc == 3) {
		rc = dataset_index(argv[1], &d.index, &e);
		if (rc == RC_OK)
			rc = dataset_sector(argv[2], &d.sector, &e);
		if (rc == RC_OK)
			rc = scheduler_refresh(s, &d, results, &e);
	} else if (rc == RC_OK) {
		rc = scheduler_force_refresh(s, results, &n, &e);
	}
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		puts(words[results[i].what]);
	if (rc != RC_OK)
		fprintf(stderr, "%s\n", e.msg);
	scheduler_close(s);
	queue_close(queue);
	redis_close(redis);
	return rc == RC_OK ? 0 : 1;
}

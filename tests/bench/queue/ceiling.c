/*
 * ceiling SOCKET enqueue|drain|single TASKS: the bare ceiling that the queue
 * is measured against, a C loop over hiredis with the least Lua that keeps a
 * job.
 *
 *	enqueue  50 tasks a call
 *	drain    claimed 50 at a time, and completed 50 at a time
 *	single   claimed and completed one by one: two scripts a task
 *
 * A task that waits is in a list, one that runs in a set by the end of its
 * lease, so that a crash loses none; its data, status and result stay in a
 * hash.  There is nothing else: no priorities, no deduplication, no delays, no
 * retries, no fencing, no limits, no counters.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#define BATCH 50
#define ID    37

/*
 * The scripts are frozen: the measure of the queue must not move with it.  Do
 * not change them; figures of before and after could not be compared.
 */
static const char enqueue_lua[] =
    "for i = 1, #ARGV, 2 do\n"
    "  redis.call('HSET', 'ceiling:task:' .. ARGV[i], 'data', ARGV[i + 1],\n"
    "    'status', 'pending')\n"
    "  redis.call('RPUSH', KEYS[1], ARGV[i])\n"
    "end\n"
    "return #ARGV / 2\n";
static const char claim_lua[] =
    "local now = redis.call('TIME')[1]\n"
    "local out = {}\n"
    "for i, id in ipairs(redis.call('LPOP', KEYS[1], ARGV[1]) or {}) do\n"
    "  local key = 'ceiling:task:' .. id\n"
    "  redis.call('ZADD', KEYS[2], now + 60, id)\n"
    "  redis.call('HSET', key, 'status', 'processing')\n"
    "  out[2 * i - 1], out[2 * i] = id, redis.call('HGET', key, 'data')\n"
    "end\n"
    "return out\n";
static const char complete_lua[] =
    "local n = 0\n"
    "for i = 1, #ARGV, 2 do\n"
    "  n = n + redis.call('ZREM', KEYS[1], ARGV[i])\n"
    "  redis.call('HSET', 'ceiling:task:' .. ARGV[i], 'status',\n"
    "    'completed', 'result', ARGV[i + 1])\n"
    "end\n"
    "return n\n";

#define READY      "ceiling:ready"
#define PROCESSING "ceiling:processing"
#define RESULT     "{\"success\":true}"

static void
die(const char *why)
{
	fprintf(stderr, "ceiling: %s\n", why);
	exit(1);
}

static redisReply *
checked(const redisContext *redis, redisReply *r)
{
	if (r == NULL)
		die(redis->errstr);
	if (r->type == REDIS_REPLY_ERROR)
		die(r->str);
	return r;
}

/* Load a script; its SHA1. */
static void
load(redisContext *redis, const char *text, char sha[41])
{
	redisReply *r =
	    checked(redis, redisCommand(redis, "SCRIPT LOAD %s", text));

	snprintf(sha, 41, "%s", r->str);
	freeReplyObject(r);
}

static redisReply *
call(redisContext *redis, int argc, const char **argv)
{
	return checked(redis, redisCommandArgv(redis, argc, argv, NULL));
}

static void
enqueue(redisContext *redis, long tasks)
{
	static char ids[BATCH][ID], data[BATCH][96];
	const char *argv[4 + 2 * BATCH];
	char sha[41];

	load(redis, enqueue_lua, sha);
	argv[0] = "EVALSHA";
	argv[1] = sha;
	argv[2] = "1";
	argv[3] = READY;
	for (long done = 0; done < tasks;) {
		int argc = 4;

		for (int i = 0; i < BATCH && done < tasks; i++, done++) {
			snprintf(ids[i], sizeof(ids[i]),
			    "01920000-0000-7000-8000-%012lx", done);
			snprintf(data[i], sizeof(data[i]),
			    "{\"type\":\"probe\",\"index\":\"p%ld\"}", done);
			argv[argc++] = ids[i];
			argv[argc++] = data[i];
		}
		freeReplyObject(call(redis, argc, argv));
	}
}

/* Complete what a claim answered. */
static void
complete(redisContext *redis, const char *sha, const redisReply *claimed)
{
	const char *argv[4 + 2 * BATCH];
	redisReply *r;
	int argc = 4;

	argv[0] = "EVALSHA";
	argv[1] = sha;
	argv[2] = "1";
	argv[3] = PROCESSING;
	for (size_t i = 0; i + 1 < claimed->elements; i += 2) {
		argv[argc++] = claimed->element[i]->str;
		argv[argc++] = RESULT;
	}
	r = call(redis, argc, argv);
	if ((size_t)r->integer * 2 != claimed->elements)
		die("a task was lost");
	freeReplyObject(r);
}

static void
drain(redisContext *redis, long tasks, const char *most)
{
	char claim_sha[41], complete_sha[41];
	const char *argv[] = { "EVALSHA", claim_sha, "2", READY, PROCESSING,
		most };
	long done = 0;

	load(redis, claim_lua, claim_sha);
	load(redis, complete_lua, complete_sha);
	for (;;) {
		redisReply *r = call(redis, 6, argv);

		if (r->elements == 0) {
			freeReplyObject(r);
			break;
		}
		complete(redis, complete_sha, r);
		done += (long)r->elements / 2;
		freeReplyObject(r);
	}
	if (done != tasks)
		die("not as many tasks as expected");
}

int
main(int argc, char *argv[])
{
	redisContext *redis;
	long tasks = argc == 4 ? strtol(argv[3], NULL, 10) : 0;

	if (tasks <= 0)
		die("usage: ceiling SOCKET enqueue|drain|single TASKS");
	redis = redisConnectUnix(argv[1]);
	if (redis == NULL || redis->err != 0)
		die(redis == NULL ? "out of memory" : redis->errstr);
	if (strcmp(argv[2], "enqueue") == 0)
		enqueue(redis, tasks);
	else if (strcmp(argv[2], "drain") == 0)
		drain(redis, tasks, "50");
	else if (strcmp(argv[2], "single") == 0)
		drain(redis, tasks, "1");
	else
		die("usage: ceiling SOCKET enqueue|drain|single TASKS");
	redisFree(redis);
	return 0;
}

"""loop_bench.py SOCKET add|drain TASKS: a plain Python loop over the commands
of the queue that was replaced; prints the seconds that it took.

A reconstruction: that queue is not on record. What is known of it is what its
users saw: four priorities, the status words, counts of what is pending,
processing, completed and failed, retries, results that are kept for a while.
This is the least that keeps all that with redis-py: a hash a task, and a set
or sorted set a status. One command a step, each with its own round trip, as
such code is written; nothing is pipelined and nothing is a script. A worker
that dies loses its task: it stays in the processing set.
"""
import json
import sys
import time

import redis

PRIORITY = 2   # normal
KEPT = 86400   # seconds that a finished task is
socket, mode, tasks = sys.argv[1], sys.argv[2], int(sys.argv[3])
r = redis.Redis(unix_socket_path=socket, decode_responses=True)


def key(task_id):
    return "loop:task:" + task_id


def add():
    for i in range(tasks):
        task_id, now = "task-%d" % i, time.time()
        r.hset(key(task_id), mapping={
            "id": task_id, "type": "probe", "index": "p%d" % i, "sector": "",
            "priority": PRIORITY, "status": "pending", "retry_count": 0,
            "created_at": now})
        # The higher the priority the lower the score; then by time.
        r.zadd("loop:pending", {task_id: (4 - PRIORITY) * 1e10 + now})


def drain():
    for _ in range(tasks):
        _, task_id, _ = r.bzpopmin("loop:pending", timeout=5)
        task = r.hgetall(key(task_id))
        r.hset(key(task_id), mapping={"status": "processing",
                                      "started_at": time.time()})
        r.sadd("loop:processing", task_id)
        result = json.dumps({"success": True, "index": task["index"]})
        now = time.time()
        r.hset(key(task_id), mapping={"status": "completed", "result": result,
                                      "finished_at": now})
        r.srem("loop:processing", task_id)
        r.zadd("loop:completed", {task_id: now})
        r.expire(key(task_id), KEPT)


r.ping()
begin = time.perf_counter()
if mode == "add":
    add()
else:
    drain()
print("%.6f" % (time.perf_counter() - begin))

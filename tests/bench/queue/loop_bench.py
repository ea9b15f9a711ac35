"""loop_bench.py SOCKET add|drain TASKS: a plain Python loop over the commands
of the queue that was replaced; prints the seconds that it took.

A task is JSON in a list, its status and result in a hash. One command a step,
as such code is written. A task that was popped by a worker that dies is gone.
"""
import json
import sys
import time

import redis

socket, mode, tasks = sys.argv[1], sys.argv[2], int(sys.argv[3])
r = redis.Redis(unix_socket_path=socket, decode_responses=True)


def add():
    for i in range(tasks):
        task_id = "task-%d" % i
        task = {"id": task_id, "type": "probe", "index": "p%d" % i,
                "priority": 2, "created_at": time.time()}
        r.hset("loop:task:" + task_id,
               mapping={"status": "pending", "task": json.dumps(task)})
        r.lpush("loop:queue", json.dumps(task))


def drain():
    for _ in range(tasks):
        _, text = r.brpop("loop:queue", timeout=5)
        key = "loop:task:" + json.loads(text)["id"]
        r.hset(key, mapping={"status": "processing",
                             "started_at": str(time.time())})
        result = json.dumps({"success": True})
        r.hset(key, mapping={"status": "completed", "result": result,
                             "finished_at": str(time.time())})


r.ping()
begin = time.perf_counter()
if mode == "add":
    add()
else:
    drain()
print("%.6f" % (time.perf_counter() - begin))

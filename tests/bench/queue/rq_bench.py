"""rq_bench.py SOCKET add|drain TASKS: RQ on the Redis at that socket; prints
the seconds that it took.

Jobs are put in by enqueue_many. The worker is SimpleWorker, which runs them in
its own process: the default one forks for each and takes several times as
long. Finished jobs are kept with their results, as is RQ's default.
"""
import logging
import sys
import time

import redis
from rq import Queue, SimpleWorker

socket, mode, tasks = sys.argv[1], sys.argv[2], int(sys.argv[3])


def probe(index):
    return {"success": True}


def add(queue):
    jobs = [Queue.prepare_data("rq_bench.probe", ("p%d" % i,))
            for i in range(tasks)]
    begin = time.perf_counter()
    queue.enqueue_many(jobs)
    return time.perf_counter() - begin


def drain(queue):
    worker = SimpleWorker([queue], connection=queue.connection)
    begin = time.perf_counter()
    worker.work(burst=True, logging_level=logging.ERROR)
    seconds = time.perf_counter() - begin
    done = queue.finished_job_registry.count
    if done != tasks:
        sys.exit("rq_bench.py: %d of %d tasks" % (done, tasks))
    return seconds


if __name__ == "__main__":
    connection = redis.Redis(unix_socket_path=socket)
    connection.ping()
    queue = Queue("bench", connection=connection)
    print("%.6f" % (add(queue) if mode == "add" else drain(queue)))

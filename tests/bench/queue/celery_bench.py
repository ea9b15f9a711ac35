"""celery_bench.py SOCKET add|drain TASKS: Celery on the Redis at that socket,
which is its broker and keeps the results; prints the seconds that it took.

The worker is the fastest that Celery has for tasks that do nothing: one
process, no pool, tasks fetched ahead. It acknowledges early, as is Celery's
default, and so keeps less than the queue does. Timed is from the first task's
begin to the last one's result.
"""
import sys
import time

from celery import Celery
from celery.signals import task_postrun, task_prerun

socket, mode, tasks = sys.argv[1], sys.argv[2], int(sys.argv[3])
app = Celery("bench", broker="redis+socket://" + socket,
             backend="redis+socket://" + socket)
app.conf.update(worker_prefetch_multiplier=100, worker_redirect_stdouts=False,
                worker_log_color=False, task_ignore_result=False,
                broker_connection_retry_on_startup=True)


@app.task(name="probe")
def probe(index):
    return {"success": True}


def add():
    probe.delay("first")  # connects
    app.control.purge()
    begin = time.perf_counter()
    for i in range(tasks):
        probe.delay("p%d" % i)
    return time.perf_counter() - begin


class Clock:
    begin = 0.0
    done = 0


@task_prerun.connect
def starts(**_):
    if Clock.begin == 0:
        Clock.begin = time.perf_counter()


@task_postrun.connect
def ended(**_):
    Clock.done += 1
    if Clock.done == tasks:
        print("%.6f" % (time.perf_counter() - Clock.begin), flush=True)
        app.control.shutdown()


if mode == "add":
    print("%.6f" % add())
else:
    app.worker_main(["--quiet", "worker", "--pool=solo", "--loglevel=ERROR",
                     "--without-gossip", "--without-mingle",
                     "--without-heartbeat"])
    if Clock.done != tasks:
        sys.exit("celery_bench.py: %d of %d tasks" % (Clock.done, tasks))

"""Annual returns when things go wrong at the end of the work: workers that are
killed between the steps in which its document is made, and chunks that end all
at one moment."""
import threading

from cut import CutBefore, Gate
from drain_kit import KEY, drain, put, task, world
from harness import main, same, tests_of
from returns_kit import (INDEX, WORK, charts, chunk_tasks, document, returns,
                         warm)

ALONE = ("--workers", "1", "-n", "1")


def _one_chunk(s):
    """The DJIA's chunk, waiting; its id."""
    warm(s)
    put(s, returns())
    same(drain(s, *ALONE).code, 0)
    return chunk_tasks(s)["1/1"]


def a_worker_may_be_killed_between_the_last_steps(s):
    """Before the chunk ends, the document is written, the work is forgotten, the
    task is completed: another worker does the rest, and asks Yahoo nothing."""
    for step, state in (("returns_end", (False, 1)), ("cache_put", (False, 1)),
                        ("returns_done", (True, 1)), ("queue_complete", (True, 0))):
        chunk = _one_chunk(s)
        same(CutBefore(s, step).run(s, 0, "drain-queue", *ALONE), -9, step)
        same((document(s) is not None, s.r.exists(WORK % INDEX)), state, step)
        same(task(s, chunk)["status"], "processing", step)
        s.post("/_/reset")
        s.r.zadd(KEY + "processing", {chunk: 1})  # the lease has run out
        same(drain(s).code, 0)
        same((task(s, chunk)["status"], s.r.exists(WORK % INDEX), charts(s)),
             ("completed", 0, {}), step)
        got = document(s)
        same((got["count"], got["partial"]), (30, False), step)


def chunks_that_end_at_one_moment(s):
    """All three of the NASDAQ 100: one of them writes, and has them all."""
    index = "NASDAQ 100"
    warm(s, index=index)
    put(s, returns(index))
    same(drain(s, *ALONE).code, 0)
    chunks = chunk_tasks(s)
    same(len(chunks), 3)
    gate = Gate(s, "returns_end", 3)
    workers = [threading.Thread(target=gate.run, args=(s, 0, "drain-queue", *ALONE))
               for _ in chunks]
    for w in workers:
        w.start()
    for w in workers:
        w.join(60)
    same(gate.passed, 3)
    got = document(s, index)
    same((got["partial"], got["count"]), (False, got["total"]))
    same(sorted('"last":true' in task(s, id)["result"] for id in chunks.values()),
         [False, False, True])
    same(s.r.exists(WORK % index), 0)


if __name__ == "__main__":
    main(tests_of(globals()), world)

"""Annual returns when things go wrong at the end of the work: workers that are
killed between the steps in which its document is made, and chunks that end all
at one moment."""
import threading

from cut import CutBefore, Gate, Meddler
from drain_kit import KEY, drain, put, task, world
from harness import main, same, tests_of
from returns_kit import (INDEX, WORK, charts, chunk_tasks, document, returns,
                         warm)

ALONE = ("--workers", "1", "-n", "1")


def _one_chunk(s):
    """The DJIA's chunk, waiting; its id, and that of the index's task."""
    warm(s)
    ids = put(s, returns())
    same(drain(s, *ALONE).code, 0)
    return chunk_tasks(s)["1/1"], ids[0]


def _lost(s, id):
    """Its worker was killed, and its lease has run out."""
    same(task(s, id)["status"], "processing", id)
    s.r.zadd(KEY + "processing", {id: 1})
    s.post("/_/reset")


def _is_whole(s, what, *ids):
    """Nothing was asked for a second time, and all is done."""
    got = document(s)
    same((got["count"], got["partial"], charts(s), s.r.exists(WORK % INDEX)),
         (30, False, {}, 0), what)
    same([task(s, i)["status"] for i in ids], ["completed"] * len(ids), what)


def a_chunk_may_be_killed_at_its_end(s):
    """Before it says so, and before its task is completed."""
    for step in ("returns_end", "queue_complete"):
        chunk, index = _one_chunk(s)
        same(CutBefore(s, step).run(s, 0, "drain-queue", *ALONE), -9, step)
        same(document(s), None, step)
        _lost(s, chunk)
        same(drain(s).code, 0)
        _is_whole(s, step, chunk, index)


def a_document_may_be_killed_at_any_step(s):
    """Before it is written, the work is forgotten, the task is completed."""
    for step, state in (("cache_put", (False, 1)), ("returns_done", (True, 1)),
                        ("queue_complete", (True, 0))):
        chunk, index = _one_chunk(s)
        same(drain(s, *ALONE).code, 0)
        same(task(s, chunk)["status"], "completed", step)
        same(CutBefore(s, step).run(s, 0, "drain-queue", *ALONE), -9, step)
        same((document(s) is not None, s.r.exists(WORK % INDEX)), state, step)
        _lost(s, index)
        same(drain(s).code, 0)
        _is_whole(s, step, chunk, index)


def a_partial_one_too(s):
    """What it said last is what it says."""
    chunk, index = _one_chunk(s)
    s.post("/_/faults", "kind=html path=/v8/finance/chart/AAPL\n")
    same(drain(s, *ALONE).code, 0)
    same(CutBefore(s, "queue_complete").run(s, 0, "drain-queue", *ALONE), -9)
    same((document(s)["count"], s.r.hget(WORK % INDEX, "over").split()[0]),
         (29, index))
    _lost(s, index)
    same(drain(s).code, 0)
    same((charts(s), task(s, index)["status"]), ({}, "completed"))
    assert '"partial":true' in task(s, index)["result"], task(s, index)


def another_work_is_not_written_for_this_one(s):
    """One that was begun while the task of the index was looking."""
    chunk, index = _one_chunk(s)
    same(drain(s, *ALONE).code, 0)
    meddler = Meddler(s, b"t:AAPL", lambda: s.r.hset(WORK % INDEX, "fence", "1"))
    same(meddler.run(s, 0, "drain-queue", *ALONE), 0)
    same((meddler.action, document(s)), (None, None))
    t = task(s, index)
    same((t["status"], t["retry_count"]), ("scheduled", None))


def chunks_that_end_at_one_moment(s):
    """All three of the NASDAQ 100: each sees whether it is the last."""
    index = "NASDAQ 100"
    warm(s, index=index)
    ids = put(s, returns(index))
    same(drain(s, *ALONE).code, 0)
    chunks = chunk_tasks(s)
    same(len(chunks), 3)
    due = s.r.zscore(KEY + "scheduled", ids[0]) + 3600e6
    s.r.zadd(KEY + "scheduled", {ids[0]: due})
    gate = Gate(s, "returns_end", 3)
    workers = [threading.Thread(target=gate.run, args=(s, 0, "drain-queue", *ALONE))
               for _ in chunks]
    for w in workers:
        w.start()
    for w in workers:
        w.join(60)
    same(gate.passed, 3)
    same([task(s, i)["status"] for i in chunks.values()], ["completed"] * 3)
    assert s.r.zscore(KEY + "scheduled", ids[0]) < due, "nobody has woken it"
    same(drain(s, *ALONE).code, 0)
    got = document(s, index)
    same((got["partial"], got["count"]), (False, got["total"]))
    same((task(s, ids[0])["status"], s.r.exists(WORK % index)), ("completed", 0))


if __name__ == "__main__":
    main(tests_of(globals()), world)

"""Workers that are killed, or stopped beyond their lease: what the journal
says against what Redis says."""
import os
import re
import signal
import time

from kit import (CHAOS, KEY, Crew, Journal, seeded, seeds, times, wait_empty,
                 wait_until)

LEASE_MS = 1000
MOST = 5  # tasks of one claim
LOST = re.compile(r"^\d+ (lost|poison): .*:(\d+)$")


def errors(task):
    """The texts, oldest first; eight are kept."""
    n = int(task["errors"] or 0)
    return [task["e%d" % (i % 8 + 1)] for i in range(max(0, n - 8), n)]


class Verdict:
    """Is every task accounted for, and every run?"""

    def __init__(self, crew, journal):
        self.blamed = crew.killed | crew.ever_stopped
        self.journal = journal
        self.runs = {}
        self.slow = set()  # (id, pid) whose lease ran out all the same
        self.poisoned = 0
        for r in journal.in_order():
            self.runs.setdefault(r.id, []).append(r)

    def run_was_lost(self, r):
        """It was not settled, and there is a reason for it."""
        rc, held_ms = self.journal.sets.get(r.key, (None, 0))
        if rc == "ok":
            return False
        if r.pid in self.blamed:
            return True
        assert rc in ("busy", "partial") and held_ms >= LEASE_MS, \
            "%r: %s after %d ms, and nobody stopped it" % (r, rc, held_ms)
        self.slow.add((r.id, r.pid))
        return True

    def poison(self, task_id, task):
        self.poisoned += 1
        marks = [LOST.match(e) for e in errors(task)[-5:]]
        assert len(marks) == 5 and all(marks), "poison after %r" % errors(task)
        for m in marks:
            pid = int(m.group(2))
            assert pid in self.blamed or (task_id, pid) in self.slow, \
                "poison by %d, which nobody killed" % pid

    def task(self, task_id, task, forgotten):
        mine = self.runs.get(task_id, [])
        lost = sum([self.run_was_lost(r) for r in mine])
        status, retries = task["status"], int(task["retry_count"] or 0)
        last = mine[-1] if mine else None
        if status is None:
            assert forgotten and last, "%s is gone" % task_id
            assert last.key in self.journal.ends, "%r is gone" % (last,)
            return
        what = self.journal.ends.get((task_id, int(task["token"])))
        if status == "completed":
            assert what == "ok", "%s completed, of %s" % (task_id, what)
        else:
            assert status == "failed", "%s is %s" % (task_id, status)
            text = errors(task)[-1]
            if " poison: " in text:
                self.poison(task_id, task)
            else:
                assert what == "refuse" or (what == "fail" and retries == 3), \
                    "%s failed, of %s, %d: %s" % (task_id, what, retries, text)
                assert "by chance" in text, text
        accepted = [r for r in mine
                    if self.journal.sets.get(r.key, ("",))[0] == "ok" and
                    self.journal.ends[r.key] == "ok"]
        assert len(accepted) <= 1 and accepted in ([], [last]), \
            "%s ran on after its end" % task_id
        assert len(mine) <= 1 + retries + lost, \
            "%s ran %d times: %d retries, %d lost" % (
                task_id, len(mine), retries, lost)


def judge(world, crew, journal, ids):
    v = Verdict(crew, journal)
    sizes = world.sizes()
    forgotten = sizes.completed >= 9000 or sizes.failed >= 9000
    for task_id, task in world.tasks(ids).items():
        v.task(task_id, task, forgotten)
    n, c = len(ids), world.counters()
    assert c["enqueued"] == n and c["done"] + c["dead"] == n, c
    assert c["claimed"] == n + c["retried"] + c["lost"] - v.poisoned, c
    assert len(journal.runs) <= c["claimed"], c
    most = len(v.slow) + MOST * (len(crew.killed) + len(crew.ever_stopped))
    assert c["lost"] <= most, "%d lost of %d" % (c["lost"], most)
    world.audit()
    return v, c


def torment(world, rng, crew, tasks, kills, stops):
    """Kills and stops, spread over the work."""
    events = ["kill"] * kills + ["stop"] * stops
    rng.shuffle(events)
    for i, event in enumerate(events):
        due = tasks * 0.95 * i / len(events)

        def arrived():
            crew.wake(time.monotonic())
            done, dead = world.db.hmget(KEY + "stats", "done", "dead")
            return int(done or 0) + int(dead or 0) >= due
        wait_until(arrived, "%d done tasks" % due, 120)
        if event == "kill":
            crew.kill()
        else:
            crew.stop(rng.uniform(1.2, 2.0) * LEASE_MS / 1000)


def killed_and_stopped_workers_lose_nothing(world):
    tasks, kills, stops = times(2500, 50000), times(50, 1000), times(5, 100)
    for seed in seeds(1):
        with seeded(seed) as rng:
            world.cli("FLUSHALL")
            acks = world.path("acks")
            giver = world.begin("chaos_enqueue", "-n", tasks, "-j", acks,
                                "-s", seed)
            with Crew(world, 16, rng, "-l", LEASE_MS, "-m", MOST, "-w", 20,
                      "-f", 50, "-L", 1, RETRY_DELAY=0) as crew:
                torment(world, rng, crew, tasks, kills, stops)
                said = world.end(giver)
                assert giver.returncode == 0, said
                wait_empty(world, crew)
            ids = list(Journal(acks).acks)
            assert len(ids) == tasks
            v, c = judge(world, crew, Journal(crew.journal), ids)
            if CHAOS > 1:
                print("seed %d: %d tasks, %d runs, %d kills, %d stops, %d "
                      "lost (%d by a slow machine), %d poisoned" % (
                          seed, tasks, c["claimed"], kills, stops,
                          c["lost"], len(v.slow), v.poisoned))


def poison_needs_five_kills_in_a_row(world):
    for kills in (4, 5):
        with seeded(kills) as rng:
            world.cli("FLUSHALL")
            world.driver("chaos_enqueue", "-n", 1, "-j", world.path("acks"))
            with Crew(world, 1, rng, "-l", 150, "-L", 1000) as crew:
                for i in range(kills):
                    wait_until(lambda: len(Journal(crew.journal).runs) == i + 1,
                               "run %d" % (i + 1))
                    crew.kill(0)
                wait_empty(world)
            v = judge_one(world, crew)
            assert v["status"] == ("failed" if kills == 5 else "completed"), v
            assert len(errors(v)) == kills, v
            assert (" poison: 5 " in errors(v)[-1]) == (kills == 5), v
            for e in errors(v):
                assert int(LOST.match(e).group(2)) in crew.killed, e
            assert v["retry_count"] is None, v


def judge_one(world, crew):
    [task_id] = world.all_ids()
    judge(world, crew, Journal(crew.journal), [task_id])
    return world.tasks([task_id])[task_id]


def children_of(pid):
    found = []
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%d/stat" % int(name)) as f:
                stat = f.read().rpartition(")")[2].split()
        except (ValueError, OSError):
            continue
        if int(stat[1]) == pid and stat[0] != "Z":
            found.append(int(name))
    return found


class Drains:
    """Drain programs, and the kills of their workers and of themselves."""

    def __init__(self, world, rng, **env):
        self.world, self.rng, self.env = world, rng, env
        self.killed = set()
        self.all = [self.start() for _ in range(2)]
        self.hits = [0, 0]  # workers of each that were killed

    def start(self):
        return self.world.begin("drain-queue", "--workers", "4", "--wait",
                                "-t", "300", **self.env)

    def kill(self):
        """A worker, or now and then the parent of all: before it has lost
        more than 10, as it gives up then (SUPERVISOR_CRASHES a minute)."""
        at = self.rng.randrange(len(self.all))
        drain = self.all[at]
        workers = children_of(drain.pid)
        self.hits[at] += 1
        if drain.poll() is not None or self.rng.random() < 0.2 or \
                not workers or self.hits[at] > 10:
            self.killed.update(workers)  # they end, or are orphans that do
            drain.kill()
            self.world.end(drain)
            self.all[at], self.hits[at] = self.start(), 0
            return
        pid = self.rng.choice(workers)
        self.killed.add(pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def close(self):
        for p in self.all:
            p.terminate()
        for p in self.all:
            said = self.world.end(p)
            assert p.returncode == 0, "drain-queue: %s %s" % (
                p.returncode, said[-400:])


def killed_drains_lose_nothing(world):
    """The programs themselves: no journal, but what each task must become."""
    n = times(240, 2400)
    for seed in seeds(2)[:max(1, CHAOS // 2)]:
        with seeded(seed) as rng:
            world.cli("FLUSHALL")
            kinds = ["fail" if rng.random() < 0.05 else
                     "refuse" if rng.random() < 0.05 else "sleep:60"
                     for _ in range(n)]
            world.put(['{"type":"probe","index":"%s %d"}' % (k, i)
                       for i, k in enumerate(kinds)])
            drains = Drains(world, rng, RETRY_DELAY=0, TASK_LEASE=1)
            try:
                for _ in range(times(6, 60)):
                    time.sleep(rng.uniform(0.05, 0.3))
                    drains.kill()
                wait_empty(world)
            finally:
                drains.close()
            judge_drained(world, kinds, drains.killed)


def judge_drained(world, kinds, killed):
    ids, poisoned = world.all_ids(), 0
    assert len(ids) == len(kinds), "%d tasks of %d" % (len(ids), len(kinds))
    for task_id, t in world.tasks(ids).items():
        index = world.tasks([task_id])[task_id]["index"]
        text = (errors(t) or [""])[-1]
        if " poison: " in text:
            poisoned += 1
            pids = {int(m.group(2)) for m in map(LOST.match, errors(t)) if m}
            assert len(pids & killed) >= 5, "poison: %r" % errors(t)
        elif index.startswith("sleep"):
            assert t["status"] == "completed", (index, t)
        else:
            assert t["status"] == "failed" and t["retry_count"] == (
                "3" if index.startswith("fail") else "1"), (index, t)
    c = world.counters()
    assert c["done"] + c["dead"] == len(kinds), c
    assert c["claimed"] == (len(kinds) + c["retried"] + c["lost"] +
                            c["released"] - poisoned), c
    world.audit()


TESTS = [killed_and_stopped_workers_lose_nothing,
         poison_needs_five_kills_in_a_row, killed_drains_lose_nothing]

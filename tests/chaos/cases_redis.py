"""A Redis that dies, forgets its scripts, is full, is read-only, loads, hangs
or changes its password."""
import json
import random
import subprocess
import threading
import time

from kit import (KEY, Crew, Journal, World, seeded, seeds, times, wait_empty,
                 program, wait_until)

AOF = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"]


def probes(n, text="", **more):
    return [json.dumps(dict(type="probe", index="%s%d" % (text, i), **more))
            for i in range(n)]


def while_redis_dies(world, rng, child, kills):
    """Kill and restart it under a child, once that has put something in; how
    often before it ended."""
    wait_until(lambda: child.poll() is not None or
               world.cli("ZCARD", KEY + "ready") not in ("", "0"), "a task")
    for i in range(kills):
        time.sleep(rng.uniform(0.02, 0.15))
        if child.poll() is not None:
            return i
        world.kill_redis()
        time.sleep(rng.uniform(0, 0.05))
        world.start_redis()
    return kills


def redis_is_killed_during_enqueue(_, kills=3):
    """appendfsync always loses nothing that was acknowledged; everysec may,
    and says so when the id is sent again."""
    for fsync in ("always", "everysec"):
        world = World(AOF + ["--appendfsync", fsync])
        try:
            with seeded(5000) as rng:
                done = 0
                while done < times(kills, 100):
                    world.cli("FLUSHALL")
                    world.cli("BGREWRITEAOF")
                    journal = world.path("journal")
                    giver = world.begin("chaos_enqueue", "-n", 40000, "-b", 50,
                                        "-j", journal, "-s", done,
                                        QUEUE_MAX=10000000, REDIS_TIMEOUT=1)
                    done += while_redis_dies(world, rng, giver, 1 + kills // 2)
                    if giver.poll() is None:
                        giver.kill()  # so much is enough
                        world.end(giver)
                    else:
                        said = world.end(giver)
                        assert giver.returncode == 0, said
                    judge_acknowledged(world, Journal(journal).acks, fsync)
        finally:
            world.close()


def judge_acknowledged(world, acks, fsync):
    lost = set(acks) - set(world.all_ids())
    assert acks, "nothing was acknowledged"
    assert fsync == "everysec" or not lost, \
        "%d of %d tasks lost" % (len(lost), len(acks))
    world.audit()
    if lost:
        settle(world, lost)


def settle(world, lost):
    r = world.put([json.dumps({"type": "probe", "index": i, "id": i})
                   for i in lost], QUEUE_MAX=10000000)
    for line in r.out.splitlines():
        assert json.loads(line)["status"] == "pending", line
    assert lost <= set(world.all_ids())


def enqueue_settles_what_is_in_doubt(_):
    """The program: every line is in the queue once, whatever died."""
    world = World(AOF + ["--appendfsync", "always"])
    try:
        kills, n = 0, 40000
        for seed in seeds(6):
            with seeded(seed) as rng:
                world.cli("FLUSHALL")
                world.cli("BGREWRITEAOF")
                path = world.path("lines")
                with open(path, "w") as f:
                    f.write("\n".join(probes(n)) + "\n")
                out = world.path("results")
                with open(path) as lines, open(out, "w") as results:
                    child = subprocess.Popen(
                        [program("enqueue"), "-"], stdin=lines,
                        stdout=results, stderr=subprocess.PIPE,
                        env=world.env(), text=True)
                world.children.append(child)
                kills += while_redis_dies(world, rng, child, 2)
                said = child.communicate(timeout=60)[1]
                assert child.returncode == 0, said
                with open(out) as f:
                    ids = [json.loads(line)["id"] for line in f]
                assert len(ids) == n and set(ids) == set(world.all_ids())
                world.audit()
        assert kills > 0, "it was never killed in time"
    finally:
        world.close()


class Flusher(threading.Thread):
    """SCRIPT FLUSH at random."""

    def __init__(self, world, seed):
        super().__init__(daemon=True)
        self.world, self.rng = world, random.Random(seed)
        self.on, self.flushed = True, 0

    def run(self):
        while self.on:
            self.world.db.script_flush()
            self.flushed += 1
            time.sleep(self.rng.uniform(0, 0.01))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.on = False
        self.join()


def nobody_notices_script_flush(world):
    n = times(3000, 30000)
    for seed in seeds(7)[:1]:
        with seeded(seed) as rng:
            world.cli("FLUSHALL")
            with Flusher(world, seed) as flusher:
                acks = world.path("acks")
                world.driver("chaos_enqueue", "-n", n, "-b", 20, "-j", acks)
                with Crew(world, 4, rng, "-m", 5, "-w", 2, "-f", 50,
                          RETRY_DELAY=0) as crew:
                    wait_empty(world, crew)
                for _ in range(times(3, 50)):
                    world.put(probes(100))
                    r = world.program("drain-queue")
                    assert r.code == 0 and not r.err, r
                    r = world.program("status", "--queue", "--json")
                    assert r.code == 0 and not r.err, r
                    world.program("enqueue", "--requeue", "all")
            assert flusher.flushed > 20
            world.audit()


def fill_redis(world):
    used = world.db.info("memory")["used_memory"]
    world.db.config_set("maxmemory", max(used - 200000, 1))


def full_redis_refuses_enqueue_whole(world):
    world.cli("FLUSHALL")
    world.put(probes(200, "before "))
    before = world.snapshot()
    fill_redis(world)
    try:
        for lines in (probes(1, "x"), probes(500, "x"),
                      probes(100, "before ", priority="urgent") +
                      probes(100, "x", delay=60)):
            r = world.program("enqueue", "-", stdin="\n".join(lines) + "\n")
            assert r.code == 75, r
            assert world.snapshot() == before, "something was left behind"
    finally:
        world.db.config_set("maxmemory", 0)
    world.put(probes(500, "x"))
    world.audit()


def full_redis_lets_the_work_go_on(world):
    """claim, renew, complete and fail, with leases that run out."""
    with seeded(8000) as rng:
        world.cli("FLUSHALL")
        acks = world.path("acks")
        n = times(600, 6000)
        world.driver("chaos_enqueue", "-n", n, "-j", acks)
        fill_redis(world)
        try:
            with Crew(world, 4, rng, "-l", 500, "-m", 5, "-w", 4, "-f", 50,
                      "-L", 20, RETRY_DELAY=0) as crew:
                for _ in range(5):
                    time.sleep(0.1)
                    crew.kill()
                wait_empty(world, crew)
            assert world.db.info("stats")["evicted_keys"] == 0
        finally:
            world.db.config_set("maxmemory", 0)
        c = world.counters()
        assert c["done"] + c["dead"] == n and c["dead"] > 0, c
        world.audit()


def full_redis_drains_probes_and_puts_fetches_off(_):
    world = World(market=True)
    try:
        world.put(probes(100))
        world.put(['{"type":"fetch_stock_data","index":"DJIA"}'])
        [fetch] = [i for i in world.all_ids()
                   if world.tasks([i])[i]["index"] == "DJIA"]
        fill_redis(world)
        try:
            r = world.program("drain-queue")
            assert r.code in (0, 75), r
        finally:
            world.db.config_set("maxmemory", 0)
        sizes, t = world.sizes(), world.tasks([fetch])[fetch]
        assert sizes.completed == 100 and sizes.failed == 0, sizes
        assert t["status"] == "scheduled" and t["retry_count"] is None, t
        assert t["errors"] is None and t["lost"] is None, t
        world.db.zadd(KEY + "scheduled", {fetch: 1})  # its time has come
        r = world.program("drain-queue")
        assert r.code == 0, r
        assert world.tasks([fetch])[fetch]["status"] == "completed"
        world.audit()
    finally:
        world.close()


def says(world, code, *programs, **env):
    """Each program ends with that code, with a line that says why."""
    for argv in programs or (("enqueue", "probe"), ("drain-queue",),
                             ("status", "--queue")):
        r = world.program(*argv, **env)
        assert r.code == code, "%s: %r, not %d" % (argv, r, code)
        assert r.err.count("\n") == 1 and not r.out, "%s: %r" % (argv, r)


def read_only_redis_is_refused(_):
    world = World()
    try:
        world.put(probes(3))
        world.cli("REPLICAOF", "127.0.0.1", "1")
        says(world, 69, ("enqueue", "probe"), ("drain-queue",))
        assert world.program("status", "--queue").code == 0
        world.cli("CONFIG", "SET", "replica-serve-stale-data", "no")
        says(world, 75)  # MASTERDOWN
        world.cli("REPLICAOF", "NO", "ONE")
        assert world.program("drain-queue").code == 0
        assert world.sizes().completed == 3
        world.audit()
    finally:
        world.close()


def a_password_that_changes_under_way_is_said(world):
    world.cli("FLUSHALL")
    world.put(probes(40, "sleep:300 "))
    drain = world.begin("drain-queue", "--workers", 2, TASK_LEASE=1)
    try:
        wait_until(lambda: world.sizes().processing > 0, "a running task")
        world.db.config_set("requirepass", "geheim2")
        world.db.client_kill_filter(_type="normal", skipme=True)
        said = world.end(drain)
        assert drain.returncode == 69, (drain.returncode, said)
        assert "geheim" not in said, said
        says(world, 69)
        says(world, 69, REDIS_URL="unix://:geheim1@" + world.socket)
        r = world.program("status", "--queue",
                          REDIS_URL="unix://:geheim2@" + world.socket)
        assert r.code == 0, r
    finally:
        world.db.config_set("requirepass", "")
    sizes = world.sizes()
    assert sum(sizes) == 40 and sizes.failed == 0, sizes
    world.audit()


def a_redis_that_loads_is_waited_for_elsewhere(_):
    world = World(["--loading-process-events-interval-bytes", "1024"])
    try:
        world.put(probes(2000))
        world.db.save()
        world.kill_redis()
        world.start_redis("--key-load-delay", "4000", says="LOADING")
        says(world, 75, REDIS_TIMEOUT=1)
        world.kill_redis()
        world.start_redis()
        assert world.program("drain-queue").code == 0
        assert world.sizes().completed == 2000
    finally:
        world.close()


def a_redis_that_hangs_or_is_gone_is_69(_):
    world = World(["--lua-time-limit", "50"])
    try:
        world.put(probes(3))
        blocker = subprocess.Popen(
            ["redis-cli", "-s", world.socket, "EVAL",
             "while true do end", "0"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        wait_until(lambda: "BUSY" in world.cli("PING"), "BUSY")
        says(world, 75)
        world.cli("SCRIPT", "KILL")
        blocker.wait(10)
        world.redis.send_signal(19)  # SIGSTOP
        try:
            says(world, 69, REDIS_TIMEOUT=1)
        finally:
            world.redis.send_signal(18)  # SIGCONT
        world.kill_redis()
        says(world, 69)
        world.start_redis()
        assert world.program("drain-queue").code == 0
    finally:
        world.close()


TESTS = [redis_is_killed_during_enqueue, enqueue_settles_what_is_in_doubt,
         nobody_notices_script_flush, full_redis_refuses_enqueue_whole,
         full_redis_lets_the_work_go_on,
         full_redis_drains_probes_and_puts_fetches_off,
         read_only_redis_is_refused,
         a_password_that_changes_under_way_is_said,
         a_redis_that_loads_is_waited_for_elsewhere,
         a_redis_that_hangs_or_is_gone_is_69]

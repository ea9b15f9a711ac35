"""SIGTERM at any point of a drain: gone within a second, nothing charged,
nothing lost."""
import json
import time

from kit import Ticker, World, seeded, times

SECOND = 1.0
WAITING = 60  # tasks that are there when a drain begins


def refill(world, rng, at):
    """Probes that take their time, and fetches of pages that never end."""
    s = world.sizes()
    lines = [json.dumps({"type": "probe", "index": "sleep:%d %d-%d" % (
        rng.choice((1, 20, 300, 5000)), at, i)})
        for i in range(WAITING - s.ready)]
    lines += [json.dumps({"type": "fetch_stock_data", "index": index,
                          "force": True, "priority": "urgent"})
              for index in ("DJIA", "S&P 500")]
    world.put(lines)


def nothing_is_charged(world, ids):
    for i, t in world.tasks(ids).items():
        assert t["status"] in ("pending", "scheduled", "completed"), t
        assert t["retry_count"] is None and t["errors"] is None and \
            t["lost"] is None, (i, t)


def sigterm_hands_all_back_within_a_second(_):
    world = World(market=True)
    try:
        with seeded(10000) as rng, Ticker() as ticker:
            world.post("/_/faults", "kind=slow n=20000 path=/screener\n")
            for at in range(times(20, 200)):
                refill(world, rng, at)
                ids = world.all_ids()
                drain = world.begin("drain-queue", "--workers", 3, "--wait")
                time.sleep(rng.uniform(0, 0.6))
                ticker.late = 0.0
                began = time.monotonic()
                drain.terminate()
                said = world.end(drain, 30)
                took = time.monotonic() - began
                # -15: it came before the drain had begun to listen
                assert drain.returncode in (0, -15), (drain.returncode, said)
                assert took < SECOND + ticker.late, \
                    "point %d: %.2f s, machine late by %.2f: %s" % (
                        at, took, ticker.late, said)
                assert world.sizes().processing == 0, "point %d" % at
                assert set(world.all_ids()) == set(ids)
                nothing_is_charged(world, ids)
            c = world.counters()
            assert c["released"] > 0 and c["dead"] == 0, c
            world.audit()
    finally:
        world.close()


TESTS = [sigterm_hands_all_back_within_a_second]

"""Late workers, the order of the line, memory, and a crowd at the breaker:
each a driver in C that judges itself, or a journal."""
from kit import KEY, CHAOS, Crew, Journal, seeded, seeds, times, wait_empty


def a_late_worker_settles_nothing(world):
    for seed in seeds(3)[:max(1, CHAOS // 10)]:
        with seeded(seed):
            world.cli("FLUSHALL")
            world.driver("chaos_fence", "-n", times(500, 10000), "-s", seed)
            world.audit()


def urgent_work_without_end_starves_nobody(world):
    world.cli("FLUSHALL")
    world.driver("chaos_flow", "starve")
    world.cli("FLUSHALL")


def judge_order(journal, n, by_score):
    """In the order of the claims: inside a priority by ready time; and where
    all waited from the start, by ready time less the head start."""
    runs = journal.in_order()
    assert len(runs) == n == len({r.id for r in runs}), len(runs)
    last, line = {}, None
    for r in runs:
        assert r.ready > last.get(r.priority, 0), "an inversion: %r" % (r,)
        last[r.priority] = r.ready
        score = r.ready - r.priority * 600 * 1000000
        assert not by_score or line is None or score >= line, \
            "out of line: %r" % (r,)
        line = score


def no_inversion_inside_a_priority(world):
    n = times(10000, 100000)
    with seeded(4) as rng:
        for waited in (True, False):
            world.cli("FLUSHALL")
            givers = [world.begin("chaos_enqueue", "-n", n // 4, "-s", i)
                      for i in (1, 2)]
            if waited:
                ended(world, givers)
            with Crew(world, 4, rng, "-m", 50, "-l", 60000) as crew:
                if not waited:
                    ended(world, givers)
                wait_empty(world)
            judge_order(Journal(crew.journal), n // 4 * 2, waited)


def ended(world, children):
    for p in children:
        said = world.end(p)
        assert p.returncode == 0, said


def memory_stays_flat(world):
    world.cli("FLUSHALL")
    said = world.driver("chaos_flow", "through", "-n", times(50000, 1000000))
    world.audit()
    if CHAOS > 1:
        print(said, end="")


def a_waiting_task_costs_at_most_700_bytes(world):
    world.cli("FLUSHALL")
    said = world.driver("chaos_flow", "bytes")
    assert world.db.object("encoding", KEY + "task:" + world.all_ids()[0]) \
        in ("listpack", "ziplist")
    if CHAOS > 1:
        print(said, end="")


def a_crowd_at_an_open_breaker_gets_one_probe(world):
    world.cli("FLUSHALL")
    world.driver("chaos_breaker", "-p", 64, "-n", times(4, 100))


TESTS = [a_late_worker_settles_nothing, urgent_work_without_end_starves_nobody,
         no_inversion_inside_a_priority, memory_stays_flat,
         a_waiting_task_costs_at_most_700_bytes,
         a_crowd_at_an_open_breaker_gets_one_probe]

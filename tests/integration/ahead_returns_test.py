"""Annual returns behind the API: what is stale is served and asked for once, what
is absent is asked for and waited for; and the brake, when what is asked for has
just failed."""
import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ahead_kit import (  # noqa: E402
    Q, as_cgi, asked, ends_in, filled, meta, set_meta, tasks)
from api_kit import Stack, problem  # noqa: E402
from harness import main, run, same, tests_of  # noqa: E402

RETURNS = "/api/annual-returns?index=DJIA"
TABLE = "/api/stocks?index=DJIA"
JOINED = TABLE + "&returns=1"
ASKED = "stocknity:asked:{%s}"
FAILED = "stocknity:failed:{%s}"
THE_TASK = [("DJIA", "Any", "1", "0")]
DOWN = "kind=500 path=/\n"


def _tasks(s):
    return tasks(s, "calculate_annual_returns")


def _with_returns(s, **env):
    filled(s, **env)
    same(s.fetch("--returns", "--index", "DJIA").code, 0)


def _stale(s):
    ends_in(s, -1000, sector=None)


def _of_info(s):
    return next(r for r in s.get("/api/cache/info").doc["annual_returns"]
                if r["index"] == "DJIA")


def stale_ones_are_served_and_asked_for_once(s):
    _with_returns(s)
    fresh = s.get(RETURNS)
    same(fresh.headers["cache-status"].split("=")[0], "stocknity; hit; ttl")
    same(_tasks(s), [])
    _stale(s)
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: s.get(RETURNS), range(64)))
    same({(a.status, a.doc["stale"], a.doc["count"]) for a in answers},
         {(200, True, 30)})
    same({a.headers["cache-status"].split("; ")[3] for a in answers},
         {"detail=stale"})
    same((_tasks(s), asked(s)), (THE_TASK, 1))
    assert answers[0].headers["etag"] != fresh.headers["etag"]
    r = _of_info(s)
    same((r["state"], r["hits"], r["stale_reads"], r["misses"],
          r["early_refreshes"]), ("stale", 1, 64, 1, 0), "the miss is of fetch")
    same(s.drain(), 0)
    same("stale" in s.get(RETURNS).doc, False)


def processes_ask_for_them_once_too(s):
    for target in (RETURNS, JOINED):
        _with_returns(s)
        _stale(s)
        with ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(lambda _: as_cgi(s, target), range(32)))
        same({a.split(b"\r\n")[0] for a in answers}, {b"Status: 200 OK"})
        same((_tasks(s), asked(s)), (THE_TASK, 1), target)


def absent_ones_are_202_with_their_task(s):
    filled(s)
    a = s.get(RETURNS)
    same((a.status, a.doc["success"], a.doc["index"], a.doc["sector"],
          a.doc["count"], a.doc["data"]), (202, True, "DJIA", "Any", 0, []), a)
    same((a.headers["cache-status"], a.headers["retry-after"],
          a.headers["location"], a.headers["cache-control"]),
         ("stocknity; fwd=miss", "30", "/api/tasks/" + a.doc["task_id"],
          "no-store"))
    same(a.doc["task"]["type"], "calculate_annual_returns")
    same(s.get(RETURNS).doc["task_id"], a.doc["task_id"])
    same(_tasks(s), THE_TASK)
    same(s.drain(), 0)
    a = s.get(RETURNS, Accept_Encoding="gzip")
    same((a.status, a.headers["content-encoding"]), (200, "gzip"))
    r = _of_info(s)
    same((r["hits"], r["stale_reads"], r["misses"]), (1, 0, 2))
    assert r["sweep_seconds"] > 0, r


def only_of_indexes_kept_fresh_for_anybody(s):
    s.fresh()
    s.restart_api(API_TOKEN="t0ken")
    ndx = "/api/annual-returns?index=NASDAQ%20100"
    problem(s.get(ndx), 404, "no annual returns of NASDAQ 100")
    same(_tasks(s), [])
    same(s.get(ndx, Authorization="Bearer t0ken").status, 202)
    same(_tasks(s), [("NASDAQ 100", "Any", "1", "0")])
    # the whole market has none, whoever asks and whatever is kept fresh
    s.fresh()
    s.restart_api(SCHEDULER_INDEXES="Any")
    problem(s.get("/api/annual-returns?index=Any"), 404, "of Any")
    same(s.fetch("--index", "Any", "--sector", "Energy").code, 0)
    same(s.get("/api/stocks?index=Any&sector=Energy&returns=1").status, 200)
    same(_tasks(s), [])


def joined_ones_are_asked_for_behind_the_answer(s):
    filled(s)
    for _ in range(5):
        a = s.get(JOINED)
        same((a.status, a.doc["returns_fetched_at"]), (200, None))
        table, returns = a.headers["cache-status"].split(", ")
        same((table.split("=")[0], returns),
             ("stocknity; hit; ttl", "stocknity-returns; fwd=miss"))
    same((_tasks(s), asked(s)), (THE_TASK, 1))
    same(s.drain(), 0)
    a = s.get(JOINED)
    assert all(r["expected_annual_return"] is not None for r in a.doc["data"])
    assert a.headers["cache-status"].split(", ")[1].startswith(
        "stocknity-returns; hit; ttl="), a
    _stale(s)
    s.cli("DEL", ASKED % "annual_returns:DJIA")
    s.restart_api()
    for _ in range(5):
        a = s.get(JOINED)
        same(("stale" in a.doc, a.headers["cache-status"].split("; ")[-1]),
             (False, "detail=stale"), a)
    same(_tasks(s), THE_TASK)
    # behind the words of a stale table they are joined as well
    fresh = a.doc
    ends_in(s, -1000)
    a = s.get(JOINED)
    same((a.status, list(a.doc)[:2], a.doc["stale"], a.doc["data"]),
         (200, ["stale", "attempts"], True, fresh["data"]))
    assert a.headers["etag"].endswith('-stale"'), a
    same(s.get(JOINED, If_None_Match=a.headers["etag"]).status, 304)


def early_ones_are_asked_for_by_force(s):
    _with_returns(s)
    assert 0 < int(meta(s, "cost_ms", sector=None)) < 60000
    ends_in(s, 3000, sector=None)
    set_meta(s, "cost_ms", 100000, sector=None)
    for _ in range(5):  # early but for a chance of 3 in a hundred each
        same("stale" in s.get(RETURNS).doc, False)
    same(_tasks(s), [("DJIA", "Any", "1", "1")])
    same(_of_info(s)["early_refreshes"], 1)
    text = run("status", "--cache", env=s.env()).out
    assert "fetched ahead: 1 early, 0 predicted" in text, text
    before = meta(s, "fetched_us", sector=None)
    same(s.drain(), 0)
    assert int(meta(s, "fetched_us", sector=None)) > int(before)


def what_has_just_failed_is_not_asked_for_again(s):
    s.fresh()
    s.restart_api()
    s.post("/_/faults", DOWN)
    ident = s.get(TABLE).doc["task_id"]
    same(s.drain(TASK_MAX_ATTEMPTS=1), 0)
    calls = len(s.calls())
    for _ in range(5):
        a = s.get(TABLE)
        doc = a.doc
        same((a.status, doc["data"], doc["task_id"], doc["task"]["status"]),
             (202, [], ident, "failed"))
        assert "has failed" in doc["message"], doc
        assert "no-source" in doc["task"]["error_message"], doc
        assert 55 < int(a.headers["retry-after"]) <= 60, a
        same(a.headers["cache-status"], "stocknity; fwd=miss")
    same((tasks(s), asked(s), len(s.calls())), ([], 1, calls))
    other = s.get("/api/stocks?index=DJIA&sector=Energy").doc
    same((other["index"], other["sector"], other["task"]["sector"],
          other["task"]["status"]), ("DJIA", "Energy", "Energy", "pending"),
         "of that dataset only")
    # whoever asks by name lifts it
    s.post("/_/reset")
    ident = s.post("/api/scheduler/refresh", {"index": "DJIA"}).doc["task_id"]
    a = s.get(TABLE)
    same((a.status, a.doc["task_id"], a.doc["task"]["priority"]),
         (202, ident, "urgent"))
    same(s.drain(), 0)
    same(s.get(TABLE).status, 200)


def the_brake_is_short(s):
    s.fresh()
    s.restart_api()
    s.post("/_/faults", DOWN)
    ident = s.get(TABLE).doc["task_id"]
    same(s.drain(TASK_MAX_ATTEMPTS=1), 0)
    same(s.get(TABLE).doc["task_id"], ident)
    assert 0 < int(s.cli("PTTL", FAILED % "stock_data:DJIA:Any")) <= 60000
    # a task that is forgotten meanwhile has nothing to show
    s.cli("EVAL", "for _, k in ipairs(redis.call('KEYS', '*task:*')) do "
          "redis.call('DEL', k) end", "0")
    other = s.get(TABLE).doc["task_id"]
    assert other != ident, ident
    same(s.drain(TASK_MAX_ATTEMPTS=1), 0)
    same(s.get(TABLE).doc["task_id"], other)
    s.cli("DEL", FAILED % "stock_data:DJIA:Any")
    assert s.get(TABLE).doc["task_id"] not in (ident, other)
    # one that is to be tried again is waited for
    same(s.drain(), 0)
    a = s.get(TABLE)
    same((a.status, a.doc["task"]["status"], a.doc["task"]["retry_count"]),
         (202, "scheduled", 1))


def the_brake_holds_for_returns_and_for_what_is_stale(s):
    filled(s)
    s.post("/_/faults", DOWN)
    ident = s.get(RETURNS).doc["task_id"]
    same(s.drain(TASK_MAX_ATTEMPTS=1), 0)
    doc = s.get(RETURNS).doc
    same((doc["task_id"], doc["task"]["status"]), (ident, "failed"))
    before = asked(s)
    same(s.get(JOINED).status, 200)
    ends_in(s, -1000)
    same(s.get(TABLE).doc["stale"], True)
    same(asked(s) - before, 1, "the table, whose fetch has not failed")
    same(s.drain(TASK_MAX_ATTEMPTS=1), 0)
    s.cli("DEL", ASKED % "stock_data:DJIA:Any")
    s.restart_api()
    same(s.get(TABLE).doc["stale"], True)
    same((tasks(s), asked(s) - before), ([], 1))


def a_task_of_returns_goes_by_when_it_was_last_asked_for(s):
    """Made since then, the document will do; made before, it will not."""
    def ask():
        r = run("enqueue", "annual-returns", "--index", "DJIA", "--force",
                env=s.env())
        same(r.code, 0, r)
    for again, calls in ((False, 0), (True, 30)):
        filled(s)
        ask()
        same(s.fetch("--returns", "--index", "DJIA", "--refresh").code, 0)
        if again:
            ask()
        s.post("/_/reset")
        same(s.drain(), 0)
        same(len([c for c in s.calls() if c["path"].startswith("/v8/")]), calls)


def _returns_left(s):
    return sorted(k for k in s.cli("KEYS", "*annual_returns*").split("\n")
                  if ":meta:" not in k)


def _of(index):
    return ["annual_returns:" + index, "stocknity:gzip:{annual_returns:%s}" % index,
            "stocknity:work:{annual_returns:%s}" % index]


def an_index_is_forgotten_with_its_returns(s):
    """By both ways; with the variants, the work, and the brake."""
    plain = ["annual_returns", "stocknity:gzip:{annual_returns}"]
    every = sorted(_of("DJIA") + _of("S&P 500") + plain)

    def fill():
        _with_returns(s)
        for key in every:
            if s.cli("EXISTS", key) == "0":
                s.cli("SET", key, "x")
        same(_returns_left(s), every)

    def clear(body, *args):
        """What the API says it forgot, and the same for the program."""
        left = []
        for how in ("api", "program"):
            fill()
            if how == "api":
                n = s.post("/api/cache/clear", body).doc["cleared"]
            else:
                r = s.fetch("--forget", *args, "-v")
                same(r.code, 0, r)
                same(r.err.split("forgot ")[1].split()[0], str(n), r)
            left.append(_returns_left(s))
        same(left[0], left[1])
        return n, left[0]
    same(clear({"index": "DJIA", "sector": "Energy"}, "--index", "DJIA",
               "--sector", "Energy"), (1, every))
    same(clear({"index": "DJIA"}, "--index", "DJIA"),
         (13, sorted(_of("S&P 500") + plain)))
    same(clear({"index": "S&P 500"}, "--index", "S&P 500"),
         (1, sorted(_of("DJIA"))))
    same(clear({"all": True}, "--all"), (14, []))
    s.cli("SET", FAILED % "stock_data:DJIA:Energy", "x")
    clear({"index": "DJIA", "sector": "Energy"}, "--index", "DJIA", "--sector",
          "Energy")
    same(s.cli("KEYS", FAILED % "*"), "")
    fill()
    r = s.fetch("--forget", "--returns", "--index", "S&P 500", "-v")
    same((r.code, _returns_left(s)), (0, sorted(_of("DJIA"))), r)
    assert "forgot 1 dataset\n" in r.err, r
    same(s.cli("EXISTS", "stock_data:DJIA:Any"), "1")


def work_that_is_forgotten_begins_anew(s):
    filled(s)
    ident = s.get(RETURNS).doc["task_id"]
    same(run("drain-queue", "-n", "1", "--workers", "1", env=s.env()).code, 0)
    work = "stocknity:work:{annual_returns:DJIA}"
    same(s.cli("EXISTS", work), "1")
    same(s.post("/api/cache/clear", {"index": "DJIA"}).status, 200)
    same(s.cli("EXISTS", work), "0")
    same(s.fetch("--index", "DJIA").code, 0)
    same(s.drain(), 0)
    s.cli("ZADD", Q + "scheduled", "XX", "1", ident)  # as if it were due
    same(s.drain(), 0)
    same((s.get(RETURNS).status, s.get(RETURNS).doc["count"]), (200, 30))


if __name__ == "__main__":
    main(tests_of(globals()), lambda: Stack(["--appendonly", "yes"]))

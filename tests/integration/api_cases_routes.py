"""Every route and method, tasks, views, health, the description of it all."""
import json
import os
import re
import uuid

import jsonschema

from api_kit import problem, same
from harness import ROOT, run

KNOWN = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")


def put(s, *args):
    r = run("enqueue", *args, env=s.env())
    same(r.code, 0, r)
    return r.out.strip()


def routes(s):
    """Path with an id in it, and its methods."""
    out = {}
    for path, operations in s.get("/api/openapi.json").doc["paths"].items():
        methods = {m.upper() for m in operations}
        out[path] = methods | ({"HEAD"} if "GET" in methods else set())
    return out


def every_route_knows_its_methods(s):
    s.fresh()
    ident = str(uuid.uuid4())
    assert len(routes(s)) >= 12, routes(s)
    for path, methods in routes(s).items():
        path = path.replace("{id}", ident)
        for method in KNOWN + ("PUT", "PATCH", "TRACE", "get", "FOO", ""):
            a = s.call(method, path)
            if method == "OPTIONS":
                same((a.status, a.body), (204, b""), a)
                same({"content-length", "content-type"} & set(a.headers), set(), a)
            elif method in methods:
                assert a.status not in (405, 500), (method, path, a)
                continue
            elif method == "HEAD":
                same((a.status, a.body), (405, b""), a)
            else:
                problem(a, 405, "method")
            same(set(a.headers["allow"].split(", ")), methods | {"OPTIONS"}, path)


def what_is_not_there_is_404(s):
    for path in ("/", "/api", "/api/", "/api/stocks/", "/API/stocks", "/api/stock",
                 "/api/stocksx", "//api/stocks", "/api/tasks", "/api/tasks/",
                 "/api/tasks/x", "/api/tasks/%s/" % uuid.uuid4(),
                 "/api/tasks/%s/cancel" % uuid.uuid4(),
                 "/api/tasks/" + str(uuid.uuid4()).upper(),
                 "/api/tasks/%s0" % uuid.uuid4(), "/api/../api/stocks"):
        for method in ("GET", "POST", "OPTIONS", "PUT"):
            problem(s.call(method, path), 404)


def every_view_answers_head_as_get(s):
    s.fresh()
    for path, methods in routes(s).items():
        if "GET" not in methods or "{" in path:
            continue
        got, head = s.get(path), s.call("HEAD", path)
        same((head.status, head.body), (got.status, b""), path)
        same(set(head.headers), set(got.headers), path)
        same(int(got.headers["content-length"]), len(got.body), path)


def a_task_in_all_its_states(s):
    s.fresh("kind=layout path=/screener")
    ident = put(s, "stock-data", "--index", "DJIA", "--priority", "high")
    a = s.get("/api/tasks/" + ident)
    t = a.doc["task"]
    same((a.status, a.doc["success"], a.doc["task_id"]), (200, True, ident))
    same((t["id"], t["type"], t["index"], t["sector"], t["priority"], t["status"]),
         (ident, "fetch_stock_data", "DJIA", "Any", "high", "pending"))
    want = json.loads(run("status", "--task", ident, "--json", env=s.env()).out)
    same(t, want, "as status says it")
    same(a.headers["cache-control"], "no-cache")
    s.drain(TASK_MAX_ATTEMPTS="1", SOURCES="finviz")
    t = s.get("/api/tasks/" + ident).doc["task"]
    same((t["status"], len(t["attempts"])), ("failed", 1), t)
    # failed: it cannot be cancelled, but put back, once
    problem(s.call("DELETE", "/api/tasks/" + ident), 409)
    a = s.post("/api/tasks/%s/requeue" % ident)
    same((a.status, a.doc["task"]["status"], a.headers["location"]),
         (202, "pending", "/api/tasks/" + ident), a)
    problem(s.post("/api/tasks/%s/requeue" % ident, {}), 409)
    a = s.call("DELETE", "/api/tasks/" + ident)
    same((a.status, a.doc["success"], a.doc["task"]["status"]),
         (200, True, "cancelled"), a)
    problem(s.call("DELETE", "/api/tasks/" + ident), 409)
    same(s.post("/api/tasks/%s/requeue" % ident).status, 202)
    # equal work waits: not twice
    s.call("DELETE", "/api/tasks/" + ident)
    put(s, "stock-data", "--index", "DJIA")
    problem(s.post("/api/tasks/%s/requeue" % ident), 409)


def that_runs(s):
    """A task that a worker has."""
    ident = put(s, "probe", "x")
    q = "stocknity:{default}:"
    s.cli("ZREM", q + "ready", ident)
    s.cli("ZADD", q + "processing", "99999999999999999", ident)
    s.cli("HSET", q + "task:" + ident, "status", "processing", "token", "1")
    return ident


def a_task_that_runs_is_told_to_stop(s):
    s.fresh()
    a = s.call("DELETE", "/api/tasks/" + that_runs(s))
    same((a.status, a.doc["task"]["status"]), (202, "processing"), a)


def unknown_tasks_are_404(s):
    s.fresh()
    ident = str(uuid.uuid4())
    problem(s.get("/api/tasks/" + ident), 404)
    problem(s.call("DELETE", "/api/tasks/" + ident), 404)
    problem(s.post("/api/tasks/%s/requeue" % ident), 404)


def scheduler_is_switched(s):
    s.fresh()
    same(s.get("/api/scheduler/status").doc["running"], True, "a fresh one runs")
    for path, running in (("stop", False), ("stop", False), ("start", True),
                          ("start", True)):
        a = s.post("/api/scheduler/" + path)
        same((a.status, a.doc["success"], a.doc["running"]), (200, True, running), a)
        assert a.doc["message"], a
        same(s.get("/api/scheduler/status").doc["running"], running)


def a_switch_says_what_it_did(s):
    s.fresh()
    s.cli("HSET", "stocknity:{default}:slots", "daily:2099-01-01", "1 other done",
          "weekly:2099-W01", "1 other")
    found = s.get("/api/scheduler/status").doc["findings"]
    same([x.split()[0] for x in found], ["daily:2099-01-01", "weekly:2099-W01"])
    said = [s.post("/api/scheduler/" + to).doc["message"]
            for to in ("start", "stop", "stop", "start")]
    same(said, ["Scheduler was already started; slots in the future dropped: 2",
                "Scheduler stopped", "Scheduler was already stopped",
                "Scheduler started"])
    same(s.get("/api/scheduler/status").doc["findings"], [])
    s.cli("HSET", "stocknity:{default}:slots", "daily:2099-01-01", "1 other done")
    assert s.post("/api/scheduler/start").doc["message"].endswith("dropped: 1")


def scheduler_status_has_all_keys(s):
    s.fresh()
    put(s, "probe", "x")
    a = s.get("/api/scheduler/status")
    jobs = {"daily_refresh", "hourly_check", "weekly_cleanup", "warming"}
    same(set(a.doc["last_run"]), jobs)
    same(set(a.doc["next_run"]), jobs)
    assert set(a.doc["schedule_config"]) > jobs, a
    same((a.doc["queue_stats"]["pending"], a.doc["success"]), (1, True))
    assert {"pending", "processing", "completed", "failed"} < set(
        a.doc["queue_stats"]), a
    want = run("schedule", "show", "--json", env=s.env()).doc
    same(set(a.doc) - {"success"}, set(want) - {"history"}, "as schedule shows it")


def refresh_queues_one_urgent_forced_task(s):
    s.fresh()
    for body, index, sector in (
            ("", "S&P 500", "Any"), ("{}", "S&P 500", "Any"),
            ({"index": "S&P 500", "sector": "Technology"}, "S&P 500", "Technology"),
            ({"index": "djia"}, "DJIA", "Any"), ({"sector": None}, "S&P 500", "Any")):
        a = s.post("/api/scheduler/refresh", body)
        t = a.doc["task"]
        same((a.status, t["index"], t["sector"], t["priority"], t["force"]),
             (202, index, sector, "urgent", True), a)
        same(a.headers["location"], "/api/tasks/" + a.doc["task_id"])
        same(s.get(a.headers["location"]).status, 200)
    doc = problem(s.post("/api/scheduler/refresh", {"index": "x"}), 422)
    same((doc["parameter"], len(doc["allowed"])), ("index", 5))
    doc = problem(s.post("/api/scheduler/refresh", {"sector": "x"}), 422)
    same((doc["parameter"], len(doc["allowed"])), ("sector", 12))
    same(s.cli("ZCARD", "stocknity:{default}:ready"), "3")


def force_refresh_queues_every_index(s):
    s.fresh()
    s.fetch("--index", "DJIA")
    a = s.post("/api/scheduler/force-refresh")
    same((a.status, [t["index"] for t in a.doc["tasks"]]),
         (202, ["DJIA", "S&P 500"]), a)
    same({(t["priority"], t["force"]) for t in a.doc["tasks"]}, {("urgent", True)})
    same(a.doc["task"], a.doc["tasks"][0])
    same(s.get("/api/stocks?index=DJIA").status, 200, "nothing is deleted first")
    again = s.post("/api/scheduler/force-refresh")
    same([t["id"] for t in again.doc["tasks"]], [t["id"] for t in a.doc["tasks"]])


def queue_and_cache_as_status_has_them(s):
    s.fresh()
    same(s.fetch("--index", "DJIA").code, 0)
    put(s, "probe", "x")
    a = s.get("/api/queue/stats")
    want = json.loads(run("status", "--queue", "--json", env=s.env()).out)
    same(set(a.doc["queue"]), set(want))
    same((a.status, a.doc["queue"]["pending"], a.doc["queue"]["counters"]),
         (200, 1, want["counters"]))
    a = s.get("/api/cache/info")
    cache = json.loads(run("status", "--cache", "--json", env=s.env()).out)
    sources = json.loads(run("status", "--sources", "--json", env=s.env()).out)
    same([set(d) for d in a.doc["datasets"]], [set(d) for d in cache["datasets"]])
    same((len(a.doc["datasets"]), [x["name"] for x in a.doc["sources"]]),
         (12, [x["name"] for x in sources]), a)


def cleared_is_gone_and_comes_back(s):
    s.fresh()
    s.restart_api()
    same(s.fetch("--index", "DJIA").code, 0)
    same(s.fetch("--index", "NASDAQ 100").code, 0)
    gzips = "stocknity:gzip:{stock_data:DJIA:Any}"
    same(s.cli("EXISTS", gzips), "1")

    def clear(body):
        a = s.post("/api/cache/clear", body)
        same((a.status, a.doc["success"]), (200, True), a)
        return a.doc["cleared"]
    same(clear({"index": "djia", "sector": "Energy"}), 1)
    same(s.get("/api/stocks?index=DJIA").status, 200)
    same(clear({"index": "DJIA"}), 11)
    same((s.cli("EXISTS", gzips), s.get("/api/stocks?index=DJIA").status),
         ("0", 202))
    same(clear({"index": "DJIA", "sector": None, "all": None}), 0)
    same(s.get("/api/stocks?index=NASDAQ+100").status, 200)
    same(clear({"all": True}), 12)
    same(s.drain(), 0)
    same(s.get("/api/stocks?index=DJIA").status, 200, "held back by nothing")


def clear_wants_to_know_what(s):
    for body in ("", {}, {"all": False}, {"sector": "Energy"},
                 {"all": True, "index": "DJIA"}, {"all": True, "sector": "Any"}):
        problem(s.post("/api/cache/clear", body), 422, "say which")
    problem(s.post("/api/cache/clear", {"index": "x"}), 422, "unknown index")
    problem(s.post("/api/cache/clear", {"index": 1}), 422, "not a text")
    problem(s.post("/api/cache/clear", {"all": "yes"}), 422, "not true or false")


def health_is_as_the_check_finds_it(s):
    s.fresh()
    a = s.get("/api/health")
    same((a.status, a.doc["success"], a.doc["status"]), (200, True, "degraded"))
    check = run("status", "--check", "--json", env=s.env()).doc
    same(a.doc["checks"], check["findings"])
    for index in ("DJIA", "S&P 500"):
        same(s.fetch("--index", index).code, 0)
    s.cli("CONFIG", "SET", "save", "3600 1000000")
    a = s.get("/api/health")
    s.cli("CONFIG", "SET", "save", "")
    same((a.status, a.doc["status"], a.doc["checks"]), (200, "ok", []), a)
    for view in ("live", "ready"):
        same(s.get("/api/health/" + view).doc, {"success": True, "status": "ok"})


def metrics_as_status_has_them(s):
    s.fresh()
    a = s.get("/metrics")
    same((a.status, a.headers["content-type"]),
         (200, "text/plain; version=0.0.4; charset=utf-8"))
    want = run("status", "--prometheus", env=s.env()).out
    names = re.compile(r"^# HELP (\S+)", re.M)
    same(names.findall(a.body.decode()), names.findall(want))


def validators(s):
    spec = s.get("/api/openapi.json").doc
    same(spec["openapi"][:4], "3.1.")
    schemas = spec["components"]["schemas"]

    def check(schema, doc):
        jsonschema.Draft202012Validator(
            {**schema, "components": spec["components"]}).validate(doc)
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    return spec, check


def holds(s, spec, check, method, path, answer):
    """The answer is one that the description foresees by its status."""
    operation = spec["paths"][path][method.lower()]
    assert str(answer.status) in operation["responses"], (method, path, answer)
    chosen = operation["responses"][str(answer.status)]
    for name, header in chosen.get("headers", {}).items():
        assert header["required"] and name.lower() in answer.headers, (name, answer)
    if "content" not in chosen:
        same(answer.body, b"")
        return
    kind = answer.headers["content-type"].split(";")[0]
    assert kind in chosen["content"], (path, answer)
    if "json" in kind:
        check(chosen["content"][kind]["schema"], answer.doc)


class Described:
    """Asks, holds the answers against the description and notes them."""

    def __init__(self, s):
        self.s, self.seen = s, set()
        self.spec, self.check = validators(s)

    def ask(self, method, path, target=None, status=None, **more):
        a = self.s.call(method, target or path, **more)
        if status is not None:
            same(a.status, status, (method, path, a))
        holds(self.s, self.spec, self.check, method, path, a)
        self.seen.add((method, path, str(a.status)))
        return a

    def each(self, only=lambda operation: True):
        """(method, path, a target that is there or could be)"""
        for path, operations in self.spec["paths"].items():
            for method, operation in operations.items():
                if only(operation):
                    yield (method.upper(), path,
                           path.replace("{id}", str(uuid.uuid4())))


def refusals(d):
    """What every route refuses, or every one that writes or is told a name."""
    def writes(operation):
        return "security" in operation

    for method, path, target in d.each():
        d.ask(method, path, target)
        d.ask(method, path, target + "?x=1", 400)
        d.ask(method, path, target + "?index=" + "x" * 5000, 414)
        d.ask(method, path, target, 413, CONTENT_LENGTH="99999999")
    for method, path, target in d.each(writes):
        d.ask(method, path, target, 403, REMOTE_ADDR="192.0.2.1")
        d.ask(method, path, target, 415, body=b"x", CONTENT_TYPE="text/plain")
        if "requestBody" in d.spec["paths"][path][method.lower()]:
            d.ask(method, path, target, 422, body=b'{"index":"x"}')
    for method, path, target in d.each(lambda o: "422" in o["responses"]):
        if method == "GET":
            d.ask(method, path, target + "?index=x", 422)
            d.ask(method, path, target + "?index=RUSSELL%202000", 404,
                  REMOTE_ADDR="192.0.2.1")


def states_of_tasks(d):
    s = d.s
    ident = d.ask("GET", "/api/stocks", "/api/stocks?index=DJIA", 202).doc["task_id"]
    task = "/api/tasks/" + ident
    d.ask("GET", "/api/tasks/{id}", task, 200)
    d.ask("DELETE", "/api/tasks/{id}", task, 200)
    d.ask("DELETE", "/api/tasks/{id}", task, 409)
    d.ask("POST", "/api/tasks/{id}/requeue", task + "/requeue", 202)
    d.ask("POST", "/api/tasks/{id}/requeue", task + "/requeue", 409)
    d.ask("GET", "/api/queue/stats", None, 200)
    s.drain()
    d.ask("GET", "/api/tasks/{id}", task, 200)
    d.ask("DELETE", "/api/tasks/{id}", "/api/tasks/" + that_runs(s), 202)


def levels_of_the_cache(d):
    """Fresh, unchanged, stale, with annual returns, absent, and failed."""
    s = d.s
    for path in ("/api/stocks", "/api/screener/data"):
        there = path + "?index=DJIA"
        a = d.ask("GET", path, there, 200)
        d.ask("GET", path, there, 304, headers={"If-None-Match": a.headers["etag"]})
        d.ask("GET", path, there + "&returns=1", 200)
    s.cli("HSET", "stocknity:meta:{stock_data:DJIA:Any}", "fresh_ms", "1")
    a = d.ask("GET", "/api/screener/data", "/api/screener/data?index=DJIA", 200)
    same(a.doc["stale"], True)
    returns = "/api/annual-returns?index=DJIA"
    d.ask("GET", "/api/annual-returns", returns, 202)
    s.fetch("--index", "DJIA", "--refresh")
    s.drain()
    a = d.ask("GET", "/api/annual-returns", returns, 200)
    d.ask("GET", "/api/annual-returns", returns, 304,
          headers={"If-None-Match": a.headers["etag"]})
    d.ask("GET", "/api/stocks", "/api/stocks?index=DJIA&returns=1", 200)
    s.cli("DEL", "annual_returns:DJIA")
    s.post("/_/faults", "kind=500 path=/\n")
    for target in (returns, "/api/stocks?index=NASDAQ%20100",
                   "/api/screener/data?index=S%26P%20500"):
        path = target.partition("?")[0]
        d.ask("GET", path, target, 202)
        s.drain(TASK_MAX_ATTEMPTS=1)
        assert d.ask("GET", path, target, 202).doc["task"]["error_message"]
    s.post("/_/reset")


def without_redis_or_right(d):
    """503 of whatever needs Redis, and 401 where the token is missing."""
    d.s.cli("ACL", "SETUSER", "default", "-@all", "+@connection", "+acl")
    try:
        for method, path, target in d.each(lambda o: "503" in o["responses"]):
            body = b'{"all":true}' if path == "/api/cache/clear" else b""
            d.ask(method, path, target, 503, body=body)
    finally:
        d.s.cli("ACL", "SETUSER", "default", "+@all")
    d.s.restart_api(API_TOKEN="x")
    for method, path, target in d.each(lambda o: "security" in o):
        d.ask(method, path, target, 401)
    d.s.restart_api()


def every_answer_is_as_described(s):
    """And every answer that is described is seen."""
    s.fresh("kind=503 path=/screener match=idx_ndx")
    s.restart_api()
    d = Described(s)
    refusals(d)
    s.fresh()
    states_of_tasks(d)
    levels_of_the_cache(d)
    for method, path, status in (
            ("POST", "/api/scheduler/stop", 200), ("POST", "/api/scheduler/start", 200),
            ("POST", "/api/scheduler/force-refresh", 202),
            ("GET", "/api/health", 200), ("GET", "/api/cache/info", 200)):
        d.ask(method, path, None, status)
    d.ask("POST", "/api/scheduler/refresh", None, 202, body=b'{"index":"DJIA"}')
    same(run("schedule", "run", "weekly", env=s.env()).code, 0)
    d.ask("GET", "/api/scheduler/status", None, 200)
    d.ask("POST", "/api/cache/clear", None, 200, body=b'{"all":true}')
    without_redis_or_right(d)
    named = {(m.upper(), p, status) for p, ops in d.spec["paths"].items()
             for m, o in ops.items() for status in o["responses"]}
    same({x for x in named if x[2] != "default"} - d.seen, set(), "never seen")


def description_has_every_field_and_value(s):
    spec, _ = validators(s)
    schemas = spec["components"]["schemas"]
    s.fresh()
    s.fetch("--index", "DJIA")
    row = s.get("/api/stocks?index=DJIA").doc["data"][0]
    same(list(schemas["Record"]["properties"]),
         list(row) + ["expected_annual_return", "expected_annual_risk",
                      "return_risk_ratio"])
    same(schemas["Record"]["required"], list(row))
    names = {n for n in re.findall(r'#/components/schemas/(\w+)', json.dumps(spec))}
    same(names - set(schemas), set())
    same(set(schemas) - names, set(), "schemas that nothing uses")
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            same("security" in operation, method != "get", path)
    index = spec["paths"]["/api/stocks"]["get"]["parameters"][0]
    same((index["name"], index["schema"]["default"]), ("index", "S&P 500"))


def readme_and_manual_list_every_route(s):
    with open(os.path.join(ROOT, "README.md")) as f:
        chapter = f.read().split("\n## The API\n")[1].split("\n## ")[0]
    with open(os.path.join(ROOT, "man/stocknity-api.8")) as f:
        manual = f.read()
    told = set(re.findall(r"`([A-Z]+ /[^` ]*)`", chapter))
    there = {"%s %s" % (m.upper(), p) for p, ops in
             s.get("/api/openapi.json").doc["paths"].items() for m in ops}
    same(told, there)
    same(set(re.findall(r"[A-Z]+ /[a-z][^ ,\n]*", manual)), there)


CASES = [every_route_knows_its_methods, what_is_not_there_is_404,
         every_view_answers_head_as_get, a_task_in_all_its_states,
         a_task_that_runs_is_told_to_stop, unknown_tasks_are_404, scheduler_is_switched,
         a_switch_says_what_it_did, scheduler_status_has_all_keys,
         refresh_queues_one_urgent_forced_task, force_refresh_queues_every_index,
         queue_and_cache_as_status_has_them, cleared_is_gone_and_comes_back,
         clear_wants_to_know_what, health_is_as_the_check_finds_it,
         metrics_as_status_has_them,
         every_answer_is_as_described, description_has_every_field_and_value,
         readme_and_manual_list_every_route]

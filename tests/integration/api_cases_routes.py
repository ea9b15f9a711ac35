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


def a_task_that_runs_is_told_to_stop(s):
    s.fresh()
    ident = put(s, "probe", "x")
    q = "stocknity:{default}:"
    s.cli("ZREM", q + "ready", ident)
    s.cli("ZADD", q + "processing", "99999999999999999", ident)
    s.cli("HSET", q + "task:" + ident, "status", "processing", "token", "1")
    a = s.call("DELETE", "/api/tasks/" + ident)
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
    same((a.status, a.headers["content-type"].split(";")[0]), (200, "text/plain"))
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
    """The answer is one that the description foresees."""
    operation = spec["paths"][path][method.lower()]
    responses = operation["responses"]
    chosen = responses.get(str(answer.status), responses["default"])
    if "content" not in chosen:
        same(answer.body, b"")
        return
    kind = answer.headers["content-type"].split(";")[0]
    assert kind in chosen["content"], (path, answer)
    if "json" in kind:
        check(chosen["content"][kind]["schema"], answer.doc)


def every_answer_is_as_described(s):
    s.fresh("kind=503 path=/screener match=idx_ndx")
    s.restart_api()
    spec, check = validators(s)
    seen = set()

    def ask(method, path, target=None, status=None, **more):
        a = s.call(method, target or path, **more)
        if status is not None:
            same(a.status, status, a)
        holds(s, spec, check, method, path, a)
        seen.add((method, path, a.status))
        return a
    for path, operations in spec["paths"].items():
        for method in operations:
            ask(method.upper(), path, path.replace("{id}", str(uuid.uuid4())))
            ask(method.upper(), path,
                path.replace("{id}", str(uuid.uuid4())) + "?x=1")
    s.fresh()
    ident = ask("GET", "/api/stocks", "/api/stocks?index=DJIA", 202).doc["task_id"]
    task = "/api/tasks/" + ident
    ask("GET", "/api/tasks/{id}", task, 200)
    ask("DELETE", "/api/tasks/{id}", task, 200)
    ask("POST", "/api/tasks/{id}/requeue", task + "/requeue", 202)
    ask("GET", "/api/health", None, 200)
    ask("GET", "/api/queue/stats", None, 200)
    s.drain()
    ask("GET", "/api/tasks/{id}", task, 200)
    a = ask("GET", "/api/stocks", "/api/stocks?index=DJIA", 200)
    ask("GET", "/api/stocks", "/api/stocks?index=DJIA", 304,
        headers={"If-None-Match": a.headers["etag"]})
    s.cli("HSET", "stocknity:meta:{stock_data:DJIA:Any}", "fresh_ms", "1")
    a = ask("GET", "/api/screener/data", "/api/screener/data?index=DJIA", 200)
    same(a.doc["stale"], True)
    ask("GET", "/api/stocks", "/api/stocks?sector=x", 422)
    ask("GET", "/api/stocks", "/api/stocks?index=DJIA&returns=1", 200)
    ask("GET", "/api/annual-returns", "/api/annual-returns?index=DJIA", 202)
    s.fetch("--index", "DJIA", "--refresh")
    s.drain()
    a = ask("GET", "/api/annual-returns", "/api/annual-returns?index=DJIA", 200)
    ask("GET", "/api/annual-returns", "/api/annual-returns?index=DJIA", 304,
        headers={"If-None-Match": a.headers["etag"]})
    ask("GET", "/api/stocks", "/api/stocks?index=DJIA&returns=1", 200)
    s.cli("DEL", "annual_returns:DJIA")
    s.post("/_/faults", "kind=500 path=/\n")
    for target in ("/api/annual-returns?index=DJIA",
                   "/api/stocks?index=NASDAQ%20100"):
        path = target.partition("?")[0]
        ask("GET", path, target, 202)
        s.drain(TASK_MAX_ATTEMPTS=1)
        assert ask("GET", path, target, 502).doc["task"]["error_message"]
    s.post("/_/reset")
    ask("GET", "/api/cache/info", None, 200)
    ask("POST", "/api/scheduler/stop", None, 200)
    ask("POST", "/api/scheduler/start", None, 200)
    ask("POST", "/api/scheduler/refresh", None, 202, body=b'{"index":"DJIA"}')
    ask("POST", "/api/scheduler/force-refresh", None, 202)
    ask("GET", "/api/scheduler/status", None, 200)
    ask("GET", "/metrics", None, 200)
    ask("POST", "/api/cache/clear", None, 200, body=b'{"all":true}')
    every = {(m.upper(), p) for p, ops in spec["paths"].items() for m in ops}
    same({(m, p) for m, p, _ in seen}, every)
    for m, p, status in seen:
        described = str(status) in spec["paths"][p][m.lower()]["responses"]
        assert status < 500 or described, (p, status)


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
         a_task_that_runs_is_told_to_stop, unknown_tasks_are_404, scheduler_is_switched, scheduler_status_has_all_keys,
         refresh_queues_one_urgent_forced_task, force_refresh_queues_every_index,
         queue_and_cache_as_status_has_them, cleared_is_gone_and_comes_back,
         clear_wants_to_know_what, health_is_as_the_check_finds_it,
         metrics_as_status_has_them,
         every_answer_is_as_described, description_has_every_field_and_value,
         readme_and_manual_list_every_route]

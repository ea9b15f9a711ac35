"""status --prometheus: held to the text format, line by line and by Prometheus'
own client library, to the rules for names, and to what --json says."""
import math
import os
import re
import sys
import uuid

from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Servers, main, run  # noqa: E402

Q = "stocknity:{default}:"
NAME = r"[a-z][a-z0-9_]*"
LABEL = r'%s="(?:[^"\\\n]|\\["\\n])*"' % NAME
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)"
                    % (NAME, LABEL, LABEL))
# As promtool check metrics has it: base units only, none of them cut short.
BAD_UNITS = {"milliseconds", "microseconds", "minutes", "hours", "days", "ms",
             "us", "sec", "secs", "s", "kilobytes", "megabytes", "kb", "mb",
             "percent"}


def same(got, want, what=""):
    assert got == want, "%s: got %r, want %r" % (what, got, want)


def put(s, *args):
    r = run("enqueue", *args, env=s.env())
    same(r.code, 0, r)
    return r.out.strip()


def metrics(s, code=0, **env):
    """{(name, labels): value}, of a text that is held to every rule."""
    r = run("status", "--prometheus", env=s.env(**env))
    same((r.code, r.err != ""), (code, code != 0), r)
    assert r.out.endswith("\n") and "\n\n" not in r.out, r
    types, got, name = {}, {}, None
    lines = r.out[:-1].split("\n")
    for i, line in enumerate(lines):
        if line.startswith("# HELP "):
            name, text = line[7:].split(" ", 1)
            assert name not in types, "two families of one name: " + line
            assert text and text[-1] == "." and "\\" not in text, line
            kind = lines[i + 1].split(" ")
            same(kind[:3], ["#", "TYPE", name])
            types[name] = kind[3]
            assert kind[3] in ("gauge", "counter") and len(kind) == 4, line
            same(kind[3] == "counter", name.endswith("_total"), line)
            assert name.startswith("stocknity_"), line
            assert not set(name.split("_")) & BAD_UNITS, line
            assert not re.search("_(count|sum|bucket|info)$", name) or \
                name == "stocknity_build_info", line
        elif not line.startswith("# TYPE "):
            m = SAMPLE.fullmatch(line)
            assert m, line
            same(m[1], name, "a sample outside its family")
            labels = tuple(re.findall('(%s)="((?:[^"\\\\]|\\\\.)*)"' % NAME,
                                      m[2] or ""))
            assert len({k for k, _ in labels}) == len(labels), line
            assert (m[1], labels) not in got, "twice: " + line
            got[m[1], labels] = float(m[3])
            assert math.isfinite(float(m[3])) and float(m[3]) >= 0, line
    # And as the client library reads it.
    theirs = {(x.name, tuple(sorted(x.labels.items()))): x.value
              for f in text_string_to_metric_families(r.out) for x in f.samples}
    same({(n, tuple(sorted(ls))): v for (n, ls), v in got.items()}, theirs)
    return got


def value(got, name, **labels):
    found = [v for (n, ls), v in got.items() if n == "stocknity_" + name and
             dict(ls) == labels]
    same(len(found), 1, (name, labels, sorted(n for n, _ in got)))
    return found[0]


def of(got, name):
    return {ls: v for (n, ls), v in got.items() if n == "stocknity_" + name}


def an_empty_redis(s):
    s.fresh()
    got = metrics(s)
    same((value(got, "redis_up"), value(got, "build_info", version="1.0.0")),
         (1, 1))
    for state in ("pending", "scheduled", "processing", "completed", "failed"):
        same(value(got, "queue_tasks", state=state), 0)
    same((value(got, "queue_paused"), value(got, "queue_oldest_pending_seconds")),
         (0, 0))
    for source in ("finviz", "yahoo"):
        same(value(got, "source_breaker_state", source=source, state="closed"), 1)
        same(value(got, "source_rate_limit", source=source), 1000)
    same(of(got, "dataset_age_seconds"), {})


def no_redis(s):
    for env, code in (({"REDIS_URL": "unix:///nowhere"}, 69),
                      ({"REDIS_URL": None, "REDIS_HOST": s.socket,
                        "REDIS_PASSWORD": "no"}, 69)):
        got = metrics(s, code, **env)
        same(len(got), 2, got)
        same(value(got, "redis_up"), 0)
        value(got, "build_info", version="1.0.0")
    r = run("status", "--prometheus", "--json", env=s.env())
    same((r.code, r.out), (64, ""), r)


def the_queue_as_json_has_it(s):
    s.fresh("kind=layout path=/screener match=idx_ndx")
    put(s, "stock-data", "--index", "DJIA")
    put(s, "stock-data", "--index", "NASDAQ 100")
    run("drain-queue", env=s.env(TASK_MAX_ATTEMPTS="1", SOURCES="finviz"))
    put(s, "probe", "a", "--priority", "low")
    put(s, "probe", "a", "--priority", "low")
    put(s, "probe", "b", "--priority", "urgent")
    put(s, "probe", "c", "--delay", "60")
    put(s, "--pause", "why")
    s.cli("ZADD", Q + "processing", "1", str(uuid.uuid4()))
    got = metrics(s)
    doc = run("status", "--queue", "--json", env=s.env()).doc
    for state in ("pending", "scheduled", "processing", "completed", "failed"):
        same(value(got, "queue_tasks", state=state), doc[state], state)
    for priority, n in doc["by_priority"].items():
        same(value(got, "queue_pending_tasks", priority=priority), n)
    names = {"done": "completed", "dead": "failed"}
    for name, n in doc["counters"].items():
        same(value(got, "tasks_%s_total" % names.get(name, name)), n, name)
    same((value(got, "tasks_enqueued_total"), value(got, "tasks_merged_total"),
          value(got, "tasks_failed_total"), value(got, "tasks_completed_total")),
         (5, 1, 1, 1))
    same((value(got, "queue_paused"), value(got, "queue_expired_leases")), (1, 1))
    assert 0 < value(got, "queue_oldest_pending_seconds") <= \
        doc["oldest_seconds"] + 1, doc
    # Counters do not fall when what they count is forgotten.
    run("enqueue", "--resume", env=s.env())
    run("enqueue", "--purge", "0", env=s.env())
    after = metrics(s)
    same(value(after, "queue_tasks", state="completed"), 0)
    for key, n in got.items():
        if key[0].startswith("stocknity_tasks_"):
            assert after[key] >= n, key


def a_line_too_long_to_be_counted(s):
    s.fresh()
    lines = "".join('{"type":"probe","index":"%d"}\n' % i for i in range(600))
    same(run("enqueue", "-", env=s.env(), stdin=lines).code, 0)
    got = metrics(s)
    same(value(got, "queue_tasks", state="pending"), 600)
    same(of(got, "queue_pending_tasks"), {}, "not counted is absent, not 0")


def sources(s):
    s.fresh("kind=429 retry-after=77 path=/screener")
    s.fetch("--index", "DJIA", SOURCES="finviz", RATE_LIMIT="0.05", MAX_WAIT="0")
    got = metrics(s, RATE_LIMIT="0.05")
    assert 70 < value(got, "source_hold_seconds", source="finviz") <= 77, got
    assert 0 < value(got, "source_next_slot_seconds", source="finviz") <= 20, got
    same(value(got, "source_rate_limit", source="finviz"), 0.05)
    same(value(got, "source_hold_seconds", source="yahoo"), 0)
    s.fresh("kind=503 path=/screener")
    for _ in range(2):
        s.fetch("--index", "DJIA", SOURCES="finviz", MAX_WAIT="0")
    got = metrics(s)
    doc = run("status", "--sources", "--json", env=s.env()).doc[0]
    same((value(got, "source_recent_calls", source="finviz"),
          value(got, "source_recent_failures", source="finviz"),
          value(got, "source_failures_in_row", source="finviz")),
         (doc["calls_last_minute"], doc["failures_last_minute"],
          doc["failures_in_row"]), doc)
    assert doc["failures_in_row"] > 0, doc
    for field, state in (("9" * 16, "open"), ("1", "half-open"), ("0", "closed")):
        s.cli("HSET", "stocknity:guard:{finviz}", "open_until_us", field)
        got = metrics(s, SOURCES="finviz")
        same({dict(ls)["state"]: v
              for ls, v in of(got, "source_breaker_state").items()},
             {name: float(name == state)
              for name in ("closed", "open", "half-open")})
        same(value(got, "source_breaker_open_seconds", source="finviz") > 0,
             state == "open")


def datasets(s):
    s.fresh()
    s.fetch("--index", "DJIA")
    for _ in range(3):
        s.fetch("--index", "DJIA", "--sector", "Energy")
    s.cli("HSET", "stocknity:meta:{stock_data:DJIA:Any}", "fresh_ms", "1")
    s.cli("DEL", "stock_data:DJIA:Technology")
    s.cli("HSET", "stocknity:meta:{stock_data:DJIA:Technology}", "misses", "4")
    s.fetch("--returns", "--index", "DJIA")
    got = metrics(s)
    doc = run("status", "--cache", "--json", env=s.env()).doc
    docs = doc["datasets"] + doc["annual_returns"]
    for d in docs:
        labels = {"index": d["index"], "sector": d.get("sector", "annual_returns")}
        same(value(got, "dataset_fresh", **labels), d["state"] == "fresh", d)
        for result, name in (("hit", "hits"), ("stale", "stale_reads"),
                             ("miss", "misses")):
            same(value(got, "dataset_reads_total", result=result, **labels),
                 d[name], d)
        if d["state"] == "absent":
            continue
        same((value(got, "dataset_rows", **labels),
              value(got, "dataset_bytes", **labels)), (d["rows"], d["bytes"]))
        age = value(got, "dataset_age_seconds", **labels)
        assert 0 <= age <= d["age_seconds"], d
    same(len(of(got, "dataset_fresh")), len(docs))
    same(len(of(got, "dataset_rows")), 12, "not of the absent one")
    same(value(got, "dataset_reads_total", index="DJIA", sector="Energy",
               result="hit"), 3)


def quotas_of_a_day(s):
    s.fresh()
    env = {"SOURCES": "finviz,alphavantage", "ALPHAVANTAGE_KEY": "k",
           "ALPHAVANTAGE_URL": s.url, "ALPHAVANTAGE_RATE_LIMIT": "1000"}
    got = metrics(s, **env)
    same(of(got, "source_day_quota"), {(("source", "alphavantage"),): 25})
    same(value(got, "source_day_left_calls", source="alphavantage"), 25)
    s.fetch("--index", "DJIA", "--sector", "Energy", "--source", "alphavantage", **env)
    left = run("status", "--sources", "--json", env=s.env(**env)).doc[1]["day_left"]
    assert left < 25, left
    same(value(metrics(s, **env), "source_day_left_calls", source="alphavantage"),
         left)
    same(of(metrics(s, **dict(env, ALPHAVANTAGE_DAY_QUOTA="0")), "source_day_quota"),
         {})


TESTS = [an_empty_redis, no_redis, the_queue_as_json_has_it,
         a_line_too_long_to_be_counted, sources, datasets, quotas_of_a_day]

if __name__ == "__main__":
    main(TESTS, Servers)

"""fetch and its Redis: none, one that refuses, is full or dies, what else stands
there, and who else reads it."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fetch_kit import DJIA, SP500, pages  # noqa: E402
from harness import main, program, same, Servers, tests_of, wait_until  # noqa: E402


def without_redis_it_works_and_warns_once(s):
    s.fresh()
    r = s.fetch("--index", DJIA, REDIS_URL="unix:///nowhere/redis.sock")
    same((r.code, r.doc["count"]), (0, 30), r)
    same(len(r.err.splitlines()), 1, r.err)
    assert "uncached" in r.err, r.err
    assert os.path.exists(os.path.join(
        s.dir, ".local/state/stocknity/limits"))


def limiter_holds_without_redis_too(s):
    s.fresh("kind=429 retry-after=30 path=/screener count=1")
    nowhere = {"REDIS_URL": "unix:///nowhere/redis.sock", "STATE_DIR": s.dir + "/st"}
    r = s.fetch("--index", DJIA, "--source", "finviz", **nowhere)
    same(r.code, 75, r)
    r = s.fetch("--index", DJIA, "--source", "finviz", **nowhere)
    same((r.code, len(pages(s))), (75, 1), r)


def refusing_redis_has_a_clear_line(s):
    other = Servers(["--requirepass", "right"])
    try:
        other.post("/_/reset")
        for env in ({}, {"REDIS_URL": "unix://:wrong@%s" % other.socket},
                    {"REDIS_URL": None, "REDIS_HOST": other.socket,
                     "REDIS_PASSWORD": "wrong"}):
            r = other.fetch("--index", DJIA, **env)
            same((r.code, r.doc["count"]), (0, 30), r)
            assert "password" in r.err.lower(), r.err
            assert "wrong" not in r.err.replace("WRONGPASS", ""), r.err
        r = other.fetch("--index", DJIA, REDIS_URL=None,
                        REDIS_HOST=other.socket, REDIS_PASSWORD="right")
        same((r.code, r.err), (0, ""), r)
    finally:
        other.close()


def full_redis_puts_the_fetch_back(s):
    s.fresh()
    s.cli("CONFIG", "SET", "maxmemory", "1")
    try:
        r = s.fetch("--index", DJIA)
        same(r.code, 75, r)
        assert "full" in r.err, r.err
        same(len(s.calls()), 0)
    finally:
        s.cli("CONFIG", "SET", "maxmemory", "0")


def redis_that_dies_in_the_middle_is_done_without(s):
    s.fresh("kind=stall n=2 path=/screener count=1")
    child = subprocess.Popen([program("fetch"), "--index", DJIA], text=True,
                             env=s.env(), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    wait_until(lambda: pages(s), "the first call")
    s.stop_redis()
    try:
        out, err = child.communicate(timeout=30)
    finally:
        s.start_redis()
    same((child.returncode, json.loads(out)["count"]), (0, 30), err)
    assert "without Redis" in err, err


def foreign_values_are_passed_over(s):
    s.fresh()
    s.cli("SET", "stock_data:DJIA:Any", "not ours")
    r = s.fetch("--index", DJIA)
    same((r.code, r.doc["count"]), (0, 30), r)
    assert "not ours" in r.err, r.err
    s.fresh()
    s.cli("LPUSH", "stock_data:DJIA:Any", "a list")
    r = s.fetch("--index", DJIA)
    same((r.code, r.doc["count"]), (0, 30), r)
    assert "not cached" in r.err and "stock_data:DJIA:Any" in r.err, r.err
    same(s.cli("TYPE", "stock_data:DJIA:Any"), "list")
    for key in ("stocknity:flight:{DJIA}", "stocknity:guard:{finviz}"):
        s.fresh()
        s.cli("LPUSH", key, "a list")
        r = s.fetch("--index", DJIA)
        same((r.code, r.doc["count"]), (0, 30), r)
        assert "without Redis" in r.err and key in r.err, r.err
        same(s.cli("TYPE", key), "list")


def reads_are_counted(s):
    s.fresh()
    s.fetch("--index", DJIA)
    for _ in range(3):
        s.fetch("--index", DJIA)
    meta = "stocknity:meta:{stock_data:DJIA:Any}"
    same(s.cli("HMGET", meta, "misses", "hits").split(), ["1", "3"])


def the_application_reads_it(s):
    import redis
    s.fresh()
    s.fetch("--index", SP500, "--sector", "Technology")
    # RedisDataManager.get_stock_data, as the application has it.
    client = redis.Redis(unix_socket_path=s.socket, decode_responses=True)
    cached = client.get("stock_data:%s:%s" % (SP500, "Technology"))
    data = json.loads(cached)
    assert data["success"] and data["data"][0]["Ticker"]
    assert {"pe", "fpe", "peg", "pb", "pc", "price", "dividend", "roe", "roi",
            "insider_own", "beta", "Index", "Last_Updated"} <= set(data["data"][0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", data["timestamp"])
    ttl = client.ttl("stock_data:S&P 500:Technology")
    assert 604800 < ttl <= 604800 + 3600, ttl


if __name__ == "__main__":
    main(tests_of(globals()), Servers)

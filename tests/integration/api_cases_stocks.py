"""The data routes: stored bytes, their tags, gzip, age, and what is queued."""
import gzip
import json
import time

import redis

from api_kit import problem, put_returns, same

KEY = "stock_data:%s:%s"
META = "stocknity:meta:{stock_data:%s:%s}"
GZIP = "stocknity:gzip:{stock_data:%s:%s}"
DJIA = "/api/stocks?index=DJIA"


def stored(s, index="DJIA", sector="Any"):
    return redis.Redis(unix_socket_path=s.socket).get(KEY % (index, sector))


def filled(s, *index):
    s.fresh()
    s.restart_api()
    for i in index or ("DJIA",):
        same(s.fetch("--index", i).code, 0)


def make_stale(s, index="DJIA", sector="Any"):
    s.cli("HSET", META % (index, sector), "fresh_ms", "1000")


def waiting(s):
    return int(s.cli("ZCARD", "stocknity:{default}:ready"))


def stored_bytes_are_passed_through(s):
    filled(s)
    a = s.get(DJIA)
    same((a.status, a.headers["content-type"]), (200, "application/json"))
    same(a.body, stored(s))
    same(a.headers["content-length"], str(len(a.body)))
    same(s.get("/api/screener/data?index=djia&sector=any").body, a.body)
    tech = s.get("/api/stocks?sector=technology&index=DJIA")
    same(tech.body, stored(s, "DJIA", "Technology"))
    same(tech.doc["sector"], "Technology")


def s_p_500_and_any_are_the_default(s):
    filled(s, "S&P 500")
    want = stored(s, "S&P 500")
    assert len(want) > 600000, len(want)
    same(s.get("/api/stocks").body, want)
    same(s.get("/api/stocks?index=S%26P%20500").body, want)
    same(s.get("/api/stocks?index=S%26P+500&sector=Any").body, want)


def bytes_are_not_parsed(s):
    """What only looks like an envelope passes; so nobody parsed it."""
    filled(s)
    n = int(s.cli("HGET", META % ("DJIA", "Any"), "bytes"))
    odd = b'{"success":' + b"\x00" * (n - 11)
    redis.Redis(unix_socket_path=s.socket).set(KEY % ("DJIA", "Any"), odd)
    same(s.get(DJIA).body, odd)


def head_then_get(s):
    filled(s)
    head = s.call("HEAD", DJIA)
    got = s.get(DJIA)
    same((head.status, head.body), (200, b""))
    for name in ("etag", "content-length", "content-type", "vary"):
        same(head.headers[name], got.headers[name], name)
    same(got.body, stored(s))


def unchanged_is_304(s):
    filled(s)
    tag = s.get(DJIA).headers["etag"]
    assert tag.startswith('"') and len(tag) == 34, tag
    for value in (tag, "W/" + tag, "*", '"a", %s' % tag, 'W/"b" , W/%s' % tag):
        a = s.get(DJIA, If_None_Match=value)
        same((a.status, a.body, a.headers["etag"]), (304, b"", tag), value)
        assert "content-length" not in a.headers and "content-type" not in a.headers
        same((a.headers["cache-control"], a.headers["vary"]),
             ("max-age=2", "Accept-Encoding"))
        same(s.call("HEAD", DJIA, {"If-None-Match": value}).status, 304)
    for value in ('"a"', tag[1:-1], "W/", "", tag[:-1]):
        same(s.get(DJIA, If_None_Match=value).status, 200, value)


def tag_changes_with_the_bytes(s):
    filled(s)
    one = s.get(DJIA).headers["etag"]
    same(s.get(DJIA).headers["etag"], one)
    other = s.get("/api/stocks?index=DJIA&sector=Energy").headers["etag"]
    assert other != one
    time.sleep(1.1)  # fetched_at is in seconds
    same(s.fetch("--index", "DJIA", "--refresh").code, 0)
    two = s.get(DJIA).headers["etag"]
    assert two != one, "fetched_at is another"
    same(s.get(DJIA, If_None_Match=one).status, 200)


def gzip_is_stored_and_only_for_who_asks(s):
    filled(s)
    plain = s.get(DJIA)
    assert "content-encoding" not in plain.headers
    packed = s.get(DJIA, Accept_Encoding="deflate, gzip")
    same(packed.headers["content-encoding"], "gzip")
    same(gzip.decompress(packed.body), plain.body)
    same(packed.headers["content-length"], str(len(packed.body)))
    assert len(packed.body) * 3 < len(plain.body)
    same(packed.body, redis.Redis(unix_socket_path=s.socket).get(
        GZIP % ("DJIA", "Any")), "it is the stored one")
    same((plain.headers["vary"], packed.headers["vary"]),
         ("Accept-Encoding", "Accept-Encoding"))
    for value in ("gzip;q=0", "identity", "br", "gzip;q=0, *", "", "*;q=0",
                  "gzip;q=0.1, identity"):
        same(s.get(DJIA, Accept_Encoding=value).body, plain.body, value)


def gzip_has_a_tag_of_its_own(s):
    filled(s)
    plain = s.get(DJIA).headers["etag"]
    packed = s.get(DJIA, Accept_Encoding="gzip").headers["etag"]
    assert plain != packed, plain
    same(s.get(DJIA, Accept_Encoding="gzip", If_None_Match=plain).status, 200)
    a = s.get(DJIA, Accept_Encoding="gzip", If_None_Match=packed)
    same((a.status, a.body, a.headers["etag"]), (304, b"", packed))
    same(s.get(DJIA, If_None_Match=packed).status, 200)


def without_a_variant_the_plain_bytes_are_served(s):
    filled(s)
    s.cli("DEL", GZIP % ("DJIA", "Any"))
    a = s.get(DJIA, Accept_Encoding="gzip")
    same((a.status, a.body, "content-encoding" in a.headers),
         (200, stored(s), False))
    s.cli("SET", GZIP % ("DJIA", "Any"), "not ours")
    same(s.get(DJIA, Accept_Encoding="gzip").body, stored(s))
    s.cli("DEL", GZIP % ("DJIA", "Any"))
    s.cli("HSET", GZIP % ("DJIA", "Any"), "not", "a string")
    same(s.get(DJIA, Accept_Encoding="gzip").body, stored(s))


def variant_never_outlives_its_dataset(s):
    """Replaced by the application itself: its bytes are not in our variant."""
    filled(s)
    s.cli("SET", KEY % ("DJIA", "Any"), '{"success":true,"data":[]}')
    a = s.get(DJIA, Accept_Encoding="gzip")
    same((a.status, a.doc["data"]), (202, []), "not ours: as good as absent")
    same(s.cli("PTTL", GZIP % ("DJIA", "Energy"))[:4],
         s.cli("PTTL", KEY % ("DJIA", "Energy"))[:4], "they expire together")


def full_redis_leaves_both(s):
    filled(s)
    before = s.get(DJIA).body, s.get(DJIA, Accept_Encoding="gzip").body
    s.cli("CONFIG", "SET", "maxmemory", "1")
    try:
        s.fetch("--index", "DJIA", "--refresh")
        same((s.get(DJIA).body, s.get(DJIA, Accept_Encoding="gzip").body), before)
    finally:
        s.cli("CONFIG", "SET", "maxmemory", "0")


def cache_status_says_how_fresh(s):
    filled(s)
    a = s.get(DJIA)
    name, hit, ttl = a.headers["cache-status"].split("; ")
    same((name, hit), ("stocknity", "hit"))
    assert 3590 <= int(ttl[4:]) <= 3600, ttl
    same(a.headers["cache-control"], "max-age=2")
    make_stale(s)
    a = s.get(DJIA)
    _, hit, ttl, detail = a.headers["cache-status"].split("; ")
    same((hit, detail), ("hit", "detail=stale"))
    assert int(ttl[4:]) < -1000000, ttl
    s.fresh()
    a = s.get(DJIA)
    same((a.status, a.headers["cache-status"]), (202, "stocknity; fwd=miss"))
    same(a.headers["cache-control"], "no-store")


def stale_is_served_and_refreshed(s):
    filled(s)
    fresh = s.get(DJIA)
    make_stale(s)
    for encoding in ("identity", "gzip"):
        a = s.get(DJIA, Accept_Encoding=encoding)
        same(a.body, b'{"stale":true,"attempts":[],' + stored(s)[1:])
        same((a.status, a.doc["stale"], a.doc["count"]), (200, True, 30))
        same(a.headers["content-length"], str(len(a.body)))
        assert a.headers["etag"] != fresh.headers["etag"]
        same(s.get(DJIA, If_None_Match=a.headers["etag"]).status, 304)
    same(waiting(s), 1, "one refresh for all of these reads")
    same(s.drain(), 0)
    a = s.get(DJIA)
    same((a.status, "stale" in a.doc), (200, False))


def absent_is_202_with_its_task(s):
    s.fresh()
    s.restart_api()
    a = s.get(DJIA)
    same((a.status, a.doc["success"], a.doc["data"], a.doc["count"]),
         (202, True, [], 0), a)
    same((a.doc["index"], a.doc["sector"]), ("DJIA", "Any"))
    same(a.doc["task"]["id"], a.doc["task_id"])
    same(a.headers["location"], "/api/tasks/" + a.doc["task_id"])
    same((a.doc["task"]["status"], a.doc["task"]["priority"]),
         ("pending", "normal"))
    b = s.get(DJIA)
    same((b.status, b.doc["task_id"], waiting(s)), (202, a.doc["task_id"], 1))
    head = s.call("HEAD", DJIA)
    same((head.status, head.body), (202, b""))
    same(s.drain(), 0)
    same((s.get(DJIA).status, s.get(DJIA).doc["count"]), (200, 30))
    same(s.get(a.headers["location"]).doc["task"]["status"], "completed")


def only_indexes_kept_fresh_are_queued_for_anybody(s):
    s.fresh()
    s.restart_api(API_TOKEN="t0ken")
    a = s.get("/api/stocks?index=NASDAQ%20100")
    problem(a, 404, "not cached")
    same((a.headers["cache-status"], waiting(s)), ("stocknity; fwd=miss", 0))
    same(s.get("/api/stocks?index=S%26P+500").status, 202)
    same(waiting(s), 1)
    a = s.get("/api/stocks?index=NASDAQ%20100", Authorization="Bearer t0ken")
    same((a.status, waiting(s)), (202, 2))
    problem(s.get("/api/stocks?index=RUSSELL+2000", Authorization="Bearer x"), 404)
    # a stale one of those is served, and nothing is queued
    same(s.fetch("--index", "NASDAQ 100").code, 0)
    make_stale(s, "NASDAQ 100")
    before = waiting(s)
    same(s.get("/api/stocks?index=NASDAQ%20100").doc["stale"], True)
    same(waiting(s), before)
    s.restart_api()
    a = s.call("GET", "/api/stocks?index=RUSSELL%202000", REMOTE_ADDR="192.0.2.1")
    problem(a, 404)


def full_queue_is_503(s):
    s.fresh()
    s.restart_api(QUEUE_MAX=1)
    same(s.get(DJIA).status, 202)
    a = s.get("/api/stocks?index=S%26P+500")
    problem(a, 503, "full")
    same(a.headers["retry-after"], "10")
    s.restart_api()


def reads_are_counted(s):
    filled(s)
    for _ in range(5):
        s.get(DJIA)
        s.get(DJIA, Accept_Encoding="gzip")
    make_stale(s)
    s.get(DJIA)
    s.get("/api/health/ready")
    meta = META % ("DJIA", "Any")
    same((s.cli("HGET", meta, "hits"), s.cli("HGET", meta, "stale")), ("10", "1"))
    s.get(DJIA, Accept_Encoding="gzip")
    s.cli("DEL", GZIP % ("DJIA", "Any"))
    s.get(DJIA, Accept_Encoding="gzip")
    s.get("/api/health/ready")
    same((s.cli("HGET", meta, "hits"), s.cli("HGET", meta, "stale")), ("10", "3"),
         "once, however many variants were looked at")
    assert int(s.cli("HGET", meta, "last_read_ms")) > 0
    s.fresh()
    s.get(DJIA)
    s.get("/api/health/ready")
    same(s.cli("HGET", meta, "misses"), "1")


def unknown_names_are_422(s):
    doc = problem(s.get("/api/stocks?index=dow"), 422, "unknown index")
    same((doc["parameter"], doc["allowed"]),
         ("index", ["S&P 500", "DJIA", "NASDAQ 100", "RUSSELL 2000", "Any"]))
    doc = problem(s.get("/api/stocks?sector=Tecnology"), 422, '"Technology"')
    same((doc["parameter"], len(doc["allowed"])), ("sector", 12))
    for bad in ("", "DJIA%20", "%20", "DJI", "S%26P"):
        problem(s.get("/api/stocks?index=" + bad), 422)


def annual_returns_are_passed_through(s):
    s.fresh()
    same(s.get("/api/cache/info").doc["annual_returns"], [])
    body = b'{"success":true,"data":[{"Ticker":"AAPL"}]}'
    put_returns(s, "S&P 500", body)
    for path in ("/api/annual-returns", "/api/annual-returns?index=S%26P+500"):
        a = s.get(path)
        same((a.status, a.body, a.headers["etag"]), (200, body, '"%s"' % ("e" * 32)))
    same(s.get("/api/annual-returns?index=DJIA").status, 202)
    problem(s.get("/api/annual-returns?index=dow"), 422)
    there = {r["index"]: r for r in s.get("/api/cache/info").doc["annual_returns"]}
    same((there["S&P 500"]["state"], there["S&P 500"]["rows"],
          there["S&P 500"]["source"], there["S&P 500"]["hits"]),
         ("fresh", 1, "yahoo", 2), there)
    same((there["DJIA"]["state"], there["DJIA"]["misses"]), ("absent", 1), there)


def returns_are_joined_by_ticker(s):
    filled(s)
    plain = s.get("/api/stocks?index=DJIA")
    same(s.get("/api/stocks?index=DJIA&returns=0").body, plain.body)
    problem(s.get("/api/stocks?index=DJIA&returns=yes"), 422, "returns")
    none = s.get("/api/stocks?index=DJIA&returns=1", Accept_Encoding="gzip")
    same(none.status, 200)
    assert "content-encoding" not in none.headers, none.headers
    assert all(r["expected_annual_return"] is None for r in none.doc["data"])
    last = plain.doc["data"][-1]["Ticker"]
    put_returns(s, "DJIA", json.dumps(
        {"success": True, "fetched_at": "2026-11-23T00:00:00Z", "data": [
            {"Ticker": last, "expected_annual_return": 0.5,
             "expected_annual_risk": 0.25, "return_risk_ratio": 2}]},
        separators=(",", ":")).encode())
    a = s.get("/api/stocks?index=DJIA&returns=1")
    assert len({x.headers["etag"] for x in (a, none, plain)}) == 3
    got = {r["Ticker"]: r["expected_annual_return"] for r in a.doc["data"]}
    same({t for t, v in got.items() if v is not None}, {last})
    same(got[last], 0.5)
    for r, p in zip(a.doc["data"], plain.doc["data"]):
        same({k: r[k] for k in p}, p)
    same(s.get("/api/stocks?index=DJIA&returns=1",
               If_None_Match=a.headers["etag"]).status, 304)


CASES = [returns_are_joined_by_ticker, stored_bytes_are_passed_through, s_p_500_and_any_are_the_default,
         bytes_are_not_parsed, head_then_get, unchanged_is_304,
         tag_changes_with_the_bytes, gzip_is_stored_and_only_for_who_asks,
         gzip_has_a_tag_of_its_own, without_a_variant_the_plain_bytes_are_served,
         variant_never_outlives_its_dataset, full_redis_leaves_both,
         cache_status_says_how_fresh, stale_is_served_and_refreshed,
         absent_is_202_with_its_task,
         only_indexes_kept_fresh_are_queued_for_anybody, full_queue_is_503,
         reads_are_counted, unknown_names_are_422,
         annual_returns_are_passed_through]

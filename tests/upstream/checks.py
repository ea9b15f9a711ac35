"""What the market must answer when nothing is wrong.  Run by selftest.py."""
import gzip
import json

from lxml import html

from client import chart, members, quote, read, results, session, sweep

VIEWS = ("11", "12", "13", "14", "15", "16", "17")
SECTORS = ("basicmaterials", "communicationservices", "consumercyclical",
           "consumerdefensive", "energy", "financial", "healthcare",
           "industrials", "realestate", "technology", "utilities")


def pages_through_the_indexes(market):
    for f, name, n in (("idx_sp500", "S&P 500", 503), ("idx_dji", "DJIA", 30),
                       ("idx_ndx", "NDX", 101)):
        rows, count, pages = sweep(market, f=f, o="ticker")
        tickers = [row["Ticker"] for row in rows]
        assert tickers == members(name) and len(tickers) == n
        assert [int(row["No."]) for row in rows] == list(range(1, n + 1))
        assert count[1] == n
        assert name != "S&P 500" or pages == 26


def sectors_part_an_index(market):
    for index in ("idx_sp500", "idx_dji"):
        parts = [row["Ticker"] for s in SECTORS
                 for row in sweep(market, f=f"{index},sec_{s}")[0]]
        whole = [row["Ticker"] for row in sweep(market, f=index)[0]]
        assert sorted(parts) == whole
    both = sweep(market, f="idx_sp500,sec_energy|utilities")[0]
    assert {row["Sector"] for row in both} == {"Energy", "Utilities"}
    assert len(sweep(market, f="idx_sp500,foo_bar,sec_nothing")[0]) == 503


def past_the_end_has_a_heading_and_no_rows(market):
    heads, rows, count = read(market.page(f="idx_dji", r=41))
    assert len(heads) == 11 and rows == [] and count == (30, 30)


def any_row_may_come_first(market):
    assert read(market.page(f="idx_dji", r=0))[1][0]["No."] == "1"
    assert read(market.page(f="idx_dji", r=15))[1][0]["No."] == "15"


def views_have_their_columns(market):
    for view in VIEWS:
        heads, rows, _ = read(market.page(v=view + "1", f="idx_dji"))
        assert heads[:2] == ["No.", "Ticker"] and len(rows) == 20, view
        assert len(heads) in (11, 15, 16, 18), (view, heads)
    heads, rows, _ = read(market.page(v="211", f="idx_dji"))
    assert heads == [] and rows == []


def columns_follow_the_request(market):
    heads, rows, _ = read(market.page(c="0,1,3,2,999,x,65", f="idx_dji"))
    assert heads == ["No.", "Ticker", "Sector", "Company", "Price"]
    assert rows[0]["Company"] == "Apple Inc (demo)"
    heads, _, _ = read(market.page(c=",".join(map(str, range(71)))))
    assert len(heads) == 71


def orders_by_figures(market):
    rows = sweep(market, f="idx_dji", o="-marketcap")[0]
    assert [r["Ticker"] for r in rows[:2]] == ["NVDA", "MSFT"]
    prices = [float(r["Price"]) for r in sweep(market, f="idx_dji", o="price")[0]]
    assert prices == sorted(prices)


def figures_are_as_on_the_site(market):
    body = market.page(t="AAPL", c="1,6,7,14,63,66,67,68,70,79,24,78,42")
    row = read(body)[1][0]
    assert row["Market Cap"] == "3337.31B" and row["P/E"] == "34.19"
    assert row["Dividend"] == "0.46%" and row["Avg Volume"] == "56.18M"
    assert row["Volume"] == "72,122" and row["Earnings"] == "Jul 31/a"
    assert row["IPO Date"] == "12/12/1980" and row["Income"] == "99.28B"
    assert row["Index"] == "DJIA, NDX, S&P 500" and row["Perf Week"] == "-"
    assert b"<!-- TS\nAAPL|224.88|72122\nTE -->" in body
    assert b"DEMO MARKET" in body


def pages_weigh_what_real_ones_do(market):
    assert 65000 < len(market.page(f="idx_sp500")) < 130000
    assert 140000 < len(market.page(v="111", f="idx_sp500")) < 240000
    size = len(market.page(f="idx_sp500", c=",".join(map(str, range(71)))))
    assert 180000 < size < 400000, size


def both_paths_and_gzip_work(market):
    plain = market.call("/screener.ashx?v=152&f=idx_dji")
    packed = market.call("/screener.ashx?v=152&f=idx_dji", Accept_Encoding="gzip")
    assert plain[1]["Content-Encoding"] is None
    assert packed[1]["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed[2]) == plain[2]
    for _, headers, _ in (plain, packed):
        assert headers["X-Market"] == "demo"
        assert headers["Server"] == "stocknity-demo-market"
        assert headers["Vary"] == "Accept-Encoding"


def what_is_asked_cannot_break_the_page(market):
    body = market.page(f="idx_dji<script>\"'&x", o="<b>", t="<i>")
    assert b"<script>\"" not in body and b"<i>" not in body


def era_2026_is_sloppy_as_recorded(market):
    body = market.page(f="idx_sp500", o="ticker")
    _, rows, _ = read(body)
    assert b'align="left"data-boxover-ticker="A"' in body
    assert b'&b=1" ">' in body and b"</th>\n</thead>" in body
    tree = html.fromstring(body)
    cell = tree.xpath("//td[@data-boxover-ticker='AAPL']")[0]
    assert cell.text_content() == "AAAPL" and rows[1]["Ticker"] == "AAPL"
    assert len(tree.xpath("//select[@id='pageSelect']/option")) == 26
    assert "Change %" in rows[0]
    data = tree.xpath("//script[@id='route-init-data']")[0].text
    assert json.loads(data)["tableSettings"]["columnsMap"]["index"]["index"] == 79
    body = market.page(f="idx_dji,sec_utilities")
    assert html.fromstring(body).xpath("string(//*[@id='js-screener-body-empty']"
                                       "//td[@class='count-text'])") == "0 Total"
    assert b"screener_table" not in body


def era_2021_is_as_recorded(market):
    heads, rows, _ = read(market.page(v="150", c="0,1,8,34,66,79", f="idx_dji"))
    assert heads == ["No.", "Ticker", "Fwd P/E", "ROI", "Change"]
    assert rows[0]["Ticker"] == "AAPL"
    body = market.page(f="idx_dji,sec_utilities")
    assert read(body)[1:] == ([], (0, 0)) and b"table-top" not in body


# Yahoo

def a_session_is_needed_for_quotes(market):
    cookie, crumb = session(market)
    assert len(crumb) == 11 and "/" in crumb and "." in crumb
    assert results(quote(market, cookie, crumb, "AAPL"))[0]["symbol"] == "AAPL"
    for args, text in (((None, crumb), "unable to access"),
                       (("A3=d=stale", crumb), "Invalid Cookie"),
                       ((cookie, "wrong"), "Invalid Crumb"),
                       ((cookie, ""), "Invalid Crumb"),
                       ((cookie, session(market)[1]), "Invalid Crumb")):
        status, body = quote(market, *args, "AAPL")
        assert status == 401 and text in body, body
    assert market.call("/v1/test/getcrumb")[0] == 401


def quotes_are_as_recorded(market):
    cookie, crumb = session(market)
    symbols = members("S&P 500")[:60]
    got = results(quote(market, cookie, crumb, ",".join(symbols + ["NOPE", "A"])))
    names = [r["symbol"] for r in got]
    assert sorted(names) == symbols and names != symbols
    one = results(quote(market, cookie, crumb, "AAPL", "beta,trailingPE"))[0]
    assert one["beta"] == 1.1 and one["trailingPE"] == 34.19
    assert "marketCap" not in one and one["regularMarketPrice"] == 224.88
    all_of_it = quote(market, cookie, crumb, "AAPL")
    one = results(all_of_it)[0]
    assert '"marketCap":3.33730689E12' in all_of_it[1] and "beta" not in one
    assert one["dividendYield"] == 0.46 and one["shortName"] == "Apple Inc (demo)"
    assert one["regularMarketChangePercent"] == -0.5
    assert results(quote(market, cookie, crumb, "NOPE")) == []
    assert "regularMarketPrice" not in results(quote(market, cookie, crumb, "HONA"))[0]
    assert quote(market, cookie, crumb, ",".join(["A"] * 100))[0] == 500
    assert quote(market, cookie, crumb, "")[0] == 400


def charts_are_as_recorded(market):
    status, got = chart(market, "MSFT", "range=1y&interval=1d&events=div")
    one = got["result"][0]
    q, adj = one["indicators"]["quote"][0], one["indicators"]["adjclose"][0]
    n = len(one["timestamp"])
    assert status == 200 and 240 < n < 262
    assert {len(v) for v in q.values()} | {len(adj["adjclose"])} == {n}
    assert one["timestamp"] == sorted(one["timestamp"])
    assert len(one["events"]["dividends"]) == 4
    assert one["meta"]["dataGranularity"] == "1d"
    assert chart(market, "MSFT") == chart(market, "MSFT")
    assert chart(market, "NOPE")[0] == 404
    assert chart(market, "AAPL", "range=max&interval=1d")[1]["result"][0][
        "meta"]["dataGranularity"] == "3mo"
    assert "timestamp" not in chart(market, "HONA")[1]["result"][0]
    assert chart(market, "MSFT", "range=5d")[1]["result"][0]["indicators"][
        "adjclose"][0]["adjclose"] == adj["adjclose"][-5:]
    assert chart(market, "MSFT", "range=7y")[0] == 422


def charts_have_nulls_and_the_recorded_year(market):
    nulls = 0
    for symbol in members("DJIA"):
        bars = chart(market, symbol)[1]["result"][0]["indicators"]
        close = bars["quote"][0]["close"]
        nulls += close.count(None)
        good = [c for c in close if c is not None]
        assert all(0.01 < c < 1e5 for c in good)
    assert 5 < nulls < 60, nulls
    good = [c for c in chart(market, "NVDA")[1]["result"][0]["indicators"]
            ["quote"][0]["close"] if c]
    assert abs(good[-1] / good[0] - 1.36) < 0.15, good[-1] / good[0]


def sparks_take_twenty(market):
    status, _, body = market.call("/v7/finance/spark?symbols=AAPL,MSFT&range=5d&interval=1d")
    got = json.loads(body)["spark"]["result"]
    assert status == 200 and [r["symbol"] for r in got] == ["AAPL", "MSFT"]
    assert len(got[0]["response"][0]["indicators"]["quote"][0]["close"]) == 5
    assert market.call("/v7/finance/spark?symbols=" + ",".join("A" * 21))[0] == 400

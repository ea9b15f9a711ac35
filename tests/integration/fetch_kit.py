"""What the tests of fetch share."""

DJIA, SP500 = "DJIA", "S&P 500"
MEMBERS = ["success", "index", "sector", "source", "origin", "error",
           "timestamp", "fetched_at", "fresh_until", "partial", "count",
           "total", "missing_fields", "data_hash", "data"]


def pages(s):
    return [c for c in s.calls() if c["path"].startswith("/screener")]

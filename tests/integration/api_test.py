"""The API against real parts: Redis, spawn-fcgi, libfcgi; every route and
status, what it serves and queues, who may write, and what it bears."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import api_cases_guard  # noqa: E402
import api_cases_process  # noqa: E402
import api_cases_routes  # noqa: E402
import api_cases_stocks  # noqa: E402
from api_kit import Stack  # noqa: E402
from harness import main  # noqa: E402

if __name__ == "__main__":
    main(api_cases_stocks.CASES + api_cases_routes.CASES + api_cases_guard.CASES +
         api_cases_process.CASES, Stack)

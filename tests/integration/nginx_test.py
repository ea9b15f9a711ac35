"""The site and the snippet of nginx/ in a real nginx, in front of the API."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nginx_cases_cache  # noqa: E402
import nginx_cases_refuse  # noqa: E402
from harness import main  # noqa: E402
from nginx_kit import World  # noqa: E402

TESTS = nginx_cases_cache.CASES + nginx_cases_refuse.CASES

if __name__ == "__main__":
    main(TESTS, World)

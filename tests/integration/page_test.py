"""The page in a real Chromium, on the whole stack: what it shows, its buttons,
keyboard, phone, themes and contrast, and how it bears trouble."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import page_cases_act  # noqa: E402
import page_cases_data  # noqa: E402
import page_cases_look  # noqa: E402
import page_cases_trouble  # noqa: E402
from harness import main  # noqa: E402
from page_kit import World  # noqa: E402

TESTS = page_cases_data.CASES + page_cases_act.CASES + page_cases_look.CASES + \
    page_cases_trouble.CASES

if __name__ == "__main__":
    main(TESTS, World)

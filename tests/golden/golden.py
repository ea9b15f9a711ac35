#!/usr/bin/python3
"""Run fetch -f over saved bodies and compare every cell with another reading.

golden.py imports every *_cases.py beside it.  Such a module has

    cases(shared) -> iterable of
        (name, arguments, body, exit, count, total, check)

shared is the folder of the recordings, None where it is absent: cases that
need it come with body None then, and are counted as skipped.  body is a path
or bytes, count and total are those of the envelope (None: not looked at, the
string "null": null; a chart has neither), check(document) returns a list of what does not agree
(check may be None).

$FETCH is the program, bin/fetch by default; $SHARED the recordings,
../shared by default.
"""
import glob
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FETCH = os.environ.get("FETCH", os.path.join(ROOT, "bin", "fetch"))
SHARED = os.environ.get("SHARED", os.path.join(ROOT, "..", "shared"))
SECONDS = 60
MEMORY = 1 << 30


def limits():
    """The sanitizers need address space of their own."""
    if "san" not in FETCH:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def run(path, arguments):
    environment = dict(os.environ, SOURCE_DATE_EPOCH="1795000000", TZ="UTC")
    return subprocess.run(
        [FETCH, "-f", path, *arguments], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=SECONDS, env=environment,
        preexec_fn=limits, check=False)


def mismatches(done, expected, count, total, check):
    if done.returncode != expected:
        said = done.stderr.decode("utf-8", "replace").strip()[:200]
        return [f"exit {done.returncode}, not {expected}: {said}"]
    if expected != 0 and not done.stderr.strip():
        return ["nothing on stderr tells why"]
    if done.stdout:
        try:
            document = json.loads(done.stdout, parse_constant=lambda name: 1 / 0)
        except (ValueError, ZeroDivisionError):
            return ["stdout is not JSON"]
    elif expected in (0, 66):
        return ["nothing on stdout"]
    else:
        return []
    out = []
    for name, want in (("count", count), ("total", total)):
        want = None if want == "null" else want
        if (want is not None or name == "total" and total == "null") and \
                document[name] != want:
            out.append(f"{name} {document[name]}, not {want}")
    if "data" in document and len(document["data"]) != document["count"]:
        out.append("count is not the number of records")
    if expected not in (0, 66) and document["success"]:
        out.append("success although the exit is not 0")
    if check is not None and not out:
        out += check(document)
    return out


def one(case):
    """None: skipped; else what does not agree."""
    _, arguments, body, expected, count, total, check = case
    if body is None:
        return None
    path = body
    if isinstance(body, bytes):
        with tempfile.NamedTemporaryFile(delete=False) as f:
            f.write(body)
            path = f.name
    try:
        done = run(path, arguments)
        return mismatches(done, expected, count, total, check)
    except subprocess.TimeoutExpired:
        return [f"took more than {SECONDS} s"]
    except Exception as e:  # of the oracle: this case fails, not the run
        return [f"the check failed: {e!r}"]
    finally:
        if isinstance(body, bytes):
            os.unlink(path)


def main():
    passed = failed = skipped = 0
    shared = SHARED if os.path.isdir(SHARED) else None
    sys.path.insert(0, HERE)
    sys.dont_write_bytecode = True
    for path in sorted(glob.glob(os.path.join(HERE, "*_cases.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        for case in module.cases(shared):
            bad = one(case)
            if bad is None:
                skipped += 1
            elif bad:
                failed += 1
                print(f"FAIL {case[0]}: {'; '.join(bad[:5])}"
                      + (f" (and {len(bad) - 5} more)" if len(bad) > 5 else ""))
            else:
                passed += 1
    print(f"golden: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs pytest; a few tests that failed in a whole run are run once more, alone, and named as unsteady.

The whole suite keeps two cores busy for a quarter of an hour, and a test that depends on a moment may miss it
there. Whoever fails alone, too, fails; more than a few failures are no accident and are not tried again. An
unsteady test is a fault to be mended: its first failure stands in the output.
"""

import json
import subprocess
import sys
from pathlib import Path

MOST_UNSTEADY = 8
FAILED = 1
LAST_FAILED = Path(".pytest_cache/v/cache/lastfailed")


def main(arguments: list[str]) -> int:
    """Run pytest with the arguments; returns its exit code, or that of the second look."""
    LAST_FAILED.unlink(missing_ok=True)
    code = _pytest(arguments)
    failed = _failed()
    is_whole = any(argument.startswith("-n") and argument != "-n0" for argument in arguments)
    if code != FAILED or not is_whole or not 0 < len(failed) <= MOST_UNSTEADY:
        return code
    print(f"\n{len(failed)} failed in the whole run; once more, alone:", *failed, sep="\n  ", flush=True)
    code = _pytest(["-n0", *failed])
    if code == 0:
        print("unsteady (failed in the whole run, passed alone):", *failed, sep="\n  ", flush=True)
    return code


def _pytest(arguments: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments]).returncode  # noqa: S603 - our own words


def _failed() -> list[str]:
    return sorted(json.loads(LAST_FAILED.read_text())) if LAST_FAILED.exists() else []


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

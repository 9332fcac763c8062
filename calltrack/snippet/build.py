"""Build the snippet: `python -m calltrack.snippet.build`; with `--check` only say whether dist is right.

`--search 100000` looks for short names that pack better and keeps them in `src/names.txt` (a minute or two).
"""

import argparse
import gzip
import re
import sys
from pathlib import Path

from calltrack.snippet import BUILT
from calltrack.snippet.mangle import Shortened, shorten
from calltrack.snippet.names import best_names

SOURCE = Path(__file__).with_name("src")
NAMES = SOURCE / "names.txt"
VERSION = "1.0"
LARGEST_GZIP = 3072
FORBIDDEN = {
    r"\beval\b|\bFunction\b": "code made of text",
    r"\w+HTML\b|\bsrcdoc\b|\bcreateContextualFragment\b": "HTML made of text",
    r"\bdocument\.write|\bpage\.write": "document.write",
    r"\bsetInterval\b": "polling",
    r"\bcreateElement\b|\bimportScripts\b|\bimport\b": "more code from elsewhere",
    r"\bconsole\b|\balert\b|\bdebugger\b": "noise",
}


def built() -> str:
    """Make the one script of the readable modules, in the order of their names."""
    shortened = _shortened()
    return _framed(shortened, shortened.names(NAMES.read_text("utf-8").split()))


def search(steps: int) -> None:
    """Look for names that pack better, beginning with those in use, and keep them."""
    shortened = _shortened()
    names = best_names(
        shortened.names(NAMES.read_text("utf-8").split()),
        shortened.spare(),
        lambda names: packed_size(_framed(shortened, names)),
        steps,
    )
    NAMES.write_text(" ".join(names) + "\n", "utf-8")


def _shortened() -> Shortened:
    modules = [path.read_text("utf-8") for path in sorted(SOURCE.glob("*.js"))]
    return shorten("(() => { try {\n" + "\n".join(modules) + "\n} catch {} })();")


def _framed(shortened: Shortened, names: list[str]) -> str:
    # What a block declares stays in it: the function around it serves `shorten` alone.
    block = shortened.written(names).removeprefix("(()=>{").removesuffix("})();")
    return f"/* calltrack {VERSION} */\n{block}\n"


def packed_size(script: str) -> int:
    """Size in bytes after `gzip -9`, without a file name or a time in it."""
    return len(gzip.compress(script.encode("utf-8"), 9, mtime=0))


def complaints(script: str) -> list[str]:
    """Name everything that forbids shipping this script."""
    found = [
        f"the snippet must hold no {what}" for rule, what in FORBIDDEN.items() if re.search(rule, script)
    ]
    if (size := packed_size(script)) >= LARGEST_GZIP:
        found.append(f"{size} bytes gzip, must be less than {LARGEST_GZIP}")
    if not script.isascii():
        found.append("a sign outside of ASCII would depend on the page's charset")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Build or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, fail when dist is not this build"
    )
    parser.add_argument("--search", type=int, default=0, help="how many exchanges of names to try first")
    options = parser.parse_args(arguments)
    if options.search:
        search(options.search)
    script = built()
    problems = complaints(script)
    if options.check and (not BUILT.exists() or BUILT.read_text("utf-8") != script):
        problems.append("dist/ct.js is not the build of src/: run `python -m calltrack.snippet.build`")
    if not options.check:
        BUILT.parent.mkdir(exist_ok=True)
        BUILT.write_text(script, "utf-8")
    for problem in problems:
        print(f"snippet: {problem}", file=sys.stderr)
    print(f"snippet: {len(script)} bytes, {packed_size(script)} gzip (limit {LARGEST_GZIP})")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""`calltrack advise`: how to divide next week's budget, from a file of weeks; or why nobody can say yet."""

from __future__ import annotations

import argparse
import json
import sys
from decimal import Decimal, InvalidOperation
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calltrack.budgets.history import WeekOfCampaign

LARGEST = 10**12


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    about = "print how to divide next week's budget, what that gains and how sure it is, or why nobody knows"
    parser = commands.add_parser("advise", help=about, description=about)
    parser.add_argument(
        "history", help="CSV with week, campaign, spend, conversions, value; - reads standard input"
    )
    parser.add_argument("--total", required=True, metavar="B", help="what is to be divided, for one week")
    parser.add_argument("--constraints", metavar="FILE", help="JSON: floors, caps, locked, groups and more")
    parser.add_argument("--what-if", metavar="FILE", help="JSON: a split to try, budget to amount")
    parser.add_argument("--currency", default="EUR", help="ISO currency of all amounts (default: EUR)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from calltrack.kernel.errors import BadInput

    try:
        found = _advised(arguments)
    except BadInput as problem:
        sys.exit(str(problem))
    print(json.dumps(found, ensure_ascii=False, indent=2))
    return 0


def _advised(arguments: argparse.Namespace) -> dict[str, object]:
    from calltrack.budgets.advice import advise, outlook
    from calltrack.budgets.constraints_reading import read_constraints, read_split
    from calltrack.budgets.history import history_of
    from calltrack.budgets.showing import Printer, shown, tried
    from calltrack.budgets.what_if import what_if
    from calltrack.kernel.money import EXPONENTS, currency_code

    currency = currency_code(arguments.currency)
    minor = 10 ** EXPONENTS.get(currency, 2)
    total = _total(arguments.total, minor)
    rows = _history(arguments.history, minor)
    limits = _text(arguments.constraints) if arguments.constraints else "{}"
    constraints = read_constraints(limits, {row.campaign for row in rows}, minor)
    history = history_of(rows, constraints.groups)
    seen = outlook(history, total, constraints, minor)
    found = shown(seen, advise(seen), currency)
    if arguments.what_if:
        wanted = read_split(_text(arguments.what_if), history.names, constraints.groups, minor)
        split = [wanted.get(name, now) for name, now in zip(history.names, history.today(), strict=True)]
        answer = what_if(seen.history, seen.curves, split) if seen.curves else None
        found["what_if"] = tried(answer, split, Printer(history.names, currency)) if answer else None
    return found


def _total(text: str, minor: int) -> int:
    """Return the total in minor units; what a program wrote with more decimals is rounded to them."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 < value <= LARGEST or round(value * minor) < 1:
        sys.exit("--total is an amount above 0, such as 6000 or 6000.50.")
    return round(value * minor)


def _history(path: str, minor: int) -> list[WeekOfCampaign]:
    from calltrack.budgets.history_reading import read_history

    return read_history(StringIO(_text(path)), minor)


def _text(path: str) -> str:
    try:
        if path == "-":
            return sys.stdin.read().removeprefix("\ufeff")
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as problem:
        sys.exit(f"{path} cannot be read: {problem.strerror}.")
    except UnicodeDecodeError:
        sys.exit(f"{path} is not UTF-8 text.")

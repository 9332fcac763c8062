"""`calltrack credit`: journeys from a file through the models of credit."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from calltrack.kernel.errors import BadInput

if TYPE_CHECKING:
    from calltrack.journeys.credit.choice import Choice
    from calltrack.journeys.credit.models import Credit

# Written out here so that other commands need not import the models to show their help; a test compares.
NAMES = (
    "first", "last", "last_non_direct", "linear", "position", "time_decay", "markov1", "markov2", "markov3",
    "shapley",
)  # fmt: skip

TOO_LITTLE = (
    "The data-driven models (markov1 to markov3, shapley) need many conversions: with fewer than that the "
    "shares are printed with a warning on standard error; --refuse refuses them instead."
)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    help_ = "credit conversions to the channels of journeys in a file"
    asked = commands.add_parser("credit", help=help_, description=f"{help_}. {TOO_LITTLE}")
    asked.set_defaults(run=_run)
    asked.add_argument("journeys", help="a file with one JSON object a line; - reads standard input")
    asked.add_argument("--model", choices=NAMES, required=True, help="how credit is shared")
    asked.add_argument(
        "--beside", choices=NAMES, action="append", default=[], help="compare with this model (repeatable)"
    )
    asked.add_argument(
        "--lookback-hours", type=float, metavar="H", help="touches longer before the end do not count"
    )
    asked.add_argument(
        "--kind", action="append", default=[], help="only conversions of this kind count (repeatable)"
    )
    asked.add_argument(
        "--half-life-hours", type=float, default=168.0, metavar="H", help="for time decay (default: 168)"
    )
    asked.add_argument(
        "--whole-half-lives", action="store_true", help="time decay falls in steps, not continuously"
    )
    asked.add_argument(
        "--most-channels", type=int, metavar="N", help="fold the rarest channels beyond N into (other)"
    )
    asked.add_argument(
        "--refuse",
        action="store_true",
        help="exit with 1 and print no shares where a data-driven model has less data than it needs",
    )


def _run(arguments: argparse.Namespace) -> int:
    from calltrack.commands.credit_file import read_journeys
    from calltrack.journeys.credit.models import credit
    from calltrack.journeys.credit.paths import folded

    if arguments.most_channels is not None and arguments.most_channels < 1:
        sys.exit("--most-channels is at least 1.")
    try:
        paths = read_journeys(arguments.journeys, _choice(arguments))
        if arguments.most_channels is not None:
            paths = folded(paths, arguments.most_channels)
        insist = not arguments.refuse
        found = credit(arguments.model, paths, insist=insist)
        others = [credit(name, paths, insist=insist) for name in dict.fromkeys(arguments.beside)]
    except OSError as problem:
        sys.exit(f"{arguments.journeys} cannot be read: {problem.strerror}.")
    except BadInput as problem:
        sys.exit(str(problem))
    shown = as_json(found)
    if others:
        shown["beside"] = {other.model: _beside(found, other) for other in others}
    json.dump(shown, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
    for one in (found, *others):
        if not one.need.is_met:
            sys.stderr.write(f"{one.need_sentence}\n")
    return 0


def _choice(arguments: argparse.Namespace) -> "Choice":
    from calltrack.journeys.credit.choice import Choice, Decay, named

    by_age = "time_decay" in (arguments.model, *arguments.beside)
    return Choice(
        lookback_hours=arguments.lookback_hours,
        kinds=named(arguments.kind),
        decay=Decay(arguments.half_life_hours, arguments.whole_half_lives) if by_age else None,
    )


def as_json(credit: "Credit") -> dict[str, Any]:
    """Return a credit as it is printed: see docs/credit.md."""
    shown: dict[str, Any] = {
        "model": credit.model,
        "credits": dict(zip(credit.channels, credit.conversions, strict=True)),
        "value_minor": dict(zip(credit.channels, credit.value_minor, strict=True)),
        "uncredited": {"conversions": credit.uncredited, "value_minor": credit.uncredited_value_minor},
        "totals": {
            "conversions": credit.totals.conversions,
            "nulls": credit.totals.nulls,
            "value_minor": credit.totals.value_minor,
        },
        "need": {
            "conversions": credit.need.conversions,
            "seen": credit.need.seen,
            "missing": credit.need.missing,
            "met": credit.need.is_met,
            "sentence": credit.need_sentence,
        },
    }
    if credit.removal is not None:
        shown["removal"] = dict(zip(credit.channels, credit.removal, strict=True))
        shown["p_conv"] = credit.p_conv
    return shown


def _beside(one: "Credit", other: "Credit") -> dict[str, Any]:
    from calltrack.journeys.credit.beside import difference

    found = difference(one, other)
    return as_json(other) | {
        "difference": {
            "credits": dict(zip(found.channels, found.conversions, strict=True)),
            "value_minor": dict(zip(found.channels, found.value_minor, strict=True)),
            "moved": found.moved,
        }
    }

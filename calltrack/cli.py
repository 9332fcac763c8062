"""The command line: `calltrack --help`. Each command imports only what it needs."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TypeAlias

from calltrack.commands import advise, credit
from calltrack.config import new_key

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
SURFACES = ("voice", "edge", "web", "live", "sandbox")


def main(words: Sequence[str] | None = None) -> None:
    """Run one command; exits with 0 only if it did what it says."""
    arguments = _parser().parse_args(words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        code = run(arguments)
    except Exception as problem:
        if type(problem).__name__ != "OperationalError":  # Its module is not imported for this question.
            raise
        reason = str(getattr(problem, "orig", problem)).strip().partition("\n")[0]
        advice = "Start it (`make demo` or `make run`), or name its DATA_DIR or DATABASE_URL."
        sys.exit(f"The database does not answer: {reason}\n{advice}")
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="calltrack", description="Call tracking and offline conversions.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_processes(commands)
    _add_demo_parts(commands)
    _add_companies(commands)
    _add_attribution(commands)
    _add_audits(commands)
    _add(commands, "new-key", "print a fresh key for ENCRYPTION_KEY or SECRET_KEY", _new_key)
    return parser


def _add_processes(commands: Commands) -> None:
    _add(commands, "demo", "run the whole product with the sandbox and the demo company", _demo).add_argument(
        "--no-history", action="store_true", help="do not seed twelve months of demo history"
    )
    _add(
        commands,
        "run",
        "run the whole product for real companies (embedded services where no URL is set)",
        _run,
    )
    _add(commands, "serve", "run one surface on PORT", _serve).add_argument("surface", choices=SURFACES)
    _add(commands, "worker", "run a worker process", _worker)
    _add(commands, "clock", "run the process that finds due work", _clock)
    _add(commands, "migrate", "bring the database to the newest schema", _migrate)


def _add_demo_parts(commands: Commands) -> None:
    seed = _add(commands, "seed", "add the demo company's history, or take it away again", _seed)
    seed.add_argument("--months", type=int, default=12)
    seed.add_argument("--remove", action="store_true", help="remove every row of demo history")
    story = _add(commands, "simulate", "play the mover's story against the running instance", _simulate)
    story.add_argument("what", choices=("story",))
    story.add_argument("--json", action="store_true", help="print one JSON object")
    story.add_argument("--base-url", help="another running instance than this one's")


def _add_companies(commands: Commands) -> None:
    owner = _add(commands, "new-company", "make a company with its first owner", _new_company)
    owner.add_argument("name")
    owner.add_argument("email")
    owner.add_argument("--country", default="IT", help="ISO country of the company's numbers (default: IT)")
    owner.add_argument(
        "--timezone", default="Europe/Rome", help="IANA time zone its days follow (default: Europe/Rome)"
    )
    owner.add_argument("--currency", default="EUR", help="ISO currency of its values (default: EUR)")
    numbers = _add(commands, "numbers", "print every tracking number with its hooks", _numbers)
    numbers.add_argument("--json", action="store_true", help="print one JSON list")
    numbers.add_argument("--recount", action="store_true", help="count their call masses anew from leases")
    reports = _add(
        commands, "reports", "count a company's reports anew, or compare them with the raw rows", _reports
    )
    either = reports.add_mutually_exclusive_group(required=True)
    either.add_argument("--rebuild", metavar="COMPANY", help="the company's id; count every day anew")
    either.add_argument(
        "--check", metavar="COMPANY", help="print what differs, and exit with 1 if anything does"
    )
    static = _add(
        commands, "static-answers", "write or check the answers a plain web server gives", _static_answers
    )
    either = static.add_mutually_exclusive_group(required=True)
    either.add_argument("--out", metavar="FOLDER", help="bring the answers in this folder up to date")
    either.add_argument(
        "--check", metavar="FOLDER", help="print what in this folder is not current, and exit with 1"
    )


def _add_attribution(commands: Commands) -> None:
    models = _add(
        commands, "models", "print a company's attribution models, or choose which one judges", _models
    )
    models.add_argument("--company", required=True, help="the company's id, as in its pages' addresses")
    wish = models.add_mutually_exclusive_group()
    wish.add_argument("--pin", metavar="VERSION", help="let this version judge until it is unpinned")
    wish.add_argument("--unpin", action="store_true", help="let the newest lesson judge again")
    wish.add_argument("--serve", metavar="VERSION", help="let this version judge until the next lesson")
    wish.add_argument("--show", metavar="VERSION", help="print a version's parameters as JSON")
    wish.add_argument("--learn", action="store_true", help="learn now instead of in the coming night")
    played = _add(
        commands, "replay", "replay visits and calls from a file: numbers shown, calls credited", _replay
    )
    played.add_argument("events", help="a file with one JSON object a line; - reads standard input")
    played.add_argument(
        "--pool-size", type=int, required=True, metavar="N", help="how many numbers there are"
    )
    played.add_argument(
        "--policy",
        choices=("affine", "residual", "longest-idle", "random"),
        default="affine",
        help="how numbers are chosen (default: affine)",
    )
    played.add_argument(
        "--seed", type=int, default=0, help="what a policy by chance begins with (default: 0)"
    )
    played.add_argument(
        "--learn-until", type=float, metavar="T", help="no call from T on teaches (default: 14 days on)"
    )
    played.add_argument(
        "--credit-from",
        type=float,
        default=0.0,
        metavar="P",
        help="credit from this probability on (default: whenever it is likelier than nobody)",
    )
    credit.add_to(commands)
    advise.add_to(commands)


def _add_audits(commands: Commands) -> None:
    seen = _add(commands, "preview", "print what would be sent for rows in a file, and why", _preview)
    seen.add_argument("destination", metavar="DESTINATION")
    seen.add_argument("rows", help="a file with one JSON object a line; - reads standard input")
    seen.add_argument("--now", help="judge as at this time, such as 2026-11-20T12:00:00Z (default: now)")
    seen.add_argument("--settings", metavar="FILE", help="JSON object of settings (default: an example)")
    read = _add(commands, "classify", "print what a platform's answer means for each row", _classify)
    read.add_argument("destination", metavar="DESTINATION")
    read.add_argument("response", help="the body of the answer; - reads standard input")
    read.add_argument("--status", type=int, required=True, help="HTTP status of the answer")
    read.add_argument("--rows", required=True, help="the rows that were in the request, in its order")
    read.add_argument("--settings", metavar="FILE", help="JSON object of settings (default: an example)")
    read.add_argument(
        "--header", action="append", default=[], help="a header of the answer, such as 'Retry-After: 30'"
    )
    again = _add(
        commands, "replay-calls", "rebuild calls from their stored events and compare", _replay_calls
    )
    again.add_argument("--company", required=True, help="the company's id, as in its pages' addresses")
    again.add_argument("--since", help="calls from this day or moment on, such as 2026-11-01 (default: all)")
    again.add_argument("--write", action="store_true", help="bring the rows in line with the events")


def _add(
    commands: Commands,
    name: str,
    help_: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help_, description=help_)
    parser.set_defaults(run=run)
    return parser


def _demo(arguments: argparse.Namespace) -> int:
    from calltrack.commands.stack import run_product

    return run_product(main, demo=True, history=not arguments.no_history)


def _run(arguments: argparse.Namespace) -> int:
    from calltrack.commands.stack import run_product

    return run_product(main, demo=False, history=False)


def _serve(arguments: argparse.Namespace) -> int:
    from calltrack.commands.serve import serve

    return serve(arguments.surface)


def _worker(arguments: argparse.Namespace) -> int:
    import os

    from calltrack.commands.serve import BACKGROUND
    from workers.main import main as work

    os.nice(BACKGROUND)
    work()
    return 0


def _clock(arguments: argparse.Namespace) -> int:
    import os

    from calltrack.commands.serve import BACKGROUND
    from workers.schedule import main as tick

    os.nice(BACKGROUND)
    tick()
    return 0


def _migrate(arguments: argparse.Namespace) -> int:
    from calltrack.commands.running import settings_here
    from calltrack.migrations.migrate import migrate

    migrate(settings_here().owner_url)
    print("The database has the newest schema.")
    return 0


def _seed(arguments: argparse.Namespace) -> int:
    from calltrack.commands.demo import seed

    return seed(months=arguments.months, remove=arguments.remove)


def _simulate(arguments: argparse.Namespace) -> int:
    from calltrack.commands.demo import simulate_story

    return simulate_story(as_json=arguments.json, base_url=arguments.base_url)


def _numbers(arguments: argparse.Namespace) -> int:
    from calltrack.commands.numbers import print_numbers, recount_numbers

    return recount_numbers() if arguments.recount else print_numbers(as_json=arguments.json)


def _reports(arguments: argparse.Namespace) -> int:
    from calltrack.commands.reports import count_again

    return count_again(arguments.rebuild or arguments.check, check=arguments.check is not None)


def _models(arguments: argparse.Namespace) -> int:
    from calltrack.commands.models import choose_model

    return choose_model(
        arguments.company,
        pin=arguments.pin,
        unpin=arguments.unpin,
        serve=arguments.serve,
        show=arguments.show,
        learn=arguments.learn,
    )


def _static_answers(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from calltrack.commands.static_answers import check_answers, write_answers

    return write_answers(Path(arguments.out)) if arguments.out else check_answers(Path(arguments.check))


def _new_company(arguments: argparse.Namespace) -> int:
    from calltrack.commands.companies import new_company

    return new_company(
        arguments.name, arguments.email, arguments.country, arguments.timezone, arguments.currency
    )


def _preview(arguments: argparse.Namespace) -> int:
    from calltrack.commands.preview import preview

    return preview(arguments.destination, arguments.rows, arguments.settings, arguments.now)


def _classify(arguments: argparse.Namespace) -> int:
    from calltrack.commands.preview import classify

    return classify(
        arguments.destination,
        arguments.status,
        arguments.response,
        arguments.rows,
        arguments.settings,
        arguments.header,
    )


def _replay_calls(arguments: argparse.Namespace) -> int:
    from calltrack.commands.calls import replay_calls

    return replay_calls(arguments.company, arguments.since, write=arguments.write)


def _replay(arguments: argparse.Namespace) -> int:
    from calltrack.commands.replay import replay_file

    return replay_file(
        arguments.events,
        arguments.pool_size,
        arguments.policy,
        arguments.seed,
        arguments.learn_until,
        arguments.credit_from,
    )


def _new_key(arguments: argparse.Namespace) -> int:
    print(new_key())
    return 0

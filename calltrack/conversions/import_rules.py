"""How a file is read, and what each of its lines came to: values only."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from calltrack.conversions.csv_reading import texts_of
from calltrack.conversions.reading import Ways, read_told
from calltrack.conversions.told import Said, Told
from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import currency_code

Result = Literal["created", "changed", "unchanged", "kept", "ignored", "wrong"]
RESULTS: tuple[Result, ...] = get_args(Result)
LOOK_BACK = 90
LONGEST_LOOK_BACK = 3_650


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a file is read.

    columns: our name -> place of the column. mark: the decimal mark (empty: as a person types). outcome: of
    lines whose cell is empty (empty: such lines are wrong). look_back_days: older outcomes are ignored.
    """

    columns: dict[str, int] = field(default_factory=dict)
    mark: Literal["", ",", "."] = ""
    day_first: bool = True
    outcome: Said | Literal[""] = ""
    currency: str = "EUR"
    look_back_days: int = LOOK_BACK

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class LineResult:
    """What one line came to. `line` counts from 1, the header's."""

    line: int
    result: Result
    reason: str
    call_id: str = ""


def plan_from(raw: Mapping[str, Any]) -> Plan:
    """Read a plan; raises BadInput with what to change."""
    columns = raw.get("columns", {})
    if not isinstance(columns, dict) or not all(
        isinstance(name, str) and isinstance(place, int) for name, place in columns.items()
    ):
        raise BadInput("columns names the place of each value's column, counted from 0.")
    if len(set(columns.values())) < len(columns):
        raise BadInput("Two values cannot be read from one column.")
    days = raw.get("look_back_days", LOOK_BACK)
    if not isinstance(days, int) or not 1 <= days <= LONGEST_LOOK_BACK:
        raise BadInput(f"The look-back window is 1 to {LONGEST_LOOK_BACK} days.")
    if raw.get("mark", "") not in ("", ",", "."):
        raise BadInput("The decimal mark is a comma or a point.")
    if raw.get("outcome", "") not in ("", *get_args(Said)):
        raise BadInput(f"An outcome is one of {', '.join(get_args(Said))}.")
    return Plan(
        columns=columns,
        mark=raw.get("mark", ""),
        day_first=bool(raw.get("day_first", True)),
        outcome=raw.get("outcome", ""),
        currency=currency_code(str(raw.get("currency", "EUR"))),
        look_back_days=days,
    )


def read_line(
    line: int, cells: list[str], plan: Plan, width: int, ways: Ways, now: datetime
) -> Told | LineResult:
    """Read one line; what cannot be used comes back as its result, with the reason."""
    own = Ways(
        currency=plan.currency, country=ways.country, zone=ways.zone,
        mark=plan.mark or None, day_first=plan.day_first, outcome=plan.outcome or None,
    )  # fmt: skip
    try:
        told = read_told(texts_of(cells, plan.columns, width), own, now)
    except BadInput as problem:
        return LineResult(line=line, result="wrong", reason=str(problem))
    happened = told.occurred_at or told.clues.called_at
    if happened is not None and happened < now - timedelta(days=plan.look_back_days):
        reason = f"It happened more than {plan.look_back_days} days ago."
        return LineResult(line=line, result="ignored", reason=reason)
    return told


def added(counts: Mapping[str, int], results: list[LineResult]) -> dict[str, int]:
    """Return the counts with these results added; every result has its count."""
    return {name: counts.get(name, 0) + sum(one.result == name for one in results) for name in RESULTS}

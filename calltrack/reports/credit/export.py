"""Credit as CSV: a line that says what was asked, then one line per model and channel."""

import csv
import io
from collections.abc import Iterator

from calltrack.delivery.export import safe_cell
from calltrack.journeys.credit.paths import OTHER
from calltrack.kernel.money import Money
from calltrack.kernel.origin import words_of
from calltrack.reports.credit.queries import CreditReport

COLUMNS = (
    "model", "source", "medium", "campaign", "conversions", "value", "currency",
    "conversions_against_last_touch", "value_against_last_touch", "note",
)  # fmt: skip


def csv_of(report: CreditReport, currency: str, title: str) -> str:
    """Return the report as text; for each model all lines add up to the period's conversions and value.

    What has no touch in the window stands as `(nobody)`; a model that refuses has one line with its reason.
    """
    asked = report.asked
    text = io.StringIO()
    writer = csv.writer(text)
    filters = (
        f"{title}; {asked.since} to {asked.until}; {asked.kind}s per {asked.level};"
        f" touches of the {asked.days} days before the call"
    )
    writer.writerow([safe_cell(filters)])
    writer.writerow(COLUMNS)
    writer.writerows([_cell(cell) for cell in row] for row in _rows(report, currency))
    return text.getvalue()


def _cell(value: object) -> str:
    # Numbers of ours may begin with a minus: they are no formula.
    return (
        repr(value)
        if isinstance(value, float)
        else safe_cell(value)
        if isinstance(value, str)
        else str(value)
    )


def _rows(report: CreditReport, currency: str) -> Iterator[list[object]]:
    def amount(minor: int) -> object:
        return Money(minor, currency).major()

    for side in report.sides:
        if side.credit is None or side.against is None:
            yield [side.model, "", "", "", "", "", "", "", "", side.refusal]
            continue
        for at in report.order:
            name = report.channels[at]
            words = (OTHER, "", "") if name == OTHER else words_of(name)
            yield [
                side.model, *words, side.credit.conversions[at], amount(side.credit.value_minor[at]),
                currency, side.against.conversions[at], amount(side.against.value_minor[at]), "",
            ]  # fmt: skip
        nobodys = amount(side.credit.uncredited_value_minor)
        yield [side.model, "(nobody)", "", "", side.credit.uncredited, nobodys, currency, 0.0, amount(0), ""]

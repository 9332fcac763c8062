"""Any flow, any caller, any way through it: valid documents, an end, and no recording without a notice."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltrack.callflows.checks import read_flow
from calltrack.callflows.walk import Call
from tests.callflows.flows import EXAMPLE, flows
from tests.callflows.walking import walks
from tests.examples import examples

UNHURRIED = settings(
    deadline=None,
    max_examples=examples(80),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
CALLERS = st.sampled_from(["+390612345678", "+4930123456", "+393471234567", None])
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))


def call_at(began: datetime, caller: str | None = "+393471234567", sid: str = "CA1") -> Call:
    return Call(
        sid=sid,
        caller=caller,
        dialled="+390687650001",
        own_line="+390669949999",
        began=began.replace(microsecond=0),
    )


@UNHURRIED
@given(flows(), CALLERS, MOMENTS)
def test_every_walk_of_every_flow_ends_and_keeps_the_rules(
    plain: dict[str, Any], caller: str | None, began: datetime
) -> None:
    flow = read_flow(plain)
    assert list(walks(flow, call_at(began, caller)))


@UNHURRIED
@given(flows())
def test_what_is_stored_reads_back_the_same(plain: dict[str, Any]) -> None:
    flow = read_flow(plain)
    assert read_flow(flow.plain()) == flow


def test_the_walker_sees_what_it_shall_judge() -> None:
    flow = read_flow(EXAMPLE)
    ends = list(walks(flow, call_at(MONDAY)))
    assert any(end.recorded for end in ends)
    assert any(end.opted_out and end.rang and not end.recorded for end in ends)
    assert any("Siamo chiusi." in end.heard for end in walks(flow, call_at(MONDAY.replace(hour=22))))

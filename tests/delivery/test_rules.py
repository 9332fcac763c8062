"""The table: what an answer does to a delivery, without database and network."""

from datetime import timedelta

import pytest

from calltrack.delivery.rules import HOLDS, after_poll, after_send, found_unwell, hold_for
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.outcomes import Class, Outcome

GOOGLE, WEBHOOK = DESTINATIONS["google_data_manager"], DESTINATIONS["webhook"]
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86_400))


def outcome(class_: Class, after: timedelta | None = None) -> Outcome:
    return Outcome(class_, "CODE", "It happened.", "Do this.", after=after, request_id="r" if class_ is Class.ACCEPTED else None)  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    ("class_", "after", "attempt", "hold", "state", "wait", "burns"),
    [
        (Class.DONE, None, 1, None, "confirmed", None, True),
        (Class.ACCEPTED, None, 1, None, "accepted", 30 * MINUTE, True),
        (Class.ROW, None, 1, None, "rejected", None, True),
        (Class.BUG, None, 1, None, "rejected", None, True),
        (Class.CONFIG, None, 1, None, "parked", None, False),
        (Class.LATER, 6 * HOUR, 1, None, "pending", 6 * HOUR, True),
        (Class.LATER, None, 1, None, "pending", 30 * SECOND, True),
        (Class.LATER, None, 3, None, "pending", 10 * MINUTE, True),
        (Class.LATER, None, 500, None, "pending", HOUR, True),
        (Class.LATER, None, 500, 5 * MINUTE, "pending", 5 * MINUTE, True),
        (Class.UNKNOWN, None, 2, 15 * SECOND, "unknown", 15 * SECOND, True),
    ],
)
def test_what_an_answer_of_google_does(
    class_: Class, after: timedelta | None, attempt: int, hold: timedelta | None,
    state: str, wait: timedelta | None, burns: bool,
) -> None:  # fmt: skip
    step = after_send(
        outcome(class_, after), GOOGLE, attempt=attempt, age=DAY, hold=hold, first_poll=30 * MINUTE
    )
    assert (step.state, step.wait, step.burns) == (state, wait, burns)
    assert step.explanation == "It happened. Do this."


def test_google_is_never_given_up_inside_its_window_and_always_after_it() -> None:
    for attempt in (1, 10, 10_000):
        kept = after_send(
            outcome(Class.LATER), GOOGLE, attempt=attempt, age=89 * DAY, hold=None, first_poll=HOUR
        )
        assert kept.state == "pending"
    late = after_send(outcome(Class.LATER), GOOGLE, attempt=1, age=90 * DAY, hold=None, first_poll=HOUR)
    assert late.state == "rejected"
    assert "90 days" in late.explanation


def test_a_webhook_is_given_up_after_its_schedule() -> None:
    steps = [
        after_send(outcome(Class.LATER), WEBHOOK, attempt=n, age=DAY, hold=None, first_poll=HOUR)
        for n in range(1, 9)
    ]
    assert [step.wait for step in steps] == [*WEBHOOK.waits, None]
    assert [step.state for step in steps] == ["pending"] * 7 + ["rejected"]
    assert "8 tries" in steps[-1].explanation
    held = after_send(outcome(Class.LATER), WEBHOOK, attempt=1, age=DAY, hold=MINUTE, first_poll=HOUR)
    assert held.wait == MINUTE


@pytest.mark.parametrize(
    ("classes", "status", "expected"),
    [
        ([Class.LATER], None, True),
        ([Class.UNKNOWN], None, True),
        ([Class.LATER], 429, True),
        ([Class.LATER], 503, True),
        ([Class.UNKNOWN], 200, True),
        ([Class.LATER], 400, False),
        ([Class.ROW, Class.LATER], 503, False),
        ([Class.ACCEPTED], 200, False),
        ([Class.CONFIG], None, False),
    ],
)
def test_when_the_platform_itself_is_unwell(classes: list[Class], status: int | None, expected: bool) -> None:
    assert found_unwell(tuple(outcome(class_) for class_ in classes), status) is expected


def test_an_unwell_platform_is_left_alone_longer_and_longer_but_as_long_as_it_asks() -> None:
    holds = [hold_for((outcome(Class.LATER),), before) for before in range(8)]
    assert holds == [*HOLDS, HOLDS[-1], HOLDS[-1]]
    assert hold_for((outcome(Class.LATER, DAY),), 0) == DAY


@pytest.mark.parametrize(
    ("class_", "is_verdict", "state", "wait"),
    [
        (Class.DONE, True, "confirmed", None),
        (Class.ROW, True, "rejected", None),
        (Class.CONFIG, True, "parked", None),
        (Class.CONFIG, False, "accepted", timedelta(0)),
        (Class.UNKNOWN, True, "unknown", timedelta(0)),
        (Class.LATER, True, "pending", 30 * SECOND),
        (Class.OPEN, True, "accepted", 4 * MINUTE),
        (Class.OPEN, False, "accepted", 30 * SECOND),
    ],
)
def test_what_a_verdict_does(class_: Class, is_verdict: bool, state: str, wait: timedelta | None) -> None:
    step = after_poll(
        outcome(class_), GOOGLE,
        attempt=1, is_verdict=is_verdict, since_accepted=4 * MINUTE, first_poll=MINUTE,
    )  # fmt: skip
    assert (step.state, step.wait) == (state, wait)

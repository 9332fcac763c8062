"""Microsoft's destination against its twin over real sockets."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from calltrack.destinations.microsoft import Microsoft
from calltrack.destinations.outcomes import Class
from calltrack.infra.http import HttpAnswer
from calltrack.sandbox.platforms.accounts import MICROSOFT_ACCOUNT_ID, microsoft_settings
from tests.destinations.social import Stage, classes
from tests.destinations.uploads import upload
from tests.sandbox.platforms.serving import serving

MICROSOFT = Microsoft()
DAY = timedelta(days=1)


@pytest.fixture
def stage() -> Iterator[Stage]:
    made: list[Stage] = []
    with serving(now=lambda: made[0].clock()) as origin:
        made.append(Stage(origin, MICROSOFT, microsoft_settings(origin)))
        yield made[0]
        made[0].door.close()


def rows(stage: Stage, *clicks: str, **more: Any) -> list[bytes]:
    times = {"occurred_at": stage.now - 2 * DAY, "changed_at": stage.now - DAY, "clicked_at": None}
    given: dict[str, Any] = times | {"phone_e164": None}
    return [
        MICROSOFT.freeze(upload(**(given | {"click_ids": {"msclkid": click}} | more)), stage.settings)
        for click in clicks
    ]


def test_conversions_count_once_each_and_the_first_wins(stage: Stage) -> None:
    payloads = rows(stage, "a", kind="lead", value_minor=None) + rows(stage, "b")
    for _ in range(2):
        attempt = stage.deliver(payloads)
        assert [(o.class_, o.code) for o in attempt.outcomes] == [(Class.DONE, "OK")] * 2
    stage.deliver(rows(stage, "b", value_minor=90_000))
    assert [
        (one["target"], one["click"], one["values"], one["currency"], one["received"])
        for one in stage.effects()
    ] == [
        (f"{MICROSOFT_ACCOUNT_ID}/Lead by phone", "a", [None], "", 2),
        (f"{MICROSOFT_ACCOUNT_ID}/Purchase by phone", "b", [850.0], "EUR", 3),
    ]


def test_the_same_click_at_another_time_is_another_conversion(stage: Stage) -> None:
    later = stage.now - DAY
    stage.deliver(rows(stage, "a") + rows(stage, "a", occurred_at=later))
    assert len(stage.effects()) == 2


def test_a_new_value_and_a_retraction_find_the_conversion_by_click_time_and_goal(stage: Stage) -> None:
    stage.deliver(rows(stage, "a", "b"))
    restate = rows(stage, "a", action="restate", value_minor=90_000)
    retract = rows(stage, "b", action="retract")
    for _ in range(2):
        assert classes(stage.deliver(restate + retract)) == [Class.DONE] * 2
    assert [(one["values"], one["retracted"], one["received"]) for one in stage.effects()] == [
        ([850.0, 900.0], False, 3),
        ([850.0], True, 3),
    ]
    # Nothing brings back what was taken back: neither the conversion again nor a new value.
    stage.deliver(rows(stage, "b"))
    stage.deliver(rows(stage, "b", action="restate", value_minor=1))
    assert [(one["values"], one["retracted"]) for one in stage.effects()][1] == ([850.0], True)


def test_a_change_whose_original_is_not_there_is_taken_and_changes_nothing(stage: Stage) -> None:
    assert classes(stage.deliver(rows(stage, "a", action="retract"))) == [Class.DONE]
    assert stage.effects() == []
    assert stage.told()["counts"]["microsoft.unattributed"] == 1


def test_a_call_without_a_click_is_matched_by_its_hashed_contacts(stage: Stage) -> None:
    more = {"click_ids": {}, "phone_e164": "+390669940001"}
    for _ in range(2):
        stage.deliver(rows(stage, "", **more))
    stage.deliver(rows(stage, "", **more, action="restate", value_minor=1_000))
    assert [(one["click"], one["has_contacts"], one["values"]) for one in stage.effects()] == [
        ("", True, [850.0, 10.0])
    ]


def test_500_rows_with_3_bad_ones_are_settled_by_one_request(stage: Stage) -> None:
    bad = {"77", "78", "431"}
    payloads = rows(stage, *(f"INVALID{n}" if n in bad else f"ok{n}" for n in map(str, range(500))))
    settled, requests = stage.carry(payloads)
    assert requests == 1
    assert stage.told()["counts"]["microsoft.requests"] == 1
    refused = {payload: outcome for payload, outcome in settled.items() if outcome.class_ is Class.ROW}
    assert set(refused) == {payloads[int(n)] for n in bad}
    assert {one.code for one in refused.values()} == {"OfflineConversionMicrosoftClickIdInvalid"}
    assert all(one.hint for one in refused.values())
    assert {one["click"] for one in stage.effects()} == {f"ok{n}" for n in range(500)} - {
        f"ok{n}" for n in bad
    }


@pytest.mark.parametrize(
    ("fault", "expected", "effects"),
    [
        ("503", Class.LATER, 0),
        ("429:Retry-After=2", Class.LATER, 0),
        ("reason:117", Class.LATER, 0),
        ("reason:106", Class.CONFIG, 0),
        ("reason:5613", Class.CONFIG, 0),
        ("403", Class.CONFIG, 0),
        ("garbage", Class.UNKNOWN, 0),
        ("drop-connection", Class.UNKNOWN, 0),
        ("drop-after-processing", Class.UNKNOWN, 1),
        ("timeout-after-processing:4", Class.UNKNOWN, 1),
        ("slow:0.1", Class.DONE, 1),
    ],
)
def test_after_any_fault_sending_again_leads_to_one_effect(
    stage: Stage, fault: str, expected: Class, effects: int
) -> None:
    stage.faults(fault)
    payloads = rows(stage, "a")
    first = stage.deliver(payloads)
    assert classes(first) == [expected]
    assert len(stage.effects()) == effects
    # Days later as well: Microsoft knows the click, the time and the goal for ever.
    stage.shift = timedelta(days=5)
    second = stage.deliver(payloads)
    assert classes(second) == [Class.DONE]
    assert first.request_hash == second.request_hash
    assert len(stage.effects()) == 1
    assert MICROSOFT.resend_unknown_within is None


def test_an_expired_token_is_renewed_once_and_the_new_refresh_token_is_kept(stage: Stage) -> None:
    kept: list[str] = []

    def deliver() -> list[Class]:
        attempt = stage.courier.deliver(MICROSOFT, stage.settings, rows(stage, "a"), stage.now, kept.append)
        return classes(attempt)

    assert deliver() == [Class.DONE]
    stage.faults("401")
    assert deliver() == [Class.DONE]
    assert len(kept) == 2
    assert len(set(kept)) == 2
    for token in kept:
        again = stage.with_settings(refresh_token=token)
        assert classes(stage.deliver(rows(stage, "a"), again)) == [Class.DONE]
    assert len(stage.effects()) == 1


def test_error_109_renews_the_token_whatever_the_status(stage: Stage) -> None:
    # The twin gives 109 with a 401; a gateway may give the same fault with another status.
    fault = b'{"TrackingId":"t","Errors":[{"Code":109,"ErrorCode":"AuthenticationTokenExpired"}],"Type":"x"}'
    for status in (400, 401, 500):
        assert MICROSOFT.token_refused(HttpAnswer(status, {}, fault))
    assert MICROSOFT.token_refused(HttpAnswer(401, {}, b"<html>"))
    assert not MICROSOFT.token_refused(
        HttpAnswer(400, {}, fault.replace(b"109", b"106").replace(b"Expired", b""))
    )
    assert not MICROSOFT.token_refused(HttpAnswer(200, {}, fault))


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"refresh_token": "somebody-else"}, "INVALID_GRANT"),
        ({"refresh_token": "sandbox-microsoft-refresh-token.x.forged"}, "INVALID_GRANT"),
        ({"client_secret": "wrong"}, "INVALID_CLIENT"),
        ({"developer_token": "wrong"}, "InvalidCredentials"),
        ({"account_id": "40300000"}, "UserIsNotAuthorized"),
        ({"purchase_goal_name": "Unknown goal"}, "OfflineConversionNameInvalid"),
    ],
)
def test_a_connection_that_is_not_right_pauses_and_says_what_to_do(
    stage: Stage, more: dict[str, str], code: str
) -> None:
    settings = stage.with_settings(**more)
    made = upload(occurred_at=stage.now - DAY, click_ids={"msclkid": "a"})
    attempt = stage.deliver([MICROSOFT.freeze(made, settings)], settings)
    assert [(o.class_, o.code) for o in attempt.outcomes] == [(Class.CONFIG, code)]
    assert attempt.outcomes[0].hint
    assert stage.effects() == []


def test_a_brand_new_goal_takes_conversions_two_hours_later(stage: Stage) -> None:
    settings = stage.with_settings(purchase_goal_name="New goal")
    made = upload(occurred_at=stage.now - DAY, click_ids={"msclkid": "a"})
    attempt = stage.deliver([MICROSOFT.freeze(made, settings)], settings)
    assert [(o.class_, o.after) for o in attempt.outcomes] == [(Class.LATER, timedelta(hours=2))]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("503", Class.LATER), ("drop-connection", Class.LATER), ("invalid_grant", Class.CONFIG)],
)
def test_a_failing_sign_in_never_makes_a_conversion_unknown(
    stage: Stage, fault: str, expected: Class
) -> None:
    stage.faults(fault, target="microsoft_oauth")
    assert classes(stage.deliver(rows(stage, "a"))) == [expected]
    assert classes(stage.deliver(rows(stage, "a"))) == [Class.DONE]


def test_the_tally_agrees_with_what_was_sent(stage: Stage) -> None:
    stage.deliver(rows(stage, "a", "b", "INVALID"))
    token = MICROSOFT.token_request(stage.settings)
    assert token is not None
    got = stage.door.send(token)
    assert isinstance(got, HttpAnswer)
    granted = MICROSOFT.read_token(got)
    request = MICROSOFT.tally_request(
        stage.settings, stage.now - DAY, stage.now, getattr(granted, "value", "")
    )
    assert request is not None
    counted = stage.door.send(request)
    assert isinstance(counted, HttpAnswer)
    tally = MICROSOFT.read_tally(counted, stage.settings, stage.now - DAY, stage.now)
    assert tally is not None
    assert (tally.received, tally.counted, tally.refused) == (3, 2, 1)

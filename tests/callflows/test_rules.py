"""The steps one by one, sharing, tokens, and what a flow must not be."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.callflows.checks import read_flow
from calltrack.callflows.place import LETTERS, Place, Token, read_token
from calltrack.callflows.settings_flow import LineSettings, flow_of
from calltrack.callflows.sharing import order
from calltrack.kernel.errors import BadFields, BadInput
from tests.callflows.flows import EXAMPLE
from tests.callflows.test_random_flows import MONDAY, call_at
from tests.callflows.walking import walks


def test_weights_are_kept_over_many_calls() -> None:
    first = Counter(order("weighted", [1, 3, 6], f"call-{n}")[0] for n in range(10_000))
    assert [round(first[place] / 1000) for place in range(3)] == [1, 3, 6]


def test_going_round_gives_everybody_the_same_share_and_keeps_the_order() -> None:
    orders = Counter(order("round_robin", [1, 1, 1], f"call-{n}") for n in range(9_000))
    assert set(orders) == {(0, 1, 2), (1, 2, 0), (2, 0, 1)}
    assert all(2_800 < count < 3_200 for count in orders.values())


@given(
    st.sampled_from(["together", "in_order", "round_robin", "weighted"]),
    st.lists(st.integers(1, 100), min_size=1, max_size=10),
    st.text(max_size=40),
)
def test_everybody_is_rung_once_and_a_repeated_question_gets_the_same_answer(
    how: Any, weights: list[int], seed: str
) -> None:
    found = order(how, weights, seed)
    assert sorted(found) == list(range(len(weights)))
    assert found == order(how, weights, seed)


def test_a_sticky_group_rings_the_same_phone_first_for_the_same_caller() -> None:
    group = {
        "kind": "ring", "how": "weighted", "sticky": True,
        "targets": [{"number": f"+39066994000{n}"} for n in range(5)],
    }  # fmt: skip
    flow = read_flow({"start": "r", "steps": {"r": group}})
    loose = read_flow({"start": "r", "steps": {"r": group | {"sticky": False}}})

    def first(of: Any, caller: str | None, sid: str) -> str:
        return next(iter(walks(of, call_at(MONDAY, caller, sid), most=1))).rang[0]

    sids = [f"CA{n}" for n in range(20)]
    assert len({first(flow, "+393471234567", sid) for sid in sids}) == 1
    assert len({first(flow, None, sid) for sid in sids}) > 1
    assert len({first(loose, "+393471234567", sid) for sid in sids}) > 1


PLACES = st.builds(
    Place,
    step=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,39}", fullmatch=True),
    phase=st.sampled_from(list(LETTERS.values())),
    language=st.sampled_from(["it-IT", "en-GB"]),
    turn=st.integers(0, 99),
    left_out=st.integers(0, 1023),
    is_told=st.booleans(),
    is_unrecorded=st.booleans(),
)


@given(PLACES, st.uuids(), st.integers(0, 2**33))
def test_an_address_carries_its_place(place: Place, version: UUID, began: int) -> None:
    token = Token(version, place, datetime.fromtimestamp(began, UTC))
    assert read_token(str(token)) == token
    assert str(token).isascii()
    assert "/" not in str(token)


@given(st.text(max_size=80))
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(BadInput, match="no step"):
        read_token(text + "!")


HOURS = {"weekly": {"mon": ["09:00-13:00"]}}
SAY = {"kind": "announce", "message": "Ciao"}
PHONE = {"number": "+390612345678"}


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ({}, "steps: .*at least one"),
        ({"b": SAY}, "start: there is no step “a”; name one of: b"),
        ({"a": {"kind": "dance"}}, "step “a”: needs a kind: announce, hours"),
        ({"a": SAY | {"then": "b"}}, "step “a”, then: there is no step “b”; add it"),
        ({"a": SAY | {"then": "b"}, "b": SAY | {"then": "a"}}, "step “b”: leads back to “a”"),
        ({"a": SAY, "b": SAY}, "step “b”: no branch leads here"),
        ({"a": SAY | {"message": ""}}, "step “a”, message, text"),
        ({"a": SAY | {"message": "..."}}, "write words"),
        ({"a": SAY | {"message": {"audio": "http://a.example/x.mp3"}}}, "https address"),
        ({"a": SAY | {"message": {"text": {"italiano": "Ciao"}}}}, "language like it-IT"),
        ({"a": SAY | {"then": "r"}, "r": {"kind": "reject"}}, "step “r”: the call is answered before"),
        ({"a": {"kind": "menu", "message": "x1", "options": {"12": {}}}}, "step “a”, options.*one key"),
        ({"a": {"kind": "ring", "targets": []}}, "step “a”, targets"),
        ({"a": {"kind": "ring", "targets": [{}]}}, "a number, a SIP address, or own_line"),
        ({"a": {"kind": "ring", "targets": [PHONE, PHONE]}}, "twice"),
        ({"a": {"kind": "ring", "targets": [{"number": "12"}]}}, "not a phone number"),
        ({"a": {"kind": "ring", "targets": [{"sip": "pbx"}]}}, "sip:office@pbx.example"),
        ({"a": {"kind": "ring", "targets": [PHONE], "opt_out_key": "9"}}, "set record"),
        ({"a": {"kind": "ring", "targets": [PHONE], "seconds": 3}}, "step “a”, seconds"),
        ({"a": {"kind": "ring", "targets": [PHONE], "caller_id": "boss"}}, "caller, dialled"),
        ({"a": {"kind": "by_caller", "branches": [{"to": None}]}}, "at least one prefix"),
        ({"a": {"kind": "by_caller", "branches": [{"prefixes": ["06"]}]}}, "international form"),
        ({"a": {"kind": "hours", "hours": HOURS, "opened": "b"}}, "step “a”, opened: is not known here"),
        ({f"s{n}": SAY | {"then": f"s{n + 1}"} for n in range(17)} | {"s17": SAY}, "more than 16 steps"),
        ({"A B": SAY}, "small letters"),
    ],
)
def test_a_flow_that_cannot_work_is_refused_with_its_step(steps: dict[str, Any], words: str) -> None:
    start = next(iter(steps)) if "s0" in steps else "a"
    with pytest.raises(BadFields, match=words):
        read_flow({"start": start, "steps": steps})


@pytest.mark.parametrize(
    "nonsense", [None, [], "x", {"start": 1}, {"steps": {"a": 5}}, {"start": "a", "x": 1}]
)
def test_nonsense_is_refused_politely(nonsense: Any) -> None:
    with pytest.raises(BadFields):
        read_flow(nonsense)
    with pytest.raises(BadFields, match="too large"):
        read_flow(EXAMPLE | {"x": "y" * 70_000})


def test_a_national_number_is_read_in_the_companys_country() -> None:
    steps = {"a": {"kind": "ring", "targets": [{"number": "06 1234 5678"}]}}
    assert read_flow({"start": "a", "steps": steps}, "IT").plain()["steps"]["a"]["targets"] == [PHONE]
    with pytest.raises(BadFields):
        read_flow({"start": "a", "steps": steps})


@given(
    st.builds(
        LineSettings,
        ring_seconds=st.integers(0, 600),
        announcement=st.sampled_from(["", "Benvenuti", "Le chiamate sono registrate"]),
        language=st.sampled_from(["it-IT", "en-GB", "de-DE", "fr-FR"]),
        whisper=st.booleans(),
        voicemail=st.booleans(),
        record=st.booleans(),
    )
)
def test_the_settings_of_a_location_are_a_flow_like_any_other(settings: LineSettings) -> None:
    flow = flow_of(settings)
    assert read_flow(flow.plain()) == flow
    for end in walks(flow, call_at(MONDAY)):
        assert end.rang == ("+390669949999",)
        assert end.recorded <= settings.record

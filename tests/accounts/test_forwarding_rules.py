"""Where calls may be put through: a table of numbers, and laws that hold for any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.accounts.forwarding_rules import (
    USUAL_COUNTRIES,
    allowed_countries,
    refusal,
    refusal_of_new,
)
from calltrack.kernel.phone import COUNTRIES

USUAL = allowed_countries("IT", ())

FINE = (
    "+390669940001", "+393471234567", "+390549123456", "+39800123456", "+442079460000", "+447400123456",
    "+12125550100", "+14165550100", "+493012345678", "+4915112345678", "+33142345678", "+34911234567",
    "+41446681800", "+35315551234", "+46812345678", "+358401234567",
)  # fmt: skip
REFUSED = {
    "premium-rate": ("+39899123456", "+39144123456", "+39166123456", "+19005551234", "+449098765432",
                     "+33899123456"),
    "shared-cost": ("+39848123456", "+39840123456", "+491805123456", "+33810123456", "+80812345678"),
    "personal": ("+39199123456", "+447012345678", "+15005550006"),
    "dear numbers": ("+39178123456", "+39892123456", "+39895123456"),
    "no country": ("+8816123456789", "+881612345678", "+882101234567", "+883510012345", "+870773123456",
                   "+979123456789", "+80012345678", "+888123456789"),
    "not allowed": ("+18765551234", "+18095551234", "+12425551234", "+37122345678", "+37061234567",
                    "+21612345678", "+2526123456", "+5363123456", "+77012345678", "+79161234567",
                    "+441534123456", "+441481256789", "+37254123456", "+3556612345678"),
}  # fmt: skip


@pytest.mark.parametrize("number", FINE)
def test_an_ordinary_line_in_a_usual_country_is_taken(number: str) -> None:
    assert refusal(number, USUAL) is None


@pytest.mark.parametrize(
    ("number", "why"), [(number, why) for why, numbers in REFUSED.items() for number in numbers]
)
def test_dear_and_far_numbers_are_refused_and_the_reason_says_why(number: str, why: str) -> None:
    reason = refusal(number, USUAL)
    assert reason is not None
    assert ("no country" if why == "no country" else why) in reason or "no country" in reason
    assert refusal_of_new(number, USUAL) == reason


@pytest.mark.parametrize("number", ["+4470712345", "+49900123456", "+15551234567"])
def test_a_number_of_no_known_range_cannot_be_set_but_a_line_set_before_is_not_cut(number: str) -> None:
    assert refusal(number, USUAL) is None
    assert "no range" in (refusal_of_new(number, USUAL) or "")


def test_what_a_company_chose_stands_alone() -> None:
    only = allowed_countries("IT", ("LV",))
    assert refusal("+37122345678", only) is None
    assert "IT" in (refusal("+390669940001", only) or "")
    assert allowed_countries("RO", ()) == USUAL_COUNTRIES | {"RO"}


@given(
    st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), st.frozensets(st.sampled_from(sorted(COUNTRIES)))
)
def test_more_countries_never_refuse_more_and_none_allow_nothing(number: str, chosen: frozenset[str]) -> None:
    assert refusal(number, ()) is not None
    if refusal(number, chosen) is None:
        assert refusal(number, chosen | {"IT"}) is None
    if refusal_of_new(number, chosen) is None:
        assert refusal(number, chosen) is None

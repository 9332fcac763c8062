"""Posteriors as rows keep them, what they are credited to, and their reasons in words."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from calltrack.accounts.rules import CompanySettings
from calltrack.attribution.crediting import credit, thresholds_of
from calltrack.attribution.evidence import one_per_visit
from calltrack.attribution.facts import Candidate, Earlier, Evidence, Posterior, Reason, Thresholds
from calltrack.attribution.holders import Holders
from calltrack.attribution.model import Attribution
from calltrack.attribution.posterior import judge, without
from calltrack.attribution.prior import shipped
from calltrack.attribution.stored import carried_of, columns_of, likeliest_visit, posterior_of
from calltrack.attribution.summing import summed
from calltrack.attribution.words import sentences
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key, source_key
from tests.attribution.visits import NOW, evidences, holding

ROMA, BRAND, BING = (
    campaign_key("google", "cpc", "roma"), campaign_key("google", "cpc", "brand"),
    campaign_key("bing", "cpc", "roma"),
)  # fmt: skip
GOOGLE = source_key("google", "cpc")
VISIT, OTHER = new_id(), new_id()


def found(*shares: tuple[str, float], nobody: float = 0.0) -> Posterior:
    """A posterior of one visit per share of a campaign."""
    rows = [
        Candidate(visit=id_.hex, visitor=new_id().hex, campaign=key, source=key.rpartition("\x1f")[0], p=p)
        for (key, p), id_ in zip(shares, (VISIT, OTHER, new_id(), new_id()), strict=False)
    ]
    by_campaign: dict[str, float] = {}
    by_source: dict[str, float] = {}
    for one in rows:
        by_campaign[one.campaign] = by_campaign.get(one.campaign, 0.0) + one.p
        by_source[one.source] = by_source.get(one.source, 0.0) + one.p
    return Posterior(
        candidates=tuple(rows), p_nobody=nobody, by_campaign=by_campaign, by_source=by_source, model="m"
    )


@settings(max_examples=60, deadline=None)
@given(evidences())
def test_what_comes_back_from_json_is_the_same_to_the_last_digit(facts: Evidence) -> None:
    posterior = judge(facts, shipped())
    columns = columns_of(posterior)
    assert json.loads(json.dumps(columns)) == columns
    row = Attribution(**columns, source="", medium="", campaign="", p_campaign=0.0)
    again = posterior_of(row)
    # Sources follow from campaigns here; the facts of this test name both freely.
    assert [(one.visit, one.p, one.carried) for one in again.candidates] == [
        (one.visit, one.p, one.carried) for one in posterior.candidates
    ]
    assert (again.by_visitor, again.rest, again.p_nobody) == (
        posterior.by_visitor, posterior.rest, posterior.p_nobody,
    )  # fmt: skip
    assert (again.by_campaign, again.by_source) == (posterior.by_campaign, posterior.by_source)
    assert again.reasons == posterior.reasons


def test_a_later_call_carries_on_what_the_row_keeps_and_reads_only_what_it_carries() -> None:
    columns = columns_of(found((ROMA, 0.7), (BRAND, 0.2), nobody=0.1))
    told = json.dumps(columns["candidates"])
    row = Attribution(**columns, source="", medium="", campaign="", p_campaign=0.0)
    whole, row.candidates = posterior_of(row), told  # type: ignore[assignment]  # as the read has it
    for share in (1.0, 0.5, 2e-4, 1e-5):
        sums = [
            summed(
                Holders.of(()),
                np.zeros(0),
                [(Earlier(at=1.0, posterior=one, same_caller=False), share)],
                0.0,
                "m",
            )
            for one in (whole, carried_of(row))
        ]
        assert sums[0] == sums[1]
        assert bool(sums[0].candidates) == (share > 1e-4)
    row.candidates = "not read"  # type: ignore[assignment]  # neither is it
    nothing = Earlier(at=1.0, posterior=carried_of(row), same_caller=False)
    assert not summed(Holders.of(()), np.zeros(0), [(nothing, 1e-5)], 0.0, "m").candidates


SEVEN = Thresholds(visit=0.7, campaign=0.7, source=0.7)
STRICT = Thresholds(visit=0.9, campaign=0.99, source=0.7)
AGAIN: dict[str, float | str] = {"calls_before": 2, "seconds": 90_000, "campaign": ROMA, "p": 0.93}
LOOKED = [Reason(code="contact_page", values={"seconds": 240}), Reason(code="visits", values={"count": 12})]


@pytest.mark.parametrize(
    ("posterior", "thresholds", "level", "words"),
    [
        (found((ROMA, 0.8), (BRAND, 0.2)), SEVEN, "visit", ("google", "cpc", "roma")),
        (found((ROMA, 0.4), (ROMA, 0.4), (BRAND, 0.2)), SEVEN, "campaign", ("google", "cpc", "roma")),
        (found((ROMA, 0.5), (BRAND, 0.4), (BING, 0.1)), SEVEN, "source", ("google", "cpc", "")),
        (found((ROMA, 0.5), (BING, 0.5)), SEVEN, "unknown", ("", "", "")),
        (found((ROMA, 0.3), nobody=0.7), Thresholds(), "unknown", ("", "", "")),
        # A likely visit of a campaign that is not the likeliest is not credited beside that campaign.
        (found((BRAND, 0.4), (ROMA, 0.3), (ROMA, 0.3)), Thresholds(), "campaign", ("google", "cpc", "roma")),
        (found((ROMA, 0.8)), STRICT, "source", ("google", "cpc", "")),
        (found((ROMA, 0.95)), STRICT, "visit", ("google", "cpc", "roma")),
    ],
)  # fmt: skip
def test_the_finest_level_that_is_sure_enough_is_credited(
    posterior: Posterior, thresholds: Thresholds, level: str, words: tuple[str, str, str]
) -> None:
    credited = credit(posterior, thresholds)
    assert (credited.level, (credited.source, credited.medium, credited.campaign)) == (level, words)
    assert credited.visit_id == (VISIT if level == "visit" else None)
    assert credited.p_source >= credited.p_campaign >= credited.probability


def test_seven_of_ten_is_enough_for_reports_unless_the_company_says_otherwise() -> None:
    assert thresholds_of(CompanySettings()) == SEVEN
    own = CompanySettings(
        credit_probability=0.5, credit_campaign_probability=0.6, credit_source_probability=0.8
    )
    assert thresholds_of(own) == Thresholds(visit=0.5, campaign=0.6, source=0.8)
    assert CompanySettings().upload_probability == 0.9


def test_an_erased_visitor_leaves_the_sums_and_no_visit_to_send() -> None:
    posterior = found((ROMA, 0.8), (BRAND, 0.2))
    erased = without(posterior, posterior.candidates[0].visitor)
    assert likeliest_visit(columns_of(posterior)["candidates"]) == (VISIT, 0.8)
    assert likeliest_visit(columns_of(erased)["candidates"]) == (None, 0.0), "the other one is somebody else"
    assert credit(erased, SEVEN).level == "campaign"


def test_a_renewed_lease_is_one_holding() -> None:
    first = holding("v", gone=900, taps=(NOW - 950,), contact_at=NOW - 940)
    again = holding("v", gone=10, taps=(NOW - 20,), copied_at=NOW - 30)
    (joined,) = one_per_visit([first, again])
    assert (joined.shown_from, joined.last_seen) == (first.shown_from, again.last_seen)
    assert (joined.taps, joined.contact_at, joined.copied_at) == ((NOW - 950, NOW - 20), NOW - 940, NOW - 30)
    assert one_per_visit([again, first]) == (joined,)


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        ([Reason(code="tapped", values={"seconds": 8})], ["Tapped the number 8 seconds before the call."]),
        (
            [Reason(code="repeat", values=AGAIN)],
            ["Third call from this caller; the one before was 1 day earlier and came from google / cpc / roma"
             " (93 %)."],
        ),
        (
            [Reason(code="repeat")],
            ["Somebody who called this number before rings again, from another phone or without a number."],
        ),
        (
            LOOKED,
            ["12 visits saw this number in the 40 days before; this one looked at the contact page for 4"
             " minutes."],
        ),
        ([Reason(code="typed_phone")], ["This visitor typed the caller's number into a form."]),
        ([Reason(code="visits", values={"count": 0})],
         ["Nobody is known to have been shown this number before the call."]),
        ([Reason(code="said", values={"words": "Old."}), Reason(code="said", values={"words": "Words."})],
         ["Old.", "Words."]),
        ([Reason(code="of a later version")], []),
    ],
)  # fmt: skip
def test_reasons_are_sentences_a_marketer_understands(reasons: list[Reason], words: list[str]) -> None:
    assert list(sentences(reasons)) == words


@settings(max_examples=60, deadline=None)
@given(evidences())
def test_every_reason_has_words(facts: Evidence) -> None:
    reasons = judge(facts, shipped()).reasons
    assert all(sentences([one]) for one in reasons)

"""Calls judged over stored rows: what is kept, what is carried on, what late facts change."""

import pytest

from calltrack.attribution.evidence import load_call, load_evidence
from calltrack.attribution.model import Attribution
from calltrack.attribution.posterior import judge
from calltrack.attribution.service import attribute_call
from calltrack.attribution.serving import serving_model
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key, source_key
from calltrack.numbers.model import TrackingNumber
from calltrack.wiring import Services
from tests.attribution.desk import DAY, HOUR, MINUTE, Desk, said
from tests.builders import NOON, Company, make_call, make_company, make_lease, make_visit

ROMA = campaign_key("google", "cpc", "traslochi-roma")


@pytest.fixture
def desk(services: Services, company: Company) -> Desk:
    return Desk(services, company)


def test_the_visit_that_was_looking_is_stored_with_the_whole_posterior(desk: Desk) -> None:
    visit = desk.shown(0, MINUTE)
    other = desk.shown(0, 20 * MINUTE, campaign="brand")
    desk.shown(1, MINUTE)
    row = desk.judge(desk.call())
    assert (row.level, row.visit_id) == ("visit", visit.id)
    assert (row.source, row.medium, row.campaign) == ("google", "cpc", "traslochi-roma")
    assert [one[0] for one in row.candidates] == [visit.id.hex, other.id.hex]
    listed = sum(one[3] for one in row.candidates)
    assert listed + row.rest + row.p_nobody == pytest.approx(1, abs=1e-9)
    assert row.by_campaign[ROMA] == pytest.approx(row.p_campaign)
    assert sum(row.by_source.values()) + row.p_nobody == pytest.approx(1, abs=1e-9)
    assert row.p_source > row.p_campaign > 0.9
    assert row.model == "shipped-1"
    assert "looking at the number" in said(row)[0]


def test_what_is_stored_is_to_the_last_digit_what_was_judged(desk: Desk) -> None:
    for minutes in (1, 7, 50, 900, 4000):
        desk.shown(0, minutes * MINUTE, campaign=f"c{minutes % 3}")
    desk.judge(desk.call(before=20 * MINUTE, caller="+393470000001"))
    call = desk.call()
    desk.judge(call)
    with desk.services.db.tenant(desk.company.id) as session:
        known = load_evidence(session, load_call(session, desk.company.id, call.id))
        again = judge(known.evidence, serving_model(session, desk.company.id))
    assert len(known.evidence.holdings) == 5
    assert len(known.evidence.earlier) == 1
    assert desk.found(call) == again


def test_a_repetition_changes_nothing(desk: Desk) -> None:
    desk.shown(0, MINUTE)
    call = desk.call()
    first = desk.judge(call)
    assert desk.judge(call).id == first.id
    assert desk.count() == 1
    assert desk.facts("call.attributed") == [call.id]


def test_a_new_verdict_keeps_the_old_one(desk: Desk) -> None:
    call = desk.call()
    assert (desk.judge(call).level, desk.current(call).p_nobody) == ("unknown", 1.0)
    visit = desk.shown(0, MINUTE)
    assert desk.judge(call).visit_id == visit.id
    assert desk.count() == 2


def test_a_verdict_that_hardly_moves_is_written_over_the_one_before(desk: Desk) -> None:
    desk.shown(0, MINUTE)
    desk.shown(0, 20 * MINUTE)
    call = desk.call()
    first = desk.judge(call)
    desk.shown(0, 30 * DAY, seconds=5)
    second = desk.judge(call)
    assert (second.id, desk.count()) == (first.id, 1)
    assert (second.rest > 0, first.rest) == (True, 0)
    assert desk.facts("call.attributed") == [call.id]


def test_a_static_number_credits_its_campaign(desk: Desk) -> None:
    company = desk.company
    with desk.services.db.tenant(company.id) as session:
        number = session.get_one(TrackingNumber, (company.id, company.number_ids[2]))
        number.kind, number.source, number.medium, number.campaign = "static", "Billboard", "Offline", "EUR"
    row = desk.judge(desk.call(2))
    assert (row.level, row.visit_id, row.source, row.p_campaign) == ("campaign", None, "billboard", 1.0)
    assert said(row) == ("Static number: it is shown nowhere but in billboard / offline / EUR.",)


def test_an_overflow_number_is_shared_and_says_so(desk: Desk) -> None:
    company = desk.company
    for campaign in ("roma", "brand"):
        visit = make_visit(desk.services, company, at=NOON - MINUTE, campaign=campaign)
        make_lease(desk.services, company, visit, company.overflow_id)
    call = make_call(desk.services, company, number_id=company.overflow_id)
    row = desk.judge(call)
    assert (row.level, row.source, row.medium, row.campaign) == ("source", "google", "cpc", "")
    assert row.probability == pytest.approx(row.p_source / 2)
    assert "2 visits had this number on screen when the call began: it was shared." in said(row)


def test_a_campaign_is_credited_where_no_visit_is_sure(desk: Desk) -> None:
    for _ in range(3):
        desk.shown(0, MINUTE)
    row = desk.judge(desk.call())
    assert (row.level, row.visit_id, row.campaign) == ("campaign", None, "traslochi-roma")
    assert row.probability < 0.4 < 0.9 < row.p_campaign


def test_a_withheld_caller_is_judged_by_what_was_shown(desk: Desk) -> None:
    visit = desk.shown(0, MINUTE)
    row = desk.judge(desk.call(caller=None))
    assert row.visit_id == visit.id
    assert said(row)[0].startswith("The caller withheld the number:")


def test_two_leases_of_one_visit_are_one_candidate(desk: Desk) -> None:
    visit = desk.shown(0, MINUTE)
    make_lease(desk.services, desk.company, visit, desk.company.number_ids[0])
    alone = Desk(desk.services, make_company(desk.services))
    alone.shown(0, MINUTE)
    row = desk.judge(desk.call())
    assert len(row.candidates) == 1
    assert row.probability == alone.judge(alone.call()).probability


def test_a_call_again_carries_the_verdict_on(desk: Desk) -> None:
    visit = desk.shown(0, 20 * DAY)
    desk.judge(desk.call(before=20 * DAY - MINUTE))
    row = desk.judge(desk.call(before=20 * DAY - 3 * HOUR))
    assert row.visit_id == visit.id
    assert row.p_repeat > 0.9
    assert said(row)[0].startswith(
        "Second call from this caller; the one before was 2 hours earlier and came from"
    )


def test_late_news_of_an_earlier_call_reaches_the_later_one(desk: Desk) -> None:
    visit = desk.shown(0, 20 * DAY)
    again = desk.call(before=20 * DAY - 3 * HOUR)
    desk.judge(again)
    alone = desk.current(again).probability
    first = desk.call(before=20 * DAY - MINUTE)
    desk.judge(first)
    late = desk.current(again)
    assert (late.visit_id, said(late)[0][:11]) == (visit.id, "Second call")
    assert late.probability > alone
    assert desk.judge(again).id == late.id


def test_calls_nobody_judged_yet_come_first(desk: Desk) -> None:
    desk.shown(0, 20 * DAY)
    first, again = desk.call(before=20 * DAY - MINUTE), desk.call(before=20 * DAY - 3 * HOUR)
    row = desk.judge(again)
    assert row.p_repeat > 0.9
    assert set(desk.facts("call.attributed")) == {first.id, again.id}


def test_a_known_visitor_is_recognised_on_another_number(desk: Desk) -> None:
    before = desk.shown(0, 4 * DAY)
    desk.judge(desk.call(before=4 * DAY - MINUTE))
    again = desk.shown(1, 3 * HOUR, visitor_id=before.visitor_id)
    desk.shown(1, 2 * HOUR)
    row = desk.judge(desk.call(1))
    assert row.visit_id == again.id
    assert said(row)[0].startswith("Earlier calls showed this visitor to be this caller")


def test_a_call_elsewhere_is_told_when_its_caller_is_learnt_late(desk: Desk) -> None:
    before = desk.shown(0, 4 * DAY)
    desk.shown(1, 3 * HOUR, visitor_id=before.visitor_id)
    desk.shown(1, 2 * HOUR)
    elsewhere = desk.call(1)
    unsure = desk.judge(elsewhere)
    desk.judge(desk.call(before=4 * DAY - MINUTE))
    assert desk.facts("call.follows") == [elsewhere.id]
    assert desk.judge(elsewhere).probability > unsure.probability + 0.3


def test_a_call_is_not_judged_by_what_it_told_itself(desk: Desk) -> None:
    desk.shown(0, 2 * HOUR)
    desk.shown(0, 3 * HOUR)
    call = desk.call()
    first = desk.judge(call)
    assert desk.judge(call).id == first.id
    with desk.services.db.tenant(desk.company.id) as session:
        known = load_evidence(session, load_call(session, desk.company.id, call.id)).evidence
    assert (known.linked, known.taken, known.caller_is_known) == ({}, {}, False)


def test_a_verdict_of_the_first_form_is_read_and_carried_on(desk: Desk) -> None:
    visit = desk.shown(0, 20 * DAY)
    first, again = desk.call(before=20 * DAY - MINUTE), desk.call(before=20 * DAY - 3 * HOUR)
    old = {
        "visit_id": str(visit.id), "visitor_id": str(visit.visitor_id), "probability": 0.9,
        "source": "google", "medium": "cpc", "campaign": "traslochi-roma", "age_seconds": 3,
    }  # fmt: skip
    with desk.services.db.tenant(desk.company.id) as session:
        session.add(
            Attribution(
                company_id=desk.company.id,
                id=new_id(),
                call_id=first.id,
                is_current=True,
                decided_at=NOON,
                model="first-form-1",
                level="visit",
                visit_id=visit.id,
                probability=0.9,
                p_nobody=0.08,
                source="google",
                medium="cpc",
                campaign="traslochi-roma",
                p_campaign=0.9,
                candidates=[old],
                reasons=["Was looking at the number when the call began."],
            )
        )
    found = desk.found(first)
    assert found.by_campaign[ROMA] == 0.9
    assert found.rest == pytest.approx(0.02)
    assert found.by_source[source_key("google", "cpc")] == 0.9
    assert said(desk.current(first)) == ("Was looking at the number when the call began.",)
    assert desk.judge(again).probability == pytest.approx(0.9, abs=0.05)


def test_what_is_left_after_two_hundred_calls_is_judged_by_facts_of_its_own(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calltrack.attribution.service.MOST_JUDGED", 3)
    later = [desk.call(before=minutes * MINUTE, caller=None) for minutes in (50, 40, 30, 20)]
    desk.shown(0, 2 * HOUR)
    desk.judge(desk.call(before=HOUR))
    assert set(desk.facts("call.follows")) == {call.id for call in later[2:]}


def test_a_foreign_call_does_not_exist(desk: Desk) -> None:
    foreign = make_call(desk.services, make_company(desk.services))
    for call_id in (foreign.id, new_id()):
        with pytest.raises(NotFound), desk.services.db.tenant(desk.company.id) as session:
            attribute_call(session, desk.company.id, call_id, NOON)

"""Whose phone is whose: told by forms, records and calls; known only from then on; gone with an erasure."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import LargeBinary, bindparam, select, text
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company as CompanyRow
from calltrack.attribution.erasing import erase_from_verdicts, erase_phones, forget_old_phones
from calltrack.attribution.evidence import load_evidence
from calltrack.attribution.facts import Evidence
from calltrack.attribution.history_rows import read_history
from calltrack.attribution.link_model import KnownPhone, KnownPhonesDay, PhoneLink
from calltrack.attribution.links import OF_CALLER, asked_of_caller, caller_in, know_phone
from calltrack.attribution.recrediting import FROM_THE_BEGINNING, ask_to_credit_again, credit_again
from calltrack.attribution.telling import hear_record, know_caller
from calltrack.attribution.told_rows import told_phones
from calltrack.calls.model import Call
from calltrack.visits.erasing import erase_visits
from calltrack.wiring import Services
from tests.attribution.desk import DAY, HOUR, MINUTE, Desk, said
from tests.builders import NOON, Company

PHONE, OTHER = "+393471234567", "+393477654321"


@pytest.fixture
def desk(services: Services, company: Company) -> Desk:
    return Desk(services, company)


def known_of(desk: Desk, call: Call) -> Evidence:
    with desk.services.db.tenant(desk.company.id) as session:
        return load_evidence(session, session.get_one(Call, (desk.company.id, call.id))).evidence


def days(desk: Desk) -> list[int]:
    with desk.services.db.tenant(desk.company.id) as session:
        return list(session.scalars(select(KnownPhonesDay.phones).order_by(KnownPhonesDay.day)))


def test_a_form_names_the_visitor_of_later_calls_and_takes_her_from_others(desk: Desk) -> None:
    visit, other = desk.shown(0, 3 * HOUR), desk.shown(0, 3 * HOUR - 4 * MINUTE)
    desk.typed(visit, PHONE, NOON - 3 * HOUR)
    mine, others = desk.call(caller=PHONE, before=2 * HOUR), desk.call(caller=OTHER, before=2.5 * HOUR)
    before = desk.call(number=1, caller=PHONE, before=4 * HOUR)
    assert known_of(desk, mine).linked == {visit.visitor_id.hex: 0.97}
    assert known_of(desk, mine).caller_is_known
    assert known_of(desk, others).taken == {visit.visitor_id.hex: 0.97}
    assert known_of(desk, before).linked == {}
    row = desk.judge(mine)
    assert row.candidates[0][0] == visit.id.hex
    assert "This visitor typed the caller's number into a form." in said(row)
    assert desk.judge(others).candidates[0][0] == other.id.hex


def test_a_form_heard_late_lets_calls_since_be_judged_anew(desk: Desk) -> None:
    visit = desk.shown(0, 3 * HOUR)
    desk.shown(0, 3 * HOUR - 4 * MINUTE)
    mine, others = desk.call(caller=PHONE, before=2 * HOUR), desk.call(caller=OTHER)
    assert desk.judge(mine).level == "campaign"
    desk.typed(visit, PHONE, NOON - 3 * HOUR)
    assert set(desk.facts("call.follows")) == {mine.id, others.id}
    assert desk.judge(mine).visit_id == visit.id


def test_a_customer_record_with_click_and_phone_links_them_from_now_on(desk: Desk) -> None:
    visit = desk.shown(0, MINUTE, click_ids={"gclid": "Case-1"})
    first = desk.call(caller=OTHER)
    desk.judge(first)
    phone = desk.services.vault.look_up(desk.company.id, PHONE)
    with desk.services.db.tenant(desk.company.id) as session:
        hear_record(session, desk.company.id, first.id, ["case-1"], phone, NOON + MINUTE)
        assert session.scalars(select(PhoneLink).where(PhoneLink.kind == "record")).all() == []
        hear_record(session, desk.company.id, first.id, ["Case-1"], phone, NOON + MINUTE)
    assert known_of(desk, desk.call(caller=PHONE)).linked == {}
    later = known_of(desk, desk.call(caller=PHONE, before=-HOUR))
    assert later.linked == {visit.visitor_id.hex: 0.97}
    with desk.services.db.tenant(desk.company.id) as session:
        taught = read_history(session, desk.company.id, NOON + HOUR).history.told
        assert [(one.at, one.visitor, one.phone) for one in taught] == [
            ((NOON + MINUTE).timestamp(), visit.visitor_id.hex, phone.hex())
        ]
        assert read_history(session, desk.company.id, NOON + MINUTE).history.told == ()
        assert told_phones(session, desk.company.id, NOON + HOUR) == (), "calibration reveals forms only"


def test_how_many_phones_are_known_is_counted_as_the_day_begins(desk: Desk) -> None:
    company_id, vault = desk.company.id, desk.services.vault
    made = [desk.call(caller=f"+39347000000{place}", before=before) for place, before in
            enumerate((2 * DAY, DAY, DAY - MINUTE, MINUTE))]  # fmt: skip
    for call in (*made, made[0]):
        with desk.services.db.tenant(company_id) as session:
            know_caller(session, company_id, call.id)
    assert days(desk) == [1, 2, 1]
    with desk.services.db.tenant(company_id) as session:
        assert known_callers(session, company_id) == 3
        # Heard of late: it was known a day earlier than was thought.
        know_phone(session, company_id, vault.look_up(company_id, "+393470000003"), NOON - DAY)
        assert known_callers(session, company_id) == 4
    assert days(desk) == [1, 3, 0]


def test_an_erasure_takes_ids_and_links_and_leaves_the_sums(desk: Desk) -> None:
    company_id = desk.company.id
    visit = desk.shown(0, 30 * MINUTE)
    desk.shown(0, 20 * MINUTE, campaign="brand")
    mine, others = desk.call(caller=PHONE, before=29 * MINUTE), desk.call(caller=OTHER)
    before = {call.id: desk.judge(call) for call in (mine, others)}
    assert visit.visitor_id.hex in str(before[others.id].candidates)
    phone = desk.services.vault.look_up(company_id, PHONE)
    with desk.services.db.tenant(company_id) as session:
        know_caller(session, company_id, mine.id)
    with desk.services.db.tenant(company_id) as session:
        erase_from_verdicts(session, company_id, [mine.id], [visit.visitor_id])
        erase_phones(session, company_id, [phone])
        erase_visits(session, company_id, [visit.visitor_id])
    for call in (mine, others):
        row, was = desk.current(call), before[call.id]
        assert visit.visitor_id.hex not in str(row.candidates)
        assert visit.id.hex not in str(row.candidates)
        assert (row.by_campaign, row.by_source, row.p_nobody) == (
            was.by_campaign,
            was.by_source,
            was.p_nobody,
        )
        assert (row.level, row.source, row.campaign) == (was.level, was.source, was.campaign)
        assert sum(one[3] for one in row.candidates) + row.rest + row.p_nobody == pytest.approx(1)
    with desk.services.db.tenant(company_id) as session:
        assert session.scalars(select(PhoneLink).where(PhoneLink.visitor_id == visit.visitor_id)).all() == []
        assert session.get(KnownPhone, (company_id, phone)) is None
    assert days(desk) == [0]


def test_old_phones_are_forgotten_when_nothing_names_them_any_more(desk: Desk) -> None:
    company_id, vault = desk.company.id, desk.services.vault
    visit = desk.shown(0, HOUR)
    desk.typed(visit, OTHER, NOON - HOUR)
    hashes = [vault.look_up(company_id, phone) for phone in (PHONE, OTHER)]
    with desk.services.db.tenant(company_id) as session:
        know_phone(session, company_id, hashes[0], NOON)
        forget_old_phones(session, company_id, hashes)
        assert session.scalars(select(KnownPhone.caller_hash)).all() == [hashes[1]]


def test_moved_thresholds_credit_what_is_stored_anew(desk: Desk) -> None:
    desk.shown(0, MINUTE)
    desk.shown(0, 2 * MINUTE, seconds=115)
    call = desk.call()
    row = desk.judge(call)
    assert (row.level, row.probability < 0.7) == ("campaign", True)
    with desk.services.db.shared() as session:
        session.get_one(CompanyRow, desk.company.id).settings = {"credit_probability": 0.3}
    with desk.services.db.tenant(desk.company.id) as session:
        ask_to_credit_again(session, desk.company.id, NOON)
    assert desk.facts("thresholds.moved") == [FROM_THE_BEGINNING]
    with desk.services.db.tenant(desk.company.id) as session:
        assert credit_again(session, desk.company.id, FROM_THE_BEGINNING, NOON + timedelta(hours=2)) == 1
        assert credit_again(session, desk.company.id, FROM_THE_BEGINNING, NOON + timedelta(hours=2)) == 0
    again = desk.current(call)
    assert (again.id, again.level, again.candidates) == (row.id, "visit", row.candidates)


def known_callers(session: Session, company_id: UUID) -> int:
    asked = text(OF_CALLER).bindparams(bindparam("caller", type_=LargeBinary()))
    row = session.execute(asked, asked_of_caller(company_id, b"?", NOON)).one()
    return caller_in(row).known_callers

"""Old calls lose their callers by themselves; figures, rows and newer calls of the same person stay."""

from datetime import timedelta

from sqlalchemy import func, select, update

from calltrack.accounts.model import AuditEntry
from calltrack.accounts.model import Company as CompanyRow
from calltrack.accounts.rules import settings_of
from calltrack.calls.model import Call
from calltrack.calls.outbound.model import CarrierReport
from calltrack.calls.people.work import add_note
from calltrack.erasure.retention import forget_history
from calltrack.journeys.model import Person
from calltrack.journeys.service import link_person
from calltrack.kernel.ids import new_id
from calltrack.messages.model import Message, MessageThread
from calltrack.messages.service import write_to_caller
from calltrack.wiring import Services
from tests.builders import Company, make_call, make_company
from tests.erasure.traces import traces
from workers.housekeeping import keep_house

OLD, LOYAL, STOPPED = "+393471234567", "+393479876543", "+393470000077"


def test_callers_are_forgotten_after_the_companys_days(services: Services, company: Company) -> None:
    now, vault, stranger = services.clock(), services.vault, make_company(services)
    long_ago = now - timedelta(days=800)
    old = [make_call(services, company, caller=one, at=long_ago) for one in (OLD, LOYAL, STOPPED)]
    new = make_call(services, company, caller=LOYAL, at=now - timedelta(days=700))
    theirs = make_call(services, stranger, caller=OLD, at=long_ago)
    with services.db.tenant(stranger.id) as session:
        session.get_one(CompanyRow, stranger.id).settings = {"history_days": 0}
    with services.db.tenant(company.id) as session:
        for call in (*old, new):
            link_person(session, vault, company.id, call.id, now)
            add_note(session, vault, company.id, call.id, "Da Roma", long_ago, by="Anna")
        for call in (old[0], old[2]):
            write_to_caller(session, vault, company.id, call.id, "Buongiorno", long_ago, by="Anna")
        session.execute(update(Message).values(state="delivered", due_at=None, sid=None))
        session.execute(
            update(MessageThread)
            .where(MessageThread.party_hash == vault.look_up(company.id, STOPPED))
            .values(stopped_at=long_ago)
        )
        for at, key in ((long_ago, "sms:old"), (now, "sms:new")):
            session.add(
                CarrierReport(
                    company_id=company.id, id=new_id(at), kind="message", key=key, received_at=at,
                    number_id=company.number_ids[0], report=vault.seal(company.id, "carrier_report", "{}"),
                )
            )  # fmt: skip
    keep_house(services)
    assert forget_history(services, company.id) == 0, "once is enough"
    assert traces(services, company, OLD) == set()
    assert traces(services, company, STOPPED) == {"message_thread.party", "message_thread.party_hash"}
    with services.db.tenant(company.id) as session:
        rows = {row.id: row for row in session.scalars(select(Call))}
        assert [rows[call.id].caller is None for call in (*old, new)] == [True, True, True, False]
        assert rows[old[0].id].talk_seconds == 180
        assert session.scalars(select(CarrierReport.key)).all() == ["sms:new"]
        assert session.scalar(select(func.count()).select_from(Message)) == 0
        assert session.scalar(select(func.count()).select_from(Person)) == 1
        (noted,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "callers.forget"))
        assert noted.detail == {"calls": 3, "messages": 2}
    with services.db.tenant(stranger.id) as session:
        assert session.get_one(Call, (stranger.id, theirs.id)).caller is not None


def test_a_new_company_keeps_recordings_for_thirty_days_and_callers_for_twenty_five_months() -> None:
    fresh = settings_of({})
    assert (fresh.recording_days, fresh.history_days) == (30, 760)
    kept = settings_of({"recording_days": 0, "history_days": 0})
    assert (kept.recording_days, kept.history_days) == (0, 0)

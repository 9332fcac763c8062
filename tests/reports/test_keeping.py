"""Days are counted once they changed: whoever dies, whatever comes in between, though visits tell nobody."""

import random
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, select, text, update

from calltrack.accounts.model import Company as CompanyRow
from calltrack.calls.model import Call
from calltrack.commands.reports import print_differences, rebuild
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.infra import outbox
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key
from calltrack.reports import keeping
from calltrack.reports.credit_model import CampaignCreditDay
from calltrack.reports.keeping import LEASE, companies_to_begin, companies_to_count, keep_reports
from calltrack.reports.marking import count_calls, mark_days
from calltrack.reports.model import ReportDay, ReportDue, ReportState
from calltrack.wiring import Services
from tests.builders import Company, make_visit
from tests.reports.world import NOW, ROMA, brought, count
from workers.due import due_jobs
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS

STOP = threading.Event()


def at(services: Services, now: datetime) -> Services:
    return replace(services, clock=lambda: now)


def due(services: Services, company: Company) -> dict[tuple[str, date], datetime]:
    with services.db.tenant(company.id) as session:
        return {(row.span, row.day): row.due_at for row in session.scalars(select(ReportDue))}


def calls_on(services: Services, company: Company, day: date) -> int:
    with services.db.tenant(company.id) as session:
        rows = session.scalars(
            select(ReportDay).where(ReportDay.day == day, ReportDay.dimension == "campaign")
        )
        return sum(row.calls for row in rows)


def test_a_new_company_is_begun_and_facts_bring_its_figures_up_to_date(
    services: Services, company: Company
) -> None:
    with services.db.system() as system:
        assert company.id in companies_to_begin(system)
    count(services, company)
    brought(services, company, NOW, ROMA, "lead")
    with services.db.tenant(company.id) as session:
        call = session.scalars(select(Call)).one()
        outbox.record(session, company.id, "call.attributed", call.id, NOW)
    drain(at(services, NOW), SUBSCRIPTIONS, company.id, STOP)
    with services.db.system() as system:
        assert company.id not in companies_to_begin(system)
        assert ("keep_reports", str(company.id)) in due_jobs(system, NOW + timedelta(minutes=1))
    count(services, company, NOW + timedelta(minutes=1))
    assert calls_on(services, company, NOW.date()) == 1


def test_a_conversion_that_changes_marks_the_day_it_counts_on(services: Services, company: Company) -> None:
    brought(services, company, NOW - timedelta(days=3), ROMA, "purchase", value=900)
    count(services, company)
    with services.db.tenant(company.id) as session:
        made = session.scalars(select(Conversion)).one()
        change = ConversionChange(
            company_id=company.id, id=new_id(NOW), conversion_id=made.id, sequence=1, action="retract",
            value_minor=None, currency="EUR", changed_at=NOW, changed_by="test", via="api", reason="",
        )  # fmt: skip
        session.add(change)
        session.flush()
        outbox.record(session, company.id, "conversion.changed", change.id, NOW)
        session.execute(update(Conversion).values(status="retracted"))
    drain(at(services, NOW), SUBSCRIPTIONS, company.id, STOP)
    assert ("day", (NOW - timedelta(days=3)).date()) in due(services, company)
    count(services, company, NOW + timedelta(minutes=1))
    with services.db.tenant(company.id) as session:
        assert sum(session.scalars(select(ReportDay.purchases))) == 0


def test_a_day_that_takes_long_waits_for_others_to_have_their_turn(
    services: Services, company: Company
) -> None:
    count(services, company)
    brought(services, company, NOW, ROMA)
    with services.db.tenant(company.id) as session:
        call_id = session.scalars(select(Call.id)).one()
    for took_ms, seconds in ((900, 15), (3_000, 15 + 60)):
        with services.db.tenant(company.id) as session:
            session.execute(delete(ReportDue))
            session.execute(update(ReportState).values(took_ms=took_ms))
        count_calls(at(services, NOW), company.id, [call_id])
        assert due(services, company)["day", NOW.date()] == NOW + timedelta(seconds=seconds)
    now = NOW + timedelta(minutes=2)
    with services.db.tenant(company.id) as session:
        claimed = keeping._claim(session, company.id, now)
        assert claimed
        mark_days(session, company.id, [claimed.day], now)
        keeping._settle(session, company.id, claimed, now, timedelta(seconds=4))
    assert due(services, company)["day", NOW.date()] == now + timedelta(seconds=15 + 80)
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(ReportState.took_ms)).one() == 4_000


def test_what_changes_while_a_day_is_counted_is_counted_after_it(
    services: Services, company: Company
) -> None:
    count(services, company)
    brought(services, company, NOW, ROMA)
    with services.db.tenant(company.id) as session:
        call_id = session.scalars(select(Call.id)).one()
    count_calls(at(services, NOW), company.id, [call_id])
    now = NOW + timedelta(seconds=20)
    with services.db.tenant(company.id) as session:
        claimed = keeping._claim(session, company.id, now)
        assert claimed
    with services.db.tenant(company.id) as session:
        keeping._count_day(session, company.id, claimed.day, now)
        # Somebody else's call, after the rows were read and before the claim ends.
        brought(services, company, NOW, ROMA)
        count_calls(at(services, now), company.id, [call_id])
        keeping._settle(session, company.id, claimed, now, timedelta())
    assert calls_on(services, company, NOW.date()) == 1
    assert ("day", NOW.date()) in due(services, company)
    count(services, company, NOW + timedelta(minutes=1))
    assert calls_on(services, company, NOW.date()) == 2
    assert ("day", NOW.date()) not in due(services, company)


def test_a_killed_worker_leaves_the_rows_of_before_and_a_day_that_is_due_again(
    services: Services, company: Company
) -> None:
    brought(services, company, NOW, ROMA)
    count(services, company)
    with services.db.tenant(company.id) as session:
        mark_days(session, company.id, [NOW.date()], NOW)
        assert keeping._claim(session, company.id, NOW)  # and then nothing more
    assert not keep_reports(at(services, NOW + timedelta(minutes=1)), company.id, STOP)
    assert calls_on(services, company, NOW.date()) == 1
    with services.db.system() as system:
        assert company.id in companies_to_count(system, NOW + LEASE)
    count(services, company, NOW + LEASE)
    assert ("day", NOW.date()) not in due(services, company)


def test_visits_tell_nobody_and_are_found_and_each_night_the_week_is_counted_again(
    services: Services, company: Company
) -> None:
    midnight = datetime(2026, 11, 19, 23, tzinfo=UTC)  # in Rome
    count(services, company, midnight - timedelta(minutes=4))
    for before in (2, -1):
        make_visit(services, company, at=midnight - timedelta(minutes=before))
    count(services, company, midnight + timedelta(minutes=1))
    with services.db.tenant(company.id) as session:
        rows = session.execute(
            select(ReportDay.day, ReportDay.visits).where(ReportDay.dimension == "campaign")
        ).all()
        assert sorted(map(tuple, rows)) == [(date(2026, 11, 19), 1), (date(2026, 11, 20), 1)]
    # A call nobody recorded a fact about.
    brought(services, company, midnight - timedelta(days=2), ROMA)
    count(services, company, midnight + timedelta(hours=3))
    assert calls_on(services, company, date(2026, 11, 18)) == 0
    count(services, company, midnight + timedelta(days=1, minutes=5))
    assert calls_on(services, company, date(2026, 11, 18)) == 1


def test_a_name_too_long_for_an_index_does_not_stop_its_day(services: Services, company: Company) -> None:
    dice = random.Random(1)
    long = "".join(chr(dice.randrange(0x10000, 0x110000)) for _ in range(256))
    brought(services, company, NOW, (long, long[::-1], long[1:]), "lead")
    brought(services, company, NOW, ROMA, "lead")
    count(services, company)
    assert calls_on(services, company, NOW.date()) == 2
    with services.db.tenant(company.id) as session:
        rows = session.execute(select(CampaignCreditDay.campaign_key, CampaignCreditDay.conversions)).all()
    assert sorted(map(tuple, rows)) == [("", 1.0), (campaign_key(*ROMA), 1.0)]


def test_visits_that_were_dropped_with_age_stay_in_the_figures(services: Services, company: Company) -> None:
    old = NOW - timedelta(days=200)
    for campaign in ("a", "b"):
        make_visit(services, company, at=old, campaign=campaign)
    brought(services, company, old, ("google", "cpc", "a"), "purchase", value=900)
    count(services, company)
    with services.db.tenant(company.id) as session:
        before = sorted(map(tuple, session.execute(_VISITS_AND_VALUE)))
        session.execute(text("DELETE FROM visit WHERE company_id = :c"), {"c": company.id})
        session.execute(update(Conversion).values(value_minor=500))
    kept = services.settings.model_copy(update={"visits_kept_months": 4})
    for wait in (1, 2):
        with services.db.tenant(company.id) as session:
            mark_days(session, company.id, [old.date()], NOW)
        count(replace(services, settings=kept), company, NOW + timedelta(minutes=wait))
    with services.db.tenant(company.id) as session:
        after = sorted(map(tuple, session.execute(_VISITS_AND_VALUE)))
    assert [row[:-1] for row in after] == [row[:-1] for row in before]
    assert {row[-1] for row in after} == {0, 500}
    assert print_differences(replace(services, settings=kept), company.id) == 0
    # Where visits are kept for ever there never were any.
    with services.db.tenant(company.id) as session:
        mark_days(session, company.id, [old.date()], NOW)
    count(services, company, NOW + timedelta(minutes=3))
    with services.db.tenant(company.id) as session:
        assert sum(session.scalars(select(ReportDay.visits))) == 0


_VISITS_AND_VALUE = select(
    ReportDay.dimension, ReportDay.campaign, ReportDay.detail, ReportDay.visits, ReportDay.value_minor
)


def test_another_currency_counts_everything_anew_and_the_command_compares(
    services: Services, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    brought(services, company, NOW - timedelta(days=40), ROMA, "purchase", value=700, currency="USD")
    count(services, company)
    with services.db.tenant(company.id) as session:
        assert sum(session.scalars(select(ReportDay.value_minor))) == 0
        session.execute(update(CompanyRow).where(CompanyRow.id == company.id).values(currency="USD"))
    count(services, company, NOW + timedelta(minutes=9))
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(ReportState.currency)).one() == "USD"
        found = session.scalars(select(ReportDay.value_minor).where(ReportDay.dimension == "campaign"))
        assert sum(found) == 700
    assert print_differences(services, company.id) == 0
    with services.db.tenant(company.id) as session:
        session.execute(update(ReportDay).values(calls=ReportDay.calls + 1))
    assert print_differences(services, company.id) == 1
    assert "calls counted 2, in the raw rows 1" in capsys.readouterr().out
    assert rebuild(services, company.id) == 1
    assert print_differences(services, company.id) == 0
    # A month of which nothing was ever counted differs, too.
    brought(services, company, NOW - timedelta(days=100), ROMA)
    assert print_differences(services, company.id) == 1
    assert "calls counted 0, in the raw rows 1" in capsys.readouterr().out

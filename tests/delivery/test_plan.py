"""What is planned, withheld and frozen, and what of a visit may travel."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from calltrack.accounts.model import Company as CompanyRow
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.conversions.model import ConversionChange
from calltrack.delivery.accounts import connect_destination
from calltrack.delivery.uploads import consent_of, load_changes
from calltrack.destinations.base import Upload
from calltrack.kernel.ids import new_id
from calltrack.sandbox.platforms.accounts import webhook_settings
from calltrack.visits.model import Visit
from tests.builders import make_company
from tests.delivery.world import World


def upload_of(world: World, change: Any) -> Upload:
    with world.services.db.tenant(world.company.id) as session:
        return load_changes(session, world.services.vault, world.company.id, [change])[change].upload


def alter(world: World, table: Any, **values: Any) -> None:
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(table).values(**values))


def test_planning_twice_plans_once_and_the_frozen_bytes_stand(world: World) -> None:
    world.google()
    (change,) = world.conversions()
    (row,) = world.rows()
    assert row.payload_hash == hashlib.sha256(row.payload).digest()
    assert row.upload_id == f"conv-{row.conversion_id.hex}"
    world.plan([change, change])
    assert [again.payload for again in world.rows()] == [row.payload]


def test_a_destination_connected_later_hears_nothing_of_the_past(world: World) -> None:
    (first,) = world.conversions(planned=False)
    world.later(seconds=1)
    settings = webhook_settings(world.origin)
    with world.services.db.tenant(world.company.id) as session:
        connect_destination(
            session, world.services.vault, world.company.id, "webhook", "Late", settings, world.now(),
            sandbox=True,
        )  # fmt: skip
    world.plan([first])
    assert world.rows() == []
    world.later(seconds=1)
    world.change(first, "restate", 90_000)
    (row,) = world.rows()
    assert (row.state, row.sequence) == ("withheld", 1)
    assert "connected after" in row.explanation
    assert world.unaccounted() == 0


def test_what_google_would_never_take_is_withheld_with_the_reason_and_nothing_is_kept(world: World) -> None:
    world.google(send_hashed_contacts="false")
    world.conversions(gclids=[""])
    (row,) = world.rows()
    assert (row.state, row.payload, row.due_at) == ("withheld", b"", None)
    assert "No Google click id" in row.explanation
    assert world.unaccounted() == 0


def test_what_is_too_early_waits(world: World) -> None:
    google = world.google(hold_after_click_hours=6)
    world.conversions(at=world.now())
    (row,) = world.rows()
    assert row.state == "pending"
    assert row.due_at is not None
    assert timedelta(hours=5) < row.due_at - world.now() < timedelta(hours=6)
    assert world.deliver(google) == 0
    world.later(hours=6)
    assert world.deliver(google) == 1


@pytest.mark.parametrize(("probability", "travels"), [(0.89, False), (0.9, True), (0.97, True)])
def test_click_ids_travel_only_with_a_visit_that_is_sure_enough(
    world: World, probability: float, travels: bool
) -> None:
    (change,) = world.conversions(gclids=["Case-Exact_1"], planned=False)
    alter(world, Attribution, probability=probability)
    alter(world, Visit, consent={"ad": True, "measure": True})
    upload = upload_of(world, change)
    assert upload.click_ids == ({"gclid": "Case-Exact_1"} if travels else {})
    assert (upload.clicked_at is not None, upload.landing_url is not None) == (travels, travels)
    assert upload.consent.ad_user_data == ("granted" if travels else "unknown")
    assert upload.phone_e164 == "+393471234567"
    assert (upload.source, upload.medium, upload.campaign) == ("google", "cpc", "roma")


def test_the_companys_own_limit_counts(world: World) -> None:
    (change,) = world.conversions(planned=False)
    with world.services.db.shared() as session:
        wanted = update(CompanyRow).where(CompanyRow.id == world.company.id)
        session.execute(wanted.values(settings={"upload_probability": 0.95}))
    assert upload_of(world, change).click_ids == {}


def test_a_remembered_click_counts_from_the_visit_that_brought_it(world: World) -> None:
    (change,) = world.conversions(gclids=["Remembered"], planned=False)
    with world.services.db.tenant(world.company.id) as session:
        (visit,) = session.query(Visit).filter(Visit.click_ids["gclid"].astext == "Remembered").all()
        first = {c.key: getattr(visit, c.key) for c in Visit.__table__.columns}
    earlier = visit.started_at - timedelta(days=3)
    first |= {"id": new_id(earlier), "started_at": earlier, "last_seen_at": earlier}
    with world.services.db.tenant(world.company.id) as session:
        session.add(Visit(**first))
    assert upload_of(world, change).clicked_at == earlier


@pytest.mark.parametrize(
    ("stored", "is_sure", "expected"),
    [
        (None, True, "unknown"),
        ({"ad": True}, True, "granted"),
        ({"ad": True}, False, "unknown"),
        ({"ad": False}, True, "denied"),
        ({"ad": False}, False, "denied"),
        ({"measure": True}, True, "unknown"),
    ],
)
def test_a_refusal_counts_even_where_the_visit_is_not_sure(
    stored: dict[str, bool] | None, is_sure: bool, expected: str
) -> None:
    assert consent_of(stored, is_sure=is_sure).ad_user_data == expected


def test_a_withheld_caller_has_no_phone_number(world: World) -> None:
    (change,) = world.conversions(planned=False)
    alter(world, Call, caller=None, caller_hash=None)
    assert upload_of(world, change).phone_e164 is None


def test_a_contact_reaches_google_hashed_only(world: World) -> None:
    world.google()
    world.conversions()
    payload = json.loads(world.rows()[0].payload)["event"]
    hashed = hashlib.sha256(b"+393471234567").hexdigest()
    assert payload["userData"]["userIdentifiers"] == [{"phoneNumber": hashed}]
    assert b"3471234567" not in world.rows()[0].payload


def test_each_company_has_its_own_deliveries(world: World) -> None:
    google = world.google()
    world.conversions()
    other = World(world.services, make_company(world.services), world.origin)
    with other.services.db.tenant(other.company.id) as session:
        assert session.query(ConversionChange).count() == 0
    assert other.rows() == []
    assert other.deliver(google) == 0
    assert other.poll(google) == 0
    assert world.states() == ["pending"]
    other.door.close()

"""Destinations are connected, changed, paused, resumed and removed; settings are named in words."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from sqlalchemy import select, text

from calltrack.accounts.model import AuditEntry
from calltrack.delivery import accounts
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.plan import plan_change
from calltrack.destinations.webhook import new_secret
from calltrack.infra.outbox import Fact
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.sandbox.platforms.accounts import google_settings
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_company
from tests.delivery.world import World

GOOGLE = google_settings("http://127.0.0.1:1")
WEBHOOK = {"url": "https://example.com/hook", "secret": new_secret()}


def connect(services: Services, company: Company, kind: str, settings: Mapping[str, object]) -> UUID:
    with services.db.tenant(company.id) as session:
        return accounts.connect_destination(
            session, services.vault, company.id, kind, "Ads", settings, NOON, sandbox=True, by="anna"
        )


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("carrier_pigeon", {}, "There is no destination 'carrier_pigeon'; choose one of"),
        ("google_data_manager", {}, "Google Ads customer number is needed"),
        ("google_data_manager", GOOGLE | {"customer_id": "12"}, "Google Ads customer number: a Google Ads"),
        ("google_data_manager", GOOGLE | {"colour": "red"}, "There is no setting 'colour'"),
        ("google_data_manager", GOOGLE | {"client_secret": ""}, "OAuth client secret: must not be empty"),
        ("webhook", {"url": "https://example.com"}, "Signing secret is needed"),
        ("webhook", WEBHOOK | {"secret": "hunter2"}, "Signing secret: must be whsec_"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    services: Services, company: Company, kind: str, given: Mapping[str, object], words: str
) -> None:
    with pytest.raises(BadInput) as caught:
        connect(services, company, kind, given)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_secrets_are_sealed_apart_and_come_back_with_the_settings(
    services: Services, company: Company
) -> None:
    id_ = connect(services, company, "google_data_manager", GOOGLE)
    with services.db.tenant(company.id) as session:
        stored = session.scalars(
            text("SELECT row_to_json(d)::text FROM destination d WHERE id = :id"), {"id": id_}
        ).one()
        row = session.get_one(DestinationAccount, (company.id, id_))
        assert (
            accounts.open_settings(services.vault, row).secrets()["client_secret"] == GOOGLE["client_secret"]
        )
        entry = session.scalars(select(AuditEntry).where(AuditEntry.subject == str(id_))).one()
    assert (entry.actor, entry.action) == ("anna", "destination.connected")
    for secret in ("client_secret", "refresh_token"):
        assert GOOGLE[secret] not in stored
    assert "client_secret" not in row.settings


def test_the_twins_are_out_of_reach_outside_the_sandbox(services: Services, company: Company) -> None:
    with services.db.tenant(company.id) as session, pytest.raises(BadInput, match="sandbox only"):
        accounts.connect_destination(
            session, services.vault, company.id, "google_data_manager", "Ads", GOOGLE, NOON
        )


def test_a_change_keeps_missing_and_empty_secrets_and_replaces_given_ones(
    services: Services, company: Company
) -> None:
    id_ = connect(services, company, "webhook", WEBHOOK | {"previous_secret": new_secret()})
    fresh = new_secret()

    def change(**settings: object) -> dict[str, str]:
        with services.db.tenant(company.id) as session:
            accounts.change_destination(
                session, services.vault, company.id, id_, "Hook", settings, NOON, by="anna"
            )
            row = session.get_one(DestinationAccount, (company.id, id_))
            return accounts.open_settings(services.vault, row).secrets()

    before = change(url="https://example.com/two")
    assert before["secret"] == WEBHOOK["secret"]
    assert change(url="https://example.com/two", secret="") == before
    assert change(url="https://example.com/two", secret=fresh, previous_secret=None) == {"secret": fresh}
    with services.db.tenant(company.id) as session:
        facts = session.scalars(select(Fact.kind).where(Fact.subject_id == id_)).all()
    assert set(facts) == {"destination.changed"}


def test_a_company_cannot_touch_anothers_destination(services: Services, company: Company) -> None:
    id_ = connect(services, company, "webhook", WEBHOOK)
    other = make_company(services)
    with services.db.tenant(other.id) as session:
        with pytest.raises(NotFound):
            accounts.pause(session, other.id, id_, "mine now", NOON)
        with pytest.raises(NotFound):
            accounts.resume(session, company.id, id_, NOON)
        with pytest.raises(NotFound):
            accounts.remove(session, services.vault, company.id, id_, NOON)


def test_a_paused_destination_parks_and_a_resumed_one_sends_oldest_first(world: World) -> None:
    google = world.google()
    world.conversions(2)
    with world.services.db.tenant(world.company.id) as session:
        assert accounts.pause(session, world.company.id, google, "Holiday.", world.now(), by="anna")
        assert not accounts.pause(session, world.company.id, google, "Again.", world.now())
    world.conversions(1)
    assert [(row.state, row.explanation) for row in world.rows()] == [("parked", "Holiday.")] * 3
    assert world.deliver(google) == 0
    with world.services.db.tenant(world.company.id) as session:
        accounts.resume(session, world.company.id, google, world.now(), by="anna")
    world.deliver(google)
    assert [effect["id"] for effect in world.effects()] == [row.upload_id for row in world.rows()]


def test_a_removed_destination_withholds_what_waited_and_forgets_its_secrets(world: World) -> None:
    google = world.google()
    world.conversions(2)
    with world.services.db.tenant(world.company.id) as session:
        accounts.remove(session, world.services.vault, world.company.id, google, world.now())
    world.conversions(1)
    assert world.states() == ["withheld", "withheld"]
    assert world.unaccounted() == 0
    opened = world.services.vault.open(world.company.id, accounts.PLACE, world.account(google).secrets)
    assert opened == "{}"
    with world.services.db.tenant(world.company.id) as session, pytest.raises(Conflict):
        accounts.resume(session, world.company.id, google, world.now())


def test_a_wrong_conversion_action_is_cured_by_new_settings(world: World) -> None:
    """What was refused for its settings is frozen anew; what was tried keeps its bytes."""
    google = world.google(purchase_action_id="999999")
    world.conversions(2)
    world.faults("reason:INVALID_CONVERSION_ACTION_ID")
    world.deliver(google)
    assert world.states() == ["parked", "parked"]
    with world.services.db.tenant(world.company.id) as session:
        settings = google_settings(world.origin)
        accounts.change_destination(
            session,
            world.services.vault,
            world.company.id,
            google,
            "Ads",
            settings,
            world.now(),
            sandbox=True,
        )
        accounts.resume(session, world.company.id, google, world.now())
    world.deliver(google)
    assert world.states() == ["accepted", "accepted"]
    assert {effect["target"] for effect in world.effects()} == {"1234567890/7002"}
    for row in world.rows():
        assert b'"productDestinationId":"7002"' in row.payload


def test_a_foreign_or_unknown_change_plans_nothing(world: World) -> None:
    world.google()
    (change,) = world.conversions(planned=False)
    other = make_company(world.services)
    plan_change(world.services, other.id, change)
    plan_change(world.services, world.company.id, new_id())
    assert world.rows() == []

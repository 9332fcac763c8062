"""Touchpoints of other systems: idempotent, sealed, before or after their person is known, erased."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from calltrack.erasure.retention import forget_history
from calltrack.erasure.service import Wanted, ask_to_erase, erase_due
from calltrack.journeys.joins_model import PersonKey, Touchpoint
from calltrack.journeys.model import Person
from calltrack.kernel.errors import BadInput, Conflict
from calltrack.kernel.ids import new_id
from calltrack.stages.model import JourneyRow
from calltrack.stages.touchpoints import Kept, Told, tell_touchpoint
from calltrack.visits.forms import email_hash
from calltrack.visits.model import VisitorEmail
from tests.builders import NOON
from tests.stages.people import Town

ANNA, MAIL = "+393471234567", "anna@example.com"
SHOP = Told("shop visit", NOON, phone="347 123 4567", text="asked Anna about boxes", external_id="till-1")


def tell(town: Town, told: Told) -> Kept:
    with town.services.db.tenant(town.company.id) as session:
        return tell_touchpoint(
            session, town.services.vault, town.company.id, told, town.services.clock(), by="till"
        )


def test_a_shop_visit_makes_a_person_once_and_reads_nowhere_in_clear(town: Town) -> None:
    first = tell(town, SHOP)
    assert first.person_id is not None
    assert tell(town, replace(SHOP, phone=ANNA)) == Kept(first.id, first.person_id, True)
    with pytest.raises(Conflict):
        tell(town, replace(SHOP, text="something else"))
    town.keep()
    row = town.journeys()[first.person_id]
    assert row.figures["touchpoint"] == ["shop visit"]
    assert (row.stop_kind, row.stop_detail) == ("touchpoint", "shop visit")
    raw = town.run("SELECT t::text FROM touchpoint t WHERE company_id = :c").scalar_one()
    assert "Anna" not in raw
    assert ANNA not in raw


def test_what_was_told_before_its_person_was_known_is_theirs_later(town: Town) -> None:
    browser = new_id(NOON)
    opened = tell(town, Told("email opened", NOON, email=" Anna@Example.com ".strip()))
    chat = tell(town, Told("chat", NOON, visitor_id=browser))
    assert (opened.person_id, chat.person_id) == (None, None)
    deal = tell(town, Told("deal", NOON, phone=ANNA, system="hubspot", key="1042"))
    again = tell(town, Told("deal won", NOON, system="hubspot", key="1042"))
    assert deal.person_id == again.person_id
    anna = town.person(browser=browser)
    vault, company_id = town.services.vault, town.company.id
    town.store(VisitorEmail(company_id=company_id, id=new_id(), visitor_id=browser, visit_id=new_id(),
                            email_hash=email_hash(vault, company_id, MAIL), email=b"",
                            told_at=NOON))  # fmt: skip
    town.keep()
    found = town.journeys()
    assert found[anna].figures["touchpoint"] == ["chat", "email opened"]
    assert deal.person_id is not None
    assert found[deal.person_id].figures["touchpoint"] == ["deal", "deal won"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (replace(SHOP, kind="Shop!"), "Name the kind"),
        (replace(SHOP, phone=""), "Say who it was"),
        (replace(SHOP, at=NOON + timedelta(days=4000)), "ten years"),
        (replace(SHOP, email="anna"), "no e-mail address"),
        (replace(SHOP, text="x" * 1001), "text shorter"),
        (replace(SHOP, phone="12"), "check the digits"),
        (replace(SHOP, system="Hub Spot", key="1"), "Name the system"),
        (replace(SHOP, external_id="a\nb"), "visible characters"),
    ],
)
def test_what_cannot_be_kept_says_what_to_send(town: Town, wrong: Told, words: str) -> None:
    with pytest.raises(BadInput, match=f"(?i){words}"):
        tell(town, wrong)
    assert town.count(Touchpoint) == 0


def test_an_erased_person_leaves_no_touchpoint_key_or_journey(town: Town) -> None:
    told = tell(town, replace(SHOP, system="hubspot", key="1042"))
    other = tell(town, Told("chat", NOON, system="hubspot", key="7"))
    town.keep()
    assert (told.person_id is not None, other.person_id is not None) == (True, True)
    with town.services.db.tenant(town.company.id) as session:
        for person_id in (told.person_id, other.person_id):
            ask_to_erase(session, town.services.vault, town.company.id, Wanted(person_id=person_id),
                         town.services.clock(), by="owner")  # fmt: skip
    erase_due(town.services, town.company.id)
    tables: list[type] = [Touchpoint, PersonKey, Person, JourneyRow]
    assert [town.count(table) for table in tables] == [0, 0, 0, 0]
    town.assert_sums_hold()


def test_touchpoints_are_forgotten_with_age(town: Town) -> None:
    old: UUID | None = tell(
        town, replace(SHOP, system="hubspot", key="1", at=NOON - timedelta(days=900))
    ).person_id
    tell(town, Told("chat", NOON, phone="+393479999999"))
    stays = tell(town, Told("fair", NOON - timedelta(days=800), phone="+393479999999")).person_id
    assert stays is not None
    town.keep()
    assert town.journeys()[stays].figures["touchpoint"] == ["chat", "fair"]
    town.run("UPDATE company SET settings = '{\"history_days\": 700}' WHERE id = :c")
    town.run("UPDATE person_key SET linked_at = :at WHERE company_id = :c", at=NOON - timedelta(days=900))
    forget_history(town.services, town.company.id)
    with town.services.db.tenant(town.company.id) as session:
        kinds = list(session.scalars(select(Touchpoint.kind)))
        persons = list(session.scalars(select(Person.id)))
    assert kinds == ["chat"]
    town.keep()
    assert town.journeys()[stays].figures["touchpoint"] == ["chat"]
    assert old not in persons
    assert len(persons) == 1

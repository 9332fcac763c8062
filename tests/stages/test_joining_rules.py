"""Persons joined by rules: what the preview says is what happens, limits hold, and all of it comes apart."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from calltrack.journeys import rule_joining, rule_work
from calltrack.journeys.joining import Pair, join_by_hand, part
from calltrack.journeys.joins_model import PersonJoin
from calltrack.journeys.keys import Key, link_key
from calltrack.journeys.model import PersonVisitor
from calltrack.journeys.person_rules import PersonRules, Sign, decided, outlook, read_person_rules
from calltrack.journeys.rule_joining import (
    ask_apart,
    find_signs,
    save_person_rules,
    try_rules,
    versions,
)
from calltrack.journeys.rule_model import PersonSuggestion
from calltrack.journeys.rule_work import join_by_rules
from calltrack.journeys.rules import CROWD
from calltrack.journeys.service import link_email, link_person
from calltrack.journeys.suggestions import count_suggestions, decide, suggestions
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.visits.forms import email_hash
from calltrack.visits.model import VisitorEmail, VisitorPhone
from calltrack.wiring import Services
from tests.builders import NOON, fresh_e164
from tests.stages.people import Town
from tests.stages.test_joining import members
from workers.due import due_jobs


@pytest.mark.parametrize(
    ("rules", "via", "shared_by", "other_ids", "does"),
    [
        ({}, "key", 1, False, "join"),
        ({}, "call", 99, True, "join"),
        ({}, "email", 2, False, "off"),
        ({"email": "join"}, "email", 10, False, "join"),
        ({"email": "join"}, "email", 11, False, "off"),
        ({"email": "join", "other_crm_id": "ask"}, "email", 2, True, "ask"),
        ({"email": "ask", "other_crm_id": "off"}, "email", 2, True, "off"),
        ({"email": "ask", "other_crm_id": "join"}, "email", 2, True, "ask"),
        ({"key": "join", "other_crm_id": "off"}, "key", 1, True, "join"),
        ({"call": "join", "most_by_number": 3}, "call", 4, False, "off"),
        ({"phone": "join", "most_by_number": 3}, "phone", 3, False, "join"),
        ({"most_by_email": None, "email": "join"}, "email", 900, False, "join"),
    ],
)
def test_what_a_sign_does(
    rules: dict[str, Any], via: Any, shared_by: int, other_ids: bool, does: str
) -> None:
    assert decided(read_person_rules(rules), via, shared_by=shared_by, other_ids=other_ids) == does


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_so_many_persons_are_fewer_as_groups_grow_together(pairs: Sequence[tuple[int, int]]) -> None:
    ids = [UUID(int=place + 1) for place in range(8)]
    signs = [Sign(ids[one], ids[other], "email", 2) for one, other in pairs]
    groups = {place: {place} for place in range(8)}
    for one, other in pairs:
        both = groups[one] | groups[other]
        groups |= dict.fromkeys(both, both)
    wanted = 8 - len({frozenset(group) for group in groups.values()})
    assert outlook(PersonRules(email="join"), signs, {}).persons_fewer == wanted


@pytest.mark.parametrize("wrong", [{"email": "maybe"}, {"most_by_email": 0}, {"odd": 1}, [], None])
def test_wrong_rules_are_refused(wrong: Any) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_person_rules(wrong)


def typed_email(town: Town, browser: UUID, address: str) -> UUID:
    vault, c, id_ = town.services.vault, town.company.id, new_id()
    town.store(VisitorEmail(company_id=c, id=id_, visitor_id=browser, visit_id=new_id(), told_at=NOON,
                            email_hash=email_hash(vault, c, address),
                            email=vault.seal(c, "visitor_email.email", address)))  # fmt: skip
    return id_


def typed_phone(town: Town, browser: UUID, phone: str) -> None:
    vault, c = town.services.vault, town.company.id
    town.store(VisitorPhone(company_id=c, id=new_id(), visitor_id=browser, visit_id=new_id(), told_at=NOON,
                            phone_hash=vault.look_up(c, phone),
                            phone=vault.seal(c, "visitor_phone.phone", phone)))  # fmt: skip


def save(town: Town, *, join_past: bool = False, **rules: Any) -> int:
    with town.services.db.tenant(town.company.id) as session:
        return save_person_rules(session, town.company.id, rules, NOON, by="Ada", join_past=join_past)


def work(town: Town) -> None:
    while join_by_rules(town.services, town.company.id, threading.Event()):
        pass


def crm(town: Town, person: UUID, id_: str) -> UUID:
    with town.services.db.tenant(town.company.id) as session:
        vault = town.services.vault
        return link_key(session, vault, town.company.id, person, Key("hubspot", id_), NOON, by="crm")


class Street:
    """Anna with two browsers, an office that types one address, two customers with ids of their own."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.anna = [self._person(days) for days in (9, 8, 7)]
        for _, browser in self.anna[:2]:
            typed_email(town, browser, "anna@example.com")
        typed_phone(town, self.anna[2][1], self.phones[0])
        self.office = [self._person(days) for days in range(3)]
        for _, browser in self.office:
            typed_email(town, browser, "info@office.test")
        self.customers = [self._person(days) for days in (5, 4)]
        for place, (person, browser) in enumerate(self.customers):
            typed_email(town, browser, "both@example.com")
            crm(town, person, str(place))

    phones: list[str]

    def _person(self, days: int) -> tuple[UUID, UUID]:
        if not hasattr(self, "phones"):
            self.phones = []
        self.phones.append(fresh_e164())
        browser = new_id()
        return self.town.person(self.phones[-1], browser, NOON - timedelta(days=days)), browser


RULES: dict[str, Any] = {"email": "join", "phone": "join", "other_crm_id": "ask", "most_by_email": 2}


def test_the_preview_is_what_happens_and_all_of_it_comes_apart(town: Town, services: Services) -> None:
    street, before = Street(town), members(town)
    with services.db.tenant(town.company.id) as session:
        tried = try_rules(session, town.company.id, read_person_rules(RULES)).outlook
    assert members(town) == before
    assert (tried.persons_fewer, len(tried.asked), tried.left) == (2, 1, 3)
    number = save(town, join_past=True, **RULES)
    with services.db.system() as system:
        assert ("join_persons", str(town.company.id)) in due_jobs(system, services.clock())
    work(town)
    after = members(town)
    assert len(after) == len(before) - 2
    assert after[street.anna[0][0]] == set().union(*(before[one] for one, _ in street.anna))
    with services.db.tenant(town.company.id) as session:
        open_ = suggestions(session, town.company.id)
        assert {frozenset((one.one_id, one.other_id)) for one in open_} == {
            frozenset(person for person, _ in street.customers)
        }
        assert [(one.number, one.joined, one.doing) for one in versions(session, town.company.id)] == [
            (number, 2, ""), (0, 0, ""),
        ]  # fmt: skip
        again = try_rules(session, town.company.id, read_person_rules(RULES)).outlook
    assert again.persons_fewer == 0
    with services.db.tenant(town.company.id) as session:
        ask_apart(session, town.company.id, number, NOON, by="Ada")
    work(town)
    assert members(town) == before
    # Taken apart by somebody: no rule joins them again.
    save(town, join_past=True, **RULES)
    work(town)
    assert members(town) == before


def test_a_worker_that_is_killed_is_followed_by_another_one(
    town: Town, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    street = Street(town)
    save(town, join_past=True, **RULES)
    monkeypatch.setattr(rule_work, "PORTION", 1)
    follow, calls = rule_joining.follow, list[Any]()

    def dies(*args: Any) -> Any:
        calls.append(args)
        if len(calls) > 1:
            raise SystemExit
        return follow(*args)

    monkeypatch.setattr(rule_work, "follow", dies)
    with pytest.raises(SystemExit):
        join_by_rules(services, town.company.id, threading.Event())
    monkeypatch.setattr(rule_work, "follow", follow)
    town.run("UPDATE person_rules SET due_at = :now WHERE company_id = :c", now=services.clock())
    work(town)
    found = members(town)
    assert street.anna[0][0] in found
    assert not {street.anna[1][0], street.anna[2][0]} & set(found)


def test_facts_follow_the_rules_that_hold(town: Town, services: Services) -> None:
    street = Street(town)
    (anna, browser), (other, _) = street.anna[:2]
    for phone, (_, known) in zip(street.phones, street.anna[:2], strict=False):
        call = town.call(phone, NOON)
        town.credit(call, "google", "cpc", town.visit(NOON - timedelta(minutes=5), known))
        town.run("UPDATE person_visitor SET call_id = :call WHERE company_id = :c AND visitor_id = :known",
                 call=call.id, known=known)  # fmt: skip
    typed = typed_email(town, browser, "anna2@example.com")
    typed_email(town, street.anna[1][1], "anna2@example.com")

    def hear() -> None:
        with services.db.tenant(town.company.id) as session:
            link_email(session, services.vault, town.company.id, typed, NOON)

    hear()
    assert {anna, other} <= set(members(town))  # by default an address joins nobody who is somebody
    save(town, email="ask")
    hear()
    hear()
    with services.db.tenant(town.company.id) as session:
        (one,) = suggestions(session, town.company.id)
        assert decide(session, town.company.id, one.id, "apart", NOON, by="Ada") is None
    save(town, email="join")
    hear()
    assert {anna, other} <= set(members(town))  # somebody said that they are two
    town.run("DELETE FROM person_suggestion WHERE company_id = :c")
    hear()
    assert other not in members(town)
    with services.db.tenant(town.company.id) as session:
        row = session.scalars(select(PersonJoin)).one()
        assert (row.via, row.rules_number) == ("email", 2)


def test_said_to_be_two_holds_for_whoever_one_of_them_is_part_of(town: Town, services: Services) -> None:
    (anna, _), (other, _), (elder, _) = Street(town).anna
    save(town, join_past=True, email="ask", most_by_email=2)
    work(town)
    with services.db.tenant(town.company.id) as session:
        pairs = {
            frozenset((one.one_id, one.other_id)): one.id for one in suggestions(session, town.company.id)
        }
        decide(session, town.company.id, pairs[frozenset((anna, other))], "apart", NOON, by="Ada")
        join_id = join_by_hand(session, town.company.id, Pair(elder, anna), NOON, by="Ada")
    for is_undone in (False, True):
        with services.db.tenant(town.company.id) as session:
            if is_undone:
                part(session, town.company.id, join_id, NOON, by="Ada")
            rules = read_person_rules({"email": "join", "most_by_email": 2})
            left = try_rules(session, town.company.id, rules).outlook.left
        save(town, join_past=True, email="join", most_by_email=2)
        work(town)
        assert other in members(town)
        assert left == 3 + 1  # three pairs of the office, whose address is of too many browsers


def test_an_address_of_thousands_makes_no_millions_of_pairs(town: Town, services: Services) -> None:
    browsers = [new_id() for _ in range(CROWD + 2)]
    people = [town.person("", one, NOON + timedelta(minutes=at)) for at, one in enumerate(browsers)]
    for one in browsers:
        typed_email(town, one, "none@none.com")
    with services.db.tenant(town.company.id) as session:
        signs = find_signs(session, town.company.id, read_person_rules({"email": "join"}))
    assert len(signs) == sum(len(people) - 1 - hub for hub in range(rule_joining.HUBS))
    save(town, join_past=True, email="join")
    work(town)
    assert set(members(town)) == set(people)
    save(town, join_past=True, email="join", most_by_email=None)
    work(town)
    assert set(members(town)) == {people[0]}


def test_a_suggestion_is_decided_once(town: Town, services: Services) -> None:
    street = Street(town)
    save(town, join_past=True, **RULES)
    work(town)
    with services.db.tenant(town.company.id) as session:
        (one,) = suggestions(session, town.company.id)
        assert decide(session, town.company.id, one.id, "join", NOON, by="Ada") is not None
        assert count_suggestions(session, town.company.id) == 0
        with pytest.raises(NotFound, match="decided already"):
            decide(session, town.company.id, one.id, "apart", NOON, by="Ada")
    assert len({person for person, _ in street.customers} & set(members(town))) == 1


def test_each_rule_can_be_switched_off(town: Town, services: Services) -> None:
    street = Street(town)
    save(town, key="ask", browsers_by_phone=False)
    first, second = (person for person, _ in street.customers)
    assert crm(town, second, "0") == first
    assert {first, second} <= set(members(town))
    with services.db.tenant(town.company.id) as session:
        assert session.scalars(select(PersonSuggestion.via)).all() == ["key"]
    stranger = new_id()
    typed_phone(town, stranger, street.phones[0])
    call = town.call(street.phones[0], NOON)
    for does, is_bound in ((False, False), (True, True)):
        save(town, browsers_by_phone=does)
        with services.db.tenant(town.company.id) as session:
            link_person(session, services.vault, town.company.id, call.id, NOON)
            link = session.get(PersonVisitor, (town.company.id, stranger))
            assert (link is not None) == is_bound


def test_a_version_that_still_joins_is_not_taken_apart(town: Town, services: Services) -> None:
    number = save(town, join_past=True)
    with services.db.tenant(town.company.id) as session:
        with pytest.raises(Conflict, match="still joining"):
            ask_apart(session, town.company.id, number, NOON, by="Ada")
        with pytest.raises(NotFound):
            ask_apart(session, town.company.id, number + 1, NOON, by="Ada")


def test_an_address_of_many_is_a_few_pairs_each_and_still_makes_one_person(
    town: Town, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule_joining, "HUBS", 3)
    company_id, browsers = town.company.id, [new_id() for _ in range(12)]
    for browser in browsers:
        town.person(browser=browser)
        typed_email(town, browser, "no@example.com")
    rules = {"email": "join", "most_by_email": None}
    with services.db.tenant(company_id) as session:
        assert len(find_signs(session, company_id, PersonRules(**rules))) == 11 + 10 + 9
    save(town, join_past=True, **rules)
    work(town)
    with services.db.tenant(company_id) as session:
        persons = session.scalars(
            select(PersonVisitor.person_id).where(PersonVisitor.visitor_id.in_(browsers))
        )
        assert len(set(persons)) == 1


def test_pairs_over_a_limit_take_nobody_elses_place(
    town: Town, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule_joining, "MOST_SIGNS", 3)
    for address, size in (("office@example.com", 4), ("anna@example.com", 2)):
        for _ in range(size):
            browser = new_id()
            town.person(browser=browser, at=NOON if size == 2 else NOON - timedelta(days=1))
            typed_email(town, browser, address)
    with services.db.tenant(town.company.id) as session:
        rules = PersonRules(email="join", most_by_email=2)
        signs = find_signs(session, town.company.id, rules)
    assert [sign.shared_by for sign in signs] == [2, 4, 4]

"""The list at the platform follows the condition: joins, purchases, consent, erasure, merges, faults."""

from datetime import timedelta

import pytest

from calltrack.audiences import service
from calltrack.audiences.looking import next_night
from calltrack.delivery.notices import NoticeRow, open_notices, review
from calltrack.kernel.errors import Conflict
from tests.audiences.world import World, named
from tests.builders import NOON


def test_a_lead_joins_and_leaves_with_the_purchase(world: World) -> None:
    anna, bruno = world.crowd.person(), world.crowd.person()
    for one in (anna, bruno):
        at = world.now() - timedelta(hours=1)
        world.crowd.convert(one, world.crowd.call(one, at), "lead", at)
    world.crowd.store()
    audience = world.audience()
    place = world.place(audience, world.google())
    world.settle(place)
    assert world.members(audience) == {anna.id: "in", bruno.id: "in"}
    assert world.at_twin() == {named(anna.phone), named(bruno.phone)}
    assert {(row.state, row.told, row.confirmed) for row in world.entries(place)} == {
        ("settled", "add", "add")
    }
    assert world.list_row(place).match_rate == "61 to 70 %"

    bought = world.crowd.convert(
        anna, world.crowd.call(anna, world.now()), "purchase", world.now(), value=85_000
    )
    world.crowd.store()
    world.changed(bought)
    world.keep()
    world.tell(place)
    assert world.at_twin() == {named(bruno.phone)}, "the purchase suppresses at once, before any verdict"
    world.later(seconds=1)
    world.tell(place)
    assert world.members(audience) == {bruno.id: "in"}
    gone = next(row for row in world.entries(place) if row.person_id == anna.id)
    assert (gone.wanted, gone.state, gone.confirmed, gone.identifier) == (False, "settled", "remove", None)
    said = [(event.what, event.why) for event in world.events(audience) if event.person_id == anna.id]
    assert [what for what, _ in said] == ["joined", "added", "left", "removed"]
    assert (
        said[0][1] == "People who were a lead in the last 30 days and have not bought since their last lead."
    )


@pytest.mark.parametrize(
    ("consent", "withheld"),
    [
        ("granted", "in"), ("denied", "denied"), (None, "unknown"), ({}, "unknown"), ("no visit", "unknown"),
        ({"ad_user_data": "granted", "ad_personalization": "granted"}, "in"),
        ({"ad_user_data": "granted", "ad_personalization": "denied"}, "denied"),
        ({"ad_user_data": True}, "unknown"), ({"ad": True, "ad_personalization": False}, "denied"),
    ],
)  # fmt: skip
def test_both_consents_are_needed(world: World, consent: object, withheld: str) -> None:
    one = world.crowd.person(consent=consent)  # type: ignore[arg-type]  # a table of forms
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    audience = world.audience("customers")
    place = world.place(audience, world.google())
    world.settle(place)
    assert world.members(audience) == {one.id: withheld}
    assert len(world.at_twin()) == (withheld == "in")
    assert len(world.entries(place)) == (withheld == "in")


def test_consent_withdrawn_on_a_page_takes_the_person_out_and_given_again_puts_it_back(world: World) -> None:
    one = world.crowd.person()
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    place = world.place(audience := world.audience("customers"), world.google())
    world.settle(place)
    assert world.at_twin() == {named(one.phone)}
    newest = world.crowd.visit(one, world.now(), consent="granted")
    world.crowd.store()
    world.run("UPDATE visit SET consent = '{\"ad\": false}' WHERE company_id = :c AND id = :id", id=newest)
    world.settle(place)
    assert world.at_twin() == set()
    assert world.members(audience) == {one.id: "denied"}
    world.later(minutes=5)
    world.crowd.visit(one, world.now(), consent="granted")
    world.crowd.store()
    world.settle(place)
    assert world.at_twin() == {named(one.phone)}
    assert [event.what for event in world.events(audience)] == [
        "joined", "added", "left", "removed", "joined", "added",
    ]  # fmt: skip


def test_a_number_withheld_is_no_identifier(world: World) -> None:
    one = world.crowd.person(phone=False)
    call = world.crowd.call(one, world.now())
    world.crowd.convert(one, call, "purchase", world.now())
    world.crowd.store()
    world.run("UPDATE call SET caller = NULL, caller_hash = NULL WHERE company_id = :c AND id = :id", id=call)
    place = world.place(audience := world.audience("customers"), world.google())
    world.settle(place)
    assert world.members(audience) == {one.id: "no_identifier"}
    assert world.entries(place) == []


def test_an_erased_person_leaves_no_trace_here_and_none_at_the_platform(world: World) -> None:
    one = world.crowd.person()
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    place = world.place(audience := world.audience("customers"), world.google())
    world.settle(place)
    world.faults("503")
    assert world.erase(one.id) == 1
    world.settle(place)
    assert world.at_twin() == {named(one.phone)}, "the platform was unwell"
    assert world.members(audience) == {}
    world.later(minutes=1)
    world.settle(place)
    assert world.at_twin() == set()
    assert world.entries(place) == []
    assert "Erased on request." in [event.why for event in world.events(audience)]


def test_a_person_that_only_vanishes_leaves_as_well(world: World) -> None:
    one = world.crowd.person()
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    place = world.place(world.audience("customers"), world.google())
    world.settle(place)
    world.run("DELETE FROM person WHERE company_id = :c AND id = :id", id=one.id)
    world.settle(place)
    assert world.at_twin() == set()
    assert world.entries(place) == []


def test_days_pass_and_only_those_move_whom_time_moves(world: World) -> None:
    old, new = world.crowd.person(), world.crowd.person()
    for one, days in ((old, 29), (new, 1)):
        at = world.now() - timedelta(days=days, hours=12)
        world.crowd.convert(one, world.crowd.call(one, at), "lead", at)
    world.crowd.store()
    place = world.place(audience := world.audience(), world.google())
    world.settle(place)
    assert world.at_twin() == {named(old.phone), named(new.phone)}
    world.later(hours=11)
    world.settle(place)
    assert len(world.at_twin()) == 2
    full_due_at = world.row(audience).full_due_at
    world.run("UPDATE audience SET full_due_at = NULL WHERE company_id = :c")
    world.later(hours=2)
    world.settle(place)
    assert full_due_at is not None
    assert world.at_twin() == {named(new.phone)}


def test_the_nightly_look_repairs_and_counts_what_drifted(world: World) -> None:
    one, other = world.crowd.person(), world.crowd.person()
    for person in (one, other):
        world.crowd.convert(person, world.crowd.call(person, world.now()), "purchase", world.now())
    world.crowd.store()
    place = world.place(audience := world.audience("customers"), world.google())
    world.settle(place)
    world.run("DELETE FROM audience_entry WHERE company_id = :c AND person_id = :id", id=one.id)
    world.run("DELETE FROM audience_member WHERE company_id = :c AND person_id = :id", id=other.id)
    world.run("UPDATE audience_place SET due_at = NULL WHERE company_id = :c")
    world.later(hours=25)
    world.settle(place)
    assert world.row(audience).repaired == 2
    assert world.members(audience) == {one.id: "in", other.id: "in"}
    assert world.at_twin() == {named(one.phone), named(other.phone)}
    world.later(hours=25)
    world.settle(place)
    assert world.row(audience).repaired == 0


@pytest.mark.parametrize(
    "steps",
    [
        ("503",), ("429:Retry-After=7",), ("timeout:3",), ("timeout-after-processing:3",), ("garbage",),
        ("drop-after-processing", "503", "drop-connection"),
    ],
)  # fmt: skip
def test_a_platform_that_is_unwell_ends_in_the_same_set(world: World, steps: tuple[str, ...]) -> None:
    people = [world.crowd.person() for _ in range(5)]
    for one in people:
        world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    place = world.place(world.audience("customers"), world.google())
    world.faults(*steps)
    world.settle(place)
    assert {row.state for row in world.entries(place)} == {"due"}
    asked = len(world.requests(place))
    world.tell(place)
    assert len(world.requests(place)) == asked, "while it is held nothing is asked"
    for _ in steps:
        world.later(minutes=6)
        world.settle(place)
    assert world.at_twin() == {named(one.phone) for one in people}
    assert {row.state for row in world.entries(place)} == {"settled"}


def test_a_list_that_does_not_exist_is_paused_with_the_next_step_and_goes_on_when_resumed(
    world: World,
) -> None:
    one = world.crowd.person()
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    audience = world.audience("customers")
    place = world.place(audience, world.google(), "404404")
    world.settle(place)
    row = world.list_row(place)
    assert row.status == "paused"
    assert "does not know this customer list" in row.status_reason
    assert "Audience manager" in row.status_reason
    assert [one.kind for one in standing(world)] == ["audience.paused"]
    review(world.services, world.company.id)
    assert len(standing(world)) == 1, "the look at destinations leaves it alone"
    world.run("UPDATE audience_place SET list_id = '777001' WHERE company_id = :c")
    with world.services.db.tenant(world.company.id) as session:
        service.resume_list(session, world.company.id, audience, place, world.now())
    world.settle(place)
    assert world.at_twin() == {named(one.phone)}
    assert standing(world) == ()


def standing(world: World) -> tuple[NoticeRow, ...]:
    with world.services.db.tenant(world.company.id) as session:
        return open_notices(session, world.company.id)


def test_one_bad_member_does_not_hold_up_the_others(world: World) -> None:
    people = [world.crowd.person() for _ in range(20)]
    for one in people:
        world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    place = world.place(audience := world.audience("customers"), world.google())
    world.keep()
    broken = world.services.vault.seal(
        world.company.id,
        "audience_entry.identifier",
        '{"userData":{"userIdentifiers":[{"phoneNumber":"zz"}]}}',
    )
    world.run("UPDATE audience_entry SET identifier = :i WHERE company_id = :c AND person_id = :id",
              i=broken, id=people[7].id)  # fmt: skip
    world.settle(place)
    assert world.at_twin() == {named(one.phone) for one in people if one is not people[7]}
    assert [row.person_id for row in world.entries(place) if row.state == "refused"] == [people[7].id]
    assert [event.person_id for event in world.events(audience) if event.what == "refused"] == [people[7].id]
    assert len(world.requests(place)) == 2


def test_a_pause_holds_additions_and_lets_removals_go(world: World) -> None:
    one, late = world.crowd.person(), world.crowd.person()
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    place = world.place(audience := world.audience("customers"), world.google())
    world.settle(place)
    with world.services.db.tenant(world.company.id) as session:
        service.pause(session, world.company.id, audience, world.now())
    bought = world.crowd.convert(late, world.crowd.call(late, world.now()), "purchase", world.now())
    world.crowd.store()
    world.changed(bought)
    world.erase(one.id)
    world.settle(place)
    assert world.at_twin() == set()
    with world.services.db.tenant(world.company.id) as session:
        service.resume(session, world.company.id, audience, world.now())
    world.settle(place)
    assert world.at_twin() == {named(late.phone)}


def test_deleting_empties_the_list_at_the_platform_first(world: World) -> None:
    one = world.crowd.person()
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    audience, google = world.audience("customers"), world.google()
    place = world.place(audience, google)
    world.settle(place)
    with world.services.db.tenant(world.company.id) as session:
        service.delete_audience(session, world.company.id, audience, world.now())
    world.faults("503")
    world.settle(place)
    assert world.row(audience).status == "deleting"
    with pytest.raises(Conflict):
        world.place(audience, google, "777002")
    world.later(minutes=1)
    world.settle(place)
    assert world.at_twin() == set()
    assert (world.row(audience).status, world.list_row(place).status) == ("deleted", "removed")
    assert world.entries(place) == []
    world.place(world.audience("customers"), google, "777001")


def test_two_audiences_never_share_a_list(world: World) -> None:
    google = world.google()
    world.place(world.audience(), google)
    with pytest.raises(Conflict, match="belongs to an audience already"):
        world.place(world.audience("customers"), google)


def test_what_a_dead_worker_held_is_told_again(world: World) -> None:
    one = world.crowd.person()
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    place = world.place(world.audience("customers"), world.google())
    world.keep()
    from calltrack.audiences.telling import _claim

    assert _claim(world.services, world.company.id, place) is not None, "and the worker dies here"
    world.tell(place)
    assert world.at_twin() == set()
    world.later(seconds=91)
    world.tell(place)
    assert world.at_twin() == {named(one.phone)}
    assert [row.class_ for row in world.requests(place)] == ["UNKNOWN", "ACCEPTED"]


def test_an_older_add_that_is_judged_after_the_removal_is_taken_back_once_more(world: World) -> None:
    one = world.crowd.person()
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    place = world.place(world.audience("customers"), world.google())
    world.faults(modes={"processing_seconds": 3600})
    world.keep()
    world.tell(place)
    world.erase(one.id)
    world.keep()
    world.tell(place)
    assert [row.action for row in world.requests(place)] == ["add", "remove"]
    world.faults(modes={"processing_seconds": 0})
    world.later(minutes=40)
    world.tell(place)
    assert [row.action for row in world.requests(place)] == ["add", "remove", "remove"]
    world.later(minutes=40)
    world.tell(place)
    assert world.at_twin() == set()
    assert world.entries(place) == []


def test_the_next_night_is_three_o_clock_of_the_company() -> None:
    assert next_night(NOON, "Europe/Rome").isoformat() == "2026-11-21T03:00:00+01:00"
    assert (
        next_night(NOON.replace(hour=1, minute=30), "Europe/Rome").isoformat() == "2026-11-21T03:00:00+01:00"
    )
    assert next_night(NOON.replace(hour=0), "Europe/Rome").isoformat() == "2026-11-20T03:00:00+01:00"

"""The look at everybody in slices: it is taken up where it stopped, and counts once."""

from uuid import UUID

from calltrack.audiences import service
from calltrack.audiences.conditions import READY
from calltrack.audiences.looking import look_on
from tests.audiences.people import Somebody
from tests.audiences.world import World, named

SIZE = 2


def customers(world: World, count: int = 5) -> list[Somebody]:
    people = [world.crowd.person() for _ in range(count)]
    for one in people:
        world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    return sorted(people, key=lambda one: one.id)


def look(world: World, audience: UUID) -> tuple[int, bool]:
    return look_on(world.services, world.company.id, audience, size=SIZE)


def look_through(world: World, audience: UUID) -> int:
    """Look at everybody; returns in how many slices."""
    slices, is_over = 0, False
    while not is_over:
        _, is_over = look(world, audience)
        slices += 1
    return slices


def test_a_look_that_was_broken_off_goes_on_where_it_was(world: World) -> None:
    people = customers(world)
    audience = world.audience("customers")
    assert look(world, audience) == (2, False)
    assert set(world.members(audience)) == {one.id for one in people[:2]}
    row = world.row(audience)
    assert (row.looked_until, row.checked_at) == (people[1].id, None)
    assert row.full_due_at is not None, "still due: the next worker goes on"
    assert row.full_due_at <= world.now()
    assert look_through(world, audience) == 2
    assert set(world.members(audience)) == {one.id for one in people}
    row = world.row(audience)
    assert (row.looked_until, row.look_found, row.repaired) == (None, 0, 0)
    assert row.full_due_at is not None
    assert row.full_due_at > world.now()
    assert look(world, audience) == (0, True), "a second worker that comes late does nothing"


def test_the_last_slice_holds_whoever_comes_after_and_whoever_is_gone(world: World) -> None:
    people = customers(world, 4)
    audience = world.audience("customers")
    place = world.place(audience, world.google())
    assert look_through(world, audience) == 3, "two full slices, and one that nobody is in"
    world.tell(place)
    gone = people[-1]
    world.run("DELETE FROM person WHERE company_id = :c AND id = :id", id=gone.id)
    world.run("DELETE FROM audience_dirty WHERE company_id = :c")
    world.later(hours=25)
    look_through(world, audience)
    assert world.row(audience).repaired == 2, "a member and a number that belong to nobody"
    world.settle(place)
    assert world.at_twin() == {named(one.phone) for one in people[:-1]}


def test_what_slices_repair_is_counted_together_and_only_once(world: World) -> None:
    people = customers(world)
    audience = world.audience("customers")
    look_through(world, audience)
    for one in (people[0], people[-1]):
        world.run("DELETE FROM audience_member WHERE company_id = :c AND person_id = :id", id=one.id)
    world.later(hours=25)
    look_through(world, audience)
    assert world.row(audience).repaired == 2
    world.later(hours=25)
    look_through(world, audience)
    assert world.row(audience).repaired == 0


def test_whom_a_fact_has_moved_is_no_difference_to_repair(world: World) -> None:
    people = customers(world)
    audience = world.audience("customers")
    world.keep()
    world.later(hours=25)
    look(world, audience)
    late = world.crowd.person()
    bought = world.crowd.convert(late, world.crowd.call(late, world.now()), "purchase", world.now())
    world.crowd.store()
    world.changed(bought)
    look_through(world, audience)
    assert set(world.members(audience)) == {one.id for one in (*people, late)}
    assert world.row(audience).repaired == 0


def test_a_new_condition_begins_the_look_anew(world: World) -> None:
    customers(world)
    audience = world.audience("customers")
    look(world, audience)
    with world.services.db.tenant(world.company.id) as session:
        condition = READY["called_not_bought"][1]
        service.change_audience(session, world.company.id, audience, "List", condition, world.now())
    assert world.row(audience).looked_until is None
    assert look_through(world, audience) == 3
    assert world.members(audience) == {}

"""Orders of events that once left a number "due" for ever, or let an older request have the last word.

Each of them ends the same way: nothing waits, and the list at the twin is what is wanted.
"""

from datetime import timedelta
from uuid import UUID

import pytest

from calltrack.audiences.telling import _claim, _send
from tests.audiences.people import Somebody
from tests.audiences.world import World, named


def _left(world: World) -> tuple[Somebody, UUID]:
    """Return a lead whose number was added, and confirmed as removed after consent was withdrawn."""
    one = world.crowd.person()
    at = world.now() - timedelta(hours=1)
    world.crowd.convert(one, world.crowd.call(one, at), "lead", at)
    world.crowd.store()
    place = world.place(world.audience(), world.google())
    world.settle(place)
    assert world.at_twin() == {named(one.phone)}
    _agree(world, one, agreed=False)
    world.settle(place)
    (row,) = world.entries(place)
    assert (row.wanted, row.state, row.confirmed, row.identifier) == (False, "settled", "remove", None)
    return one, place


def _agree(world: World, one: Somebody, *, agreed: bool) -> None:
    world.run(
        "UPDATE visit SET consent = jsonb_build_object('ad', CAST(:a AS boolean))"
        " WHERE company_id = :c AND visitor_id = :v",
        a=agreed, v=one.visitor_id,
    )  # fmt: skip


@pytest.mark.parametrize("with_notice", [True, False])
def test_who_left_comes_back_and_is_erased_before_the_list_is_told(world: World, with_notice: bool) -> None:
    one, place = _left(world)
    _agree(world, one, agreed=True)
    world.keep()
    (row,) = world.entries(place)
    assert (row.wanted, row.state, row.told) == (True, "due", "remove")
    if with_notice:
        assert world.erase(one.id) == 0, "the platform has removed it before: nothing is left to tell"
    else:
        world.run("DELETE FROM person WHERE company_id = :c AND id = :id", id=one.id)
    world.settle(place)
    assert world.entries(place) == []
    assert world.list_row(place).due_at is None, "nothing is due, so nobody asks again and again"
    assert world.at_twin() == set()


def test_who_left_comes_back_and_leaves_again_before_the_list_is_told(world: World) -> None:
    one, place = _left(world)
    asked = len(world.requests(place))
    for agreed in (True, False):
        _agree(world, one, agreed=agreed)
        world.keep()
    (row,) = world.entries(place)
    assert (row.wanted, row.state) == (False, "settled"), "it is out already"
    world.settle(place)
    assert len(world.requests(place)) == asked
    _agree(world, one, agreed=True)
    world.settle(place)
    assert world.at_twin() == {named(one.phone)}


def test_an_erasure_outlives_an_older_addition_that_is_judged_after_the_removal(world: World) -> None:
    one = world.crowd.person()
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    place = world.place(world.audience("customers"), world.google())
    world.keep()
    world.tell(place)
    _agree(world, one, agreed=False)
    world.keep()
    world.tell(place)
    _judge_only(world, place, "remove")
    (row,) = world.entries(place)
    assert (row.state, row.confirmed) == ("settled", "remove")
    assert row.identifier is not None, "the addition may land yet, and then has to be taken back"
    world.erase(one.id)
    world.keep()
    assert len(world.entries(place)) == 1
    world.later(minutes=40)
    world.settle(place)
    world.settle(place)
    assert [row.action for row in world.requests(place)] == ["add", "remove", "remove"]
    assert world.entries(place) == []


def test_a_removal_that_is_repeated_still_waits_for_the_older_addition(world: World) -> None:
    one = world.crowd.person()
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    place = world.place(world.audience("customers"), world.google())
    world.faults(modes={"processing_seconds": 7200})
    world.keep()
    world.tell(place)
    world.erase(one.id)
    world.faults("drop-after-processing")
    world.tell(place)
    world.later(seconds=40)
    world.tell(place)
    requests = world.requests(place)
    assert [(row.action, row.class_) for row in requests] == [
        ("add", "ACCEPTED"), ("remove", "UNKNOWN"), ("remove", "ACCEPTED"),
    ]  # fmt: skip
    (row,) = world.entries(place)
    assert row.recheck_id == requests[0].id
    world.faults(modes={"processing_seconds": 0})
    for _ in range(3):
        world.later(minutes=40)
        world.settle(place)
    assert [row.action for row in world.requests(place)[2:]] == ["remove", "remove"]
    assert world.entries(place) == []


def test_an_addition_judged_while_the_removal_is_under_way_is_taken_back_once_more(world: World) -> None:
    one = world.crowd.person()
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    place = world.place(world.audience("customers"), world.google())
    world.keep()
    world.tell(place)
    world.erase(one.id)
    taken = _claim(world.services, world.company.id, place)
    assert taken is not None
    world.later(seconds=1)
    world.tell(place)
    (row,) = world.entries(place)
    assert row.state == "sending", "another worker heard the verdict meanwhile"
    _send(world.services, world.courier, *taken)
    for _ in range(3):
        world.later(minutes=1)
        world.settle(place)
    assert [row.action for row in world.requests(place)] == ["add", "remove", "remove"]
    assert world.entries(place) == []
    assert world.at_twin() == set()


def _judge_only(world: World, place: UUID, action: str) -> None:
    """Let the platform judge the requests of this kind; the others wait another half hour."""
    world.run(
        "UPDATE audience_request SET due_at = due_at + interval '30 minutes'"
        " WHERE company_id = :c AND action <> :action AND due_at IS NOT NULL", action=action,
    )  # fmt: skip
    world.later(seconds=2)
    world.tell(place)

"""Advice applied at the twin of Google: dry run, confirmation, shared budgets, crashes, undo."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from calltrack.accounts.model import AuditEntry
from calltrack.budgets import applying, checking, looking_up, reaching
from calltrack.budgets.changes import lines_in
from calltrack.budgets.model import BudgetChange
from calltrack.budgets.reaching import Reach
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.budgets.world import MICROS, PLACES, World, running
from tests.builders import NOON, make_company
from tests.plain import PLAIN


@pytest.fixture(scope="module")
def one_world(services: Services) -> Iterator[World]:
    with running(services) as world:
        yield world


@pytest.fixture
def world(one_world: World) -> World:
    PLAIN.delete(f"{one_world.origin}/sandbox/platforms/faults").raise_for_status()
    one_world.set({"8001": 100, "8002": 100, "8003": 100})
    with one_world.services.db.tenant(one_world.company.id) as session:
        session.execute(
            update(BudgetChange)
            .where(BudgetChange.company_id == one_world.company.id, BudgetChange.state == "checking")
            .values(state="dropped", due_at=None)
        )
    return one_world


def test_a_check_changes_nothing_a_confirmation_does_and_undo_puts_it_back(world: World) -> None:
    id_ = world.check()
    row, before = world.row(id_), world.amounts()
    lines = {line.unit: line for line in lines_in(row)}
    assert (row.state, row.currency, before["8001"]) == ("checked", "EUR", 100)
    wanted = {name: round(week / 7, 2) for name, week in world.weekly().items()}
    assert lines["roma"].wanted == pytest.approx(wanted["roma"] * MICROS, abs=10_000)
    assert (lines["roma"].fate, lines["preventivo"].fate) == ("change", "change")
    assert world.confirm(id_) == "done"
    after = world.amounts()
    assert after == {id_: pytest.approx(lines[name].wanted / MICROS) for id_, name in PLACES.items()}
    assert after["8003"] < 100 < after["8001"]
    with pytest.raises(Conflict):
        world.confirm(id_)
    assert world.is_applied(id_)
    undo = applying.check_undo(world.services, world.company.id, id_, by="eva@example.test")
    assert (world.row(undo).state, world.work()) == ("checking", 1)
    assert world.confirm(undo) == "done"
    assert (world.amounts(), world.is_applied(id_)) == (before, False)
    redo = applying.check_undo(world.services, world.company.id, undo, by="eva@example.test")
    assert world.work() == 1
    assert world.confirm(redo) == "done"
    assert (world.amounts(), world.is_applied(id_)) == (after, True)
    with world.services.db.tenant(world.company.id) as session:
        actions = session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject.in_((str(id_), str(undo))))
        ).all()
    assert sorted(actions) == ["budget.confirmed", "budget.confirmed", "budget.done", "budget.done"]


def test_a_shared_budget_is_refused_until_every_campaign_on_it_is_named(world: World) -> None:
    two = {"campaigns": {"98001": "roma", "777": "not ours"}}
    world.set({"8001": 100, "8002": 100, "8003": 100}, roma=two)
    first = world.row(world.check())
    assert {line.unit: line.fate for line in lines_in(first)}["roma"] == "shared"
    assert world.row(world.check({"8001": ["98001"]})).lines[-1]["fate"] == "shared"
    assert world.confirm(first.id) == "done"
    assert world.amounts()["8001"] == 100
    world.set({"8001": 100, "8002": 100, "8003": 100}, roma=two)
    first_id = world.check()
    again = applying.check_again(
        world.services, world.company.id, first_id, {"8001": ["98001", "777"]}, by="eva@example.test"
    )
    assert (world.row(first_id).state, world.work()) == ("dropped", 1)
    assert world.confirm(again) == "done"
    assert world.amounts()["8001"] > 100


def test_what_changed_since_the_check_or_waited_too_long_is_not_overwritten(world: World) -> None:
    id_ = world.check()
    with pytest.raises(Conflict, match="half an hour"):
        world.confirm(id_, minutes=31)
    world.set({"8001": 101, "8002": 100, "8003": 100})
    with pytest.raises(Conflict, match="changed at Google since the check"):
        world.confirm(id_)
    assert (world.row(id_).state, world.row(id_).due_at, world.amounts()["8001"]) == ("failed", None, 101)
    world.set({"8001": 100, "8002": 100, "8003": 100})
    id_ = world.check()
    world.set({"8001": 100, "8002": 100, "8003": 100}, roma={"campaigns": {"98001": "roma", "5": "new"}})
    with pytest.raises(Conflict, match="changed at Google since the check"):
        world.confirm(id_)
    world.set({"8001": 100, "8002": 100, "8003": 100})
    id_ = world.check()
    world.faults("503")
    with pytest.raises(Conflict, match="Nothing was changed"):
        world.confirm(id_)
    assert (world.row(id_).state, world.row(id_).due_at) == ("checked", None)
    applying.drop(world.services, world.company.id, id_, by="eva@example.test")
    with pytest.raises(Conflict):
        world.confirm(id_)


def test_of_two_who_confirm_at_once_one_changes_the_budgets(world: World) -> None:
    ids = [world.check(), world.check()]
    refused = []

    def press(id_: UUID) -> None:
        try:
            world.confirm(id_)
        except Conflict as problem:
            refused.append(str(problem))

    threads = [Thread(target=press, args=(id_,)) for id_ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert sorted(world.row(id_).state for id_ in ids)[-1] in ("done", "failed")
    assert [world.row(id_).state for id_ in ids].count("done") == 1


@pytest.mark.parametrize(
    ("fault", "arrives", "state"),
    [("drop-after-processing", True, "done"), ("drop-connection", False, "failed")],
)
def test_where_no_answer_comes_the_budgets_are_looked_at_and_nothing_is_sent_again(
    world: World, fault: str, arrives: bool, state: str
) -> None:
    id_ = world.check()
    world.faults("ok", fault)
    assert world.confirm(id_) == "unknown"
    assert (world.amounts()["8001"] != 100) is arrives
    sent = world.amounts()
    with world.services.db.system() as system:
        assert world.company.id in looking_up.companies_to_look(system, NOON + timedelta(minutes=4))
    assert looking_up.look_up_due(world.at(minutes=4), world.company.id) == 1
    assert (world.row(id_).state, world.amounts()) == (state, sent)
    assert looking_up.look_up_due(world.at(minutes=9), world.company.id) == 0


def test_a_crash_between_intention_and_answer_is_seen_and_looked_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = world.check()
    real = Reach.change

    def dies(self: Reach, amounts: dict[str, int], *, validate_only: bool) -> None:
        real(self, amounts, validate_only=validate_only)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Reach, "change", dies)
        with pytest.raises(KeyboardInterrupt):
            world.confirm(id_)
    assert world.row(id_).state == "sending"
    with pytest.raises(Conflict):
        world.confirm(id_)
    world.faults("503")
    looking_up.look_up_due(world.at(minutes=2), world.company.id)
    assert (world.row(id_).state, "Nobody knows yet" in world.row(id_).said) == ("unknown", True)
    looking_up.look_up_due(world.at(minutes=9), world.company.id)
    assert (world.row(id_).state, world.row(id_).due_at) == ("done", None)


def test_an_access_that_ended_meanwhile_is_looked_through_once_it_is_repaired(world: World) -> None:
    id_ = world.check()
    world.faults("ok", "drop-after-processing")
    assert world.confirm(id_) == "unknown"
    world.faults("401", "401")
    assert looking_up.look_up_due(world.at(minutes=4), world.company.id) == 1
    assert (world.row(id_).state, world.row(id_).due_at is None) == ("unknown", False)
    assert looking_up.look_up_due(world.at(minutes=30), world.company.id) == 0
    assert looking_up.look_up_due(world.at(minutes=65), world.company.id) == 1
    assert world.row(id_).state == "done"


def test_one_refused_budget_refuses_all_and_says_why(world: World) -> None:
    world.faults("ok", "reason:BUDGET_BELOW_PER_DAY_MINIMUM")
    row = world.row(world.check())
    assert (row.state, "less a day than Google allows" in row.said) == ("refused", True)
    world.faults("401", "401")
    row = world.row(world.check())
    assert (row.state, "Connect the Google account again" in row.said) == ("refused", True)
    id_ = world.check()
    world.faults("ok", "429")
    assert world.confirm(id_) == "failed"
    assert world.amounts()["8001"] == 100


@pytest.mark.parametrize(
    "faults", [("drop-connection",), ("ok", "drop-connection"), ("timeout:5",), ("503",)]
)
def test_a_check_without_an_answer_is_asked_again_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch, faults: tuple[str, ...]
) -> None:
    monkeypatch.setattr(reaching, "ASKED_SECONDS", 0.7 if "timeout:5" in faults else 30.0)
    world.faults(*faults)
    row = world.row(world.check())
    assert (row.state, row.lines, "calltrack asks again" in row.said) == ("checking", [], True)
    assert (world.work(), world.amounts()["8001"]) == (0, 100)
    monkeypatch.setattr(reaching, "ASKED_SECONDS", 30.0)
    assert (world.work(seconds=5), world.row(row.id).state) == (1, "checked")
    with pytest.raises(Conflict, match="half an hour"):
        world.confirm(row.id, minutes=31)
    assert world.confirm(row.id) == "done"


def test_nobody_waits_for_ever_for_an_answer(world: World) -> None:
    world.faults(*["503"] * 4)
    row = world.row(world.check())
    for seconds in (5, 25, 85):
        assert (world.row(row.id).state, world.work(seconds=seconds)) == ("checking", 1)
    row = world.row(row.id)
    assert (row.state, row.due_at, row.tries) == ("unanswered", None, 4)
    assert row.said.startswith("Nothing was changed. ")
    assert row.said.endswith("Try it again in some minutes.")
    with pytest.raises(Conflict, match="not waiting"):
        world.confirm(row.id)
    again = applying.check_again(world.services, world.company.id, row.id, by="eva@example.test")
    assert (world.row(row.id).state, world.work(), world.row(again).state) == ("dropped", 1, "checked")


def test_a_worker_that_dies_while_checking_loses_no_check(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = world.ask()
    verdicts, real = [], checking._check

    def dies(*about: Any) -> Any:
        verdicts.append(real(*about))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checking, "_check", dies)
        with pytest.raises(KeyboardInterrupt):
            world.work()
    assert (world.row(id_).state, world.work(seconds=80)) == ("checking", 0)
    with world.services.db.system() as system:
        assert world.company.id in looking_up.companies_to_look(system, NOON + timedelta(seconds=91))
    assert (world.work(seconds=91), world.row(id_).state) == (1, "checked")
    with world.services.db.tenant(world.company.id) as session:  # the one that was thought dead comes late
        late = checking.Verdict("refused", "late")
        checking._settle(session, world.company.id, id_, 1, late, NOON)
    assert world.row(id_).state == "checked"
    assert world.confirm(id_, minutes=31) == "done"  # half an hour counts from Google's answer


def test_one_account_has_one_check_under_way(world: World) -> None:
    found: list[UUID | str] = []

    def press(units: list[str]) -> None:
        about = (world.services, world.company.id, world.account_id, units)
        try:
            found.append(applying.check(*about, {}, by="eva@example.test"))
        except Conflict as problem:
            found.append(str(problem))

    both = sorted(PLACES.values())
    threads = [Thread(target=press, args=(both,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1  # the same wish is the same check
    press(both[:1])
    assert "Another check of this account is under way" in str(found.pop())
    (id_,) = set(found)
    assert isinstance(id_, UUID)
    with pytest.raises(Conflict, match="not waiting"):
        world.confirm(id_)
    applying.drop(world.services, world.company.id, id_, by="eva@example.test")
    assert (world.work(), world.row(id_).state) == (0, "dropped")
    press(["roma"])
    assert world.work() == 1
    assert isinstance(found[-1], UUID)
    assert world.row(found[-1]).state == "checked"


def test_a_connection_that_went_before_the_check_is_said(world: World) -> None:
    id_ = world.ask()
    gone = Conflict("This ad account has no connection to change budgets with; connect Google Ads first.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checking, "reach", lambda *_: (_ for _ in ()).throw(gone))
        assert world.work() == 1
    row = world.row(id_)
    assert (row.state, "connect Google Ads first" in row.said) == ("refused", True)


def test_an_unanswered_last_look_leaves_the_change_waiting(world: World) -> None:
    id_ = world.check()
    world.faults("drop-connection")
    with pytest.raises(Conflict, match="did not answer in time"):
        world.confirm(id_)
    assert (world.row(id_).state, world.confirm(id_)) == ("checked", "done")


def test_what_cannot_be_asked_for(world: World) -> None:
    by = "eva@example.test"
    parts, mine = world.services, world.company.id
    with pytest.raises(BadInput):
        applying.check(parts, mine, world.account_id, [], {}, by=by)
    with pytest.raises(NotFound):
        applying.check(parts, mine, new_id(), ["roma"], {}, by=by)
    with pytest.raises(Conflict, match="more than a week old"):
        applying.check(world.at(days=9), mine, world.account_id, ["roma"], {}, by=by)
    other = make_company(parts)
    with pytest.raises(Conflict, match="no advice"):
        applying.check(parts, other.id, world.account_id, ["roma"], {}, by=by)
    with pytest.raises(NotFound):
        applying.confirm(parts, other.id, world.check(), by=by)
    with pytest.raises(Conflict, match="carried out"):
        applying.check_undo(parts, mine, world.check(), by=by)
    with parts.db.tenant(mine) as session:
        session.execute(update(BudgetChange).where(BudgetChange.company_id == mine).values(due_at=None))

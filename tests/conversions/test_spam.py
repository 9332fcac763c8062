"""A call that is marked as nuisance is no lead; a person's word counts more."""

import threading
from uuid import UUID

import pytest
from sqlalchemy import select

from calltrack.accounts.rules import CompanySettings
from calltrack.calls.guard.judging import judge_call, mark_of, tell_spam
from calltrack.calls.guard.shared import reports_of_others
from calltrack.conversions.model import Conversion
from calltrack.conversions.no_lead import why_no_lead
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.conversions.tree_rules import Facts, default_tree, judge, read_tree
from calltrack.conversions.tree_words import reason_of, rule_sentence
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import NOON, Company, fresh_e164, make_call, make_company
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS, classify

pytestmark = pytest.mark.usefixtures("reports_end_here")

TALK = Facts(started_at=NOON, answered=True, talk_seconds=180)
SPAM = Facts(started_at=NOON, answered=True, talk_seconds=180, is_spam=True)
DEFAULT = default_tree(CompanySettings())


@pytest.mark.parametrize(
    ("facts", "mark"),
    [
        (TALK, "lead"),
        (SPAM, "nothing"),
        (Facts(started_at=NOON, answered=True, talk_seconds=180, is_spam=True, told="lead"), "lead"),
        (Facts(started_at=NOON, answered=True, talk_seconds=180, is_spam=True, told="none"), "nothing"),
    ],
)
def test_the_usual_rules_leave_marked_calls_aside(facts: Facts, mark: str) -> None:
    verdict = judge(DEFAULT, facts)
    assert verdict.mark == mark
    assert ("nuisance" in reason_of(DEFAULT, facts, verdict)) == (facts.is_spam and mark == "nothing")


@pytest.mark.parametrize(
    ("when", "marked", "other"),
    [
        ({"fact": "spam"}, "lead", "nothing"),
        ({"fact": "spam", "yes": False}, "nothing", "lead"),
        ({"not": {"fact": "spam"}}, "nothing", "lead"),
    ],
)
def test_a_tree_may_ask_for_the_mark_itself(when: dict[str, object], marked: str, other: str) -> None:
    tree = read_tree({"rules": [{"id": "one", "when": when, "mark": "lead"}]})
    assert (judge(tree, SPAM).mark, judge(tree, TALK).mark) == (marked, other)
    assert "marked as nuisance" in rule_sentence(tree.rules[0], "EUR")
    for facts in (SPAM, TALK):
        assert "marked as nuisance" in reason_of(tree, facts, judge(tree, facts))


def leads(services: Services, company: Company) -> list[str]:
    with services.db.tenant(company.id) as session:
        return [row.status for row in session.scalars(select(Conversion).order_by(Conversion.id))]


def test_a_person_marks_a_call_its_lead_goes_and_comes_back_with_the_word(
    services: Services, company: Company
) -> None:
    call = make_call(services, company, caller="+393470000777")
    classify(services, company.id, call.id)
    assert leads(services, company) == ["counted"]
    for is_spam, status in ((True, "retracted"), (False, "counted"), (True, "retracted")):
        tell(services, company, call.id, is_spam=is_spam)
        drain(services, SUBSCRIPTIONS, company.id, threading.Event())
        assert leads(services, company) == [status]
        with services.db.tenant(company.id) as session:
            assert ("nuisance" in why_no_lead(session, company.id, call.id)) == is_spam
    with services.db.tenant(company.id) as session:
        judge_call(session, services.vault, company.id, call.id, services.clock())
        row = mark_of(session, company.id, call.id)
        assert row is not None
        assert (row.mark, row.told_by) == ("spam", "anna@example.it")
        said = Outcome(kind="lead", by="anna", value_minor=None, currency=None, reason="")
        set_outcome(session, company.id, call.id, said, services.clock())
    assert leads(services, company) == ["counted"]


def test_a_mark_by_hand_reaches_other_companies_without_a_name_and_can_be_taken_back(
    services: Services, company: Company
) -> None:
    caller, other = fresh_e164(), make_company(services)
    call = make_call(services, company, caller=caller)
    for is_spam, seen in ((True, 1), (True, 1), (False, 0)):
        tell(services, company, call.id, is_spam=is_spam)
        for asking, count in ((other, seen), (company, 0)):
            with services.db.tenant(asking.id) as session:
                now = services.clock()
                assert reports_of_others(session, services.vault, asking.id, caller, now) == count
    nothing = services.vault.look_up_anywhere("spam/caller", caller)
    assert nothing != services.vault.look_up(company.id, caller)
    assert nothing != services.vault.look_up_anywhere("spam/reporter", caller)


def test_a_foreign_call_cannot_be_marked(services: Services, company: Company) -> None:
    call = make_call(services, make_company(services))
    for call_id in (call.id, new_id()):
        with pytest.raises(NotFound):
            tell(services, company, call_id, is_spam=True)


def tell(services: Services, company: Company, call_id: UUID, *, is_spam: bool) -> None:
    with services.db.tenant(company.id) as session:
        tell_spam(
            session, services.vault, company.id, call_id,
            is_spam=is_spam, by="anna@example.it", now=services.clock(),
        )  # fmt: skip

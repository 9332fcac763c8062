"""The rule tree: what fits, in which words, saved in versions, tried on the past, judged again."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from calltrack.calls.model import Call
from calltrack.conversions.dry_run import DryRun, dry_run
from calltrack.conversions.model import CallVerdict, Conversion, ConversionChange, RuleVersion
from calltrack.conversions.no_lead import verdict_of
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import classify_call, judge_again, set_outcome
from calltrack.conversions.tree_rules import Facts, Tree, holds, judge, read_tree
from calltrack.conversions.tree_words import reason_of, rule_sentence
from calltrack.conversions.versions import save_rules
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call

DAY = timedelta(days=1)
# A Friday, 13:00 in Rome.
FRIDAY = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LATER = NOON + DAY


def tree(*rules: dict[str, Any]) -> Tree:
    return read_tree({"rules": [{"id": f"r{at}", "mark": "lead"} | one for at, one in enumerate(rules)]})


def facts(**more: Any) -> Facts:
    known: dict[str, Any] = {"started_at": FRIDAY, "answered": True, "talk_seconds": 90}
    return Facts(**(known | {"timezone": "Europe/Rome"} | more))


HOURS = {"fact": "hours", "days": ["fri"], "since": "09:00", "until": "13:00"}
NIGHT = {"fact": "hours", "days": ["fri"], "since": "22:00", "until": "06:00"}


@pytest.mark.parametrize(
    ("condition", "known", "fits", "sentence"),
    [
        ({"fact": "answered"}, {}, True, "a person answered"),
        ({"fact": "answered", "yes": False}, {}, False, "nobody answered"),
        ({"fact": "talk", "at_least": 90}, {}, True, "they talked at least 90 seconds"),
        ({"fact": "talk", "at_least": 91}, {}, False, "they talked at least 91 seconds"),
        ({"fact": "talk", "at_most": 1}, {"talk_seconds": 1}, True, "they talked at most 1 second"),
        ({"fact": "talk", "at_least": 2, "at_most": 9}, {}, False, "they talked 2 to 9 seconds"),
        ({"fact": "outcome", "any_of": ["purchase", "lead"]}, {"told": "lead"}, True,
         "somebody said it brought a purchase or a lead"),
        ({"fact": "outcome", "any_of": ["none"]}, {}, False, "somebody said it brought nothing"),
        ({"fact": "key", "any_of": ["1"]}, {"keys": ("1", "4")}, True, "the caller pressed 1"),
        ({"fact": "key", "any_of": ["1"]}, {}, False, "the caller pressed 1"),
        ({"fact": "tag", "any_of": ["Job"]}, {"tags": ("job",)}, True, "the call is tagged “Job”"),
        ({"fact": "tag", "any_of": ["job"]}, {}, False, "the call is tagged “job”"),
        ({"fact": "keyword", "any_of": ["Quote"]}, {"transcript": "a quote, please"}, True,
         "they spoke of “Quote”"),
        ({"fact": "keyword", "any_of": ["quote"]}, {}, False, "they spoke of “quote”"),
        ({"fact": "first_time", "days": 30}, {}, True, "the caller was not counted in the 30 days before"),
        ({"fact": "first_time", "days": 30}, {"earlier": (FRIDAY - DAY,)}, False,
         "the caller was not counted in the 30 days before"),
        ({"fact": "returning", "days": 1}, {"earlier": (FRIDAY - DAY,)}, False,
         "the caller was counted in the 1 day before"),
        ({"fact": "returning", "days": 2}, {"earlier": (FRIDAY - DAY,)}, True,
         "the caller was counted in the 2 days before"),
        ({"fact": "returning", "days": 2}, {"earlier": (FRIDAY - DAY,), "is_withheld": True}, False,
         "the caller was counted in the 2 days before"),
        ({"fact": "source", "any_of": ["Google", "bing"]}, {"source": "google"}, True,
         "the source is Google or bing"),
        ({"fact": "source", "any_of": ["google"]}, {}, False, "the source is google"),
        ({"fact": "medium", "any_of": ["cpc"]}, {"medium": "cpc"}, True, "the medium is cpc"),
        ({"fact": "campaign", "any_of": ["brand"]}, {"campaign": "brand 2"}, False,
         "the campaign is “brand”"),
        ({"fact": "location", "any_of": ["l1"]}, {"location": "l1"}, True, "the location is Roma"),
        ({"fact": "number", "any_of": ["n1"]}, {"number": "n2"}, False, "the number is n1"),
        ({"fact": "pool", "any_of": ["p1"]}, {"pool": "p1"}, True, "the pool is p1"),
        (HOURS, {}, False, "it rang on Friday between 09:00 and 13:00"),
        (HOURS, {"started_at": FRIDAY - timedelta(minutes=1)}, True,
         "it rang on Friday between 09:00 and 13:00"),
        (HOURS, {"started_at": FRIDAY - DAY}, False, "it rang on Friday between 09:00 and 13:00"),
        (NIGHT, {"started_at": FRIDAY + timedelta(hours=12)}, True,
         "it rang on Friday between 22:00 and 06:00"),
        (NIGHT, {"started_at": FRIDAY - timedelta(hours=12)}, False,
         "it rang on Friday between 22:00 and 06:00"),
        ({"fact": "hours", "days": ["mon", "tue", "wed", "thu", "fri"]}, {}, True,
         "it rang from Monday to Friday"),
        ({"all": [{"fact": "answered"}, {"not": {"fact": "answered"}}]}, {}, False,
         "a person answered and nobody answered"),
        ({"any": [{"fact": "talk", "at_least": 99}, {"all": [{"fact": "answered"}, {"fact": "medium",
          "any_of": ["cpc"]}]}]}, {"medium": "cpc"}, True,
         "they talked at least 99 seconds or (a person answered and the medium is cpc)"),
        ({"not": {"fact": "source", "any_of": ["bing"]}}, {}, True, "not (the source is bing)"),
    ],
)  # fmt: skip
def test_a_condition_fits_and_is_said_in_one_sentence(
    condition: dict[str, Any], known: dict[str, Any], fits: bool, sentence: str
) -> None:
    (rule,) = tree({"when": condition}).rules
    assert holds(rule.when, facts(**known)) is fits
    assert rule_sentence(rule, "EUR", {"l1": "Roma"}) == f"If {sentence}, it is a lead."
    assert reason_of(
        tree({"when": condition}), facts(**known), judge(tree({"when": condition}), facts(**known))
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"mark": "purchase", "value": {"kind": "fixed", "minor": 5050}},
            "it is a purchase worth EUR 50.50.",
        ),
        ({"value": {"kind": "fixed", "minor": 50, "currency": "JPY"}}, "it is a lead worth JPY 50."),
        (
            {"mark": "purchase", "value": {"kind": "outcome"}},
            "it is a purchase with the value somebody told.",
        ),
        ({"mark": "nothing"}, "it is nothing."),
    ],
)
def test_a_rule_says_what_it_makes_of_a_call(more: dict[str, Any], said: str) -> None:
    (rule,) = tree({"when": {"all": []}} | more).rules
    assert rule_sentence(rule, "EUR") == f"Every other call: {said}"


@pytest.mark.parametrize(
    "rule",
    [
        {"when": {"fact": "mood"}},
        {"when": {"fact": "talk"}},
        {"when": {"any": []}},
        {"when": {"fact": "answered"}, "mark": "sale"},
        {"when": {"fact": "answered"}, "mark": "purchase"},
        {"when": {"fact": "answered"}, "mark": "lead", "value": {"kind": "outcome"}},
        {"when": {"fact": "answered"}, "mark": "nothing", "value": {"kind": "fixed", "minor": 1}},
        {"when": {"fact": "answered"}, "value": {"kind": "fixed", "minor": 1, "currency": "EURO"}},
        {"when": {"fact": "answered"}, "value": {"kind": "fixed"}},
        {"when": {"not": {"not": {"not": {"not": {"not": {"fact": "answered"}}}}}}},
        {"when": {"fact": "first_time", "days": 0}},
        {"when": {"fact": "answered"}, "id": "R 1"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="The rules are not right"):
        tree(rule)


def test_the_first_rule_that_fits_decides() -> None:
    both = tree({"when": {"fact": "answered"}, "mark": "nothing"}, {"when": {"all": []}})
    assert judge(both, facts()).mark == "nothing"
    assert judge(both, facts(answered=False)).mark == "lead"
    assert judge(Tree(rules=()), facts()).mark == "nothing"
    none = tree({"when": {"fact": "talk", "at_least": 99}}, {"when": {"fact": "source", "any_of": ["x"]}})
    said = "No rule fits. Rule 1: they talked 90 seconds; it takes 99; rule 2: the source is not known."
    assert reason_of(none, facts(), judge(none, facts())) == said


# --- stored -----------------------------------------------------------------------------------------------

SHORT = {"when": {"fact": "talk", "at_least": 10}}
NOTHING = {"when": {"all": []}, "mark": "nothing"}


def save(services: Services, company: Company, *rules: dict[str, Any], **more: Any) -> UUID:
    with services.db.tenant(company.id) as session:
        return save_rules(session, company.id, tree(*rules), "anna", LATER, **more).id


def classify(services: Services, company: Company, call: Call) -> None:
    with services.db.tenant(company.id) as session:
        classify_call(session, company.id, call.id, LATER)


def again(services: Services, company: Company, version: UUID) -> int:
    sittings = 0
    more = True
    while more:
        with services.db.tenant(company.id) as session:
            more = judge_again(session, company.id, version, LATER)
        sittings += 1
    return sittings


def held(services: Services, company: Company) -> list[tuple[str, str, int | None, int]]:
    with services.db.tenant(company.id) as session:
        rows = session.scalars(select(Conversion).order_by(Conversion.occurred_at, Conversion.kind)).all()
        return [(row.kind, row.status, row.value_minor, row.sequence) for row in rows]


def test_a_new_version_judges_from_now_on_or_the_past_days_too(services: Services, company: Company) -> None:
    calls = [make_call(services, company, caller=f"+39347{at:07d}", at=NOON - at * DAY, talk_seconds=20)
             for at in (1, 5, 40)]  # fmt: skip
    for call in calls:
        classify(services, company, call)
    assert held(services, company) == []
    save(services, company, SHORT)
    for call in calls:
        classify(services, company, call)
    assert held(services, company) == []
    second = save(services, company, SHORT | {"value": {"kind": "fixed", "minor": 5000}}, past_days=30)
    for _ in range(2):
        again(services, company, second)
    assert held(services, company) == [("lead", "counted", 5000, 0)] * 2
    third = save(services, company, NOTHING, past_days=30)
    again(services, company, third)
    assert held(services, company) == [("lead", "retracted", 5000, 1)] * 2
    fourth = save(services, company, SHORT | {"value": {"kind": "fixed", "minor": 70}}, past_days=3)
    again(services, company, fourth)
    assert held(services, company) == [("lead", "retracted", 5000, 1), ("lead", "counted", 70, 2)]
    with services.db.tenant(company.id) as session:
        version = session.get_one(RuleVersion, (company.id, fourth))
        assert (version.number, version.again_judged, version.again_changed) == (4, 1, 1)
        ruled = verdict_of(session, company.id, calls[0].id)
        assert ruled is not None
        assert (ruled.rule_id, ruled.version, ruled.reason) == ("r0", 4, "Rule 1: they talked 20 seconds.")
        changes = session.execute(select(ConversionChange.conversion_id, ConversionChange.sequence)).all()
        assert len(set(changes)) == len(changes) == 5


def test_judging_again_goes_on_where_it_stopped(services: Services, company: Company) -> None:
    first = make_call(services, company)
    copy = {column.key: getattr(first, column.key) for column in Call.__table__.columns}
    rows = [
        copy | {"id": new_id(), "call_sid": f"CA{new_id().hex}", "caller_hash": bytes([at]) * 8,
                "started_at": NOON - timedelta(minutes=at // 3)}
        for at in range(249)
    ]  # fmt: skip
    with services.db.tenant(company.id) as session:
        session.execute(insert(Call), rows)
    version = save(services, company, SHORT, past_days=9)
    assert again(services, company, version) == 3
    with services.db.tenant(company.id) as session:
        done = session.get_one(RuleVersion, (company.id, version))
        assert (done.again_judged, done.again_changed, done.again_done_at) == (250, 250, LATER)
        assert len(session.scalars(select(Conversion.id)).all()) == 250


def test_a_rule_makes_purchases_of_a_fixed_value_and_people_stand_above_it(
    services: Services, company: Company
) -> None:
    save(services, company, {"when": {"fact": "talk", "at_least": 100}, "mark": "purchase",
                             "value": {"kind": "fixed", "minor": 5000}}, past_days=9)  # fmt: skip
    call = make_call(services, company)
    classify(services, company, call)
    assert held(services, company) == [("purchase", "counted", 5000, 0)]
    for value, via, expected in (
        (6000, "crm", 6000), (7000, "dashboard", 7000), (8000, "crm", 7000),
    ):  # fmt: skip
        told: Any = {"kind": "purchase", "via": via}
        with services.db.tenant(company.id) as session:
            outcome = Outcome(by="x", value_minor=value, **told)
            set_outcome(session, company.id, call.id, outcome, LATER)
        assert held(services, company)[0][2] == expected
    other = make_call(services, company, caller="+39347000", talk_seconds=120)
    with services.db.tenant(company.id) as session:
        outcome = Outcome(kind="purchase", by="x", value_from_rule=True)
        set_outcome(session, company.id, other.id, outcome, LATER)
    assert ("purchase", "counted", 5000, 0) in held(services, company)


def test_the_dry_run_tells_what_judging_again_then_does(services: Services, company: Company) -> None:
    plan = [
        ("A", 20, 5),
        ("A", 18, 200),
        ("A", 10, 200),
        ("B", 9, 50),
        ("C", 8, 200),
        ("C", 7, 70),
        ("D", 3, 5),
    ]
    calls = [
        make_call(services, company, caller=f"+3934700{ord(who)}", at=LATER - days * DAY, talk_seconds=talked)
        for who, days, talked in plan
    ]
    for call in calls:
        classify(services, company, call)
    for at, kind, value in ((5, "purchase", 900), (3, "lead", None), (6, "none", None)):
        told: Any = {"kind": kind, "by": "anna", "value_minor": value}
        with services.db.tenant(company.id) as session:
            set_outcome(session, company.id, calls[at].id, Outcome(**told), LATER)
    rules: list[dict[str, Any]] = [
        {"when": {"all": [{"fact": "talk", "at_least": 10}, {"fact": "first_time", "days": 5}]}}
    ]
    seen = look(services, company, *rules)
    before = marks(services, company)
    again(services, company, save(services, company, *rules, past_days=30))
    after = marks(services, company)
    assert {one.call_id for one in seen.changes} == {id_ for id_ in after | before
                                                     if after.get(id_) != before.get(id_)}  # fmt: skip
    assert (seen.calls, seen.marked_now, seen.marked_then) == (7, len(before), len(after))
    assert seen.sentence.startswith(f"In the last 30 days these rules would have marked {len(after)} of 7")
    assert look(services, company, *rules).changed == 0


def test_the_dry_run_counts_a_lead_that_only_changes_its_value(services: Services, company: Company) -> None:
    call = make_call(services, company, at=LATER - DAY, talk_seconds=200)
    classify(services, company, call)
    rule: dict[str, Any] = {
        "when": {"all": [{"fact": "talk", "at_least": 10}]}, "value": {"kind": "fixed", "minor": 4000}
    }  # fmt: skip
    seen = look(services, company, rule)
    assert [(one.before, one.after) for one in seen.changes] == [("lead", "lead with another value")]
    assert (seen.changed, seen.marked_now, seen.marked_then) == (1, 1, 1)
    again(services, company, save(services, company, rule, past_days=30))
    assert ("lead", "counted", 4000, 1) in held(services, company)
    assert look(services, company, rule).changed == 0


def test_the_dry_run_counts_a_purchase_of_the_rules_that_only_changes_its_value(
    services: Services, company: Company
) -> None:
    def bought(minor: int, **more: Any) -> dict[str, Any]:
        value = {"kind": "fixed", "minor": minor} | more
        return {"when": {"fact": "talk", "at_least": 10}, "mark": "purchase", "value": value}

    save(services, company, bought(5000), past_days=30)
    calls = [make_call(services, company, caller=f"+3934700{at}", at=LATER - at * DAY) for at in (1, 2, 3)]
    with services.db.tenant(company.id) as session:
        for call, more in ((calls[1], {"value_minor": 900}), (calls[2], {"value_from_rule": True})):
            told: Any = {"kind": "purchase", "by": "anna"} | more
            set_outcome(session, company.id, call.id, Outcome(**told), LATER)
    for call in calls:
        classify(services, company, call)
    assert look(services, company, bought(5000)).changed == 0
    for rule in (bought(7000), bought(5000, currency="USD")):
        seen = look(services, company, rule)
        assert {one.call_id for one in seen.changes} == {calls[0].id, calls[2].id}
        assert {(one.before, one.after) for one in seen.changes} == {
            ("purchase", "purchase with another value")
        }
    again(services, company, save(services, company, bought(7000), past_days=30))
    values = [value for kind, status, value, _ in held(services, company) if status == "counted"]
    assert sorted(value for value in values if value is not None) == [900, 7000, 7000]
    gone = look(services, company, NOTHING)
    assert [(one.call_id, one.after) for one in gone.changes] == [
        (calls[0].id, "nothing"), (calls[2].id, "nothing"),
    ]  # fmt: skip


def look(services: Services, company: Company, *rules: dict[str, Any]) -> DryRun:
    with services.db.tenant(company.id) as session:
        return dry_run(session, company.id, tree(*rules), LATER)


def marks(services: Services, company: Company) -> dict[UUID, set[str]]:
    found: dict[UUID, set[str]] = {}
    with services.db.tenant(company.id) as session:
        for row in session.scalars(select(Conversion).where(Conversion.status == "counted")):
            found.setdefault(row.call_id, set()).add(row.kind)
    return found


def test_a_dry_run_over_ten_thousand_calls_is_quick(services: Services, company: Company) -> None:
    first = make_call(services, company)
    copy = {column.key: getattr(first, column.key) for column in Call.__table__.columns}
    rows = [
        copy | {"id": new_id(), "call_sid": f"CA{at}", "started_at": NOON - timedelta(minutes=at),
                "caller_hash": at.to_bytes(4, "big") if at % 3 else b"x"}
        for at in range(10_000)
    ]  # fmt: skip
    with services.db.tenant(company.id) as session:
        session.execute(insert(Call), rows)
    began = time.perf_counter()
    seen = look(services, company, SHORT)
    assert seen.calls == 10_001
    assert time.perf_counter() - began < 10


def test_two_calls_of_one_caller_judged_at_once_wait_for_each_other(
    services: Services, company: Company
) -> None:
    """Without the turn the second would not see the first's lead, which is not yet committed: two leads."""
    first, second = make_call(services, company), make_call(services, company, at=NOON + DAY)
    started = threading.Event()

    def judge_second() -> None:
        started.set()
        classify(services, company, second)

    other = threading.Thread(target=judge_second)
    with services.db.tenant(company.id) as session:
        classify_call(session, company.id, first.id, LATER)
        session.flush()
        other.start()
        started.wait(5)
        other.join(1)
        assert other.is_alive()
    other.join(10)
    with services.db.tenant(company.id) as session:
        counted = session.scalars(select(Conversion.call_id).where(Conversion.status == "counted")).all()
        assert counted == [first.id]
        assert len(session.scalars(select(CallVerdict.call_id)).all()) == 2

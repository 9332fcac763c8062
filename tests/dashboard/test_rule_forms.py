"""The form of the rules: what is typed becomes a tree, and a tree becomes what is shown."""

from datetime import time
from typing import Any

import pytest

from calltrack.conversions.tree_rules import Hours, read_tree
from calltrack.conversions.tree_words import rule_sentence
from calltrack.dashboard.rule_forms import (
    Draft,
    Line,
    drafts_of,
    press,
    read_draft,
    read_drafts,
    read_hours,
    typed_drafts,
)
from calltrack.kernel.errors import BadInput

PLACES = {"location": [("Roma", "7d3c"), ("Ostia", "8e4d")]}
NAMES = {"7d3c": "Roma", "8e4d": "Ostia"}


@pytest.mark.parametrize(
    ("draft", "sentence"),
    [
        (Draft("a", lines=(Line(),)), "If a person answered, it is a lead."),
        (
            Draft("a", match="any", lines=(Line("talk_at_most", "9"), Line("key", "1, 2", True))),
            "If they talked at most 9 seconds or not (the caller pressed 1 or 2), it is a lead.",
        ),
        (
            Draft("a", lines=(Line("location", "roma,Ostia"),), mark="purchase", worth="fixed", amount="50"),
            "If the location is Roma or Ostia, it is a purchase worth EUR 50.00.",
        ),
        (Draft("a", mark="nothing"), "Every other call: it is nothing."),
    ],
)
def test_a_typed_rule_says_what_it_means_and_is_shown_again_as_typed(draft: Draft, sentence: str) -> None:
    rule = read_draft(draft, "EUR", PLACES)
    assert rule_sentence(rule, "EUR", NAMES) == sentence
    (again,) = drafts_of(read_tree({"rules": [rule.model_dump(by_alias=True, mode="json")]}), "EUR", NAMES)
    assert read_draft(again, "EUR", PLACES) == rule


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        (Draft("a", lines=(Line("talk_at_least", "soon"),)), "whole number"),
        (Draft("a", lines=(Line("talk_at_least"),)), "lacks its text"),
        (Draft("a", lines=(Line("odd", "x"),)), "not known"),
        (Draft("a", lines=(Line("location", "Milano"),)), "There is no location"),
        (Draft("a", lines=(Line("hours", "Someday"),)), "days and hours"),
        (Draft("a", lines=(Line("outcome", "sale"),)), "not right"),
        (Draft("a", worth="fixed"), "fixed value"),
        (Draft("a", mark="purchase"), "purchase needs a value"),
        (Draft("a", kept="{"), "can no longer be read"),
    ],
)
def test_what_makes_no_sense_is_said(draft: Draft, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_drafts([draft], "EUR", PLACES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mon-Fri 09:00-18:00", Hours(fact="hours", days=("mon", "tue", "wed", "thu", "fri"),
                                      since=time(9), until=time(18))),
        ("Fri-Mon", Hours(fact="hours", days=("fri", "sat", "sun", "mon"))),
        ("sat, sunday", Hours(fact="hours", days=("sat", "sun"))),
        ("22:00-06:00", Hours(fact="hours", since=time(22), until=time(6))),
        ("9:30-24:00", Hours(fact="hours", since=time(9, 30))),
    ],
)  # fmt: skip
def test_hours_are_read(text: str, expected: Hours) -> None:
    assert Hours.model_validate(read_hours(text)) == expected


def test_a_nested_condition_is_kept_as_it_is() -> None:
    nested: dict[str, Any] = {"all": [{"any": [{"fact": "answered"}, {"fact": "talk", "at_least": 5}]}]}
    tree = read_tree({"rules": [{"id": "a", "when": nested, "mark": "lead"}]})
    (draft,) = drafts_of(tree, "EUR", {})
    assert draft.kept
    assert draft.lines == ()
    assert read_drafts([draft], "EUR", {}) == tree


def test_buttons_change_the_draft() -> None:
    a, b = Draft("a", lines=(Line(), Line("source", "google"))), Draft("b")
    assert press([a, b], "down-0") == press([a, b], "up-1") == [b, a]
    assert press([a, b], "up-0") == [a, b]
    assert press([a, b], "drop-0") == [b]
    assert press([a, b], "cut-0-0")[0].lines == (Line("source", "google"),)
    assert press([a, b], "line-1")[1].lines == (Line(),)
    assert [one.id for one in press([a, b], "add")][:2] == ["a", "b"]
    for odd in ("up-9", "cut-0-x", "drop-", "what", "line--1"):
        assert press([a, b], odd) == [a, b]


def test_a_form_is_read_in_its_order() -> None:
    form = {
        "rule-0-id": "a", "rule-0-name": " Talk ", "rule-0-mark": "lead", "rule-0-match": "all",
        "rule-0-line-0-fact": "talk_at_least", "rule-0-line-0-text": "60",
        "rule-0-line-1-fact": "source", "rule-0-line-1-text": "google", "rule-0-line-1-not": "not",
        "rule-1-id": "b", "rule-1-mark": "nothing",
    }  # fmt: skip
    first, second = typed_drafts(form)
    assert first.lines == (Line("talk_at_least", "60"), Line("source", "google", True))
    assert (first.name, second.id, second.mark) == ("Talk", "b", "nothing")

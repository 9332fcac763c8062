"""Steps are added, moved, renamed and deleted: nothing is lost, nobody is led in a circle."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from calltrack.automations import asking
from calltrack.callflows import editing, starters, words
from calltrack.callflows.checks import read_flow
from calltrack.callflows.differences import differences
from calltrack.callflows.sentence import sentence
from calltrack.callflows.starters import STARTERS
from calltrack.calls import words as call_words
from calltrack.calls.outbound import words as outbound_words
from calltrack.dashboard.pages.locations import LANGUAGES
from calltrack.kernel.errors import BadFields, BadInput
from tests.callflows.flows import EXAMPLE, flows
from tests.callflows.test_shown import UNHURRIED

# What is left to do after an edit; to go round in a circle is not among it.
UNFINISHED = (
    "no branch leads here", "write what callers hear", "choose the step at which", "more than 16",
    "cannot be rejected",
)  # fmt: skip
LINE: dict[str, Any] = {
    "start": "welcome",
    "steps": {
        "welcome": {"kind": "announce", "message": {"text": "Ciao"}, "then": "phones"},
        "phones": {"kind": "ring", "targets": [{"own_line": True}], "no_answer": "message"},
        "message": {"kind": "voicemail"},
    },
}


def order(flow: dict[str, Any]) -> list[str]:
    """Return the steps along the main branches."""
    found, name = [], flow["start"]
    while name:
        found.append(name)
        name = editing.follower(flow, name)
    return found


@pytest.mark.parametrize(
    ("kind", "place", "expected"),
    [
        ("hours", "start", ["hours", "welcome", "phones", "message"]),
        ("menu", "welcome.then", ["welcome", "menu", "phones", "message"]),
        ("ring", "phones.no_answer", ["welcome", "phones", "phones-2", "message"]),
        ("by_caller", "start", ["region", "welcome", "phones", "message"]),
        ("hang_up", "phones.after", ["welcome", "phones", "message"]),
        ("hang_up", "welcome.then", ["welcome", "end"]),
    ],
)
def test_what_stood_at_a_place_follows_the_new_step(kind: str, place: str, expected: list[str]) -> None:
    grown, name = editing.add(LINE, kind, place)
    assert order(grown) == expected
    assert editing.at(grown, place) == name
    assert editing.unreached(grown) == (("phones", "message") if expected[-1] == "end" else ())


def test_a_step_taken_out_closes_the_gap() -> None:
    assert order(editing.remove(LINE, "phones")) == ["welcome", "message"]
    assert order(editing.remove(LINE, "welcome")) == ["phones", "message"]
    assert editing.remove(LINE, "message")["steps"]["phones"] == {
        "kind": "ring", "targets": [{"own_line": True}]
    }  # fmt: skip
    assert editing.unreached(editing.remove(EXAMPLE, "menu")) == ("office",), (
        "its other branches stay to be used"
    )


def test_the_last_step_stays() -> None:
    with pytest.raises(BadInput, match="needs a step"):
        editing.remove({"start": "end", "steps": {"end": {"kind": "hang_up"}}}, "end")


def test_a_step_moves_up_down_and_elsewhere() -> None:
    assert (editing.earlier(LINE, "welcome"), editing.later(LINE, "message")) == (None, None)
    up = editing.move(LINE, "phones", editing.earlier(LINE, "phones") or "")
    assert order(up) == ["phones", "welcome", "message"]
    assert editing.move(up, "phones", editing.later(up, "phones") or "") == LINE
    there = editing.move(EXAMPLE, "welcome", "office.no_answer")
    assert there["steps"]["hours"]["open"] == "menu"
    assert (there["steps"]["office"]["no_answer"], there["steps"]["welcome"]["then"]) == (
        "welcome",
        "message",
    )
    assert "hours.closed" not in editing.places_for(EXAMPLE, "hours")
    for place in ("menu.options-1", "nobody.then", "menu.options-7"):
        with pytest.raises(BadInput):
            editing.move(EXAMPLE, "menu", place)


def test_a_new_name_is_known_everywhere() -> None:
    named = editing.rename(EXAMPLE, "message", "voicemail")
    assert "“message”" not in sentence(read_flow(named))
    assert named["steps"]["office"]["no_answer"] == "voicemail"
    for bad in ("menu", "Größe", "", "a" * 41):
        with pytest.raises(BadInput):
            editing.rename(EXAMPLE, "message", bad)


@UNHURRIED
@given(flows(), st.data())
def test_any_edit_of_any_flow_leads_nobody_in_a_circle(flow: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(flow["steps"])))
    edit = data.draw(st.sampled_from(["add", "remove", "move"]))
    if edit == "add":
        kind = data.draw(st.sampled_from(sorted(editing.NAMES)))
        changed, _ = editing.add(flow, kind, data.draw(st.sampled_from(sorted(editing.places(flow)))))
    elif edit == "remove":
        assume(len(flow["steps"]) > 1)
        changed = editing.remove(flow, name)
    else:
        allowed = editing.places_for(flow, name)
        changed = editing.move(flow, name, data.draw(st.sampled_from(sorted(allowed)))) if allowed else flow
    lost = set(flow["steps"]) - set(changed["steps"])
    assert lost == ({name} if edit == "remove" else set())
    found = problems(changed)
    assert not [text for text in found.values() if not any(words in text for words in UNFINISHED)], found


def problems(flow: dict[str, Any]) -> dict[str, str]:
    try:
        read_flow(flow)
    except BadFields as problem:
        return problem.fields
    return {}


@pytest.mark.parametrize("name", sorted(STARTERS))
@pytest.mark.parametrize("language", ["it-IT", "de-DE", "en-GB", "fr-FR"])
def test_every_template_can_be_published_as_it_is(name: str, language: str) -> None:
    assert read_flow(STARTERS[name].build(language)).language == language


def test_every_language_a_page_offers_has_sentences_of_its_own() -> None:
    tables = (call_words.LANGUAGES, outbound_words.LANGUAGES, words.LANGUAGES, words.KEY_NAMES,
              asking.TEXTS, starters.TEXTS)  # fmt: skip
    for table in tables:
        assert set(table) >= {tag[:2] for tag in LANGUAGES}, "else English is spoken by a foreign voice"


def test_differences_are_said_in_words() -> None:
    before = read_flow(EXAMPLE)
    plain = editing.remove(EXAMPLE, "survey")
    plain, _ = editing.add(plain, "voicemail", "hours.closed")
    plain["steps"]["sales"] = plain["steps"]["sales"] | {"seconds": 30, "sticky": True}
    plain["steps"].pop("closed")
    plain |= {"language": "en-GB"}
    said = differences(before, read_flow(plain))
    assert said[0] == "It speaks en-GB, no longer it-IT."
    text = " ".join(said)
    for part in ("New: “message-2”.", "Gone: “survey”.", "Gone: “closed”.", "ring all at once for 30 seconds",
                 "“hours”, While it is closed: goes on at “message-2”, no longer goes on at “closed”.",
                 "the branch “The business hangs up first” is gone"):  # fmt: skip
        assert part in text
    assert differences(before, before) == ()
    silent = EXAMPLE | {"steps": EXAMPLE["steps"] | {"sales": EXAMPLE["steps"]["sales"] | {"sticky": True}}}
    assert differences(before, read_flow(silent)) == ("“sales”: sticky changed.",)

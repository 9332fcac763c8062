"""Facts in, one line in a marketer's words out."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from calltrack import destinations
from calltrack.delivery.advice import ADVICE
from calltrack.delivery.model import STATES
from calltrack.delivery.why import _STATES, Facts, Place, Told, telling, why

ROME = ZoneInfo("Europe/Rome")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SOON, LATER, AGO = NOW + timedelta(minutes=5), NOW + timedelta(days=1, hours=2), NOW - timedelta(minutes=30)
ADS = Place("Google Ads", connected_at=NOW - timedelta(days=9))
PAUSED = replace(ADS, status="paused", reason="The sign-in was withdrawn. Connect the account again.")
BY_ANNA = replace(ADS, status="paused", reason="Paused by Anna.")
UNWELL = replace(ADS, held_until=SOON)
LIMITED = replace(UNWELL, is_unwell=False)
LEAD: dict[str, Any] = {"what": "lead", "decided_at": AGO}
BOUGHT: dict[str, Any] = {"what": "purchase", "decided_at": AGO}


def told(state: str, **more: Any) -> Told:
    return Told(state, AGO, **more)


def kept_back(code: str, reason: str = "A reason.") -> Told:
    return told("withheld", preflight="never", code=code, reason=reason, settled_at=AGO)


# place, the other facts, then: how the headline begins, a part of the next step, tone, link
TABLE: list[tuple[Place, dict[str, Any], str, str, str, str]] = [
    (Place("Meta", "none"), {}, "Meta is not connected", "Connect Meta", "calm", "connect"),
    (Place("Meta", "none", has_click=True), {}, "Meta is not connected", "from then on", "warn", "connect"),
    (ADS, {"call_is_over": False}, "Not yet: the call still runs", "Nothing to do", "live", ""),
    (ADS, {"no_conversion": "They talked 12 seconds; a lead takes 60."},
     "Nothing to send to Google Ads: this call is no lead", "mark it as a lead", "calm", "outcome"),
    (ADS, {**LEAD, "is_counted": False}, "Nothing to send to Google Ads: the lead was taken back",
     "Nothing to do", "calm", ""),
    (ADS, {**LEAD, "decided_at": NOW}, "On its way to Google Ads", "Nothing to do", "live", ""),
    (ADS, LEAD, "The lead has not been prepared for Google Ads", "workers", "bad", ""),
    (replace(ADS, connected_at=NOW), LEAD, "The lead will not go to Google Ads: it was connected afterwards",
     "Nothing to do", "calm", ""),
    (ADS, {**LEAD, "told": told("pending", due_at=NOW)}, "On its way to Google Ads", "Nothing", "live", ""),
    (ADS, {**LEAD, "told": told("pending", due_at=LATER, preflight="wait", reason="Held until 2 hours after"
                                " the click.")},
     "The lead goes to Google Ads tomorrow at 15:00", "Nothing to do", "calm", ""),
    (PAUSED, {**LEAD, "told": told("pending", due_at=NOW)}, "The lead waits: Google Ads is paused",
     "Do what the reason asks", "bad", "resume"),
    (BY_ANNA, {**LEAD, "told": told("parked")}, "The lead waits: Google Ads is paused",
     "Let Google Ads run again", "bad", "resume"),
    (LIMITED, {**BOUGHT, "told": told("pending", due_at=SOON, worth="€ 850")},
     "The purchase of € 850 waits for its turn at Google Ads", "today at 13:05", "calm", ""),
    (UNWELL, {**BOUGHT, "told": told("pending", due_at=SOON, attempts=1, worth="€ 850",
                                     explanation="Google answered HTTP 503.")},
     "The purchase of € 850 waits: Google Ads is unwell", "today at 13:05", "warn", ""),
    (ADS, {**BOUGHT, "told": told("pending", due_at=AGO, worth="€ 850")},
     "The purchase of € 850 is late for Google Ads", "workers", "bad", ""),
    (ADS, {**BOUGHT, "told": told("pending", due_at=SOON, attempts=3, explanation="HTTP 500.")},
     "The purchase has not reached Google Ads yet: tried 3 times", "today at 13:05", "warn", ""),
    (ADS, {**BOUGHT, "told": told("pending", due_at=SOON, attempts=1, explanation="HTTP 500.")},
     "The purchase has not reached Google Ads yet: tried once", "tried again", "warn", ""),
    (ADS, {**BOUGHT, "told": told("pending", due_at=SOON, sequence=1, action="restate", worth="€ 900")},
     "The new value € 900 of the purchase waits for its turn", "today at 13:05", "calm", ""),
    (ADS, {**LEAD, "told": told("sending", due_at=SOON)}, "On its way to Google Ads", "Nothing", "live", ""),
    (ADS, {**LEAD, "told": told("accepted", due_at=SOON)}, "The lead was taken by Google Ads and is being",
     "today at 13:05", "calm", ""),
    (PAUSED, {**LEAD, "told": told("accepted", due_at=SOON)}, "The lead was taken by Google Ads, its verdict",
     "run again", "warn", "resume"),
    (ADS, {**LEAD, "told": told("confirmed", settled_at=AGO)}, "The lead reached Google Ads today at 12:30",
     "Nothing to do", "good", ""),
    (ADS, {**BOUGHT, "told": told("confirmed", settled_at=AGO - timedelta(days=1), worth="€ 850")},
     "The purchase of € 850 reached Google Ads yesterday at 12:30", "Nothing to do", "good", ""),
    (ADS, {**BOUGHT, "told": told("confirmed", settled_at=AGO - timedelta(days=400), action="restate",
                                  worth="€ 900")},
     "The new value € 900 of the purchase reached Google Ads on 16 Oct 2025", "Nothing", "good", ""),
    (ADS, {**LEAD, "told": told("confirmed", settled_at=AGO, action="retract")},
     "The lead was taken back at Google Ads today", "Nothing to do", "good", ""),
    (ADS, {**LEAD, "told": told("rejected", last_class="ROW", explanation="Google does not know the click.")},
     "Google Ads refused the lead", "send it again", "bad", "replay"),
    (ADS, {**LEAD, "told": told("rejected", last_class="BUG", explanation="A field is missing.")},
     "The lead did not reach Google Ads: calltrack built", "whoever runs calltrack", "bad", "replay"),
    (Place("CRM"), {**LEAD, "told": told("rejected", last_class="LATER", explanation="HTTP 500. Given up.")},
     "The lead did not reach CRM: given up", "When CRM works again", "bad", "replay"),
    (ADS, {**LEAD, "told": told("unknown", due_at=SOON, explanation="No answer came.")},
     "It is not known yet whether the lead reached Google Ads", "counts it once", "warn", ""),
    (ADS, {**LEAD, "told": told("unknown", explanation="Nobody knows.")},
     "Nobody knows whether the lead reached Google Ads: you decide", "Look it up", "bad", "settle"),
    (PAUSED, {**LEAD, "told": told("unknown", due_at=SOON)}, "The lead waits: Google Ads is paused",
     "Do what the reason asks", "bad", "resume"),
    (ADS, {**LEAD, "told": told("parked", last_class="CONFIG", explanation="Another account's click.")},
     "The lead is stopped: Google Ads found a fault in its set-up", "send it again", "bad", "replay"),
    (ADS, {**LEAD, "told": kept_back("CONSENT_DENIED")},
     "The lead will not go to Google Ads: the visitor said no to ads", "choice is kept", "calm", ""),
    (ADS, {**LEAD, "told": kept_back("CONSENT_UNKNOWN")},
     "The lead will not go to Google Ads: it is not known whether", "consent banner", "warn", "websites"),
    (ADS, {**LEAD, "told": kept_back("NO_IDENTIFIERS")},
     "The lead will not go to Google Ads: the caller came by no click", "Nothing to do", "calm", ""),
    (ADS, {**BOUGHT, "told": kept_back("NO_ACTION")},
     "The purchase will not go to Google Ads: its settings name no place for a purchase", "for a purchase",
     "warn", "settings"),
    (ADS, {**LEAD, "told": kept_back("TOO_OLD")}, "The lead will not go to Google Ads: it is older than",
     "takes it no more", "calm", ""),
    (ADS, {**LEAD, "told": kept_back("SOMETHING_NEW", "A reason of a new platform.")},
     "The lead will not go to Google Ads: it is kept back", "judged again", "calm", "replay"),
    (ADS, {**LEAD, "told": told("withheld", preflight="send", explanation="Its original was refused.",
                                action="restate", sequence=1)},
     "The new value of the lead will not go to Google Ads: it is kept", "judged again", "calm", "replay"),
    (replace(ADS, status="removed"), {**LEAD, "told": told("confirmed", settled_at=AGO)},
     "The lead reached Google Ads today", "Nothing to do", "good", ""),
]  # fmt: skip


@pytest.mark.parametrize(("place", "facts", "headline", "step", "tone", "link"), TABLE)
def test_facts_lead_to_an_answer(
    place: Place, facts: dict[str, Any], headline: str, step: str, tone: str, link: str
) -> None:
    answer = why(Facts(place, NOW, ROME, **facts))
    assert answer.headline.startswith(headline)
    assert step in answer.next_step
    assert (answer.tone, answer.link) == (tone, link)
    assert answer.next_step.endswith(".")
    assert answer.explanation
    assert not re.search(r"[A-Z]{2,}_|\b(pending|parked|withheld|rejected|HTTP)\b|  ", answer.headline)


def test_every_state_has_its_answer() -> None:
    assert set(_STATES) == set(STATES)
    assert {facts["told"].state for _, facts, *_ in TABLE if "told" in facts} == set(STATES)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], None),
        (["confirmed"], 0),
        (["confirmed", "confirmed"], 1),
        (["confirmed", "pending"], 1),
        (["rejected", "withheld"], 0),
        (["accepted", "confirmed"], 0),
        (["pending", "pending", "pending"], 0),
        (["confirmed", "withheld", "withheld"], 2),
        (["withheld", "withheld"], 0),
        (["confirmed", "withheld", "confirmed"], 2),
        (["confirmed", "rejected", "confirmed"], 2),
        (["confirmed", "rejected", "pending"], 1),
        (["confirmed", "withheld", "pending", "pending"], 1),
        (["accepted", "withheld", "confirmed"], 0),
    ],
)
def test_the_first_change_that_has_not_arrived_is_spoken_of(states: list[str], expected: int | None) -> None:
    rows = [told(state, sequence=place) for place, state in enumerate(states)]
    found = telling(list(reversed(rows)))
    assert (None if found is None else found.sequence) == expected


def test_a_rules_sentence_explains_why_there_is_no_lead() -> None:
    said = "They talked 12 seconds; a lead takes 60."
    assert why(Facts(ADS, NOW, ROME, no_conversion=said)).explanation == said


def test_every_verdict_a_destination_can_give_has_its_advice() -> None:
    codes = set()
    for path in Path(destinations.__file__).parent.glob("*.py"):
        codes |= set(re.findall(r'Verdict\(\s*"never",\s*"([A-Z_]+)"', path.read_text()))
    assert len(codes) > 10
    assert codes - set(ADVICE) == set(), "say in delivery/advice.py what a marketer can do about it"


@pytest.mark.parametrize("code", ADVICE)
def test_every_reason_has_a_line_without_gaps(code: str) -> None:
    for what in ("lead", "purchase"):
        answer = why(Facts(ADS, NOW, ROME, what=what, decided_at=AGO, told=kept_back(code)))
        assert answer.explanation == "A reason."
        assert not set("{}") & set(answer.headline + answer.next_step)

"""Random call plans: every kind of part, in every place where it may stand."""

from __future__ import annotations

from hypothesis import strategies as st

from calltrack.telephony.base import (
    Announced,
    Ask,
    CallPlan,
    GoTo,
    HangUp,
    Part,
    Play,
    Reject,
    Ring,
    Speak,
    TakeMessage,
    Target,
    Whisper,
)

BASE = "https://calls.example/voice/0f3a"
TEXTS = st.text(min_size=1, max_size=80).map(lambda text: f"Ciao {text}")
NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
SIP = st.sampled_from(
    ["sip:office@pbx.example", "sips:1001@10.0.0.1:5061", "sip:a.b@pbx.example;transport=tls"]
)
LANGUAGES = st.sampled_from([None, "it-IT", "en-US", "de-DE"])
# A notice is told by its first word or its file, so that a test hears the difference.
NOTICES = st.builds(
    Speak, text=TEXTS.map(lambda text: f"Registriamo {text}"), language=LANGUAGES, is_notice=st.just(True)
) | st.just(Play(url="https://media.example/Registriamo.mp3", is_notice=True))
PROMPTS = (
    NOTICES
    | st.builds(Speak, text=TEXTS, language=LANGUAGES)
    | st.just(Play(url="https://media.example/a.mp3"))
)
TARGETS = st.builds(Target, address=NUMBERS | SIP, whisper=st.sampled_from([None, f"{BASE}/step/w?x=1&y=2"]))


def rings(action: str | None) -> st.SearchStrategy[Ring]:
    """Return rings that end a document (with an action), or that go on after it."""
    return st.builds(
        Ring,
        targets=st.lists(TARGETS, min_size=1, max_size=10).map(tuple),
        action=st.just(action),
        leg=st.sampled_from([None, f"{BASE}/leg"]),
        recording=st.just(f"{BASE}/recording"),
        seconds=st.integers(5, 600),
        one_by_one=st.booleans(),
        caller_id=st.none() | NUMBERS,
        time_limit=st.none() | st.integers(30, 14_400),
        star_ends=st.booleans(),
        record=st.booleans(),
    )


def questions(even_without_key: bool) -> st.SearchStrategy[Ask]:
    """Return questions for a key."""
    return st.builds(
        Ask,
        action=st.just(f"{BASE}/step/k"),
        prompts=st.lists(PROMPTS, max_size=3).map(tuple),
        seconds=st.integers(1, 60),
        even_without_key=st.just(even_without_key),
    )


MESSAGES = st.builds(
    TakeMessage,
    action=st.just(f"{BASE}/voicemail"),
    recording=st.sampled_from([None, f"{BASE}/recording"]),
    seconds=st.integers(5, 3600),
)
PASSING: st.SearchStrategy[Part] = PROMPTS | questions(False) | rings(None)
ENDING: st.SearchStrategy[Part] = (
    questions(True)
    | rings(f"{BASE}/step/r")
    | MESSAGES
    | st.builds(GoTo, url=st.just(f"{BASE}/step/g"))
    | st.builds(Reject, reason=st.sampled_from(["busy", "rejected"]))
    | st.just(HangUp())
)
PARTS = st.tuples(st.lists(PASSING, max_size=4), ENDING).map(lambda both: (*both[0], both[1]))
PROOFS = st.sampled_from([None, Announced("welcome")])
WHISPERS = st.builds(
    Whisper, text=TEXTS, language=LANGUAGES, accept_url=st.sampled_from([None, f"{BASE}/accept"])
)


def plan_or_reason(parts: tuple[Part, ...], proof: Announced | None) -> CallPlan | str:
    """Return the plan of these parts, or why there can be none."""
    try:
        return CallPlan(parts, proof)
    except ValueError as problem:
        return str(problem)

"""Random call flows: every kind of step, every branch, as people write them (plain data)."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NUMBERS = [f"+39066994{n:04d}" for n in range(12)]
WORDS = st.text(max_size=30).map(lambda text: f"Parole {text}")
AUDIO = "https://media.example/saluto.mp3"
MESSAGES: st.SearchStrategy[Any] = (
    WORDS
    | st.just({"audio": AUDIO})
    | st.dictionaries(st.sampled_from(["it-IT", "en-GB", "de-DE"]), WORDS, min_size=1).map(
        lambda texts: {"text": texts}
    )
)
LANGUAGES = st.sampled_from([None, "en-GB", "de-DE"])
WINDOWS = st.lists(st.sampled_from(["09:00-13:00", "15:00-19:30", "22:00-06:00", "00:00-24:00"]), max_size=2)
HOURS = st.fixed_dictionaries(
    {
        "weekly": st.dictionaries(st.sampled_from(["mon", "wed", "sun"]), WINDOWS, min_size=1).map(
            lambda weekly: weekly | {"tue": ["09:00-13:00"]}
        ),
        "holidays": st.lists(
            st.fixed_dictionaries({"day": st.sampled_from(["12-25", "2026-11-03"]), "open": WINDOWS}),
            max_size=2,
        ),
    }
)
PHONES: st.SearchStrategy[dict[str, Any]] = (
    st.sampled_from(NUMBERS).map(lambda number: {"number": number})
    | st.just({"sip": "sip:office@pbx.example;transport=tls"})
    | st.just({"own_line": True})
)
GROUPS = st.lists(PHONES, min_size=1, max_size=4, unique_by=str)


@st.composite
def flows(draw: st.DrawFn, most: int = 9) -> dict[str, Any]:
    """Return a flow of a few steps, each leading only to later ones, every one reached."""
    count = draw(st.integers(1, most))
    names = [f"step-{n}" for n in range(count)]
    steps: dict[str, Any] = {}
    pending = set(names[1:])
    for place, name in enumerate(names):
        later = names[place + 1 :]

        def way(later: list[str] = later) -> str | None:
            """Lead to a step nobody leads to yet, before any other."""
            wanted = [step for step in later if step in pending]
            if not later or (not wanted and draw(st.booleans())):
                return None
            chosen = wanted[0] if wanted else draw(st.sampled_from(later))
            pending.discard(chosen)
            return chosen

        steps[name] = draw(st.sampled_from(_KINDS if later else _ENDS))(draw, way)
    reached = _reached(steps)
    return {
        "start": names[0],
        "steps": {name: step for name, step in steps.items() if name in reached},
        "language": draw(st.sampled_from(["it-IT", "en-GB", "de-DE"])),
        "timezone": draw(st.sampled_from([None, "Europe/Rome", "America/New_York"])),
        "notice": draw(
            st.none() | st.just("Registriamo la chiamata") | st.just({"audio": AUDIO[:-9] + "rec.mp3"})
        ),
    }


def _reached(steps: dict[str, Any]) -> set[str]:
    found, open_ = set[str](), ["step-0"]
    while open_:
        name = open_.pop()
        if name not in found:
            found.add(name)
            text = str(steps[name])
            open_ += [other for other in steps if f"'{other}'" in text]
    return found


def _announce(draw: Any, way: Any) -> dict[str, Any]:
    return {"kind": "announce", "message": draw(MESSAGES), "then": way()}


def _hours(draw: Any, way: Any) -> dict[str, Any]:
    return {"kind": "hours", "hours": draw(HOURS), "open": way(), "closed": way()}


def _menu(draw: Any, way: Any) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from("0123456789*#"), min_size=1, max_size=4, unique=True))
    options = {key: {"to": way(), "language": draw(LANGUAGES)} for key in keys}
    return {
        "kind": "menu", "message": draw(MESSAGES), "options": options, "tries": draw(st.integers(1, 3)),
        "otherwise": way(),
    }  # fmt: skip


def _ring(draw: Any, way: Any) -> dict[str, Any]:
    record = draw(st.booleans())
    return {
        "kind": "ring",
        "targets": [phone | {"weight": draw(st.integers(1, 5))} for phone in draw(GROUPS)],
        "how": draw(st.sampled_from(["together", "in_order", "round_robin", "weighted"])),
        "sticky": draw(st.booleans()),
        "screening": draw(st.booleans()),
        "whisper": draw(st.booleans()),
        "record": record,
        "opt_out_key": draw(st.sampled_from([None, "9", "#"])) if record else None,
        "caller_id": draw(st.sampled_from(["caller", "dialled"])),
        "time_limit": draw(st.sampled_from([None, 600])),
        "star_ends": draw(st.booleans()),
        "no_answer": way(),
        "after": way(),
    }


def _by_caller(draw: Any, way: Any) -> dict[str, Any]:
    branches = [
        {"prefixes": ["+3906"], "to": way(), "language": draw(LANGUAGES)},
        {"countries": ["DE"], "to": way()},
    ]
    return {"kind": "by_caller", "branches": branches, "withheld": way(), "otherwise": way()}


def _voicemail(draw: Any, way: Any) -> dict[str, Any]:
    return {"kind": "voicemail", "message": draw(st.none() | MESSAGES)}


def _hang_up(draw: Any, way: Any) -> dict[str, Any]:
    return {"kind": "hang_up", "message": draw(st.none() | MESSAGES)}


_KINDS = [_announce, _hours, _menu, _ring, _ring, _by_caller]
_ENDS = [_voicemail, _hang_up, _ring]
EXAMPLE: dict[str, Any] = {
    "start": "hours",
    "language": "it-IT",
    "timezone": "Europe/Rome",
    "steps": {
        "hours": {
            "kind": "hours",
            "hours": {
                "weekly": {
                    day: ["09:00-13:00", "15:00-19:00"] for day in ("mon", "tue", "wed", "thu", "fri")
                },
                "holidays": [{"day": "12-25", "name": "Natale"}],
            },
            "open": "welcome",
            "closed": "closed",
        },
        "welcome": {"kind": "announce", "message": "Benvenuti da Rossi Traslochi.", "then": "menu"},
        "menu": {
            "kind": "menu",
            "message": "Per un preventivo prema 1. Per un trasloco in corso prema 2.",
            "options": {
                "1": {"to": "sales", "label": "Quote"},
                "2": {"to": "office", "label": "Running move"},
            },
            "otherwise": "sales",
        },
        "sales": {
            "kind": "ring",
            "targets": [
                {"number": "+390669940001", "label": "Anna"},
                {"number": "+393470000002", "label": "Bruno"},
            ],
            "screening": True,
            "record": True,
            "opt_out_key": "9",
            "no_answer": "message",
            "after": "survey",
        },
        "office": {"kind": "ring", "targets": [{"own_line": True}], "no_answer": "message"},
        "survey": {
            "kind": "menu",
            "message": "Da 1 a 3, quanto è soddisfatto?",
            "options": {"1": {}, "2": {}, "3": {}},
            "tries": 1,
        },
        "closed": {"kind": "announce", "message": "Siamo chiusi.", "then": "message"},
        "message": {"kind": "voicemail"},
    },
}

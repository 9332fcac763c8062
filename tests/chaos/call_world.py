"""The world of the call storm: call flows of every kind, and people who call them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from calltrack.sandbox.carrier import CallScript, LegScript, Switches

ANNA, BRUNO, CARLA, DINO = "+390669940001", "+390669940002", "+393470000003", "+390669940004"
PHONES = (ANNA, BRUNO, CARLA, DINO)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS: dict[str, Any] = {"weekly": {day: ["00:00-24:00"] for day in DAYS}}
NEVER = ALWAYS | {"holidays": [{"day": "01-01", "until": "12-31"}]}
MESSAGE = {"kind": "voicemail"}
SETTINGS: dict[str, Any] = {
    "start": "ring",
    "steps": {
        "ring": {"kind": "ring", "targets": [{"own_line": True}], "seconds": 18, "no_answer": "message"},
        "message": MESSAGE,
    },
}
"""What a location does by its settings alone (ring 18 s, whisper, voicemail), written as a flow."""


def _ring(*phones: str, **more: Any) -> dict[str, Any]:
    return {"kind": "ring", "targets": [{"number": phone} for phone in phones]} | more


def _steps(start: str, **steps: dict[str, Any]) -> dict[str, Any]:
    return {"start": start, "language": "it-IT", "timezone": "Europe/Rome", "steps": steps}


FLOWS: dict[str, dict[str, Any]] = {
    "by its settings": SETTINGS,
    "menu, recording, screening, survey": _steps(
        "welcome",
        welcome={"kind": "announce", "message": "Benvenuti.", "then": "menu"},
        menu={
            "kind": "menu", "message": "Vendite 1, ufficio 2.", "otherwise": "sales",
            "options": {"1": {"to": "sales"}, "2": {"to": "office"}},
        },
        sales=_ring(
            ANNA, CARLA, screening=True, record=True, opt_out_key="9", no_answer="message", after="survey"
        ),
        office={"kind": "ring", "targets": [{"own_line": True}], "no_answer": "message"},
        survey={
            "kind": "menu", "message": "Da 1 a 3?", "options": {"1": {}, "2": {}, "3": {}}, "tries": 1
        },
        message=MESSAGE,
    ),
    "together, then one more": _steps(
        "all",
        all=_ring(ANNA, BRUNO, CARLA, whisper=False, seconds=20, no_answer="last"),
        last=_ring(DINO),
    ),
    "together, whispered": _steps(
        "all", all=_ring(ANNA, BRUNO, CARLA, no_answer="message", after="thanks"),
        thanks={"kind": "hang_up", "message": "Grazie della chiamata."}, message=MESSAGE,
    ),
    "in order, screened": _steps(
        "hello",
        hello={"kind": "announce", "message": "Un momento.", "then": "team"},
        team=_ring(ANNA, BRUNO, CARLA, how="in_order", seconds=10, screening=True, no_answer="message"),
        message={"kind": "voicemail", "message": "Parli dopo il segnale.", "seconds": 20},
    ),
    "going round": _steps(
        "team",
        team=_ring(ANNA, BRUNO, CARLA, how="round_robin", sticky=True, most=2, after="thanks"),
        thanks={"kind": "hang_up", "message": "Grazie."},
    ),
    "by weight, recorded": _steps(
        "team", team=_ring(ANNA, BRUNO, how="weighted", sticky=True, record=True, no_answer="bye"),
        bye={"kind": "hang_up", "message": "Richiamiamo noi."},
    ) | {"notice": "Registriamo le chiamate."},
    "closed": _steps(
        "hours",
        hours={"kind": "hours", "hours": NEVER, "open": "office", "closed": "closed"},
        office=_ring(ANNA), closed={"kind": "announce", "message": "Siamo chiusi.", "then": "message"},
        message=MESSAGE,
    ),
    "open, limited, survey": _steps(
        "hours",
        hours={"kind": "hours", "hours": ALWAYS, "open": "line", "closed": "bye"},
        line={
            "kind": "ring", "targets": [{"own_line": True}], "time_limit": 60, "star_ends": True,
            "after": "survey",
        },
        survey={"kind": "menu", "message": "Contento? 1 o 2.", "options": {"1": {"to": "bye"}, "2": {}}},
        bye={"kind": "hang_up", "message": "Arrivederci."},
    ),
    "by caller, two languages": _steps(
        "who",
        who={
            "kind": "by_caller", "withheld": "bye", "otherwise": "line",
            "branches": [
                {"prefixes": ["+3906"], "to": "roma"},
                {"countries": ["DE"], "to": "hallo", "language": "de-DE"},
            ],
        },
        roma=_ring(ANNA, how="in_order"), line={"kind": "ring", "targets": [{"own_line": True}]},
        hallo={
            "kind": "announce", "message": {"text": {"it-IT": "Ciao.", "de-DE": "Guten Tag."}}, "then": "team"
        },
        team=_ring(BRUNO, record=True),
        bye={"kind": "hang_up", "message": "Numero nascosto."},
    ),
    "refusing": _steps(
        "who",
        who={
            "kind": "by_caller", "otherwise": "line",
            "branches": [{"prefixes": ["+39347"], "to": "no"}, {"prefixes": ["+3906"], "to": "busy"}],
        },
        no={"kind": "reject"}, busy={"kind": "reject", "reason": "busy"}, line=_ring(DINO, seconds=12),
    ),
    "menus in menus": _steps(
        "first",
        first={
            "kind": "menu", "message": "Stella o cancelletto.", "tries": 3, "otherwise": "message",
            "options": {"*": {"to": "second"}, "#": {"to": "info"}, "1": {"to": "ring"}},
        },
        second={
            "kind": "menu", "message": "Ancora: 1 o 2.", "seconds": 3, "otherwise": "info",
            "options": {"1": {"to": "ring"}, "2": {"to": "message"}},
        },
        info={"kind": "announce", "message": "Informazioni.", "then": "ring"},
        ring=_ring(BRUNO, CARLA, caller_id="dialled", no_answer="message"), message=MESSAGE,
    ),
    "two talks": _steps(
        "one",
        one=_ring(ANNA, record=True, no_answer="two", after="two"),
        two=_ring(BRUNO, record=True, whisper=False, after="thanks"),
        thanks={"kind": "hang_up", "message": "Grazie."},
    ),
}  # fmt: skip
CALLERS = ("+390612345{:03d}", "+4930123{:03d}", "+393471234{:03d}", "+393331234{:03d}", "+33142681{:03d}")


@dataclass(frozen=True)
class Scenario:
    """A call that can be played again and again: which flow, and what the people do."""

    flow: str
    people: dict[str, Any]
    """Everything of a `CallScript` but where it goes and how the carrier tells of it."""

    @property
    def is_drawn(self) -> bool:
        """Chance decides who rings, another time otherwise: a caller who is nobody has no usual phone."""
        drawn = ("going round", "by weight, recorded")
        return self.flow in drawn and not self.people["from_"].startswith("+")

    def script(self, to: str, **more: Any) -> CallScript:
        """Return the call to a number."""
        return CallScript(**(self.people | {"to": to} | more))


def scenarios(count: int, seed: int, own_line: str) -> list[Scenario]:
    """Return so many different calls, the flows one after the other."""
    names = list(FLOWS)
    chance = random.Random(seed)
    return [Scenario(names[place % len(names)], _people(chance, own_line)) for place in range(count)]


def _people(chance: random.Random, own_line: str) -> dict[str, Any]:
    leaves = chance.random() < 0.12
    caller = chance.choice((*CALLERS, *CALLERS, "anonymous"))
    keys = [chance.choice(("", "1", "1", "1", "2", "3", "9", "*", "#")) for _ in range(chance.randint(0, 4))]
    return {
        "from_": caller.format(chance.randrange(1000)),
        "outcome": "caller-hangs-up" if leaves else "answered",
        "ring_seconds": chance.randint(2, 24),
        "legs": {phone: _leg(chance) for phone in (*PHONES, own_line)},
        "digits": tuple(keys),
        "keys_cut_in": chance.random() < 0.25,
        "hangs_up": chance.choice(("business", "business", "caller")),
        "star_after": chance.choice((None, None, 20)),
        "voicemail_seconds": chance.choice((0, 8, 40)),
        "stir": chance.choice((None, "TN-Validation-Passed-A")),
        "switches": Switches(
            dial_duration_includes_whisper=chance.random() < 0.5,
            action_after_caller_hangup=chance.random() < 0.8,
            action_before_leg_completed=chance.random() < 0.5,
            others_ring_during_whisper=chance.random() < 0.3,
            mailbox_is_bridged=chance.random() < 0.3,
            loser_status=chance.choice(("canceled", "no-answer")),
            whisper_failure=chance.choice(("bridge", "hangup")),
        ),
    }


def _leg(chance: random.Random) -> LegScript:
    return LegScript(
        result=chance.choices(("answer", "mailbox", "busy", "no-answer", "failed"), (55, 15, 10, 12, 8))[0],
        ring_seconds=chance.randint(1, 20),
        whisper=chance.choices(("1", "2", None, "hangup"), (75, 5, 8, 12))[0],
        talk_seconds=chance.choice((4, 25, 45, 61, 95, 180, 600)),
    )

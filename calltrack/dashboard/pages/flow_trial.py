"""Trying a call flow: what happens to a call at a certain hour from a certain number, before it goes live."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask.typing import ResponseReturnValue

from calltrack.callflows import drafts
from calltrack.callflows.audio import Announcement, stored
from calltrack.callflows.effective import spots
from calltrack.callflows.picture import svg
from calltrack.callflows.queries import answering
from calltrack.callflows.steps import Flow
from calltrack.callflows.trial import try_call
from calltrack.callflows.trial_path import Path, follow
from calltrack.callflows.walk import Call
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.flow_outline import by_step, name_sounds, with_sound_names
from calltrack.kernel.errors import BadInput
from calltrack.kernel.phone import to_e164
from calltrack.wiring import Services

KEYS = "0123456789*#"
NO_LINE = "+390600000000"


@dataclass(frozen=True)
class Asked:
    """What was typed: day and time by the company's clock, the caller, the keys, and who answers."""

    day: str
    time: str
    caller: str
    keys: str
    number: str
    answered: bool

    def moment(self, zone: str) -> datetime:
        """Return the moment; raises BadInput when it is none."""
        try:
            moment = datetime.fromisoformat(f"{self.day}T{self.time}").replace(tzinfo=ZoneInfo(zone))
        except ValueError:
            raise BadInput("Write a day and a time, such as 2026-12-25 and 09:00.") from None
        if not 2000 <= moment.year <= 2200:
            raise BadInput("Write a day between 2000 and 2200.")
        return moment

    def e164(self, country: str) -> str | None:
        """Return the caller's number; None: withheld. Raises BadInput when it is none."""
        return to_e164(self.caller, country) if self.caller else None


@page("/flows/<id:flow_id>/try", "viewer")
def try_flow(services: Services, here: Here, flow_id: UUID) -> ResponseReturnValue:
    """Show what a call would meet: the way it takes, and every other way."""
    company_id, asked = here.company.id, _asked(here)
    sounds = stored(services.settings.data_dir, company_id)
    with services.db.tenant(company_id) as session:
        draft = drafts.draft_of(session, company_id, flow_id)
        problems = drafts.problems_of(session, company_id, draft.plain)
        numbers = [one for one in spots(session, company_id) if one.kind == "number"]
        chosen = next((one for one in numbers if one.id.hex == asked.number), None) or next(
            iter(numbers), None
        )
        line = answering(session, company_id, chosen.id) if chosen else None
        checked = None if problems else drafts.checked(session, company_id, draft.plain)
    problem, trial, path = "", None, None
    if checked is not None and "day" in request.args:
        try:
            if set(asked.keys) - set(KEYS):
                raise BadInput(
                    "Write the keys the caller presses one after the other, such as 12; * and # are keys."
                )
            call = Call(
                sid="CAtrial",
                caller=asked.e164(here.company.country),
                dialled=line.e164 if line else NO_LINE,
                own_line=line.own_line if line else NO_LINE,
                began=asked.moment(here.company.timezone),
                zone=here.company.timezone,
            )
            trial = try_call(checked, call)
            path = follow(trial, asked.keys, answered=asked.answered)
        except BadInput as wrong:
            problem = str(wrong)
    text: dict[str, Any] = {
        "named": lambda words: name_sounds(words, sounds),
        "picture": _picture(checked, draft.name, path, sounds) if checked else "",
    }
    return render_template(
        "flow_trial.html", draft=draft, problems=by_step(problems), asked=asked, numbers=numbers,
        chosen=chosen, line=line, problem=problem, trial=trial, path=path, **text,
    )  # fmt: skip


def _asked(here: Here) -> Asked:
    now = here.now.astimezone(ZoneInfo(here.company.timezone))
    given = request.args
    return Asked(
        given.get("day", f"{now:%Y-%m-%d}")[:20],
        given.get("time", f"{now:%H:%M}")[:10],
        given.get("caller", "+39 347 123 4567").strip()[:40],
        "".join(given.get("keys", "").split())[:20],
        given.get("number", "")[:32],
        given.get("answered") == "yes",
    )


def _picture(flow: Flow, name: str, path: Path | None, sounds: tuple[Announcement, ...]) -> str:
    return svg(with_sound_names(flow, sounds), name, "tried", _walked(path))


def _walked(path: Path | None) -> frozenset[str]:
    return frozenset(step.partition("=")[0] for step in path.steps) if path else frozenset()

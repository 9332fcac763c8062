"""The form of one step of a call flow: read as it was typed, mistakes included. Works without JavaScript."""

import re
from collections.abc import Mapping
from typing import Final

from calltrack.callflows import editing
from calltrack.callflows.editing import Plain
from calltrack.callflows.opening import DAYS

Form = Mapping[str, str]
KEYS: Final = tuple("1234567890*#")
NOT_USED: Final = "-"
NEW, STEP = "+", "="
TIME: Final = r"(\d{1,2})(?:[:.]?(\d{2}))?"
WINDOW: Final = re.compile(rf"{TIME}\s*[-–—]\s*{TIME}")
MOST_ROWS: Final = 120


def read_step(kind: str, form: Form, language: str) -> Plain:
    """Return a step as it was typed; a branch to a step that is not made yet leads to `+` and its kind."""
    found: Plain = {"kind": kind}
    if kind in ("announce", "menu"):
        found["message"] = read_message(form, "message", language) or {"text": ""}
    elif kind in ("voicemail", "hang_up") and (message := read_message(form, "message", language)):
        found["message"] = message
    match kind:
        case "hours":
            found["hours"] = _hours(form)
        case "menu":
            found["options"] = _options(form)
            _put_numbers(found, form, "seconds", "tries")
        case "ring":
            found |= _ring(form)
        case "by_caller":
            found["branches"] = _branches(form)
        case "voicemail":
            _put_numbers(found, form, "seconds")
        case "reject":
            found["reason"] = form.get("reason", "rejected")
    for branch in editing.FIXED_WAYS.get(kind, ()):
        if to := _to(form.get(branch, "")):
            found[branch] = to
    return found


def with_new_steps(flow: Plain, name: str, country: str) -> tuple[Plain, list[str]]:
    """Make the steps that the branches of a step ask for; returns the flow and their names."""
    made = []
    for way in editing.ways_of(flow["steps"][name]):
        if way.to is not None and way.to.startswith(NEW):
            kind = way.to.removeprefix(NEW)
            step, fresh = editing.fresh(kind, country), editing.free_name(flow, kind)
            owner = editing.leads(flow["steps"][name], way.branch, fresh)
            flow = flow | {"steps": flow["steps"] | {name: owner, fresh: step}}
            made.append(fresh)
    return flow, made


def read_message(form: Form, name: str, language: str) -> Plain | None:
    """Return what is said: a sound file, or a text, or one text per language; None: nothing was written."""
    sound = form.get(f"{name}-sound", "")
    if sound == "url":
        return {"audio": form.get(f"{name}-url", "").strip()}
    if sound:
        return {"audio": sound}
    text = _line(form, f"{name}-text")
    others = {
        tag: words
        for row in range(10)
        if (tag := form.get(f"{name}-other-{row}-language", ""))
        and (words := _line(form, f"{name}-other-{row}-text"))
    }
    if not text and not others:
        return None
    return {"text": {language: text} | others if others else text}


def read_settings(form: Form) -> Plain:
    """Return what holds for the whole flow."""
    language = form.get("language", "it-IT")
    found: Plain = {"language": language}
    if zone := form.get("timezone", "").strip():
        found["timezone"] = zone
    if notice := read_message(form, "notice", language):
        found["notice"] = notice
    return found


def read_windows(text: str) -> list[str]:
    """Return opening times such as `9-13, 15-19` as `09:00-13:00` and `15:00-19:00`; others as they are."""
    found = []
    for part in re.split(r"[,;]", text):
        plain = part.strip()
        if plain and plain.lower() not in ("closed", "chiuso", "geschlossen"):
            times = WINDOW.fullmatch(plain)
            if times:
                plain = "{:0>2}:{:0>2}-{:0>2}:{:0>2}".format(*(one or "00" for one in times.groups()))
            found.append(plain)
    return found


def _hours(form: Form) -> Plain:
    weekly = {day: read_windows(form.get(f"hours-weekly-{day}", "")) for day in DAYS}
    found: Plain = {"weekly": {day: windows for day, windows in weekly.items() if windows}}
    holidays = []
    for row in range(MOST_ROWS):
        own = f"hours-holidays-{row}-"
        day, until = (form.get(own + name, "").strip() for name in ("day", "until"))
        if not day and not until:
            continue
        one: Plain = {"day": day} | ({"until": until} if until else {})
        if windows := read_windows(form.get(own + "open", "")):
            one["open"] = windows
        if label := _line(form, own + "name"):
            one["name"] = label
        holidays.append(one)
    if holidays:
        found["holidays"] = sorted(holidays, key=lambda one: (len(one["day"]), one["day"]))
    if zone := form.get("hours-timezone", "").strip():
        found["timezone"] = zone
    return found


def _options(form: Form) -> Plain:
    found: Plain = {}
    for place, key in enumerate(KEYS):
        own = f"options-{place}-"
        to = form.get(own + "to", NOT_USED)
        if to == NOT_USED:
            continue
        option: Plain = {"to": found_to} if (found_to := _to(to)) else {}
        for name in ("label", "language"):
            if text := _line(form, own + name):
                option[name] = text
        found[key] = option
    return found


def _branches(form: Form) -> list[Plain]:
    found = []
    for row in range(21):
        own = f"branches-{row}-"
        prefixes, countries = (_words(form.get(own + name, "")) for name in ("prefixes", "countries"))
        label, to = _line(form, own + "label"), _to(form.get(own + "to", ""))
        if not (prefixes or countries or label or to):
            continue
        branch: Plain = {}
        for name, value in (("prefixes", prefixes), ("countries", countries), ("label", label), ("to", to),
                            ("language", form.get(own + "language", ""))):  # fmt: skip
            if value:
                branch[name] = value
        found.append(branch)
    return found


def _ring(form: Form) -> Plain:
    targets: list[Plain] = []
    for row in range(12):
        own = f"targets-{row}-"
        what, phone = form.get(own + "is", ""), form.get(own + "phone", "").strip()
        if what == "own":
            target: Plain = {"own_line": True}
        elif what == "phone" or (not what and phone):
            target = {"sip": phone} if phone.lower().startswith("sip") else {"number": phone}
        else:
            continue
        if label := _line(form, own + "label"):
            target["label"] = label
        _put_numbers(target, form, "weight", own=own)
        targets.append(target)
    found: Plain = {"targets": targets, "how": form.get("how", "together")}
    for name in ("sticky", "screening", "record", "star_ends"):
        if name in form:
            found[name] = True
    if "whisper" not in form:
        found["whisper"] = False
    if form.get("opt_out_key") and "record" in form:
        found["opt_out_key"] = form["opt_out_key"]
    if shown := form.get("caller_id", ""):
        found["caller_id"] = shown
    _put_numbers(found, form, "seconds", "most", "time_limit")
    return found


def _put_numbers(found: Plain, form: Form, *names: str, own: str = "") -> None:
    """Put typed numbers in; what is none stays as it is, and its mistake is named."""
    for name in names:
        text = form.get(own + name, "").strip()
        if text:
            found[name] = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else text[:40]


def _to(value: str) -> str | None:
    return value.removeprefix(STEP) or None


def _line(form: Form, name: str) -> str:
    return " ".join(form.get(name, "").split())


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,;]+", text) if word]

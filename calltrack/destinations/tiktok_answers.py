"""Reads what TikTok's Events API answers: a `code` in an HTTP 200, and sometimes which events it means.

How TikTok names single events is not settled in its documents (`data.3.user.phone` in the message, or a list
in `data`): every form seen is read, and where no event is named the request goes again in halves. That is
safe, because the same event and id count once within 48 hours.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec

from calltrack.destinations.outcomes import Class, Outcome, Reading, retry_after
from calltrack.infra.http import HttpAnswer

OK: Final = 0
PARTIAL: Final = 20001
NO_PERMISSION: Final = 40001
INVALID: Final = 40002
THROTTLED: Final = 40100
TOKENS: Final = range(40101, 40200)
THROTTLED_FOR: Final = timedelta(minutes=1)

_PLACE: Final = re.compile(r"\b(?:data|events?)(?:\.|\[)(\d{1,4})\b")
_SOURCE: Final = re.compile(r"event_source|pixel_code|\bpixel\b|event set|access.token", re.IGNORECASE)
_INDEXES: Final = ("order_in_batch", "index", "event_index", "row", "position")
_WORDS: Final = ("error_message", "error_msg", "message", "reason", "description")

_DONE: Final = Outcome(Class.DONE, "OK", "TikTok counted it.")
_AGAIN: Final = Outcome(
    Class.AGAIN, "REQUEST_REFUSED", "The request was refused for another conversion; this one goes again."
)
_SPLIT: Final = Outcome(
    Class.SPLIT,
    "ROW_NOT_NAMED",
    "TikTok refused some conversions of a request without saying which; they go again in halves.",
)


class _Said(msgspec.Struct):
    code: int
    message: str = ""
    data: Any = None


def read_answer(answer: HttpAnswer, ids: Sequence[str]) -> Reading:
    """Return one outcome for each event of the request; `ids` are their event ids in its order."""
    count = len(ids)
    said = _decode(answer)
    if answer.status in (408, 425, 429) or answer.status >= 500:
        wait = retry_after(answer)
        text = f"TikTok answered HTTP {answer.status}."
        return Outcome(
            Class.LATER, f"HTTP_{answer.status}", text, "Nothing to do.", after=wait, holds=True
        ).about(count)
    if answer.status == 413:
        return _all_or_halves(
            Outcome(Class.ROW, "TOO_LARGE", "The event is larger than TikTok takes."), count
        )
    if answer.status in (401, 403):
        return _no_token(f"HTTP_{answer.status}").about(count)
    if said is None:
        return _unreadable(answer).about(count)
    return _by_code(answer, said, ids)


def _by_code(answer: HttpAnswer, said: _Said, ids: Sequence[str]) -> Reading:
    count, code = len(ids), said.code
    if code == OK:
        return _DONE.about(count)
    if code == THROTTLED:
        text = "TikTok asks to send more slowly."
        wait = retry_after(answer) or THROTTLED_FOR
        return Outcome(Class.LATER, "THROTTLED", text, "Nothing to do.", after=wait, holds=True).about(count)
    if code in TOKENS:
        return _no_token(str(code)).about(count)
    if code >= 50_000:
        text = f"TikTok is unwell (code {code})."
        wait_ = retry_after(answer)
        return Outcome(Class.LATER, str(code), text, "Nothing to do.", after=wait_, holds=True).about(count)
    named = _named(said, ids)
    if named:
        rest = _DONE if code == PARTIAL else _AGAIN
        refused = {place: _row(code, words) for place, words in named.items()}
        return tuple(refused.get(place, rest) for place in range(count))
    if code == NO_PERMISSION or (code == INVALID and _SOURCE.search(said.message)):
        text = f"TikTok does not let this token send to the event source ({code}): {_short(said.message)}"
        hint = "Check the pixel or event set id, and make the token in the account that owns it; then resume."
        return Outcome(Class.CONFIG, str(code), text, hint).about(count)
    return _all_or_halves(_row(code, said.message), count)


def _named(said: _Said, ids: Sequence[str]) -> dict[int, str]:
    """Return the places of the events that were refused, with TikTok's words for each."""
    found: dict[int, str] = {}
    places = {id_: place for place, id_ in enumerate(ids) if id_}
    for item in _objects(said.data):
        given = next((item[name] for name in _INDEXES if isinstance(item.get(name), int)), None)
        place = places.get(str(item.get("event_id", "")), given)
        if isinstance(place, int) and 0 <= place < len(ids):
            found[place] = next((str(item[name]) for name in _WORDS if item.get(name)), said.message)
    if not found:
        for match in _PLACE.finditer(said.message):
            if int(match[1]) < len(ids):
                found[int(match[1])] = said.message
    return found


def _objects(data: Any) -> list[dict[str, Any]]:
    """Return the objects in the lists of `data`, or in `data` if it is itself a list."""
    lists = data.values() if isinstance(data, dict) else [data]
    return [item for one in lists if isinstance(one, list) for item in one if isinstance(item, dict)]


def _all_or_halves(alone: Outcome, count: int) -> Reading:
    return (alone,) if count == 1 else _SPLIT.about(count)


def _row(code: int, words: str) -> Outcome:
    hint = "Look at the call: something stored for it is unusual."
    return Outcome(Class.ROW, str(code), f"TikTok refused it: {_short(words)}", hint)


def _no_token(code: str) -> Outcome:
    said = "TikTok does not accept the access token any more."
    hint = "Connect TikTok again, or paste a new access token; until then conversions wait and none is lost."
    return Outcome(Class.CONFIG, code, said, hint)


def _unreadable(answer: HttpAnswer) -> Outcome:
    if 200 <= answer.status < 300:
        said = "TikTok's answer could not be read, so it is not known whether the events arrived."
        hint = "Nothing to do: it is sent again where that cannot count twice, else left to you."
        return Outcome(Class.UNKNOWN, "UNREADABLE", said, hint)
    said = f"TikTok answered HTTP {answer.status}."
    if answer.status == 404 or 300 <= answer.status < 400:
        return Outcome(Class.CONFIG, f"HTTP_{answer.status}", said, "Ask who runs calltrack to update it.")
    return Outcome(Class.BUG, f"HTTP_{answer.status}", said, "Tell who runs calltrack.")


def _short(words: str) -> str:
    text = " ".join(words.split())[:300]
    return text if text.endswith(".") else f"{text or 'no reason given'}."


def _decode(answer: HttpAnswer) -> _Said | None:
    try:
        return msgspec.json.decode(answer.body, type=_Said)
    except msgspec.MsgspecError:
        return None

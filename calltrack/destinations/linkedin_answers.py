"""Reads what LinkedIn answers: receipts by element, refusals that name some of them, and the sign-in's."""

import re
from datetime import timedelta
from typing import Any, Final, TypeVar

import msgspec

from calltrack.destinations.outcomes import Class, Outcome, Reading, Token, retry_after
from calltrack.infra.http import HttpAnswer

T = TypeVar("T", bound=msgspec.Struct)
_NAMED: Final = re.compile(r"Index:\s*(\d{1,5})\s*,")
_INDICES: Final = re.compile(r"indices\s*\[([\d,\s]+)\]")
_LOOK: Final = "Look at the call: something stored for it is unusual."
_RECONNECT: Final = "Connect LinkedIn again, or paste a new access token; until then nothing is lost."


class _Granted(msgspec.Struct):
    access_token: str = ""
    expires_in: int = 60 * 86_400
    refresh_token: str = ""
    error: str = ""


class _Element(msgspec.Struct):
    status: int
    error: Any = None


class _Receipt(msgspec.Struct):
    elements: list[_Element]


class _Failed(msgspec.Struct):
    message: str = ""
    code: str | int = ""
    serviceErrorCode: int = 0  # noqa: N815 (LinkedIn's spelling)


_DONE: Final = Outcome(Class.DONE, "CREATED", "LinkedIn counted it.")
_AGAIN: Final = Outcome(
    Class.AGAIN, "REQUEST_REFUSED", "The request was refused for another conversion; this one goes again."
)
_SPLIT: Final = Outcome(
    Class.SPLIT,
    "ROW_NOT_NAMED",
    "LinkedIn refused some conversions of a request without saying which; they go again in halves.",
)


def read_token(answer: HttpAnswer) -> Token | Outcome:
    """Read the answer to the refresh-token grant: a token, or why there is none."""
    said = _decode(answer, _Granted) or _Granted()
    if answer.status == 200 and said.access_token:
        return Token(said.access_token, timedelta(seconds=said.expires_in), said.refresh_token or None)
    if answer.status == 429 or answer.status >= 500 or not said.error:
        text = "LinkedIn's sign-in service is unwell."
        return Outcome(Class.LATER, f"TOKEN_HTTP_{answer.status}", text, "Nothing to do.")
    text = "LinkedIn has withdrawn the connection, or it expired."
    return Outcome(Class.CONFIG, said.error.upper()[:60], text, _RECONNECT)


def read_created(answer: HttpAnswer, count: int) -> Reading:
    """Return one outcome per element for the answer to BATCH_CREATE."""
    status = answer.status
    if 200 <= status < 300:
        return _receipt(answer, count)
    said = _decode(answer, _Failed) or _Failed()
    if status in (408, 409, 425, 429) or status >= 500:
        text = f"LinkedIn answered HTTP {status}."
        return Outcome(
            Class.LATER, f"HTTP_{status}", text, "Nothing to do.", after=retry_after(answer)
        ).about(count)
    config = _config(status, said)
    if config is not None:
        return config.about(count)
    if status in (400, 413, 422):
        return _refused(status, said.message, count)
    text = f"LinkedIn answered HTTP {status}: {_short(said.message)}"
    return Outcome(Class.BUG, f"HTTP_{status}", text, "Tell who runs calltrack.").about(count)


def _receipt(answer: HttpAnswer, count: int) -> Reading:
    if not answer.body.strip():
        return _DONE.about(count)
    receipt = _decode(answer, _Receipt)
    if receipt is None or len(receipt.elements) != count:
        text = "LinkedIn's answer could not be read, so it is not known whether the conversions arrived."
        hint = "Nothing to do: it is sent again where that cannot count twice, else left to you."
        return Outcome(Class.UNKNOWN, "UNREADABLE", text, hint).about(count)
    return tuple(_element(element) for element in receipt.elements)


def _element(element: _Element) -> Outcome:
    status = element.status
    if 200 <= status < 300:
        return _DONE
    if status == 429 or status >= 500:
        text = f"LinkedIn could not take it (status {status})."
        return Outcome(Class.LATER, f"ROW_{status}", text, "Nothing to do: calltrack sends it again.")
    said = element.error.get("message") if isinstance(element.error, dict) else None
    text = f"LinkedIn refused it: {_short(str(said))}" if said else f"LinkedIn refused it (status {status})."
    return Outcome(Class.ROW, f"ROW_{status}", text, _LOOK)


def _config(status: int, said: _Failed) -> Outcome | None:
    """Return what a person must change, where the whole connection is at fault."""
    if status == 401:
        code = str(said.serviceErrorCode or "HTTP_401")
        text = "LinkedIn does not accept the access any more: it expired or was withdrawn."
        return Outcome(Class.CONFIG, code, text, _RECONNECT)
    if status == 426 or "VERSION" in str(said.code).upper():
        text = "LinkedIn has ended the API version that calltrack speaks."
        hint = "Enter a newer version in the settings (year and month, such as the present one), then resume."
        return Outcome(Class.CONFIG, "VERSION_ENDED", text, hint)
    if status == 403:
        text = f"LinkedIn does not allow this connection to send conversions: {_short(said.message)}"
        hint = "Sign in as somebody who may manage the ad account, with the permission rw_conversions."
        return Outcome(Class.CONFIG, "HTTP_403", text, hint)
    if status == 404 or (status == 400 and "CONVERSIONS_API" in said.message):
        text = f"LinkedIn does not take conversions for this rule: {_short(said.message)}"
        hint = "Enter the number of a rule of your ad account with the data source Conversions API."
        return Outcome(Class.CONFIG, "WRONG_RULE", text, hint)
    if 300 <= status < 400:
        text = f"LinkedIn answered HTTP {status}."
        return Outcome(Class.CONFIG, f"HTTP_{status}", text, "Ask who runs calltrack to update it.")
    return None


def _refused(status: int, message: str, count: int) -> Reading:
    named = {place: words for place, words in _named(message).items() if place < count}
    if named:
        return tuple(
            Outcome(Class.ROW, f"HTTP_{status}", f"LinkedIn refused it: {_short(named[place])}", _LOOK)
            if place in named
            else _AGAIN
            for place in range(count)
        )
    if count > 1:
        return _SPLIT.about(count)
    class_, hint = (Class.BUG, "Tell who runs calltrack.") if status == 400 else (Class.ROW, _LOOK)
    return (Outcome(class_, f"HTTP_{status}", f"LinkedIn refused it: {_short(message)}", hint),)


def _named(message: str) -> dict[int, str]:
    """Return the places that a refusal names, with LinkedIn's words for each."""
    parts = _NAMED.split(message)
    found = {int(place): words for place, words in zip(parts[1::2], parts[2::2], strict=True)}
    for listed in _INDICES.finditer(message):
        found |= {int(place): message for place in listed[1].replace(",", " ").split()}
    return found


def _short(words: str) -> str:
    text = " ".join(words.replace("ERROR ::", "").split())[:300]
    return text if text.endswith(".") else f"{text or 'no reason given'}."


def _decode(answer: HttpAnswer, type_: type[T]) -> T | None:
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except msgspec.MsgspecError:
        return None

"""From words to conversions: what all that was said about a call comes to.

The words are sorted by when they were said and by their content, never by when they arrived, so any order of
arrival and any number of repetitions end in the same purchases and the same lead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from calltrack.conversions.rules import Said, Via, rank

Ended = Literal["", "none", "refund", "cancel", "rule", "merge"]
# Of words said at the very same moment, the later in this list is taken to be the later said.
_ORDER: tuple[Said, ...] = ("purchase", "refund", "lead", "none", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Word:
    """Something that was said about a call; values are in minor units of `currency`."""

    kind: Said
    said_at: datetime
    by: str
    via: Via
    currency: str
    value_minor: int | None = None
    external_id: str = ""
    reason: str = ""
    occurred_at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """What one purchase comes to: whether it counts, its value after refunds, and whose word decided."""

    external_id: str
    counts: bool
    ended_by: Ended
    value_minor: int
    currency: str
    occurred_at: datetime | None
    by: str
    via: Via
    reason: str


def in_order(words: Iterable[Word]) -> list[Word]:
    """Return the words as they were said, each once."""

    def place(word: Word) -> tuple[object, ...]:
        moment = word.occurred_at.isoformat() if word.occurred_at else ""
        size = -1 if word.value_minor is None else word.value_minor
        told = (word.currency, word.external_id, word.via, word.by, word.reason, moment)
        return (word.said_at, _ORDER.index(word.kind), size, *told)

    return sorted(set(words), key=place)


def standings(words: Iterable[Word], ruled: Word | None = None) -> dict[str, Standing]:
    """Return the call's purchases by the name of their order.

    A word without a name is about the order named last before it, else about the first order named after it,
    else about the call's own purchase (the empty name). `ruled` is the purchase the company's rules make of
    the call, or None; a person's or another system's word stands above it. What was never told with a value
    is no purchase.
    """
    said = in_order(words)
    named = [word.external_id for word in said if word.kind == "purchase" and word.external_id]
    about: dict[str, list[Word]] = {}
    present = named[0] if named else ""
    for word in said:
        if word.external_id and word.kind == "purchase":
            present = word.external_id
        if word.external_id:
            about.setdefault(word.external_id, []).append(word)
        elif word.kind in ("lead", "none"):
            for name in {*named, ""}:
                about.setdefault(name, []).append(word)
        else:
            about.setdefault(present, []).append(word)
    if ruled:
        meant = {named[0] if named else ""}
        meant |= {name for name, mine in about.items() if _lacks_value(mine)}
        for name in meant:
            about.setdefault(name, []).append(ruled)
    found = {name: _standing(name, mine) for name, mine in about.items()}
    return {name: one for name, one in found.items() if one}


def lead_word(words: Iterable[Word]) -> Word | None:
    """Return the word that decides whether the call is a lead (`lead` or `none`); None: the rule decides.

    Somebody who first said `none` and then told of a purchase took the `none` back.
    """
    last: Word | None = None
    for word in in_order(words):
        if word.kind == "lead" or (word.kind == "none" and not word.external_id):
            last = word
        elif word.kind == "purchase" and last is not None and last.kind == "none":
            last = None
    return last


def _lacks_value(mine: Sequence[Word]) -> bool:
    told = [word for word in mine if word.kind == "purchase"]
    return bool(told) and all(word.value_minor is None for word in told)


def _standing(name: str, mine: Sequence[Word]) -> Standing | None:
    said = [word for word in mine if word.via != "rule"]
    valued = [word for word in mine if word.kind == "purchase" and word.value_minor is not None]
    told = [word for word in mine if word.kind == "purchase"]
    if not valued:
        return None
    best = max(rank(word.via) for word in valued)
    value = [word for word in valued if rank(word.via) == best][-1]
    refund = next((word for word in reversed(said) if word.kind == "refund"), None)
    status = next((word for word in reversed(said) if word.kind != "refund"), told[-1])
    full = value.value_minor or 0
    back = 0 if refund is None else full if refund.value_minor is None else refund.value_minor
    moment = next((word.occurred_at for word in told if word.occurred_at), None)
    ended: Ended = "" if status.kind == "purchase" else "cancel" if status.kind == "cancelled" else "none"
    if not ended and refund and back >= full:
        ended = "refund"
    decides = _decider(said, value, status, refund, ended)
    net = full - back if not ended else full
    return Standing(
        name, not ended, ended, net, value.currency, moment, decides.by, decides.via, decides.reason
    )


def _decider(said: Sequence[Word], value: Word, status: Word, refund: Word | None, ended: Ended) -> Word:
    """Return the word that is shown as the reason: what ended it, else the last that changed its value."""
    if ended == "refund" and refund:
        return refund
    if ended:
        return status
    later = [word for word in (value, refund) if word is not None]
    return max(later, key=lambda word: word.said_at) if len(later) > 1 else value

"""What counted at the twins: one effect per conversion, kept in memory and in one append-only file.

The effects are the truth that tests and the chaos suite compare with our own ledger: an effect exists once,
however often its event arrived. The file brings them back after a restart of the sandbox.
"""

import os
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

RECENT = 400
KEPT_RECEIPTS = 20_000

Change = Literal["counted", "replaced", "repeated", "retracted"]


class Effect(msgspec.Struct, array_like=True, tag="e", gc=False):
    """One conversion as the platform counts it."""

    platform: str
    target: str
    """The account and conversion action, or the receiver."""
    id: str
    click: str
    occurred_at: str
    first_at: float
    changed_at: float
    currency: str
    values: tuple[float | None, ...]
    """Every value it has had, in the order they came; the last one counts."""
    has_contacts: bool = False
    received: int = 1
    """How often its event has arrived, changes and retractions included."""
    retracted: bool = False
    """Taken back: it stays known (its id is used up), but counts no more."""


class Receipt(msgspec.Struct, array_like=True, tag="r"):
    """What an asynchronous request will be answered with once it is processed."""

    id: str
    at: float
    parts: list["Part"]


class Part(msgspec.Struct, array_like=True):
    """One destination of a request: how many records, which failed for what."""

    destination: msgspec.Raw
    count: int
    errors: dict[str, list[int]]


class Seen(msgspec.Struct, gc=False):
    """One line of the page: an event that arrived and what the twin did with it."""

    at: float
    platform: str
    target: str
    id: str
    click: str
    value: float | None
    currency: str
    status: str


_LINE = msgspec.json.Decoder(Effect | Receipt)


class Journal:
    """Effects, receipts and counts of all twins. Thread-safe."""

    def __init__(self, path: Path | None) -> None:
        self.lock = threading.RLock()
        self.counts: Counter[str] = Counter()
        self.recent: deque[Seen] = deque(maxlen=RECENT)
        self._effects: dict[tuple[str, str, str], Effect] = {}
        self._receipts: OrderedDict[str, Receipt] = OrderedDict()
        self._encoder = msgspec.json.Encoder()
        self._file: int | None = None
        if path is not None:
            self._open(path)

    def apply(self, effect: Effect) -> Change:
        """Count an event, or take it as the same one again, or as a new value of the same one."""
        key = (effect.platform, effect.target, effect.id)
        known = self._effects.get(key)
        if known is None:
            self._effects[key] = effect
            return "counted"
        known.received += 1
        known.changed_at = effect.changed_at
        known.has_contacts = known.has_contacts or effect.has_contacts
        if effect.values[-1] is None or (
            known.values[-1] == effect.values[-1] and effect.currency in ("", known.currency)
        ):
            return "repeated"
        # Only value and currency are ever overwritten; click and time stay those of the first event.
        known.values = (*known.values, effect.values[-1])[-16:]
        known.currency = effect.currency or known.currency
        return "replaced"

    def retract(self, platform: str, target: str, id_: str, at: float) -> Change | None:
        """Take an effect back; None if there is no such effect, "repeated" if it was taken back before."""
        known = self._effects.get((platform, target, id_))
        if known is None:
            return None
        known.received += 1
        known.changed_at = at
        if known.retracted:
            return "repeated"
        known.retracted = True
        return "retracted"

    def known(self, platform: str, target: str, id_: str) -> Effect | None:
        """Return the effect with this key, if there is one."""
        return self._effects.get((platform, target, id_))

    def effects(self, platform: str = "", id_: str = "") -> list[Effect]:
        """Return the effects in the order they first counted."""
        with self.lock:
            return [
                effect
                for effect in self._effects.values()
                if (not platform or effect.platform == platform) and (not id_ or effect.id == id_)
            ]

    def keep_receipt(self, receipt: Receipt) -> None:
        """Remember a receipt; the oldest ones are forgotten."""
        self._receipts[receipt.id] = receipt
        while len(self._receipts) > KEPT_RECEIPTS:
            self._receipts.popitem(last=False)

    def receipt(self, id_: str) -> Receipt | None:
        """Return the receipt with this id, if it is still known."""
        with self.lock:
            return self._receipts.get(id_)

    def write(self, entries: Iterable[Effect | Receipt]) -> None:
        """Append to the file in one write, so that a line is there whole or not at all."""
        if self._file is None:
            return
        data = b"".join(self._encoder.encode(entry) + b"\n" for entry in entries)
        if data:
            os.write(self._file, data)

    def clear(self) -> None:
        """Forget everything, the file included."""
        with self.lock:
            self._effects.clear()
            self._receipts.clear()
            self.recent.clear()
            self.counts.clear()
            if self._file is not None:
                os.ftruncate(self._file, 0)

    def _open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines, whole = 0, True
        if path.exists():
            with path.open("rb") as file:
                for line in file:
                    lines, whole = lines + 1, line.endswith(b"\n")
                    self._take_back(line)
        if lines > 2 * (len(self._effects) + len(self._receipts)) + 1000:
            fresh = path.with_suffix(".new")
            with fresh.open("wb") as file:
                for entry in (*self._effects.values(), *self._receipts.values()):
                    file.write(self._encoder.encode(entry) + b"\n")
            fresh.replace(path)
        for effect in self._effects.values():
            self.counts[f"{effect.platform}.counted"] += 1
            self.counts[f"{effect.platform}.replaced"] += len(effect.values) - 1
            self.counts[f"{effect.platform}.retracted"] += effect.retracted
            told = len(effect.values) + effect.retracted
            self.counts[f"{effect.platform}.repeated"] += effect.received - told
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if not whole:
            os.write(self._file, b"\n")

    def _take_back(self, line: bytes) -> None:
        try:
            entry = _LINE.decode(line)
        except msgspec.MsgspecError:
            return  # The last line may be half written when the sandbox was killed.
        if isinstance(entry, Receipt):
            self.keep_receipt(entry)
        else:
            self._effects[(entry.platform, entry.target, entry.id)] = entry

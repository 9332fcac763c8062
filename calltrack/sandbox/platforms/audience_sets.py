"""Who is in which customer list at the twins: plain sets, the truth that tests compare with our ledger."""

import os
import threading
from collections.abc import Iterable
from pathlib import Path

import msgspec


class Change(msgspec.Struct, array_like=True):
    """One request that changed a list."""

    platform: str
    list_id: str
    action: str
    members: list[str]


_LINE = msgspec.json.Decoder(Change)


class MemberSets:
    """The lists of all twins, kept in memory and in one append-only file. Thread-safe."""

    def __init__(self, path: Path | None) -> None:
        """Read what the file remembers (None: in memory only)."""
        self._lock = threading.Lock()
        self._sets: dict[tuple[str, str], set[str]] = {}
        self._file: int | None = None
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        for line in path.read_bytes().splitlines() if path.exists() else []:
            try:
                self._apply(_LINE.decode(line))
            except msgspec.MsgspecError:
                continue  # The last line may be half written when the sandbox was killed.
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def change(self, platform: str, list_id: str, action: str, members: Iterable[str]) -> None:
        """Add or remove members, named `kind:hash`; repetitions change nothing."""
        change = Change(platform, list_id, action, sorted(members))
        with self._lock:
            self._apply(change)
            if self._file is not None:
                os.write(self._file, msgspec.json.encode(change) + b"\n")

    def members(self, platform: str, list_id: str) -> set[str]:
        """Return who is in a list."""
        with self._lock:
            return set(self._sets.get((platform, list_id), ()))

    def shown(self) -> list[dict[str, object]]:
        """Return every list with its size and its members."""
        with self._lock:
            return [
                {"platform": platform, "list_id": list_id, "size": len(members), "members": sorted(members)}
                for (platform, list_id), members in sorted(self._sets.items())
            ]

    def clear(self) -> None:
        """Forget everything, the file included."""
        with self._lock:
            self._sets.clear()
            if self._file is not None:
                os.ftruncate(self._file, 0)

    def _apply(self, change: Change) -> None:
        present = self._sets.setdefault((change.platform, change.list_id), set())
        if change.action == "add":
            present.update(change.members)
        else:
            present.difference_update(change.members)

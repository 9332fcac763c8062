"""Seconds of processor time that servers and their database used: on a busy machine the steadier figure.

How many requests a second are answered depends on who else wants the processor; how much of it a request
takes depends on that far less.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def used_by(roots: Collection[int]) -> float:
    """Return the seconds used so far by these processes and all below them, ended ones included."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                words = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(words[1])
                seconds[int(entry.name)] = sum(int(word) for word in words[11:15]) / TICKS
    return sum(used for pid, used in seconds.items() if _is_below(pid, roots, parents))


def _is_below(pid: int, roots: Collection[int], parents: dict[int, int]) -> bool:
    while pid:
        if pid in roots:
            return True
        pid = parents.get(pid, 0)
    return False


def serving(home: Path, role: str) -> list[int]:
    """Return the processes of the database below a folder that serve connections of a role."""
    begun, found = f"postgres: {role} ".encode(), []
    for child in Path(f"/proc/{postmaster(home)}/task/{postmaster(home)}/children").read_text().split():
        with suppress(OSError):
            if Path(f"/proc/{child}/cmdline").read_bytes().startswith(begun):
                found.append(int(child))
    return found


def postmaster(home: Path) -> int:
    """Return the process of the database whose files lie below a folder."""
    (found,) = home.glob("**/postmaster.pid")
    return int(found.read_text().split()[0])

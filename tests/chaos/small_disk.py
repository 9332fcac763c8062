"""A disk of a few megabytes that can be filled: a tmpfs where we are root, else a bound on files' sizes."""

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.voice_rig import children_of

BALLAST = "ballast"


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Make the folder a disk of its own, so large; without root it stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        yield folder
        return
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)], check=True
    )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(folder: Path, pid: int) -> Iterator[None]:
    """Leave no byte free while this lasts; `pid` (and its children) are who writes there."""
    if os.geteuid() == 0:
        fill(folder)
        try:
            yield
        finally:
            (folder / BALLAST).unlink()
        return
    writers = [pid, *children_of(pid)]
    for writer in writers:
        resource.prlimit(writer, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for writer in writers:
            if Path(f"/proc/{writer}").exists():
                resource.prlimit(writer, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)


def fill(folder: Path) -> None:
    """Write until the disk takes no more."""
    with (folder / BALLAST).open("wb", buffering=0) as file:
        block = b"\0" * 65_536
        while block:
            try:
                file.write(block)
            except OSError:
                block = block[: len(block) // 2]

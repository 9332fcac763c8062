"""The spool: on the disk when acknowledged, emptied once, in order, by whoever lives."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from calltrack.calls import spool as spool_module
from calltrack.calls.spool import Spool, Undeliverable, drain, is_empty


def drained(folder: Path) -> list[bytes]:
    lines: list[bytes] = []
    drain(folder, lines.append)
    return lines


def test_lines_come_back_in_order_and_only_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "a")
    lines = [b"line %d" % number for number in range(2500)]  # Three segments.
    for line in lines:
        spool.append(line)
    spool.seal()
    assert len(list((tmp_path / "spool").glob("*.jsonl"))) == 3
    assert drained(tmp_path / "spool") == lines
    assert is_empty(tmp_path / "spool")
    spool.append(b"more")
    spool.seal()
    assert drained(tmp_path / "spool") == [b"more"]


def test_a_segment_being_written_is_left_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "a")
    spool.append(b"one")
    assert drained(tmp_path) == []
    assert not is_empty(tmp_path)
    spool.seal()
    assert drained(tmp_path) == [b"one"]


def test_threads_lose_nothing_while_it_is_emptied(tmp_path: Path) -> None:
    spool, taken = Spool(tmp_path, "a"), list[bytes]()

    def write(thread: int) -> None:
        for number in range(100):
            spool.append(b"%d %d" % (thread, number))

    with ThreadPoolExecutor(8) as threads:
        writers = [threads.submit(write, thread) for thread in range(8)]
        while not all(writer.done() for writer in writers):
            spool.seal()
            taken += drained(tmp_path)
    spool.seal()
    taken += drained(tmp_path)
    assert sorted(taken) == sorted(b"%d %d" % (t, n) for t in range(8) for n in range(100))


def test_a_dead_writer_leaves_whole_lines_and_a_torn_one_is_skipped(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from calltrack.calls.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), 'dead'); spool.append(b'whole'); spool.append(b'too')\n"
        "os.write(spool._file, b'torn'); os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=root, check=False)
    assert drained(tmp_path) == [b"whole", b"too"]


def test_a_failing_receiver_keeps_the_segment_for_the_next_time(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "a")
    for line in (b"1", b"2", b"3"):
        spool.append(line)
    spool.seal()
    seen: list[bytes] = []

    def refuse_the_second(line: bytes) -> None:
        seen.append(line)
        if len(seen) == 2:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        drain(tmp_path, refuse_the_second)
    assert drained(tmp_path) == [b"1", b"2", b"3"]


def test_a_line_that_can_never_be_taken_does_not_stop_the_others(tmp_path: Path) -> None:
    spool, taken = Spool(tmp_path, "a"), list[bytes]()
    for line in (b"1", b"poison", b"3"):
        spool.append(line)
    spool.seal()

    def deliver(line: bytes) -> None:
        if line == b"poison":
            raise Undeliverable("no such number")
        taken.append(line)

    drain(tmp_path, deliver)
    assert taken == [b"1", b"3"]
    assert (tmp_path / spool_module.REJECTED).read_bytes() == b"poison\n"
    assert is_empty(tmp_path)


def test_every_line_is_synced_before_it_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def sync(file: int) -> None:
        synced.append(os.fstat(file).st_size)
        real(file)

    monkeypatch.setattr(os, "fsync", sync)
    spool = Spool(tmp_path, "a")
    spool.append(b"12345")
    assert synced[-1] == 6
    spool.append(b"12345")
    assert synced[-1] == 12


def test_files_are_private(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "a")
    spool.append(b"1")
    (path,) = (tmp_path / "spool").iterdir()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_no_disk_is_an_error_and_not_a_silent_loss(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(FileExistsError):
        Spool(tmp_path / "spool", "a").append(b"1")

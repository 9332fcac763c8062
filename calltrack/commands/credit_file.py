"""Reads journeys from a file: large ones in several processes, each a stretch of whole lines."""

import codecs
import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import BinaryIO

from calltrack.journeys.credit.choice import Choice
from calltrack.journeys.credit.lines import BadLine, Reader, whole_lines
from calltrack.journeys.credit.paths import Paths, joined
from calltrack.kernel.errors import BadInput

PIECE = 1 << 20
SHARED_FROM = 64 << 20
"""From this size on a file is worth the start of further processes."""
MOST_PROCESSES = 4


def read_journeys(path: str, choice: Choice, processes: int | None = None) -> Paths:
    """Return the journeys of a file, or of standard input for `-`.

    `processes` says how many read a file; by default one, or all there may be for a large file.

    Raises:
        BadInput: a line makes no sense; the sentence names it.
        OSError: the file cannot be read.
    """
    if path == "-":
        return _read_stream(sys.stdin.buffer, choice)
    size = os.stat(path).st_size
    if processes is None:
        processes = 1 if size < SHARED_FROM else min(MOST_PROCESSES, len(os.sched_getaffinity(0)))
    if processes == 1:
        with Path(path).open("rb") as file:
            return _read_stream(file, choice)
    stretches = _stretches(path, size, processes)
    # A fresh interpreter each: a fork would inherit the arithmetic library's threads in an unknown state.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(stretches), mp_context=context) as pool:
        parts = [pool.submit(_read_stretch, path, *stretch, choice) for stretch in stretches]
        try:
            return joined([part.result() for part in parts])
        except BadLine as problem:
            raise _named(path, problem) from None


def _read_stream(stream: BinaryIO, choice: Choice) -> Paths:
    reader = Reader(choice)
    lines_before = 0
    for text in whole_lines(_marked_no_more(iter(lambda: stream.read(PIECE), b""))):
        try:
            reader.add(text)
        except BadLine as problem:
            line = lines_before + text.count(b"\n", 0, problem.offset) + 1
            raise BadInput(f"Line {line}: {problem.reason}.") from None
        lines_before += text.count(b"\n")
    return reader.paths()


def _read_stretch(path: str, start: int, end: int, choice: Choice) -> Paths:
    reader = Reader(choice)
    at = start
    pieces = _pieces(path, start, end)
    for text in whole_lines(pieces if start else _marked_no_more(pieces)):
        try:
            reader.add(text)
        except BadLine as problem:
            raise BadLine(at + problem.offset, problem.reason) from None
        at += len(text)
    return reader.paths()


def _marked_no_more(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Blank out the mark some programs begin UTF-8 files with; lines and places stay where they are."""
    for place, piece in enumerate(pieces):
        has_mark = not place and piece.startswith(codecs.BOM_UTF8)
        yield b"   " + piece[3:] if has_mark else piece


def _pieces(path: str, start: int, end: int) -> Iterator[bytes]:
    with Path(path).open("rb") as file:
        file.seek(start)
        while start < end and (piece := file.read(min(PIECE, end - start))):
            start += len(piece)
            yield piece


def _stretches(path: str, size: int, count: int) -> list[tuple[int, int]]:
    """Return stretches of about equal length that begin and end with lines."""
    cuts = [0]
    with Path(path).open("rb") as file:
        for part in range(1, count):
            file.seek(size * part // count)
            file.readline()
            cuts.append(file.tell())
    return [(start, end) for start, end in zip(cuts, [*cuts[1:], size], strict=True) if start < end]


def _named(path: str, problem: BadLine) -> BadInput:
    before = sum(piece.count(b"\n") for piece in _pieces(path, 0, problem.offset))
    return BadInput(f"Line {before + 1}: {problem.reason}.")

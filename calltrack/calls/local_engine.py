"""A program of the server's owner that turns sound into words: WAV on its standard input, JSON on its output.

    {"language": "it", "segments": [{"start": 1.2, "channel": 1, "text": "Buongiorno"}]}

It gets no secrets in its environment, and neither sound nor words touch the disk.
"""

import os
import shlex
import subprocess
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import IO

import msgspec

from calltrack.calls.transcripts import EngineFailed, Speaker, Spoken, Utterance

MOST_OUTPUT = 8_000_000
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


class Segment(msgspec.Struct):
    """A stretch of speech; `channel` counts from 1, where the recording has two."""

    text: str
    start: float = 0.0
    channel: int = 0


class Printed(msgspec.Struct):
    """What the program prints."""

    segments: list[Segment]
    language: str = ""


class LocalEngine:
    """Runs the program named by TRANSCRIBE_COMMAND (see `transcripts.Engine`)."""

    name = "local"

    def __init__(self, command: str, seconds: float) -> None:
        """Take the command as typed in a shell (no shell runs it) and how long it may take.

        Raises:
            EngineFailed: it cannot be read as a command.
        """
        try:
            self._command = shlex.split(command)
        except ValueError as problem:
            raise EngineFailed(f"TRANSCRIBE_COMMAND cannot be read: {problem}.") from None
        self._seconds = seconds

    def transcribe(self, wav: Iterable[bytes], caller_channel: int) -> Spoken:
        """See `Engine`."""
        printed = self._read(self._run(wav))
        said = sorted(printed.segments, key=lambda one: one.start)
        return Spoken(
            printed.language[:20],
            tuple(
                Utterance(
                    round(one.start, 1), _speaker(one.channel, caller_channel), " ".join(one.text.split())
                )
                for one in said
                if one.text.strip()
            ),
        )

    def _run(self, wav: Iterable[bytes]) -> bytes:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        try:
            # The owner of the server names the command; nothing of a call is part of it.
            process = subprocess.Popen(  # noqa: S603 - see above
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                env=environment,
            )  # fmt: skip
        except OSError as problem:
            raise EngineFailed(
                f"TRANSCRIBE_COMMAND cannot be started ({problem.strerror}); try it by hand on this machine."
            ) from None
        assert process.stdin is not None
        assert process.stdout is not None
        output = bytearray()
        reader = threading.Thread(target=_collect, args=(process.stdout, output), daemon=True)
        reader.start()
        overdue = threading.Event()
        timer = threading.Timer(self._seconds, _kill, (process, overdue))
        timer.start()
        try:
            with suppress(BrokenPipeError):  # It ended early; its exit code says how.
                for chunk in wav:
                    process.stdin.write(chunk)
            with suppress(BrokenPipeError):
                process.stdin.close()
            code = process.wait()
        finally:
            timer.cancel()
            process.kill()  # Nothing happens to one that has ended.
            process.wait()
            reader.join()
            process.stdout.close()
            with suppress(BrokenPipeError):
                process.stdin.close()
        if overdue.is_set():
            raise EngineFailed(
                f"The transcription took longer than {self._seconds:g} s; raise TRANSCRIBE_SECONDS."
            )
        if code != 0:
            raise EngineFailed(
                f"TRANSCRIBE_COMMAND ended with code {code}; try it by hand with a recording to see why."
            )
        return bytes(output)

    def _read(self, output: bytes) -> Printed:
        if len(output) > MOST_OUTPUT:
            raise EngineFailed("TRANSCRIBE_COMMAND printed more than 8 MB; it shall print one JSON object.")
        try:
            return msgspec.json.decode(output, type=Printed)
        except msgspec.DecodeError:
            raise EngineFailed(
                'TRANSCRIBE_COMMAND did not print JSON like {"language": "it", "segments": [{"start": 0, '
                '"channel": 1, "text": "..."}]}.'
            ) from None


def _collect(pipe: IO[bytes], output: bytearray) -> None:
    """Read to the end, so that the program never waits for us; keep no more than is allowed."""
    while chunk := pipe.read(65_536):
        if len(output) <= MOST_OUTPUT:
            output += chunk


def _kill(process: "subprocess.Popen[bytes]", overdue: threading.Event) -> None:
    overdue.set()
    process.kill()


def _speaker(channel: int, caller_channel: int) -> Speaker:
    if channel not in (1, 2):
        return ""
    return "caller" if channel == caller_channel else "business"

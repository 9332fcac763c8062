"""What a carrier shall do with a call, in our own words.

A plan that cannot be carried out (no number to ring, a recording nobody is told of) cannot be built.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Literal
from urllib.parse import urlsplit

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
LANGUAGE = re.compile(r"[a-z]{2,3}-[A-Z]{2}")
MOST_TARGETS = 10
LONGEST_TEXT = 4000


@dataclass(frozen=True, kw_only=True)
class HookUrls:
    """Where the carrier reports and asks while it carries out a plan (absolute, plain ASCII)."""

    action: str
    leg: str
    whisper: str | None = None
    recording: str | None = None
    voicemail: str | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_url(field.name, getattr(self, field.name))


@dataclass(frozen=True, kw_only=True)
class CallPlan:
    """Connect the caller to the business: say the announcement, ring the targets, whisper, join them."""

    targets: tuple[str, ...]
    urls: HookUrls
    announcement: str | None = None
    language: str | None = None
    ring_seconds: int = 18
    """Mailboxes pick up at about 20 s: ring shorter than that."""
    sequential: bool = False
    """Ring the targets one after the other; all at once otherwise."""
    whisper: str | None = None
    """What the business hears before it is joined; the carrier fetches it from `urls.whisper`."""
    caller_id: Literal["caller", "called"] = "caller"
    called: str | None = None
    """The tracking number; needed for caller_id "called"."""
    record: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.targets) <= MOST_TARGETS:
            raise ValueError(f"A call plan rings 1 to {MOST_TARGETS} numbers, not {len(self.targets)}")
        for target in self.targets:
            _check_number("target", target)
        if not 5 <= self.ring_seconds <= 600:
            raise ValueError(f"ring_seconds must be between 5 and 600, not {self.ring_seconds}")
        _check_text("announcement", self.announcement)
        _check_text("whisper", self.whisper)
        _check_language(self.language)
        if self.whisper is not None and self.urls.whisper is None:
            raise ValueError("A whisper needs urls.whisper")
        if self.record and self.announcement is None:
            raise ValueError("A call is recorded only after an announcement says so: set announcement")
        if self.record and self.urls.recording is None:
            raise ValueError("A recording needs urls.recording")
        if self.caller_id == "called":
            _check_number("called", self.called or "")


@dataclass(frozen=True, kw_only=True)
class Whisper:
    """What the business hears before it is joined with the caller; with `accept_url` it must press 1."""

    text: str
    language: str | None = None
    accept_url: str | None = None

    def __post_init__(self) -> None:
        _check_text("text", self.text)
        _check_language(self.language)
        _check_url("accept_url", self.accept_url)


@dataclass(frozen=True, kw_only=True)
class Voicemail:
    """Where a message of the caller goes."""

    action: str
    recording: str | None = None
    max_seconds: int = 120

    def __post_init__(self) -> None:
        _check_url("action", self.action)
        _check_url("recording", self.recording)
        if not 5 <= self.max_seconds <= 3600:
            raise ValueError(f"max_seconds must be between 5 and 3600, not {self.max_seconds}")


@dataclass(frozen=True, kw_only=True)
class AfterDial:
    """What the caller meets when the ringing is over: words, then the voicemail, else the end."""

    say: str | None = None
    language: str | None = None
    voicemail: Voicemail | None = None

    def __post_init__(self) -> None:
        _check_text("say", self.say)
        _check_language(self.language)


@dataclass(frozen=True, kw_only=True)
class SafeAnswer:
    """The answer when we know nothing of the number: ring the fallback number, if there is one.

    The text is said when there is none, or when nobody is asked (no `action`) after the ringing.
    """

    text: str
    language: str | None = None
    target: str | None = None
    action: str | None = None
    ring_seconds: int = 25

    def __post_init__(self) -> None:
        _check_text("text", self.text)
        _check_language(self.language)
        if self.target is not None:
            _check_number("target", self.target)
        _check_url("action", self.action)
        if not 5 <= self.ring_seconds <= 600:
            raise ValueError(f"ring_seconds must be between 5 and 600, not {self.ring_seconds}")


@dataclass(frozen=True)
class Silence:
    """Nothing to do: go on with the call (joins the caller after a whisper), or take note of a report."""


Document = CallPlan | Whisper | AfterDial | SafeAnswer | Silence


def _check_number(name: str, number: str) -> None:
    if not E164.fullmatch(number):
        raise ValueError(f"{name} must be an E.164 number such as +390612345678, not {number!r}")


def _check_text(name: str, text: str | None) -> None:
    if text is not None and not (text.strip() and len(text) <= LONGEST_TEXT):
        raise ValueError(f"{name} must have 1 to {LONGEST_TEXT} characters, or be None")


def _check_language(language: str | None) -> None:
    if language is not None and not LANGUAGE.fullmatch(language):
        raise ValueError(f"language must look like it-IT, not {language!r}")


def _check_url(name: str, url: str | None) -> None:
    if url is None:
        return
    if not (url.isascii() and url.isprintable() and " " not in url and len(url) <= 2000):
        raise ValueError(f"{name} must be a plain ASCII address, because carriers sign it byte by byte")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{name} must be an absolute http or https address, not {url!r}")

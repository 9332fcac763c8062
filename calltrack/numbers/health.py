"""A number as we want it, and as the carrier has it: every difference in words, and what sets it right."""

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from calltrack.telephony.carrier import NumberChange, OwnedNumber

Health = Literal["unknown", "well", "flawed", "unfit"]
"""unfit: not shown to visitors, still answered if it rings. flawed: shown, something should be repaired."""
Hooks = Literal["own", "application"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How a number must be set up at the carrier."""

    e164: str
    account_sid: str
    hooks: Hooks
    voice_url: str
    voice_fallback_url: str
    status_callback: str
    sms_url: str = ""
    """Empty: text messages are none of our business."""
    application_sid: str | None = None
    """The company's application; needed where `hooks` is application."""


@dataclass(frozen=True)
class Finding:
    """One difference; `unfit` takes the number from visitors, `repairable` can be set right from here."""

    code: str
    words: str
    unfit: bool = True
    repairable: bool = True


# What a fresh number may have: nothing, or the carrier's own demonstration.
NOWHERE: Final = ("", "demo.twilio.com")
SUSPENDED: Final = Finding(
    "account",
    "The carrier account is not active, so no call arrives. Open the carrier's console, see why, and "
    "reactivate it.",
    repairable=False,
)


def findings(wanted: Wanted, owned: OwnedNumber | None, *, account_sid: str) -> tuple[Finding, ...]:
    """Compare our record with the carrier's; nothing found means that calls arrive as they should."""
    if owned is None:
        return (_missing(wanted, account_sid),)
    found = []
    if not owned.voice:
        found.append(
            Finding(
                "capability",
                "The carrier says that this number takes no calls. Give it back and buy another one.",
                repairable=False,
            )
        )
    if owned.trunk_sid:
        found.append(
            Finding("trunk", "A SIP trunk at the carrier takes its calls, so they do not come here.")
        )
    found += _by_application(wanted, owned) if wanted.hooks == "application" else _by_own(wanted, owned)
    found += _texts(wanted, owned)
    return tuple(found)


def health_of(found: tuple[Finding, ...]) -> Health:
    """Return what the findings mean together."""
    if any(one.unfit for one in found):
        return "unfit"
    return "flawed" if found else "well"


def repair(wanted: Wanted, found: tuple[Finding, ...]) -> NumberChange | None:
    """Return what sets everything right that can be set right from here; None: nothing can."""
    codes = {one.code for one in found if one.repairable}
    if not codes:
        return None
    trunk = "" if "trunk" in codes else None
    if wanted.hooks == "application":
        texts = wanted.application_sid if "sms" in codes else None
        return NumberChange(
            application_sid=wanted.application_sid, sms_application_sid=texts, trunk_sid=trunk
        )
    # Together with an own voice address the application goes by itself: one is cleared by the other.
    return NumberChange(
        voice_url=wanted.voice_url,
        voice_fallback_url=wanted.voice_fallback_url if codes & {"fallback", "application"} else None,
        status_callback=wanted.status_callback,
        sms_url=wanted.sms_url if "sms" in codes else None,
        trunk_sid=trunk,
    )


def _missing(wanted: Wanted, account_sid: str) -> Finding:
    if account_sid != wanted.account_sid:
        words = (
            f"It was added under the account {wanted.account_sid}, and {account_sid} is connected now, which "
            "does not have it. Move the number to this account at the carrier, or release it here."
        )
        return Finding("account", words, repairable=False)
    words = (
        "The carrier account does not have this number (any more): it was given back, or moved to another "
        "account. Get it back there, or release it here and put another one in its place."
    )
    return Finding("missing", words, repairable=False)


def _by_application(wanted: Wanted, owned: OwnedNumber) -> list[Finding]:
    if owned.application_sid and owned.application_sid == wanted.application_sid:
        return []
    if owned.application_sid:
        return [Finding("application", "It follows another application, so its calls go elsewhere.")]
    if _same(owned.voice_url, wanted.voice_url):
        # Its own addresses lead here too: callers notice nothing.
        words = "It has addresses of its own instead of the company's application; calls arrive all the same."
        return [Finding("application", words, unfit=False)]
    return [
        Finding("application", "It does not follow the company's application, so its calls go elsewhere.")
    ]


def _by_own(wanted: Wanted, owned: OwnedNumber) -> list[Finding]:
    if owned.application_sid:
        if owned.application_sid == wanted.application_sid:
            words = (
                "It follows the company's application instead of own addresses; calls arrive all the same."
            )
            return [Finding("application", words, unfit=False)]
        return [Finding("application", "An application takes its calls, so they do not come here.")]
    found = []
    if not owned.voice_url:
        found.append(Finding("voice", "No address is set for calls: callers hear an error."))
    elif not _same(owned.voice_url, wanted.voice_url):
        found.append(Finding("voice", f"Its calls go to {_shown(owned.voice_url)} instead of here."))
    if not owned.voice_fallback_url:
        words = "No fallback address is set: callers hear an error when this server does not answer."
        found.append(Finding("fallback", words, unfit=False))
    elif _is_stale(owned.voice_fallback_url, wanted):
        words = f"The fallback address {_shown(owned.voice_fallback_url)} is not the one of this number."
        found.append(Finding("fallback", words, unfit=False))
    if not _same(owned.status_callback, wanted.status_callback):
        words = (
            f"The ends of its calls are told to {_shown(owned.status_callback)} instead of here."
            if owned.status_callback
            else "The ends of its calls are not told: they come late, by asking the carrier."
        )
        found.append(Finding("status", words, unfit=False))
    return found


def _texts(wanted: Wanted, owned: OwnedNumber) -> list[Finding]:
    """Messages that go to somebody else's address go there by choice; those that go nowhere are lost."""
    goes_somewhere = owned.sms_application_sid or urlsplit(owned.sms_url or "").netloc not in NOWHERE
    if not wanted.sms_url or not owned.sms or goes_somewhere:
        return []
    return [Finding("sms", "Text messages to it go nowhere and are lost.", unfit=False)]


def _is_stale(fallback: str, wanted: Wanted) -> bool:
    """A fallback on another host (a TwiML Bin, a web space) is a choice; on our hosts it must be right."""
    ours = {urlsplit(wanted.voice_url).netloc, urlsplit(wanted.voice_fallback_url).netloc}
    return urlsplit(fallback).netloc in ours and not _same(fallback, wanted.voice_fallback_url)


def _same(one: str | None, other: str) -> bool:
    """Compare without the fragment, which only tells the carrier how to connect."""
    return (one or "").partition("#")[0] == other.partition("#")[0]


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:120]

"""Who may be written to, what a word of stopping is, and how far a message has come: pure."""

import re
from typing import Final

# The words carriers know, and those people write in the languages we speak.
STOP_WORDS: Final = frozenset(
    (
        "stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout",
        "basta", "annulla", "cancellami", "disiscrivi", "stopp", "abmelden", "arret",
    )
)  # fmt: skip
START_WORDS: Final = frozenset(("start", "unstop", "riprendi", "anmelden"))
RANK: Final = {
    "due": 0, "sending": 1, "unknown": 2, "refused": 2, "dropped": 2, "queued": 3, "sent": 4,
    "undelivered": 5, "failed": 5, "delivered": 6, "received": 9,
}  # fmt: skip
# Reports say these; what was delivered stays delivered, whatever comes late.
REPORTED: Final = {"queued": "queued", "sending": "queued", "sent": "sent", "delivered": "delivered",
                   "undelivered": "undelivered", "failed": "failed"}  # fmt: skip
LONGEST: Final = 1_600
GSM: Final = re.compile(
    r"[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\\[~\]|€]*"
)
# Why the carrier could not hand a message over, by its own number, in words.
ERRORS: Final = {
    21610: "This person asked for no more messages (STOP).",
    21614: "This number takes no text messages; it is no mobile.",
    30003: "The phone is switched off or out of reach.",
    30004: "The network blocked the message.",
    30005: "This number does not exist.",
    30006: "This is a landline, or its network takes no messages.",
    30007: "The network took the message for advertising.",
    30034: "The number that sent it is not registered for messages in the United States.",
}


def wish(text: str, told: str = "") -> str:
    """Return what a message asks for: `stop`, `start`, or nothing; `told` is what the carrier saw in it."""
    if told in ("STOP", "START"):
        return told.lower()
    word = "".join(mark for mark in text.casefold() if mark.isalpha())
    if word in STOP_WORDS:
        return "stop"
    return "start" if word in START_WORDS else ""


def after_report(state: str, told: str) -> str:
    """Return the state after a report, the same for any order of reports."""
    heard = REPORTED.get(told)
    return heard if heard is not None and RANK[heard] > RANK[state] else state


def segments(text: str) -> int:
    """Return as how many parts a text is sent, which is what it costs (GSM 03.38; else UCS-2)."""
    single, part, length = 160, 153, len(text) + sum(text.count(mark) for mark in "^{}\\[~]|€")
    if not GSM.fullmatch(text):
        single, part, length = 70, 67, len(text.encode("utf-16-le")) // 2
    return 1 if length <= single else -(-length // part)


def reason_of(code: int | None) -> str:
    """Return why a message was not delivered."""
    if code is None:
        return ""
    return ERRORS.get(code, f"The carrier could not deliver it (its error {code}).")

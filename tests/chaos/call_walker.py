"""What a caller must meet by the plain definition of a flow, and by what the people of the script do.

Written from the documentation of the steps, apart from the product's interpreter: no code of it is used here.
It knows nothing of addresses or documents, only what is heard, who rings, who talks and when something is
asked; which answers got lost on the way the judge tells it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Literal

from calltrack.sandbox.carrier import CallScript, LegScript

Event = tuple[Any, ...]
Dialed = tuple[str, str | None]
"""("hears", text), ("rings", number), ("talks", number, seconds), ("message", seconds), ("rejected", word) or
("asks", purpose): the carrier wants to know how the call goes on."""
Way = Literal["product", "file", "failed"]
"""Who answered a question of the carrier: the product, a plain file, or nobody."""
OVER = "(the call is over)"
EXTRA_RING_SECONDS, BUSY_SECONDS, LONGEST_TALK = 5, 2, 14_400
SENTENCES = {
    "it": {
        "missed": "Al momento non possiamo rispondere. La preghiamo di richiamare più tardi. Grazie.",
        "message": "Al momento non possiamo rispondere. Lasci un messaggio dopo il segnale acustico.",
        "notice": "La informiamo che la chiamata può essere registrata.",
        "opt_out": "Se non desidera essere registrato, prema {}.",
        "not_recorded": "La chiamata non sarà registrata.",
    },
    "de": {
        "missed": "Im Moment können wir Ihren Anruf nicht annehmen. "
        "Bitte rufen Sie später wieder an. Vielen Dank.",
        "message": "Im Moment können wir Ihren Anruf nicht annehmen. Bitte sprechen Sie nach dem Signalton.",
        "notice": "Bitte beachten Sie, dass dieses Gespräch aufgezeichnet werden kann.",
        "opt_out": "Wenn Sie keine Aufzeichnung wünschen, drücken Sie {}.",
        "not_recorded": "Dieses Gespräch wird nicht aufgezeichnet.",
    },
}
SPOKEN_KEYS = {"*": "asterisco", "#": "cancelletto"}
COUNTRIES = {"+39": "IT", "+49": "DE", "+33": "FR"}


@dataclass
class Walker:
    """One caller on the way through one flow; `walk` may be taken up once."""

    flow: dict[str, Any]
    script: CallScript
    own_line: str
    rang: list[str] = field(default_factory=list)
    """Which phones rang in truth: a draw among phones may come out any way it says it can."""
    whispers: list[Way] = field(default_factory=list)
    """How the questions of the phones that picked up were answered; more are answered by the product."""
    keys_left: list[str] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    """The steps come through so far, a key reads `menu=1`."""
    recorded: list[tuple[str, int]] = field(default_factory=list)
    is_gone: bool = False
    """The caller hung up: whatever is answered, he does not hear it."""
    told: bool = False
    unrecorded: bool = False
    rings: int = 0
    last_way: Way = "product"

    def __post_init__(self) -> None:
        self.keys_left = self.keys_left or list(self.script.digits)
        self.language = str(self.flow.get("language", "it-IT"))

    @property
    def caller(self) -> str | None:
        """The caller's number; None when it is withheld."""
        return self.script.from_ if self.script.from_.startswith("+") else None

    def walk(self) -> Generator[Event]:
        """Tell what happens, from the first question to the end of the call."""
        yield ("asks", "voice")
        name: str | None = self.flow["start"]
        while name is not None and name != OVER:
            step = self.flow["steps"][name]
            self.path.append(name)
            name = yield from getattr(self, f"_{step['kind']}")(name, step)

    def _announce(self, _name: str, step: dict[str, Any]) -> Generator[Event, None, str | None]:
        yield ("hears", self._text(step["message"]))
        return _way(step, "then")

    def _hours(self, _name: str, step: dict[str, Any]) -> Generator[Event, None, str | None]:
        """The world's opening hours are always or never."""
        yield from ()
        return _way(step, "closed" if step["hours"].get("holidays") else "open")

    def _by_caller(self, _name: str, step: dict[str, Any]) -> Generator[Event, None, str | None]:
        yield from ()
        if self.caller is None:
            return _way(step, "withheld")
        country = next((word for start, word in COUNTRIES.items() if self.caller.startswith(start)), "")
        for branch in step["branches"]:
            starts = any(self.caller.startswith(prefix) for prefix in branch.get("prefixes", ()))
            if starts or country in branch.get("countries", ()):
                self.language = branch.get("language") or self.language
                return _way(branch, "to")
        return _way(step, "otherwise")

    def _menu(self, name: str, step: dict[str, Any]) -> Generator[Event, None, str | None]:
        for _ in range(step.get("tries", 2)):
            key = self._key()
            if not (key and self.script.keys_cut_in):
                yield ("hears", self._text(step["message"]))
            yield ("asks", "gather")
            if key:
                self.path.append(f"{name}={key}")
            if key in step["options"]:
                option = step["options"][key]
                self.language = option.get("language") or self.language
                return _way(option, "to")
        return _way(step, "otherwise")

    def _hang_up(self, _name: str, step: dict[str, Any]) -> Generator[Event, None, str | None]:
        if step.get("message"):
            yield ("hears", self._text(step["message"]))
        return OVER

    def _reject(self, _name: str, step: dict[str, Any]) -> Generator[Event, None, str | None]:
        yield ("rejected", step.get("reason", "rejected"))
        return OVER

    def _voicemail(self, _name: str, step: dict[str, Any]) -> Generator[Event, None, str | None]:
        yield ("hears", self._text(step["message"]) if step.get("message") else self._sentence("message"))
        spoken = min(self.script.voicemail_seconds, step.get("seconds", 120))
        self.is_gone = True
        if spoken:
            yield ("message", spoken)
            self.recorded.append(("voicemail", spoken))
            yield ("asks", "voicemail")
        return OVER

    def _ring(self, name: str, step: dict[str, Any]) -> Generator[Event, None, str | None]:
        wants = bool(step.get("record")) and not self.unrecorded
        if wants and not self.told:
            wants = yield from self._notice(name, step)
        targets = [one.get("number") or self.own_line for one in step["targets"]]
        end = yield from self._group(step, targets, wants)
        if end == "gone":
            return OVER
        if end == "joined":
            return _way(step, "after")
        if step.get("no_answer") is None:
            yield ("hears", self._sentence("missed"))
            return OVER
        return _way(step, "no_answer")

    def _notice(self, name: str, step: dict[str, Any]) -> Generator[Event, None, bool]:
        """Tell of the recording; returns whether it is wanted after all."""
        own = self.flow.get("notice")
        notice = self._text(own) if own else self._sentence("notice")
        opt_out = step.get("opt_out_key")
        key = self._key() if opt_out else ""
        if not (key and self.script.keys_cut_in):
            yield ("hears", notice)
            if opt_out:
                yield ("hears", self._sentence("opt_out").format(SPOKEN_KEYS.get(opt_out, opt_out)))
        self.told = True
        if not key:
            return True
        yield ("asks", "gather")
        self.path.append(f"{name}={key}")
        if key == opt_out:
            self.unrecorded = True
            yield ("hears", self._sentence("not_recorded"))
            return False
        yield ("hears", notice)
        return True

    def _group(self, step: dict[str, Any], targets: list[str], record: bool) -> Generator[Event, None, str]:
        """Ring the phones as the step says; returns joined, gone or nobody."""
        if step.get("how", "together") != "together":
            left, most = list(targets), step.get("most") or len(targets)
            phone: str | None = None
            for _ in range(min(most, len(targets))):
                phone = self._drawn(step, left, phone)
                left.remove(phone)
                end, _ = yield from self._dial(step, [phone], record)
                if end in ("joined", "gone"):
                    return end
            return "nobody"
        waiting = list(targets)
        while waiting:
            end, refuser = yield from self._dial(step, waiting, record)
            if end in ("joined", "gone"):
                return end
            if end == "nobody" or len(targets) == 1:
                return "nobody"
            if self._is_nameless(step, record, [one for one in waiting if one != refuser]):
                return (yield from self._group({**step, "how": "in_order", "most": None}, targets, record))
            waiting.remove(refuser or "")
        return "nobody"

    def _is_nameless(self, step: dict[str, Any], record: bool, others: list[str]) -> bool:
        """Tell whether nobody knows which phone refused: then all ring again, one after the other.

        A phone whose question was not answered may have been heard all the same: both is right.
        """
        if not self._whispers(step, record):
            return True
        onward, first = self.rang[self.rings :], step["targets"][0].get("number") or self.own_line
        goes_on = bool(others) and onward[: len(others)] == others
        return self.last_way == "failed" and onward[:1] == [first] and not goes_on

    def _drawn(self, step: dict[str, Any], left: list[str], before: str | None) -> str:
        """Return whose turn it is; where chance decides, whoever rang in truth, if he may."""
        rang = self.rang[self.rings] if self.rings < len(self.rang) else ""
        if step["how"] == "weighted" or (step["how"] == "round_robin" and before is None):
            return rang if rang in left else left[0]
        if step["how"] == "round_robin":
            whole = [one.get("number") or self.own_line for one in step["targets"]]
            return whole[(whole.index(before or "") + 1) % len(whole)]
        return left[0]

    def _dial(self, step: dict[str, Any], phones: list[str], record: bool) -> Generator[Event, None, Dialed]:
        """Ring some phones at once; returns how it ended and who picked up without taking the call."""
        limit, waits = step.get("seconds", 15) + EXTRA_RING_SECONDS, self.script.caller_waits
        for phone in phones:
            yield ("rings", phone)
        self.rings += len(phones)
        refuser: str | None = None
        for phone in sorted(phones, key=lambda one: _settles(self.script.leg(one), limit)):
            leg = self.script.leg(phone)
            if waits is not None and _settles(leg, limit) >= waits:
                self.is_gone = True
                yield ("asks", "action")
                return "gone", None
            if leg.result not in ("answer", "mailbox") or leg.ring_seconds >= limit:
                continue
            if self._takes(step, leg, record):
                yield from self._talk(step, phone, leg, record)
                return ("gone" if self.is_gone else "joined"), phone
            refuser = phone
            if not self.script.switches.others_ring_during_whisper:
                break
        yield ("asks", "action")
        return ("refused" if refuser else "nobody"), refuser

    def _takes(self, step: dict[str, Any], leg: LegScript, record: bool) -> bool:
        """Tell whether who picked up is joined with the caller."""
        switches = self.script.switches
        is_there = leg.result == "answer" or switches.mailbox_is_bridged
        if not self._whispers(step, record):
            return is_there
        way = self._asked()
        if way == "failed":
            return is_there and switches.whisper_failure == "bridge"
        if way == "file":  # Nothing is said, no key is asked for.
            return is_there
        if leg.whisper == "hangup":
            return False
        if not step.get("screening"):
            return is_there
        if leg.result != "answer" or leg.whisper is None:
            return False
        return {"product": leg.whisper == "1", "file": True, "failed": False}[self._asked()]

    def _asked(self) -> Way:
        self.last_way = self.whispers.pop(0) if self.whispers else "product"
        return self.last_way

    def _talk(self, step: dict[str, Any], phone: str, leg: LegScript, record: bool) -> Generator[Event]:
        limit = step.get("time_limit") or LONGEST_TALK
        star = self.script.star_after if step.get("star_ends") else None
        seconds, gone = leg.talk_seconds, self.script.hangs_up == "caller"
        if star is not None and star < min(limit, leg.talk_seconds):
            seconds, gone = star, False
        elif limit < leg.talk_seconds:
            seconds, gone = limit, False
        yield ("talks", phone, seconds)
        if record:
            self.recorded.append(("call", seconds))
        self.is_gone = gone
        yield ("asks", "action")

    def _whispers(self, step: dict[str, Any], record: bool) -> bool:
        return bool(step.get("whisper", True) or step.get("screening") or record)

    def _key(self) -> str:
        return self.keys_left.pop(0) if self.keys_left else ""

    def _text(self, message: Any) -> str:
        if isinstance(message, str):
            return message
        texts = message["text"]
        return str(texts.get(self.language) or texts[self.flow["language"]])

    def _sentence(self, name: str) -> str:
        return SENTENCES[self.language[:2]][name]


def _way(step: dict[str, Any], branch: str) -> str | None:
    """Return the step a branch names; None hangs up."""
    name: str | None = step.get(branch)
    return name


def _settles(leg: LegScript, limit: int) -> int:
    """Return after how many seconds of ringing it is decided what this phone does."""
    if leg.result in ("busy", "failed"):
        return min(BUSY_SECONDS, limit)
    return limit if leg.result == "no-answer" else min(leg.ring_seconds, limit)

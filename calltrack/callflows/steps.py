"""The steps of a call flow: plain data, stored as JSON, checked here.

A flow is a tree of named steps; a branch names the step it leads to, and two branches may lead to the same
one. What is checked of the whole (names that exist, no way back) is in `checks`.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from calltrack.callflows.opening import OpeningHours, one_line
from calltrack.callflows.sharing import How
from calltrack.kernel.errors import BadInput
from calltrack.kernel.phone import COUNTRIES, to_e164
from calltrack.telephony.plan_checks import E164, LANGUAGE, SIP, can_be_said, check_url

MOST_STEPS, DEEPEST, LONGEST_TEXT, MOST_TARGETS = 60, 16, 600, 10
# /announcements/<company>/<hash of the sound>-<signature>.<kind>
OWN_SOUND = re.compile(r"/announcements/([0-9a-f]{32})/([0-9a-f]{32})-([0-9a-f]{32})\.(mp3|wav)")
StepId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Next = StepId | None
Key = Annotated[str, Field(pattern=r"^[0-9*#]$")]
Clean = BeforeValidator(lambda text: one_line(text) if isinstance(text, str) else text)
Text = Annotated[str, Clean, Field(min_length=1, max_length=LONGEST_TEXT)]
Label = Annotated[str, Clean, Field(max_length=60)]


def _language(tag: str) -> str:
    if not LANGUAGE.fullmatch(tag):
        raise ValueError("write a language like it-IT")
    return tag


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Message(_Part):
    """What is said: a text (of the flow's language, or one per language), or an audio file.

    An audio file has an https address, or is one of our own (`audio.py`), named by its path.
    """

    text: Text | Annotated[dict[str, Text], Field(min_length=1, max_length=10)] | None = None
    audio: Annotated[str, Field(max_length=500)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_plain_text(cls, given: Any) -> Any:
        return {"text": given} if isinstance(given, str) else given

    @field_validator("text")
    @classmethod
    def _has_words(cls, text: str | dict[str, str] | None) -> str | dict[str, str] | None:
        for tag in text if isinstance(text, dict) else ():
            _language(tag)
        texts = text.values() if isinstance(text, dict) else [text] if text is not None else []
        if not all(map(can_be_said, texts)):
            raise ValueError("write words that can be said")
        return text

    @field_validator("audio")
    @classmethod
    def _can_be_fetched(cls, url: str | None) -> str | None:
        if url is None or OWN_SOUND.fullmatch(url):
            return url
        check_url("audio", url)
        if not url.startswith("https://"):
            raise ValueError("give the audio file an https address that anybody can open")
        return url

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Message":
        if (self.text is None) == (self.audio is None):
            raise ValueError("write a text, or give the address of an audio file (not both)")
        return self

    def in_language(self, language: str, usual: str) -> tuple[str, str]:
        """Return the text for a caller and its language: the caller's, a sister's, the flow's, the first."""
        if isinstance(self.text, dict):
            sister = next((tag for tag in self.text if tag[:3] == language[:3]), None)
            chosen = next(
                (tag for tag in (language, sister, usual) if tag in self.text), next(iter(self.text))
            )
            return self.text[chosen], chosen
        return self.text or "", usual


class Announce(_Part):
    """Say something and go on."""

    kind: Literal["announce"]
    message: Message
    then: Next = None


class Hours(_Part):
    """Go one way while it is open and another while it is not."""

    kind: Literal["hours"]
    hours: OpeningHours
    open: Next = None
    closed: Next = None


class Option(_Part):
    """Where a key leads; `language` is spoken from there on."""

    to: Next = None
    label: Label = ""
    language: str | None = None

    @field_validator("language")
    @classmethod
    def _is_a_tag(cls, tag: str | None) -> str | None:
        return tag if tag is None else _language(tag)


class Menu(_Part):
    """Ask for a key; `otherwise` after so many tries without one of the keys."""

    kind: Literal["menu"]
    message: Message
    options: Annotated[dict[Key, Option], Field(min_length=1, max_length=12)]
    seconds: Annotated[int, Field(ge=2, le=30)] = 5
    tries: Annotated[int, Field(ge=1, le=3)] = 2
    otherwise: Next = None


class RingTarget(_Part):
    """A phone: a number, a SIP address, or the location's own line."""

    number: str | None = None
    sip: str | None = None
    own_line: bool = False
    label: Label = ""
    weight: Annotated[int, Field(ge=1, le=100)] = 1

    @field_validator("number")
    @classmethod
    def _can_be_dialled(cls, number: str | None, info: ValidationInfo) -> str | None:
        try:
            return number if number is None else to_e164(number, (info.context or {}).get("country"))
        except BadInput as problem:
            raise ValueError(str(problem)) from None

    @field_validator("sip")
    @classmethod
    def _is_an_address(cls, sip: str | None) -> str | None:
        if sip is not None and not SIP.fullmatch(sip):
            raise ValueError("write a SIP address like sip:office@pbx.example;transport=tls")
        return sip

    @model_validator(mode="after")
    def _is_one_phone(self) -> "RingTarget":
        if sum((self.number is not None, self.sip is not None, self.own_line)) != 1:
            raise ValueError("give a number, a SIP address, or own_line (exactly one of them)")
        return self

    def address(self, own_line: str) -> str:
        """Return what the carrier dials."""
        return self.number or self.sip or own_line


class RingGroup(_Part):
    """Ring phones until somebody takes the call.

    how: all at once, in the given order, going round, or by weight. sticky: the same caller is put to the
    same phone first. screening: whoever answers must press 1, which no mailbox does. record: both sides,
    after the caller was told; opt_out_key leads to the same phones without it. caller_id: `caller`,
    `dialled` (the tracking number), or one of the company's own numbers. no_answer: when nobody took it;
    after: when the business hung up and the caller is still there.
    """

    kind: Literal["ring"]
    targets: Annotated[tuple[RingTarget, ...], Field(min_length=1, max_length=MOST_TARGETS)]
    how: How = "together"
    sticky: bool = False
    most: Annotated[int, Field(ge=1, le=MOST_TARGETS)] | None = None
    seconds: Annotated[int, Field(ge=5, le=120)] = 15
    whisper: bool = True
    screening: bool = False
    record: bool = False
    opt_out_key: Key | None = None
    caller_id: str = "caller"
    time_limit: Annotated[int, Field(ge=30, le=14_400)] | None = None
    star_ends: bool = False
    no_answer: Next = None
    after: Next = None

    @field_validator("caller_id")
    @classmethod
    def _is_a_choice(cls, shown: str, info: ValidationInfo) -> str:
        if shown in ("caller", "dialled") or E164.fullmatch(shown):
            return shown
        try:
            return to_e164(shown, (info.context or {}).get("country"))
        except BadInput:
            raise ValueError("choose caller, dialled, or one of your own numbers") from None

    @model_validator(mode="after")
    def _asks_only_about_what_it_does(self) -> "RingGroup":
        if self.opt_out_key is not None and not self.record:
            raise ValueError("opt_out_key is for calls that are recorded: set record, or leave the key away")
        addresses = [target.address("own") for target in self.targets]
        if len(set(addresses)) < len(addresses):
            raise ValueError("the same phone stands in the group twice; remove one of them")
        return self


class CallerBranch(_Part):
    """Callers whose number begins with a prefix or belongs to a country."""

    prefixes: Annotated[tuple[str, ...], Field(max_length=200)] = ()
    countries: Annotated[tuple[str, ...], Field(max_length=60)] = ()
    label: Label = ""
    language: str | None = None
    to: Next = None

    @field_validator("prefixes")
    @classmethod
    def _begin_with_a_plus(cls, prefixes: tuple[str, ...]) -> tuple[str, ...]:
        plain = tuple("".join(prefix.split()) for prefix in prefixes)
        if not all(p[:1] == "+" and p[1:].isascii() and p[1:].isdigit() and len(p) <= 16 for p in plain):
            raise ValueError("write prefixes in international form, such as +3906")
        return plain

    @field_validator("countries")
    @classmethod
    def _are_known(cls, countries: tuple[str, ...]) -> tuple[str, ...]:
        known = tuple(country.upper() for country in countries)
        if not set(known) <= COUNTRIES:
            raise ValueError("write countries with two letters, such as IT")
        return known

    @field_validator("language")
    @classmethod
    def _is_a_tag(cls, tag: str | None) -> str | None:
        return tag if tag is None else _language(tag)

    @model_validator(mode="after")
    def _fits_somebody(self) -> "CallerBranch":
        if not self.prefixes and not self.countries:
            raise ValueError("name at least one prefix or country")
        return self


class ByCaller(_Part):
    """Go where the first fitting branch leads; `withheld` for callers who hide their number."""

    kind: Literal["by_caller"]
    branches: Annotated[tuple[CallerBranch, ...], Field(min_length=1, max_length=20)]
    withheld: Next = None
    otherwise: Next = None


class Voicemail(_Part):
    """Take a message after a tone; without a text of its own the usual sentence asks for it."""

    kind: Literal["voicemail"]
    message: Message | None = None
    seconds: Annotated[int, Field(ge=5, le=600)] = 120


class End(_Part):
    """End the call, after a last word where there is one."""

    kind: Literal["hang_up"]
    message: Message | None = None


class Refuse(_Part):
    """Do not take the call: the caller hears busy (or not available), and nobody pays."""

    kind: Literal["reject"]
    reason: Literal["busy", "rejected"] = "rejected"


Step = Annotated[
    Announce | Hours | Menu | RingGroup | ByCaller | Voicemail | End | Refuse, Field(discriminator="kind")
]


class Flow(_Part):
    """A whole flow. `notice` tells of recording in own words; the usual sentence does where it is missing."""

    start: StepId
    steps: Annotated[dict[StepId, Step], Field(min_length=1, max_length=MOST_STEPS)]
    language: str = "it-IT"
    timezone: str | None = None
    notice: Message | None = None

    @field_validator("language")
    @classmethod
    def _is_a_tag(cls, tag: str) -> str:
        return _language(tag)

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        return OpeningHours(weekly={"mon": ("00:00-24:00",)}, timezone=name).timezone

    def plain(self) -> dict[str, Any]:
        """Return what is stored: plain values without what was left at its usual value."""
        return self.model_dump(mode="json", exclude_defaults=True)


def ways(step: Any) -> tuple[tuple[str, Next], ...]:
    """Return where a step leads: each branch in words, and the step it names (None: the call ends)."""
    match step:
        case Announce():
            return (("then", step.then),)
        case Hours():
            return (("open", step.open), ("closed", step.closed))
        case Menu():
            keys = tuple((f"key {key}", option.to) for key, option in step.options.items())
            return (*keys, ("otherwise", step.otherwise))
        case RingGroup():
            after = (("after", step.after),) if step.after else ()
            return (("no answer", step.no_answer), *after)
        case ByCaller():
            named = tuple((f"branch {n}", branch.to) for n, branch in enumerate(step.branches, 1))
            return (*named, ("withheld", step.withheld), ("otherwise", step.otherwise))
    return ()

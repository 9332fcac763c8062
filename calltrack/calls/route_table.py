"""Everything needed to answer a call, in the memory of the process: no database on the caller's path."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal
from uuid import UUID

import msgspec

from calltrack.callflows import rules, settings_flow
from calltrack.callflows.place import ALL_AT_ONCE, Place, Token
from calltrack.callflows.steps import Flow
from calltrack.callflows.walk import Call, Heard, Reply
from calltrack.callflows.words import words_for
from calltrack.calls.flow_book import FlowBook, FlowRow
from calltrack.calls.sip_book import SipBook, SipLoginRow
from calltrack.infra.crypto import Unreadable, Vault
from calltrack.infra.log import log
from calltrack.telephony import twilio
from calltrack.telephony.base import CallPlan, HangUp, Part, Ring, Speak, Target

SAFE_RING_SECONDS = 25
HOOKS = {"rung": "dialed", "message": "voicemail", "whisper": "whisper"}


class RouteRow(msgspec.Struct, frozen=True):
    """A tracking number and how its calls are put through, as stored; the carrier's token stays sealed."""

    company_id: UUID
    number_id: UUID
    e164: str
    kind: str
    source: str
    medium: str
    campaign: str
    is_released: bool
    location_id: UUID
    forward_to: str
    ring_seconds: int
    announcement: str
    language: str
    whisper: bool
    voicemail: bool
    record: bool
    account_sid: str
    timezone: str = "UTC"
    flow_version: UUID | None = None
    """The version of the call flow that answers; None: the location's settings do."""
    is_transcribed: bool = False
    """The carrier writes down what is said in recorded calls."""


class AccountRow(msgspec.Struct, frozen=True):
    """A company's account at the carrier, its token sealed, and the company's line for unknown numbers."""

    company_id: UUID
    account_sid: str
    auth_token: bytes
    safe_forward_to: str
    country: str


class TableImage(msgspec.Struct, frozen=True):
    """The whole table as it stands in the database and in the saved file; `version` changes with it."""

    version: str
    routes: list[RouteRow]
    accounts: list[AccountRow]
    flows: list[FlowRow] = []
    sip_logins: list[SipLoginRow] = []


@dataclass(frozen=True)
class Account:
    """A known carrier account: who may sign, and where calls to unknown numbers go."""

    company_id: UUID
    account_sid: str
    token: str
    safe_forward_to: str
    language: str


@dataclass(frozen=True)
class Route:
    """One tracking number, ready to answer. What its settings alone decide is rendered once."""

    row: RouteRow
    token: str
    base_url: str
    flow: Flow | None = None
    """The call flow that answers; None: the location's settings do."""

    @cached_property
    def connect(self) -> bytes:
        """The document that puts a caller through to the location's own line, by its settings."""
        try:
            return rendered(rules.begin(self.settings, self._any_call, self._hooks))
        except ValueError as problem:
            log.error("number %s cannot be put through: %s", self.row.number_id, problem)
            return self.apology

    @cached_property
    def nobody_came(self) -> bytes:
        """The document after ringing in vain: the voicemail where the location has one, else a sentence."""
        place = self.settings_place("rung", is_told=self.row.record)
        return rendered(rules.go_on(self.settings, self._any_call, self._hooks, place, Heard()))

    @cached_property
    def apology(self) -> bytes:
        """The sentence for a caller who cannot be put through."""
        return _say(words_for(self.row.language).missed, self.row.language)

    @cached_property
    def settings(self) -> Flow:
        """The flow a location has by its settings."""
        names = settings_flow.LineSettings.__dataclass_fields__
        return settings_flow.flow_of(
            settings_flow.LineSettings(**{name: getattr(self.row, name) for name in names})
        )

    def settings_place(self, phase: Literal["rung", "whisper"], *, is_told: bool) -> Place:
        """Return the place of the one ring the settings know."""
        turn = 0 if phase == "whisper" else ALL_AT_ONCE
        language = self.row.language
        return Place(step=settings_flow.RING, phase=phase, language=language, turn=turn, is_told=is_told)

    def call(self, sid: str, caller: str | None, began: datetime) -> Call:
        """Return what a flow may know of a call to this number."""
        row = self.row
        return Call(
            sid=sid,
            caller=caller,
            dialled=row.e164,
            own_line=row.forward_to,
            began=began,
            zone=row.timezone,
        )

    def hook(self, name: str) -> str:
        """Return the address of one of this number's hooks."""
        return f"{self.base_url}/voice/{self.row.number_id.hex}/{name}"

    @cached_property
    def _hooks(self) -> "SettingsHooks":
        return SettingsHooks(self)

    @cached_property
    def _any_call(self) -> Call:
        """Settings know no hours and no callers: every call is put through alike."""
        return self.call("", None, datetime.fromtimestamp(0, UTC))


@dataclass(frozen=True)
class SettingsHooks:
    """The addresses of a call that no flow answers: there is one ring, so they need no step."""

    route: Route

    def step(self, place: Place) -> str:
        """Return the hook that goes on after a phase."""
        return self.route.hook(HOOKS[place.phase])

    def sound(self, audio: str) -> str:
        """Return where an audio file is fetched."""
        return f"{self.route.base_url}{audio}" if audio.startswith("/") else audio

    @property
    def leg(self) -> str:
        """Where each phone's progress is told."""
        return self.route.hook("leg")

    @property
    def recording(self) -> str:
        """Where recordings are told."""
        return self.route.hook("recording")

    @property
    def transcription(self) -> str | None:
        """Where the carrier tells what is said, where the company wants that."""
        return self.route.hook("transcription") if self.route.row.is_transcribed else None


@dataclass(frozen=True)
class FlowHooks(SettingsHooks):
    """The addresses of a call in a flow: each carries its version, step and what came before."""

    version: UUID
    began: datetime

    def step(self, place: Place) -> str:
        """Return the hook that goes on from a place."""
        return self.route.hook(f"step/{Token(self.version, place, self.began)}")


class RouteTable:
    """A snapshot of all routes; it never changes, a newer one takes its place."""

    def __init__(self, image: TableImage, vault: Vault, base_url: str) -> None:
        """Open the tokens and index the routes."""
        self.version = image.version
        self.flows = FlowBook(image.flows)
        self.telephone_systems = SipBook(image.sip_logins, vault)
        self._by_account: dict[str, list[Account]] = {}
        for row in image.accounts:
            account = _account(row, vault)
            if account is not None:
                self._by_account.setdefault(row.account_sid, []).append(account)
        tokens = {
            (account.company_id, sid): account.token
            for sid, accounts in self._by_account.items()
            for account in accounts
        }
        self._by_id: dict[str, Route] = {}
        self._by_number: dict[tuple[str, str], Route] = {}
        for route_row in image.routes:
            token = tokens.get((route_row.company_id, route_row.account_sid), "")
            flow = self.flows.find(route_row.company_id, route_row.flow_version)
            route = Route(route_row, token, base_url, flow)
            self._by_id[route_row.number_id.hex] = route
            if not route_row.is_released:
                self._by_number[route_row.account_sid, route_row.e164] = route

    def __len__(self) -> int:
        return len(self._by_id)

    def by_id(self, number_hex: str) -> Route | None:
        """Return the route of a number's id (32 hex digits)."""
        return self._by_id.get(number_hex)

    def by_number(self, account_sid: str, e164: str) -> Route | None:
        """Return the route of a number in service that was dialled at this carrier account."""
        return self._by_number.get((account_sid, e164))

    def accounts(self, account_sid: str) -> list[Account]:
        """Return the companies that use this carrier account."""
        return self._by_account.get(account_sid, [])


def unknown_number(account: Account) -> bytes:
    """Return the safe answer to a call for a number nobody here owns: the company's line, else a sentence."""
    words = Speak(text=words_for(account.language).unknown_number, language=account.language)
    parts: tuple[Part, ...] = (words, HangUp())
    try:
        if account.safe_forward_to:
            target = Target(address=account.safe_forward_to)
            parts = (Ring(targets=(target,), seconds=SAFE_RING_SECONDS), *parts)
    except ValueError as problem:
        log.error("the safe number of company %s is unusable: %s", account.company_id, problem)
    return twilio.render(CallPlan(parts)).encode()


def rendered(reply: Reply) -> bytes:
    """Return the document of a reply."""
    return twilio.render(reply.plan).encode()


def _account(row: AccountRow, vault: Vault) -> Account | None:
    try:
        token = vault.open(row.company_id, "carrier_account.auth_token", row.auth_token)
    except Unreadable as problem:
        log.error("company %s: its carrier token cannot be read (%s)", row.company_id, problem)
        return None
    language = "it-IT" if row.country == "IT" else "en-GB"
    return Account(row.company_id, row.account_sid, token, row.safe_forward_to, language)


def _say(text: str, language: str) -> bytes:
    return twilio.render(CallPlan((Speak(text=text, language=language), HangUp()))).encode()

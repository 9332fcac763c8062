"""Everything needed to answer a call, in the memory of the process: no database on the caller's path."""

from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import msgspec

from calltrack.calls.words import words_for
from calltrack.infra.crypto import Unreadable, Vault
from calltrack.infra.log import log
from calltrack.telephony import twilio
from calltrack.telephony.base import AfterDial, CallPlan, Document, HookUrls, SafeAnswer, Voicemail


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
    """One tracking number, ready to answer. Documents depend only on the number and are rendered once."""

    row: RouteRow
    token: str
    base_url: str

    @cached_property
    def connect(self) -> bytes:
        """The document that puts a caller through."""
        try:
            return _rendered(_connect_plan(self))
        except ValueError as problem:
            log.error("number %s cannot be put through: %s", self.row.number_id, problem)
            return self.apology

    @cached_property
    def nobody_came(self) -> bytes:
        """The document after ringing in vain: the voicemail where the location has one, else a sentence."""
        words = words_for(self.row.language)
        if not self.row.voicemail:
            return _rendered(AfterDial(say=words.missed, language=self.row.language))
        voicemail = Voicemail(action=self.hook("voicemail"), recording=self.hook("recording"))
        return _rendered(AfterDial(say=words.leave_message, language=self.row.language, voicemail=voicemail))

    @cached_property
    def apology(self) -> bytes:
        """The sentence for a caller who cannot be put through."""
        return _rendered(SafeAnswer(text=words_for(self.row.language).missed, language=self.row.language))

    def hook(self, name: str) -> str:
        """Return the address of one of this number's hooks."""
        return f"{self.base_url}/voice/{self.row.number_id.hex}/{name}"


class RouteTable:
    """A snapshot of all routes; it never changes, a newer one takes its place."""

    def __init__(self, image: TableImage, vault: Vault, base_url: str) -> None:
        """Open the tokens and index the routes."""
        self.version = image.version
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
            route = Route(route_row, token, base_url)
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
    """Return the safe answer to a call for a number nobody here owns."""
    text, language = words_for(account.language).unknown_number, account.language
    try:
        return _rendered(SafeAnswer(text=text, language=language, target=account.safe_forward_to or None))
    except ValueError as problem:
        log.error("the safe number of company %s is unusable: %s", account.company_id, problem)
        return _rendered(SafeAnswer(text=text, language=language))


def _account(row: AccountRow, vault: Vault) -> Account | None:
    try:
        token = vault.open(row.company_id, "carrier_account.auth_token", row.auth_token)
    except Unreadable as problem:
        log.error("company %s: its carrier token cannot be read (%s)", row.company_id, problem)
        return None
    language = "it-IT" if row.country == "IT" else "en-GB"
    return Account(row.company_id, row.account_sid, token, row.safe_forward_to, language)


def _connect_plan(route: Route) -> CallPlan:
    row = route.row
    notice = words_for(row.language).recording_notice if row.record else None
    return CallPlan(
        targets=(row.forward_to,),
        urls=HookUrls(
            action=route.hook("dialed"),
            leg=route.hook("leg"),
            whisper=route.hook("whisper"),
            recording=route.hook("recording"),
        ),
        announcement=row.announcement.strip() or notice,
        language=row.language,
        ring_seconds=min(max(row.ring_seconds, 5), 600),
        whisper="asked" if row.whisper else None,
        record=row.record,
    )


def _rendered(document: Document) -> bytes:
    return twilio.render(document).encode()

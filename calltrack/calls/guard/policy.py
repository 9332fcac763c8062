"""What the guard of a voice process knows of all companies: a snapshot that never changes."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from calltrack.accounts.forwarding_rules import allowed_countries
from calltrack.accounts.protection import Protection
from calltrack.calls.guard.cap_rules import Caps, Used
from calltrack.infra.crypto import Vault

SHORTEST_PREFIX, LONGEST_NUMBER = 3, 16


class CompanyRow(msgspec.Struct, frozen=True):
    """A company's protection as stored, and whose day it counts by."""

    company_id: UUID
    country: str
    timezone: str
    protection: dict[str, object]


class BlockedRow(msgspec.Struct, frozen=True):
    """An entry of a block list, as the company's keyed hash."""

    company_id: UUID
    caller_hash: bytes
    kind: str
    length: int
    expires_at: datetime | None


class UsedRow(msgspec.Struct, frozen=True):
    """What the database knows was put through on a number today."""

    company_id: UUID
    number_id: UUID
    day: date
    calls: int
    minutes: int


class GuardImage(msgspec.Struct, frozen=True):
    """Everything the guard knows, as read and as saved. `reported`: how many companies marked a caller."""

    companies: list[CompanyRow] = []
    blocked: list[BlockedRow] = []
    used: list[UsedRow] = []
    reported: list[tuple[bytes, int]] = []


@dataclass(frozen=True)
class Policy:
    """The protection of one company, ready to decide by."""

    protection: Protection
    country: str
    timezone: str

    @cached_property
    def countries(self) -> frozenset[str]:
        """Where calls may be put through."""
        return allowed_countries(self.country, self.protection.countries)

    @cached_property
    def zone(self) -> ZoneInfo:
        """Whose midnight begins a day."""
        return ZoneInfo(self.timezone)

    @cached_property
    def caps(self) -> Caps:
        """The most of a day."""
        one = self.protection
        return Caps(
            one.calls_per_number, one.minutes_per_number, one.calls_per_company, one.minutes_per_company
        )


class Policies:
    """The snapshot, indexed."""

    def __init__(self, image: GuardImage, before: "Policies | None" = None) -> None:
        """Index what was read; companies that are as they were before are not read anew."""
        known: dict[UUID, tuple[CompanyRow, Policy]] = before._rows if before else {}
        self._rows: dict[UUID, tuple[CompanyRow, Policy]] = {
            row.company_id: kept
            if (kept := known.get(row.company_id)) is not None and kept[0] == row
            else (row, Policy(Protection.model_validate(row.protection), row.country, row.timezone))
            for row in image.companies
        }
        self._blocked: dict[UUID, dict[bytes, BlockedRow]] = {}
        self._lengths: dict[UUID, set[int]] = {}
        for row in image.blocked:
            self._blocked.setdefault(row.company_id, {})[row.caller_hash] = row
            if row.kind == "prefix":
                self._lengths.setdefault(row.company_id, set()).add(row.length)
        self._numbers = {(row.company_id, row.number_id): row for row in image.used}
        self._totals: dict[UUID, dict[date, Used]] = {}
        for used in image.used:
            days = self._totals.setdefault(used.company_id, {})
            so_far = days.get(used.day, Used())
            days[used.day] = Used(so_far.calls + used.calls, so_far.minutes + used.minutes)
        self._reported = dict(image.reported)

    def of(self, company_id: UUID) -> Policy | None:
        """Return a company's protection; None: not known yet."""
        found = self._rows.get(company_id)
        return found[1] if found else None

    def used(self, company_id: UUID, number_id: UUID | None, day: date) -> Used:
        """Return what the database counted on a day on one number (None: in all)."""
        if number_id is None:
            return self._totals.get(company_id, {}).get(day, Used())
        row = self._numbers.get((company_id, number_id))
        return Used(row.calls, row.minutes) if row is not None and row.day == day else Used()

    def is_blocked(self, vault: Vault, company_id: UUID, caller: str, now: datetime) -> bool:
        """Tell whether a caller stands on the company's list, by its number or by how it begins."""
        entries = self._blocked.get(company_id)
        if not entries:
            return False
        named = [vault.look_up(company_id, caller)]
        named += [
            vault.look_up(company_id, prefix_key(caller[:length]))
            for length in self._lengths.get(company_id, ())
            if length <= len(caller)
        ]
        found = [entries[key] for key in named if key in entries]
        return any(one.expires_at is None or one.expires_at > now for one in found)

    def reports(self, caller_hash: bytes) -> int:
        """Return how many companies of this server marked the caller (by the server's hash)."""
        return self._reported.get(caller_hash, 0)


def prefix_key(prefix: str) -> str:
    """Return what is hashed of a prefix: no number can be mistaken for it."""
    return f"prefix:{prefix}"

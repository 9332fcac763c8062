"""Reads what an ad account spent: claim it, ask without a transaction, store, plan the next look.

An answer is stored whole or not at all, stretch by stretch; twice is harmless. Where something fails the
account says so in words and is looked at later; what was stored before stays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.delivery.accounts import keep_refresh_token, open_settings
from calltrack.delivery.model import DestinationAccount
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.destinations.sending import Courier
from calltrack.infra.http import HttpAnswer, HttpDoor, HttpRequest
from calltrack.infra.log import log
from calltrack.kernel.ids import new_id
from calltrack.kernel.money import currency_code
from calltrack.spend.accounts import first_wanted
from calltrack.spend.clicks import days_to_ask, keep_clicks
from calltrack.spend.days import keep_spent
from calltrack.spend.matching import watch
from calltrack.spend.model import SpendAccount
from calltrack.spend.notices import review_accounts
from calltrack.spend.parts import keep_parts
from calltrack.spend.platforms import SOURCES
from calltrack.spend.platforms.base import Source, trouble_of
from calltrack.spend.rules import (
    CLICK_DAYS,
    FRESH_CLICK_DAYS,
    FRESH_DAYS,
    days_to_read,
    hold_for,
    is_night_due,
    next_look,
    today_in,
)
from calltrack.spend.told import AccountTold, ClickTold, Days, PartTold, Spent, Trouble
from calltrack.wiring import Services

# Longer than the longest look: who has not settled by then is dead.
LEASE: Final = timedelta(minutes=10)
# A report that is being made is asked for again after so long.
MAKING: Final = timedelta(seconds=30)
MADE_WITHIN: Final = timedelta(hours=1)
LARGEST_ANSWER: Final = 64 * 1024 * 1024
LONGEST_ANSWER: Final = 120.0
# Keywords are many: so many days in one question.
PART_DAYS: Final = 7


def accounts_to_read(system: Session, now: datetime) -> list[tuple[UUID, UUID]]:
    """Name the accounts that are to be read at that moment (system role)."""
    rows = system.execute(
        text("SELECT company_id, id FROM spend_account WHERE due_at <= :now ORDER BY due_at"), {"now": now}
    )
    return [(row.company_id, row.id) for row in rows]


@dataclass(frozen=True)
class Look:
    """One look at one account: what is known of it, and how its platform is asked."""

    services: Services
    account: SpendAccount
    source: Source
    settings: Any
    line: "AccessLine"
    now: datetime

    def settled(self, store: Callable[[Session, SpendAccount], object]) -> None:
        """Store something in a transaction of its own, unless somebody else has the account by now.

        Raises:
            LostLease: somebody else has it.
        """
        with self.services.db.tenant(self.account.company_id) as session:
            row = session.get_one(
                SpendAccount, (self.account.company_id, self.account.id), with_for_update=True
            )
            if row.lease_token != self.account.lease_token:
                raise LostLease
            row.lease_until = self.services.clock() + LEASE
            row.due_at = row.lease_until
            store(session, row)


class LostLease(Exception):
    """Somebody else reads the account by now, or it was stopped."""


class AccessLine:
    """Carries questions over a destination's access: tokens, failures on the way, new refresh tokens."""

    def __init__(self, courier: Courier, source: Source, settings: Any, keep: Callable[[str], None]) -> None:
        self._courier, self._source, self._settings, self._keep = courier, source, settings, keep
        self.now: Callable[[], datetime]

    def ask(self, build: Callable[[str | None], HttpRequest]) -> HttpAnswer:
        """Send one request; returns an answer of any status, raises Trouble where there is none."""
        heard: list[HttpAnswer] = []

        def read(answer: HttpAnswer) -> tuple[Outcome, ...]:
            heard.append(answer)
            return (Outcome(Class.DONE, "OK", ""),)

        attempt = self._courier.carry(
            DESTINATIONS[self._source.carrier], self._settings, self.now(), 1, build, read, self._keep
        )
        if not heard:
            raise trouble_of(attempt.outcomes[0], self._source.label)
        return heard[-1]

    def fetch(self, url: str) -> HttpAnswer:
        """Fetch a file that the platform has made; raises Trouble where no answer comes."""
        answer = self._courier.fetch(url)
        if isinstance(answer, HttpAnswer):
            return answer
        raise Trouble("later", f"{self._source.label}'s report could not be fetched: {answer.message}.")


def read_account(
    services: Services, company_id: UUID, account_id: UUID, *, courier: Courier | None = None
) -> bool:
    """Read an account if it is due; tells whether its platform told all that was asked for."""
    look = _claim(services, company_id, account_id, courier or _courier_of(services))
    if look is None:
        return False
    try:
        return _ask_all(look)
    except LostLease:
        log.warning("spend account %s was taken over by somebody else", account_id)
        return False
    except Trouble as trouble:
        _settle_trouble(look, trouble)
        return False


def _claim(services: Services, company_id: UUID, account_id: UUID, courier: Courier) -> Look | None:
    now = services.clock()
    with services.db.tenant(company_id) as session:
        row = session.scalar(
            select(SpendAccount)
            .where(
                SpendAccount.company_id == company_id, SpendAccount.id == account_id,
                SpendAccount.due_at <= now, SpendAccount.status == "active",
            )
            .with_for_update(skip_locked=True)
        )  # fmt: skip
        if row is None or (row.lease_until is not None and row.lease_until > now):
            return None
        source = SOURCES.get(row.platform)
        destination = (
            session.get(DestinationAccount, (company_id, row.destination_id)) if row.destination_id else None
        )
        if source is None or destination is None or destination.status == "removed":
            row.status, row.due_at = "paused", None
            row.trouble = "The destination whose access was used is removed. Connect the account by another."
            review_accounts(session, company_id, now)
            return None
        row.lease_token, row.lease_until, row.due_at = new_id(now), now + LEASE, now + LEASE
        keep = partial(_keep_refresh_token, services, company_id, destination.id)
        settings = open_settings(services.vault, destination)
    line = AccessLine(courier, source, settings, keep)
    line.now = services.clock
    return Look(services, row, source, settings, line, now)


def _ask_all(look: Look) -> bool:
    """Ask for account, campaigns, then ad groups, keywords and clicks; store each as it comes.

    Tells whether all was told: a report may still be being made.
    """
    account = look.account
    is_first = account.read_at is None
    if is_first or is_night_due(account.timezone, account.night_on, look.now):
        told = look.source.ask_account(look.line, look.settings, account.external_id)
        look.settled(lambda session, row: _keep_account(row, told))
        account.timezone, account.currency = told.timezone, told.currency
    is_night = is_first or is_night_due(account.timezone, account.night_on, look.now)
    today = today_in(account.timezone, look.now)
    wanted = days_to_read(today, first_wanted(account, today), is_first=is_first, is_night=is_night)
    if not _read_days(look, wanted, account.waiting):
        return False
    part_days = wanted if is_night else Days(today - timedelta(days=FRESH_DAYS - 1), today)
    _read_parts(look, part_days)
    _read_clicks(look, CLICK_DAYS if is_night else FRESH_CLICK_DAYS)
    look.settled(partial(_settle, night_on=today if is_night else None, now=look.now))
    return True


def _read_days(look: Look, wanted: Days, waiting: Mapping[str, Any]) -> bool:
    """Read campaigns by day, stretch by stretch; False: a report is being made, and asked for later."""
    left = list(wanted.slices(look.source.longest))
    while left:
        days = left.pop(0)
        asked = _still_wanted(waiting, days, look.now)
        try:
            spent = look.source.ask_days(look.line, look.settings, look.account.external_id, days, asked)
        except Trouble as trouble:
            if trouble.class_ != "smaller" or days.first == days.last:
                raise
            left = [*days.slices(max(1, ((days.last - days.first).days + 1) // 2)), *left]
            continue
        if not isinstance(spent, Spent):
            since = {"since": asked.get("since", look.now.isoformat())}
            look.settled(partial(_wait, waiting={**spent, **since}, now=look.now))
            return False
        look.settled(partial(_store_spent, spent=spent, now=look.now))
        waiting = {}
    return True


def _still_wanted(waiting: Mapping[str, Any], days: Days, now: datetime) -> Mapping[str, Any]:
    """Return the report that was ordered for these days; nothing if it was for others, or takes too long."""
    if (waiting.get("first"), waiting.get("last")) != (str(days.first), str(days.last)):
        return {}
    return waiting if now - datetime.fromisoformat(waiting["since"]) < MADE_WITHIN else {}


def _read_parts(look: Look, wanted: Days) -> None:
    for days in wanted.slices(PART_DAYS):
        rows = look.source.ask_parts(look.line, look.settings, look.account.external_id, days)
        if rows:
            look.settled(partial(_store_parts, days=days, rows=rows, now=look.now))


def _store_parts(
    session: Session, row: SpendAccount, *, days: Days, rows: Sequence[PartTold], now: datetime
) -> None:
    keep_parts(session, row, days, rows, now)


def _read_clicks(look: Look, back: int) -> None:
    with look.services.db.tenant(look.account.company_id) as session:
        days = days_to_ask(session, look.account, back, look.now) if look.source.name == "google_ads" else []
    for day in days:
        clicks = look.source.ask_clicks(look.line, look.settings, look.account.external_id, day)
        if clicks is not None:
            look.settled(partial(_store_clicks, day=day, clicks=clicks, now=look.now))


def _store_spent(session: Session, row: SpendAccount, *, spent: Spent, now: datetime) -> None:
    keep_spent(session, row, spent, now)
    watch(session, row.company_id, now)


def _store_clicks(
    session: Session, row: SpendAccount, *, day: date, clicks: Sequence[ClickTold], now: datetime
) -> None:
    keep_clicks(session, row, day, clicks, now)


def _keep_account(row: SpendAccount, told: AccountTold) -> None:
    row.name, row.currency, row.timezone = told.name, currency_code(told.currency), told.timezone


def _wait(session: Session, row: SpendAccount, *, waiting: dict[str, Any], now: datetime) -> None:
    row.waiting, row.due_at = waiting, now + MAKING
    row.lease_token = row.lease_until = None


def _settle(session: Session, row: SpendAccount, *, night_on: Any, now: datetime) -> None:
    row.read_at, row.trouble, row.unwell, row.waiting = now, "", 0, {}
    row.night_on = night_on or row.night_on
    row.due_at = next_look(now, row.id.int)
    row.lease_token = row.lease_until = None
    watch(session, row.company_id, now)
    review_accounts(session, row.company_id, now)


def _settle_trouble(look: Look, trouble: Trouble) -> None:
    """Note what went wrong, and when to look again; a person is told where one is needed."""

    def note(session: Session, row: SpendAccount) -> None:
        now = look.services.clock()
        row.trouble = trouble.words
        row.lease_token = row.lease_until = None
        # A report is ordered anew after a failure: it may be the very thing that failed.
        row.waiting = {}
        if trouble.class_ == "paused":
            row.status, row.due_at = "paused", None
        else:
            row.due_at = now + hold_for(row.unwell, trouble.after)
            row.unwell += 1
        review_accounts(session, row.company_id, now)

    if trouble.class_ == "bug":
        log.error("spend account %s: %s", look.account.id, trouble.words)
    try:
        look.settled(note)
    except LostLease:
        log.warning("spend account %s was taken over by somebody else", look.account.id)


def _keep_refresh_token(
    services: Services, company_id: UUID, destination_id: UUID, refresh_token: str
) -> None:
    with services.db.tenant(company_id) as session:
        keep_refresh_token(session, services.vault, company_id, destination_id, refresh_token)


def _courier_of(services: Services) -> Courier:
    return _courier(allow_private=services.settings.is_demo)


@lru_cache
def _courier(*, allow_private: bool) -> Courier:
    """Reports are long and take their time; uploads keep a door of their own."""
    door = HttpDoor(allow_private=allow_private, total_seconds=LONGEST_ANSWER, max_answer=LARGEST_ANSWER)
    return Courier(door, google_ads_seconds=LONGEST_ANSWER)

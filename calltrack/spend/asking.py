"""What a look asks for, in order: the account, campaigns by day, ad groups and keywords, clicks.

An answer is stored whole or not at all, stretch by stretch; the newest days come first.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.orm import Session

from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import currency_code
from calltrack.spend.accounts import first_wanted
from calltrack.spend.clicks import days_to_ask, keep_clicks
from calltrack.spend.days import keep_spent
from calltrack.spend.look import Look
from calltrack.spend.matching import watch
from calltrack.spend.model import SpendAccount
from calltrack.spend.notices import review_accounts
from calltrack.spend.parts import keep_parts
from calltrack.spend.rules import (
    CLICK_DAYS,
    FRESH_CLICK_DAYS,
    FRESH_DAYS,
    days_to_read,
    is_night_due,
    next_look,
    today_in,
)
from calltrack.spend.told import AccountTold, ClickTold, Days, PartTold, Spent, Trouble

# A report that is being made is asked for again after so long, and ordered anew after so long.
MAKING: Final = timedelta(seconds=30)
MADE_WITHIN: Final = timedelta(hours=1)
# Keywords are many: so many days in one question.
PART_DAYS: Final = 7


def ask_all(look: Look) -> bool:
    """Ask for account, campaigns, then ad groups, keywords and clicks; store each as it comes.

    Tells whether all was told: a report may still be being made.
    """
    account = look.account
    is_first = account.read_at is None
    if is_first or is_night_due(account.timezone, account.night_on, look.now):
        told = look.source.ask_account(look.line, look.settings, account.external_id)
        _check(told)
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
    """Read campaigns by day, stretch by stretch; False: a report is being made, and asked for later.

    What is kept while it is made: which stretches are left, so that those before it are not asked for again.
    """
    left, asked = list(wanted.slices(look.source.longest)), dict[str, Any]()
    if waiting.get("wanted") == _written(wanted):
        left = [_read_written(one) for one in waiting["left"]]
        is_fresh = look.now - datetime.fromisoformat(waiting["since"]) < MADE_WITHIN
        asked = dict(waiting["asked"]) if is_fresh else {}
    while left:
        days = left.pop(0)
        try:
            spent = look.source.ask_days(
                look.line, look.settings, look.account.external_id, days, asked, zone=look.account.timezone
            )
        except Trouble as trouble:
            if trouble.class_ != "smaller" or days.first == days.last:
                raise
            left = [*days.slices(max(1, ((days.last - days.first).days + 1) // 2)), *left]
            continue
        if not isinstance(spent, Spent):
            kept = {
                "asked": dict(spent), "since": waiting["since"] if asked else look.now.isoformat(),
                "wanted": _written(wanted), "left": [_written(one) for one in (days, *left)],
            }  # fmt: skip
            look.settled(partial(_wait, waiting=kept, now=look.now))
            return False
        look.settled(partial(_store_spent, spent=spent, now=look.now))
        asked = {}
    return True


def _written(days: Days) -> list[str]:
    return [str(days.first), str(days.last)]


def _read_written(told: Sequence[str]) -> Days:
    return Days(date.fromisoformat(told[0]), date.fromisoformat(told[1]))


def _read_parts(look: Look, wanted: Days) -> None:
    for days in wanted.slices(PART_DAYS):
        rows = look.source.ask_parts(look.line, look.settings, look.account.external_id, days)
        if rows is not None:
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


def _check(told: AccountTold) -> None:
    """Refuse an account whose currency or time zone we do not know; raises Trouble."""
    try:
        currency_code(told.currency)
        ZoneInfo(told.timezone)
    except (BadInput, ZoneInfoNotFoundError, ValueError):
        words = (
            f"The account's currency or time zone ({told.currency[:8]}, {told.timezone[:40]}) is not known."
        )
        raise Trouble(
            "bug", f"{words} Ask whoever runs calltrack; it is asked again in a day.", timedelta(days=1)
        ) from None


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

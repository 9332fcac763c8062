"""Names the campaign and keyword behind visits that came with a Google click id.

Google tells the clicks of one day at a time, in the account's time zone; a visit may begin on the day before
or after. Only what belongs to a visit of ours is kept, under the visit: the click id itself is not.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.infra import outbox
from calltrack.kernel.ids import first_id_of
from calltrack.spend.days import campaign_ids
from calltrack.spend.detail_model import SpendClick, SpendClickDay
from calltrack.spend.model import SpendAccount
from calltrack.spend.rules import today_in
from calltrack.spend.sightings import see_clicks
from calltrack.spend.told import ClickTold

# Days asked for at one look; what is left is asked for at the next.
MOST_DAYS: Final = 5
# A day's clicks are settled when it has been over for a day.
SETTLES: Final = timedelta(days=2)


def days_to_ask(session: Session, account: SpendAccount, back: int, now: datetime) -> list[date]:
    """Return the next of the last `back` days whose clicks are to be asked for, the newest first.

    Asked is for days with visits that carry a click id nobody has named yet: again with every look until the
    day is settled, then never again. A visit that began within an hour of midnight may have been clicked the
    day before. A later visit of the same browser, which remembers the click, is named by the first one.
    """
    today = today_in(account.timezone, now)
    first = today - timedelta(days=back - 1)
    given = {
        "company_id": account.company_id, "account_id": account.id, "zone": account.timezone,
        "first": first, "last": today, "settles": SETTLES, "most": MOST_DAYS,
        "from": first_id_of(_midnight(first, account.timezone)),
    }  # fmt: skip
    again = session.scalars(_REMEMBERED, given).all()
    _tell(session, account.company_id, again, now)
    return [row.day for row in session.execute(_DAYS, given)]


def keep_clicks(
    session: Session, account: SpendAccount, day: date, clicks: Sequence[ClickTold], now: datetime
) -> int:
    """Store what is told of the clicks behind our visits; returns how many visits were named."""
    by_gclid = {one.gclid: one for one in clicks}
    campaigns = campaign_ids(session, account)
    company_zone = session.get_one(Company, account.company_id).timezone
    rows: list[dict[str, Any]] = []
    for visit_id, gclid in _visits_around(session, account, day):
        click = by_gclid.get(gclid)
        if click is None or click.campaign_id not in campaigns:
            continue
        rows.append(
            {
                "company_id": account.company_id, "visit_id": visit_id, "day": day,
                "campaign_id": campaigns[click.campaign_id], "ad_group_id": click.ad_group_id,
                "ad_group": click.ad_group, "keyword": click.keyword, "match_type": click.match_type,
            }
        )  # fmt: skip
    numbers = {id_: number for number, id_ in campaigns.items()}
    if rows:
        statement = insert(SpendClick).on_conflict_do_nothing()
        fresh = session.execute(statement.returning(SpendClick.visit_id, SpendClick.campaign_id), rows).all()
        named = {row.visit_id: numbers[row.campaign_id] for row in fresh}
        see_clicks(session, account.company_id, named, company_zone)
        _tell(session, account.company_id, list(named), now)
    asked = {"asked_at": now, "named": len(rows)}
    key = {"company_id": account.company_id, "account_id": account.id, "day": day}
    session.execute(
        insert(SpendClickDay)
        .values(**key, **asked)
        .on_conflict_do_update(index_elements=list(key), set_=asked)
    )
    return len(rows)


@dataclass(frozen=True, slots=True)
class Named:
    """What is known of the click behind a visit."""

    campaign_id: UUID
    ad_group: str
    keyword: str
    match_type: str


def click_behind(session: Session, company_id: UUID, visit_id: UUID) -> Named | None:
    """Return what Google told of the click behind a visit; None: nothing."""
    found = session.get(SpendClick, (company_id, visit_id))
    if found is None:
        return None
    return Named(found.campaign_id, found.ad_group, found.keyword, found.match_type)


def erase_clicks(session: Session, company_id: UUID, visitor_ids: Collection[UUID]) -> int:
    """Forget what is known of the clicks of these browsers; returns of how many visits."""
    gone = session.execute(_ERASE, {"company_id": company_id, "visitors": list(visitor_ids)})
    return len(gone.all())


def forget_clicks(session: Session, company_id: UUID, before: date) -> int:
    """Forget what was behind clicks before that day; returns of how many visits."""
    gone = session.execute(_FORGET, {"company_id": company_id, "before": before})
    return len(gone.all())


def _tell(session: Session, company_id: UUID, visit_ids: Sequence[UUID], now: datetime) -> None:
    """Record that keywords of visits are known: of one visit of each day, and of all that calls came from.

    Sums by keyword are counted by days; a fact of every visit would say the same thousands of times.
    """
    if not visit_ids:
        return
    given = {"company_id": company_id, "visits": list(visit_ids)}
    for visit_id in session.scalars(_WORTH_TELLING, given).all():
        outbox.record(session, company_id, "visit.named", visit_id, now)


def _visits_around(session: Session, account: SpendAccount, day: date) -> list[tuple[UUID, str]]:
    start = _midnight(day - timedelta(days=1), account.timezone)
    end = _midnight(day + timedelta(days=2), account.timezone)
    rows = session.execute(
        _VISITS,
        {"company_id": account.company_id, "from": first_id_of(start), "until": first_id_of(end)},
    )
    return [(row.id, row.gclid) for row in rows]


def _midnight(day: date, timezone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone))


_ERASE = text(
    """
    DELETE FROM spend_click k USING visit v
    WHERE v.company_id = :company_id AND v.visitor_id = ANY(CAST(:visitors AS uuid[]))
      AND k.company_id = v.company_id AND k.visit_id = v.id
    RETURNING k.day
    """
)
_FORGET = text("DELETE FROM spend_click WHERE company_id = :company_id AND day < :before RETURNING day")
_UNNAMED = """
    v.company_id = :company_id AND v.click_ids ? 'gclid'
    AND NOT EXISTS (SELECT 1 FROM spend_click k WHERE k.company_id = v.company_id AND k.visit_id = v.id)
"""
_VISITS = text(
    f"""
    SELECT v.id, v.click_ids ->> 'gclid' AS gclid FROM visit v
    WHERE {_UNNAMED} AND v.id >= :from AND v.id < :until
    """  # noqa: S608 (a constant)
)
_REMEMBERED = text(
    f"""
    INSERT INTO spend_click (company_id, visit_id, campaign_id, day, ad_group_id, ad_group, keyword,
                             match_type)
    SELECT v.company_id, v.id, first.campaign_id, first.day, first.ad_group_id, first.ad_group, first.keyword,
           first.match_type
    FROM visit v
    CROSS JOIN LATERAL (
        SELECT k.* FROM visit o
        JOIN spend_click k ON k.company_id = o.company_id AND k.visit_id = o.id
        WHERE o.company_id = v.company_id AND o.visitor_id = v.visitor_id
          AND o.click_ids ->> 'gclid' = v.click_ids ->> 'gclid' LIMIT 1) first
    WHERE {_UNNAMED} AND v.id >= :from
    ON CONFLICT DO NOTHING
    RETURNING visit_id
    """  # noqa: S608 (a constant)
)
_WORTH_TELLING = text(
    """
    WITH named AS (SELECT unnest(CAST(:visits AS uuid[])) AS id)
    (SELECT DISTINCT ON ((v.started_at AT TIME ZONE m.timezone)::date) v.id
     FROM named JOIN company m ON m.id = :company_id
     CROSS JOIN LATERAL (SELECT id, started_at FROM visit one
        WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.id = named.id LIMIT 1) v
     ORDER BY (v.started_at AT TIME ZONE m.timezone)::date, v.id)
    UNION
    SELECT named.id FROM named WHERE EXISTS (SELECT FROM attribution a
        WHERE a.company_id = (SELECT CAST(:company_id AS uuid)) AND a.visit_id = named.id AND a.is_current)
    """
)
_DAYS = text(
    f"""
    SELECT d.day FROM (
        SELECT DISTINCT ((v.started_at - before) AT TIME ZONE :zone)::date AS day FROM visit v
        CROSS JOIN (VALUES (interval '0'), (interval '1 hour')) AS b(before)
        WHERE {_UNNAMED} AND v.id >= :from
    ) d
    LEFT JOIN spend_click_day a
      ON a.company_id = :company_id AND a.account_id = :account_id AND a.day = d.day
    WHERE d.day BETWEEN :first AND :last
      AND (a.day IS NULL OR a.asked_at AT TIME ZONE :zone < d.day + CAST(:settles AS interval))
    ORDER BY (a.day IS NOT NULL), d.day DESC
    LIMIT :most
    """  # noqa: S608 (a constant)
)

"""Counts by day under which words visits come, and with which campaign's number in their address.

Visits are looked at once, in the order they began; so a look costs what is new, however many there are.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.kernel.ids import first_id_of
from calltrack.kernel.origin import BETWEEN
from calltrack.spend.match_model import SpendWatch
from calltrack.spend.matching_rules import Evidence, numbers_of_words

# How far back the first look goes, and how old what speaks for a match may be.
BACK: Final = timedelta(days=90)
# A visit may be written a moment after it began.
LAG: Final = timedelta(minutes=2)
STRETCH: Final = timedelta(days=1)
KEPT: Final = timedelta(days=400)


def look_on(session: Session, watch: SpendWatch, timezone: str, now: datetime) -> bool:
    """Count the visits of the next stretch; tells whether there is more to look at."""
    until = min(watch.visits_until + STRETCH, now - LAG)
    if until <= watch.visits_until:
        return False
    session.execute(
        _LOOK,
        {
            "company_id": watch.company_id, "from": first_id_of(watch.visits_until),
            "until": first_id_of(until), "zone": timezone, "mark": BETWEEN,
        },
    )  # fmt: skip
    watch.visits_until = until
    return until < now - LAG


def see_clicks(session: Session, company_id: UUID, named: Mapping[UUID, str], timezone: str) -> None:
    """Count visits whose campaign's number Google told (visit -> number)."""
    session.execute(
        _CLICKS,
        {
            "company_id": company_id, "visits": list(named), "numbers": list(named.values()),
            "zone": timezone, "mark": BETWEEN,
        },
    )  # fmt: skip


def evidence(session: Session, company_id: UUID, since: date) -> Evidence:
    """Return what visits since that day tell of campaigns."""
    rows = session.execute(_EVIDENCE, {"company_id": company_id, "since": since}).all()
    by_key = {row.campaign_key: int(row.visits) for row in rows if not row.id_value}
    by_id = numbers_of_words(by_key)
    for row in rows:
        if row.id_value:
            told = by_id.setdefault(row.id_value, {})
            told[row.campaign_key] = max(told.get(row.campaign_key, 0), int(row.visits))
    return Evidence(by_id, by_key)


def forget_sightings(session: Session, company_id: UUID, now: datetime) -> int:
    """Delete counts that are older than thirteen months; returns how many rows went."""
    gone = session.execute(
        text("DELETE FROM campaign_sighting WHERE company_id = :company_id AND day < :before RETURNING day"),
        {"company_id": company_id, "before": (now - KEPT).date()},
    )
    return len(gone.all())


_KEY = "v.source || :mark || v.medium || :mark || v.campaign"
_COUNT = """
    ON CONFLICT (company_id, day, campaign_key, id_kind, id_value)
    DO UPDATE SET visits = s.visits + excluded.visits
"""
_LOOK = text(
    f"""
    INSERT INTO campaign_sighting AS s (company_id, day, campaign_key, id_kind, id_value, visits)
    SELECT :company_id, (v.started_at AT TIME ZONE :zone)::date, {_KEY}, n.kind, n.value, count(*)
    FROM visit v
    CROSS JOIN LATERAL (
        VALUES ('', ''), ('gad', v.click_ids ->> 'gad_campaignid'), ('utm', v.click_ids ->> 'utm_id')
    ) AS n(kind, value)
    WHERE v.company_id = :company_id AND v.id >= :from AND v.id < :until AND n.value IS NOT NULL
    GROUP BY 2, 3, 4, 5
    {_COUNT}
    """  # noqa: S608 (constants)
)
_CLICKS = text(
    f"""
    INSERT INTO campaign_sighting AS s (company_id, day, campaign_key, id_kind, id_value, visits)
    SELECT :company_id, (v.started_at AT TIME ZONE :zone)::date, {_KEY}, 'click', t.number, count(*)
    FROM unnest(CAST(:visits AS uuid[]), CAST(:numbers AS text[])) t(id, number)
    JOIN visit v ON v.company_id = :company_id AND v.id = t.id
    GROUP BY 2, 3, 5
    {_COUNT}
    """  # noqa: S608 (constants)
)
# Several kinds of one number speak of the same visits: the one that speaks of most counts.
_EVIDENCE = text(
    """
    SELECT campaign_key, id_kind, id_value, sum(visits) AS visits FROM campaign_sighting
    WHERE company_id = :company_id AND day >= :since
    GROUP BY campaign_key, id_kind, id_value
    """
)

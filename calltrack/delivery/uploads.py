"""Gathers all a destination may know of conversion changes: rows in, `Upload` values out."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from calltrack.accounts.rules import settings_of
from calltrack.attribution.stored import likeliest_visit
from calltrack.conversions.contacts import contacts_of
from calltrack.destinations.base import Consent, ConsentState, Upload
from calltrack.infra.crypto import Vault
from calltrack.kernel.ids import first_id_of
from calltrack.kernel.phone import country_of
from calltrack.kernel.touch import only_clicks

OLDEST_CLICK = timedelta(days=90)

# LATERAL and `(SELECT :company_id)` reach each row by its whole key, whatever the statistics say (`plan.py`).
# `paid` is the last value told: a retraction names no value, but the currency stays the conversion's own.
# `bought_before`: the person has an earlier conversion of the same kind that still counts.
_CHANGES = text(
    """
    SELECT ch.id, ch.conversion_id, ch.sequence, ch.action, ch.value_minor, ch.currency, ch.changed_at,
           co.kind, co.occurred_at, co.call_id, co.person_id, co.is_demo, ca.caller, ca.started_at,
           company.settings, company.country, a.visit_id, a.probability, a.p_nobody, a.source, a.medium,
           a.campaign, a.candidates,
           (SELECT paid.currency FROM conversion_change paid
            WHERE paid.company_id = ch.company_id AND paid.conversion_id = ch.conversion_id
              AND paid.sequence < ch.sequence AND paid.action <> 'retract'
            ORDER BY paid.sequence DESC LIMIT 1) AS paid_currency,
           (SELECT first.value_minor FROM conversion_change first
            WHERE first.company_id = ch.company_id AND first.conversion_id = ch.conversion_id
              AND first.sequence = 0) AS original_value,
           EXISTS (SELECT FROM conversion b
                   WHERE b.company_id = co.company_id AND b.person_id = co.person_id AND b.kind = co.kind
                     AND b.status = 'counted'
                     AND (b.occurred_at, b.id) < (co.occurred_at, co.id)) AS bought_before
    FROM unnest(:ids) AS asked (id)
    CROSS JOIN LATERAL (
        SELECT * FROM conversion_change c
        WHERE c.company_id = (SELECT :company_id) AND c.id = asked.id LIMIT 1) ch
    CROSS JOIN LATERAL (
        SELECT * FROM conversion c
        WHERE c.company_id = (SELECT :company_id) AND c.id = ch.conversion_id LIMIT 1) co
    CROSS JOIN LATERAL (
        SELECT c.id, c.caller, c.started_at FROM call c
        WHERE c.company_id = (SELECT :company_id) AND c.id = co.call_id LIMIT 1) ca
    JOIN company ON company.id = :company_id
    LEFT JOIN LATERAL (
        SELECT * FROM attribution c
        WHERE c.company_id = (SELECT :company_id) AND c.call_id = ca.id AND c.is_current LIMIT 1) a ON true
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))

# A click id that the snippet remembered was clicked when the visitor's first visit with it began.
_VISITS = text(
    """
    SELECT v.id, v.started_at, v.click_ids, v.ad_cookies, v.consent, v.landing_url, v.user_agent,
           (SELECT min(w.started_at) FROM visit w
            WHERE w.company_id = v.company_id AND w.visitor_id = v.visitor_id AND w.id >= :oldest
              AND w.started_at <= v.started_at AND w.click_ids @> v.click_ids) AS clicked_at
    FROM unnest(:ids) AS asked (id)
    CROSS JOIN LATERAL (
        SELECT * FROM visit one WHERE one.company_id = (SELECT :company_id) AND one.id = asked.id LIMIT 1) v
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


@dataclass(frozen=True, slots=True)
class Change:
    """A conversion change as destinations are told of it, and where it belongs."""

    id: UUID
    conversion_id: UUID
    sequence: int
    changed_at: datetime
    is_demo: bool
    upload: Upload


def load_changes(
    session: Session, vault: Vault, company_id: UUID, change_ids: Collection[UUID]
) -> dict[UUID, Change]:
    """Return the changes that exist, by id; the caller's number is opened once for each."""
    rows = session.execute(_CHANGES, {"company_id": company_id, "ids": list(change_ids)}).all()
    if not rows:
        return {}
    needed = settings_of(rows[0].settings).upload_probability
    likely = {row.id: _likeliest(row) for row in rows}
    oldest = min(row.started_at for row in rows) - OLDEST_CLICK
    visits = _visits(session, company_id, {visit for visit, _ in likely.values() if visit}, oldest)
    contacts = contacts_of(session, vault, company_id, {row.call_id for row in rows})
    found = {}
    for row in rows:
        visit_id, probability = likely[row.id]
        visit = visits.get(visit_id) if visit_id else None
        upload = _upload(row, vault, company_id, visit, probability, needed)
        if row.call_id in contacts:
            # What a CRM or a file knows of the person matches beside the click and the number.
            told = {name: value for name, value in asdict(contacts[row.call_id]).items() if value}
            upload = replace(upload, **told)
        found[row.id] = Change(row.id, row.conversion_id, row.sequence, row.changed_at, row.is_demo, upload)
    return found


def _likeliest(row: Any) -> tuple[UUID | None, float]:
    """Return the visit that most probably made the call, and how sure that is."""
    visit, probability = likeliest_visit(row.candidates or ())
    if visit is not None and row.visit_id in (None, visit):
        return visit, probability
    return row.visit_id, row.probability or 0.0


def _visits(session: Session, company_id: UUID, ids: set[UUID], oldest: datetime) -> Mapping[UUID, Any]:
    if not ids:
        return {}
    found = session.execute(
        _VISITS, {"company_id": company_id, "ids": list(ids), "oldest": first_id_of(oldest)}
    ).all()
    return {row.id: row for row in found}


def _upload(
    row: Any, vault: Vault, company_id: UUID, visit: Any | None, probability: float, needed: float
) -> Upload:
    # A click id speaks of one visit: however sure the campaign is, without a sure visit none travels.
    is_sure = probability >= needed and probability > (row.p_nobody or 0.0)
    credited = visit if is_sure else None
    clicks = only_clicks(credited.click_ids) if credited else {}
    phone = vault.open(company_id, "call.caller", row.caller) if row.caller is not None else None
    analytics = str(credited.ad_cookies.get("_ga", "")) if credited else ""
    currency = (row.paid_currency or row.currency) if row.action == "retract" else row.currency
    return Upload(
        id=f"conv-{row.conversion_id.hex}",
        kind=row.kind,
        action=row.action,
        occurred_at=row.occurred_at,
        changed_at=row.changed_at,
        sequence=row.sequence,
        value_minor=row.value_minor,
        currency=currency,
        click_ids={**clicks, **credited.ad_cookies} if credited else {},
        clicked_at=credited.clicked_at or credited.started_at if credited and clicks else None,
        phone_e164=phone,
        region=(country_of(phone) if phone else None) or row.country,
        consent=consent_of(visit.consent if visit else None, is_sure=credited is not None),
        landing_url=(credited.landing_url or None) if credited else None,
        user_agent=(credited.user_agent or None) if credited else None,
        ga_client_id=client_id_of(analytics),
        original_value_minor=row.original_value,
        call_id=str(row.call_id),
        call_started_at=row.started_at,
        person_id=str(row.person_id) if row.person_id else None,
        probability=row.probability,
        campaign=row.campaign or None,
        source=row.source or None,
        medium=row.medium or None,
        first_time=not row.bought_before,
    )


def client_id_of(cookie: str) -> str | None:
    """Return the GA4 client id in a `_ga` cookie (`GA1.1.<random>.<first visit>`); None for anything else."""
    parts = cookie.split(".")
    return ".".join(parts[-2:]) if len(parts) >= 4 and all(part.isdigit() for part in parts[-2:]) else None


def consent_of(stored: Mapping[str, Any] | None, *, is_sure: bool) -> Consent:
    """Return what the visitor allowed. A refusal counts even where the visit is not sure, a yes does not."""
    allowed = (stored or {}).get("ad")
    state: ConsentState = "unknown"
    if allowed is False:
        state = "denied"
    elif allowed is True and is_sure:
        state = "granted"
    return Consent(state, state)

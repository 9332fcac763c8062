"""Fills a company with persons who visited, called and bought, in a few statements."""

from datetime import datetime
from typing import Final

from sqlalchemy import create_engine, text

from calltrack.wiring import Services
from tests.builders import Company

# A UUIDv7 that follows from a moment, a number and a word: the same words give the same id again.
_ID: Final = (
    "CAST(lpad(to_hex(CAST(extract(epoch FROM {at}) * 1000 AS bigint)), 12, '0') || '7'"
    " || substr(md5(i || '{word}'), 1, 3) || '8' || substr(md5(i || '{word}'), 4, 15) AS uuid)"
)
_MADE: Final = "(:now - interval '100 days' + i * interval '10 seconds')"
_CALLED: Final = "(:now - (i % 80) * interval '1 day' - interval '1 hour')"
_BOUGHT: Final = "(:now - (i % 80) * interval '1 day' - interval '10 minutes')"
PERSON: Final = _ID.format(at=_MADE, word="person")
CALL: Final = _ID.format(at=_CALLED, word="call")
_VISITOR: Final = _ID.format(at=_MADE, word="visitor")
_HASH: Final = "sha256(convert_to(i || 'caller', 'UTF8'))"
_EACH: Final = "FROM generate_series(1, :count) AS i"
_VISIT: Final = """
    INSERT INTO visit (company_id, id, visitor_id, site_id, started_at, last_seen_at, source, medium,
        campaign, term, content, click_ids, ad_cookies, referrer, landing_url, consent, user_agent, is_demo)
    SELECT :company, {id}, {visitor}, :site, {at}, {at}, 'google', 'cpc', 'roma', '', '', '{{}}', '{{}}', '',
        '', CASE WHEN i % 10 = 0 THEN NULL
                 WHEN i % 11 = 0 THEN '{{"ad": false}}'::jsonb ELSE '{{"ad": true}}' END, '', false
    {each}
"""
_CONVERTED: Final = """
    INSERT INTO conversion (company_id, id, call_id, person_id, kind, status, external_id, value_minor,
        currency, occurred_at, decided_by, via, reason, created_at, changed_at, is_demo)
    SELECT :company, {id}, {call}, {person}, '{kind}', 'counted', '', 85000, 'EUR', {at}, 'bench', 'rule', '',
        {at}, {at}, false {each} WHERE {which}
"""
_STATEMENTS: Final = (
    f"INSERT INTO person (company_id, id, created_at) SELECT :company, {PERSON}, {_MADE} {_EACH}",
    "INSERT INTO person_caller (company_id, caller_hash, person_id, phone, linked_at)"
    f" SELECT :company, {_HASH}, {PERSON}, :phone, {_MADE} {_EACH}",
    "INSERT INTO person_visitor (company_id, visitor_id, person_id, call_id, probability, linked_at)"
    f" SELECT :company, {_VISITOR}, {PERSON}, {CALL}, 0.9, {_MADE} {_EACH}",
    *(
        _VISIT.format(id=_ID.format(at=at, word=word), visitor=_VISITOR, at=at, each=_EACH)
        for word, at in (("first", _MADE), ("second", f"({_CALLED} - interval '1 minute')"))
    ),
    "INSERT INTO call (company_id, id, call_sid, number_id, location_id, caller, caller_hash, status,"
    " outcome, started_at, talk_seconds, is_bridged, changed_at)"
    f" SELECT :company, {CALL}, 'CA' || md5(:company || i::text), :number, :location, :phone, {_HASH},"
    f" 'completed', 'answered', {_CALLED}, 180, true, {_CALLED} {_EACH}",
    *(
        _CONVERTED.format(
            id=_ID.format(at=at, word=kind),
            call=CALL,
            person=PERSON,
            kind=kind,
            at=at,
            each=_EACH,
            which=which,
        )
        for kind, at, which in (("lead", _CALLED, "i % 10 < 8"), ("purchase", _BOUGHT, "i % 5 = 1"))
    ),
)


def fill(services: Services, owner_url: str, company: Company, count: int, now: datetime) -> None:
    """Store so many persons: each with two visits and a call, four of five a lead, one of five a customer."""
    values = {
        "company": company.id, "site": company.site_id, "number": company.number_ids[0], "now": now,
        "location": company.location_id, "count": count,
        "phone": services.vault.seal(company.id, "person_caller.phone", "+390694000001"),
    }  # fmt: skip
    for statement in _STATEMENTS:
        with services.db.tenant(company.id) as session:
            session.execute(text("SET LOCAL statement_timeout = '30min'"))
            session.execute(text(statement), values)
        analyze(owner_url)


def analyze(owner_url: str) -> None:
    """Let the planner know the tables: only their owner may."""
    engine = create_engine(owner_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()

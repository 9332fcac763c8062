"""Seeds a company's visits, calls, verdicts and conversions: by COPY into a temporary table, then INSERT."""

import io
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.wiring import Services
from tests.builders import Company

CHUNK: Final = 250_000
CAMPAIGNS: Final = 60
TERMS: Final = 2_000
PAGES: Final = 500
GROUPS: Final = 200
# A UUIDv7 of a moment; `word` tells ids of one moment apart.
_ID: Final = (
    "CAST(lpad(to_hex(CAST(extract(epoch FROM {at}) * 1000 AS bigint)), 12, '0') || '7'"
    " || substr(md5(s.i || '{word}'), 1, 3) || '8' || substr(md5(s.i || '{word}'), 4, 15) AS uuid)"
)
_SOURCE: Final = (
    "(ARRAY['google','google','bing','facebook','google','direct'])[s.campaign % 6 + 1]",
    "(ARRAY['cpc','cpc','cpc','paid_social','organic','none'])[s.campaign % 6 + 1]",
    "CASE WHEN s.campaign % 6 > 3 THEN '' ELSE 'campaign-' || s.campaign END",
)
_VISIT: Final = f"""
    INSERT INTO visit (company_id, id, visitor_id, site_id, started_at, last_seen_at, source, medium,
        campaign, term, content, click_ids, ad_cookies, referrer, landing_url, consent, user_agent)
    SELECT :company, {_ID.format(at="s.at", word="v")}, {_ID.format(at="s.at", word="p")}, :site, s.at,
        s.at + interval '2 minutes', {", ".join(_SOURCE)}, 'term number ' || s.term,
        'group-' || s.term % {GROUPS}, jsonb_build_object('gclid', 'Cj0KCQ' || md5(s.i::text)), '{{}}',
        'https://www.google.com/', 'https://www.prova.test/pages/' || s.page || '?gclid=' || md5(s.i::text),
        '{{"ad": true, "measure": true}}', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0'
    FROM seed s
"""
_CALL: Final = f"""
    INSERT INTO call (company_id, id, call_sid, number_id, location_id, caller, caller_hash, status, outcome,
        started_at, answered_at, ended_at, ring_seconds, duration_seconds, talk_seconds, is_bridged,
        changed_at)
    SELECT :company, {_ID.format(at="s.at", word="c")}, 'CA' || md5(:company || s.i::text),
        (CAST(:numbers AS uuid[]))[s.page % :number_count + 1], :location, :phone,
        sha256(convert_to(s.i || 'caller', 'UTF8')), 'completed',
        CASE WHEN s.page % 5 = 0 THEN 'missed' ELSE 'answered' END, s.at, s.at + interval '8 seconds',
        s.at + interval '3 minutes', 8, 180, 172, true, s.at
    FROM seed s
"""
_VERDICT: Final = f"""
    INSERT INTO attribution (company_id, id, call_id, is_current, decided_at, model, level, visit_id,
        probability, p_campaign, p_nobody, source, medium, campaign, candidates, by_campaign, by_source,
        reasons)
    SELECT :company, {_ID.format(at="s.at", word="a")}, {_ID.format(at="s.at", word="c")}, true, s.at,
        'bench',
        CASE WHEN s.page % 3 = 0 THEN 'campaign' ELSE 'visit' END,
        CASE WHEN s.page % 3 > 0 THEN {_ID.format(at="s.at", word="v")} END, 0.9, 0.9, 0.05,
        {", ".join(_SOURCE)}, '[]',
        jsonb_build_object({_SOURCE[0]} || E'\\x1f' || {_SOURCE[1]} || E'\\x1f' || {_SOURCE[2]}, 0.9,
            E'bing\\x1fcpc\\x1fcampaign-2', 0.05), '{{}}', '[]'
    FROM seed s
"""
_CONVERSION: Final = f"""
    INSERT INTO conversion (company_id, id, call_id, kind, status, external_id, value_minor, currency,
        occurred_at, decided_by, via, reason, created_at, changed_at)
    SELECT :company, {_ID.format(at="s.at", word="{kind}")}, {_ID.format(at="s.at", word="c")}, '{{kind}}',
        CASE WHEN s.term % 20 = 0 THEN 'retracted' ELSE 'counted' END, '', s.page * 100 + 5000, 'EUR',
        s.at + interval '4 minutes', 'bench', 'rule', '', s.at, s.at
    FROM seed s
"""


def seed(
    services: Services,
    company: Company,
    visits: int,
    calls: int,
    conversions: int,
    days: int,
    until: datetime,
) -> None:
    """Store so many rows, spread over the days before `until`; every call follows one of the first visits."""
    chance = np.random.default_rng(6)
    numbers = [id_.hex for id_ in company.number_ids]
    values = {
        "company": company.id, "site": company.site_id, "location": company.location_id,
        "phone": services.vault.seal(company.id, "call.caller", "+390694000001"),
        "numbers": numbers, "number_count": len(numbers),
    }  # fmt: skip
    made = {
        _VISIT: visits,
        _CALL: calls,
        _VERDICT: calls,
        _CONVERSION.replace("{kind}", "lead"): -(-conversions // 2),
        _CONVERSION.replace("{kind}", "purchase"): conversions // 2,
    }
    for start in range(0, visits, CHUNK):
        count = min(CHUNK, visits - start)
        rows = _rows(chance, start, count, days, until)
        with services.db.tenant(company.id) as session:
            session.execute(text("SET LOCAL statement_timeout = '30min'"))
            _copy(session, rows)
            for statement, total in made.items():
                # Each chunk has its part of the calls and conversions.
                part = round(total * (start + count) / visits) - round(total * start / visits)
                limited = statement.replace("FROM seed s", f"FROM (SELECT * FROM seed LIMIT {part}) s")
                session.execute(text(limited), values)


def _rows(chance: np.random.Generator, start: int, count: int, days: int, until: datetime) -> str:
    seconds = chance.integers(60, days * 86_400, count)
    campaigns = np.minimum(chance.zipf(1.3, count), CAMPAIGNS) - 1
    terms = np.minimum(chance.zipf(1.2, count), TERMS) - 1
    pages = np.minimum(chance.zipf(1.3, count), PAGES) - 1
    lines = io.StringIO()
    first = until - timedelta(days=days)
    base = first.timestamp()
    for at, (second, campaign, term, page) in enumerate(
        zip(seconds.tolist(), campaigns.tolist(), terms.tolist(), pages.tolist(), strict=True)
    ):
        lines.write(f"{start + at}\t{base + second:.0f}\t{campaign}\t{term}\t{page}\n")
    return lines.getvalue()


def _copy(session: Session, rows: str) -> None:
    session.execute(
        text(
            "CREATE TEMP TABLE raw (i BIGINT, second BIGINT, campaign INT, term INT, page INT) ON COMMIT DROP"
        )
    )
    raw = session.connection().connection.driver_connection
    assert raw is not None
    with raw.cursor().copy("COPY raw FROM STDIN") as copy:
        copy.write(rows)
    session.execute(
        text("CREATE TEMP TABLE seed ON COMMIT DROP AS SELECT *, to_timestamp(second) AS at FROM raw")
    )

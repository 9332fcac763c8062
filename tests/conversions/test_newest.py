"""Lists of calls whose filter fits few: looked through piece by piece, nothing lost between the pieces."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, text

from calltrack.attribution.model import Attribution
from calltrack.conversions import call_log, levels
from calltrack.conversions.call_log import CallFilter, Place, find_calls
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call
from tests.explained import explained

CALLS, LOOKED = 3_000, 100
# The same call again and again, a minute apart.
_MANY = """
    CREATE TEMP TABLE more ON COMMIT DROP AS SELECT * FROM call WHERE company_id = :company;
    UPDATE more SET call_sid = '', id = '00000000-0000-7000-8000-000000000000';
    INSERT INTO call SELECT (jsonb_populate_record(more, jsonb_build_object('id', md5('call' || n)::uuid,
        'call_sid', 'CA' || md5(n::text), 'started_at', more.started_at - n * interval '1 minute'))).*
    FROM more CROSS JOIN generate_series(1, :count) AS n;
    INSERT INTO attribution (company_id, id, call_id, is_current, decided_at, model, probability, p_nobody,
        source, medium, campaign, p_campaign, candidates, reasons)
    SELECT company_id, md5('verdict' || id)::uuid, id, true, started_at, '1', 0.9, 0.1, 'google', 'cpc',
        'roma', 0.9, '[]', '[]'
    FROM call WHERE company_id = :company
"""


def judge(services: Services, company: Company, call_id: object, source: str) -> None:
    values = {
        "company_id": company.id, "id": new_id(), "call_id": call_id, "is_current": True, "decided_at": NOON,
        "model": "1", "probability": 0.9, "p_nobody": 0.1, "source": source, "medium": "cpc",
        "campaign": "roma", "p_campaign": 0.9, "level": "source", "candidates": [], "reasons": [],
    }  # fmt: skip
    with services.db.tenant(company.id) as session:
        session.execute(insert(Attribution).values(**values))


def verdicts_in(plan: dict[str, Any]) -> float:
    """Return how many verdicts were read; calls themselves may be few enough to be read whole."""
    seen = ("Actual Rows", "Rows Removed by Filter")
    own = sum(plan.get(name) or 0 for name in seen) * plan["Actual Loops"]
    return (own if plan.get("Relation Name") == "attribution" else 0) + sum(
        map(verdicts_in, plan.get("Plans", ()))
    )


def test_pages_hold_every_call_that_fits_however_few_are_looked_at_for_each(
    services: Services, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "MOST_LOOKED", 4)
    made = [make_call(services, company, at=NOON - timedelta(seconds=n // 3)) for n in range(23)]
    for place, call in enumerate(made):
        judge(services, company, call.id, "rare" if place % 9 == 8 else "google")
    for source, expected in (
        ("rare", made[8::9]),
        ("google", [one for one in made if one not in made[8::9]]),
    ):
        seen, pages = list[object](), 0
        after: Place | None = None
        while pages == 0 or after:
            with services.db.tenant(company.id) as session:
                wanted = CallFilter(source=source)
                page = find_calls(session, services.vault, company.id, wanted, after, 2)
            seen += [row.id for row in page.rows]
            pages, after = pages + 1, page.next and Place.from_text(page.next.to_text())
        assert sorted(map(str, seen)) == sorted(str(one.id) for one in expected)
        assert pages >= 6


def test_few_calls_are_looked_at_for_a_page_and_its_levels(
    services: Services, company: Company, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in (call_log, levels):
        monkeypatch.setattr(room, "MOST_LOOKED", LOOKED)
    make_call(services, company)
    owner = create_engine(postgres.owner_url)
    with owner.begin() as connection:
        for statement in _MANY.split(";"):
            connection.execute(text(statement), {"company": company.id, "count": CALLS})
    with owner.begin() as connection:
        connection.execute(text("ANALYZE call, attribution"))
    owner.dispose()
    filters = [
        CallFilter(source="nothing"), CallFilter(keyword="none"), CallFilter(outcome="busy"),
        CallFilter(brought="purchase"),
    ]  # fmt: skip
    for wanted in (replace(one, since=NOON - timedelta(days=30)) for one in filters):
        with explained(services.db.engine) as visited, services.db.tenant(company.id) as session:
            page = find_calls(session, services.vault, company.id, wanted)
            counted = levels.levels(session, services.vault, company.id, wanted)
        assert (page.rows, counted.calls, counted.is_cut) == ((), 0, True)
        assert page.next is not None
        for words, plan in visited.plans.items():
            assert verdicts_in(plan) <= 2 * LOOKED, words

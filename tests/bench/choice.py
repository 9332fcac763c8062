"""What one choice of a number costs inside the database, in pools of many sizes."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from calltrack.kernel.origin import campaign_key, source_key
from calltrack.visits.rules import way_of
from tests.bench.context import Context, Result
from tests.builders import Company, make_company

SIZES = (20, 50, 200, 500, 1_000, 2_000, 5_000)
CHOICES = 60
SOURCES, CAMPAIGNS = 5, 30
# Numbers off screen, given out in the last three days to every source and a fifth of the campaigns each.
_SLOTS = """
    UPDATE number_slot SET lease_id = gen_random_uuid(), weight = 0.4, source = :source, campaign = :campaign,
        given_at = now() - random() * interval '3 days', alone_since = now() - interval '3 days',
        held_at = date_part('epoch', now()) - random() * 259200,
        summed_at = floor((date_part('epoch', now()) - random() * 259200) / 108000) * 108000,
        sum_1 = random(), sum_2 = random(), sum_3 = random(), sum_4 = random(), sum_5 = random(),
        own_1 = random(), own_2 = random(), own_3 = random(), own_4 = random(), own_5 = random()
"""
_MASS = """
    INSERT INTO number_mass (company_id, pool_id, origin, number_id, summed_at,
        sum_1, sum_2, sum_3, sum_4, sum_5)
    SELECT company_id, pool_id, :origin, number_id,
        floor((date_part('epoch', now()) - random() * 259200) / 108000) * 108000,
        random(), random(), random(), random(), random()
    FROM number_slot WHERE random() < :share
"""
# As its connections are opened (`infra/direct.py`).
_AS_THE_EDGE = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off"
_CHOOSE = (
    "EXPLAIN (ANALYZE, TIMING OFF) SELECT edge_choose(:company, :pool, :source, :campaign, :way, '0', NULL)"
)


def run(context: Context) -> list[Result]:
    """Measure the undisturbed choice of a connection that has chosen before, per size."""
    owner = create_engine(context.postgres.owner_url)
    results = []
    for size in SIZES:
        company = make_company(context.services, numbers=size)
        with context.services.db.tenant(company.id) as session:
            _remember(session)
        with owner.begin() as connection:
            connection.execute(text("ANALYZE number_slot, number_mass"))
        with context.services.db.tenant(company.id) as session:
            session.execute(text(_AS_THE_EDGE))
            took = list(_took(session, company, way_of(size)))
            session.rollback()
        results.append(Result(f"choice among {size:,} numbers", min(took[10:]), "ms"))
    owner.dispose()
    return results


def _remember(session: Session) -> None:
    origins = [_origin(place) for place in range(CAMPAIGNS)]
    session.execute(text(_SLOTS), {"source": origins[0][0], "campaign": origins[0][1]})
    for source in {source for source, _ in origins}:
        session.execute(text(_MASS), {"origin": source, "share": 1.0})
    for _, campaign in origins:
        session.execute(text(_MASS), {"origin": campaign, "share": 0.2})


def _took(session: Session, company: Company, way: str) -> Iterator[float]:
    """Choose again and again with the tenant's walls up; yields milliseconds of execution."""
    for place in range(CHOICES):
        source, campaign = _origin(place % CAMPAIGNS)
        values = {"company": company.id, "pool": company.pool_id, "source": source, "campaign": campaign}
        lines = session.scalars(text(_CHOOSE), values | {"way": way}).all()
        yield next(float(line.split()[-2]) for line in lines if line.startswith("Execution Time"))


def _origin(place: int) -> tuple[str, str]:
    source = f"s{place % SOURCES}"
    return source_key(source, "cpc"), campaign_key(source, "cpc", f"c{place}")

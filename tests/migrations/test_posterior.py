"""What the step to stored posteriors takes over of a company that ran before it."""

import importlib
from datetime import timedelta

from sqlalchemy import create_engine, text

from calltrack.attribution.model import Attribution
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import NOON, make_call, make_company

STEP = importlib.import_module("calltrack.migrations.versions.0025_posterior")


def test_thresholds_links_and_known_phones_are_taken_over(
    postgres: EmbeddedPostgres, services: Services
) -> None:
    company = make_company(services, settings={"credit_probability": 0.6})
    untouched = make_company(services)
    first = make_call(services, company, at=NOON - timedelta(days=1))
    make_call(services, company)
    visitor = new_id()
    old = [
        {"visit_id": str(new_id()), "visitor_id": str(visitor), "probability": p} for p in (0.5, 0.3, 0.01)
    ]
    old[2]["visitor_id"] = str(new_id())
    with services.db.tenant(company.id) as session:
        session.add(
            Attribution(
                company_id=company.id, id=new_id(), call_id=first.id, is_current=True, decided_at=NOON,
                model="first-form-1", probability=0.5, p_nobody=0.2, source="google", medium="cpc",
                campaign="roma", p_campaign=0.8, candidates=old, reasons=["Words."],
            )
        )  # fmt: skip
    engine = create_engine(postgres.owner_url)
    with engine.connect() as owner:
        for table in ("phone_link", "known_phone", "known_phones_day"):
            owner.execute(text(f"DELETE FROM {table}"))
        for statement in (STEP.KEPT, STEP.LINKS, STEP.PHONES, STEP.DAYS):
            owner.execute(text(statement))
        of = {"company": company.id, "other": untouched.id}
        links = owner.execute(
            text("SELECT visitor_id, p FROM phone_link WHERE company_id = :company"), of
        ).all()
        days = owner.execute(
            text("SELECT day, phones FROM known_phones_day WHERE company_id = :company"), of
        ).all()
        kept = owner.scalars(
            text("SELECT settings FROM company WHERE id IN (:company, :other) ORDER BY id"), of
        ).all()
        owner.rollback()
    engine.dispose()
    assert [tuple(row) for row in links] == [(visitor, 0.8)]
    assert [tuple(row) for row in days] == [(first.started_at.date(), 1)]
    levels = ("credit_probability", "credit_campaign_probability", "credit_source_probability")
    assert [[one[name] for name in levels] for one in kept] == [[0.6] * 3, [0.5] * 3]
    assert {one["upload_probability"] for one in kept} == {0.5}

"""What a campaign cost is what its number cost, where nothing else stands for the campaign."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from calltrack.kernel.origin import campaign_key
from calltrack.numbers.model import TrackingNumber
from calltrack.reports.asking import read_asked
from calltrack.reports.names import names_of
from calltrack.reports.report import make_report
from calltrack.reports.spend_queries import NO_PART
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.reports.world import NOW, ROMA, TODAY, brought, count, spend

POSTER = ("poster", "print", "summer")


@pytest.mark.parametrize(("other", "cost"), [(None, 900), (1, 0)])
def test_a_number_alone_for_a_campaign_carries_its_cost(
    services: Services, other: int | None, cost: int
) -> None:
    company = make_company(services, numbers=3)
    let_stand(services, company, 0, ("Poster", "Print", "summer"))
    brought(services, company, NOW - timedelta(days=2), POSTER, "lead", number=0)
    if other is not None:
        brought(services, company, NOW - timedelta(days=3), POSTER, number=other)
    spend(services, company, campaign_key(*POSTER), {TODAY - timedelta(days=2): 900})
    spend(services, company, campaign_key(*ROMA), {TODAY - timedelta(days=2): 500})
    count(services, company)
    with services.db.tenant(company.id) as session:
        found = make_report(session, company.id, read_asked({}, "number", TODAY), now=NOW)
        names = names_of(session, company.id, found)
    rows = {row.key[0]: row.now for row in found.rows}
    poster = company.number_ids[0].hex
    assert (rows[poster].spend_minor, rows[NO_PART].spend_minor) == (cost, 1_400 - cost)
    assert found.total.spend_minor == 1_400
    assert names.row(found.asked.dimension, (poster,)).endswith(" · static: Poster / Print, summer")
    assert names.row(found.asked.dimension, (company.number_ids[1].hex,)).endswith(" · pool Sito Roma")
    within = read_asked({"number": poster}, "campaign", TODAY)
    assert not within.has_spend


def let_stand(services: Services, company: Company, number: int, words: tuple[str, str, str]) -> None:
    named = dict(zip(("source", "medium", "campaign"), words, strict=True))
    with services.db.tenant(company.id) as session:
        session.execute(
            update(TrackingNumber)
            .where(TrackingNumber.id == company.number_ids[number])
            .values(kind="static", pool_id=None, **named)
        )

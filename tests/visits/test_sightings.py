"""Our own numbers on a company's pages: noticed, written down once, bounded, and nobody else's business."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from calltrack.delivery.number_notices import review_numbers
from calltrack.infra.db import Database
from calltrack.infra.outbox import Fact
from calltrack.numbers.model import NumberSighting, TrackingNumber
from calltrack.visits.admission import Admission
from calltrack.visits.sightings import AGAIN_SECONDS, LEARN_SECONDS, MOST_PAGES, Sightings
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_company
from tests.visits.conftest import Edge, edge_app, shown


class Time:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def time() -> Time:
    return Time()


@pytest.fixture(scope="module")
def sightings(services: Services, time: Time) -> Sightings:
    return Sightings(services, time)


@pytest.fixture(scope="module")
def watching(services: Services, sightings: Sightings) -> Iterator[Edge]:
    app = edge_app(services, 4, Admission({"visit": 10**6, "beat": 10**6}), sightings)
    yield Edge(app.test_client(), app.extensions["edge.connections"])
    app.extensions["edge.connections"].close()


@pytest.fixture
def company(services: Services, sightings: Sightings, time: Time) -> Company:
    """A company whose numbers the process knows."""
    made = make_company(services)
    time.now += LEARN_SECONDS
    sightings.settle()
    return made


def pages(services: Services, company: Company) -> dict[tuple[str, str], int]:
    with services.db.tenant(company.id) as session:
        rows = session.execute(
            select(TrackingNumber.e164, NumberSighting.page, NumberSighting.times).join(
                TrackingNumber,
                (TrackingNumber.company_id == NumberSighting.company_id)
                & (TrackingNumber.id == NumberSighting.number_id),
            )
        ).all()
    return {(row.e164, row.page): row.times for row in rows}


def facts(services: Services, company: Company) -> int:
    with services.db.tenant(company.id) as session:
        return len(session.scalars(select(Fact).where(Fact.kind == "numbers.checked")).all())


def see(edge: Edge, company: Company, digits: str, path: str = "/contact?email=a@b.it") -> None:
    """Load a page with these digits in its own text; the visitor gets her number all the same."""
    answer = edge.visit(company, u=company.origin + path, p=[company.target[1:], digits])
    assert shown(answer) in {*company.numbers, company.overflow}


def test_a_number_of_ours_on_a_page_is_written_down_and_told(
    services: Services, company: Company, watching: Edge, sightings: Sightings, time: Time
) -> None:
    e164 = company.numbers[0]
    see(watching, company, e164[1:])
    assert pages(services, company) == {}, "the page load itself writes nothing"
    assert sightings.settle() == 1
    page = f"{company.origin}/contact"
    assert pages(services, company) == {(e164, page): 1}
    assert facts(services, company) == 1
    for _ in range(5):
        see(watching, company, e164[1:])
    assert sightings.settle() == 0
    assert pages(services, company) == {(e164, page): 1}, "once an hour"
    time.now += AGAIN_SECONDS + 1
    sightings.settle()
    see(watching, company, e164.removeprefix("+39"))
    sightings.settle()
    assert pages(services, company) == {(e164, page): 2}, "in national form, too"
    assert facts(services, company) == 1
    review_numbers(services, company.id, company.id)
    with services.db.tenant(company.id) as session:
        row = session.execute(text("SELECT kind, level, text FROM notice WHERE resolved_at IS NULL")).one()
    assert (row.kind, row.level) == ("number.printed", "action")
    assert page in row.text
    assert "the snippet puts the right one in its place" in row.text


def test_what_is_meant_to_stand_there_and_what_is_nobodys_is_left_aside(
    services: Services, company: Company, watching: Edge, sightings: Sightings, time: Time
) -> None:
    stranger = make_company(services)
    static, released = company.number_ids[:2]
    with services.db.tenant(company.id) as session:
        session.execute(
            update(TrackingNumber)
            .where(TrackingNumber.id == static)
            .values(kind="static", pool_id=None, source="flyer")
        )
        session.execute(update(TrackingNumber).where(TrackingNumber.id == released).values(released_at=NOON))
    # Known to the process as a pool's number still: the row itself decides.
    see(watching, company, company.numbers[0][1:])
    see(watching, company, stranger.numbers[0][1:])
    see(watching, company, "390669940099")
    assert sightings.settle() == 0
    see(watching, company, company.numbers[1][1:])
    assert sightings.settle() == 1
    review_numbers(services, company.id, company.id)
    with services.db.tenant(company.id) as session:
        (words,) = session.scalars(text("SELECT text FROM notice WHERE resolved_at IS NULL")).all()
    assert "was given up here and still stands written" in words
    assert pages(services, stranger) == {}


@pytest.mark.parametrize(
    "page", ["https://evil.example/pay", "{origin}.evil.example/pay", "{origin}@evil.example/"]
)
def test_a_page_elsewhere_is_told_to_nobody(
    services: Services, company: Company, watching: Edge, sightings: Sightings, page: str
) -> None:
    """Who knows a site's key cannot have an owner mailed an address of their choice."""
    url = page.format(origin=company.origin)
    watching.visit(company, u=url, p=[company.target[1:], company.numbers[0][1:]])
    assert sightings.settle() == 0


def test_nobody_can_fill_the_table_by_claiming_pages(
    services: Services, company: Company, watching: Edge, sightings: Sightings
) -> None:
    for turn in range(MOST_PAGES + 5):
        see(watching, company, company.numbers[0][1:], f"/page-{turn}")
    sightings.settle()
    assert len(pages(services, company)) == MOST_PAGES


def test_a_database_away_costs_no_page_load_and_nothing_is_taken_for_written(
    services: Services, company: Company
) -> None:
    time = Time()
    seeing = Sightings(services, time)
    seeing.settle()
    away = Database("postgresql+psycopg://a@127.0.0.1:1/x", "postgresql+psycopg://a@127.0.0.1:1/x")
    seeing.look(str(company.id), [company.numbers[0][1:]], company.origin)
    whole, seeing._services = seeing._services, replace(services, db=away)
    assert seeing.settle() == 0
    seeing._services = whole
    away.close()
    seeing.look(str(company.id), [company.numbers[0][1:]], company.origin)
    assert seeing.settle() == 1


def test_a_page_put_right_is_told_of_no_more(services: Services, company: Company) -> None:
    now = services.clock()
    with services.db.tenant(company.id) as session:
        session.add(
            NumberSighting(
                company_id=company.id, number_id=company.number_ids[0], page=company.origin,
                first_seen_at=now - timedelta(days=9), last_seen_at=now - timedelta(days=4), times=3,
            )
        )  # fmt: skip
    review_numbers(services, company.id, company.id)
    with services.db.tenant(company.id) as session:
        assert session.scalars(text("SELECT text FROM notice WHERE resolved_at IS NULL")).all() == []

"""`POST /v1/visit`: a page gets its ids and its numbers."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from calltrack.numbers.model import Lease
from calltrack.visits.model import PageView, Visit
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.visits.conftest import Edge


def test_a_new_visitor_is_shown_a_number_of_the_pool(
    edge: Edge, company: Company, services: Services
) -> None:
    answer = edge.visit(company, t="Traslochi", u=company.origin + "/roma?gclid=Cj0_x-Y&utm_source=google")
    assert answer["h"] == 50
    (shown,) = answer["n"]
    assert shown["t"] == company.target.lstrip("+")
    assert "+" + shown["n"] in company.numbers
    assert shown["nn"] == shown["n"].removeprefix("39")
    with services.db.tenant(company.id) as session:
        visit = session.scalars(select(Visit)).one()
        lease = session.scalars(select(Lease)).one()
        page = session.scalars(select(PageView)).one()
    assert (str(visit.id), str(visit.visitor_id)) == (answer["s"], answer["v"])
    assert (visit.click_ids, visit.source, visit.site_id) == ({"gclid": "Cj0_x-Y"}, "google", company.site_id)
    assert lease.visit_id == visit.id
    assert not lease.is_overflow
    assert lease.shown_until - lease.shown_from == timedelta(seconds=150)
    assert (page.visit_id, page.page, page.title) == (visit.id, company.origin + "/roma", "Traslochi")

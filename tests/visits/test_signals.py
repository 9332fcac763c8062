"""How likely a visitor is to call, as its page loads tell: stored with the visit and what it was shown."""

from typing import Any

import pytest
from sqlalchemy import select

from calltrack.kernel.touch import read_touch
from calltrack.numbers.model import Lease
from calltrack.visits.model import PageView, Visit
from calltrack.visits.signals import device_of, page_kind
from calltrack.visits.sources import SourceNumber, number_of
from calltrack.wiring import Services
from tests.builders import Company
from tests.visits.conftest import Edge, age

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
)
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"
TABLET = "Mozilla/5.0 (Linux; Android 14; SM-X200) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"
DESKTOP = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [(PHONE, "mobile"), (ANDROID, "mobile"), (TABLET, "tablet"), (DESKTOP, "desktop"), ("", "")],
)
def test_devices(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device


@pytest.mark.parametrize(
    ("page", "title", "kind"),
    [
        ("https://x.test/contatti", "", "contact"), ("https://x.test/de/Kontakt.html", "", "contact"),
        ("https://x.test/p/7", "Contact us", "contact"), ("https://x.test/contacto/", "", "contact"),
        ("https://contact.test/", "Prezzi", ""), ("https://x.test/prezzi", "Traslochi", ""), ("", "", ""),
    ],
)  # fmt: skip
def test_pages_to_call_from(page: str, title: str, kind: str) -> None:
    assert page_kind(page, title) == kind


def read(services: Services, company: Company) -> tuple[list[Visit], list[PageView], list[Lease]]:
    with services.db.tenant(company.id) as session:
        return (
            list(session.scalars(select(Visit).order_by(Visit.id))),
            list(session.scalars(select(PageView).order_by(PageView.id))),
            list(session.scalars(select(Lease))),
        )


def test_a_visit_keeps_what_its_pages_tell(edge: Edge, company: Company, services: Services) -> None:
    first = edge.post("/v1/visit", company, {"u": company.origin + "/"}, User_Agent=PHONE).get_json()
    known = {"v": first["v"], "s": first["s"]}
    age(services, company, 60)
    assert edge.post("/v1/beat", company, known | {"u": company.origin + "/", "d": 45_000}).status_code == 204
    edge.post("/v1/beat", company, known | {"u": company.origin + "/contatti", "d": 10**9})
    edge.post("/v1/beat", company, known | {"d": -5})
    number = first["n"][0]["nn"]
    edge.post("/v1/tap", company, known | {"n": number, "w": "copy"})
    (visit,), pages, (lease,) = read(services, company)
    assert (visit.device, visit.is_returning, visit.saw_contact) == ("mobile", False, True)
    assert 45_000 <= visit.visible_ms < 50_000, "nobody looks longer than he is there"
    assert [page.kind for page in pages] == ["", "contact"]
    assert lease.copied_at is not None
    assert lease.tapped_at is None
    edge.post("/v1/tap", company, known | {"n": number, "w": "click"})
    (tapped,) = read(services, company)[2]
    assert tapped.tapped_at is not None
    assert tapped.copied_at == lease.copied_at


def test_who_comes_again_is_known_to(edge: Edge, company: Company, services: Services) -> None:
    first = edge.visit(company)
    age(services, company, 7200)
    edge.visit(company, v=first["v"], s=first["s"], u=company.origin + "/kontakt")
    age(services, company, 7200)
    edge.beat(company, {"v": first["v"], "s": first["s"]})
    visits = read(services, company)[0]
    assert sorted((visit.is_returning, visit.saw_contact) for visit in visits) == [
        (False, False), (True, False), (True, True),
    ]  # fmt: skip
    assert {visit.device for visit in visits} == {"desktop"}


@pytest.mark.parametrize("wrong", [{"d": "x"}, {"d": 1.5}, {"w": 5}, {"w": "x" * 33}])
def test_wrong_words_are_refused(edge: Edge, company: Company, wrong: dict[str, Any]) -> None:
    path = "/v1/beat" if "d" in wrong else "/v1/tap"
    assert edge.post(path, company, wrong).status_code == 400


BILLBOARD = SourceNumber("billboard", "", "", "+391")
GOOGLE = SourceNumber("google", "", "", "+392")
PAID = SourceNumber("Google", "cpc", "", "+393")
ROME = SourceNumber("google", "cpc", "Roma", "+394")


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("?utm_source=google&utm_medium=cpc&utm_campaign=roma", "+394"), ("?gclid=1", "+393"),
        ("?utm_source=google&utm_medium=mail", "+392"), ("?utm_source=bing", None), ("", None),
    ],
)  # fmt: skip
def test_a_source_shows_the_number_that_says_most_of_it(address: str, number: str | None) -> None:
    touch = read_touch("https://x.test/" + address, "", {}, {})
    for numbers in ([BILLBOARD, GOOGLE, PAID, ROME], [ROME, PAID, GOOGLE, BILLBOARD]):
        assert number_of(numbers, touch) == number

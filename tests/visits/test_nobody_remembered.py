"""Source numbers without a visit, visitors sent along by a link, and what is typed into forms."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from calltrack.infra.outbox import Fact
from calltrack.kernel.ids import new_id
from calltrack.numbers.model import Lease, TrackingNumber
from calltrack.visits.erasing import erase_typed, erase_visits, forget_typed
from calltrack.visits.forms import EMAIL_PLACE, MOST_EMAILS, MOST_PHONES, PLACE, email_hash
from calltrack.visits.model import PageView, Visit, VisitorEmail, VisitorPhone
from calltrack.visits.sites import SiteTable
from calltrack.wiring import Services
from tests.builders import Company, fresh_e164, make_company
from tests.visits.conftest import Edge, age, shown

YES = {"ad": True, "measure": True}


@pytest.fixture
def google(services: Services) -> tuple[Company, str]:
    """A company (new to the site table) with a static number for Google, and that number."""
    made, number = make_company(services), fresh_e164()
    with services.db.tenant(made.id) as session:
        like = session.scalars(select(TrackingNumber).limit(1)).one()
        session.add(
            TrackingNumber(
                company_id=made.id, id=new_id(), e164=number, kind="static", location_id=like.location_id,
                carrier_account_id=like.carrier_account_id, source="google", created_at=datetime.now(UTC),
            )
        )  # fmt: skip
    return made, number


def test_without_consent_the_source_has_its_number_and_nobody_is_stored(
    edge: Edge, google: tuple[Company, str], services: Services
) -> None:
    company, number = google
    answer = edge.visit(company, l=["?gclid=1"], q={})
    assert (answer["v"], answer["s"], shown(answer)) == ("", "", number)
    assert edge.visit(company, l=["?utm_source=bing"], q={})["n"] == []
    assert edge.visit(company, l=["?gclid=1"], p="4930123456789", q={})["n"] == []
    with services.db.tenant(company.id) as session:
        for table in (Visit, PageView, Lease):
            assert session.scalars(select(table)).all() == []


def test_a_source_number_that_is_unfit_is_shown_to_nobody(
    google: tuple[Company, str], services: Services
) -> None:
    company, number = google

    def shown_now() -> list[str]:
        sites = SiteTable(services.db)
        sites.refresh()
        site = sites.find(company.site_key)
        sites.close()
        return [one.e164 for target in (site.targets if site else ()) for one in target.statics]

    assert shown_now() == [number]
    with services.db.tenant(company.id) as session:
        session.execute(update(TrackingNumber).where(TrackingNumber.e164 == number).values(health="unfit"))
    assert shown_now() == []


def test_a_withdrawn_consent_holds_for_all_visits_of_the_visitor(
    edge: Edge, company: Company, services: Services
) -> None:
    first, other = edge.visit(company, q=YES), edge.visit(company, q=YES)
    age(services, company, 3600)
    again = edge.visit(company, v=first["v"], s=first["s"], q=YES)
    assert (again["v"], again["s"] == first["s"]) == (first["v"], False)
    refusal = {"q": {"ad": False, "measure": False}, "u": company.origin + "/"}
    strange = {"v": first["v"], "s": other["s"]} | refusal
    assert edge.post("/v1/beat", company, strange).status_code == 204
    assert edge.beat(company, again).status_code == 204

    def refused() -> set[UUID]:
        with services.db.tenant(company.id) as session:
            rows = session.execute(select(Visit.id, Visit.consent))
            return {id_ for id_, consent in rows if consent == refusal["q"]}

    assert refused() == set()
    told = {"v": again["v"], "s": again["s"]} | refusal
    assert edge.post("/v1/beat", company, told).status_code == 204
    assert refused() == {UUID(first["s"]), UUID(again["s"])}
    with services.db.tenant(company.id) as session:
        lease = session.scalars(select(Lease).where(Lease.visit_id == UUID(again["s"]))).one()
    assert lease.left_at is not None, "its number may be shown to somebody else"


def test_a_page_that_still_remembers_a_visitor_who_withdrew_is_told_and_opens_nothing(
    edge: Edge, company: Company, services: Services
) -> None:
    first = edge.visit(company, q=YES)
    known = {"v": first["v"], "s": first["s"]}
    refusal = {"q": {"ad": False, "measure": False}, "u": company.origin + "/"}
    assert edge.post("/v1/beat", company, known | refusal).status_code == 204

    def refused(answer: dict[str, object]) -> bool:
        return (answer["v"], answer["s"], answer["n"], answer["q"]) == ("", "", [], refusal["q"])

    def visits() -> int:
        with services.db.tenant(company.id) as session:
            return len(session.scalars(select(Visit.id)).all())

    for seconds in (0, 3600):  # while the visit lives, and when it would come back as a new one
        age(services, company, seconds)
        assert refused(dict(edge.beat(company, first).get_json()))
        assert refused(edge.visit(company, **known, q=YES))
        assert refused(edge.visit(company, **known, q=YES, l=["?utm_source=bing"]))
        assert edge.beat(company, first, is_left=True).status_code == 204
        assert visits() == 1
    # Who agrees again is somebody new.
    assert edge.visit(company, q=YES)["v"] != first["v"]


def test_withdrawing_only_ads_takes_click_ids_from_all_visits_and_leaves_measuring(
    edge: Edge, company: Company, services: Services
) -> None:
    page = company.origin + "/prezzi?gclid=Click-1&gad_campaignid=123456&utm_source=google&utm_campaign=roma"
    cookies = ["_ga=GA1.1.1.2", "_fbp=fb.1.2.3"]
    first, other = edge.visit(company, q=YES, u=page, c=cookies), edge.visit(company, q=YES, u=page)
    age(services, company, 3600)
    again = edge.visit(company, v=first["v"], s=first["s"], u=page, q=YES, c=cookies)
    refusal = {"v": again["v"], "s": again["s"], "l": ["?gclid=1"], "q": {"ad": False, "measure": True}}
    for _ in range(2):
        assert edge.visit(company, u=company.origin + "/due", **refusal)["s"] == again["s"]
    with services.db.tenant(company.id) as session:
        rows = {row.id: row for row in session.scalars(select(Visit))}
        told = session.scalars(select(Fact.subject_id).where(Fact.kind == "consent.withdrawn")).all()
    assert told == [UUID(first["v"])], "once"
    for mine in (first, again):
        row = rows.pop(UUID(mine["s"]))
        assert (row.consent, row.ad_cookies) == ({"ad": False, "measure": True}, {})
        assert (row.click_ids, row.landing_url) == ({"gad_campaignid": "123456"}, company.origin + "/prezzi")
        assert (row.source, row.campaign) == ("google", "roma")
    (stays,) = rows.values()
    assert (stays.id, stays.consent, stays.click_ids["gclid"]) == (UUID(other["s"]), YES, "Click-1")


def test_a_link_takes_the_visitor_along_while_the_visit_lives(
    edge: Edge, company: Company, services: Services
) -> None:
    here = edge.visit(company)
    there = f"{company.origin}/?&_ct={here['v']},{here['s']}"
    assert edge.visit(company, u=there)["s"] == here["s"]
    strange = f"{company.origin}/?_ct={new_id()},{here['s']}"
    assert edge.visit(company, u=strange)["v"] not in (here["v"], strange)
    for garbage in ("?_ct=", "?_ct=a,b", "?_ct=,,,,", f"?_ct={here['v']}"):
        assert edge.visit(company, u=company.origin + "/" + garbage)["v"] != here["v"]
    age(services, company, 180)
    assert edge.visit(company, u=there)["v"] != here["v"], "an address sent on by mail names nobody"


def test_a_link_to_another_companys_visit_names_nobody(
    edge: Edge, company: Company, services: Services
) -> None:
    other = make_company(services)
    foreign = edge.visit(other)
    answer = edge.visit(company, u=f"{company.origin}/?_ct={foreign['v']},{foreign['s']}")
    assert answer["v"] != foreign["v"]


def test_phone_numbers_of_a_form_are_kept_sealed_and_told_once(
    edge: Edge, company: Company, services: Services
) -> None:
    known = edge.visit(company, q=YES)
    form = {"v": known["v"], "s": known["s"], "f": ["347 123 4567", "+393471234567", "Anna", ""]}
    for _ in range(2):
        assert edge.post("/v1/form", company, form).status_code == 204
    with services.db.tenant(company.id) as session:
        (kept,) = session.scalars(select(VisitorPhone)).all()
        facts = session.scalars(select(Fact).where(Fact.kind == "phone.typed")).all()
    assert services.vault.open(company.id, PLACE, kept.phone) == "+393471234567"
    assert kept.phone_hash == services.vault.look_up(company.id, "+393471234567")
    assert [fact.subject_id for fact in facts] == [kept.id]
    many = [f"347 123 45{number:02}" for number in range(20)]
    edge.post("/v1/form", company, form | {"f": many})
    with services.db.tenant(company.id) as session:
        assert len(session.scalars(select(VisitorPhone)).all()) == MOST_PHONES


def test_addresses_of_a_form_are_kept_sealed_and_go_with_their_visitor(
    edge: Edge, company: Company, services: Services
) -> None:
    known = edge.visit(company, q=YES)
    words = ["Anna@Posta.test", "anna@posta.test ", "anna@posta", "347 123 4567", "a b@c.it"]
    words.append("x" * 250 + "@c.it")
    for _ in range(2):
        edge.post("/v1/form", company, {"v": known["v"], "s": known["s"], "f": words})
    with services.db.tenant(company.id) as session:
        (kept,) = session.scalars(select(VisitorEmail)).all()
        facts = session.scalars(select(Fact).where(Fact.kind == "email.typed")).all()
    assert services.vault.open(company.id, EMAIL_PLACE, kept.email) == "anna@posta.test"
    assert kept.email_hash == email_hash(services.vault, company.id, "ANNA@posta.test")
    assert [fact.subject_id for fact in facts] == [kept.id]
    many = [f"anna{number}@posta.test" for number in range(20)]
    edge.post("/v1/form", company, {"v": known["v"], "s": known["s"], "f": many})
    with services.db.tenant(company.id) as session:
        assert len(session.scalars(select(VisitorEmail)).all()) == MOST_EMAILS
        # Whoever typed the number is its owner, as far as anybody knows: her addresses go with it.
        assert erase_typed(session, company.id, [services.vault.look_up(company.id, "+393471234567")]) == 1
        assert session.scalars(select(VisitorEmail)).all() == []


def test_what_was_typed_is_forgotten_by_age_and_with_its_visitor(
    edge: Edge, company: Company, services: Services
) -> None:
    words = ["anna@posta.test", "347 1234567"]
    for _ in range(2):
        known = edge.visit(company, q=YES)
        edge.post("/v1/form", company, {"v": known["v"], "s": known["s"], "f": words})
    with services.db.tenant(company.id) as session:
        erase_visits(session, company.id, [UUID(known["v"])])
        assert len(session.scalars(select(VisitorEmail)).all()) == 1
        assert forget_typed(session, company.id, services.clock() - timedelta(days=1)) == 0
        assert forget_typed(session, company.id, services.clock() + timedelta(days=1)) == 2
        assert session.scalars(select(VisitorEmail)).all() == []


@pytest.mark.parametrize("consent", [None, {"ad": True, "measure": False}])
def test_forms_without_consent_keep_nothing(
    edge: Edge, company: Company, services: Services, consent: dict[str, bool] | None
) -> None:
    known = edge.visit(company) if consent is None else edge.visit(company, q=YES)
    if consent is not None:
        with services.db.tenant(company.id) as session:
            session.scalars(select(Visit)).one().consent = consent
    form = {"v": known["v"], "s": known["s"], "f": ["347 123 4567"]}
    assert edge.post("/v1/form", company, form).status_code == 204
    assert edge.post("/v1/form", company, form | {"v": str(new_id())}).status_code == 204
    assert edge.post("/v1/form", company, {"f": ["347 123 4567"]}).status_code == 204
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(VisitorPhone)).all() == []
    assert edge.post("/v1/form", company, {"f": ["1"] * 21}).status_code == 400

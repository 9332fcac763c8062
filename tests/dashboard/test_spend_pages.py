"""The pages of spend: a marketer types a billboard, uploads a file, adds a rate, matches a campaign."""

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key
from calltrack.spend.detail_model import SpendClick, SpendPart, SpendPartDay
from calltrack.spend.match_model import SpendWatch
from calltrack.spend.sightings import look_on
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.budgets.spending import Spending, key_of
from tests.builders import NOON, Company, make_call, make_visit
from tests.dashboard.browser import Browser
from tests.dashboard.test_queries import judge

NOW = datetime.now(UTC)


@pytest.fixture
def manager(app: Flask, services: Services, company: Company) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company, "manager"))
    return browser


def upload(browser: Browser, path: str, content: bytes, name: str) -> str:
    answer = browser.post(path, file=(io.BytesIO(content), name))
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def test_a_marketer_brings_what_the_platforms_do_not_tell(
    manager: Browser, services: Services, company: Company
) -> None:
    root = f"/app/{company.id.hex}/budget/spend"
    assert "No spend yet" in manager.get(root).text
    wrong = manager.post(f"{root}/offline", name="Radio", month="2026-11", cost="much", currency="EUR")
    assert (wrong.status_code, "not an amount" in wrong.text, 'value="Radio"' in wrong.text) == (
        400,
        True,
        True,
    )
    month = f"{NOW:%Y-%m}"
    form = {"name": "Radio", "month": month, "cost": "1000", "currency": "USD", "note": "contract 12"}
    assert manager.post(f"{root}/offline", **form).status_code == 303
    page = manager.get(f"{root}/offline").text
    assert "Added: " in page
    assert "contract 12" in page
    assert "lack a rate and are in no sum" in manager.get(root).text
    needs = manager.get(f"{root}/currencies").text
    assert "USD" in needs
    rate = {"base": "USD", "quote": "EUR", "day": f"{month}-01", "rate": "0.5"}
    assert manager.post(f"{root}/currencies", **rate).status_code == 303
    said = manager.get(f"{root}/currencies").text
    assert "1 rate stored;" in said
    assert "all converted" in said
    assert "Nothing was stored" not in said
    manager.post(f"{root}/currencies/remove", **rate)
    taken = manager.get(f"{root}/currencies").text
    assert "Rate removed;" in taken
    assert "all converted" not in taken
    manager.post(f"{root}/currencies/remove", **rate)
    assert "Not removed. There is no rate of USD in EUR" in manager.get(f"{root}/currencies").text
    (cost,) = re.findall(rf"{root}/offline/([0-9a-f]{{32}})/remove", manager.get(f"{root}/offline").text)
    manager.post(f"{root}/offline/{cost}/remove")
    assert "the cost stays" in manager.get(f"{root}/offline").text
    manager.post(f"{root}/offline/{cost}/remove", sure="yes")
    assert "No offline cost yet" in manager.get(f"{root}/offline").text
    manager.post(f"{root}/currencies", **(rate | {"rate": "zero"}))
    assert "Not stored." in manager.get(f"{root}/currencies").text


def test_a_file_is_looked_at_and_applied(manager: Browser, services: Services, company: Company) -> None:
    root = f"/app/{company.id.hex}/budget/spend"
    day = (NOW - timedelta(days=3)).date()
    content = f"Day,Campaign,Cost\n{day},Estate,12.50\nnever,Estate,1\n".encode()
    file = upload(manager, f"{root}/files", content, "tiktok.csv")
    shown = manager.get(file).text
    assert "Lines that cannot be used" in shown
    assert "&#39;never&#39; is not a day" in shown
    assert manager.post(file, do="plan", col0="day", col1="campaign", col2="cost", account="TikTok",
                        currency="EUR", mark="").status_code == 303  # fmt: skip
    assert manager.post(file, do="apply").status_code == 303
    assert "Applied. Days that are new: 1, changed: 0, as before: 0." in manager.get(file).text
    assert manager.post(file, do="plan", col0="day", col1="day").status_code == 303
    assert "Two columns were given the same meaning" in manager.get(file).text
    again = upload(manager, f"{root}/files", content, "again.csv")
    assert "This very file was applied before" in manager.get(again).text
    page = manager.get(root).text
    assert "TikTok" in page
    assert "not matched" in page
    assert upload(manager, f"{root}/files", b"no table", "x.csv") == f"{root}/files"
    assert "Nothing was stored." in manager.get(f"{root}/files").text
    # The unmatched side, and a person's word.
    at = NOW - timedelta(hours=2)
    make_visit(services, company, at=at, source="tiktok", medium="paid_social", campaign="estate-26")
    with services.db.tenant(company.id) as session:
        watch = session.get_one(SpendWatch, company.id)
        while look_on(session, watch, "Europe/Rome", NOW):
            pass
    page = manager.get(f"{root}/matching").text
    assert "Costs without visits" in page
    assert "Paid visits without costs" in page
    (campaign,) = re.findall(rf"{root}/matching/([0-9a-f]{{32}})", page)
    key = campaign_key("tiktok", "paid_social", "estate-26")
    assert manager.post(f"{root}/matching/{campaign}", key=key).status_code == 303
    page = manager.get(f"{root}/matching").text
    assert "By hand" in page
    assert "Costs without visits" not in page


def test_costs_that_would_count_twice_are_told_before_they_do(manager: Browser, company: Company) -> None:
    root, day = f"/app/{company.id.hex}/budget/spend", (NOW - timedelta(days=3)).date()
    content = f"Day,Campaign,Cost\n{day},Estate,12.50\n".encode()
    first = upload(manager, f"{root}/files", content, "TikTok 2026-10.csv")
    assert manager.post(first, do="apply").status_code == 303
    # The next export is read into the same account; one of another name is another's, and may be the same.
    said = "1 campaign of the same name or number has costs of these days under TikTok 2026-10 already."
    for name, account, warns in (
        ("tiktok-2026_11.csv", "TikTok 2026-10", False), ("export.csv", "export", True),
    ):  # fmt: skip
        page = manager.get(upload(manager, f"{root}/files", content + b"\n" * len(name), name)).text
        assert f'name="account" value="{account}"' in page
        assert (said in page) is warns


def test_a_call_shows_the_keyword_behind_its_click(
    manager: Browser, services: Services, company: Company
) -> None:
    made, visit = Spending(company), make_visit(services, company, at=NOON)
    campaign = made.campaign(made.account(), "Roma", key_of("roma"))
    made.write(services)
    call = make_call(services, company, at=NOON)
    judge(services, company, call.id, "google", visit.id)
    page = f"/app/{company.id.hex}/calls/{call.id.hex}"
    assert "as Google tells it" not in manager.get(page).text
    with services.db.tenant(company.id) as session:
        session.add(
            SpendClick(
                company_id=company.id, visit_id=visit.id, campaign_id=campaign, day=NOON.date(),
                ad_group_id="7", ad_group="Annunci", keyword="<b>traslochi</b>", match_type="phrase",
            )
        )  # fmt: skip
    shown = manager.get(page).text
    assert "&lt;b&gt;traslochi&lt;/b&gt;" in shown
    assert "phrase match, ad group Annunci" in shown


def test_keywords_and_ad_groups_are_listed_by_what_they_cost(
    manager: Browser, services: Services, company: Company
) -> None:
    root = f"/app/{company.id.hex}/budget/spend/keywords"
    assert "No keyword yet" in manager.get(root).text
    made = Spending(company)
    campaign = made.campaign(made.account(), "Roma | search", key_of("roma"))
    made.write(services)
    day = (NOW - timedelta(days=2)).date()
    with services.db.tenant(company.id) as session:
        for number, (word, minor) in enumerate((("", 500), ("traslochi", 200), ("<i>roma</i>", 300))):
            part = new_id()
            session.add(
                SpendPart(
                    company_id=company.id, id=part, campaign_id=campaign, ad_group_id="7",
                    ad_group="Annunci", criterion_id=str(number) if word else "", keyword=word,
                    match_type="exact" if word else "",
                )
            )  # fmt: skip
            session.flush()
            session.add(
                SpendPartDay(
                    company_id=company.id, part_id=part, day=day, cost_micros=minor * 10_000,
                    cost_minor=minor, clicks=2, impressions=9,
                )
            )  # fmt: skip
    page = manager.get(root).text
    assert page.index("&lt;i&gt;roma&lt;/i&gt;") < page.index("traslochi")
    assert "exact match, Annunci" in page
    assert "Roma | search" in page
    groups = manager.get(f"{root}?by=ad_group").text
    assert "traslochi" not in groups
    assert "€\u202f5" in groups


def test_the_page_of_matches_stays_small_however_many_campaigns_there_are(
    manager: Browser, services: Services, company: Company
) -> None:
    made = Spending(company)
    account = made.account()
    for number in range(130):
        for key in ("", key_of(f"c{number}")):
            made.campaign(account, f"Campaign {number}{' matched' if key else ''}", key)
    made.write(services)
    page = manager.get(f"/app/{company.id.hex}/budget/spend/matching").text
    assert page.count("match-form") == 200
    assert page.count("dearest of") == 2
    assert "the 100 dearest of 130" in page

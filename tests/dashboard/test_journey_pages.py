"""The pages of journeys do what their buttons say, for a company with people and for an empty one."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from calltrack.dashboard.show import day
from calltrack.delivery import accounts
from calltrack.delivery.accounts import connect_destination
from calltrack.kernel.ids import new_id
from calltrack.reports.asking import PERIODS, stretch_of
from calltrack.reports.days import day_of
from calltrack.sandbox.platforms.accounts import webhook_settings
from calltrack.stages.entering import watch_entering
from calltrack.stages.model import JourneyState
from calltrack.stages.segments import segments
from calltrack.stages.versions import current
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company
from tests.dashboard.browser import Browser
from tests.dashboard.test_reports_page import browser_of
from tests.reports.world import NOW
from tests.stages.people import Town

ANNA, BEN = "+393471234567", "+393489876543"
ROME = "Europe/Rome"
VIEWS = ("", "/flow", "/friction", "/paths", "/cohorts")


@pytest.fixture
def owner(app: Flask, services: Services, company: Company) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company))
    return browser


def test_an_empty_company_is_told_what_makes_a_journey(owner: Browser, company: Company) -> None:
    at = f"/app/{company.id.hex}/journeys"
    for view in (*VIEWS, "/persons", "/segments"):
        page = owner.get(at + view)
        assert page.status_code == 200
        assert "empty-title" in page.text
    assert "Save as version 1" in owner.get(f"{at}/rules").text


def test_a_marketer_follows_one_person_and_changes_the_rules(
    owner: Browser, services: Services, company: Company, app: Flask
) -> None:
    town, now, at = Town(services, company), services.clock(), f"/app/{company.id.hex}/journeys"
    browser = new_id(now)
    town.visit(now - timedelta(days=3), browser, pages=3, page="/prezzi", campaign="=1+1")
    anna, ben = town.person(ANNA, browser), town.person(BEN)
    call = town.call(ANNA, now - timedelta(days=2), talk=200)
    town.conversion(call, "lead", call.started_at)
    town.conversion(call, "purchase", now - timedelta(days=1), 85_000)
    town.call(BEN, now - timedelta(days=1), talk=0)
    town.visit(now - timedelta(hours=3), page="/kontakt")
    town.keep()
    town.again()
    pages = {view: owner.get(at + view).text for view in VIEWS}
    assert re.search(r"First touches</dt><dd>3<.*Became leads</dt><dd>1 .*Bought</dt><dd>1 ", pages[""], re.S)
    assert "<svg" in pages["/flow"]
    assert "Called, nobody answered" in pages["/friction"]
    assert re.search(r"Google Ads</li><li>Call</li>", pages["/paths"])
    assert "By the week" in owner.get(f"{at}/cohorts?period=30d").text

    with services.db.tenant(company.id) as session:
        ids = {one.name: one.id.hex for one in segments(session, company.id)}
    customers = {view: owner.get(f"{at}{view}?segment={ids['Customer']}&period=90d").text for view in VIEWS}
    assert re.search(r"First touches</dt><dd>1<.*Became leads</dt><dd>1 ", customers[""], re.S)
    assert f"/journeys/paths?segment={ids['Customer']}&amp;period=90d" in customers["/flow"]
    assert f"/journeys/flow/file.csv?segment={ids['Customer']}&amp;period=90d" in customers["/flow"]
    assert "0 of 1 people are no lead yet" in customers["/friction"]
    nobody = owner.get(f"{at}/cohorts?segment={ids['Best customers']}").text
    assert "in this period with persons in the segment “Best customers”" in nobody
    gone = owner.get(f"{at}/paths?segment={'ab' * 16}")
    assert gone.status_code == 400
    assert "This segment is there no more" in gone.text

    people = owner.get(f"{at}/persons").text
    assert people.count("waits for a call") == 1
    page = owner.get(f"{at}/persons/{anna.hex}").text
    for words in (
        "Why purchase",
        "Score 60 of 100",
        "was a lead once or more",
        "They talked 3:20",
        "Became a purchase",
    ):
        assert words in page
    viewer = Browser(app)
    viewer.enter(make_user(services, company, "viewer"))
    masked = viewer.get(f"{at}/persons/{anna.hex}").text
    assert "123 4567" not in masked
    assert "Join with another" not in masked

    owner.post(f"{at}/persons/{anna.hex}/join", other=f"http://x{at}/persons/{ben.hex}")
    assert owner.get(f"{at}/persons/{ben.hex}").location.endswith(anna.hex)
    joined = owner.get(f"{at}/persons/{anna.hex}").text
    undo = re.search(r"/journeys/joins/([0-9a-f]{32})/undo", joined)
    assert undo
    assert owner.post(f"{at}/joins/{undo[1]}/undo").location.endswith(ben.hex)
    owner.post(f"{at}/persons/{ben.hex}/crm-id", system="HubSpot", key="7")
    assert "id in hubspot" in owner.get(f"{at}/persons/{ben.hex}").text
    assert "no valid id" in owner.get(
        owner.post(f"{at}/persons/{anna.hex}/join", other="nobody").location
    ).text.replace("not a valid id", "no valid id")
    town.keep()

    rows = {"fact-0": "campaign", "how-0": "is", "value-0": "=1+1", "fact-1": "waits", "is_not-1": "on"}
    counted = owner.post(f"{at}/segments/new", name="=Prices", color="red", do="preview", **rows)
    assert "<strong>1</strong> person today" in counted.text
    assert owner.post(f"{at}/segments/new", name="=Prices", color="red", do="save", **rows).status_code == 303
    with services.db.tenant(company.id) as session:
        made = segments(session, company.id)[-1]
    assert made.condition == {"all": [{"fact": "campaign", "is": "=1+1"}, {"not": {"fact": "waits"}}]}
    assert 'value="=1+1"' in owner.get(f"{at}/segments/{made.id.hex}").text
    lines = owner.get(f"{at}/persons.csv?segment={made.id.hex}").text.splitlines()
    assert (len(lines), lines[2].split(",")[0]) == (3, str(anna))
    assert ",'=1+1," in lines[2]
    page = f"{at}/segments/{made.id.hex}"
    assert "webhook" not in owner.get(page).text
    with services.db.tenant(company.id) as session:
        hook = connect_destination(session, services.vault, company.id, "webhook", "Our CRM",
                                   webhook_settings("https://example.com"), now, sandbox=True)  # fmt: skip
    given = {"name": "=Prices", "color": "red", "do": "save", "webhook_id": hook.hex, **rows}
    assert owner.post(page, **given).status_code == 303
    assert f'<option value="{hook.hex}" selected>Our CRM' in owner.get(page).text
    assert "no such webhook" in owner.post(page, **given | {"webhook_id": "ab" * 16}).text
    watch_entering(services)
    town.run("DELETE FROM segment_member")
    watch_entering(services)
    assert re.search(r"Waiting</dt><dd>1<", owner.get(page).text)
    town.run("UPDATE segment_event SET state = 'failed', due_at = NULL, said = 'HTTP 500. Given up.'")
    assert "HTTP 500. Given up." in owner.get(page).text
    again = owner.post(f"{page}/webhook-again")
    assert "1 sent again" in owner.get(again.location).text
    with services.db.tenant(company.id) as session:
        accounts.remove(session, services.vault, company.id, hook, now)
    assert "One that was removed" in owner.get(page).text
    refused = owner.post(f"{at}/segments/new", name="=Prices", color="red", do="save", **rows)
    assert (refused.status_code, "already" in refused.text) == (400, True)
    assert owner.post(f"{at}/segments/{made.id.hex}/delete").location.endswith(made.id.hex)
    assert owner.post(f"{at}/segments/{made.id.hex}/delete", sure="yes").location.endswith("/segments")

    tried = owner.post(
        f"{at}/rules/score", warm="1", hot="2", do="try", **{"points-0": "5", "fact-0": "form"}
    )
    assert "1 would change the band" in re.sub(r"[\d]+(?= would)", "1", tried.text)
    wrong = owner.post(f"{at}/rules/score", warm="9", hot="2", do="save")
    assert (wrong.status_code, "Warm must begin below hot" in wrong.text) == (400, True)
    wrong = owner.post(f"{at}/rules/stages", **{
        "price_words": "x", "fact-loyalty-0": "calls", "value-loyalty-0": "many", "value-purchase-3": "7",
        "fact-loyalty-all1-0": "calls", "value-loyalty-all1-0": "1", "days-loyalty-all1-0": "999",
        "fact-loyalty-all1-2": "tag",
    })  # fmt: skip
    assert (wrong.status_code, wrong.text.count("aria-invalid")) == (400, 5)
    assert "Nothing was saved: 5 fields are not right" in wrong.text
    for name, words in (
        ("value-loyalty-0", "Write a whole number from 1 to"), ("fact-purchase-0", "Choose the fact"),
        ("days-loyalty-all0-0", "Write 1 to 365 days"), ("value-loyalty-all0-1", "Write the word it is"),
        ("price_words", "2 to 40 letters"),
    ):  # fmt: skip
        assert re.search(rf'id="stages-{name}-problem">.*{words}', wrong.text)
    assert 'name="value-loyalty-0" value="many"' in wrong.text
    together = {"fact-loyalty-all0-0": "calls", "value-loyalty-all0-0": "1", "days-loyalty-all0-0": "30",
                "fact-loyalty-all0-1": "purchases", "value-loyalty-all0-1": "1",
                "fact-purchase-0": "purchases", "value-purchase-0": "1"}  # fmt: skip
    moves = owner.post(f"{at}/rules/stages", do="try", **together)
    assert moves.status_code == 200
    assert "<strong>2 of 2 persons would move</strong> to another stage: 1 to a higher, 1 to" in moves.text
    assert "1 from consideration to awareness</li><li>1 from purchase to loyalty" in moves.text
    assert 'name="fact-loyalty-all0-2"' in moves.text
    more = owner.post(f"{at}/rules/stages", do="more", **together).text
    assert 'name="days-loyalty-all0-0" value="30"' in more
    with services.db.tenant(company.id) as session:
        assert current(session, company.id, "stages").number == 0
    assert owner.post(f"{at}/rules/stages", **together).status_code == 303
    town.again()
    assert town.journeys()[anna].stage == 4
    page = owner.get(f"{at}/persons/{anna.hex}").text
    assert "called once or more within 30 days and bought once or more" in page
    assert re.search(r'<details class="all-of" open>.*?value="calls" selected', owner.get(f"{at}/rules").text,
                     re.S)  # fmt: skip
    saved = owner.post(f"{at}/rules/stages", **{"fact-loyalty-0": "calls", "value-loyalty-0": "1"})
    assert saved.status_code == 303
    town.again()
    assert town.journeys()[ben].stage == 4
    with services.db.tenant(company.id) as session:
        assert current(session, company.id, "stages").number == 2
        state = session.get_one(JourneyState, (company.id,))
    assert (state.again_phase, state.again_ended_at is not None) == ("", True)


def test_views_take_any_days_and_an_origin_as_reports_do(services: Services, company: Company) -> None:
    town, today, at = Town(services, company), day_of(NOW, ROME), f"/app/{company.id.hex}/journeys"
    owner = browser_of(replace(services, clock=lambda: NOW), company)
    for back, source, campaign in ((3, "google", "moves"), (40, "google", "moves"), (40, "bing", "moves"),
                                   (41, "google", "boxes")):  # fmt: skip
        town.visit(NOW - timedelta(days=back), source=source, medium="cpc", campaign=campaign)
    town.keep()
    town.again()
    for period in PERIODS:
        of = stretch_of(period, today)
        count = sum(of.since <= today - timedelta(days=back) <= of.until for back in (3, 40, 40, 41))
        page = owner.get(f"{at}/paths?period={period}").text
        assert f"<br>{day(of.since)}" in page
        lines = owner.get(f"{at}/funnel/file.csv?period={period}").text.splitlines()
        (all_,) = (line.split(",") for line in lines if line.startswith("All,"))
        assert int(all_[3]) == count, period
    since, until = today - timedelta(days=40), today - timedelta(days=39)
    days = f"since={since}&until={until}"
    asked = f"{days}&source=Google&medium=cpc&campaign=moves"
    for view in VIEWS:
        found = owner.get(f"{at}{view}?{asked}")
        assert found.status_code == 200
        assert "· source google, medium cpc, campaign moves" in found.text
        assert 'name="campaign" value="moves"' in found.text
        assert f'name="since" type="date" value="{since}"' in found.text
        words = "source=google&amp;medium=cpc&amp;campaign=moves"
        kept = f"{words}&amp;period=days&amp;since={since}&amp;until={until}"
        for other in ("", *VIEWS[1:], f"{view or '/funnel'}/file.csv"):
            assert f'href="{at}{other}?{kept}"' in found.text
    for view, words in (("funnel", "All,,,1,"), ("flow", "People,1"), ("friction", "All,no lead yet,,1"),
                        ("paths", "Bought,0"), ("cohorts", "All,1,")):  # fmt: skip
        file = owner.get(f"{at}/{view}/file.csv?{asked}").text
        assert words in file
        assert '"source google, medium cpc, campaign moves"' in file
        assert f"First touch,{since} to {until} (days of your choice)" in file
        book = owner.get(f"{at}/{view}/file.xlsx?{asked}")
        assert (book.status_code, book.data[:2]) == (200, b"PK")
    assert "<dt>First touches</dt><dd>2<" in owner.get(f"{at}?{days}").text
    bing = f"?period=days&amp;since={since}&amp;until={until}&amp;source=bing&amp;medium=cpc"
    assert bing in owner.get(f"{at}?{days}").text
    assert "with source direct" in owner.get(f"{at}?source=direct").text
    for wrong in ("period=odd", "since=soon", "since=2026-03-02&until=2026-03-01", "since=2010-01-01"):
        refused = owner.get(f"{at}/flow?{wrong}")
        assert (refused.status_code, refused.text.count('class="problem" role="alert"')) == (400, 1)
        assert owner.get(f"{at}/flow/file.csv?{wrong}").status_code == 400
    assert owner.get(f"{at}/odd/file.csv").status_code == owner.get(f"{at}/flow/file.pdf").status_code == 404

"""The budget pages without a screen: empty, limited, paced, tested, recorded; roles and refusals."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from calltrack.accounts.rules import Role
from calltrack.budgets.dearest import MOST
from calltrack.budgets.making import advise_now
from calltrack.budgets.units import id_of
from calltrack.dashboard.show import THIN
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.budgets.spending import MONDAY, key_of, usual
from tests.builders import NOON, Company, make_company
from tests.dashboard.browser import Browser, make_app

ROMA, PREVENTIVO = id_of(key_of("roma")), id_of(key_of("preventivo"))


@pytest.fixture(scope="module")
def then(services: Services) -> Services:
    """The same parts on the Friday after the newest week; each look at the clock is a bit later."""
    ticks = count()
    return replace(services, clock=lambda: NOON + timedelta(milliseconds=next(ticks)))


def browser_of(then: Services, company: Company, role: Role = "manager") -> Browser:
    browser = Browser(make_app(then))
    browser.enter(make_user(then, company, role))
    return browser


def test_without_spend_every_page_says_what_is_missing(then: Services, company: Company) -> None:
    browser, at = browser_of(then, company), f"/app/{company.id.hex}/budget"
    assert "No advice yet" in browser.get(at).text
    assert browser.post(f"{at}/advise").status_code == 303
    assert "No campaign with spend is matched" in browser.get(at).text
    for rest, said in (
        ("/limits", "No campaigns yet"),
        ("/pacing", "No monthly budget yet"),
        ("/tests", "Nothing to test yet"),
        ("/record", "No advice so far"),
        ("/what-if", "There is nothing known yet"),
    ):
        assert said in browser.get(at + rest).text
    assert "Look now" not in browser_of(then, company, "viewer").get(at).text


def test_limits_are_kept_and_a_wrong_one_stands_beside_its_field(then: Services) -> None:
    company = make_company(then)
    usual(company).write(then)
    browser, at = browser_of(then, company), f"/app/{company.id.hex}/budget"
    wrong = browser.post(f"{at}/limits", **{f"floor-{ROMA}": "a lot", "counts": "purchase"})
    assert (wrong.status_code, "&#39;a lot&#39; is not an amount" in wrong.text) == (400, True)
    above = browser.post(f"{at}/limits", **{f"floor-{ROMA}": "900", f"cap-{ROMA}": "800"})
    assert (above.status_code, "A floor is above its cap" in above.text) == (400, True)
    saved = browser.post(
        f"{at}/limits",
        **{f"cap-{ROMA}": "950.50", f"lock-{PREVENTIVO}": "yes", "counts": "purchase", "most_change": "20",
           "late_share": "10", "total": ""},
    )  # fmt: skip
    assert saved.status_code == 303
    page = browser.get(f"{at}/limits").text
    assert 'value="950.50"' in page
    assert page.count(" checked") == 1
    # Somebody else's page was open before that: what it does not show, it does not change.
    assert browser.post(f"{at}/limits", **{f"cap-{ROMA}": "960"}).status_code == 303
    shown = browser.get(at).text
    assert "preventivo is locked and keeps its amount." in shown
    assert browser_of(then, company, "viewer").get(f"{at}/limits").status_code == 403


def test_of_thousands_of_campaigns_the_dearest_are_listed(then: Services) -> None:
    company = make_company(then)
    many = tuple((f"k{place}", 0.1) for place in range(MOST + 2))
    usual(company, many, weeks=1).write(then)
    browser, at = browser_of(then, company), f"/app/{company.id.hex}/budget"
    for rest, listed in (("limits", 'name="floor-'), ("pacing", 'name="campaign"')):
        page = browser.get(f"{at}/{rest}").text
        assert (page.count(listed), "not listed: 2." in page) == (MOST, True)


def test_when_money_should_not_move_the_page_says_how_much_is_missing(then: Services) -> None:
    company = make_company(then)
    usual(company, (("roma", 1.0), ("milano", 0.6)), weeks=8).write(then)
    advise_now(then, company.id)
    page = browser_of(then, company).get(f"/app/{company.id.hex}/budget").text
    assert "Do not move money yet" in page
    assert "more are needed" in page
    assert "A split to learn from" in page
    assert 'id="apply"' not in page


@pytest.mark.parametrize(
    ("rates", "change", "headline", "total", "amounts"),
    [
        ((1.0, 0.6), "30", "Do not move money between campaigns yet", "1225", ("766", "459")),
        ((9.0, 9.0), "5", f"Spend €{THIN}56 a week less with the same shares", "1344", ("840", "504")),
    ],
)
def test_another_total_without_a_sure_move_keeps_the_shares_and_says_the_amounts(
    then: Services,
    rates: tuple[float, float],
    change: str,
    headline: str,
    total: str,
    amounts: tuple[str, str],
) -> None:
    company = make_company(then)
    usual(company, tuple(zip(("roma", "milano"), rates, strict=True)), weeks=8).write(then)
    advise_now(then, company.id)
    browser, at = browser_of(then, company), f"/app/{company.id.hex}/budget"
    assert "keep the shares" not in browser.get(at).text
    # They spent 875 and 525 in the newest week, 1 400 in all.
    wanted = {"total": total, "most_change": change, "late_share": "0"}
    assert browser.post(f"{at}/limits", **wanted).status_code == 303
    page = browser.get(at).text
    assert headline in page
    assert (
        f"To spend €{THIN}{total[0]}{THIN}{total[1:]} a week instead of €{THIN}1{THIN}400, keep the shares"
        in page
    )
    listed = page.split('id="unchanged"')[1].split("</ul>")[0]
    for amount in amounts:
        assert f"<strong>€{THIN}{amount}</strong> a week" in listed
    assert listed.count(" less</li>") == 2
    assert " EUR" not in page.split('id="advice"')[1].split("<form")[0]


def test_a_monthly_budget_is_watched_and_an_alert_leads_there(then: Services) -> None:
    company = make_company(then)
    usual(company).write(then)
    browser, at = browser_of(then, company, "owner"), f"/app/{company.id.hex}/budget/pacing"
    wrong = browser.post(at, name="Google", amount="-3")
    assert (wrong.status_code, "Google" in wrong.text) == (400, True)
    assert browser.post(at, name="Google", amount="1000", campaign=ROMA).status_code == 303
    page = browser.get(at).text
    assert "Too fast" in page
    assert "roma" in page
    assert f'href="{at}"' in browser.get(f"/app/{company.id.hex}/notices").text


def test_a_monthly_budget_is_changed_and_money_is_written_in_one_way(then: Services) -> None:
    company = make_company(then)
    usual(company).write(then)
    browser, at = browser_of(then, company), f"/app/{company.id.hex}/budget/pacing"
    browser.post(at, name="Google", amount="1000.50", campaign=ROMA)
    page = browser.get(at).text
    assert f"a budget of €{THIN}1{THIN}000.50." in page or f"the budget of €{THIN}1{THIN}000.50." in page
    assert (" EUR" in page.split('<section class="card">')[1].split("<details")[0], "Too fast" in page) == (
        False, True,
    )  # fmt: skip
    one = page.split(f'action="{at}/')[1].split('"')[0]
    changing = page.split(f'action="{at}/{one}"')[1].split("</form>")[0]
    assert ('value="1000.50"' in changing, changing.count(" checked")) == (True, 1)
    wrong = browser.post(f"{at}/{one}", name="All", amount="a lot")
    assert (wrong.status_code, "&#39;a lot&#39; is not an amount" in wrong.text) == (400, True)
    assert browser.post(f"{at}/{one}", name="All", amount="90000").status_code == 303
    after = browser.get(at).text
    assert ("Everything the company spends" in after, "Too fast" in after) == (True, False)
    assert browser_of(then, company, "viewer").post(f"{at}/{one}", name="x", amount="1").status_code == 403


def test_pacing_names_accounts_that_are_not_read_any_more(then: Services) -> None:
    company = make_company(then)
    made = usual(company)
    made.accounts[0] |= {"status": "paused", "read_at": NOON - timedelta(days=11)}
    made.write(then)
    browser, at = browser_of(then, company), f"/app/{company.id.hex}/budget/pacing"
    assert "Not read for over ten days" not in browser.get(at).text
    browser.post(at, name="All", amount="1000")
    assert "Not read for over ten days: google_ads account." in browser.get(at).text


def test_a_test_is_planned_and_says_when_to_switch_off(then: Services) -> None:
    company = make_company(then)
    usual(company).write(then)
    browser, at = browser_of(then, company), f"/app/{company.id.hex}/budget/tests"
    sized = browser.post(at, do="size", unit=[ROMA, PREVENTIVO]).text
    assert "preventivo + roma, off together" in sized or "roma + preventivo, off together" in sized
    monday = (MONDAY + timedelta(weeks=1)).isoformat()
    wrong = browser.post(at, do="begin", unit=ROMA, starts_on="2026-11-24", weeks="8")
    assert (wrong.status_code, "starts on a Monday" in wrong.text) == (400, True)
    assert browser.post(at, do="begin", unit=ROMA, starts_on=monday, weeks="8").status_code == 303
    page = browser.get(at).text
    assert "or more shows in four tests of five" in page
    assert page.count("<strong>off</strong>") == 4
    assert page.count("<strong>on</strong>") == 4


def test_another_split_is_worked_out_by_the_form_and_nonsense_is_left_as_it_is(then: Services) -> None:
    company = make_company(then)
    usual(company).write(then)
    advise_now(then, company.id)
    browser, at = browser_of(then, company, "viewer"), f"/app/{company.id.hex}/budget"
    page = browser.get(f"{at}?t-{ROMA}=1500").text
    assert "More than today" in page
    assert "Guessed, because this was never spent before: roma." in page
    assert 'value="1500"' in page
    assert "More than today" in browser.get(f"{at}/what-if?t-{ROMA}=much&t-xyz=1").text

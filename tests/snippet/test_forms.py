"""Forms, and links to other domains of the same company: what goes along, and only when it may."""

import re

from playwright.sync_api import Page

from tests.snippet.edge_double import Site

SHOWN = "window.calltrack && calltrack.numbers().length"
FORM = """<p>06 6994 0001</p><form onsubmit="event.preventDefault()">
  <input name=your-phone value="347 1234567"><input type=email name=e value="anna@posta.test">
  <input type=tel name=t value="+39 347 7654321"><input name=card value="4111 1111 1111 1111">
  <input name=hotel_name value="Phoenix"><input type=password name=phone value="geheim123">
  <input type=hidden name=phone2 value="hidden"><textarea name=phone3>lungo testo</textarea>
  <button>Invia</button></form>"""


def sent(page: Page, site: Site, tag: str, consent: str) -> list[object]:
    """Send the form under this tag and answer; return what the service was told of it."""
    page.add_init_script(f"window.ct = {{ consent: {consent} }}" if consent else "")
    page.goto(site.put(FORM, tag=site.tag(tag)))
    page.wait_for_function(SHOWN)
    page.click("button")
    if consent and tag:
        site.wait_for("form")
    page.wait_for_timeout(50)
    return [asked.body.get("f") for asked in site.to("form")]


def test_phone_numbers_and_addresses_of_a_form_are_told_where_site_and_visitor_agree(
    page: Page, site: Site
) -> None:
    typed = ["347 1234567", "anna@posta.test", "+39 347 7654321"]
    assert sent(page, site, "data-forms=on", "true") == [typed]


def test_forms_are_nobodys_business_without_the_sites_word(page: Page, site: Site) -> None:
    assert sent(page, site, "", "true") == []


def test_forms_are_nobodys_business_without_the_visitors_word(page: Page, site: Site) -> None:
    assert sent(page, site, "data-forms=on", "") == []


def test_a_link_to_another_domain_of_the_company_takes_the_visitor_along(page: Page, site: Site) -> None:
    stay = "onclick='event.preventDefault()'"
    body = f"""<p>06 6994 0001</p><a id=linked {stay} href="http://shop.test/a?x=1#top">shop</a>
      <a id=bare {stay} href="http://shop.test/">shop</a><a id=foreign {stay} href="http://evil.test/">no</a>"""
    page.goto(site.put(body, tag=site.tag("data-link='shop.test kasse.test'")))
    page.wait_for_function(SHOWN)
    hrefs = []
    for name in ("linked", "bare", "foreign"):
        page.click(f"#{name}")
        hrefs.append(page.evaluate("id => document.getElementById(id).href", name))
    assert re.fullmatch(r"http://shop\.test/a\?x=1&_ct=visitor-1,visit-1#top", hrefs[0])
    assert re.fullmatch(r"http://shop\.test/\?&_ct=visitor-1,visit-1", hrefs[1])
    assert hrefs[2] == "http://evil.test/"

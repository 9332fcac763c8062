import pytest
from playwright.sync_api import Page

from tests.snippet.conftest import MOVED, Noise
from tests.snippet.edge_double import MILAN, ROME, Site

# Text on the page -> text shown. Rome 06 6994 0001 is shown as 06 8765 0001.
NOTATIONS = [
    ("06 6994 0001", "06 8765 0001"),
    ("06 69940001", "06 87650001"),
    ("0669940001", "0687650001"),
    ("06/6994.0001", "06/8765.0001"),
    ("06/69940001", "06/87650001"),
    ("06-69940001", "06-87650001"),
    ("06-6994-0001", "06-8765-0001"),
    ("06.6994.0001", "06.8765.0001"),
    ("(06) 6994 0001", "(06) 8765 0001"),
    ("(06)69940001", "(06)87650001"),
    ("06 / 69 94 00 01", "06 / 87 65 00 01"),
    ("06 \N{EN DASH} 6994 0001", "06 \N{EN DASH} 8765 0001"),
    ("06\N{NON-BREAKING HYPHEN}69940001", "06\N{NON-BREAKING HYPHEN}87650001"),
    ("06\xa06994\xa00001", "06\xa08765\xa00001"),
    (
        "06\N{THIN SPACE}6994\N{NARROW NO-BREAK SPACE}0001",
        "06\N{THIN SPACE}8765\N{NARROW NO-BREAK SPACE}0001",
    ),
    ("06 6994\u200b0001", "06 8765\u200b0001"),
    ("06·6994·0001", "06·8765·0001"),
    ("+39 06 6994 0001", "+39 06 8765 0001"),
    ("+39 06 69940001", "+39 06 87650001"),
    ("+390669940001", "+390687650001"),
    ("+39-06-6994-0001", "+39-06-8765-0001"),
    ("+39.06.69940001", "+39.06.87650001"),
    ("(+39) 06 6994 0001", "(+39) 06 8765 0001"),
    ("+39 (06) 6994 0001", "+39 (06) 8765 0001"),
    ("+39 (0)6 6994 0001", "+39 (0)6 8765 0001"),
    ("0039 06 6994 0001", "0039 06 8765 0001"),
    ("0039 0669940001", "0039 0687650001"),
    ("00 39 06 6994 0001", "00 39 06 8765 0001"),
    ("39 06 6994 0001", "39 06 8765 0001"),
    ("Tel.: 06 6994 0001.", "Tel.: 06 8765 0001."),
    ("Tel:06 6994 0001, fax 06 6994 0002", "Tel:06 8765 0001, fax 06 6994 0002"),
    ("06 6994 0001 - 02 8088 0001", "06 8765 0001 - 02 8765 0002"),
    ("Via Appia 12 06 6994 0001", "Via Appia 12 06 8765 0001"),
    ("06 6994 0001 24h", "06 8765 0001 24h"),
    ("06 6994 0001 (8:00-18:00)", "06 8765 0001 (8:00-18:00)"),
    ("Roma 06 6994 0001 · 06 6994 0001", "Roma 06 8765 0001 · 06 8765 0001"),
]

# Never ours: another number, another country, an extension that would not exist behind ours.
FOREIGN = [
    "06 6994 00012",
    "106 6994 0001",
    "+41 06 6994 0001",
    "06 6994 0001/2",
    "06 6994 0001-23",
    "06 6994 000",
    "6994 0001",
    "669940001",
    "IT06 6994 1",
    "P.IVA 10669940001",
    "06 x 6994 x 0001",
]

GERMANY = {"t": "493012345670", "tn": "03012345670", "n": "493055567890", "nn": "03055567890"}
GERMAN = [
    ("030 / 1234567-0", "030 / 5556789-0"),
    ("+49 30 1234567-0", "+49 30 5556789-0"),
    ("+49 (0)30 12345670", "+49 (0)30 55567890"),
    ("+49 (0) 30 1234 5670", "+49 (0) 30 5556 7890"),
    ("0049 30 12345670", "0049 30 55567890"),
    ("(030) 12345670", "(030) 55567890"),
    ("4930 12345670", "4930 55567890"),
]

AMERICA = {"t": "15551234567", "tn": "5551234567", "n": "15559876543", "nn": "5559876543"}
AMERICAN = [
    ("(555) 123-4567", "(555) 987-6543"),
    ("555.123.4567", "555.987.6543"),
    ("1-555-123-4567", "1-555-987-6543"),
    ("+1 (555) 123-4567", "+1 (555) 987-6543"),
]

# National numbers of other countries: (business, tracking, [(written, shown), ...]).
COUNTRIES = {
    "at": ({"t": "4312345678", "tn": "012345678", "n": "4318765432", "nn": "018765432"}, [
        ("01 / 234 56 78", "01 / 876 54 32"), ("+43 12345678", "+43 18765432"),
        ("+43 (0)1 234 56 78", "+43 (0)1 876 54 32"), ("0043 1 2345678", "0043 1 8765432"),
    ]),
    "ch": ({"t": "41441234567", "tn": "0441234567", "n": "41447654321", "nn": "0447654321"}, [
        ("044 123 45 67", "044 765 43 21"), ("+41 44 123 45 67", "+41 44 765 43 21"),
        ("+41 (0)44 123 45 67", "+41 (0)44 765 43 21"), ("044/123.45.67", "044/765.43.21"),
    ]),
    "fr": ({"t": "33123456789", "tn": "0123456789", "n": "33198765432", "nn": "0198765432"}, [
        ("01 23 45 67 89", "01 98 76 54 32"), ("01.23.45.67.89", "01.98.76.54.32"),
        ("+33 1 23 45 67 89", "+33 1 98 76 54 32"), ("+33 (0)1 23 45 67 89", "+33 (0)1 98 76 54 32"),
        ("0123456789", "0198765432"),
    ]),
    "es": ({"t": "34912345678", "tn": "912345678", "n": "34918765432", "nn": "918765432"}, [
        ("91 234 56 78", "91 876 54 32"), ("912 345 678", "918 765 432"), ("+34 912345678", "+34 918765432"),
        ("(+34) 91 234 56 78", "(+34) 91 876 54 32"), ("0034-912345678", "0034-918765432"),
    ]),
    "gb": ({"t": "442079460123", "tn": "02079460123", "n": "442079460987", "nn": "02079460987"}, [
        ("020 7946 0123", "020 7946 0987"), ("(020) 7946 0123", "(020) 7946 0987"),
        ("+44 20 7946 0123", "+44 20 7946 0987"), ("+44 (0)20 7946 0123", "+44 (0)20 7946 0987"),
        ("0044 20 79460123", "0044 20 79460987"),
    ]),
}  # fmt: skip

# Signs that keep a number in order between words written from right to left.
RIGHT_TO_LEFT = [
    (
        "\N{RIGHT-TO-LEFT MARK}06 6994 0001\N{RIGHT-TO-LEFT MARK}",
        "\N{RIGHT-TO-LEFT MARK}06 8765 0001\N{RIGHT-TO-LEFT MARK}",
    ),
    ("\u202a+39 06 6994 0001\u202c", "\u202a+39 06 8765 0001\u202c"),
    (
        "+39\N{LEFT-TO-RIGHT MARK} 06 \u20666994\u2069-0001",
        "+39\N{LEFT-TO-RIGHT MARK} 06 \u20668765\u2069-0001",
    ),
]

LENGTHS = [
    ("06 6994 0001", "06876500019", "06 8765 00019"),
    ("06/6994.0001", "068765", "06/8765"),
    ("06 6994 0001", "06876500", "06 8765 00"),
    ("+39 06 6994 0001", "068765000199", "+39 06 8765 000199"),
]


def shown(page: Page, site: Site, texts: list[str]) -> list[str]:
    """Open a page of these texts and return what a visitor reads once the numbers came."""
    cells = "".join(f"<p class=n>{text}</p>" for text in texts)
    page.goto(site.put(cells))
    page.wait_for_function("window.ct && ct.numbers().length")
    read: list[str] = page.eval_on_selector_all(".n", "all => all.map(one => one.textContent)")
    return read


def test_every_notation_keeps_the_punctuation_of_the_page(page: Page, site: Site) -> None:
    befores = [before for before, _ in NOTATIONS]
    assert shown(page, site, befores) == [after for _, after in NOTATIONS]


def test_every_country_as_it_writes_its_numbers(page: Page, site: Site) -> None:
    countries = [*COUNTRIES.values(), (GERMANY, GERMAN), (AMERICA, AMERICAN)]
    site.numbers = [pair for pair, _ in countries]
    table = [line for _, lines in countries for line in lines]
    assert shown(page, site, [before for before, _ in table]) == [after for _, after in table]


def test_pages_written_from_right_to_left(page: Page, site: Site) -> None:
    table = [
        (f"<bdi dir=rtl>\u05d8\u05dc: {before}</bdi>", f"\u05d8\u05dc: {after}")
        for before, after in RIGHT_TO_LEFT
    ]
    assert shown(page, site, [before for before, _ in table]) == [after for _, after in table]


def test_other_numbers_stay(page: Page, site: Site) -> None:
    texts = ["06 6994 0001", *FOREIGN]
    assert shown(page, site, texts) == ["06 8765 0001", *FOREIGN]


@pytest.mark.parametrize(("text", "national", "expected"), LENGTHS)
def test_a_number_of_another_length_keeps_the_grouping(
    page: Page, site: Site, text: str, national: str, expected: str
) -> None:
    site.numbers = [{**ROME, "n": "39" + national, "nn": national}]
    assert shown(page, site, [text]) == [expected]


def test_a_number_of_another_country_is_written_internationally(page: Page, site: Site) -> None:
    site.numbers = [{**ROME, "n": "493012345670", "nn": "03012345670", "x": "+493012345670"}]
    assert shown(page, site, ["06 69940001", "+39 06 69940001", "0039 0669940001"]) == [
        "+49 3012345670",
        "+49 30 12345670",
        "0049 3012345670",
    ]


def test_links_and_spoken_attributes(page: Page, site: Site) -> None:
    body = """
      <a href="tel:+390669940001">a</a> <a href="TEL:+39-06-6994-0001">a</a> <a href="tel:0669940001">a</a>
      <a href="tel:0039%2006%206994%200001">a</a> <a href="tel:%2B390669940001">a</a>
      <a href="sms:+390669940001?body=Ciao">a</a> <a href="SMS:06%206994%200001">a</a>
      <a href="https://wa.me/390669940001">a</a> <a href="/cerca?q=0669940001">a</a>
      <button aria-label="Chiama 06 6994 0001" title="06/69940001"></button>
      <svg width=10 height=10><a href="tel:0669940001"><text>06 6994 0001</text></a></svg>"""
    page.goto(site.put(body))
    page.wait_for_function("window.ct && ct.numbers().length")
    assert page.eval_on_selector_all("a", "all => all.map(a => a.getAttribute('href'))") == [
        "tel:+390687650001",
        "TEL:+39-06-8765-0001",
        "tel:0687650001",
        "tel:0039%2006%208765%200001",
        "tel:%2B390687650001",
        "sms:+390687650001?body=Ciao",
        "SMS:06%208765%200001",
        "https://wa.me/390669940001",
        "/cerca?q=0669940001",
        "tel:0687650001",
    ]
    assert page.get_attribute("button", "aria-label") == "Chiama 06 8765 0001"
    assert page.get_attribute("button", "title") == "06/87650001"
    assert page.text_content("svg text") == "06 8765 0001"


def test_a_number_split_over_inline_elements(page: Page, site: Site) -> None:
    page.goto(
        site.put(
            "<p id=n>Chiama <b>06</b> 6994&nbsp;<i>00</i>01 ora</p><table><td>9-18<td>06 6994 0001<td>24"
        )
    )
    page.wait_for_function("window.ct && ct.numbers().length")
    assert page.inner_html("#n") == "Chiama <b>06</b> 8765&nbsp;<i>00</i>01 ora"
    assert page.text_content("tr") == "9-1806 8765 000124"


def test_what_is_not_text_for_people_stays(page: Page, site: Site, noise: Noise) -> None:
    noise.moves_itself = True  # at the end
    number = "06 6994 0001"
    body = f"""<p id=ours>{number}</p>
      <script type="application/ld+json">{{"telephone": "{number}"}}</script>
      <style>p:after{{content:"{number}"}}</style>
      <textarea>{number}</textarea><input value="{number}" title="{number}"><select><option>{number}</select>
      <div contenteditable><b>{number}</b></div><p data-ct-noswap><a href="tel:0669940001">{number}</a></p>
      <noscript>{number}</noscript><template><p>{number}</p></template><!-- {number} -->"""
    page.goto(site.put(body))
    page.wait_for_function("window.ct && ct.numbers().length")
    assert page.text_content("#ours") == "06 8765 0001"
    page.evaluate("document.querySelector('#ours').remove()")
    html = page.content()
    assert html.count(number) == body.count(number) - 1
    assert "8765" not in html
    assert page.input_value("textarea") == number


def test_open_shadow_roots_are_read(page: Page, site: Site) -> None:
    body = """<p>06 6994 0001</p><shop-card></shop-card><script>
      const root = document.querySelector("shop-card").attachShadow({mode: "open"});
      const link = document.createElement("a");
      root.append(Object.assign(link, {href: "tel:0669940001", textContent: "06 6994 0001"}));
    </script>"""
    page.goto(site.put(body))
    page.wait_for_function("window.ct && ct.numbers().length")
    link = page.locator("shop-card a")
    assert (link.text_content(), link.get_attribute("href")) == ("06 8765 0001", "tel:0687650001")
    link.evaluate("a => { a.firstChild.data = 'Tel. 06/69940001'; }")
    assert link.text_content() == "Tel. 06/87650001"


def test_nothing_moves_but_the_digits(page: Page, site: Site) -> None:
    site.delay = 0.2
    page.goto(
        site.put(
            "<h1>Traslochi</h1><p>Chiama <a href='tel:0669940001'>06 6994 0001</a> ora</p><p>Altro</p>" * 5
        )
    )
    before = page.evaluate(
        "[...document.querySelectorAll('p')].map(p => JSON.stringify(p.getBoundingClientRect()))"
    )
    page.wait_for_function("window.ct && ct.numbers().length")
    after = page.evaluate(
        "[...document.querySelectorAll('p')].map(p => JSON.stringify(p.getBoundingClientRect()))"
    )
    assert "06 8765 0001" in page.inner_text("body")
    assert before == after


def test_a_page_that_moves_is_noticed(page: Page, site: Site, noise: Noise) -> None:
    """What the fixture of all these tests looks for is told by this browser."""
    noise.moves_itself = True
    page.goto(site.put("<p id=n>06 6994 0001</p><p>Altro</p>"))
    page.wait_for_selector("text=06 8765 0001")
    with page.expect_event("console", lambda message: message.text.startswith(MOVED)):
        page.evaluate("document.querySelector('#n').style.height = '300px'")
    assert noise.shifts


def test_the_page_tells_which_numbers_it_shows(page: Page, site: Site) -> None:
    shown(page, site, ["06 6994 0001 o +39 02 8088 0001, P.IVA 12345670016"])
    (asked,) = site.to("visit")
    assert asked.body["p"] == f"{ROME['tn']},{MILAN['t']},12345670016"
    assert page.evaluate("ct.numbers()") == [
        {"business": "+" + pair["t"], "shown": "+" + pair["n"]} for pair in (ROME, MILAN)
    ]

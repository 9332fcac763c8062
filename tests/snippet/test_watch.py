from playwright.sync_api import Page

from tests.snippet.edge_double import MILAN, ROME, Site

SHOWN = "window.ct && ct.numbers().length"


def opened(page: Page, site: Site, body: str) -> None:
    page.goto(site.put(body))
    page.wait_for_function(SHOWN)


def test_text_written_later_is_swapped_before_it_is_painted(page: Page, site: Site) -> None:
    opened(page, site, "<p id=n>06 6994 0001</p><div id=box></div>")
    seen = page.evaluate("""async () => {
        const p = document.querySelector("#n"), box = document.querySelector("#box"), seen = [];
        const look = async () => { await 0; await 0; seen.push(document.body.innerText.trim()); };
        p.innerText = "Chiama 06/69940001"; await look();
        p.firstChild.data = "Oggi 06 69940001"; await look();
        box.append(Object.assign(document.createElement("b"), { textContent: "+39 06 6994 0001" }));
        await look();
        box.firstChild.firstChild.nodeValue = "0039 0669940001"; await look();
        return seen;
    }""")
    assert seen == [
        "Chiama 06/87650001",
        "Oggi 06 87650001",
        "Oggi 06 87650001\n\n+39 06 8765 0001",
        "Oggi 06 87650001\n\n0039 0687650001",
    ]


def test_attributes_written_later_are_swapped(page: Page, site: Site) -> None:
    opened(page, site, "<a href='tel:0669940001' title=x>06 6994 0001</a>")
    link = page.locator("a")
    link.evaluate("a => { a.href = 'tel:+390669940001'; a.title = 'Chiama 06 6994 0001'; }")
    assert link.get_attribute("href") == "tel:+390687650001"
    assert link.get_attribute("title") == "Chiama 06 8765 0001"


def test_a_second_look_changes_nothing(page: Page, site: Site) -> None:
    opened(page, site, "<p id=n>Roma 06 6994 0001, Milano 02 8088 0001</p>")
    html = page.inner_html("body")
    page.evaluate("for (let i = 0; i < 5; i++) ct.swap(document.body)")
    assert page.inner_html("body") == html
    assert page.text_content("#n") == "Roma 06 8765 0001, Milano 02 8765 0002"


def test_a_page_that_insists_on_its_number_does_not_hang(page: Page, site: Site) -> None:
    opened(page, site, "<p id=n>06 6994 0001</p>")
    page.evaluate("""() => {
        const text = document.querySelector("#n").firstChild;
        const insist = () => { if (text.data != "06 6994 0001") text.data = "06 6994 0001"; };
        new MutationObserver(insist).observe(text, { characterData: true });
        setTimeout(() => { insist(); setTimeout(() => { window.alive = true; }); });
    }""")
    page.wait_for_function("window.alive")


def test_going_on_in_a_single_page_app_is_a_new_page_view_of_the_same_visit(page: Page, site: Site) -> None:
    opened(page, site, "<p id=n>06 6994 0001</p>")
    page.evaluate("""() => {
        history.pushState({}, "", "/milano?x=1");
        document.title = "Milano";
        document.querySelector("#n").textContent = "02 8088 0001";
    }""")
    site.wait_for("visit", 2)
    page.wait_for_function("document.querySelector('#n').textContent == '02 8765 0002'")
    page.evaluate("location.hash = 'prezzi'; history.replaceState({}, '', '/milano?x=1#altro')")
    page.evaluate("history.go(-2)")
    first, second, *_ = site.wait_for("visit", 3)
    assert ("s" in first.body, second.body["s"], second.body["v"]) == (False, "visit-1", "visitor-1")
    assert (second.body["u"], second.body["t"]) == (site.url("/milano?x=1"), "Milano")
    page.wait_for_timeout(300)
    assert [asked.body["u"] for asked in site.to("visit")] == [
        site.url("/"), site.url("/milano?x=1"), site.url("/")
    ]  # fmt: skip


def test_a_hash_router_s_path_is_a_page_and_a_jump_within_the_page_is_none(page: Page, site: Site) -> None:
    opened(page, site, "<p id=n>06 6994 0001</p>")
    for place, visits in (("prezzi", 1), ("/milano", 2), ("altro", 3), ("!/roma", 4)):
        page.evaluate(
            "place => { location.hash = place; document.querySelector('#n').title = place; }", place
        )
        page.wait_for_timeout(300)
        site.wait_for("visit", visits)
    assert [asked.body["u"] for asked in site.to("visit")] == [
        site.url(path) for path in ("/", "/#/milano", "/", "/#!/roma")
    ]


def test_a_number_that_comes_late_is_asked_for(page: Page, site: Site) -> None:
    opened(page, site, "<p id=n>06 6994 0001</p>")
    assert len(page.evaluate("ct.numbers()")) == 1
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p id=late>Milano: 02/80880001</p>')")
    page.wait_for_function("document.querySelector('#late').textContent == 'Milano: 02/87650002'")
    assert page.text_content("#n") == "06 8765 0001"
    assert [asked.body["u"] for asked in site.to("visit")] == [site.url("/")] * 2


def test_a_page_full_of_changing_digits_asks_four_times_at_most(page: Page, site: Site) -> None:
    opened(page, site, "<p id=n>06 6994 0001</p><p id=clock></p>")
    for number in range(8):
        page.evaluate("n => { document.querySelector('#clock').textContent = '12345670' + n; }", number)
        site.wait_for("visit", min(number + 2, 4))
    page.wait_for_timeout(300)
    assert len(site.to("visit")) == 4


def test_the_heart_beats_only_while_somebody_is_active(page: Page, site: Site) -> None:
    site.heartbeat = 0.3
    opened(page, site, "<p id=n>06 6994 0001</p>")
    page.wait_for_timeout(700)
    assert site.to("beat") == []
    page.keyboard.press("Shift")
    (beat,) = site.wait_for("beat")
    assert 300 < beat.body.pop("d") < 9000
    known = {"k": "site-key", "v": "visitor-1", "s": "visit-1", "u": site.url("/")}
    assert beat.body == known | {"g": False}
    page.wait_for_timeout(700)
    assert len(site.to("beat")) == 1
    page.keyboard.press("Tab")
    site.wait_for("beat", 2)


def test_a_hidden_page_is_silent_and_one_that_is_seen_again_speaks_at_once(page: Page, site: Site) -> None:
    site.heartbeat = 0.2
    opened(page, site, "<p id=n>06 6994 0001</p>")
    hide = "state => { Object.defineProperty(document, 'hidden', "
    hide += "{value: state == 'hidden', configurable: true});"
    change = " document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(hide + change, "hidden")
    site.wait_for("beat")  # told when it was hidden
    page.mouse.move(10, 10)
    page.wait_for_timeout(500)
    assert len(site.to("beat")) == 1
    page.evaluate(hide + change, "visible")
    site.wait_for("beat", 2)


def test_a_lapsed_lease_brings_other_numbers(page: Page, site: Site) -> None:
    site.heartbeat = 0.1
    opened(
        page,
        site,
        "<p id=n>06 6994 0001</p><a id=a href='tel:+390669940001'>06/69940001</a><p id=m>02 80880001</p>",
    )
    renewed = b'{"v": "visitor-1", "s": "visit-1", "h": 0.1, "n": [{"t": "390669940001", "tn": "0669940001",'
    renewed += b'"n": "390687651234", "nn": "0687651234"}]}'
    site.unwell = lambda _asked: (200, renewed)
    page.mouse.move(10, 10)
    # Milan has no number any more: its own is shown again, not one that now belongs to somebody else.
    seen = ["06 8765 1234", "tel:+390687651234", "06/87651234", "02 80880001"]
    look = "[n.textContent, a.getAttribute('href'), a.textContent, m.textContent]"
    page.wait_for_function(f"seen => {look}.join() == seen.join()", arg=seen)
    page.evaluate("document.querySelector('#n').textContent = '+39 06 6994 0001'")
    page.wait_for_function("document.querySelector('#n').textContent == '+39 06 8765 1234'")


def test_a_tap_on_a_telephone_link_is_told(page: Page, site: Site) -> None:
    opened(
        page, site, "<a href='tel:+39-06-6994-0001;ext=7' onclick='event.preventDefault()'><b>chiama</b></a>"
    )
    page.click("b")
    (tap,) = site.wait_for("tap")
    assert tap.body == {"k": "site-key", "v": "visitor-1", "s": "visit-1", "n": ROME["n"], "w": "click"}


def test_a_tap_without_a_lease_is_nobodys_business(page: Page, site: Site) -> None:
    site.unwell = lambda _asked: (403, b"{}")
    page.goto(site.put("<a href='tel:+390280880001' onclick='event.preventDefault()'>chiama</a>"))
    site.wait_for("visit")
    page.click("a")
    page.wait_for_timeout(100)
    assert site.to("tap") == []
    assert page.get_attribute("a", "href") == "tel:+" + MILAN["t"]

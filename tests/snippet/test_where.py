"""Where on a page a number may stand, and pages that draw themselves."""

from playwright.sync_api import Page

from tests.snippet.edge_double import Site

SHOWN = "window.calltrack && calltrack.numbers().length"
PICTURE = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def test_frames_of_the_same_origin_are_read_and_others_are_not(
    page: Page, site: Site, elsewhere: Site
) -> None:
    foreign = elsewhere.put("<p>06 6994 0001</p>", tag="")
    inner = site.put("<p>06 6994 0001</p><a href=tel:0669940001>x</a>", "/inner", tag="")
    body = f"<p>06 6994 0001</p><iframe id=a src={inner}></iframe><iframe id=b src={foreign}></iframe>"
    page.goto(site.put(body + "<iframe id=c srcdoc='<p>06/69940001</p>'></iframe>"))
    page.frame_locator("#a").locator("text=06 8765 0001").wait_for()
    page.frame_locator("#c").locator("text=06/87650001").wait_for()
    assert page.frame_locator("#a").locator("a").get_attribute("href") == "tel:0687650001"
    assert page.frame_locator("#b").locator("p").text_content() == "06 6994 0001"
    page.evaluate("a.contentDocument.querySelector('p').firstChild.data = '+390669940001'")
    page.frame_locator("#a").locator("text=+390687650001").wait_for()
    page.evaluate("c.srcdoc = '<b>0669940001</b>'")
    page.frame_locator("#c").locator("text=0687650001").wait_for()


def test_a_picture_of_the_number_becomes_its_text_and_nothing_moves(page: Page, site: Site) -> None:
    site.delay = 0.1
    look = "style='display:inline-block;vertical-align:top;width:160px;height:20px'"
    page.goto(
        site.put(
            f"<p><img id=ours class='big ct-number' {look} src='{PICTURE}' alt='06 6994 0001'></p>"
            f"<img id=plain {look} src='{PICTURE}' alt='Chiama 06 6994 0001'>"
            f"<img id=other class=ct-number {look} src='{PICTURE}' alt='Telefono'><p>Sotto</p>"
        )
    )
    page.wait_for_function(SHOWN)
    read = "id => [document.getElementById(id).alt, !!document.getElementById(id).getAttribute('src')]"
    assert page.evaluate(read, "ours") == ["06 8765 0001", False]
    assert page.evaluate(read, "plain") == ["Chiama 06 8765 0001", True]
    assert page.evaluate(read, "other") == ["Telefono", True]


def test_a_page_a_framework_is_still_taking_over_is_not_touched_before(page: Page, site: Site) -> None:
    # As frameworks do it: what the server drew is compared with what the browser would draw, then kept.
    takes_over = """<div id=__next><p id=n>06 6994 0001</p></div><script>
      addEventListener("DOMContentLoaded", () => setTimeout(() => {
        const text = document.querySelector("#n").firstChild;
        if (text.data != "06 6994 0001") console.error("Text content does not match: " + text.data);
        window.draw = number => { text.data = number; };
        fetch("/go");
      }, 50));
    </script><img src=/slow>"""  # the picture, and so the end of loading, comes when "/go" was asked for
    page.goto(site.put(takes_over, "/warm"))
    page.wait_for_function("document.querySelector('#n').textContent == '06 8765 0001'")
    # The next page knows the numbers at once, and waits all the same.
    page.goto(site.put(takes_over))
    page.wait_for_function("document.querySelector('#n').textContent == '06 8765 0001'")
    page.evaluate("draw('Oggi: 06/69940001')")
    page.wait_for_function("document.querySelector('#n').textContent == 'Oggi: 06/87650001'")


def test_the_page_hears_that_numbers_were_shown(page: Page, site: Site) -> None:
    page.add_init_script("""window.heard = [];
        addEventListener("calltrack", () => heard.push(calltrack.numbers().map(one => one.shown).join()));""")
    page.goto(site.put("<p>06 6994 0001</p>"))
    page.wait_for_function("heard.includes('+390687650001')")


def test_what_the_page_asked_before_the_script_came_is_done(page: Page, site: Site) -> None:
    page.add_init_script("""window.calltrack = window.calltrack || [];
        calltrack.push(["consent", { ad: false, measure: true }]); calltrack.push(["no such thing"]);""")
    page.goto(site.put("<p>06 6994 0001</p>", tag=site.tag("data-consent=required")))
    page.wait_for_selector("text=06 8765 0001")
    assert site.to("visit")[0].body["q"] == {"ad": False, "measure": True}
    page.evaluate("calltrack.push(['consent', false])")
    assert page.text_content("p") == "06 6994 0001"


def test_a_tag_manager_may_say_the_words_of_the_tag(page: Page, site: Site) -> None:
    page.goto(
        site.put(
            "<p>06 6994 0001</p>",
            tag=f"<script>calltrack = {{ site: 'key-2' }}</script>"
            f"<script async src={site.edge}/ct.js></script>",
        )
    )
    page.wait_for_selector("text=06 8765 0001")
    assert site.to("visit")[0].body["k"] == "key-2"

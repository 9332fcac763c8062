"""The thin wrappers: what they ask for is what they use, and each choice of consent does what it says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.snippet.edge_double import Site

FOLDER = Path(__file__).parents[2] / "integrations"
OWN, SHOWN = "06 6994 0001", "06 8765 0001"

# What Tag Manager gives a template's code, as its reference says: each by `require`, globals by their path.
SANDBOX = """([code, data]) => {
    const heard = { analytics_storage: [], ad_storage: [] };
    const state = window.consents = {};
    window.answer = (type, granted) => {
        if ((state[type] ?? true) == granted) return;
        state[type] = granted;
        heard[type].forEach(each => each(type, granted));
    };
    for (const type of data.denied) state[type] = false;
    const known = {
        copyFromWindow: name => window[name],
        setInWindow: (name, value) => { window[name] = value; return true; },
        createQueue: name => (...given) => (window[name] = window[name] || []).push(...given),
        callInWindow: (path, ...given) => {
            const [object, method] = path.split(".");
            return window[object]?.[method]?.(...given);
        },
        isConsentGranted: type => state[type] ?? true,
        addConsentListener: (type, step) => heard[type].push(step),
        injectScript: (src, onload, onerror) =>
            document.head.append(Object.assign(document.createElement("script"), { src, onload, onerror })),
    };
    const gtmOnSuccess = () => { window.fired = true; };
    new Function("require", "data", code)(name => known[name], { ...data, gtmOnSuccess });
}"""


def template() -> dict[str, str]:
    text = (FOLDER / "google-tag-manager" / "template.tpl").read_text("utf-8")
    return dict(zip(*[iter(re.split(r"___([A-Z_]+)___\n", text)[1:])] * 2, strict=True))


def begin(page: Page, site: Site, *, denied: tuple[str, ...] = (), before: str = "", **data: Any) -> None:
    """Open a page whose tag manager fires our template with these fields."""
    page.goto(site.put(f"<p id=n>{OWN}</p><script>{before}</script>", tag="") + "?gclid=Click-1")
    given = {"service": site.edge, "site": "key-3", "denied": list(denied)} | data
    page.evaluate(SANDBOX, [template()["SANDBOXED_JS_FOR_WEB_TEMPLATE"], given])
    page.wait_for_function("window.fired && window.calltrack.numbers")


def shows(page: Page, number: str) -> None:
    page.wait_for_function("number => document.querySelector('#n').textContent == number", arg=number)


def test_the_template_of_the_tag_manager_is_whole_and_asks_for_little() -> None:
    parts = template()
    names = {each["name"] for each in json.loads(parts["TEMPLATE_PARAMETERS"])}
    script = parts["SANDBOXED_JS_FOR_WEB_TEMPLATE"]
    assert set(re.findall(r"data\.(\w+)", script)) - {"gtmOnSuccess", "gtmOnFailure"} == names
    assert json.loads(parts["INFO"])["containerContexts"] == ["WEB"]
    permissions = {
        each["instance"]["key"]["publicId"]: [
            [one.get("string", one.get("boolean")) for one in row["mapValue"]]
            for param in each["instance"]["param"]
            for row in param["value"]["listItem"]
            if "mapValue" in row
        ]
        for each in json.loads(parts["WEB_PERMISSIONS"])
    }
    assert set(permissions) == {"access_globals", "inject_script", "access_consent"}
    assert permissions["access_globals"] == [
        ["calltrack", True, True, False], ["calltrack.consent", False, False, True],
        ["dataLayer", True, True, False],
    ]  # fmt: skip
    assert permissions["access_consent"] == [["analytics_storage", True, False], ["ad_storage", True, False]]
    used = set(re.findall(r"require\('(\w+)'\)", script))
    assert used == {
        "addConsentListener", "callInWindow", "copyFromWindow", "createQueue", "injectScript",
        "isConsentGranted", "setInWindow",
    }  # fmt: skip


def test_the_choices_are_the_ones_of_the_snippet() -> None:
    fields = {each["name"]: each for each in json.loads(template()["TEMPLATE_PARAMETERS"])}
    assert [each["value"] for each in fields["consent"]["radioItems"]] == ["full", "required", "source"]
    plugin = (FOLDER / "wordpress" / "calltrack" / "calltrack.php").read_text("utf-8")
    choices = plugin.partition("CALLTRACK_CHOICES")[2].partition(");\n")[0]
    assert re.findall(r"'(\w*)'\s+=> ['\"]", choices) == ["", "required", "source", "", "on"]


@pytest.mark.parametrize("consent", ["full", None])
def test_at_once(page: Page, site: Site, consent: str | None) -> None:
    begin(page, site, consent=consent, link="shop.example.com", forms=True)
    shows(page, SHOWN)
    (asked,) = site.to("visit")
    assert (asked.body["k"], "q" in asked.body, asked.body["l"]) == ("key-3", False, ["?gclid=Click-1"])


def test_strict_waits_for_an_answer(page: Page, site: Site) -> None:
    begin(page, site, consent="required")
    page.wait_for_timeout(150)
    assert site.asked == []
    page.evaluate("calltrack.consent(true)")
    shows(page, SHOWN)
    assert site.to("visit")[0].body["q"] == {"ad": True, "measure": True}
    # The next page knows the answer.
    begin(page, site, consent="required")
    shows(page, SHOWN)


def test_source_level_remembers_nobody(page: Page, site: Site) -> None:
    begin(page, site, consent="source")
    shows(page, SHOWN)
    (asked,) = site.to("visit")
    assert (asked.body["q"], asked.body["l"]) == ({}, ["?gclid=1"])
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


@pytest.mark.parametrize("before", ["calltrack = { consent: true }", "calltrack = [['consent', true]]"])
def test_an_answer_of_the_page_before_the_tag_counts(page: Page, site: Site, before: str) -> None:
    begin(page, site, consent="required", before=before)
    shows(page, SHOWN)
    assert site.to("visit")[0].body["q"] == {"ad": True, "measure": True}


def test_consent_mode_set_in_the_tag_manager_is_followed(page: Page, site: Site) -> None:
    begin(page, site, consent="full", google=True, denied=("analytics_storage", "ad_storage"))
    page.wait_for_timeout(150)
    assert site.asked == []
    page.evaluate("answer('analytics_storage', true)")
    shows(page, SHOWN)
    assert site.to("visit")[0].body["q"] == {"ad": False, "measure": True}
    page.evaluate("answer('ad_storage', true)")
    assert site.wait_for("visit", 2)[1].body["q"] == {"ad": True, "measure": True}
    page.evaluate("answer('analytics_storage', false)")
    shows(page, OWN)
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


@pytest.mark.parametrize("consent", ["full", "required"])
def test_consent_given_before_the_tag_fires_is_known(page: Page, site: Site, consent: str) -> None:
    begin(page, site, consent=consent, google=True, denied=("ad_storage",))
    shows(page, SHOWN)
    (asked,) = site.to("visit")
    assert (asked.body["q"], asked.body["l"]) == ({"ad": False, "measure": True}, ["?gclid=1"])

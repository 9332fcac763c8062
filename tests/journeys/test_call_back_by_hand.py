"""A missed call by hand, in a real browser: hear of it, ring back, say by the mailed link what it brought."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.delivery.mail_sink import MailSink, mail_sink
from tests.journeys.conftest import Demo, start_demo, stop_demo
from tests.journeys.test_by_hand import reload_until, sign_in
from tests.plain import PLAIN

AGENT, CALLER, OTHER = "+393470000009", "+393471234567", "+393479876543"
ROME_STATIC = "+390694800901"


@pytest.fixture(scope="module")
def sink() -> Iterator[MailSink]:
    with mail_sink() as found:
        yield found


@pytest.fixture(scope="module")
def with_mail(tmp_path_factory: pytest.TempPathFactory, sink: MailSink) -> Iterator[Demo]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SMTP_URL", sink.url)
        environment.setenv("MAIL_FROM", "calltrack@example.test")
        running = start_demo(tmp_path_factory.mktemp("demo"), "--no-history")
    yield running
    stop_demo(running)


def wait_for(found: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.2)
    pytest.fail(f"waited 60 s in vain for {what}")


def ring(demo: Demo, caller: str, outcome: str) -> None:
    order = {"from": caller, "to": ROME_STATIC, "outcome": outcome, "speed": 0}
    answer = PLAIN.post(f"{demo.origin}/sandbox/calls", json=order)
    assert answer.status_code == 202, answer.text


def heard_code(demo: Demo) -> str:
    """Return the code of the last call to the agent's phone, as it was said."""
    calls = PLAIN.get(f"{demo.origin}/sandbox/calls").json()["calls"]
    mine = next((one for one in calls if one["to"] == AGENT), None)
    if mine is None:
        return ""
    whole = PLAIN.get(f"{demo.origin}/sandbox/calls/{mine['id']}").json()
    said = " ".join(str(entry) for entry in whole["entries"])
    found = re.search(r"codice è ((?:\d, ){5}\d)", said)
    return found[1].replace(", ", "") if found else ""


def test_a_missed_caller_is_rung_back_and_what_it_wins_is_said_by_the_mailed_link(
    browser: Browser, with_mail: Demo, sink: MailSink
) -> None:
    demo, problems = with_mail, list[str]()
    page = browser.new_page()
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    behaviour = {"speed": 0, "digits": {AGENT: ["1"]}, "phones": {CALLER: {"talk_seconds": 95}}}
    assert PLAIN.put(f"{demo.origin}/sandbox/carrier/behaviour", json=behaviour).status_code == 204
    company = sign_in(page, demo)

    page.goto(f"{company}/settings/follow-up")
    page.get_by_label("Mail of a missed call goes to").select_option("owners")
    page.get_by_label("Ask who answered what a call brought").select_option("link")
    # Around the clock, so that the story does not hang on the hour it is told.
    page.get_by_label("Quiet hours begin").fill("00:00")
    page.get_by_label("Quiet hours end").fill("00:00")
    page.get_by_label("Sundays are quiet").uncheck()
    page.locator("form", has=page.get_by_label("Quiet hours begin")).get_by_role(
        "button", name="Save"
    ).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved")

    ring(demo, CALLER, "no-answer")
    (mail,) = wait_for(lambda: sink.mails, "the mail of the missed call")
    assert "missed call" in mail.message["Subject"]
    link = re.search(r"https?://\S+/calls/[0-9a-f]{32}", mail.message.get_content())
    assert link
    page.goto(f"{company}/calls")
    reload_until(page, lambda: page.get_by_text("1 caller waits to be rung back").count() > 0, "the notice")
    expect(page.locator("tr.waits")).to_contain_text("To ring back")

    page.goto(link[0])
    page.get_by_role("button", name="Call back").click()
    expect(page.locator("h1")).to_have_text("Your phone")
    page.get_by_label("Number").fill(AGENT)
    page.get_by_role("button", name="Call this phone now").click()
    page.get_by_label("Code").fill(wait_for(lambda: heard_code(demo), "the code that is said"))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status").first).to_contain_text("Confirmed")

    page.goto(link[0])
    page.get_by_role("button", name="Call back").click()
    expect(page.get_by_role("status").first).to_contain_text("Your phone rings now")
    reload_until(page, lambda: page.get_by_text("talked 1:35").count() > 0, "the two to have talked")
    expect(page.locator("#missed")).to_contain_text("Called back after")
    expect(page.locator("main")).to_contain_text("Was called back")

    asked = wait_for(lambda: sink.mails[1:], "the mail with the signed link")[0]
    signed = re.search(r"https?://\S+/o/\S+", asked.message.get_content())
    assert signed
    stranger = browser.new_context().new_page()
    stranger.goto(signed[0])
    stranger.get_by_label("Booked for").fill("850")
    stranger.get_by_role("button", name="Booked", exact=True).click()
    expect(stranger.get_by_role("status").first).to_contain_text("Saved: booked.")

    page.reload()
    expect(page.locator("#brought")).to_contain_text("Won by a call-back")
    expect(page.locator("#brought")).to_contain_text("850")
    page.goto(f"{company}/calls")
    expect(page.get_by_text("waits to be rung back")).to_have_count(0)
    assert problems == []


def test_tags_notes_and_a_message_by_hand(browser: Browser, with_mail: Demo) -> None:
    demo, page = with_mail, browser.new_page()
    company = sign_in(page, demo)
    ring(demo, OTHER, "answered")
    page.goto(f"{company}/calls?caller={OTHER.replace('+', '%2B')}")
    reload_until(page, lambda: page.locator("tbody tr a").count() > 0, "the call in the list")
    page.locator("tbody tr a").first.click()
    call = page.url
    work = page.locator("#work")
    work.get_by_label("The lead is").select_option("quoted")
    work.get_by_role("button", name="Save", exact=True).click()
    work.get_by_text("Tags", exact=True).click()
    work.get_by_label("A new tag").fill("Trasloco grande")
    work.get_by_role("button", name="Save tags").click()
    expect(work.get_by_role("link", name="Trasloco grande")).to_be_visible()
    work.get_by_label("A note").fill("Richiamare lunedì.")
    work.get_by_role("button", name="Add note").click()
    expect(work).to_contain_text("Richiamare lunedì.")
    work.get_by_text("Write to the caller").click()
    work.get_by_label("Text message from").fill("Buongiorno, ecco il preventivo.")
    work.get_by_role("button", name="Send").click()
    page.goto(call)
    reload_until(page, lambda: page.get_by_text("Was sent a message (delivered)").count() > 0, "the delivery")

    text = {"from": OTHER, "to": ROME_STATIC, "text": "Va bene, grazie"}
    assert PLAIN.post(f"{demo.origin}/sandbox/carrier/messages", json=text).status_code < 300
    page.goto(f"{company}/messages")
    reload_until(page, lambda: page.get_by_text("Va bene, grazie").count() > 0, "the message in the list")
    page.get_by_text("Va bene, grazie").click()
    expect(page.locator("main")).to_contain_text("ecco il preventivo")
    page.get_by_label("Message", exact=True).fill("A lunedì!")
    page.get_by_role("button", name="Send").click()
    reload_until(
        page, lambda: page.get_by_text(re.compile("· delivered")).count() >= 2, "the answer's delivery"
    )

    page.goto(f"{company}/calls?work=quoted")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("Trasloco grande")

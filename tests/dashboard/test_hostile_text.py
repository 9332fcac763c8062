"""Text that strangers write (campaigns, titles, names) is shown, never run."""

import re

import pytest
from flask import Flask
from markupsafe import escape

from calltrack.wiring import Services
from tests.dashboard.browser import Browser
from tests.dashboard.test_isolation import LEAVES, address, pages, tenant

PAYLOADS = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "</script><script>alert(1)</script>",
    "</textarea><b onmouseover=alert(1)>x",
    "{{ 7654321*107 }}{% raw %}${7654321*107}",
    "javascript:alert(1)",
    "<!--<img src=x onerror=alert(1)>-->",
    "\u202e<i>\u0000".replace("\u0000", ""),
    "<a href='jav&#x09;ascript:alert(1)'>",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_page_runs_what_a_stranger_wrote(app: Flask, services: Services, payload: str) -> None:
    made = tenant(services, say=payload)
    company, ids = made.company, made.ids
    browser = Browser(app)
    browser.enter(made.people["owner"])
    shown = 0
    for name, rule, method in pages(app):
        if method != "GET":
            continue
        answer = browser.get(address(app, rule, company.id, ids))
        if name in LEAVES:
            # They lead away and show nothing.
            assert answer.status_code == 303
            continue
        assert answer.status_code == 200, name
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        if answer.mimetype != "text/html":
            assert answer.mimetype in ("application/json", "text/csv", "audio/wav")
            continue
        assert str(7654321 * 107) not in answer.text
        shown += str(escape(payload)) in answer.text
        _assert_harmless(answer.text, name)
    assert shown >= 10, "the payload is not on the pages, so this proves nothing"


def _assert_harmless(text: str, name: str) -> None:
    for script in re.findall(r"<script\b[^>]*>", text, re.I):
        assert 'src="/assets/' in script or 'type="application/json"' in script, (name, script)
    tags = re.findall(r"<[a-z][^>]*>", text, re.I)
    for tag in tags:
        bare = re.sub(r'"[^"]*"', '""', tag)
        assert not re.search(r"\son\w+\s*=", bare, re.I), (name, tag)
        assert not re.search(r"\sstyle\s*=", bare, re.I), (name, tag)
        assert not re.search(r'(href|src|action)="\s*javascript:', tag, re.I), (name, tag)
    assert not re.search(r"<(img|iframe|object|embed)\b(?![^>]*src=\"/assets/)", text, re.I), name


def test_every_answer_carries_the_headers(app: Flask, services: Services) -> None:
    browser = Browser(app)
    for path in ("/", "/login", "/app", "/app/nothing", "/assets/app.css", "/account", "/login/none"):
        answer = browser.get(path)
        policy = answer.headers["Content-Security-Policy"]
        for part in ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert part in policy, path
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"

"""A check from beginning to end: who may begin it, what its mark is worth, what our server may read."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from calltrack.infra.http import HttpDoor
from calltrack.installation.facts import Facts
from calltrack.installation.inside import read_inside
from calltrack.installation.rules import diagnose
from calltrack.installation.service import (
    MOST_AN_HOUR,
    begin_check,
    companies_to_read,
    hear_inside,
    open_checked,
    read_due,
)
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import new_id
from calltrack.visits.marks import VALID, find_mark, mark_of, marked, note_seen
from calltrack.visits.model import InstallCheck
from calltrack.wiring import Services
from tests.builders import Company, make_company

PAGE = "https://www.prova.test/contatti?x=1"


@pytest.mark.parametrize(
    "address",
    [
        "", "ftp://prova.test/", "https://", "javascript:alert(1)", "https://a b.test/",
        "https://user:secret@prova.test/", "https://prova.test:99999/", "https://" + 1000 * "a",
    ],
)  # fmt: skip
def test_what_is_no_page_is_refused(services: Services, company: Company, address: str) -> None:
    with pytest.raises(BadInput, match="address"), services.db.tenant(company.id) as session:
        begin_check(session, company.id, company.site_id, address, services.clock())


def test_a_check_is_bounded_kept_a_month_and_belongs_to_a_site(services: Services, company: Company) -> None:
    now = services.clock()
    with services.db.tenant(company.id) as session:
        begin_check(session, company.id, company.site_id, PAGE, now - timedelta(days=31))
        for _ in range(MOST_AN_HOUR):
            begin_check(session, company.id, company.site_id, "www.prova.test", now)
        kept = session.scalars(select(InstallCheck)).all()
        assert {check.page for check in kept} == {"https://www.prova.test"}
        with pytest.raises(BadInput, match="an hour"):
            begin_check(session, company.id, company.site_id, PAGE, now)
        with pytest.raises(NotFound):
            begin_check(session, company.id, make_company(services).site_id, PAGE, now)


def test_the_mark_stands_in_the_address_twice_and_says_what_came_through(services: Services) -> None:
    company_id, check_id, now = new_id(), new_id(), services.clock()
    mark = mark_of(services.vault, company_id, check_id)
    there = marked(PAGE, mark)
    assert parse_qs(urlsplit(there).query) == {"x": ["1"], "utm_calltrack": [mark]}
    for told, has_query in (
        (there, True),
        (f"https://prova.test/#!calltrack={mark}", False),
        (f'"l":["?utm_calltrack={mark}"]', True),
    ):
        found = find_mark(services.vault, told.encode(), now)
        assert found
        assert (found.company_id, found.check_id, found.has_query) == (company_id, check_id, has_query)
    assert marked("https://prova.test/#!/a", mark).endswith("#!/a")
    later = now + VALID + timedelta(minutes=1)
    forged = there.replace(mark, mark[:-1] + ("A" if mark[-1] != "A" else "E"))
    foreign = there.replace(mark, mark_of(services.vault, new_id(), check_id)[:30] + mark[30:])
    for told, at in ((there, later), (forged, now), (foreign, now), ("utm_calltrack=", now), (PAGE, now)):
        assert find_mark(services.vault, told.encode(), at) is None


def test_our_server_reads_no_private_address(services: Services, company: Company) -> None:
    now, door = services.clock(), HttpDoor(total_seconds=2)
    with services.db.tenant(company.id) as session:
        for page in ("https://127.0.0.1/", "http://www.prova.test/", "https://169.254.169.254/latest"):
            begin_check(session, company.id, company.site_id, page, now)
        check = session.scalars(select(InstallCheck).limit(1)).one()
        there = open_checked(session, services.vault, check, now)
        assert there.startswith(check.page)
        mark = find_mark(services.vault, there.encode(), now)
        assert mark
        note_seen(session, mark, {"outcome": "shown"})
    with services.db.system() as session:
        assert company.id in companies_to_read(session, services.clock())
    assert read_due(services, door, company.id) == 3
    assert read_due(services, door, company.id) == 0
    door.close()
    with services.db.tenant(company.id) as session:
        checks = session.scalars(select(InstallCheck).order_by(InstallCheck.id)).all()
    assert [bool(check.fetched and check.fetched["problem"]) for check in checks] == [True] * 3
    assert sum(len(check.seen) for check in checks) == 1


def test_a_look_from_inside_belongs_to_the_newest_check_or_begins_one(
    services: Services, company: Company
) -> None:
    now, told = services.clock(), {"page": "https://www.prova.test/"}
    with services.db.tenant(company.id) as session:
        first = hear_inside(session, company.id, company.site_id, told, now)
        assert hear_inside(session, company.id, company.site_id, told, now) == first
        later = hear_inside(session, company.id, company.site_id, told, now + timedelta(hours=1))
        assert later != first


@pytest.mark.parametrize("told", [{}, {"page": 7}, {"page": "x", "left": ["<b>"]}, {"page": "x" * 501}])
def test_a_look_from_inside_that_is_none_is_refused(told: Mapping[str, Any]) -> None:
    with pytest.raises(BadInput, match="inside"):
        read_inside(told)


@pytest.mark.parametrize("secure", [True, False])
def test_11_http_on_a_page_of_https_is_told(secure: bool) -> None:
    tag = {
        "src": "http://calls.example.com/ct.js", "key": "key", "consent": "", "runs": True, "is_ours": True,
        "is_pinned": False, "is_there": True, "is_newest": True, "has_integrity": False,
        "has_crossorigin": False, "integrity_fits": True, "is_mixed": secure,
    }  # fmt: skip
    fetched = {
        "problem": "", "final": PAGE, "hops": [], "tags": [tag], "is_commented": False, "managers": [],
        "banners": [], "frames": [], "targets": {}, "hard_coded": [], "kept_click_id": True,
        "script_refused": None, "connection_refused": None,
    }  # fmt: skip
    facts = Facts(
        "site", "key", frozenset(["https://www.prova.test"]), "https://calls.example.com", (), fetched
    )
    codes = {one.code: one.level for one in diagnose(facts)}
    assert codes == {"no_target": "fault"} | ({"mixed_content": "fault"} if secure else {})

"""Persons, journeys and segments over the API: told, joined, taken apart, counted; walls and roles hold."""

from datetime import timedelta

from flask.testing import FlaskClient

from calltrack.delivery.accounts import connect_destination
from calltrack.journeys.rule_model import PersonSuggestion
from calltrack.kernel.ids import new_id
from calltrack.reports.asking import stretch_of
from calltrack.reports.days import day_of
from calltrack.sandbox.platforms.accounts import webhook_settings
from calltrack.stages.score_rules import DEFAULT
from calltrack.wiring import Services
from tests.api.conftest import Program, program_of
from tests.builders import NOON, Company, make_company
from tests.stages.people import Town

ANNA, BEN = "+393471234567", "+393489876543"
YEAR = "first=2026-01-01&last=2026-12-31"
SHOP = {
    "kind": "shop visit",
    "at": NOON.isoformat(),
    "phone": ANNA,
    "text": "blue sofa",
    "external_id": "till-1",
}


def test_a_person_is_told_read_joined_and_taken_apart(
    program: Program, services: Services, company: Company, client: FlaskClient
) -> None:
    town, viewer = Town(services, company), program_of(services, client, company, "viewer")
    first, again = (program.post("/api/v1/touchpoints", SHOP) for _ in range(2))
    assert (first.status_code, again.status_code, again.json["is_repeated"]) == (201, 200, True)
    anna = first.json["person_id"]
    call = town.call(ANNA, NOON + timedelta(hours=1))
    town.conversion(call, "lead", call.started_at)
    ben = str(town.person(BEN))
    town.call(BEN, NOON, talk=0)
    town.keep()
    found = program.get(f"/api/v1/persons/{anna}").json
    assert [one["kind"] for one in found["touches"]] == ["touchpoint", "call", "lead"]
    assert (found["touches"][0]["text"], found["phones"]) == ("blue sofa", [ANNA])
    assert [one["stage"] for one in found["stages"]] == ["awareness", "consideration", "purchase"]
    assert (found["stage"], found["score"], found["band"]) == ("purchase", 45, "warm")
    assert sum(one["points"] for one in found["score_lines"]) == 45
    masked = viewer.get(f"/api/v1/persons/{anna}").json
    assert masked["touches"][0]["text"] == ""
    assert ANNA not in str(masked)
    assert viewer.post(f"/api/v1/persons/{anna}/joins", {"person_id": ben}).status_code == 403
    joined = program.post(f"/api/v1/persons/{anna}/joins", {"person_id": ben})
    assert joined.status_code == 201
    town.keep()
    assert sorted(program.get(f"/api/v1/persons/{anna}").json["phones"]) == [ANNA, BEN]
    assert program.get(f"/api/v1/persons/{ben}").status_code == 404
    join_id = joined.json["join_id"]
    assert program.get(f"/api/v1/persons/{ben}/joins").json["joins"][0]["id"] == join_id
    undo = program.client.delete(f"/api/v1/persons/joins/{join_id}", headers=program._headers())
    assert undo.json == {"person_id": ben}
    linked = program.post(f"/api/v1/persons/{ben}/crm-ids", {"crm": "hubspot", "crm_id": "7"})
    assert linked.json == {"person_id": ben}
    assert program.get(f"/api/v1/persons/{ben}").json["crm_ids"][0]["crm_id"] == "7"
    program.post(f"/api/v1/persons/{ben}/crm-ids", {"crm": "mail", "crm_id": "ben@example.com"})
    assert "ben@example.com" in str(program.get(f"/api/v1/persons/{ben}").json)
    shown = viewer.get(f"/api/v1/persons/{ben}").json["crm_ids"]
    assert {one["crm_id"] for one in shown} == {"7", "b•••@e•••.com"}
    stranger = program_of(services, client, make_company(services))
    for path in (f"persons/{anna}", f"persons/{anna}/nothing"):
        assert stranger.get(f"/api/v1/{path}").status_code == 404
    assert stranger.post(f"/api/v1/persons/{anna}/joins", {"person_id": ben}).status_code == 404
    wrong = program.post("/api/v1/touchpoints", SHOP | {"external_id": "", "phone": ""})
    assert (wrong.status_code, "Say who it was" in wrong.json["detail"]) == (400, True)


def test_views_rules_and_segments(
    program: Program, services: Services, company: Company, client: FlaskClient
) -> None:
    town = Town(services, company)
    town.visit(NOON, pages=2, page="/preise")
    town.person(ANNA)
    call = town.call(ANNA, NOON)
    town.conversion(call, "purchase", NOON + timedelta(days=2), 85_000)
    town.keep()
    town.again()
    found = program.get(f"/api/v1/journeys/funnel?{YEAR}").json
    assert [step["reached"] for step in found["steps"]] == [2, 2, 2, 1, 0]
    assert (found["whole"]["buyers"], found["whole"]["value_minor"]) == (1, 85_000)
    assert found["steps"][3]["waited"]["half"] == "2 days"
    flow = program.get(f"/api/v1/journeys/flow?{YEAR}").json
    assert flow["persons"] == sum(node["persons"] for node in flow["nodes"] if node["kind"] == "stage") == 2
    assert program.get(f"/api/v1/journeys/friction?{YEAR}").json["details"] == [
        {"kind": "visit", "detail": "/preise", "persons": 1}
    ]
    ways = program.get(f"/api/v1/journeys/paths?{YEAR}").json
    assert (ways["buyers"], ways["paths"][0]["touches"]) == (1, ["call"])
    assert program.get(f"/api/v1/journeys/cohorts?{YEAR}").json["weeks"][0]["week"] == "2026-11-01"
    weeks = program.get("/api/v1/journeys/cohorts?first=2026-11-01&last=2026-11-30").json
    assert (weeks["weeks"][0]["week"], weeks["weeks"][0]["buyers_within"]) == ("2026-11-16", [0, 1, 1])
    for view in ("funnel", "flow", "friction", "paths", "cohorts"):
        for words in ("period=odd", "period=7d&first=2026-01-01", "first=2020-01-01&last=2026-01-01"):
            assert program.get(f"/api/v1/journeys/{view}?{words}").status_code == 400
    for words, count in (("source=google", 1), ("source=Google&medium=cpc", 1), ("source=unknown", 1),
                         ("medium=(none)", 1), ("campaign=nowhere", 0), ("source=bing", 0)):  # fmt: skip
        assert program.get(f"/api/v1/journeys/funnel?{YEAR}&{words}").json["whole"]["journeys"] == count
        assert program.get(f"/api/v1/journeys/flow?{YEAR}&{words}").json["persons"] == count
    last = stretch_of("month", day_of(services.clock(), "Europe/Rome"))
    of_month = program.get(f"/api/v1/journeys/funnel?first={last.since}&last={last.until}").json
    assert program.get("/api/v1/journeys/funnel?period=month").json == of_month
    assert program.get("/api/v1/journeys/funnel?first=2026-02-01&last=2026-01-01").status_code == 400
    assert program.get("/api/v1/journeys/funnel?first=9999-01-01&last=9999-12-31").status_code == 400
    assert program.get("/api/v1/journeys/funnel?last=0001-01-01").status_code == 400
    rules = {"stages": {"purchase": [{"fact": "calls", "at_least": 1}]}}
    assert program.post("/api/v1/journeys/rules/stages", {"rules": rules}).json == {"number": 1}
    assert program.get("/api/v1/journeys/rules/stages/current").json["rules"]["price_words"] == []
    assert [one["number"] for one in program.get("/api/v1/journeys/rules/stages").json["versions"]] == [1, 0]
    assert program.post("/api/v1/journeys/rules/odd", {"rules": rules}).status_code == 400
    wrong = program.post("/api/v1/journeys/rules/score", {"rules": {"warm": 1, "hot": 1, "rules": []}})
    assert "below hot" in wrong.json["detail"]
    tried = program.post("/api/v1/journeys/score-preview", {"rules": DEFAULT}).json
    assert [one["band"] for one in tried["bands"]] == ["hot", "warm", "cold"]
    tried = program.post("/api/v1/journeys/stage-preview", {"rules": rules}).json
    assert (tried["persons"], tried["moved"], tried["rises"]) == (1, 0, 0)
    both = [{"fact": "calls", "at_least": 1, "within_days": 3}, {"fact": "purchases", "at_least": 1}]
    tried = program.post(
        "/api/v1/journeys/stage-preview", {"rules": {"stages": {"loyalty": [{"all": both}]}}}
    ).json
    assert tried["moves"] == [{"was": "purchase", "becomes": "loyalty", "persons": 1}]
    assert {"stage": "loyalty", "now": 0, "then": 1} in tried["stages"]
    odd = {"stages": {"loyalty": [{"fact": "days_after_purchase", "at_least": 3, "within_days": 3}]}}
    refused = program.post("/api/v1/journeys/stage-preview", {"rules": odd})
    assert (refused.status_code, "knows no within_days" in refused.json["detail"]) == (400, True)
    assert len(program.get("/api/v1/segments").json["segments"]) == 8
    given = {"name": "Buyers", "condition": {"fact": "purchases", "at_least": 1}}
    made, again = (program.post("/api/v1/segments", given, idempotency="one") for _ in range(2))
    assert (made.status_code, again.json["id"]) == (201, made.json["id"])
    at = f"/api/v1/segments/{made.json['id']}"
    assert program.get(at).json["persons"] == 1
    people = program.get(f"{at}/persons?limit=1").json
    assert (people["persons"][0]["stage"], people["next"]) == ("purchase", None)
    assert program.get(f"{at}/persons?cursor=odd").status_code == 400
    of_them = f"{YEAR}&segment={made.json['id']}"
    assert program.get(f"/api/v1/journeys/funnel?{of_them}").json["whole"]["journeys"] == 1
    assert program.get(f"/api/v1/journeys/flow?{of_them}").json["persons"] == 1
    assert program.get(f"/api/v1/journeys/friction?{of_them}").json["persons"] == 0
    assert program.get(f"/api/v1/journeys/paths?{of_them}").json["buyers"] == 1
    assert program.get(f"/api/v1/journeys/cohorts?{of_them}").json["times"]["bought"] == [["2 days", 1]]
    assert program.get(f"/api/v1/journeys/funnel?{YEAR}&segment={'ab' * 16}").status_code == 404
    assert program.get(f"/api/v1/journeys/funnel?{YEAR}&segment=odd").status_code == 400
    assert program.put(at, given | {"color": "green"}).json["color"] == "green"
    assert program.post("/api/v1/segments", given).status_code == 409
    with services.db.tenant(company.id) as session:
        hook = connect_destination(session, services.vault, company.id, "webhook", "CRM",
                                   webhook_settings("https://example.com"), NOON, sandbox=True)  # fmt: skip
    assert program.put(at, given | {"webhook_id": str(hook)}).json["webhook_id"] == str(hook)
    assert program.get(at).json["webhook"] == {
        "sent": 0, "waiting": 0, "failed": 0, "said": "", "tried_at": None
    }  # fmt: skip
    for wrong in ("odd", "ab" * 16):
        assert program.put(at, given | {"webhook_id": wrong}).status_code == 400
    stranger = program_of(services, client, make_company(services))
    theirs = stranger.post("/api/v1/segments", given | {"webhook_id": str(hook)})
    assert (theirs.status_code, "no such webhook" in theirs.json["detail"]) == (400, True)
    assert program.post(f"{at}/webhook-again", {}).json == {"again": 0}
    assert stranger.post(f"{at}/webhook-again", {}).status_code == 404
    assert program.client.delete(at, headers=program._headers()).status_code == 204
    assert program.get(at).status_code == 404


def test_rules_that_join_persons(
    program: Program, services: Services, company: Company, client: FlaskClient
) -> None:
    at, town = "/api/v1/person-rules", Town(services, company)
    viewer = program_of(services, client, company, "viewer")
    assert program.get(at).json["versions"][0]["rules"]["email"] == "off"
    rules = {"email": "ask", "other_crm_id": "off"}
    tried = program.post(f"{at}/preview", {"rules": rules}).json
    assert (tried["persons_fewer"], tried["asked"], tried["examples"]) == (0, 0, [])
    assert viewer.post(at, {"rules": rules}).status_code == 403
    saved = program.post(at, {"rules": rules, "note": "try", "join_past": True})
    assert (saved.status_code, saved.json) == (201, {"number": 1})
    found = program.get(at).json["versions"]
    assert [(one["number"], one["doing"], one["joined"]) for one in found] == [(1, "join", 0), (0, "", 0)]
    assert "cannot be read" in program.post(at, {"rules": {"email": "perhaps"}}).json["detail"]
    assert program.post(f"{at}/1/undo", {}).status_code == 409
    assert program.post(f"{at}/9/undo", {}).status_code == 404
    one, other = sorted((town.person(ANNA), town.person(BEN)))
    pair = new_id()
    town.store(PersonSuggestion(company_id=company.id, id=pair, one_id=one, other_id=other, via="email",
                                found_at=NOON, decision="open"))  # fmt: skip
    assert [found["other_id"] for found in program.get(f"{at}/suggestions").json["suggestions"]] == [
        str(other)
    ]
    assert viewer.post(f"{at}/suggestions/{pair}", {"decision": "join"}).status_code == 403
    stranger = program_of(services, client, make_company(services))
    assert stranger.post(f"{at}/suggestions/{pair}", {"decision": "join"}).status_code == 404
    joined = program.post(f"{at}/suggestions/{pair}", {"decision": "join"}).json["join_id"]
    assert program.get(f"/api/v1/persons/{one}/joins").json["joins"][0]["id"] == joined
    assert program.post(f"{at}/suggestions/{pair}", {"decision": "apart"}).status_code == 404

"""Audiences over the API: made once, listed, their members masked for viewers, deleted."""

from flask.testing import FlaskClient

from calltrack.audiences.keeping import keep
from calltrack.delivery.accounts import connect_destination
from calltrack.sandbox.platforms.accounts import google_settings
from calltrack.wiring import Services
from tests.api.conftest import Program, program_of
from tests.audiences.people import Crowd
from tests.builders import Company

AT = "/api/v1/audiences"


def test_an_audience_is_made_once_with_its_list_and_shows_its_members(
    program: Program, services: Services, company: Company, client: FlaskClient
) -> None:
    now = services.clock()
    crowd = Crowd(services, company)
    people = [crowd.person(), crowd.person(consent="denied")]
    for one in people:
        crowd.convert(one, crowd.call(one, now), "purchase", now)
    crowd.store()
    with services.db.tenant(company.id) as session:
        google = connect_destination(
            session, services.vault, company.id, "google_data_manager", "Ads",
            google_settings("http://127.0.0.1:9"), now, sandbox=True,
        )  # fmt: skip
    given = {
        "name": "Customers", "condition": {"fact": "bought"},
        "lists": [{"destination_id": str(google), "list_id": "777001"}],
    }  # fmt: skip
    first, again = (program.post(AT, given, idempotency="one") for _ in range(2))
    assert (first.status_code, again.json) == (201, first.json)
    assert first.json["sentence"] == "People who bought."
    keep(services, company.id)
    (row,) = program.get(AT).json["audiences"]
    assert (row["members"], row["consent_denied"]) == (1, 1)
    assert (row["lists"][0]["waiting"], row["lists"][0]["status"]) == (1, "active")
    at = f"{AT}/{row['id']}"
    found = program.get(f"{at}/members?limit=1").json
    rest = program.get(f"{at}/members?limit=1&cursor={found['next']}").json
    assert rest["next"] is None
    both = {one["phone"]: (one["status"], one["withheld"]) for one in found["members"] + rest["members"]}
    assert both == {people[0].phone: ("in", ""), people[1].phone: ("withheld", "denied")}
    viewer = program_of(services, client, company, "viewer")
    assert all("•" in one["phone"] for one in viewer.get(f"{at}/members").json["members"])
    assert viewer.post(AT, given).status_code == 403
    assert program.client.delete(at, headers=program._headers()).status_code == 202
    assert program.get(at).json["status"] == "deleting"


def test_what_is_wrong_is_named_and_nothing_is_kept(program: Program) -> None:
    wrong = program.post(AT, {"name": "A", "condition": {"fact": "fax"}})
    assert wrong.status_code == 400
    assert "lead, bought" in wrong.json["detail"]
    missing = {"name": "A", "condition": {"fact": "lead"},
               "lists": [{"destination_id": "0" * 32, "list_id": "1"}]}  # fmt: skip
    assert program.post(AT, missing).status_code == 404
    assert program.get(AT).json == {"audiences": []}
    assert program.get(f"{AT}/{'0' * 32}").status_code == 404

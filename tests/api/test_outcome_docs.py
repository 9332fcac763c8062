"""The commands of docs/outcomes.md do what the page says: each one is sent as it stands there."""

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from calltrack.conversions import doors
from calltrack.wiring import Services
from tests.api.conftest import program_of
from tests.builders import Company, make_call

DOCS = (Path(__file__).parents[2] / "docs" / "outcomes.md").read_text()
COMMANDS = re.findall(r"```sh\n(.*?)```", DOCS, re.DOTALL)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def send(client: FlaskClient, command: str, names: dict[str, str]) -> Any:
    """Send what a curl command would send."""
    for name, value in names.items():
        command = command.replace(f"${name}", value)
    words = shlex.split(command.replace("\\\n", " "))[1:]
    method, path, headers, form, body = "", "", {}, [], None
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            form.append(words.pop(0))
        elif word == "--data-binary":
            assert words.pop(0) == "@november.csv"
            body = b"phone,outcome\n+393471234567,lead\n"
        else:
            path = word
    if form:
        body = (
            "&".join(form).replace("+", "%2B").encode() if "Content-Type" not in headers else form[0].encode()
        )
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    return client.open(path, method=method or "GET", headers=headers, data=body)


@pytest.mark.parametrize("place", range(len(COMMANDS)))
def test_every_command_of_the_page_works(
    services: Services, client: FlaskClient, company: Company, place: int
) -> None:
    call = make_call(services, company, caller="+393471234567", at=NOON)
    with services.db.tenant(company.id) as session:
        token = doors.open_crm_door(session, services.vault, company.id, "test", services.clock())
    key = program_of(services, client, company, "manager").key
    names = {"CALLTRACK": "", "KEY": key, "TOKEN": token, "CALL": str(call.id)}
    answer = send(client, COMMANDS[place], names)
    assert answer.status_code in (200, 201), answer.text
    if "results" in (answer.json or {}):
        assert answer.json["counts"]["wrong"] == 0, answer.json
    if place == 0:
        assert UUID(answer.json["results"][0]["call_id"]) == call.id


def test_the_page_names_every_address_of_the_api(client: FlaskClient) -> None:
    described: Any = client.get("/api/v1/openapi.json").json
    told = [re.sub(r"\{\w+\}", "{id}", path) for path in described["paths"] if "outcome" in path]
    ours = [path for path in told if not path.startswith("/api/v1/calls")]
    assert len(ours) >= 7
    assert [path for path in ours if path not in DOCS] == []
    assert "outcome-link" in DOCS

"""Each destination's page names every setting, every verdict and every field that leaves."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from calltrack.destinations import DESTINATIONS
from calltrack.destinations.webhook import WebhookOut
from calltrack.sandbox.platforms.accounts import WEBHOOK_SECRET
from calltrack.sandbox.platforms.faults import Modes
from calltrack.sandbox.platforms.twins import TWINS
from tests.destinations.uploads import SECRET, upload, webhook

ROOT = Path(__file__).parents[2]


def page(name: str) -> str:
    return (ROOT / "docs" / "destinations" / f"{name.replace('_', '-')}.md").read_text()


@pytest.mark.parametrize("name", sorted(DESTINATIONS))
def test_every_setting_has_its_line(name: str) -> None:
    for field in DESTINATIONS[name].Settings.form():
        assert f"`{field.name}`" in page(name), field.name


@pytest.mark.parametrize("name", sorted(DESTINATIONS))
def test_every_verdict_before_sending_has_its_line(name: str) -> None:
    room = ROOT / "calltrack" / "destinations"
    asks_consent = "withheld_for_consent" in (room / f"{name}.py").read_text()
    paths = [*room.glob(f"{name}*.py"), *([room / "consent.py"] if asks_consent else [])]
    if name in ("google_ads", "google_data_manager"):
        paths += [room / "google_preflight.py", room / "consent.py"]
    source = "".join(path.read_text() for path in paths)
    codes = set(re.findall(r'Verdict\(\s*"(?:send|wait|never)",\s*"([A-Z_]+)"', source)) - {"OK"}
    assert codes or name == "webhook"
    assert not [code for code in codes if f"`{code}`" not in page(name)]


def test_the_documented_webhook_has_exactly_the_fields_that_are_sent() -> None:
    documented = json.loads(re.findall(r"```json\n(.*?)```", page("webhook"), re.S)[0])
    sent = json.loads(WebhookOut().freeze(upload(), webhook()))
    assert documented.keys() == sent.keys()
    assert documented["data"].keys() == sent["data"].keys()


def test_the_switches_of_the_twins_are_documented() -> None:
    everywhere = "".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    for twin in TWINS:
        text = page(twin.name) if twin.name in DESTINATIONS else everywhere
        assert all(f"`{target}`" in text for target in twin.targets), twin.name
    assert all(f'"{mode}"' in page("google_data_manager") for mode in Modes._fields)
    assert WEBHOOK_SECRET in page("webhook")


def test_the_python_sample_for_receivers_verifies_counts_once_and_refuses() -> None:
    (sample,) = (
        block for block in re.findall(r"```python\n(.*?)```", page("webhook"), re.S) if "Flask" in block
    )
    stored: list[str] = []
    names: dict[str, Any] = {"__name__": __name__, "store": lambda type_, data: stored.append(type_)}
    exec(sample.replace("whsec_...", SECRET), names)
    client = names["app"].test_client()
    sent = WebhookOut().request([WebhookOut().freeze(upload(), webhook())], webhook(), datetime.now(UTC))
    trial = WebhookOut().trial_request([b""], webhook(), datetime.now(UTC))
    assert trial is not None
    for request in (sent, sent, trial):
        answer = client.post("/calltrack", data=request.body, headers=dict(request.headers))
        assert answer.status_code == 204
    assert stored == ["purchase.created"]
    assert client.post("/calltrack", data=b"{}", headers=dict(sent.headers)).status_code == 401


def test_the_guide_to_a_new_destination_names_files_that_exist() -> None:
    guide = (ROOT / "docs" / "adding-a-destination.md").read_text()
    stat = re.findall(r"^ (\S+)\s+\|\s+\d+ \+", guide, re.M)
    assert len(stat) == 7
    named = {*stat, *re.findall(r"`((?:calltrack|tests|docs)/[\w/.-]+\.(?:py|md))`", guide)}
    assert not [path for path in named if not (ROOT / path).exists()]

"""`calltrack models` on the command line, against a running database."""

import json
from pathlib import Path

import pytest

from calltrack.attribution.densities import Model
from calltrack.attribution.prior import shipped
from calltrack.cli import main
from calltrack.config import Settings
from calltrack.wiring import Services
from tests.attribution.test_model_versions import states, taught
from tests.builders import Company


@pytest.fixture
def here(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command finds this test process's services."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for name in ("database_url", "database_owner_url", "database_system_url", "redis_url"):
        monkeypatch.setenv(name.upper(), str(getattr(settings, name)))
    monkeypatch.setenv("ENCRYPTION_KEY", settings.encryption_key.get_secret_value())
    monkeypatch.setenv("SECRET_KEY", settings.secret_key.get_secret_value())


def run(*words: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(["models", *words])
    return ended.value.code


@pytest.mark.usefixtures("here")
def test_versions_are_printed_pinned_and_shown(
    services: Services, company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    id_ = company.id.hex
    for night in (1, 2):
        taught(services, company, night)
    assert run("--company", id_, "--pin", "night-1") == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["night-2", "retired"], ["night-1", "pinned"], ["shipped-1", "retired"],
    ]  # fmt: skip
    assert str(run("--company", id_, "--serve", "night-2")).startswith("night-1 is pinned")
    assert run("--company", id_, "--unpin") == 0
    assert run("--company", id_, "--serve", "night-2") == 0
    assert states(services, company)["night-2"] == "serving"
    capsys.readouterr()
    assert run("--company", id_, "--show", "shipped-1") == 0
    assert Model.from_json(json.loads(capsys.readouterr().out)) == shipped()
    assert run("--company", id_, "--learn") == 0
    assert capsys.readouterr().out.startswith("Nothing was learnt: 0 calls")


@pytest.mark.usefixtures("here")
def test_what_is_not_there_is_said_in_a_sentence(company: Company) -> None:
    assert "is not a company's id" in str(run("--company", "acme"))
    assert "There is no company" in str(run("--company", "0" * 32))
    assert str(run("--company", company.id.hex, "--pin", "gone")).startswith("There is no such version")

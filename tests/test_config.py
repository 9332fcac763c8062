"""Settings are read once, and what is wrong or missing is named with what to do."""

from pathlib import Path

import pytest

from calltrack.config import as_role, new_key, read_settings, require_complete, secrets_of


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "eighty", "PORT"),
        ("PORT", "70000", "PORT"),
        ("DATABASE_URL", "mysql://x", "PostgreSQL address"),
        ("REDIS_URL", "http://x", "Redis address"),
        ("PUBLIC_BASE_URL", "calls.example.com", "origin such as"),
        ("CALLTRACK_MODE", "test", "CALLTRACK_MODE"),
        ("TWILIO_API_BASE", "https://gateway.example.com", "TWILIO_API_BASE_ELSEWHERE=true"),
        ("TWILIO_API_BASE", "http://127.0.0.1.example.com:80", "another machine"),
        ("TWILIO_API_BASE", "ftp://127.0.0.1", "TWILIO_API_BASE"),
        ("TWILIO_API_BASE", "http://user:secret@127.0.0.1", "leave user and password out"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, cloudflare", "'cloudflare' does not appear to be .* write networks"),
        ("TRUSTED_PROXIES", "10.1.2.3/8", "has host bits set; write networks"),
        ("TRUSTED_PROXIES", "0.0.0.0/0", "would believe everybody"),
        ("REGION_HEADER", "X_Region", "write a header's name"),
        ("COUNTRY_HEADER", "X-Country: IT", "write a header's name"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=sentence):
        read_settings()


def test_another_machine_stands_in_for_twilio_only_when_meant_and_by_https(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TWILIO_API_BASE_ELSEWHERE", "true")
    monkeypatch.setenv("TWILIO_API_BASE", "http://gateway.example.com")
    with pytest.raises(SystemExit, match="https only"):
        read_settings()
    monkeypatch.setenv("TWILIO_API_BASE", "https://gateway.example.com/laml")
    assert read_settings().carrier_base == "https://gateway.example.com/laml"


@pytest.mark.parametrize("base", ["http://127.0.0.1:18090", "http://[::1]:18090", "http://localhost:1/x"])
def test_a_base_on_this_machine_is_taken(monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    monkeypatch.setenv("TWILIO_API_BASE", base)
    assert read_settings().carrier_base == base


def test_a_demo_asks_its_own_carrier_and_production_asks_twilio() -> None:
    assert read_settings(mode="production").carrier_base == ""
    demo = read_settings(mode="demo", local_origin="http://127.0.0.1:8123")
    assert demo.carrier_base == "http://127.0.0.1:8123/sandbox/carrier"


def test_everything_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "ENCRYPTION_KEY", "SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as stop:
        require_complete(read_settings())
    for name in ("DATABASE_URL", "REDIS_URL", "ENCRYPTION_KEY", "SECRET_KEY"):
        assert name in str(stop.value)


@pytest.mark.parametrize(("key", "sentence"), [("short", "base64|32 bytes"), ("c2hvcnQ=", "32 bytes")])
def test_a_weak_key_is_refused(key: str, sentence: str) -> None:
    wrong = read_settings(
        database_url="postgresql://x/y", redis_url="redis://x", secret_key=new_key(), encryption_key=key
    )
    with pytest.raises(SystemExit, match=sentence):
        require_complete(wrong)


def test_secrets_are_made_once_and_kept_private(tmp_path: Path) -> None:
    first = secrets_of(tmp_path / "var")
    assert secrets_of(tmp_path / "var") == first
    assert (tmp_path / "var" / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert len(set(first.values())) == 2


def test_one_address_serves_three_roles() -> None:
    settings = read_settings(database_url="postgres://me@host/db?sslmode=require", database_owner_url="")
    assert settings.owner_url == "postgresql+psycopg://me@host/db?sslmode=require"
    assert settings.app_url.endswith("sslmode=require&options=-c%20role%3Dcalltrack_app")
    assert settings.system_url.endswith("role%3Dcalltrack_system")
    assert as_role("", "x") == ""


def test_a_given_setting_wins_over_its_default() -> None:
    assert read_settings(mode="demo").is_demo
    assert not read_settings().is_demo

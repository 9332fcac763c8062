"""The command line says what to do, in a sentence."""

from pathlib import Path

import pytest

from calltrack.cli import main


def test_an_instance_that_stopped_is_named_with_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", f"postgresql://calltrack_app@/calltrack?host={tmp_path}")
    monkeypatch.setenv("DATABASE_OWNER_URL", f"postgresql://owner@/calltrack?host={tmp_path}")
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/redis")
    monkeypatch.setenv("ENCRYPTION_KEY", "A" * 43 + "=")
    monkeypatch.setenv("SECRET_KEY", "s" * 43)
    with pytest.raises(SystemExit, match="database does not answer") as end:
        main(["numbers", "--json"])
    assert "make demo" in str(end.value)

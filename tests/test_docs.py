"""What exists is written down: every setting and command, and no proof without a command that exists."""

import argparse
import re
from pathlib import Path

import pytest

from calltrack.cli import _parser
from calltrack.config import SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN, Settings
from tools.prove import read_proofs

ROOT = Path(__file__).parent.parent
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_has_its_sentence(name: str) -> None:
    field = Settings.model_fields[name]
    assert f"| `{field.alias}` |" in CONFIGURATION
    assert field.description
    assert field.description in CONFIGURATION


def test_the_sandbox_pair_is_the_documented_one() -> None:
    assert SANDBOX_ACCOUNT_SID in CONFIGURATION
    assert SANDBOX_AUTH_TOKEN in CONFIGURATION


def test_every_command_is_written_down() -> None:
    words = "\n".join(path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    choices = next(
        action.choices for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    missing = [name for name in choices if f"calltrack {name}" not in words]
    assert missing == []


def test_every_proof_names_files_that_exist() -> None:
    proofs = read_proofs((ROOT / "docs" / "proofs.md").read_text())
    assert len(proofs) > 10
    for proof in proofs:
        for path in re.findall(r"(?:tests|tools|bench|docs)/[\w/.]+\w", proof.command):
            assert (ROOT / path).exists(), f"{path} is gone, but docs/proofs.md shows: {proof.claim}"

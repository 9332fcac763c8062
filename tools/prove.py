"""Run the commands of docs/proofs.md: `python tools/prove.py` the short ones, `--all` every one."""

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROOFS = ROOT / "docs" / "proofs.md"
LONGEST_SHORT = 60


@dataclass(frozen=True)
class Proof:
    """One row of the table."""

    claim: str
    command: str
    figure: str
    seconds: int


def read_proofs(text: str) -> list[Proof]:
    """Return the table's rows; raises ValueError when a row has no command or no time."""
    proofs = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) != 4 or cells[0] in ("claim", "") or set(cells[0]) <= {"-", ":"}:
            continue
        command = re.fullmatch(r"`(.+)`", cells[1])
        if command is None or not cells[3].isdigit():
            raise ValueError(f"docs/proofs.md: this row needs a `command` and whole seconds: {line[:80]}")
        proofs.append(Proof(cells[0], command[1].replace("\\|", "|"), cells[2], int(cells[3])))
    return proofs


def main() -> int:
    """Run the proofs and say which hold; 0 only if all of them do."""
    proofs = read_proofs(PROOFS.read_text())
    chosen = [proof for proof in proofs if "--all" in sys.argv or proof.seconds <= LONGEST_SHORT]
    failed = 0
    for proof in chosen:
        begun = time.monotonic()
        done = subprocess.run(proof.command, shell=True, cwd=ROOT, capture_output=True, text=True)  # noqa: S602
        verdict = "holds" if done.returncode == 0 else "FAILS"
        print(f"{verdict:6} {time.monotonic() - begun:6.1f} s  {proof.claim}", flush=True)
        if done.returncode:
            failed += 1
            print(f"         {proof.command}\n{(done.stdout + done.stderr)[-2000:]}")
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

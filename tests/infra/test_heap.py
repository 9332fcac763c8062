"""A process that serves looks through little when all its garbage is collected."""

import subprocess
import sys

from calltrack.config import Settings
from tests.workers.process import environment

COUNTED = """
import gc, os
import wsgi
print(gc.get_freeze_count(), len(gc.get_objects()), flush=True)
os._exit(0)
"""


def test_what_a_server_loaded_at_its_start_is_not_looked_through_again(settings: Settings) -> None:
    told = subprocess.run(
        [sys.executable, "-c", COUNTED],
        env=environment(settings) | {"SURFACE": "edge"},
        capture_output=True, text=True, timeout=300, check=True,
    ).stdout  # fmt: skip
    frozen, walked = map(int, told.split())
    assert frozen > 50_000
    assert walked < frozen / 20

"""The database's work for a process that stepped back steps back as well."""

import json
import os
import subprocess
import sys

import pytest

from calltrack.infra.embedded import EmbeddedPostgres

LOOK = """
import json, os, sys
os.nice(int(sys.argv[2]))
from calltrack.infra.db import make_engine
from calltrack.infra.direct import open_pool
with make_engine(sys.argv[1], 1, 1000).connect() as one:
    first = one.connection.driver_connection.info.backend_pid
    with open_pool(sys.argv[1], size=1, wait_seconds=5, statement_timeout_ms=1000) as pool:
        with pool.connection() as other:
            second = other.info.backend_pid
            print(json.dumps([os.getpriority(os.PRIO_PROCESS, pid) for pid in (first, second)]))
"""


@pytest.mark.parametrize("nice", [0, 7])
def test_a_connection_is_served_at_the_priority_of_its_process(postgres: EmbeddedPostgres, nice: int) -> None:
    said = subprocess.run(
        [sys.executable, "-c", LOOK, postgres.app_url, str(nice)], check=True, capture_output=True, text=True
    )
    own = os.getpriority(os.PRIO_PROCESS, 0)
    # The server was started at the priority of the tests; one that came forward does not step back behind 0.
    expected = own + nice if own + nice > 0 else own
    assert json.loads(said.stdout) == [expected] * 2

"""Where processes compete for a core, callers come first: the database's work for others steps back as well.

PostgreSQL has no priorities of its own; each connection is served by one process (PostgreSQL's documentation,
"How Connections Are Established"), and the system has priorities for those.
"""

import os
from contextlib import suppress
from pathlib import Path

import psycopg


def step_back(connection: psycopg.Connection) -> None:
    """Give the server process behind a connection the priority of this process, if that is lower.

    Does nothing where that process is on another machine, is none of PostgreSQL's (a pooler), or belongs to
    somebody whose priorities are not ours to set.
    """
    own = os.getpriority(os.PRIO_PROCESS, 0)
    if own <= 0 or not connection.info.host.startswith("/"):
        return
    server = connection.info.backend_pid
    with suppress(OSError):
        if Path(f"/proc/{server}/comm").read_text().startswith("postgres"):
            os.setpriority(os.PRIO_PROCESS, server, own)

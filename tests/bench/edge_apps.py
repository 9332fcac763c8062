"""The WSGI apps under load: the edge as in production, and the bare references beside it."""

import os
import random
from datetime import UTC, datetime

from flask import Flask, Response

from calltrack.app import create_app
from calltrack.config import read_settings
from calltrack.infra.direct import open_pool
from calltrack.infra.heap import settle

ANSWER = b'{"v":"","s":"","h":50,"n":[{"t":"390669940001","tn":"0669940001","n":"390669940101","nn":"06"}]}'
NUMBERS = 10_000
UPDATE = "UPDATE bench_number SET busy_until = clock_timestamp() + interval '1 second' WHERE id = %s"
INSERT = "INSERT INTO bench_lease (number_id, shown_from) VALUES (%s, %s)"
TABLES = """
    CREATE TABLE bench_number (id int PRIMARY KEY, busy_until timestamptz NOT NULL) WITH (fillfactor = 50);
    INSERT INTO bench_number SELECT n, now() FROM generate_series(1, 10000) n;
    CREATE TABLE bench_lease (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        number_id int NOT NULL, shown_from timestamptz NOT NULL);
    GRANT SELECT, INSERT, UPDATE ON bench_number, bench_lease TO calltrack_app
"""


def edge() -> Flask:
    """The product's edge, as `wsgi.py` makes it."""
    app = create_app(read_settings(), "edge")
    settle()
    return app


def bare() -> Flask:
    """The same framework and server; a prepared UPDATE and INSERT, committed; no walls."""
    app = Flask("bare", static_folder=None)
    pool = open_pool(
        read_settings().app_url,
        size=int(os.environ.get("THREADS", "8")),
        wait_seconds=5,
        statement_timeout_ms=5000,
        autocommit=False,
    )

    @app.post("/v1/visit")
    def visit() -> Response:
        number = random.randrange(1, NUMBERS + 1)
        with pool.connection() as connection:
            connection.execute(UPDATE, (number,), prepare=True)
            connection.execute(INSERT, (number, datetime.now(UTC)), prepare=True)
        return Response(ANSWER, 200, mimetype="application/json")

    return app

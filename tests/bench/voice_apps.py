"""The WSGI apps under load: the voice surface as in production, and the bare reference beside it."""

import os
import queue
import random
from datetime import UTC, datetime

import psycopg
from flask import Flask, Response

from calltrack.config import read_settings
from calltrack.infra.bounded import conninfo_of
from calltrack.infra.heap import settle
from calltrack.voice import create_voice
from calltrack.wiring import build

BASE_URL = "https://voice.bench.example"
ROWS = 10_000
ANSWER = (
    b'<?xml version="1.0" encoding="UTF-8"?><Response><Dial><Number>+390669940001</Number></Dial></Response>'
)
UPDATE = "UPDATE bench_route SET last_call = clock_timestamp() WHERE id = %s"
INSERT = "INSERT INTO bench_call (route_id, at) VALUES (%s, %s)"
TABLES = f"""
    CREATE TABLE bench_route (id int PRIMARY KEY, last_call timestamptz NOT NULL) WITH (fillfactor = 50);
    INSERT INTO bench_route SELECT n, now() FROM generate_series(1, {ROWS}) n;
    CREATE TABLE bench_call (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, route_id int NOT NULL, at timestamptz NOT NULL);
    GRANT SELECT, INSERT, UPDATE ON bench_route, bench_call TO calltrack_app
"""


def voice() -> Flask:
    """The product's voice surface, as `wsgi.py` makes it."""
    app = create_voice(build(read_settings()))
    settle()
    return app


def bare() -> Flask:
    """The same framework and server; a prepared UPDATE and INSERT, committed; no signature, no walls."""
    app = Flask("bare", static_folder=None)
    idle: queue.SimpleQueue[psycopg.Connection[tuple[object, ...]]] = queue.SimpleQueue()
    for _ in range(int(os.environ.get("THREADS", "8"))):
        idle.put(psycopg.connect(conninfo_of(read_settings().app_url)))

    @app.post("/voice/<number_hex>")
    def call(number_hex: str) -> Response:
        row = random.randrange(1, ROWS + 1)
        connection = idle.get()
        connection.execute(UPDATE, (row,), prepare=True)
        connection.execute(INSERT, (row, datetime.now(UTC)), prepare=True)
        connection.commit()
        idle.put(connection)
        return Response(ANSWER, content_type="text/xml; charset=utf-8")

    return app

"""`GET /ct.js` and `GET /v1/s/<version>.js`."""

import os
from datetime import timedelta
from pathlib import Path

from flask import Flask

from calltrack.snippet import pinned_path, version_of
from calltrack.visits.builds import keep_build, kept_build
from calltrack.visits.routes import create_blueprint
from calltrack.visits.script import SnippetFile
from calltrack.wiring import Services
from tests.visits.conftest import Edge


def test_the_snippet_is_served_for_five_minutes_with_its_tag(
    services: Services, tmp_path: Path, edge: Edge
) -> None:
    script = tmp_path / "ct.js"
    script.write_text("void 0;\n" * 50)
    app = Flask("edge")
    app.register_blueprint(create_blueprint(services, edge.connections, script=script))
    client = app.test_client()
    reply = client.get("/ct.js")
    assert (reply.status_code, reply.data, reply.mimetype) == (200, script.read_bytes(), "text/javascript")
    assert reply.headers["Cache-Control"] == "public, max-age=300"
    assert reply.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    packed = client.get("/ct.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(reply.data)
    same = client.get("/ct.js", headers={"If-None-Match": reply.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")


def test_a_snippet_that_was_never_built_is_a_404_that_says_so(
    services: Services, tmp_path: Path, edge: Edge
) -> None:
    app = Flask("edge")
    app.register_blueprint(create_blueprint(services, edge.connections, script=tmp_path / "none.js"))
    reply = app.test_client().get("/ct.js")
    assert reply.status_code == 404
    assert "make snippet" in reply.text


def test_a_pinned_build_is_the_same_for_ever_and_stays_when_a_newer_one_comes(
    services: Services, tmp_path: Path, edge: Edge
) -> None:
    script, old = tmp_path / "ct.js", b"void 'old';\n" + os.urandom(8).hex().encode()
    script.write_bytes(old)
    before = SnippetFile(services, script)
    before.keep()
    before.keep()
    script.write_bytes(new := b"void 'new';\n")
    app = Flask("edge")
    app.register_blueprint(create_blueprint(services, edge.connections, script=script))
    client = app.test_client()
    for built in (new, old, old):
        reply = client.get(pinned_path(built))
        assert (reply.status_code, reply.data, reply.mimetype) == (200, built, "text/javascript")
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert reply.headers["Access-Control-Allow-Origin"] == "*"
    for unknown in ("0123456789abcdef", "x" * 16, "1.0"):
        gone = client.get(f"/v1/s/{unknown}.js")
        assert (gone.status_code, gone.headers["Cache-Control"]) == (404, "no-store")
        assert "site's page" in gone.text


def test_a_build_is_forgotten_400_days_after_a_newer_one_came(services: Services) -> None:
    day, old, new = timedelta(days=1), os.urandom(20), os.urandom(20)
    now = services.clock()
    with services.db.shared() as session:
        keep_build(session, old, now - 399 * day)
        keep_build(session, new, now)
        assert kept_build(session, version_of(old)) == old
        keep_build(session, new, now + 2 * day)
        assert kept_build(session, version_of(old)) is None
        assert kept_build(session, version_of(new)) == new

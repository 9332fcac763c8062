"""`GET /ct.js`."""

from pathlib import Path

from flask import Flask

from calltrack.visits.routes import create_blueprint
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

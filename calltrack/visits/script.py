"""`GET /ct.js`: the built snippet, small, cacheable, the same bytes for everybody."""

import gzip
import hashlib
from pathlib import Path

from flask import Request, Response

BUILT = Path(__file__).parent.parent / "snippet" / "dist" / "ct.js"
KEPT_SECONDS = 300


class SnippetFile:
    """The snippet's bytes, read when they are first asked for."""

    def __init__(self, path: Path | None = None) -> None:
        """Remember where the built snippet lies."""
        self._path = path or BUILT
        self._plain = self._packed = b""
        self._tag = ""

    def answer(self, request: Request) -> Response:
        """Return the script, or 304 when the browser has these bytes; 404 where it was never built."""
        if not self._tag and not self._load():
            return Response("The snippet is not built; run `make snippet`.", 404, mimetype="text/plain")
        reply = Response(status=200, mimetype="text/javascript")
        reply.headers.update(
            {
                "Cache-Control": f"public, max-age={KEPT_SECONDS}",
                "Cross-Origin-Resource-Policy": "cross-origin",
                "Access-Control-Allow-Origin": "*",
                "Vary": "Accept-Encoding",
                "X-Content-Type-Options": "nosniff",
            }
        )
        reply.set_etag(self._tag, weak=True)
        if request.if_none_match.contains_weak(self._tag):
            reply.status_code = 304
        elif request.accept_encodings["gzip"] > 0:
            reply.headers["Content-Encoding"] = "gzip"
            reply.set_data(self._packed)
        else:
            reply.set_data(self._plain)
        return reply

    def _load(self) -> bool:
        try:
            plain = self._path.read_bytes()
        except FileNotFoundError:
            return False
        self._plain, self._packed = plain, gzip.compress(plain, 9, mtime=0)
        self._tag = hashlib.sha256(plain).hexdigest()[:20]
        return True

"""`GET /ct.js`, the newest snippet, and `GET /v1/s/<version>.js`, one build for ever (to pin with SRI)."""

import gzip
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask import Request, Response
from sqlalchemy.exc import SQLAlchemyError

from calltrack.infra.log import log
from calltrack.snippet import BUILT, version_of
from calltrack.visits.builds import keep_build, kept_build
from calltrack.wiring import Services

KEPT_SECONDS: Final = 300
FOR_EVER: Final = "public, max-age=31536000, immutable"
UNKNOWN: Final = "This version of the snippet was never served here; take the tag from the site's page."
# Old builds that pages still ask for, held in memory; they are a few.
MOST_OLD: Final = 16
_VERSION: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class _Build:
    version: str
    plain: bytes
    packed: bytes


class SnippetFile:
    """The snippet's bytes, read when they are first asked for."""

    def __init__(self, services: Services, path: Path | None = None) -> None:
        """Remember where the built snippet lies, and where older builds are kept."""
        self._services = services
        self._path = path or BUILT
        self._newest: _Build | None = None
        self._is_kept = False
        self._old: dict[str, _Build] = {}

    def answer(self, request: Request) -> Response:
        """Return the script, or 304 when the browser has these bytes; 404 where it was never built."""
        build = self._load()
        if build is None:
            return Response("The snippet is not built; run `make snippet`.", 404, mimetype="text/plain")
        return _served(request, build, f"public, max-age={KEPT_SECONDS}")

    def answer_pinned(self, request: Request, version: str) -> Response:
        """Return exactly this build, to be kept for ever; 404 where it was never served."""
        newest = self._load()
        build = newest if newest and newest.version == version else self._older(version)
        if build is None:
            gone = Response(UNKNOWN, 404, mimetype="text/plain")
            gone.headers["Cache-Control"] = "no-store"
            return gone
        return _served(request, build, FOR_EVER)

    def keep(self) -> bool:
        """Keep the newest build for pages that pin it; done beside the requests, for none may wait for it."""
        build = self._load()
        if build is None or self._is_kept:
            return self._is_kept
        try:
            with self._services.db.shared() as session:
                keep_build(session, build.plain, self._services.clock())
            self._is_kept = True
        except SQLAlchemyError as problem:
            log.warning("This build of the snippet is kept later: %s", type(problem).__name__)
        return self._is_kept

    def _load(self) -> _Build | None:
        if self._newest is None:
            with suppress(FileNotFoundError):
                self._newest = _packed(self._path.read_bytes())
        return self._newest

    def _older(self, version: str) -> _Build | None:
        if version not in self._old:
            if not _VERSION.fullmatch(version):
                return None
            with self._services.db.shared() as session:
                script = kept_build(session, version)
            if script is None:
                return None
            if len(self._old) >= MOST_OLD:
                self._old.pop(next(iter(self._old)), None)
            self._old[version] = _packed(script)
        return self._old.get(version)


def _packed(script: bytes) -> _Build:
    return _Build(version_of(script), script, gzip.compress(script, 9, mtime=0))


def _served(request: Request, build: _Build, caching: str) -> Response:
    reply = Response(status=200, mimetype="text/javascript")
    reply.headers.update(
        {
            "Cache-Control": caching,
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Access-Control-Allow-Origin": "*",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
    )
    reply.set_etag(build.version, weak=True)
    if request.if_none_match.contains_weak(build.version):
        reply.status_code = 304
    elif request.accept_encodings["gzip"] > 0:
        reply.headers["Content-Encoding"] = "gzip"
        reply.set_data(build.packed)
    else:
        reply.set_data(build.plain)
    return reply

"""The short way to the edge's hot paths: from the server's call straight to the view.

Flask makes a request, a session, contexts and an answer for each call, which takes as long as all that the
edge does itself. Whatever is not a POST to one of these paths goes Flask's way, and so does what fails: Flask
says it in the log and answers.
"""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, request

from calltrack.kernel.errors import CalltrackError
from calltrack.visits.answers import Answer, Environ, refuse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

View = Callable[[Environ], Answer]
FAILED = "calltrack.failed"
_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def short_way(inner: "WSGIApplication", views: Mapping[str, View]) -> "WSGIApplication":
    """Return the application, with these paths answered without it."""

    def outer(environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
        view = views.get(environ["PATH_INFO"]) if environ["REQUEST_METHOD"] == "POST" else None
        if view is None:
            return inner(environ, start_response)
        try:
            answer = view(environ)
        except CalltrackError as problem:
            answer = refuse(environ, problem)
        except Exception as problem:  # noqa: BLE001 - raised again by `long_way`, where Flask handles it
            environ[FAILED] = problem
            return inner(environ, start_response)
        start_response(_LINES[answer.status], answer.headers)
        return [answer.body]

    return outer


def long_way(view: View) -> Callable[[], Response]:
    """Return the same view for Flask, which handles what failed on the short way."""

    def asked() -> Response:
        failed = request.environ.pop(FAILED, None)
        if failed is not None:
            raise failed
        return Response(*view(request.environ))

    return asked

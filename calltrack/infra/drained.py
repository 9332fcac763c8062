"""Reads what an answer left unread of its request, so that the connection can be used again.

An HTTP/1.1 server (hyper, under Granian) closes a connection when an answer went out before the request's
body was read, and says nothing of it in the answer: the next request on that connection fails at its sender.
A refusal by headers or address alone is such an answer.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wsgi import LimitedStream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# More is not worth reading for a refusal: its connection ends.
MOST_BYTES = 1_000_000


def drained(inner: "WSGIApplication") -> "WSGIApplication":
    """Return the application, which now reads every request to its end before its answer goes out.

    A request without a length (chunked) is left as it is.
    """

    def outer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or not 0 < int(length) <= MOST_BYTES:
            return inner(environ, start_response)
        # Not every server ends the stream where the request ends: behind it the next one is waited for.
        environ["wsgi.input"] = body = LimitedStream(environ["wsgi.input"], int(length))
        answer = inner(environ, start_response)
        _exhaust(body)
        return answer

    return outer


def _exhaust(body: LimitedStream) -> None:
    try:
        while body.read(65_536):
            pass
    except (ClientDisconnected, OSError):
        return  # The sender is gone.

"""Reads what an answer left unread of its request, so that the connection can be used again.

An HTTP/1.1 server (hyper, under Granian) closes a connection when an answer went out before the request's
body was read, and says nothing of it in the answer: the next request on that connection fails at its sender.
A refusal by headers or address alone is such an answer.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# More is not worth reading for a refusal: its connection ends.
MOST_BYTES = 1_000_000


def drained(inner: "WSGIApplication") -> "WSGIApplication":
    """Return the application, which now reads every request to its end before its answer goes out."""

    def outer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        answer = inner(environ, start_response)
        length = environ.get("CONTENT_LENGTH", "")
        if (length.isdecimal() and 0 < int(length) <= MOST_BYTES) or "HTTP_TRANSFER_ENCODING" in environ:
            _read_rest(environ)
        return answer

    return outer


def _read_rest(environ: "WSGIEnvironment") -> None:
    body, left = environ["wsgi.input"], MOST_BYTES
    try:
        while left > 0 and (chunk := body.read(min(left, 65_536))):
            left -= len(chunk)
    except OSError:
        return  # The sender is gone.

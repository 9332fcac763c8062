"""One request of the carrier: read within limits, signature checked on the raw bytes."""

import base64
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wrappers import Request

from calltrack.kernel.errors import BadInput
from calltrack.telephony import twilio

MOST_BYTES = 65_536
MOST_FIELDS = 300
FORM = "application/x-www-form-urlencoded"


class TooLarge(BadInput):
    """The body is larger than any carrier's report (HTTP 413)."""


@dataclass(frozen=True)
class HookRequest:
    """What the carrier sent: its fields, and what its signature covers."""

    environ: dict[str, Any]
    form: Mapping[str, str]
    """The POST fields (a MultiDict where one is repeated); empty for a GET: its fields are in the address."""
    fields: Mapping[str, str]
    """All fields, wherever they stood."""
    body: bytes

    def is_signed_by(self, base_url: str, tokens: Iterable[str]) -> bool:
        """Tell whether one of the carrier's tokens signed exactly this request."""
        known = [token for token in tokens if token]
        return any(self._is_plainly_signed(base_url, token) for token in known) or twilio.is_signed(
            self.environ, self.form, self.body, base_url, known
        )

    def _is_plainly_signed(self, base_url: str, token: str) -> bool:
        """Check the usual form post with one HMAC; True only where `twilio.is_signed` agrees.

        Everything unusual (ports, other algorithms, repeated fields, GET) is left to it.
        """
        target = twilio.raw_target(self.environ)
        signature = self.environ.get("HTTP_X_TWILIO_SIGNATURE", "")
        if target is None or not signature or not signature.isascii() or not self.form:
            return False
        if "HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS" in self.environ:
            return False
        if isinstance(self.form, MultiDict):  # A field is repeated.
            return False
        text = base_url + target + "".join([name + value for name, value in sorted(self.form.items())])
        expected = base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1"))
        return hmac.compare_digest(expected, signature.encode())


def read_request(request: Request) -> HookRequest:
    """Read a GET or form POST.

    Raises:
        TooLarge: more than 64 KB.
        BadInput: the body is not text, or has absurdly many fields.
    """
    if request.method != "POST":
        query = _fields(request.query_string)
        return HookRequest(request.environ, {}, query, b"")
    request.max_content_length = MOST_BYTES
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise TooLarge("The body is larger than 64 KB.") from None
    except ClientDisconnected:
        raise BadInput("The body ends early.") from None
    kind = request.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    form: Mapping[str, str] = _fields(body) if kind == FORM else {}
    return HookRequest(request.environ, form, form, body)


def _fields(encoded: bytes) -> Mapping[str, str]:
    try:
        parts = encoded.decode("ascii").split("&")
        if len(parts) > MOST_FIELDS:
            raise BadInput("The fields are more than any carrier sends.")
        pairs = [
            (_plain(name), _plain(value))
            for name, _, value in (part.partition("=") for part in parts if part)
        ]
    except ValueError:  # UnicodeDecodeError is one.
        raise BadInput("The fields are not form-encoded text.") from None
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else MultiDict(pairs)


def _plain(text: str) -> str:
    # Most of two dozen fields hold nothing to undo.
    return unquote(text.replace("+", " "), errors="strict") if "%" in text or "+" in text else text

"""Google's OAuth refresh-token grant (RFC 6749, section 6): the request and what its answer means."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec

from calltrack.destinations.outcomes import Class, Outcome, Token
from calltrack.infra.http import HttpAnswer, HttpRequest

TOKEN_URI: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 (an address, not a password)
_RECONNECT: Final = "Connect the Google account again; until then conversions wait and none is lost."


def token_request(token_uri: str, client_id: str, client_secret: str, refresh_token: str) -> HttpRequest:
    """Return the request that trades the refresh token for an access token."""
    form = {
        "client_id": client_id,
        "client_secret": client_secret,
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
    }
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return HttpRequest("POST", token_uri, headers, urlencode(form).encode())


class _TokenAnswer(msgspec.Struct):
    access_token: str = ""
    expires_in: int = 3600
    error: str = ""


def read_token(answer: HttpAnswer) -> Token | Outcome:
    """Read Google's token endpoint (RFC 6749, section 5)."""
    try:
        said = msgspec.json.decode(answer.body, type=_TokenAnswer)
    except msgspec.MsgspecError:
        said = _TokenAnswer()
    if answer.status == 200 and said.access_token:
        return Token(said.access_token, timedelta(seconds=said.expires_in))
    if answer.status == 429 or answer.status >= 500 or not said.error:
        return Outcome(
            Class.LATER,
            f"TOKEN_HTTP_{answer.status}",
            "Google's sign-in service is unwell.",
            "Nothing to do.",
        )
    if said.error == "invalid_grant":
        message = "Google has withdrawn the connection, or it expired."
        return Outcome(Class.CONFIG, "INVALID_GRANT", message, _RECONNECT)
    message = "Google does not accept the OAuth client of this connection."
    return Outcome(Class.CONFIG, said.error.upper()[:60], message, "Check the OAuth client id and secret.")

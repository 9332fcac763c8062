"""Microsoft Entra's refresh-token grant for Microsoft Advertising: the request and what its answer means."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec

from calltrack.destinations.outcomes import Class, Outcome, Token, retry_after
from calltrack.infra.http import HttpAnswer, HttpRequest

TOKEN_URI: Final = "https://login.microsoftonline.com/common/oauth2/v2.0/token"  # noqa: S105 (an address)
SCOPE: Final = "https://ads.microsoft.com/msads.manage offline_access"
_RECONNECT: Final = "Connect the Microsoft account again; until then conversions wait and none is lost."
_GONE: Final = frozenset(("invalid_grant", "interaction_required", "consent_required", "login_required"))


def token_request(
    token_uri: str, client_id: str, client_secret: str | None, refresh_token: str
) -> HttpRequest:
    """Return the request that trades the refresh token for an access token (RFC 6749, section 6)."""
    form = {
        "client_id": client_id,
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "scope": SCOPE,
    }
    if client_secret is not None:
        form["client_secret"] = client_secret
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return HttpRequest("POST", token_uri, headers, urlencode(form).encode())


class _TokenAnswer(msgspec.Struct):
    access_token: str = ""
    refresh_token: str | None = None
    expires_in: int = 3600
    error: str = ""


def read_token(answer: HttpAnswer) -> Token | Outcome:
    """Read Entra's answer; it replaces the refresh token, and the old one ends some day."""
    try:
        said = msgspec.json.decode(answer.body, type=_TokenAnswer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        said = _TokenAnswer()
    if answer.status == 200 and said.access_token:
        return Token(said.access_token, timedelta(seconds=said.expires_in), said.refresh_token or None)
    if answer.status == 429 or answer.status >= 500 or not said.error or said.error.startswith("temporarily"):
        return Outcome(
            Class.LATER,
            f"TOKEN_HTTP_{answer.status}",
            "Microsoft's sign-in service is unwell.",
            "Nothing to do: calltrack tries again.",
            after=retry_after(answer),
        )
    if said.error in _GONE:
        message = "Microsoft has withdrawn the connection, or it expired."
        return Outcome(Class.CONFIG, said.error.upper(), message, _RECONNECT)
    message = "Microsoft does not accept the application of this connection."
    hint = "Check the application (client) id and its secret; secrets in Entra expire."
    return Outcome(Class.CONFIG, said.error.upper()[:60], message, hint)

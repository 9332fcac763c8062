"""The twin of Google's token endpoint: trades the sandbox's refresh token for access tokens that expire."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

from calltrack.sandbox.platforms.accounts import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN

LIFETIME = 3599
# Tokens outlive a restart of the sandbox, as Google's do; they open nothing but the twins.
_KEY = b"calltrack-sandbox-access-tokens"


def grant(form: Mapping[str, str], now: datetime) -> tuple[int, dict[str, object]]:
    """Answer the refresh-token grant (RFC 6749, sections 5.1, 5.2 and 6)."""
    if form.get("grant_type") != "refresh_token":
        return 400, {"error": "unsupported_grant_type"}
    if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        return 401, {"error": "invalid_client", "error_description": "The OAuth client was not found."}
    if form.get("refresh_token") != REFRESH_TOKEN:
        return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    return 200, {
        "access_token": issue(now),
        "expires_in": LIFETIME,
        "scope": "https://www.googleapis.com/auth/datamanager",
        "token_type": "Bearer",
    }


def issue(now: datetime, lifetime: int = LIFETIME) -> str:
    """Return a fresh access token."""
    head = f"{int(now.timestamp()) + lifetime}.{secrets.token_urlsafe(6)}"
    return f"sandbox.{head}.{_sign(head)}"


def is_valid(authorization: str, now: datetime) -> bool:
    """Say whether the header holds a bearer token of ours that has not expired."""
    word, _, token = authorization.partition(" ")
    name, _, rest = token.partition(".")
    head, _, signature = rest.rpartition(".")
    if word.lower() != "bearer" or name != "sandbox" or not hmac.compare_digest(signature, _sign(head)):
        return False
    expires = head.partition(".")[0]
    return expires.isdigit() and int(expires) > now.timestamp()


def _sign(head: str) -> str:
    return hmac.new(_KEY, head.encode(), hashlib.sha256).hexdigest()[:24]

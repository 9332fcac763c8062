"""An identity server for the sandbox: the sign-in pages and token endpoints of five providers.

It checks what they check: the application, the exact redirect address, the state's way back, one use and ten
minutes for each code, the PKCE verifier where the provider has it. What it grants opens the twins.
"""

import hashlib
import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec
from flask import Blueprint, Response, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from calltrack.config import SANDBOX_OAUTH
from calltrack.sandbox.platforms.accounts import SETTINGS
from calltrack.sandbox.platforms.twin import Desk, as_json

CODE_LIVES: Final = timedelta(minutes=10)
TARGET: Final = "identity"
LABELS: Final = {
    "google": "Google", "microsoft": "Microsoft", "meta": "Meta", "linkedin": "LinkedIn", "tiktok": "TikTok",
}  # fmt: skip
# Whose settings at the twins hold the tokens that a sign-in grants.
KINDS: Final = {"google": "google_data_manager"}
HAS_PKCE: Final = ("google", "microsoft")
SIXTY_DAYS: Final = 60 * 86_400


@dataclass(frozen=True)
class Code:
    """An authorization code that was handed out."""

    provider: str
    redirect_uri: str
    challenge: str
    made_at: datetime


class Codes:
    """The codes that were handed out and not traded yet. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._codes: dict[str, Code] = {}

    def hand_out(self, code: Code) -> str:
        """Remember a code under a fresh name and return that."""
        name = secrets.token_urlsafe(24)
        with self._lock:
            self._codes[name] = code
        return name

    def take(self, name: str, now: datetime) -> Code | None:
        """Return the code, once and within its time."""
        with self._lock:
            found = self._codes.pop(name, None)
        return found if found is not None and now - found.made_at <= CODE_LIVES else None


def add(pages: Blueprint, desk: Desk) -> None:
    """Add the sign-in pages and token endpoints."""
    codes = Codes()

    @pages.get("/identity/<provider>/authorize")
    def identity_page(provider: str) -> str:
        """Ask the person, as the provider's own page would."""
        asked = _asked(provider, request.args)
        return render_template("identity.html", provider=LABELS[provider], asked=asked)

    @pages.post("/identity/<provider>/authorize")
    def identity_answer(provider: str) -> AnyResponse:
        """Send the browser back with a code, or with the refusal."""
        asked = _asked(provider, request.args)
        query = {"state": asked["state"]}
        if request.form.get("answer") != "allow":
            query |= {"error": "access_denied"}
        else:
            code = Code(provider, asked["redirect_uri"], asked["challenge"], desk.now())
            query["auth_code" if provider == "tiktok" else "code"] = codes.hand_out(code)
        separator = "&" if urlsplit(asked["redirect_uri"]).query else "?"
        return redirect(f"{asked['redirect_uri']}{separator}{urlencode(query)}", 303)

    @pages.post("/identity/<provider>/token")
    def identity_token(provider: str) -> Response:
        """Trade a code for tokens."""
        if provider not in LABELS:
            abort(404)
        return desk.answer(TARGET, lambda: _trade(provider, codes, desk), _refusal)


def _asked(provider: str, query: Mapping[str, str]) -> dict[str, str]:
    """Return what the authorize address asks for; 404 and 400 as the providers show their error pages."""
    if provider not in LABELS:
        abort(404)
    client_id = query.get("app_id" if provider == "tiktok" else "client_id", "")
    asked = {name: query.get(name, "") for name in ("redirect_uri", "state", "scope")}
    asked["challenge"] = query.get("code_challenge", "")
    if client_id != SANDBOX_OAUTH[0] or not asked["redirect_uri"].endswith("/oauth/callback"):
        abort(400, "The application or its redirect address is not registered here.")
    if provider != "tiktok" and query.get("response_type") != "code":
        abort(400, "response_type must be code.")
    if provider in HAS_PKCE and query.get("code_challenge_method") != "S256":
        abort(400, "code_challenge_method must be S256.")
    return asked


def _trade(provider: str, codes: Codes, desk: Desk) -> Response:
    given: Mapping[str, Any] = request.form
    if provider == "tiktok":
        try:
            given = msgspec.json.decode(request.get_data(), type=dict[str, str])
        except msgspec.MsgspecError:
            return as_json({"code": 40002, "message": "Invalid JSON.", "data": {}})
    names = ("app_id", "secret") if provider == "tiktok" else ("client_id", "client_secret")
    if tuple(given.get(name) for name in names) != SANDBOX_OAUTH:
        return _wrong(provider, "invalid_client", 401)
    if given.get("grant_type") == "fb_exchange_token" and provider == "meta":
        if given.get("fb_exchange_token") != _tokens(provider)["access_token"]:
            return _wrong(provider, "invalid_grant", 400)
        return as_json({**_tokens(provider), "token_type": "bearer", "expires_in": SIXTY_DAYS})
    name = str(given.get("auth_code" if provider == "tiktok" else "code") or "")
    code = codes.take(name, desk.now())
    if code is None or code.provider != provider or not _fits(provider, code, given):
        return _wrong(provider, "invalid_grant", 400)
    return _granted(provider)


def _fits(provider: str, code: Code, given: Mapping[str, Any]) -> bool:
    if provider == "tiktok":
        return True
    if given.get("grant_type") != "authorization_code" or given.get("redirect_uri") != code.redirect_uri:
        return False
    if provider not in HAS_PKCE:
        return True
    digest = hashlib.sha256(str(given.get("code_verifier") or "").encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode() == code.challenge


def _granted(provider: str) -> Response:
    tokens: dict[str, Any] = _tokens(provider)
    if provider == "tiktok":
        return as_json({"code": 0, "message": "OK", "data": tokens})
    if provider == "meta":
        return as_json({**tokens, "token_type": "bearer", "expires_in": 3600})
    if provider == "linkedin":
        year = {"refresh_token_expires_in": 365 * 86_400} if "refresh_token" in tokens else {}
        return as_json({**tokens, "expires_in": SIXTY_DAYS, **year})
    return as_json({"access_token": "sandbox-first-access", **tokens, "expires_in": 3599})


def _tokens(provider: str) -> dict[str, str]:
    """Return the tokens that open this provider's twin."""
    settings = SETTINGS[KINDS.get(provider, provider)]("http://127.0.0.1")
    return {name: settings[name] for name in ("access_token", "refresh_token") if settings.get(name)}


def _wrong(provider: str, error: str, status: int) -> Response:
    if provider == "tiktok":
        return as_json({"code": 40002, "message": error, "data": {}})
    if provider == "meta":
        said = {"message": error, "type": "OAuthException", "code": 100, "fbtrace_id": "sandbox"}
        return as_json({"error": said}, 400)
    return as_json({"error": error, "error_description": "The sandbox refuses this."}, status)


def _refusal(status: int, reason: str) -> Response:
    return as_json({"error": reason or "temporarily_unavailable"}, status)

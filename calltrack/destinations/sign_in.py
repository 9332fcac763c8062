"""Signing in at an ad platform (OAuth 2.0 authorization code, RFC 6749 section 4.1, PKCE by RFC 7636).

Pure: addresses and requests in and out. Differences between the providers stand in one table: Google and
Microsoft give refresh tokens, Microsoft replaces them; LinkedIn's live a year; Meta gives tokens of 60 days
for a second request; TikTok's open until they are withdrawn, and it has words of its own for everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from calltrack.infra.http import HttpAnswer, HttpRequest

VERIFIER_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class App:
    """The application registered at the provider: its id and secret."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Provider:
    """Where to sign in and what to ask for. `dialect` is what differs from the standard."""

    name: str
    label: str
    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]
    extra: Mapping[str, str] = field(default_factory=dict)
    dialect: Literal["standard", "meta", "tiktok"] = "standard"
    has_pkce: bool = True

    def at(self, origin: str) -> "Provider":
        """Return the same provider at the sandbox's identity server."""
        place = f"{origin}/sandbox/identity/{self.name}"
        return replace(self, authorize_url=f"{place}/authorize", token_url=f"{place}/token")


PROVIDERS: Final[dict[str, Provider]] = {
    one.name: one
    for one in (
        Provider(
            "google",
            "Google",
            "https://accounts.google.com/o/oauth2/v2/auth",
            "https://oauth2.googleapis.com/token",
            (
                "https://www.googleapis.com/auth/datamanager",
                "https://www.googleapis.com/auth/adwords",
            ),
            # Google gives a refresh token only where both are asked for.
            {"access_type": "offline", "prompt": "consent"},
        ),
        Provider(
            "microsoft",
            "Microsoft",
            "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
            "https://login.microsoftonline.com/common/oauth2/v2.0/token",
            ("https://ads.microsoft.com/msads.manage", "offline_access"),
        ),
        Provider(
            "meta",
            "Meta",
            "https://www.facebook.com/v26.0/dialog/oauth",
            "https://graph.facebook.com/v26.0/oauth/access_token",
            ("ads_management", "business_management"),
            dialect="meta",
            has_pkce=False,
        ),
        Provider(
            "linkedin",
            "LinkedIn",
            "https://www.linkedin.com/oauth/v2/authorization",
            "https://www.linkedin.com/oauth/v2/accessToken",
            ("rw_conversions", "r_ads"),
            has_pkce=False,
        ),
        Provider(
            "tiktok",
            "TikTok",
            "https://business-api.tiktok.com/portal/auth",
            "https://business-api.tiktok.com/open_api/v1.3/oauth2/access_token/",
            (),
            dialect="tiktok",
            has_pkce=False,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Granted:
    """What a sign-in brought; `expires_in` is how long it lasts without a person, None: until withdrawn."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_in: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a sign-in brought nothing, and the next step."""

    code: str
    message: str


def new_verifier() -> str:
    """Return a fresh PKCE code verifier."""
    return str(generate_token(VERIFIER_LENGTH))


def authorize_url(provider: Provider, app: App, redirect_uri: str, state: str, verifier: str) -> str:
    """Return the address to send the person's browser to."""
    if provider.dialect == "tiktok":
        query = {"app_id": app.client_id, "state": state, "redirect_uri": redirect_uri}
        return f"{provider.authorize_url}?{urlencode(query)}"
    extra = dict(provider.extra)
    if provider.has_pkce:
        extra |= {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
    separator = "," if provider.dialect == "meta" else " "
    scope = separator.join(provider.scopes)
    uri = prepare_grant_uri(
        provider.authorize_url, app.client_id, "code", redirect_uri, scope, state, **extra
    )
    return str(uri)


def code_of(query: Mapping[str, str]) -> str | Refused:
    """Read what the provider sent the browser back with: a code, or why there is none."""
    code = query.get("code") or query.get("auth_code") or ""
    if code and not query.get("error"):
        return code
    error = (query.get("error") or "no_code")[:60]
    if error in ("access_denied", "user_cancelled_login", "user_cancelled_authorize"):
        return Refused(error, "You did not allow it, so nothing was connected. Try again when you are ready.")
    return Refused(error, f"The sign-in ended with {error}. Try again; nothing was connected.")


def exchange_request(
    provider: Provider, app: App, code: str, redirect_uri: str, verifier: str
) -> HttpRequest:
    """Return the request that trades the code for tokens."""
    if provider.dialect == "tiktok":
        body = {"app_id": app.client_id, "secret": app.client_secret, "auth_code": code}
        return HttpRequest(
            "POST", provider.token_url, {"content-type": "application/json"}, msgspec.json.encode(body)
        )
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
        "client_id": app.client_id, "client_secret": app.client_secret,
    }  # fmt: skip
    if provider.has_pkce:
        form["code_verifier"] = verifier
    return _form(provider.token_url, form)


def prolong_request(provider: Provider, app: App, granted: Granted) -> HttpRequest | None:
    """Return the second request, where the first token lives for an hour only (Meta); None elsewhere."""
    if provider.dialect != "meta":
        return None
    return _form(provider.token_url, {
        "grant_type": "fb_exchange_token", "client_id": app.client_id, "client_secret": app.client_secret,
        "fb_exchange_token": granted.access_token,
    })  # fmt: skip


class _Tokens(msgspec.Struct):
    access_token: str = ""
    refresh_token: str = ""
    expires_in: int | None = None
    refresh_token_expires_in: int | None = None
    error: Any = None


class _TikTok(msgspec.Struct):
    code: int = -1
    data: _Tokens = msgspec.field(default_factory=_Tokens)


def read_grant(provider: Provider, answer: HttpAnswer) -> Granted | Refused:
    """Read the answer to either request."""
    try:
        if provider.dialect == "tiktok":
            wrapped = msgspec.json.decode(answer.body, type=_TikTok)
            said = wrapped.data if wrapped.code == 0 else _Tokens(error=f"code_{wrapped.code}")
        else:
            said = msgspec.json.decode(answer.body, type=_Tokens)
    except msgspec.MsgspecError:
        said = _Tokens(error=f"http_{answer.status}")
    if answer.status != 200 or said.error or not said.access_token:
        code = said.error if isinstance(said.error, str) else f"http_{answer.status}"
        said_ = f"{provider.label} gave no access ({code[:60]})."
        hint = "Try again; if it goes on, check the application's id, secret and redirect address there."
        return Refused(code[:60], f"{said_} {hint}")
    return Granted(said.access_token, said.refresh_token, _lasts(provider, said))


def _lasts(provider: Provider, said: _Tokens) -> timedelta | None:
    """A sign-in lasts as long as its refresh token; without one, as long as the access token."""
    seconds = said.refresh_token_expires_in if said.refresh_token else said.expires_in
    if seconds is None or provider.dialect == "tiktok":
        return None
    return timedelta(seconds=min(seconds, 10 * 365 * 86_400))


def settings_from(app: App, granted: Granted) -> dict[str, str]:
    """Return what the settings of a destination may take of a sign-in; each class takes what it has."""
    found = {
        "client_id": app.client_id, "client_secret": app.client_secret,
        "access_token": granted.access_token, "refresh_token": granted.refresh_token,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value}


def _form(url: str, form: dict[str, str]) -> HttpRequest:
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    return HttpRequest("POST", url, headers, urlencode(form).encode())

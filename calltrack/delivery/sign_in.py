"""Connecting an account by signing in at the platform: begin, come back, put what it brought to use.

No transaction is open while the provider is asked. What was granted is sealed, waits an hour at most for the
form it belongs to, and is used once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import delete
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.delivery import accounts
from calltrack.delivery.courier import door_of
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.sign_in_model import SignInRequest
from calltrack.destinations import DESTINATIONS
from calltrack.destinations import sign_in as oauth
from calltrack.destinations.sign_in import App, Granted, Provider, Refused
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.errors import BadInput, NotAllowed, NotFound
from calltrack.kernel.ids import new_id, parse_id
from calltrack.wiring import Services

RETURNS_WITHIN: Final = timedelta(minutes=15)
USED_WITHIN: Final = timedelta(hours=1)
VERIFIER: Final = "sign_in.verifier"
GRANTED: Final = "sign_in.granted"
CALLBACK: Final = "/oauth/callback"


@dataclass(frozen=True)
class Begun:
    """Where the person goes to sign in."""

    id: UUID
    url: str


@dataclass(frozen=True)
class Returned:
    """Somebody came back from a provider: with access, or with why there is none (`problem`)."""

    id: UUID
    kind: str
    destination_id: UUID | None
    problem: str


def provider_for(services: Services, kind: str, *, from_browser: bool = False) -> Provider | None:
    """Return where accounts of this kind sign in; None: this kind knows no sign-in.

    In the demo that is the sandbox's identity server: for the browser by our public address, for us directly.
    """
    name = DESTINATIONS[kind].sign_in if kind in DESTINATIONS else None
    if name is None:
        return None
    provider, settings = oauth.PROVIDERS[name], services.settings
    if not settings.is_demo:
        return provider
    return provider.at(settings.base_url if from_browser else settings.local_origin or settings.base_url)


def app_for(services: Services, provider: Provider) -> App | None:
    """Return the application this instance is registered as; None: the operator has set none."""
    client_id, client_secret = services.settings.oauth_app(provider.name)
    return App(client_id, client_secret) if client_id and client_secret else None


def begin(
    services: Services,
    company_id: UUID,
    kind: str,
    by: str,
    now: datetime,
    destination_id: UUID | None = None,
) -> Begun:
    """Note that somebody sets out to sign in, and return the address at the provider.

    Raises:
        BadInput: this kind has no sign-in, or the operator has registered no application there.
    """
    provider = provider_for(services, kind, from_browser=True)
    if provider is None:
        raise BadInput("This destination has no sign-in; fill in its form.")
    app = app_for(services, provider)
    if app is None:
        name = provider.name.upper()
        raise BadInput(
            f"Signing in with {provider.label} needs OAUTH_{name}_CLIENT_ID and OAUTH_{name}_CLIENT_SECRET"
            " on the server. Ask its operator, or paste the tokens into the form."
        )
    verifier, id_ = oauth.new_verifier(), new_id(now)
    with services.db.tenant(company_id) as session:
        session.execute(
            delete(SignInRequest).where(
                SignInRequest.company_id == company_id, SignInRequest.created_at < now - USED_WITHIN
            )
        )
        session.add(
            SignInRequest(
                company_id=company_id, id=id_, provider=provider.name, kind=kind,
                destination_id=destination_id, by=by, created_at=now, granted=b"",
                verifier=services.vault.seal(company_id, VERIFIER, verifier),
            )
        )  # fmt: skip
    state = _states(services).dumps([company_id.hex, id_.hex])
    url = oauth.authorize_url(provider, app, callback_uri(services), str(state), verifier)
    return Begun(id_, url)


def company_of(services: Services, state: str) -> UUID:
    """Return the company a state was made for; raises BadInput for one that is forged or too old."""
    return _read_state(services, state)[0]


def come_back(services: Services, state: str, query: Mapping[str, str], by: str, now: datetime) -> Returned:
    """Take the browser's return: trade the code for access and keep that, sealed; only once.

    Raises:
        BadInput: the state is forged or too old.
        NotAllowed: somebody else began it.
        NotFound: it was ended before.
    """
    company_id, id_ = _read_state(services, state)
    with services.db.tenant(company_id) as session:
        row = _take(session, company_id, id_)
        if row.by != by:
            raise NotAllowed("Somebody else began this sign-in; begin your own.")
        if row.answered_at is not None:
            raise NotFound("This sign-in has ended already; begin it anew.")
        row.answered_at = now
        kind, destination_id = row.kind, row.destination_id
        verifier = services.vault.open(company_id, VERIFIER, row.verifier)
    granted = _granted(services, kind, query, verifier)
    if isinstance(granted, Refused):
        return Returned(id_, kind, destination_id, granted.message)
    with services.db.tenant(company_id) as session:
        row = _take(session, company_id, id_)
        row.granted = services.vault.seal(company_id, GRANTED, json.dumps(_settings(services, kind, granted)))
        row.access_until = None if granted.expires_in is None else now + granted.expires_in
    return Returned(id_, kind, destination_id, "")


def is_ready(session: Session, company_id: UUID, id_: UUID, kind: str, now: datetime) -> bool:
    """Tell whether this sign-in brought access for the kind and was not used yet."""
    row = session.get(SignInRequest, (company_id, id_))
    fresh = row is not None and bool(row.granted) and now - row.created_at <= USED_WITHIN
    return fresh and row is not None and row.kind == kind


def use(
    session: Session, services: Services, company_id: UUID, id_: UUID, kind: str, now: datetime
) -> tuple[dict[str, Any], datetime | None]:
    """Return the settings a sign-in brought and when the access ends; it is then used up.

    Raises:
        BadInput: it is not there any more.
    """
    if not is_ready(session, company_id, id_, kind, now):
        raise BadInput("The sign-in is too old or was used already; sign in again.")
    row = _take(session, company_id, id_)
    found: dict[str, Any] = json.loads(services.vault.open(company_id, GRANTED, row.granted))
    row.granted = b""
    return found, row.access_until


def renew(services: Services, company_id: UUID, id_: UUID, by: str, now: datetime) -> UUID:
    """Put what a sign-in brought into the destination it was begun for, and let it run again.

    Raises:
        BadInput: the sign-in was used already, or was begun for no destination.
        NotFound: the destination is gone.
    """
    with services.db.tenant(company_id) as session:
        row = _take(session, company_id, id_)
        if row.destination_id is None:
            raise BadInput("This sign-in belongs to a new destination; finish its form.")
        account = session.get(DestinationAccount, (company_id, row.destination_id))
        if account is None or account.status == "removed":
            raise NotFound("There is no such destination.")
        found, until = use(session, services, company_id, id_, row.kind, now)
        accounts.change_destination(
            session, services.vault, company_id, account.id, account.name, {**account.settings, **found},
            now, sandbox=True, by=by,
        )  # fmt: skip
        account.access_until = until
        accounts.resume(session, company_id, account.id, now, by=by)
        audit.note(session, company_id, by, "destination.signed_in", str(account.id), now, kind=row.kind)
        return account.id


def callback_uri(services: Services) -> str:
    """Return the address to register at every provider as the redirect address."""
    return f"{services.settings.base_url}{CALLBACK}"


def _granted(services: Services, kind: str, query: Mapping[str, str], verifier: str) -> Granted | Refused:
    provider = provider_for(services, kind)
    app = app_for(services, provider) if provider is not None else None
    if provider is None or app is None:
        return Refused("no_app", "This instance is no longer registered there; ask its operator.")
    code = oauth.code_of(query)
    if isinstance(code, Refused):
        return code
    request = oauth.exchange_request(provider, app, code, callback_uri(services), verifier)
    granted = _ask(services, provider, request)
    if isinstance(granted, Refused):
        return granted
    longer = oauth.prolong_request(provider, app, granted)
    return granted if longer is None else _ask(services, provider, longer)


def _ask(services: Services, provider: Provider, request: HttpRequest) -> Granted | Refused:
    answer = door_of(services).send(request)
    if not isinstance(answer, HttpAnswer):
        return Refused("no_answer", f"{provider.label} did not answer. Try again in a minute.")
    return oauth.read_grant(provider, answer)


def _settings(services: Services, kind: str, granted: Granted) -> dict[str, str]:
    """Return those of the sign-in's values that the destination's class has a field for."""
    provider = provider_for(services, kind)
    app = app_for(services, provider) if provider is not None else None
    if app is None:
        raise BadInput("This instance is no longer registered there; ask its operator.")
    fields = DESTINATIONS[kind].Settings.model_fields
    return {name: value for name, value in oauth.settings_from(app, granted).items() if name in fields}


def _take(session: Session, company_id: UUID, id_: UUID) -> SignInRequest:
    row = session.get(SignInRequest, (company_id, id_), with_for_update=True)
    if row is None:
        raise NotFound("There is no such sign-in; begin it anew.")
    return row


def _states(services: Services) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services.settings.secret_key.get_secret_value(), salt="destination-sign-in")


def _read_state(services: Services, state: str) -> tuple[UUID, UUID]:
    try:
        company, id_ = _states(services).loads(state, max_age=int(RETURNS_WITHIN.total_seconds()))
    except (BadSignature, ValueError, TypeError):
        raise BadInput("This sign-in is too old or was not begun here; begin it anew.") from None
    return parse_id(company), parse_id(id_)

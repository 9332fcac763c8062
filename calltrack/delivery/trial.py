"""A trial before switching on: an invented conversion that the platform checks and does not count."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from calltrack.delivery.courier import courier_of
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.rules import said
from calltrack.delivery.trip import Trip, trip_to
from calltrack.destinations.base import Consent, Destination, Upload
from calltrack.destinations.outcomes import Class
from calltrack.destinations.sending import Courier
from calltrack.kernel.errors import NotFound
from calltrack.wiring import Services


@dataclass(frozen=True)
class Trial:
    """What came of a trial. `ok` is None where the platform has no such request."""

    ok: bool | None
    said: str


NO_TRIAL = "This platform has no trial run; the first real conversion shows whether it works."
NEEDS_CODE = (
    "No trial was run: it needs a test event code, which the platform shows under Test events. Write it into "
    "the settings and run the trial; without it the first real conversion shows whether it works."
)
WORKS = "The platform would take conversions as this destination sends them."


def try_out(
    services: Services, company_id: UUID, destination_id: UUID, *, courier: Courier | None = None
) -> Trial:
    """Have an invented lead or purchase checked by the platform; nothing counts. The result is kept.

    Raises:
        NotFound: there is no such destination, or it was removed.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        account = session.get(DestinationAccount, (company_id, destination_id))
        if account is None or account.status == "removed":
            raise NotFound("There is no such destination.")
        trip = trip_to(services, courier or courier_of(services), account, now)
    found = _run(trip, now)
    with services.db.tenant(company_id) as session:
        account = session.get(DestinationAccount, (company_id, destination_id), with_for_update=True)
        if account is not None:
            account.trial_at, account.trial_ok, account.trial_said = now, found.ok, found.said
    return found


def _run(trip: Trip, now: datetime) -> Trial:
    payloads, refused = _payloads(trip.destination, trip.settings, now)
    if not payloads:
        return Trial(False, refused)
    attempt = trip.courier.trial(trip.destination, trip.settings, payloads, now, trip.keep)
    if attempt is None:
        needs_code = "test_event_code" in type(trip.settings).model_fields
        return Trial(None, NEEDS_CODE if needs_code else NO_TRIAL)
    bad = next((one for one in attempt.outcomes if one.class_ is not Class.DONE), None)
    return Trial(True, WORKS) if bad is None else Trial(False, said(bad))


def _payloads(destination: Destination[Any], settings: Any, now: datetime) -> tuple[list[bytes], str]:
    """Freeze an example of each kind of conversion that the settings let through; else say why none."""
    payloads, refused = [], ""
    for example in examples(now):
        verdict = destination.preflight(example, settings, now)
        if verdict.decision == "never":
            refused = verdict.reason
        else:
            payloads.append(destination.freeze(example, settings))
    first = destination.route(payloads[0]) if payloads else ""
    together = [payload for payload in payloads if destination.route(payload) == first]
    return together[: destination.max_batch], refused


def examples(now: datetime) -> list[Upload]:
    """Return an invented lead and purchase that carry every identifier a platform may want."""
    at = (now - timedelta(hours=12)).replace(microsecond=0)
    clicked = at - timedelta(hours=1)
    ids = {
        "gclid": "calltrack-trial", "fbclid": "calltrack-trial",
        "msclkid": "0123456789abcdef0123456789abcdef",
        "ttclid": "calltrack-trial", "li_fat_id": "01234567-89ab-cdef-0123-456789abcdef",
        "_fbp": f"fb.1.{int(clicked.timestamp() * 1000)}.1234567890",
    }  # fmt: skip
    stamp = at.strftime("%Y%m%d%H%M%S")
    kinds: tuple[tuple[Literal["lead", "purchase"], int | None], ...] = (("lead", None), ("purchase", 100))
    return [
        Upload(
            id=f"conv-trial-{kind}-{stamp}", kind=kind, action="create", occurred_at=at, changed_at=at,
            value_minor=value, currency="EUR" if value is not None else None, click_ids=ids,
            clicked_at=clicked, phone_e164="+390669940001", email="trial@example.com",
            consent=Consent("granted", "granted"), landing_url="https://example.com/", region="IT",
            user_agent="Mozilla/5.0 (calltrack trial)", ga_client_id="1234567890.1700000000",
            ga_session_id="1700000000",
        )
        for kind, value in kinds
    ]  # fmt: skip

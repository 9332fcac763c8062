"""Pausing a running recording while card data is said, and going on after it."""

from typing import Final, Literal, get_args
from uuid import UUID

from sqlalchemy import select

from calltrack.accounts import audit
from calltrack.accounts.carrier import carrier_for
from calltrack.calls.model import Call, Leg
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.telephony.carrier import Carrier
from calltrack.telephony.carrier import NotFound as NotAtCarrier
from calltrack.wiring import Services

Wish = Literal["pause", "resume", "stop"]
WISHES: Final[tuple[str, ...]] = get_args(Wish)


def control_recording(services: Services, company_id: UUID, call_id: UUID, wish: str, *, by: str) -> None:
    """Pause, resume or stop the recording of a call that goes on; written to the audit trail.

    Raises:
        BadInput: the wish is none of these.
        NotFound: the company has no such call.
        Conflict: the call is over, or nothing is being recorded.
        carrier.Retry, carrier.Refused: the carrier did not do it.
    """
    if wish not in WISHES:
        raise BadInput("A recording can be told to pause, resume or stop.")
    with services.db.tenant(company_id) as session:
        call = session.get(Call, (company_id, call_id))
        if call is None:
            raise NotFound("There is no such call.")
        if call.ended_at is not None:
            raise Conflict("This call is over; its recording cannot be paused any more.")
        legs = session.scalars(
            select(Leg.leg_sid).where(Leg.company_id == company_id, Leg.call_id == call_id)
        )
        sids = [call.call_sid, *legs]
        carrier = carrier_for(session, services.vault, services.carriers, company_id)
    _tell(carrier, sids, wish)
    with services.db.tenant(company_id) as session:
        now = services.clock()
        audit.note(session, company_id, by, f"recording.{wish}", call.call_sid, now, call_id=str(call_id))


def _tell(carrier: Carrier, sids: list[str], wish: str) -> None:
    """Ask for the caller's leg first: recordings of a Dial belong to it (facts A.5)."""
    act = {
        "pause": carrier.pause_recording,
        "resume": carrier.resume_recording,
        "stop": carrier.stop_recording,
    }[wish]
    for sid in sids:
        try:
            act(sid)
        except NotAtCarrier:
            continue
        return
    raise Conflict("Nothing is being recorded in this call at the moment.")

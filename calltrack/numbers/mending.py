"""Setting all of a company's numbers right in one act, each counted, and changing how the carrier finds them.

The carrier is asked number by number, outside any transaction and within a time: what is left over is said,
and the same act again goes on with it. It is harmless twice: what is right is not touched.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from sqlalchemy import update

from calltrack.accounts import audit
from calltrack.accounts.carrier import carrier_for
from calltrack.kernel.errors import Conflict
from calltrack.kernel.phone import pretty
from calltrack.numbers.health import Finding, Hooks, findings, repair
from calltrack.numbers.keeping import Seen, compare, store
from calltrack.numbers.model import TrackingNumber
from calltrack.numbers.placing import in_use
from calltrack.numbers.wanted import wanted_numbers
from calltrack.telephony.carrier import Carrier, CarrierError, NotFound, Refused
from calltrack.wiring import Services

# A person waits for the answer; a number takes the carrier a fifth of a second.
SECONDS: Final = 12.0


@dataclass(frozen=True)
class NotMended:
    """A number that is still not as it should be, and why."""

    e164: str
    words: str


@dataclass(frozen=True)
class Mended:
    """What became of every number that was not as it should be."""

    repaired: tuple[str, ...]
    not_repaired: tuple[NotMended, ...]
    """The carrier said no, or a person must act there."""
    left: int
    """Numbers the time did not suffice for."""
    problem: str = ""
    """Why it ended early: the carrier does not answer."""

    @property
    def words(self) -> str:
        """Say it in sentences."""
        if not self.repaired and not self.not_repaired and not self.left:
            return "Every number is as it should be at the carrier."
        count = len(self.repaired)
        said = [f"{count} number{'' if count == 1 else 's'} set right."]
        if self.not_repaired:
            one = self.not_repaired[0]
            more = len(self.not_repaired)
            subject = f"{more} could not be set right from here, " if more > 1 else ""
            said.append(f"{subject}{pretty(one.e164)}: {one.words}")
        if self.left:
            said.append(f"{self.left} left: {self.problem or 'do the same again to go on.'}")
        return " ".join(said)


def repair_all(
    services: Services,
    company_id: UUID,
    *,
    by: str,
    only: UUID | None = None,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Mended:
    """Compare every number (or only one) with the carrier now and set right what can be set right from here.

    Raises:
        CarrierError: the carrier does not tell what it has; nothing was changed.
        NotFound: the company has no carrier.
    """
    ends = clock() + seconds
    with services.db.tenant(company_id) as session:
        kept = wanted_numbers(session, services.settings, company_id)
        carrier = carrier_for(session, services.vault, services.carriers, company_id)
    seen = compare(services, carrier, company_id, [one for one in kept if only in (None, one.id)])
    repaired, refused, left, problem = [], [], 0, ""
    for id_, one in seen.items():
        if not one.found:
            continue
        if repair(one.wanted, one.found) is None or one.owned is None:
            refused.append(NotMended(one.wanted.e164, one.found[0].words))
            continue
        if problem or clock() > ends:
            left += 1
            continue
        try:
            seen[id_] = now = _mend(carrier, one)
        except (Refused, NotFound) as no:
            refused.append(NotMended(one.wanted.e164, no.words))
        except CarrierError as unwell:
            problem, left = unwell.words, left + 1
        else:
            if now.found:
                refused.append(NotMended(one.wanted.e164, now.found[0].words))
            else:
                repaired.append(one.wanted.e164)
    store(services, company_id, seen)
    with services.db.tenant(company_id) as session:
        for e164 in repaired:
            audit.note(session, company_id, by, "number.repair", e164, services.clock())
    return Mended(tuple(repaired), tuple(refused), left, problem)


def change_hooks(
    services: Services, company_id: UUID, hooks: Hooks, number_id: UUID | None = None, *, by: str
) -> Mended:
    """Let a number (or all) follow the company's application, or have addresses of its own.

    Calls arrive in between: both ways lead here. What the carrier does not take now is flawed, and repaired
    like everything else.

    Raises:
        CarrierError: the carrier does not tell what it has; our record is changed all the same.
        Conflict: nothing would change.
        NotFound: the company has no such number in use, or no carrier.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        carrier_for(session, services.vault, services.carriers, company_id)
        wanted = update(TrackingNumber).where(
            TrackingNumber.company_id == company_id,
            TrackingNumber.released_at.is_(None),
            TrackingNumber.hooks != hooks,
        )
        if number_id is not None:
            wanted = wanted.where(TrackingNumber.id == in_use(session, company_id, number_id).id)
        changed = session.scalars(wanted.values(hooks=hooks).returning(TrackingNumber.e164)).all()
        if not changed:
            raise Conflict("Nothing to change: that is how the carrier finds it already.")
        for e164 in changed:
            audit.note(session, company_id, by, "number.hooks", e164, now, hooks=hooks)
    return repair_all(services, company_id, by=by, only=number_id)


def _mend(carrier: Carrier, one: Seen) -> Seen:
    """Set one number right; raises CarrierError."""
    change = repair(one.wanted, one.found)
    assert one.owned is not None, "the caller looked"
    assert change is not None, "the caller looked"
    owned = carrier.update_number(one.owned.sid, change)
    left: tuple[Finding, ...] = findings(one.wanted, owned, account_sid=carrier.account_sid)
    return replace(one, found=left, owned=owned)

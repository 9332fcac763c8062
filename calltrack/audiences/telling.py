"""Tells a platform who joins and who leaves one list, request by request, and asks for its verdicts.

The intention is written before a request leaves, its result after; no transaction is open in between. Adding
and removing may be repeated, so an unknown outcome is told again; one request at a time, in order.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.audiences import ledger
from calltrack.audiences.ending import end_if_empty
from calltrack.audiences.ledger import Claimed, List
from calltrack.audiences.model import Request
from calltrack.audiences.notices import review_lists
from calltrack.delivery.accounts import ITSELF, keep_refresh_token, open_settings
from calltrack.delivery.courier import courier_of
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.rules import found_unwell, hold_for, said
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.audience_base import Batch, ListAnswer
from calltrack.destinations.outcomes import Class, Outcome, Reading
from calltrack.destinations.sending import Attempt, Courier
from calltrack.infra.http import HttpAnswer
from calltrack.infra.log import log
from calltrack.wiring import Services

MOST_SECONDS: Final = 60.0
# After a request without an answer the list is left alone this long: a late one has landed by then.
QUIET: Final = timedelta(seconds=30)
POLL_MOST: Final = timedelta(minutes=10)
_STATES: Final = {Class.DONE: "settled", Class.ACCEPTED: "sent", Class.ROW: "refused", Class.BUG: "refused"}


def tell_due(
    services: Services,
    company_id: UUID,
    place_id: UUID,
    *,
    courier: Courier | None = None,
    stop: threading.Event | None = None,
    again: Callable[[], object] | None = None,
) -> int:
    """Send what is due to one list, ask for verdicts that are due; returns how many members went out.

    A very long list makes room for others and calls `again` (by default a nudge).
    """
    courier, sent, ends = courier or courier_of(services), 0, monotonic() + MOST_SECONDS
    while _ask(services, courier, company_id, place_id):
        pass
    while True:
        if monotonic() > ends or (stop is not None and stop.is_set()):
            if again is None or (stop is not None and stop.is_set()):
                services.nudges.wake("tell_audience", str(company_id), str(place_id))
            else:
                again()
            break
        taken = _claim(services, company_id, place_id)
        if taken is None:
            break
        of, claimed = taken
        sent += len(claimed.members)
        if not _send(services, courier, of, claimed):
            break
    if sent:
        services.nudges.show(str(company_id))
    return sent


def _claim(services: Services, company_id: UUID, place_id: UUID) -> tuple[List, Claimed] | None:
    now = services.clock()
    with services.db.tenant(company_id) as session:
        of = ledger.open_list(session, company_id, place_id)
        if of is None or not ledger.expire(session, of.place, now):
            return None
        if of.place.held_until is not None and of.place.held_until > now:
            ledger.plan_next(session, of, now)
            return None
        claimed = ledger.claim(session, services.vault, of, now)
        if claimed is None:
            ledger.plan_next(session, of, now)
            end_if_empty(session, of.audience, now)
            return None
        of.place.due_at = now + ledger.LEASE
        return of, claimed


def _send(services: Services, courier: Courier, of: List, claimed: Claimed) -> bool:
    """Send one request and settle it; tells whether more may be sent now."""
    batch = Batch(claimed.action, of.place.list_id, claimed.request_id.int & (2**63 - 1))
    settings, members = open_settings(services.vault, of.account), claimed.members
    heard: list[ListAnswer] = []

    def read(answer: HttpAnswer) -> Reading:
        heard.append(of.platform.read(batch, answer, len(members)))
        return heard[-1].outcomes

    attempt = courier.carry(
        DESTINATIONS[of.account.kind],
        settings,
        services.clock(),
        len(members),
        lambda token: of.platform.request(batch, members, settings, token),
        read,
        partial(_keep_refresh_token, services, of.account),
    )
    return _settle(services, of, claimed, attempt, heard[-1] if heard else None)


def _settle(
    services: Services, sent_to: List, claimed: Claimed, attempt: Attempt, heard: ListAnswer | None
) -> bool:
    company_id, now = sent_to.place.company_id, services.clock()
    outcomes = [_alone(one) if len(claimed.members) == 1 else one for one in attempt.outcomes]
    with services.db.tenant(company_id) as session:
        of = _reopen(session, sent_to)
        place, request = of.place, session.get_one(Request, (company_id, claimed.request_id))
        if place.lease_token != claimed.token:
            log.warning("a request to list %s was settled by somebody else meanwhile", place.id)
            return False
        place.lease_token = place.lease_until = None
        _finish(services, of, request, attempt, outcomes, heard, now)
        ledger.settle(session, company_id, request, "sending", _judged(request, outcomes), now)
        goes_on = _mind(session, of, request, attempt, outcomes, now)
        ledger.plan_next(session, of, now)
        end_if_empty(session, of.audience, now)
    return goes_on


def _reopen(session: Session, of: List) -> List:
    """Lock the list again, whatever its status is by now."""
    place = session.get_one(type(of.place), (of.place.company_id, of.place.id), with_for_update=True)
    audience = session.get_one(type(of.audience), (of.audience.company_id, of.audience.id))
    return List(place, audience, of.account, of.platform)


def _finish(
    services: Services, of: List, request: Request, attempt: Attempt, outcomes: Sequence[Outcome],
    heard: ListAnswer | None, now: datetime,
) -> None:  # fmt: skip
    worst = next((one for one in outcomes if one.class_ not in (Class.DONE, Class.ACCEPTED)), outcomes[0])
    request.finished_at, request.status = now, attempt.status
    request.class_, request.message = worst.class_.name, said(worst)
    request.request_hash = bytes.fromhex(attempt.request_hash)
    request.answer = attempt.answer.decode(errors="replace")[:2000].replace("\0", "")
    accepted = next((one for one in outcomes if one.class_ is Class.ACCEPTED), None)
    if accepted is not None:
        request.platform_id, request.due_at = accepted.request_id, now + _first_poll(services, of)
    _count(of, request, heard)


def _count(of: List, request: Request, heard: ListAnswer | None) -> None:
    if heard is None:
        return
    request.received = heard.received if heard.received is not None else request.received
    request.invalid = heard.invalid if heard.invalid is not None else request.invalid
    request.match_rate = heard.match_rate or request.match_rate
    if request.action == "add":
        of.place.match_rate = heard.match_rate or of.place.match_rate
        of.place.invalid += heard.invalid or 0


def _judged(request: Request, outcomes: Sequence[Outcome]) -> dict[tuple[str, str], list[int]]:
    judged: dict[tuple[str, str], list[int]] = {}
    for place, outcome in enumerate(outcomes):
        state = _STATES.get(outcome.class_, "due")
        if state == "refused" and request.action == "remove":
            state = "settled"  # Whom the platform cannot even read is not in its list.
        judged.setdefault((state, said(outcome)), []).append(place)
    return judged


def _mind(
    session: Session, of: List, request: Request, attempt: Attempt, outcomes: Sequence[Outcome], now: datetime
) -> bool:
    """Pause, hold, or change the size of the next request; tells whether more may be sent now."""
    place, classes = of.place, {one.class_ for one in outcomes}
    config = next((one for one in outcomes if one.class_ is Class.CONFIG), None)
    if config is not None:
        stop(session, of, said(config), now)
        return False
    if Class.BUG in classes:
        log.error("%s refuses what calltrack built: %s (list %s)",
                  of.platform.label, request.class_, place.id)  # fmt: skip
    if Class.SPLIT in classes:
        place.batch = max(1, request.size // 2)
    elif classes & {Class.DONE, Class.ACCEPTED}:
        place.batch = min(of.platform.max_members, max(place.batch, request.size) * 2)
    if found_unwell(tuple(outcomes), attempt.status):
        hold = hold_for(tuple(outcomes), place.unwell)
        if Class.UNKNOWN in classes:
            hold = max(hold, QUIET)
        place.unwell, place.held_until, place.last_trouble = place.unwell + 1, now + hold, request.message
        return False
    place.unwell, place.held_until = 0, None
    if classes <= {Class.DONE, Class.ACCEPTED}:
        place.last_trouble = ""
    if Class.DONE in classes:
        place.last_confirmed_at = now
    return True


def stop(session: Session, of: List, reason: str, now: datetime) -> None:
    """Pause a list until a person has changed something; one that is being emptied is tried again hourly."""
    place = of.place
    place.last_trouble = reason
    if place.status == "leaving":
        place.held_until, place.status_reason = now + timedelta(hours=1), reason
        return
    place.status, place.status_reason = "paused", reason
    audit.note(
        session, place.company_id, ITSELF, "audience.list_paused", str(place.audience_id), now, reason=reason
    )
    review_lists(session, place.company_id, now)


def _ask(services: Services, courier: Courier, company_id: UUID, place_id: UUID) -> bool:
    """Ask for the verdict that is due first; tells whether there was one."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        of = ledger.open_list(session, company_id, place_id)
        request = ledger.take_verdict(session, of, now) if of is not None else None
        if of is None or request is None or request.platform_id is None:
            return False
    platform_id, size, settings = request.platform_id, request.size, open_settings(services.vault, of.account)
    heard: list[ListAnswer] = []

    def read(answer: HttpAnswer) -> Reading:
        heard.append(of.platform.read_status(answer, size))
        return heard[-1].outcomes

    attempt = courier.carry(
        DESTINATIONS[of.account.kind],
        settings,
        now,
        size,
        lambda token: of.platform.status_request(platform_id, settings, token),
        read,
        partial(_keep_refresh_token, services, of.account),
    )
    _take_in(services, of, request.id, attempt, heard[-1] if heard else None)
    return True


def _take_in(
    services: Services, asked: List, request_id: UUID, attempt: Attempt, heard: ListAnswer | None
) -> None:
    """Settle the members of a request by its verdict; without one it is asked for again."""
    company_id, now = asked.place.company_id, services.clock()
    with services.db.tenant(company_id) as session:
        of = _reopen(session, asked)
        request = session.get_one(Request, (company_id, request_id))
        outcomes = attempt.outcomes
        if attempt.status is None or outcomes[0].class_ is Class.OPEN:
            taken = now - request.started_at
            request.due_at = now + (
                outcomes[0].after or min(max(taken, _first_poll(services, of)), POLL_MOST)
            )
        else:
            request.due_at = None
            _count(of, request, heard)
            worst = next((one for one in outcomes if one.class_ is not Class.DONE), outcomes[0])
            request.class_, request.message = worst.class_.name, said(worst)
            lone = [_alone(one) if request.size == 1 else one for one in outcomes]
            ledger.settle(session, company_id, request, "sent", _judged(request, lone), now)
            ledger.recheck(session, company_id, request.id)
            _mind(session, of, request, replace(attempt, outcomes=tuple(lone)), lone, now)
        ledger.plan_next(session, of, now)
        end_if_empty(session, of.audience, now)


def _keep_refresh_token(services: Services, account: DestinationAccount, refresh_token: str) -> None:
    with services.db.tenant(account.company_id) as session:
        keep_refresh_token(session, services.vault, account.company_id, account.id, refresh_token)


def _first_poll(services: Services, of: List) -> timedelta:
    if of.platform.destination == "google_data_manager":
        return timedelta(seconds=services.settings.google_status_after_seconds)
    return of.platform.first_poll or timedelta(0)


def _alone(outcome: Outcome) -> Outcome:
    """A refusal cannot be another member's fault where there is no other."""
    return replace(outcome, class_=Class.BUG) if outcome.class_ in (Class.AGAIN, Class.SPLIT) else outcome


_DUE_COMPANIES: Final = text(
    """
    SELECT company_id FROM audience_dirty WHERE marked_at <= :now
    UNION
    SELECT company_id FROM audience
    WHERE status <> 'deleted' AND (full_due_at <= :now OR sweep_due_at <= :now)
    """
)
_DUE_PLACES: Final = text(
    """
    SELECT pl.company_id, pl.id FROM audience_place pl
    JOIN destination t ON t.company_id = pl.company_id AND t.id = pl.destination_id
    WHERE pl.due_at <= :now AND pl.status IN ('active', 'leaving') AND t.status = 'active'
    """
)


def due_audiences(system: Session, now: datetime) -> list[tuple[str, ...]]:
    """Name the jobs that are due over all companies: who is to be judged, which lists are to be told."""
    found: Any = system.execute(_DUE_COMPANIES, {"now": now})
    places: Any = system.execute(_DUE_PLACES, {"now": now})
    return [("keep_audiences", str(row.company_id)) for row in found] + [
        ("tell_audience", str(row.company_id), str(row.id)) for row in places
    ]

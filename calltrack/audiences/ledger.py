"""The statements about one list: claim members under a lease, note the intention, settle, give back.

One request at a time goes to a list, and it either adds or removes, so that what was said first also lands
first. Removals go before additions. Nothing here waits for the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Integer, LargeBinary

from calltrack.audiences.model import Audience, Place, Request
from calltrack.delivery.accounts import open_settings
from calltrack.delivery.model import DestinationAccount
from calltrack.destinations.audience_base import Action, AudiencePlatform
from calltrack.destinations.audience_platforms import PLATFORMS
from calltrack.infra.crypto import Vault
from calltrack.kernel.ids import new_id

IDENTIFIER: Final = "audience_entry.identifier"
PHONE: Final = "person_caller.phone"
# Longer than a request and the sign-in before it may take; a dead worker's members come back after it.
LEASE: Final = timedelta(seconds=90)
NO_ANSWER: Final = "No answer came; the same members are told again, which changes nothing twice."

_DUE: Final = text(
    """
    SELECT e.caller_hash, e.identifier, pc.phone
    FROM audience_entry e
    LEFT JOIN person_caller pc ON pc.company_id = e.company_id AND pc.caller_hash = e.caller_hash
    WHERE e.company_id = :company_id AND e.place_id = :place_id AND e.state = 'due' AND e.wanted = :wanted
      AND (e.identifier IS NOT NULL OR pc.phone IS NOT NULL) AND (:wanted OR e.told IS NOT NULL)
    ORDER BY e.changed_at, e.caller_hash LIMIT :most FOR UPDATE OF e
    """
)
_TAKE: Final = text(
    """
    UPDATE audience_entry e SET
        state = 'sending', told = :action, told_at = :now, request_id = :request_id,
        request_place = one.place, identifier = one.identifier, said = '',
        recheck_id = (SELECT r.id FROM audience_request r
                      WHERE r.company_id = e.company_id AND r.id IN (e.request_id, e.recheck_id)
                        AND r.due_at IS NOT NULL AND r.action <> :action
                      ORDER BY r.id DESC LIMIT 1)
    FROM unnest(:hashes, :identifiers, :places) AS one (caller_hash, identifier, place)
    WHERE e.company_id = :company_id AND e.place_id = :place_id AND e.caller_hash = one.caller_hash
    """
).bindparams(
    bindparam("hashes", type_=ARRAY(LargeBinary())),
    bindparam("identifiers", type_=ARRAY(LargeBinary())),
    bindparam("places", type_=ARRAY(Integer())),
)
_UNUSABLE: Final = text(
    """
    UPDATE audience_entry SET state = 'refused', said = :said
    WHERE company_id = :company_id AND place_id = :place_id AND caller_hash = ANY(:hashes)
    """
).bindparams(bindparam("hashes", type_=ARRAY(LargeBinary())))
_EXPIRE: Final = text(
    """
    UPDATE audience_entry SET state = 'due'
    WHERE company_id = :company_id AND place_id = :place_id AND state = 'sending'
    """
)
# An answer settles what is still as the request left it. What is wanted otherwise by now goes on, and so does
# what an older, opposite request was judged against while this one was under way.
_SETTLE: Final = text(
    """
    UPDATE audience_entry e SET said = :said,
        state = CASE WHEN wanted <> (:action = 'add') THEN 'due'
                     WHEN recheck_id IS NOT NULL AND NOT EXISTS (
                        SELECT FROM audience_request r
                        WHERE r.company_id = e.company_id AND r.id = e.recheck_id AND r.due_at IS NOT NULL)
                     THEN 'due' ELSE :state END,
        confirmed = CASE WHEN :state = 'settled' THEN :action ELSE confirmed END
    WHERE company_id = :company_id AND request_id = :request_id AND state = :before
      AND request_place = ANY(:places)
    """
).bindparams(bindparam("places", type_=ARRAY(Integer())))
# Only news: what the platform had confirmed before is told again without a word.
_NOTE: Final = text(
    """
    INSERT INTO audience_event (company_id, audience_id, place_id, person_id, at, what, why)
    SELECT e.company_id, pl.audience_id, pl.id, e.person_id, :now, :what, :why
    FROM audience_entry e
    JOIN audience_place pl ON pl.company_id = e.company_id AND pl.id = e.place_id
    WHERE e.company_id = :company_id AND e.request_id = :request_id AND e.state = :before
      AND e.request_place = ANY(:places) AND (:what = 'refused' OR e.confirmed IS DISTINCT FROM :action)
    """
).bindparams(bindparam("places", type_=ARRAY(Integer())))
# What left the list needs its hash no more, unless an older addition is not judged yet and may have to be
# taken back. So a number that was told "remove" and has no identifier is out, and nothing is under way.
# Of a person who was erased nothing at all is kept.
_WIPE: Final = text(
    """
    UPDATE audience_entry SET identifier = NULL
    WHERE company_id = :company_id AND request_id = :request_id AND NOT wanted
      AND told = 'remove' AND state = 'settled' AND recheck_id IS NULL
    """
)
_FORGET: Final = text(
    """
    DELETE FROM audience_entry e
    WHERE e.company_id = :company_id AND e.request_id = :request_id AND NOT e.wanted
      AND e.told = 'remove' AND e.state = 'settled' AND e.recheck_id IS NULL AND NOT EXISTS (
        SELECT FROM person_caller pc
        WHERE pc.company_id = e.company_id AND pc.caller_hash = e.caller_hash)
    """
)
# The older request said the opposite and was judged only now: what was said after it is said once more; of
# what is under way its own answer sees to that.
_RECHECK: Final = text(
    """
    UPDATE audience_entry SET
        recheck_id = CASE WHEN state = 'sending' THEN recheck_id END,
        state = CASE WHEN state IN ('sent', 'settled') THEN 'due' ELSE state END
    WHERE company_id = :company_id AND recheck_id = :request_id
    """
)
_NEXT: Final = text(
    """
    SELECT least(
        (SELECT greatest(CAST(:now AS timestamptz), CAST(:held AS timestamptz))
         WHERE EXISTS (SELECT FROM audience_entry e
                       WHERE e.company_id = :company_id AND e.place_id = :place_id AND e.state = 'due'
                         AND (:adds OR NOT e.wanted))),
        (SELECT min(r.due_at) FROM audience_request r
         WHERE r.company_id = :company_id AND r.place_id = :place_id))
    """
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """Members of one request, in the order they are sent, and the lease they are held by."""

    request_id: UUID
    action: Action
    members: tuple[bytes, ...]
    token: UUID


@dataclass(frozen=True, slots=True)
class List:
    """One list with its audience, its destination and the platform that keeps it."""

    place: Place
    audience: Audience
    account: DestinationAccount
    platform: AudiencePlatform

    @property
    def may_add(self) -> bool:
        """Whether anybody may be added now; removals always may go."""
        return self.audience.status == "active" and self.place.status == "active"


def open_list(session: Session, company_id: UUID, place_id: UUID) -> List | None:
    """Lock the list and return it; None: nothing may be sent there (paused, removed, or its destination)."""
    place = session.get(Place, (company_id, place_id), with_for_update=True)
    if place is None or place.status not in ("active", "leaving"):
        return None
    audience = session.get_one(Audience, (company_id, place.audience_id))
    account = session.get_one(DestinationAccount, (company_id, place.destination_id))
    if account.status != "active" or account.kind not in PLATFORMS:
        return None
    return List(place, audience, account, PLATFORMS[account.kind])


def expire(session: Session, place: Place, now: datetime) -> bool:
    """Take back what a dead worker held; tells whether the list is free."""
    if place.lease_until is None:
        return True
    if place.lease_until > now:
        return False
    keys = {"company_id": place.company_id, "place_id": place.id}
    session.execute(_EXPIRE, keys)
    session.execute(
        update(Request)
        .where(Request.company_id == place.company_id, Request.place_id == place.id)
        .where(Request.finished_at.is_(None))
        .values(finished_at=now, class_="UNKNOWN", message=NO_ANSWER)
    )
    place.lease_token = place.lease_until = None
    return True


def claim(session: Session, vault: Vault, of: List, now: datetime) -> Claimed | None:
    """Take the members of the next request and note the intention; None: nothing is due."""
    place = of.place
    action: Action = "remove"
    rows = _due(session, of, wanted=False)
    if not rows and of.may_add:
        action, rows = "add", _due(session, of, wanted=True)
    settings = open_settings(vault, of.account) if rows else None
    usable = [(row.caller_hash, _identifier(vault, of, row, settings)) for row in rows]
    keys = {"company_id": place.company_id, "place_id": place.id}
    if useless := [hash_ for hash_, identifier in usable if identifier is None]:
        said = f"{of.platform.label} cannot use this phone number."
        session.execute(_UNUSABLE, keys | {"hashes": useless, "said": said})
    members = [(hash_, identifier) for hash_, identifier in usable if identifier is not None]
    if not members:
        return None
    claimed = Claimed(new_id(now), action, tuple(identifier for _, identifier in members), new_id(now))
    session.add(
        Request(
            company_id=place.company_id, id=claimed.request_id, place_id=place.id, action=action,
            size=len(members), started_at=now, request_hash=b"",
        )
    )  # fmt: skip
    session.flush()
    seal = {row.caller_hash: row.identifier for row in rows}
    sealed = [
        seal[hash_] or vault.seal(place.company_id, IDENTIFIER, identifier.decode())
        for hash_, identifier in members
    ]
    taken = {"hashes": [hash_ for hash_, _ in members], "identifiers": sealed}
    places = {"places": list(range(len(members)))}
    values = {"action": action, "now": now, "request_id": claimed.request_id}
    session.execute(_TAKE, keys | taken | places | values)
    place.lease_token, place.lease_until, place.last_sent_at = claimed.token, now + LEASE, now
    return claimed


def settle(
    session: Session, company_id: UUID, request: Request, before: str,
    judged: dict[tuple[str, str], list[int]], now: datetime,
) -> None:  # fmt: skip
    """Write down what became of a request's members: (state, what to say) -> their places in it."""
    for (state, said), places in judged.items():
        values: dict[str, Any] = {
            "company_id": company_id, "request_id": request.id, "before": before, "places": places,
            "action": request.action, "now": now,
        }  # fmt: skip
        done = "added" if request.action == "add" else "removed"
        if state in ("settled", "refused"):
            what = done if state == "settled" else "refused"
            session.execute(_NOTE, values | {"what": what, "why": said})
        session.execute(_SETTLE, values | {"state": state, "said": said if state == "refused" else ""})
    keys = {"company_id": company_id, "request_id": request.id}
    if request.action == "remove":
        session.execute(_WIPE, keys)
        session.execute(_FORGET, keys)


def recheck(session: Session, company_id: UUID, request_id: UUID) -> None:
    """An older request is judged: what was said against it meanwhile is said once more."""
    session.execute(_RECHECK, {"company_id": company_id, "request_id": request_id})


def plan_next(session: Session, of: List, now: datetime) -> None:
    """Set when the list is looked at again: members that are due, or a verdict to ask for."""
    held = of.place.held_until
    keys = {"company_id": of.place.company_id, "place_id": of.place.id}
    session.flush()
    of.place.due_at = session.scalar(_NEXT, keys | {"now": now, "held": held, "adds": of.may_add})


def take_verdict(session: Session, of: List, now: datetime) -> Request | None:
    """Take the request whose verdict is due first, under a lease; None: none is."""
    wanted = (
        select(Request)
        .where(Request.company_id == of.place.company_id, Request.place_id == of.place.id)
        .where(Request.due_at <= now)
        .order_by(Request.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    request = session.scalars(wanted).first()
    if request is not None:
        request.due_at = now + LEASE
    return request


def _due(session: Session, of: List, *, wanted: bool) -> Sequence[Any]:
    values = {
        "company_id": of.place.company_id, "place_id": of.place.id, "wanted": wanted,
        "most": min(of.place.batch, of.platform.max_members),
    }  # fmt: skip
    return session.execute(_DUE, values).all()


def _identifier(vault: Vault, of: List, row: Any, settings: Any) -> bytes | None:
    if row.identifier is not None:
        return vault.open(of.place.company_id, IDENTIFIER, row.identifier).encode()
    return of.platform.freeze(vault.open(of.place.company_id, PHONE, row.phone), settings)

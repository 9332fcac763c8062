"""A simulated world as the rows of a company, and the same as the values that learning takes in memory."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert

from calltrack.attribution.facts import CallAt, Holding
from calltrack.attribution.history import History, Told
from calltrack.attribution.replay import Replay
from calltrack.calls.model import Call
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key, source_key
from calltrack.numbers.model import Lease
from calltrack.visits.model import Visit, VisitorPhone
from calltrack.wiring import Services
from tests.builders import Company
from tests.worlds.events import World
from tests.worlds.oracle import NEVER, play

# A Monday, as second 0 of a world is.
BASE = datetime(2026, 6, 1, tzinfo=UTC)
MEDIUM = "cpc"


def at(seconds: float) -> datetime:
    return BASE + timedelta(seconds=seconds)


def axis(seconds: float) -> float:
    """A moment of the world on the axis of live facts, by way of a timestamp as rows hold it."""
    return at(seconds).timestamp()


@dataclass(frozen=True)
class Stored:
    """What was stored: the history as values, the ids of its calls, and the truth (visit ids) beside them."""

    history: History
    call_ids: list[UUID]
    truths: list[UUID | None]


def store_world(services: Services, company: Company, world: World, days: int) -> Stored:
    """Play the world over the company's numbers, and store what came of it."""
    player = Replay(world.numbers, learn_until=NEVER)
    play(world, player)
    played = player.history(days * 86_400.0)
    numbers = sorted(company.number_ids)
    visits: dict[str, UUID] = {}
    visitors: dict[str, UUID] = {}
    for rows in played.holdings.values():
        for one in rows:
            visits[one.visit] = new_id(at(one.shown_from))
            visitors.setdefault(one.visitor, new_id(at(one.shown_from)))
    holdings = {
        numbers[int(name)].hex: tuple(_as_live(one, visits, visitors) for one in rows)
        for name, rows in played.holdings.items()
    }
    # The overflow number was never shown, and is a number of the pool all the same.
    holdings = dict(sorted((holdings | {company.overflow_id.hex: ()}).items()))
    calls = [(new_id(at(one.at)), numbers[int(one.number)], one) for one in played.calls]
    hashes = {
        one.caller: services.vault.look_up(company.id, one.caller) for one in played.calls if one.caller
    }
    told = [(at(one.at), visitors[one.visitor], one.phone) for one in played.told if one.at < played.until]
    with services.db.tenant(company.id) as session:
        _insert_visits(session, company, holdings)
        if calls:
            session.execute(insert(Call), [_call(services, company, *one, hashes) for one in calls])
        if told:
            session.execute(insert(VisitorPhone), [_typed(services, company, *one) for one in told])
    truths = [world.truth[event["call"]].visit for event in world.events if event["type"] == "call"]
    keys = [player.name_of(visit) if visit else None for visit in truths[: len(calls)]]
    history = replace(
        played,
        holdings=holdings,
        calls=tuple(
            CallAt(
                at=axis(one.at), number=number.hex, caller=hashes[one.caller].hex() if one.caller else None
            )
            for _, number, one in calls
        ),
        told=tuple(
            Told(
                at=moment.timestamp(), visitor=who.hex, phone=services.vault.look_up(company.id, phone).hex()
            )
            for moment, who, phone in told
        ),
        began=axis(0),
        until=axis(played.until),
    )
    return Stored(history, [id_ for id_, _, _ in calls], [visits[key] if key else None for key in keys])


def _as_live(one: Holding, visits: dict[str, UUID], visitors: dict[str, UUID]) -> Holding:
    return replace(
        one,
        visit=visits[one.visit].hex,
        visitor=visitors[one.visitor].hex,
        campaign=campaign_key(one.source, MEDIUM, one.campaign),
        source=source_key(one.source, MEDIUM),
        shown_from=axis(one.shown_from),
        last_seen=axis(one.last_seen),
        taps=tuple(axis(tap) for tap in one.taps),
        copied_at=None if one.copied_at is None else axis(one.copied_at),
        contact_at=None if one.contact_at is None else axis(one.contact_at),
        region="",
    )


def _insert_visits(session, company: Company, holdings: dict[str, tuple[Holding, ...]]) -> None:  # type: ignore[no-untyped-def]  # a session
    visits, leases = [], []
    for number, rows in holdings.items():
        for one in rows:
            source, medium, campaign = one.campaign.split("\x1f")
            begun, seen = _moment(one.shown_from), _moment(one.last_seen)
            visits.append({
                "company_id": company.id, "id": UUID(one.visit), "visitor_id": UUID(one.visitor),
                "site_id": company.site_id, "started_at": begun, "last_seen_at": seen, "source": source,
                "medium": medium, "campaign": campaign, "term": "", "content": "", "click_ids": {},
                "ad_cookies": {}, "referrer": "", "landing_url": "", "consent": {"ad": True, "measure": True},
                "user_agent": "", "device": one.device, "is_returning": one.returning,
                "saw_contact": one.contact_at is not None,
            })  # fmt: skip
            leases.append({
                "company_id": company.id, "id": new_id(begun), "number_id": UUID(number),
                "visit_id": UUID(one.visit), "shown_from": begun, "last_seen_at": seen, "shown_until": seen,
                "tapped_at": _moment(one.taps[-1]) if one.taps else None,
                "copied_at": _moment(one.copied_at), "contact_at": _moment(one.contact_at),
                "left_at": seen if one.left else None, "taps": [_moment(tap) for tap in one.taps],
            })  # fmt: skip
    session.execute(insert(Visit), visits)
    session.execute(insert(Lease), leases)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _call(
    services: Services, company: Company, id_: UUID, number: UUID, one: CallAt, hashes: dict[str, bytes]
) -> dict[str, object]:
    begun = at(one.at)
    return {
        "company_id": company.id, "id": id_, "call_sid": f"CA{id_.hex}", "number_id": number,
        "location_id": company.location_id,
        "caller": services.vault.seal(company.id, "call.caller", one.caller) if one.caller else None,
        "caller_hash": hashes.get(one.caller or ""), "status": "completed", "outcome": "answered",
        "started_at": begun, "ended_at": begun + timedelta(seconds=120), "talk_seconds": 110,
        "is_bridged": True, "changed_at": begun,
    }  # fmt: skip


def _typed(
    services: Services, company: Company, moment: datetime, visitor: UUID, phone: str
) -> dict[str, object]:
    return {
        "company_id": company.id, "id": new_id(moment), "visitor_id": visitor, "visit_id": visitor,
        "phone_hash": services.vault.look_up(company.id, phone),
        "phone": services.vault.seal(company.id, "visitor_phone.phone", phone), "told_at": moment,
    }  # fmt: skip

"""Rows of the demo's past: each visit, call, verdict, conversion and delivery as the product stores them."""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from calltrack.accounts.rules import CompanySettings
from calltrack.attribution.acquaintances import BY_FORM, REMEMBERED_FROM
from calltrack.attribution.crediting import Credited, credit, thresholds_of
from calltrack.attribution.facts import Posterior
from calltrack.attribution.link_model import PhoneLink
from calltrack.attribution.links import know_phones
from calltrack.attribution.model import Attribution
from calltrack.attribution.stored import columns_of
from calltrack.calls.model import Call
from calltrack.conversions.model import CallVerdict, Conversion, ConversionChange
from calltrack.conversions.tree_rules import Facts, default_tree, judge
from calltrack.conversions.tree_words import reason_of
from calltrack.delivery.model import Attempt, Delivery
from calltrack.destinations import DESTINATIONS
from calltrack.infra.db import Base
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key
from calltrack.kernel.region import region_of_phone
from calltrack.numbers.model import Lease, TrackingNumber
from calltrack.sandbox.history_judge import Judge
from calltrack.sandbox.history_world import Called, Past, Typed, Visited
from calltrack.visits.forms import PLACE
from calltrack.visits.model import PageView, Visit, VisitorPhone
from calltrack.wiring import Services

SEED = 850
# action, value in minor units, who, why
Step = tuple[str, int | None, str, str]
CHUNK = 5_000
STATUS = {"answered": "completed", "mailbox": "completed", "missed": "no_answer", "abandoned": "canceled"}
# (share, state, class, HTTP status, words): how deliveries of the past ended.
FATES = (
    (0.905, "confirmed", "DONE", 200, "Confirmed by the platform."),
    (0.035, "rejected", "ROW", 400, "The platform does not know this click: it was made in another account."),
    (0.025, "withheld", None, None, "Not sent: the visitor did not agree to the use of ad data."),
    (0.015, "parked", "CONFIG", 403, "The destination was paused: the connection had expired. Reconnect it."),
    (0.020, "unknown", "LATER", None, "No answer came back; it is safe to send it again."),
)


@dataclass
class Writer:
    """Collects rows and writes them in batches."""

    session: Session
    rows: dict[type[Base], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, table: type[Base], **row: Any) -> None:
        """Keep a row for the next `flush`."""
        self.rows[table].append(row)

    def flush(self) -> None:
        """Write what was kept, table by table."""
        for table, rows in self.rows.items():
            # Without NULLs in its words a row would be a statement of its own after one with other columns.
            statement = insert(table).execution_options(render_nulls=True)
            for start in range(0, len(rows), CHUNK):
                self.session.execute(statement, rows[start : start + CHUNK])
        self.rows.clear()


@dataclass
class Seeder:
    """What the story has come to so far, and where its rows go."""

    services: Services
    company_id: UUID
    site_id: UUID
    locations: dict[str, UUID]
    pools: dict[str, list[UUID]]
    statics: list[TrackingNumber]
    destinations: dict[UUID, str]
    """The connected destinations and their kinds."""
    write: Writer
    chance: Random = field(default_factory=lambda: Random(SEED))  # noqa: S311 - a story
    judge: Judge = field(default_factory=Judge)
    leads: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    persons: dict[str, UUID] = field(default_factory=dict)
    phones: dict[bytes, datetime] = field(default_factory=dict)
    """The hash of each phone that called, and when it first did."""
    visitors: set[UUID] = field(default_factory=set)


def write_past(seeder: Seeder, past: Past) -> None:
    """Write visits, forms and calls in the order of time, so that each verdict sees what came before it."""
    happened: list[tuple[datetime, int, Visited | Typed | Called]] = [
        *((visit.started_at, 0, visit) for visit in past.visits),
        *((form.at, 1, form) for form in past.forms),
        *((call.at, 2, call) for call in past.calls),
    ]
    for _, _, one in sorted(happened, key=lambda what: what[:2]):
        if isinstance(one, Visited):
            _write_visit(seeder, one)
        elif isinstance(one, Typed):
            _write_form(seeder, one)
        else:
            _write_call(seeder, one)
    know_phones(seeder.write.session, seeder.company_id, seeder.phones)


def _write_visit(seeder: Seeder, visit: Visited) -> None:
    company_id, origin = seeder.company_id, visit.origin
    number_id = seeder.pools[visit.town][visit.number]
    base = seeder.services.settings.base_url
    # Every twelfth visitor of the demo said no to the banner.
    agreed = {"ad": visit.id.int % 12 != 0, "measure": True}
    seeder.write.add(
        Visit, company_id=company_id, id=visit.id, visitor_id=visit.visitor_id, site_id=seeder.site_id,
        started_at=visit.started_at, last_seen_at=visit.last_seen_at, source=origin.source,
        medium=origin.medium,
        campaign=origin.campaign, term="", content="", ad_cookies={},
        click_ids={origin.click_id: visit.click_id} if visit.click_id else {},
        referrer="", landing_url=f"{base}{visit.pages[0]}", consent=agreed, user_agent="demo", is_demo=True,
        saw_contact=visit.contact_at is not None,
    )  # fmt: skip
    seeder.write.add(
        Lease, company_id=company_id, id=new_id(visit.started_at), number_id=number_id, visit_id=visit.id,
        shown_from=visit.started_at, last_seen_at=visit.last_seen_at,
        shown_until=visit.last_seen_at + timedelta(seconds=150), is_overflow=False, tapped_at=visit.tapped_at,
        taps=[visit.tapped_at] if visit.tapped_at else [], contact_at=visit.contact_at,
        visitor_id=visit.visitor_id, device="", is_returning=False,
        origin=campaign_key(origin.source, origin.medium, origin.campaign),
    )  # fmt: skip
    for place, page in enumerate(visit.pages):
        at = visit.started_at + timedelta(seconds=place * visit.seconds / len(visit.pages))
        seeder.write.add(
            PageView,
            company_id=company_id,
            id=new_id(at),
            visit_id=visit.id,
            at=at,
            page=f"{base}{page}",
            title="",
        )
    seeder.judge.show(number_id, visit)


def _write_form(seeder: Seeder, form: Typed) -> None:
    """Write a phone that was typed into a form, and let the calls that follow know of it."""
    company_id, vault, visitor_id = seeder.company_id, seeder.services.vault, form.visit.visitor_id
    phone_hash, typed_id = vault.look_up(company_id, form.phone), new_id(form.at)
    seeder.write.add(
        VisitorPhone, company_id=company_id, id=typed_id, visitor_id=visitor_id, visit_id=form.visit.id,
        phone_hash=phone_hash, phone=vault.seal(company_id, PLACE, form.phone), told_at=form.at,
    )  # fmt: skip
    seeder.write.add(
        PhoneLink, company_id=company_id, caller_hash=phone_hash, visitor_id=visitor_id, kind="form",
        told_by=typed_id, p=BY_FORM, known_from=form.at,
    )  # fmt: skip
    seeder.phones.setdefault(phone_hash, form.at)
    seeder.judge.told_by_form(form)


def _write_call(seeder: Seeder, call: Called) -> None:
    static = seeder.statics[call.static] if call.static >= 0 else None
    number_id = static.id if static else seeder.pools[call.town][call.number]
    location_id = static.location_id if static else seeder.locations[call.town]
    call_id, company_id = new_id(call.at), seeder.company_id
    bridged = call.outcome == "answered"
    spoken = call.at + timedelta(seconds=call.ring_seconds)
    ended = spoken + timedelta(seconds=call.talk_seconds)
    vault, caller = seeder.services.vault, call.caller
    caller_hash = vault.look_up(company_id, caller) if caller else None
    seeder.write.add(
        Call, company_id=company_id, id=call_id, call_sid=f"CA{new_id(call.at).hex}", number_id=number_id,
        location_id=location_id, caller=vault.seal(company_id, "call.caller", caller) if caller else None,
        caller_hash=caller_hash, caller_city=call.town, caller_country="IT",
        caller_region=region_of_phone(caller) or None,
        status=STATUS.get(call.outcome, call.outcome), outcome=call.outcome, started_at=call.at,
        answered_at=spoken if bridged else None, ended_at=ended, ring_seconds=call.ring_seconds,
        duration_seconds=call.ring_seconds + call.talk_seconds, talk_seconds=call.talk_seconds,
        is_bridged=bridged, changed_at=ended, was_spooled=False, note="", is_demo=True,
    )  # fmt: skip
    found = seeder.judge.call(call, number_id, static)
    credited = credit(found, thresholds_of(CompanySettings()))
    _write_verdict(seeder, call_id, ended, found, credited)
    if caller_hash:
        _write_links(seeder, call_id, call.at, caller_hash, found)
    person_id = _write_person(seeder, call, call_id, caller_hash, found, credited)
    _write_conversions(seeder, call, call_id, person_id)
    if call.buys and call.visit and caller_hash and credited.visit_id == call.visit.id:
        _write_record(seeder, call.visit, call_id, caller_hash, ended)


def _write_verdict(seeder: Seeder, call_id: UUID, at: datetime, found: Posterior, credited: Credited) -> None:
    seeder.write.add(
        Attribution, company_id=seeder.company_id, id=new_id(at), call_id=call_id, is_current=True,
        decided_at=at, **columns_of(found), **credited.columns(),
    )  # fmt: skip


def _write_links(seeder: Seeder, call_id: UUID, at: datetime, caller_hash: bytes, found: Posterior) -> None:
    seeder.phones.setdefault(caller_hash, at)
    for visitor, p in found.by_visitor.items():
        if p >= REMEMBERED_FROM:
            seeder.write.add(
                PhoneLink, company_id=seeder.company_id, caller_hash=caller_hash, visitor_id=UUID(visitor),
                kind="call", told_by=call_id, p=p, known_from=at,
            )  # fmt: skip


def _write_record(seeder: Seeder, visit: Visited, call_id: UUID, caller_hash: bytes, ended: datetime) -> None:
    """Write that the customer's record names the phone and the click, as a CRM tells a day later."""
    told_at = ended + timedelta(days=1)
    if visit.click_id and told_at < seeder.services.clock():
        seeder.write.add(
            PhoneLink, company_id=seeder.company_id, caller_hash=caller_hash, visitor_id=visit.visitor_id,
            kind="record", told_by=call_id, p=BY_FORM, known_from=told_at,
        )  # fmt: skip


def _write_person(
    seeder: Seeder,
    call: Called,
    call_id: UUID,
    caller_hash: bytes | None,
    found: Posterior,
    credited: Credited,
) -> UUID | None:
    if call.caller is None or caller_hash is None:
        return None
    company_id, vault = seeder.company_id, seeder.services.vault
    known = seeder.persons.get(call.caller)
    person_id = known or new_id(call.at)
    if known is None:
        seeder.persons[call.caller] = person_id
        seeder.write.add(Person, company_id=company_id, id=person_id, created_at=call.at, is_demo=True)
        phone = vault.seal(company_id, "person_caller.phone", call.caller)
        seeder.write.add(
            PersonCaller, company_id=company_id, caller_hash=caller_hash, person_id=person_id, phone=phone,
            linked_at=call.at,
        )  # fmt: skip
    chosen = UUID(found.candidates[0].visitor) if credited.visit_id else None
    if chosen and chosen not in seeder.visitors:
        seeder.visitors.add(chosen)
        seeder.write.add(
            PersonVisitor, company_id=company_id, visitor_id=chosen, person_id=person_id,
            call_id=call_id, probability=credited.probability, linked_at=call.at,
        )  # fmt: skip
    return person_id


def _write_conversions(seeder: Seeder, call: Called, call_id: UUID, person_id: UUID | None) -> None:
    earlier = seeder.leads[call.caller] if call.caller else []
    tree = default_tree(CompanySettings())
    facts = Facts(
        started_at=call.at,
        answered=call.outcome == "answered",
        talk_seconds=call.talk_seconds,
        is_withheld=call.caller is None,
        earlier=tuple(earlier),
    )
    verdict = judge(tree, facts)
    reason = reason_of(tree, facts, verdict)
    seeder.write.add(
        CallVerdict, company_id=seeder.company_id, call_id=call_id, mark=verdict.mark,
        rule_id=verdict.rule.id if verdict.rule else "", version=0, reason=reason, judged_at=call.at,
    )  # fmt: skip
    if verdict.mark == "lead":
        earlier.append(call.at)
        taken_back = seeder.chance.random() < 0.03
        steps: list[Step] = [("create", None, "rule", reason)]
        if taken_back:
            steps.append(("retract", None, "Demo", "Marked as not a lead: a supplier called."))
        _write_conversion(seeder, call, call_id, person_id, "lead", steps)
    if call.buys:
        steps = [("create", call.value_minor, "Demo", "Booked on the phone.")]
        if seeder.chance.random() < 0.06:
            steps.append(("restate", round(call.value_minor * 1.15), "Demo", "More boxes than planned."))
        _write_conversion(seeder, call, call_id, person_id, "purchase", steps)


def _write_conversion(
    seeder: Seeder,
    call: Called,
    call_id: UUID,
    person_id: UUID | None,
    kind: str,
    steps: list[Step],
) -> None:
    company_id, decided_at = seeder.company_id, call.at + timedelta(seconds=call.talk_seconds + 30)
    conversion_id = new_id(decided_at)
    action, value, by, reason = steps[-1]
    changed_at = decided_at + timedelta(hours=26 * (len(steps) - 1))
    seeder.write.add(
        Conversion, company_id=company_id, id=conversion_id, call_id=call_id, person_id=person_id, kind=kind,
        status="retracted" if action == "retract" else "counted", value_minor=value, currency="EUR",
        occurred_at=call.at, decided_by=by, via=_via(by), reason=reason,
        ended_by="none" if action == "retract" else "", sequence=len(steps) - 1, created_at=decided_at,
        changed_at=changed_at, is_demo=True,
    )  # fmt: skip
    for sequence, (action, value, by, reason) in enumerate(steps):
        at, change_id = decided_at + timedelta(hours=26 * sequence), new_id(decided_at)
        seeder.write.add(
            ConversionChange, company_id=company_id, id=change_id, conversion_id=conversion_id,
            sequence=sequence,
            action=action, value_minor=value, currency="EUR", changed_at=at, changed_by=by,
            via=_via(by), reason=reason,
        )  # fmt: skip
        for destination_id in seeder.destinations:
            _write_delivery(
                seeder, destination_id, conversion_id, change_id, sequence, kind, action, value, at
            )


def _via(by: str) -> str:
    return "rule" if by == "rule" else "dashboard"


def _write_delivery(
    seeder: Seeder, destination_id: UUID, conversion_id: UUID, change_id: UUID, sequence: int,
    kind: str, action: str, value: int | None, at: datetime,
) -> None:  # fmt: skip
    delivery_id, upload = new_id(at), f"conv-{conversion_id.hex}"
    words = {"demo": True, "transactionId": upload, "kind": kind, "action": action, "valueMinor": value}
    payload = json.dumps(words, separators=(",", ":")).encode()
    digest = hashlib.sha256(payload).digest()
    _, state, class_, status, explanation = seeder.chance.choices(FATES, [fate[0] for fate in FATES])[0]
    if action not in DESTINATIONS[seeder.destinations[destination_id]].tells:
        state, class_, status, explanation = "withheld", None, None, "This platform takes no changes."
    sent = state != "withheld"
    settled = at + timedelta(seconds=seeder.chance.randint(20, 2400))
    seeder.write.add(
        Delivery, company_id=seeder.company_id, id=delivery_id, destination_id=destination_id,
        conversion_id=conversion_id, change_id=change_id, sequence=sequence, upload_id=upload,
        payload=payload,
        payload_hash=digest, state=state, due_at=None, lease_token=None, attempts=1 if sent else 0,
        request_id=None, last_class=class_, explanation=f"Demo data, never sent: {explanation}",
        planned_at=at, settled_at=settled, is_demo=True, preflight="send" if sent else "never",
        preflight_code="OK" if sent else "CONSENT_DENIED", preflight_at=at,
        preflight_reason="" if sent else explanation.removeprefix("Not sent: ").capitalize(),
    )  # fmt: skip
    if sent:
        seeder.write.add(
            Attempt, company_id=seeder.company_id, delivery_id=delivery_id, number=1, step="send",
            started_at=at,
            finished_at=settled if status else None, request_hash=digest, status=status,
            answer='{"demo":true}' if status else "", class_=class_, message=explanation,
        )  # fmt: skip

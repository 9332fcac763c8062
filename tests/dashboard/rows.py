"""Rows in bulk: a company with months of calls in every state, for looks, plans and page tests."""

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from calltrack.accounts.model import AuditEntry
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call, CallEventRow, Leg, Recording
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.delivery.accounts import PLACE
from calltrack.delivery.model import Attempt, Delivery, DeliveryTally, DestinationAccount, Notice
from calltrack.destinations import DESTINATIONS
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.kernel.ids import new_id
from calltrack.numbers.model import Lease, NumberClaim, Slot, TrackingNumber
from calltrack.sandbox.platforms.accounts import example_settings
from calltrack.telephony.events import CallEvent
from calltrack.visits.model import PageView, Visit
from calltrack.wiring import Services
from tests.builders import Company, fresh_e164

ORIGINS = (
    ("google", "cpc", "traslochi-roma", 34),
    ("google", "cpc", "traslochi-milano", 18),
    ("google", "organic", "", 16),
    ("bing", "cpc", "traslochi", 6),
    ("facebook", "paid_social", "primavera", 7),
    ("direct", "none", "", 12),
    ("immobiliare.it", "referral", "", 4),
)
ENDINGS = (
    "answered",
    "answered",
    "answered",
    "answered",
    "answered",
    "answered",
    "missed",
    "busy",
    "mailbox",
    "abandoned",
    "failed",
)
Rows = list[dict[str, Any]]


@dataclass
class Made:
    """Rows by table, in the order they are inserted, and ids worth visiting."""

    rows: dict[Any, Rows] = field(default_factory=dict)
    calls: list[UUID] = field(default_factory=list)
    deliveries: list[UUID] = field(default_factory=list)
    destinations: list[UUID] = field(default_factory=list)
    notices: list[UUID] = field(default_factory=list)

    def add(self, table: Any, **values: Any) -> None:
        self.rows.setdefault(table, []).append(values)


class Maker:
    """Makes rows of one company; `say` replaces every text a stranger could have written."""

    def __init__(self, services: Services, company: Company, seed: int = 1, say: str = "") -> None:
        self.services, self.company, self.random, self.say = services, company, random.Random(seed), say
        self.made = Made()
        self.destinations: list[UUID] = []
        self.now = datetime.now(UTC)

    def fill(self, calls: int, days: int, visits_per_call: int = 3) -> Made:
        """Make and store everything."""
        self._static_number()
        self._destinations()
        order = sorted((self._moment(days) for _ in range(calls)), reverse=True)
        callers = [f"+39347{self.random.randrange(10**7):07d}" for _ in range(max(3, calls * 2 // 3))]
        for index, at in enumerate(order):
            self._call(index, at, self.random.choice(callers), visits_per_call)
        self._store()
        return self.made

    def _moment(self, days: int) -> datetime:
        while True:
            back = self.random.random() * days
            at = self.now - timedelta(days=back, seconds=self.random.randrange(3600))
            season = 0.6 + 0.4 * (1 - back / max(days, 1))
            busy = {5: 0.5, 6: 0.25}.get(at.weekday(), 1.0) * (1 if 7 <= at.hour <= 18 else 0.12)
            if self.random.random() < busy * season:
                return at

    def _text(self, usual: str) -> str:
        return self.say or usual

    def _static_number(self) -> None:
        self.static_id, e164, company = new_id(), fresh_e164(), self.company
        with self.services.db.tenant(company.id) as session:
            carrier = session.get_one(TrackingNumber, (company.id, company.number_ids[0])).carrier_account_id
            session.add(NumberClaim(e164=e164, company_id=company.id))
            session.add(
                TrackingNumber(
                    company_id=company.id, id=self.static_id, e164=e164, kind="static", pool_id=None,
                    location_id=company.location_id, carrier_account_id=carrier, source="billboard",
                    medium="offline", campaign=self._text("Via Appia"), created_at=self.now,
                )
            )  # fmt: skip

    def _destinations(self) -> None:
        for kind, name, status in (
            ("google_data_manager", "Google Ads Roma", "active"),
            ("webhook", "CRM", "paused"),
        ):
            id_ = new_id()
            self.destinations.append(id_)
            checked = DESTINATIONS[kind].Settings.load(example_settings(kind))
            sealed = self.services.vault.seal(self.company.id, PLACE, json.dumps(checked.secrets()))
            self.made.add(
                DestinationAccount, company_id=self.company.id, id=id_, kind=kind, name=self._text(name),
                settings=checked.plain(), secrets=sealed, status=status, status_changed_at=self.now,
                created_at=self.now,
                status_reason=self._text("The server answers 401: renew the secret, then let it run.")
                if status == "paused" else "",
            )  # fmt: skip
        self.made.destinations = self.destinations
        for level, kind in (("info", "platform.unwell"), ("action", "destination.paused")):
            self.made.notices.append(new_id())
            self.made.add(
                Notice, company_id=self.company.id, id=self.made.notices[-1], kind=kind,
                subject=self.destinations[1].hex, level=level, since=self.now, seen_at=self.now,
                text=self._text("CRM is paused, so nothing is sent there. Renew the secret."),
            )  # fmt: skip
        self.made.add(
            DeliveryTally, company_id=self.company.id, destination_id=self.destinations[0],
            day=self.now.date() - timedelta(days=1), sent=40, confirmed=38, rejected=2, received=31,
            counted=None, refused=None, difference=-9, asked_at=self.now,
            note=self._text("In the whole dataset."),
        )  # fmt: skip

    def _visit(self, at: datetime, origin: tuple[str, str, str, int], visitor: UUID) -> UUID:
        id_, words = new_id(at), origin
        term = "ditta traslochi roma prezzi" if words[1] == "cpc" else ""
        self.made.add(
            Visit, company_id=self.company.id, id=id_, visitor_id=visitor, site_id=self.company.site_id,
            started_at=at, last_seen_at=at + timedelta(seconds=self.random.randrange(20, 400)),
            source=words[0], medium=words[1], campaign=self._text(words[2]), term=self._text(term),
            content="", click_ids={"gclid": f"Cj0KCQ{id_.hex[:20]}"} if words[0] == "google" else {},
            ad_cookies={}, referrer=self._text("https://www.google.com/"),
            landing_url=self._text(f"{self.company.origin}/preventivo"), consent={"ad": True},
            user_agent="Mozilla/5.0", is_demo=False,
        )  # fmt: skip
        for step, title in enumerate(
            ("Traslochi Aurelia", "Prezzi", "Contatti")[: self.random.randrange(1, 4)]
        ):
            seen = at + timedelta(seconds=step * 20)
            self.made.add(
                PageView, company_id=self.company.id, id=new_id(seen), visit_id=id_,
                at=seen, page=f"{self.company.origin}/{step}", title=self._text(title),
            )  # fmt: skip
        return id_

    def _call(self, index: int, at: datetime, caller: str, visits_per_call: int) -> None:
        c, r, vault = self.company, self.random, self.services.vault
        ending: str | None = r.choice(ENDINGS)
        if index == 0:
            at, ending = self.now - timedelta(seconds=40), None
        elif index == 1:
            at, ending = self.now - timedelta(seconds=95), "missed"
        elif index == 2:
            ending = "answered"
        id_, sid = new_id(at), "CA" + new_id().hex
        talk = r.choice((24, 75, 140, 182, 260, 420, 610)) if ending == "answered" else 0
        if index == 2:
            talk = 194
        ring = r.randrange(4, 18)
        end = at + timedelta(seconds=ring + talk) if ending else None
        is_static = index % 12 == 7
        number = self.static_id if is_static else r.choice(c.number_ids)
        hash_ = vault.look_up(c.id, caller)
        statuses = {
            "answered": "completed",
            "mailbox": "completed",
            "busy": "busy",
            "failed": "failed",
            None: "in_progress",
        }
        self.made.calls.append(id_)
        self.made.add(
            Call, company_id=c.id, id=id_, call_sid=sid, number_id=number, location_id=c.location_id,
            caller=vault.seal(c.id, "call.caller", caller), caller_hash=hash_, caller_city=self._text("Roma"),
            caller_country="IT", status=statuses.get(ending, "no_answer"), outcome=ending, started_at=at,
            answered_at=at + timedelta(seconds=ring) if talk or not ending else None, ended_at=end,
            ring_seconds=ring, duration_seconds=ring + talk, talk_seconds=talk,
            is_bridged=bool(talk) or not ending,
            changed_at=end or at, was_spooled=index % 40 == 3, note="", is_demo=False,
        )  # fmt: skip
        self._line(index, id_, sid, number, caller, at, ring, talk, ending)
        origin = r.choices(ORIGINS, [one[3] for one in ORIGINS])[0]
        visitors = [new_id(at) for _ in range(visits_per_call)]
        visits = [
            self._visit(
                at - timedelta(seconds=r.randrange(30, 900)), origin if n == 0 else r.choice(ORIGINS), one
            )
            for n, one in enumerate(visitors)
        ]
        self._verdict(index, id_, at, origin, visits, visitors, is_static)
        self._person(id_, at, caller, hash_, visitors[0] if index % 8 and not is_static else None)
        if talk >= 60 and ending == "answered":
            self._convert(index, id_, end or at)

    def _line(
        self, index: int, id_: UUID, sid: str, number: UUID, caller: str, at: datetime, ring: int, talk: int,
        ending: str | None,
    ) -> None:  # fmt: skip
        if index > 60:
            return
        c = self.company
        leg = "CA" + new_id().hex
        events = [
            CallEvent(
                kind="incoming",
                key="1",
                call_sid=sid,
                account_sid="AC",
                status="ringing",
                at=at,
                to=c.numbers[0],
                from_=caller,
            )
        ]
        events.append(
            CallEvent(
                kind="leg",
                key="2",
                call_sid=sid,
                account_sid="AC",
                status="ringing",
                at=at + timedelta(seconds=1),
                to=c.target,
                leg_sid=leg,
                forwarded_to=c.target,
            )
        )
        if ending:
            events.append(
                CallEvent(
                    kind="ended",
                    key="3",
                    call_sid=sid,
                    account_sid="AC",
                    status="completed",
                    at=at + timedelta(seconds=ring + talk),
                    to=c.numbers[0],
                    duration_seconds=ring + talk,
                    talk_seconds=talk,
                )
            )
        for event in events:
            sealed = self.services.vault.seal(c.id, "call_event.event", json.dumps(event.to_json()))
            self.made.add(
                CallEventRow,
                company_id=c.id,
                id=new_id(event.at),
                call_sid=sid,
                number_id=number,
                key=event.key,
                received_at=event.at,
                event=sealed,
            )
        self.made.add(
            Leg,
            company_id=c.id,
            call_id=id_,
            leg_sid=leg,
            to_number=c.target,
            status="completed" if talk else "no_answer",
            seconds=talk or None,
        )
        if ending == "mailbox":
            self.made.add(
                Recording,
                company_id=c.id,
                call_id=id_,
                recording_sid="RE" + new_id().hex,
                kind="voicemail",
                status="completed",
                url="https://example.test",
                seconds=22,
            )

    def _verdict(
        self, index: int, call_id: UUID, at: datetime, origin: tuple[str, str, str, int], visits: list[UUID],
        visitors: list[UUID], is_static: bool,
    ) -> None:  # fmt: skip
        sure = (0.97, 0.91, 0.74, 0.46, 0.998)[index % 5]
        unknown = index % 8 == 0 and not is_static
        rest = (1 - sure) / max(1, len(visits))
        candidates = [
            {
                "visit_id": str(visit), "visitor_id": str(visitor), "probability": sure if n == 0 else rest,
                "age_seconds": n * 240, "on_screen": n == 0,
                "tapped_seconds": 4 if n == 0 and index % 2 else None,
                "pages": 3, "is_known": False, "source": origin[0], "medium": origin[1],
                "campaign": self._text(origin[2]),
            }
            for n, (visit, visitor) in enumerate(zip(visits, visitors, strict=True))
        ]  # fmt: skip
        named = ("billboard", "offline", self._text("Via Appia")) if is_static else origin[:3]
        self.made.add(
            Attribution, company_id=self.company.id, id=new_id(at), call_id=call_id, is_current=True,
            decided_at=at, model="1", visit_id=None if unknown or is_static else visits[0],
            probability=0.0 if is_static else 0.31 if unknown else sure,
            p_nobody=0.42 if unknown else rest, source="" if unknown else named[0],
            medium="" if unknown else named[1], campaign="" if unknown else self._text(named[2]),
            p_campaign=0.31 if unknown else 1.0 if is_static else min(1.0, sure + 0.02),
            candidates=[] if is_static else candidates,
            reasons=[self._text(words) for words in (
                ["Static number: it is shown nowhere but in billboard / offline."] if is_static else
                ["Was looking at the number when the call began.", "Looked at 3 pages in 2 minutes.",
                 "2 other visits saw this number; the nearest left 4 minutes before the call."])],
        )  # fmt: skip

    def _person(self, call_id: UUID, at: datetime, caller: str, hash_: bytes, visitor: UUID | None) -> None:
        c = self.company
        known = self.__dict__.setdefault("_persons", {})
        if caller not in known:
            known[caller] = new_id(at)
            self.made.add(Person, company_id=c.id, id=known[caller], created_at=at, is_demo=False)
            phone = self.services.vault.seal(c.id, "person_caller.phone", caller)
            self.made.add(
                PersonCaller,
                company_id=c.id,
                caller_hash=hash_,
                person_id=known[caller],
                phone=phone,
                linked_at=at,
            )
        if visitor:
            self.made.add(
                PersonVisitor,
                company_id=c.id,
                visitor_id=visitor,
                person_id=known[caller],
                call_id=call_id,
                probability=0.9,
                linked_at=at,
            )

    def _convert(self, index: int, call_id: UUID, at: datetime) -> None:
        kinds = ["lead"] if index % 3 else ["lead", "purchase"]
        for kind in kinds:
            value = (
                self.random.choice((45_000, 62_000, 85_000, 120_050, 240_000)) if kind == "purchase" else None
            )
            self._conversion(index, call_id, at, kind, value)

    def _conversion(self, index: int, call_id: UUID, at: datetime, kind: str, value: int | None) -> None:
        c, id_ = self.company, new_id(at)
        steps = ["create", "restate"] if value and index % 2 == 0 else ["create"]
        status = "retracted" if index % 31 == 5 else "counted"
        steps += ["retract"] if status == "retracted" else []
        by = self._text("Anna Test <anna@example.test>") if value else "rule"
        reason = (
            "Set to purchase by Anna."
            if value
            else "A person answered and they talked 3:02; the caller's first such call."
        )
        self.made.add(
            Conversion, company_id=c.id, id=id_, call_id=call_id, person_id=None, kind=kind, status=status,
            value_minor=value, currency="EUR", occurred_at=at, decided_by=by, reason=self._text(reason),
            sequence=len(steps) - 1, created_at=at, changed_at=at, is_demo=False,
        )  # fmt: skip
        for sequence, action in enumerate(steps):
            change_id, when = new_id(at), at + timedelta(hours=sequence)
            self.made.add(
                ConversionChange, company_id=c.id, id=change_id, conversion_id=id_, sequence=sequence,
                action=action,
                value_minor=value if action != "create" or not value else value - 5_000 * (len(steps) - 1),
                currency="EUR", changed_at=when, changed_by=by, reason=self._text(reason),
            )  # fmt: skip
            if index < 2500:
                for destination in self.destinations:
                    self._delivery(index, id_, change_id, sequence, destination, kind, value, when)

    def _delivery(
        self, index: int, conversion: UUID, change: UUID, sequence: int, destination: UUID, kind: str,
        value: int | None, at: datetime,
    ) -> None:  # fmt: skip
        c, id_ = self.company, new_id(at)
        google = destination == self.destinations[0]
        state = (
            (
                "rejected"
                if index % 19 == 4
                else "withheld"
                if index % 8 == 0
                else "accepted"
                if index < 8
                else "confirmed"
            )
            if google
            else ("parked" if index < 30 else "confirmed")
        )
        said = {
            "rejected": "Google does not know this click id. Check that auto-tagging is on in this account.",
            "withheld": "No click of Google Ads is known for this call.",
            "accepted": "Google took it; its verdict comes within 30 minutes.",
            "parked": "The server answers 401. Renew the secret of this webhook.",
            "confirmed": "Confirmed.",
        }[state]
        payload = {
            "events": [
                {
                    "transactionId": f"conv-{conversion.hex}",
                    "eventName": kind,
                    "conversionValue": value,
                    "note": self.say,
                }
            ]
        }
        class_ = {"rejected": "ROW", "parked": "CONFIG", "withheld": None}.get(state, "DONE")
        waits = state == "accepted"
        self.made.deliveries.append(id_)
        self.made.add(
            Delivery, company_id=c.id, id=id_, destination_id=destination, conversion_id=conversion,
            change_id=change,
            sequence=sequence, upload_id=f"conv-{conversion.hex}", payload=json.dumps(payload).encode(),
            payload_hash=bytes(32), state=state, due_at=at + timedelta(minutes=30) if waits else None,
            lease_token=None,
            attempts=0 if state == "withheld" else 1, request_id="req-77" if google else None,
            last_class=class_, explanation=self._text(said), planned_at=at,
            settled_at=None if waits else at + timedelta(minutes=31), is_demo=False,
        )  # fmt: skip
        if state != "withheld" and index < 300:
            self.made.add(
                Attempt, company_id=c.id, delivery_id=id_, number=1, step="send", started_at=at,
                finished_at=at + timedelta(seconds=1), request_hash=bytes(32),
                status=401 if state == "parked" else 200,
                answer=json.dumps({"requestId": "req-77", "text": self.say}), class_=class_,
                message=self._text(said),
            )  # fmt: skip

    def _store(self) -> None:
        c = self.company
        self.made.add(
            AuditEntry,
            company_id=c.id,
            id=new_id(),
            at=self.now,
            actor=self._text("anna@example.test"),
            action="location.change",
            subject=self._text("Roma"),
            detail={},
        )
        for n, number in enumerate(c.number_ids[:3]):
            visit = self.made.rows[Visit][n]["id"]
            lease, until = new_id(self.now), self.now + timedelta(seconds=(90, 60, -20)[n])
            self.made.add(
                Lease,
                company_id=c.id,
                id=lease,
                number_id=number,
                visit_id=visit,
                shown_from=self.now - timedelta(minutes=4),
                last_seen_at=self.now,
                shown_until=until,
                is_overflow=False,
            )
            with self.services.db.tenant(c.id) as session:
                session.execute(
                    update(Slot).where(Slot.company_id == c.id, Slot.number_id == number)
                    .values(busy_until=until + timedelta(seconds=60), lease_id=lease)
                )  # fmt: skip
        for n in range(60):
            at = self.now - timedelta(minutes=20 * n + 3)
            overflow = n in (7, 8)
            self.made.add(
                Lease,
                company_id=c.id,
                id=new_id(at),
                number_id=c.overflow_id if overflow else c.number_ids[n % 5],
                visit_id=self.made.rows[Visit][n % 9]["id"],
                shown_from=at,
                last_seen_at=at,
                shown_until=at + timedelta(seconds=150),
                is_overflow=overflow,
            )
        for table, rows in self.made.rows.items():
            for start in range(0, len(rows), 2000):
                with self.services.db.tenant(c.id) as session:
                    session.execute(insert(table), rows[start : start + 2000])

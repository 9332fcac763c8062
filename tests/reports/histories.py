"""Random histories of a company, and what they add up to, counted in plain Python."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from sqlalchemy import insert, text, update

from calltrack.accounts.model import Company as CompanyRow
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.builders import Company

# Each with a night on which its clocks change; Kolkata's never do, Lord Howe's change by half an hour.
NIGHTS = {
    "Europe/Rome": datetime(2026, 10, 25, 1, tzinfo=ZoneInfo("UTC")),
    "America/New_York": datetime(2026, 3, 8, 7, tzinfo=ZoneInfo("UTC")),
    "Asia/Kolkata": datetime(2026, 5, 31, 18, 30, tzinfo=ZoneInfo("UTC")),
    "Australia/Lord_Howe": datetime(2026, 4, 4, 15, tzinfo=ZoneInfo("UTC")),
}
WORDS = (
    ("google", "cpc", "traslochi"), ("google", "cpc", "estate"), ("google", "organic", ""),
    ("bing", "cpc", "traslochi"), ("direct", "none", ""),
)  # fmt: skip
NOBODY = ("", "", "")
OUTCOMES = ("answered", "answered", "missed", "mailbox", "blocked", None)


@dataclass
class SomeConversion:
    kind: str
    at: datetime
    value_minor: int | None
    currency: str
    status: str
    id: UUID = field(default_factory=new_id)


@dataclass
class SomeVisit:
    at: datetime
    words: tuple[str, str, str]
    term: str
    id: UUID = field(default_factory=new_id)
    named: tuple[UUID, str] | None = None
    """The campaign and the keyword that Google told of its click, later."""


@dataclass
class SomeCall:
    at: datetime
    number: int
    outcome: str | None
    level: str | None
    words: tuple[str, str, str]
    visit: SomeVisit | None
    p: float
    brought: list[SomeConversion]
    id: UUID = field(default_factory=new_id)

    def columns(self) -> dict[str, Any]:
        """What its verdict says."""
        source, medium, campaign = self.words
        other = campaign_key("meta", "paid", "autunno")
        by = {campaign_key(*self.words): self.p, other: (1 - self.p) / 2} if self.words != NOBODY else {}
        return {
            "level": self.level, "source": source, "medium": medium, "campaign": campaign,
            "visit_id": self.visit.id if self.visit else None, "by_campaign": by,
        }  # fmt: skip


@dataclass
class History:
    zone: str
    visits: list[SomeVisit]
    calls: list[SomeCall]

    def days(self, currency: str = "EUR") -> dict[tuple[date, str, tuple[str, ...]], Counter[str]]:
        """Return every figure by day, dimension and row's words."""
        found: dict[tuple[date, str, tuple[str, ...]], Counter[str]] = defaultdict(Counter)

        def add(at: datetime, words: tuple[str, str, str], details: dict[str, str], **more: int) -> None:
            local = at.astimezone(ZoneInfo(self.zone))
            details = details | {"hour": f"{local.weekday() * 24 + local.hour:03}", "campaign": ""}
            for dimension, detail in details.items():
                found[local.date(), dimension, (*words, detail)].update(more)

        for visit in self.visits:
            add(visit.at, visit.words, of_visit(visit), visits=1)
        for call in self.calls:
            details = of_visit(call.visit) | {"location": "here", "number": str(call.number)}
            level = f"on_{call.level}" if call.level in ("visit", "campaign", "source") else "on_nothing"
            add(
                call.at, call.words, details, calls=1, answered=call.outcome == "answered",
                ended=call.outcome not in (None, "blocked"), with_source=call.words[0] != "",
                **{level: 1},
            )  # fmt: skip
            for one in call.brought:
                if one.status == "counted":
                    own = one.value_minor or 0 if one.kind == "purchase" and one.currency == currency else 0
                    strange = one.kind == "purchase" and one.currency != currency and bool(one.value_minor)
                    add(
                        one.at, call.words, details, leads=one.kind == "lead", value_minor=own,
                        purchases=one.kind == "purchase", other_currency=strange,
                    )  # fmt: skip
        return found


def of_visit(visit: SomeVisit | None) -> dict[str, str]:
    if visit is None:
        return dict.fromkeys(("keyword", "ad_group", "landing_page"), "\x1f?")
    page = f"www.prova.test/{visit.term}".rstrip("/")
    if visit.named is None:
        return {"keyword": visit.term, "ad_group": "", "landing_page": page}
    campaign, keyword = visit.named
    return {"keyword": keyword or visit.term, "ad_group": f"{campaign.hex}/77", "landing_page": page}


@st.composite
def histories(draw: st.DrawFn) -> History:
    zone = draw(st.sampled_from(sorted(NIGHTS)))
    around = NIGHTS[zone]
    moments = st.integers(-50 * 60, 50 * 60).map(lambda minutes: around + timedelta(minutes=minutes))
    terms = st.sampled_from(("", "trasloco roma", "prezzi"))
    visits = draw(st.lists(st.builds(SomeVisit, moments, st.sampled_from(WORDS), terms), max_size=8))
    brought = st.builds(
        SomeConversion, st.sampled_from(("lead", "purchase")), moments,
        st.one_of(st.none(), st.integers(0, 99_999)), st.sampled_from(("EUR", "EUR", "USD")),
        st.sampled_from(("counted", "counted", "retracted")),
    )  # fmt: skip
    calls = draw(st.lists(a_call(moments, visits, brought), max_size=8))
    return History(zone, visits, calls)


def a_call(moments: Any, visits: list[SomeVisit], brought: Any) -> st.SearchStrategy[SomeCall]:
    verdicts = st.one_of(
        st.just((None, NOBODY, None)),
        st.just(("unknown", NOBODY, None)),
        st.just(("source", ("google", "cpc", ""), None)),
        st.just(("campaign", ("google", "cpc", "estate"), None)),
        *([st.sampled_from(visits).map(lambda visit: ("visit", visit.words, visit))] if visits else []),
    )
    return st.builds(
        judged,
        moments, st.integers(0, 2), st.sampled_from(OUTCOMES), verdicts, st.sampled_from((0.4, 0.7, 1.0)),
        st.lists(brought, max_size=2, unique_by=lambda one: one.kind),
    )  # fmt: skip


def judged(
    at: datetime,
    number: int,
    outcome: str | None,
    verdict: tuple[str | None, tuple[str, str, str], SomeVisit | None],
    p: float,
    brought: list[SomeConversion],
) -> SomeCall:
    level, words, visit = verdict
    return SomeCall(at, number, outcome, level, words, visit, p, brought)


def write(services: Services, company: Company, history: History) -> None:
    """Store a history; its company lives in its time zone."""
    set_zone(services, company, history.zone)
    moments = [visit.at for visit in history.visits] + [call.at for call in history.calls]
    with services.db.shared() as session:
        for at in {one.replace(day=1) for one in moments}:
            session.execute(text("SELECT make_partitions(:at, :at)"), {"at": at})
    history.visits[:] = [with_id(one) for one in history.visits]
    by_old = {(one.at, one.words, one.term): one for one in history.visits}
    for call in history.calls:
        if call.visit:
            call.visit = by_old[call.visit.at, call.visit.words, call.visit.term]
    add(services, company, history.visits, history.calls)


def with_id(visit: SomeVisit) -> SomeVisit:
    return replace(visit, id=new_id(visit.at))


def add(services: Services, company: Company, visits: Iterable[SomeVisit], calls: Iterable[SomeCall]) -> None:
    base = {"company_id": company.id}
    rows: dict[type, list[dict[str, Any]]] = {Visit: [], Call: [], Attribution: [], Conversion: []}
    for visit in visits:
        source, medium, campaign = visit.words
        rows[Visit].append(base | {
            "id": visit.id, "visitor_id": visit.id, "site_id": company.site_id, "started_at": visit.at,
            "last_seen_at": visit.at, "source": source, "medium": medium, "campaign": campaign,
            "term": visit.term, "content": "", "click_ids": {"gclid": visit.id.hex}, "ad_cookies": {},
            "referrer": "",
            "landing_url": f"https://www.prova.test/{visit.term}?gclid=x#top", "consent": None,
            "user_agent": "test",
        })  # fmt: skip
    for call in calls:
        rows[Call].append(base | {
            "id": call.id, "call_sid": call.id.hex, "number_id": company.number_ids[call.number],
            "location_id": company.location_id, "status": "completed", "outcome": call.outcome,
            "started_at": call.at, "changed_at": call.at, "talk_seconds": 0,
        })  # fmt: skip
        if call.level:
            rows[Attribution].append(base | call.columns() | {
                "id": new_id(), "call_id": call.id, "is_current": True, "decided_at": call.at,
                "model": "test", "probability": 0.0, "p_campaign": 0.0, "p_nobody": 0.0, "candidates": [],
                "reasons": [],
            })  # fmt: skip
        rows[Conversion].extend(
            base | {
                "id": one.id, "call_id": call.id, "kind": one.kind, "status": one.status,
                "value_minor": one.value_minor, "currency": one.currency, "occurred_at": one.at,
                "decided_by": "test", "reason": "", "created_at": one.at, "changed_at": one.at,
            } for one in call.brought
        )  # fmt: skip
    with services.db.tenant(company.id) as session:
        for table, values in rows.items():
            if values:
                session.execute(insert(table), values)


def set_zone(services: Services, company: Company, zone: str) -> None:
    with services.db.tenant(company.id) as session:
        session.execute(update(CompanyRow).where(CompanyRow.id == company.id).values(timezone=zone))

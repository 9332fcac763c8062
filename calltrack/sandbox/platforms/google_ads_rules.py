"""The twin of the Google Ads API's uploads: judges row by row, counts each conversion once, takes changes.

Messages come in as they are on the wire (raw protobuf); what is decided goes out as faults by row.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final

from calltrack.sandbox.platforms.google_ads_checks import (
    Fault,
    action_of,
    adjustment_fault,
    call_fault,
    click_fault,
    moment,
)
from calltrack.sandbox.platforms.journal import Effect, Journal, Seen

PLATFORM: Final = "google_ads"
_UPLOAD: Final = "conversion_upload_error"
_ADJUST: Final = "conversion_adjustment_upload_error"
SHOWN: Final = 50
_RETRACTION: Final = 2

Faults = dict[int, Fault]


class Books:
    """What the twin remembers beside the journal: when a conversion was last changed, counts by day."""

    def __init__(self, journal: Journal) -> None:
        """Start from what the journal kept of an earlier run."""
        self.journal = journal
        self._by_click: dict[tuple[str, str, str], str] = {}
        self._changed: dict[tuple[str, str, float], datetime] = {}
        self.days: dict[str, Counter[str]] = {}
        for effect in journal.effects(PLATFORM):
            self._by_click[(effect.target, effect.click, effect.occurred_at)] = effect.id

    def upload(
        self, customer: str, rows: Any, now: datetime, *, calls: bool, dry_run: bool, too_recent: bool
    ) -> Faults:
        """Judge and count conversions; returns the faults by row."""
        faults: Faults = {}
        seen: set[tuple[str, ...]] = set()
        written: list[Effect] = []
        with self.journal.lock:
            for index, row in enumerate(rows):
                check = call_fault if calls else click_fault
                effect = _effect(customer, row, now, calls=calls)
                fault = check(row, now, too_recent=too_recent) or self._repeated(
                    effect, seen, row, calls=calls
                )
                if fault is not None:
                    faults[index] = fault
                elif not dry_run:
                    self._count(effect)
                    written.append(effect)
                self._show(effect, fault, index, len(rows), dry_run=dry_run)
            self._note(rows, faults, now, dry_run=dry_run)
            self.journal.write(written)
        return faults

    def adjust(self, customer: str, rows: Any, now: datetime, *, dry_run: bool) -> Faults:
        """Judge and carry out adjustments; returns the faults by row."""
        faults: Faults = {}
        seen: set[tuple[str, ...]] = set()
        written: list[Effect] = []
        with self.journal.lock:
            for index, row in enumerate(rows):
                target = f"{customer}/{action_of(row.conversion_action)}"
                known = self.journal.known(PLATFORM, target, row.order_id)
                happened = moment(known.occurred_at) if known is not None else None
                fault = adjustment_fault(row, happened, now) or self._stale(row, known, seen)
                if fault is not None:
                    faults[index] = fault
                    if known is not None and fault.code in _ALREADY:
                        known.received += 1
                        self.journal.counts[f"{PLATFORM}.repeated"] += not dry_run
                elif known is not None and not dry_run:
                    self._change(known, row, now)
                    written.append(known)
                shown = known or _nothing(target, row.order_id, now)
                self._show(shown, fault, index, len(rows), dry_run=dry_run)
            self._note(rows, faults, now, dry_run=dry_run)
            self.journal.write(written)
        return faults

    def _repeated(self, effect: Effect, seen: set[tuple[str, ...]], row: Any, *, calls: bool) -> Fault | None:
        """Return why a conversion is one that is there already, by its order id or by click and time."""
        by_order = (effect.target, effect.id)
        by_click = (effect.target, effect.click, effect.occurred_at)
        named, what = (by_click if calls else by_order), ("CALL" if calls else "CLICK")
        if not calls and row.order_id and by_order in seen:
            return Fault(_UPLOAD, "DUPLICATE_ORDER_ID", "order_id", "Twice in this request.")
        if effect.click and by_click in seen:
            return Fault(_UPLOAD, f"DUPLICATE_{what}_CONVERSION_IN_REQUEST", "", "Twice in this request.")
        seen |= {named, by_click} if effect.click else {named}
        known = self.journal.known(PLATFORM, effect.target, effect.id)
        if known is None and effect.click:
            other = self._by_click.get(by_click)
            known = self.journal.known(PLATFORM, effect.target, other) if other is not None else None
        if known is None:
            return None
        known.received += 1
        self.journal.counts[f"{PLATFORM}.repeated"] += 1
        if not calls and known.id == effect.id:
            return Fault(_UPLOAD, "ORDER_ID_ALREADY_IN_USE", "order_id", "Already in use.")
        return Fault(_UPLOAD, f"{what}_CONVERSION_ALREADY_EXISTS", "", "This conversion already exists.")

    def _count(self, effect: Effect) -> None:
        self.journal.apply(effect)
        self.journal.counts[f"{PLATFORM}.counted"] += 1
        if effect.click:
            self._by_click[(effect.target, effect.click, effect.occurred_at)] = effect.id

    def _stale(self, row: Any, known: Effect | None, seen: set[tuple[str, ...]]) -> Fault | None:
        """Return why an adjustment changes nothing: said before, or later ones stand."""
        if known is None:
            return None
        this = (known.target, known.id, str(row.adjustment_type))
        if this in seen:
            return Fault(_ADJUST, "DUPLICATE_ADJUSTMENT_IN_REQUEST", "order_id", "Twice in this request.")
        seen.add(this)
        if known.retracted:
            return Fault(_ADJUST, "CONVERSION_ALREADY_RETRACTED", "order_id", "Already retracted.")
        at, last = moment(row.adjustment_date_time), self._changed.get(_key(known))
        if row.adjustment_type == _RETRACTION or at is None:
            return None
        if last is not None and at < last:
            return Fault(_ADJUST, "MORE_RECENT_RESTATEMENT_FOUND", "adjustment_date_time", "Too late.")
        if at == last or (last is None and _same_value(row, known)):
            return Fault(_ADJUST, "RESTATEMENT_ALREADY_EXISTS", "adjustment_date_time", "Already restated.")
        return None

    def _change(self, known: Effect, row: Any, now: datetime) -> None:
        known.received += 1
        known.changed_at = now.timestamp()
        at = moment(row.adjustment_date_time)
        if row.adjustment_type == _RETRACTION:
            known.retracted = True
        else:
            known.values = (*known.values, row.restatement_value.adjusted_value)[-16:]
            known.currency = row.restatement_value.currency_code or known.currency
        if at is not None:
            self._changed[_key(known)] = at
        self.journal.counts[f"{PLATFORM}.{'retracted' if known.retracted else 'replaced'}"] += 1

    def _note(self, rows: Any, faults: Faults, now: datetime, *, dry_run: bool) -> None:
        """Keep Google's own counts: what is already there is neither a success nor a failure of today."""
        if dry_run:
            return
        self.journal.counts[f"{PLATFORM}.requests"] += 1
        refused = sum(fault.code not in _ALREADY for fault in faults.values())
        self.journal.counts[f"{PLATFORM}.refused"] += refused
        day = self.days.setdefault(now.date().isoformat(), Counter())
        day["successful"] += len(rows) - len(faults)
        day["failed"] += refused

    def recent_days(self, now: datetime) -> list[tuple[str, Counter[str]]]:
        """Return the counts of the last seven days, newest first."""
        first = (now - timedelta(days=6)).date().isoformat()
        return sorted(((day, counts) for day, counts in self.days.items() if day >= first), reverse=True)

    def _show(self, effect: Effect, fault: Fault | None, index: int, count: int, *, dry_run: bool) -> None:
        if index < count - SHOWN:
            return
        status = "retracted" if effect.retracted else "replaced" if len(effect.values) > 1 else "counted"
        if dry_run and fault is None:
            status = "checked only"
        elif fault is not None:
            status = "repeated" if fault.code in _ALREADY else fault.code
        self.journal.recent.append(
            Seen(effect.changed_at, PLATFORM, effect.target, effect.id, effect.click,
                 effect.values[-1], effect.currency, status)
        )  # fmt: skip


_ALREADY: Final = frozenset(
    {
        "ORDER_ID_ALREADY_IN_USE",
        "CLICK_CONVERSION_ALREADY_EXISTS",
        "CALL_CONVERSION_ALREADY_EXISTS",
        "CONVERSION_ALREADY_RETRACTED",
        "RESTATEMENT_ALREADY_EXISTS",
        "MORE_RECENT_RESTATEMENT_FOUND",
    }
)


def _effect(customer: str, row: Any, now: datetime, *, calls: bool) -> Effect:
    at = now.timestamp()
    if calls:
        click = f"call {row.caller_id} {row.call_start_date_time}"
        id_ = f"{click} {row.conversion_date_time}"
        has_contacts = True
    else:
        click = row.gclid or row.gbraid or row.wbraid
        id_ = row.order_id or f"{click}@{row.conversion_date_time}"
        has_contacts = bool(row.user_identifiers)
    value = row.conversion_value if row.HasField("conversion_value") else None
    return Effect(
        platform=PLATFORM,
        target=f"{customer}/{action_of(row.conversion_action)}",
        id=id_,
        click=click,
        occurred_at=row.conversion_date_time,
        first_at=at,
        changed_at=at,
        currency=row.currency_code,
        values=(value,),
        has_contacts=has_contacts,
    )


def _key(effect: Effect) -> tuple[str, str, float]:
    """Name an effect; one that was forgotten and counted anew is another."""
    return effect.target, effect.id, effect.first_at


def _nothing(target: str, id_: str, now: datetime) -> Effect:
    return Effect(PLATFORM, target, id_, "", "", now.timestamp(), now.timestamp(), "", (None,))


def _same_value(row: Any, known: Effect) -> bool:
    """After a restart only the value tells whether a restatement was carried out before."""
    return len(known.values) > 1 and known.values[-1] == row.restatement_value.adjusted_value

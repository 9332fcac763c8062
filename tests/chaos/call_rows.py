"""Is the call stored as it was? Its rows beside what happened, and beside the same call in calm weather."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from sqlalchemy import select

from calltrack.calls.model import Call, Leg, Recording
from calltrack.infra.outbox import Fact
from calltrack.wiring import Services
from tests.calls.rows import Stored, plain
from tests.chaos.call_judge import Played, Verdict

SURELY_TALKED = 15
"""A shorter talk that nobody told us of may have been a mailbox's greeting: the records leave it open."""
MORE_THAN_TALK = 15
"""Seconds of a whisper that the carrier may count as talk."""
TIMES_AND_NAMES = {
    "call_sid", "started_at", "answered_at", "ended_at", "ring_seconds", "was_spooled", "flow_version",
    "leg_sid", "position", "recording_sid", "url",
}  # fmt: skip
"""What two runs of one call cannot share."""


def stored_calls(services: Services, company_id: UUID, sids: list[str]) -> dict[str, list[Stored]]:
    """Return the rows of these calls; more than one for a call would be a fault."""
    with services.db.tenant(company_id) as session:
        calls = list(session.scalars(select(Call).where(Call.call_sid.in_(sids))))
        ids = [call.id for call in calls]
        legs = list(session.scalars(select(Leg).where(Leg.call_id.in_(ids))))
        sounds = list(session.scalars(select(Recording).where(Recording.call_id.in_(ids))))
        found: dict[str, list[Stored]] = {}
        for call in calls:
            stored = Stored(
                plain(call),
                [plain(leg) for leg in legs if leg.call_id == call.id],
                [plain(one) for one in sounds if one.call_id == call.id],
            )
            found.setdefault(call.call_sid, []).append(stored)
        return found


def comparable(stored: Stored, tells_all: bool = True) -> dict[str, Any]:
    """Return what two runs of the same call must share.

    The network's code of the call is that of one of its phones; of several that end together, any.
    """
    left_out = TIMES_AND_NAMES if tells_all else {*TIMES_AND_NAMES, "sip_code"}

    def kept(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in left_out}

    return {
        **kept({**stored.call, "sip_code": None}),
        "legs": sorted((kept(leg) for leg in stored.legs), key=str),
        "recordings": sorted((kept(one) for one in stored.recordings), key=str),
    }


def differences(one: Stored, other: Stored, tells_all: bool = True) -> list[str]:
    """Say where two runs of a call differ; where reports were lost, the network's codes may be missing."""
    here, there = comparable(one, tells_all), comparable(other, tells_all)
    return [
        f"{name} is {here[name]}, in calm weather {there[name]}" for name in here if here[name] != there[name]
    ]


def row_problems(
    services: Services,
    company_id: UUID,
    call: Played,
    verdict: Verdict,
    rows: list[Stored],
    is_kept: bool = True,
) -> list[str]:
    """Say where the row of a call is not what happened; `is_kept`: what we were told found a place."""
    if len(rows) != 1:
        return [f"{len(rows)} rows"]
    row, journal = rows[0].call, call.journal
    caller = call.script.from_ if call.script.from_.startswith("+") else None
    expected_hash = services.vault.look_up(company_id, caller) if caller else None
    found = []
    if row["caller_hash"] != expected_hash:
        found.append("another caller")
    if row["ended_at"] is None:
        found.append("never ended")
    if row["ended_at"] is not None and (row["outcome"] == "answered") != row["is_bridged"]:
        found.append(f"joined: {row['is_bridged']}, but {row['outcome']}")
    if row["is_bridged"] and not journal.bridged:
        found.append("says that somebody talked, and nobody did")
    if journal.bridged and _must_be_known(call, is_kept):
        found += _talk_problems(call, verdict, row)
    if verdict.is_whole and is_kept:
        found += _way_problems(call, verdict, rows[0])
    return found


def _must_be_known(call: Played, is_kept: bool) -> bool:
    """Whether the talks can be known: each was reported, or the carrier's records of a plain call tell.

    Of a call that was answered before it rang, or goes on after the talk, the records leave it open.
    """
    files = iter(call.by_file)
    told, by_product = set(), False
    for entry in call.journal.requests:
        if entry.is_ok and not next(files):
            by_product = by_product or entry.purpose not in ("ended", "leg", "recording")
            if entry.sent.get("DialBridged") == "true":
                told.add(entry.sent.get("DialCallSid"))
    talks = sum(entry.kind == "connected" for entry in call.journal.entries)
    is_plain = not by_product or (not is_kept and call.flow is call.settings)
    return (is_kept and len(told) == talks) or (is_plain and call.journal.talk_seconds >= SURELY_TALKED)


def _talk_problems(call: Played, verdict: Verdict, row: dict[str, Any]) -> list[str]:
    talk = call.journal.talk_seconds
    found = []
    if not row["is_bridged"]:
        found.append(f"{talk} s of talk, and the row says {row['outcome']}")
    elif not talk - 1 <= row["talk_seconds"] <= talk + MORE_THAN_TALK:
        found.append(f"{talk} s of talk, and the row says {row['talk_seconds']} s")
    if row["is_bridged"] and row["answered_by"] != verdict.talked_with:
        found.append(f"talked with {verdict.talked_with}, and the row says {row['answered_by']}")
    return found


def _way_problems(call: Played, verdict: Verdict, stored: Stored) -> list[str]:
    """The steps a call came through, and what was recorded, as the walk through its flow says."""
    path = [] if call.flow is call.settings else verdict.walker.path
    keys = [step.rpartition("=")[2] for step in path if "=" in step]
    sounds = Counter(verdict.walker.recorded)
    found = []
    if list(stored.call["flow_path"]) != path:
        found.append(f"came through {path}, and the row says {stored.call['flow_path']}")
    if list(stored.call["keys"]) != keys:
        found.append(f"pressed {keys}, and the row says {stored.call['keys']}")
    if Counter((one["kind"], one["seconds"]) for one in stored.recordings) != sounds:
        found.append(f"recorded {sounds}, and the rows say {stored.recordings}")
    return found


def fact_problems(services: Services, company_id: UUID, calls: int) -> list[str]:
    """Each call must have begun once, in the words of the outbox, and be told as ended at least once."""
    with services.db.tenant(company_id) as session:
        rows = session.execute(
            select(Fact.kind, Fact.subject_id).where(Fact.kind.in_(("call.started", "call.ended")))
        ).all()
    begun = Counter(row.subject_id for row in rows if row.kind == "call.started")
    ended = {row.subject_id for row in rows if row.kind == "call.ended"}
    found = []
    if len(begun) != calls or set(begun.values()) != {1}:
        found.append(f"{calls} calls, {len(begun)} told as begun, {max(begun.values())} times at most")
    if ended != set(begun):
        found.append(f"{len(set(begun) - ended)} calls are not told as ended")
    return found

"""Reads who was shown a number at the moment of a call: the newest leases as one row of packed columns.

Each value that were made one by one would cost more than all the rest. A lease keeps what is asked of its
visit; where one of before keeps nothing, all are read with their visits (`holdings.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session
from sqlalchemy.types import LargeBinary

from calltrack.attribution.densities import Floats
from calltrack.attribution.facts import MOST_HOLDINGS
from calltrack.attribution.holders import NEVER, Holders
from calltrack.attribution.holdings import holdings_of
from calltrack.attribution.links import (
    OF_CALLER,
    Caller,
    Links,
    asked_of_caller,
    caller_in,
    links_of,
)
from calltrack.kernel.origin import source_key, words_of

# PostgreSQL counts microseconds from 2000 on; its infinity is the greatest number of 64 bits.
_Y2000: Final = 946_684_800_000_000
_INFINITY: Final = np.iinfo(np.int64).max
_ROW: Final = np.dtype(
    [("shown", ">i8"), ("seen", ">i8"), ("contact", ">i8"), ("copied", ">i8"), ("flags", "u1")]
)
LEFT, RETURNS, TAPPED = 1, 2, 4
# Control characters stand in no word of a campaign (kernel/touch.py).
_BETWEEN: Final = "\x1e"

# Newest first. A row without what it should keep of its visit makes `is_whole` false.
_SHOWN = text(
    f"""
    WITH l AS MATERIALIZED (
        SELECT visit_id, visitor_id, origin, device, region, is_returning, shown_from, last_seen_at, left_at,
               copied_at, contact_at, CASE WHEN taps <> '{{}}' THEN taps
                                WHEN tapped_at IS NOT NULL THEN ARRAY[tapped_at] END AS taps
        FROM lease
        WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND number_id = :number_id
          AND shown_from BETWEEN :since AND :until
        ORDER BY shown_from DESC, id DESC LIMIT :most
    ), packed AS (
        SELECT count(device) = count(*) AS is_whole,
               string_agg(uuid_send(visit_id), '') AS visits,
               string_agg(uuid_send(visitor_id), '') AS visitors,
               string_agg(timestamptz_send(shown_from) || timestamptz_send(last_seen_at)
                   || timestamptz_send(COALESCE(contact_at, 'infinity'))
                   || timestamptz_send(COALESCE(copied_at, 'infinity'))
                   || set_byte('\\x00', 0, (left_at IS NOT NULL)::int
                       + CASE WHEN is_returning THEN 2 ELSE 0 END
                       + CASE WHEN taps IS NULL THEN 0 ELSE 4 END), '') AS moments,
               string_agg(origin, E'\\x1e') AS origins,
               string_agg(device, E'\\x1e') AS devices,
               CASE WHEN count(region) > 0 THEN string_agg(coalesce(region, ''), E'\\x1e') END AS regions,
               array_agg(to_jsonb(ARRAY(SELECT date_part('epoch', tap) FROM unnest(taps) tap)))
                   FILTER (WHERE taps IS NOT NULL) AS taps
        FROM l
    ), known AS (
        SELECT jsonb_agg(jsonb_build_array(
                   encode(uuid_send(k.visitor_id), 'hex'), k.linked, k.taken, k.typed)) AS links
        FROM (
            SELECT p.visitor_id, max(p.p) FILTER (WHERE p.caller_hash = :caller) AS linked,
                   max(p.p) FILTER (WHERE p.caller_hash <> :caller) AS taken,
                   bool_or(p.kind = 'form' AND p.caller_hash = :caller) AS typed
            FROM phone_link p
            WHERE p.company_id = (SELECT CAST(:company_id AS uuid)) AND CAST(:caller AS bytea) IS NOT NULL
              AND p.visitor_id = ANY (ARRAY(SELECT visitor_id FROM l)) AND p.known_from < :at
            GROUP BY p.visitor_id
        ) k
    ), caller AS ({OF_CALLER})
    SELECT * FROM packed, known, caller
    """  # noqa: S608 - a statement of `links.py`
).bindparams(bindparam("caller", type_=LargeBinary()))


@dataclass(frozen=True)
class Seen:
    """Who was shown a number, and what was known of these visitors' phones and of the caller."""

    holders: Holders
    links: Links
    caller: Caller


def shown_to(
    session: Session,
    company_id: UUID,
    number_id: UUID,
    caller: bytes | None,
    since: datetime,
    until: datetime,
) -> Seen:
    """Return who was shown the number from `since` to `until`, the newest, and whose phone the caller's is.

    A visit that was shown it twice is one holder. Without a caller nothing is known of phones.
    """
    asked = asked_of_caller(company_id, caller, until) | {
        "number_id": number_id, "since": since, "until": until, "most": MOST_HOLDINGS
    }  # fmt: skip
    row = session.execute(_SHOWN, asked).one()
    if row.is_whole:
        holders = _unpacked(row) if row.moments else Holders.of(())
        return Seen(one_per_visit(holders), _links(row.links or ()), caller_in(row))
    holders = one_per_visit(Holders.of(holdings_of(session, company_id, number_id, since, until)))
    if caller is None:
        return Seen(holders, _links(()), caller_in(row))
    links = links_of(session, company_id, caller, set(holders.visitors), until)
    return Seen(holders, links, caller_in(row))


def one_per_visit(holders: Holders) -> Holders:
    """Join the times that one visit was shown the number into its first row; times are in time order."""
    if len(set(holders.visits)) == len(holders):
        return holders
    first: dict[str, int] = {}
    shown, seen, left = holders.shown_from.copy(), holders.last_seen.copy(), holders.left.copy()
    copied, contact, taps = holders.copied_at.copy(), holders.contact_at.copy(), dict(holders.taps)
    for row, visit in enumerate(holders.visits):
        place = first.setdefault(visit, row)
        if place == row:
            continue
        if seen[row] > seen[place]:
            seen[place], left[place] = seen[row], left[row]
        shown[place] = min(shown[place], shown[row])
        copied[place], contact[place] = min(copied[place], copied[row]), min(contact[place], contact[row])
        if row in taps:
            taps[place] = tuple(sorted((*taps.get(place, ()), *taps[row])))
    whole = replace(
        holders, shown_from=shown, last_seen=seen, left=left, copied_at=copied, contact_at=contact, taps=taps
    )
    return whole.rows(list(first.values()))


def _unpacked(row: Any) -> Holders:
    moments = np.frombuffer(row.moments, dtype=_ROW)[::-1]
    flags = moments["flags"]
    places: dict[str, int] = {}
    origin = [places.setdefault(word, len(places)) for word in reversed(row.origins.split(_BETWEEN))]
    tapped = np.flatnonzero(flags & TAPPED).tolist()
    return Holders(
        visits=_ids(row.visits),
        visitors=_ids(row.visitors),
        origins=tuple((word, source_key(*words_of(word)[:2])) for word in places),
        origin=np.array(origin, dtype=np.intp),
        shown_from=_seconds(moments["shown"]),
        last_seen=_seconds(moments["seen"]),
        left=(flags & LEFT).astype(bool),
        taps={place: tuple(told) for place, told in zip(tapped, reversed(row.taps or []), strict=True)},
        copied_at=_seconds(moments["copied"]),
        contact_at=_seconds(moments["contact"]),
        devices=row.devices.split(_BETWEEN)[::-1],
        regions=row.regions.split(_BETWEEN)[::-1] if row.regions is not None else (),
        returning=(flags & RETURNS).astype(bool),
    )


def _ids(packed: bytes) -> list[str]:
    """Return ids in hex, the last of the packed ones first."""
    whole = bytes(packed).hex()
    return [whole[at : at + 32] for at in range(len(whole) - 32, -1, -32)]


def _seconds(micros: np.ndarray) -> Floats:
    """Return seconds since 1970, to the digit as Python's own `timestamp` has them."""
    plain = micros.astype(np.int64)
    moments: Floats = np.where(plain == _INFINITY, NEVER, (plain + np.int64(_Y2000)) / 1e6)
    return moments


def _links(told: Sequence[Any]) -> Links:
    return Links(
        linked={visitor: linked for visitor, linked, _, _ in told if linked is not None},
        taken={visitor: taken for visitor, _, taken, _ in told if taken is not None},
        typed=frozenset(visitor for visitor, _, _, typed in told if typed),
    )

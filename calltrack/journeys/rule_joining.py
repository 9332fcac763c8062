"""The rules that join persons at work: on two who met, on the past, and taken back."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.infra.rows import one_of
from calltrack.infra.turns import take_turn
from calltrack.journeys.joining import Pair, are_apart, join
from calltrack.journeys.joins_model import PersonJoin, PersonKey
from calltrack.journeys.model import Person
from calltrack.journeys.person_rules import (
    DEFAULT,
    Keys,
    Outlook,
    PersonRules,
    Sign,
    decided,
    have_other_ids,
    outlook,
    read_person_rules,
)
from calltrack.journeys.rule_model import PersonRulesRow, PersonSuggestion
from calltrack.journeys.rules import SURE_ENOUGH, Known, bind
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id

LONGEST_NOTE: Final = 200
MOST_SIGNS: Final = 100_000
# Of the persons who typed one address, the first so many are held against all others: each against each
# would be fifty million pairs where ten thousand typed `no@example.com`. Once joined with a hub, all are one.
HUBS: Final = 20
_SIGNS: Final = text(
    """
    WITH addresses AS (
        SELECT email_hash, count(*) AS browsers FROM visitor_email
        WHERE company_id = :company_id GROUP BY email_hash HAVING count(*) > 1
    ), emails AS (
        SELECT a.email_hash, pv.person_id, a.browsers,
               row_number() OVER (PARTITION BY a.email_hash ORDER BY pv.person_id) AS place
        FROM addresses a
        JOIN visitor_email e ON e.company_id = :company_id AND e.email_hash = a.email_hash
        JOIN person_visitor pv ON pv.company_id = :company_id AND pv.visitor_id = e.visitor_id
        GROUP BY a.email_hash, pv.person_id, a.browsers
    ), numbers AS (
        SELECT phone_hash, count(*) AS browsers FROM visitor_phone
        WHERE company_id = :company_id GROUP BY phone_hash
    ), called AS (
        SELECT DISTINCT c.caller_hash, pv.visitor_id, pv.person_id, pc.person_id AS caller_id
        FROM attribution a
        JOIN call c ON c.company_id = a.company_id AND c.id = a.call_id
        JOIN visit v ON v.company_id = a.company_id AND v.id = a.visit_id
        JOIN person_visitor pv ON pv.company_id = v.company_id AND pv.visitor_id = v.visitor_id
        JOIN person_caller pc ON pc.company_id = c.company_id AND pc.caller_hash = c.caller_hash
        WHERE :with_calls AND a.company_id = :company_id AND a.is_current AND a.probability >= :sure
    ), callers AS (
        SELECT caller_hash, count(DISTINCT visitor_id) AS browsers FROM called GROUP BY caller_hash
    ), found AS (
        SELECT x.person_id AS one, y.person_id AS other, 'email' AS via, x.browsers
        FROM emails x JOIN emails y ON y.email_hash = x.email_hash AND y.place > x.place
        WHERE :with_emails AND x.place <= :hubs
        UNION ALL
        SELECT least(pc.person_id, pv.person_id), greatest(pc.person_id, pv.person_id), 'phone', n.browsers
        FROM visitor_phone p
        JOIN numbers n ON n.phone_hash = p.phone_hash
        JOIN person_caller pc ON pc.company_id = :company_id AND pc.caller_hash = p.phone_hash
        JOIN person_visitor pv ON pv.company_id = :company_id AND pv.visitor_id = p.visitor_id
        WHERE :with_phones AND p.company_id = :company_id AND pc.person_id <> pv.person_id
        UNION ALL
        SELECT least(caller_id, person_id), greatest(caller_id, person_id), 'call', callers.browsers
        FROM called JOIN callers USING (caller_hash) WHERE caller_id <> person_id
    )
    SELECT one, other, via, min(browsers)::int AS browsers FROM found
    GROUP BY one, other, via
    ORDER BY (min(browsers) > CAST(CASE via WHEN 'email' THEN :most_email ELSE :most_number END AS int))
        IS TRUE, one, other, via
    LIMIT :most
    """
)


@dataclass(frozen=True)
class Version:
    """A saved version of the rules; number 0 is what every company begins with."""

    number: int
    rules: PersonRules
    saved_at: datetime | None
    saved_by: str
    note: str
    doing: str
    joined: int
    """Persons it joined who are not taken apart again."""


@dataclass(frozen=True)
class Tried:
    """What rules would do to the past; `is_cut`: there are more pairs than were looked at."""

    outlook: Outlook
    is_cut: bool


@dataclass(frozen=True)
class Held:
    """Rules and their number."""

    number: int
    rules: PersonRules


def current_rules(session: Session, company_id: UUID) -> Held:
    """Return the rules that hold."""
    row = session.execute(
        select(PersonRulesRow.number, PersonRulesRow.rules)
        .where(PersonRulesRow.company_id == company_id)
        .order_by(PersonRulesRow.number.desc())
        .limit(1)
    ).one_or_none()
    return Held(row.number, read_person_rules(row.rules)) if row else Held(0, DEFAULT)


_VERSIONS: Final = text(
    """
    SELECT r.number, r.rules, r.saved_at, r.saved_by, r.note, r.doing,
           (SELECT count(*) FROM person_join j WHERE j.company_id = r.company_id
            AND j.rules_number = r.number AND j.undone_at IS NULL) AS joined
    FROM person_rules r WHERE r.company_id = :company_id ORDER BY r.number DESC LIMIT :most
    """
)


def versions(session: Session, company_id: UUID, most: int = 20) -> tuple[Version, ...]:
    """Return the versions, newest first; the last one is what every company begins with."""
    rows = session.execute(_VERSIONS, {"company_id": company_id, "most": most}).all()
    found = [Version(**{**row._mapping, "rules": read_person_rules(row.rules)}) for row in rows]
    return (*found, Version(0, DEFAULT, None, "", "", "", 0))


def save_person_rules(
    session: Session, company_id: UUID, given: Any, now: datetime, *, by: str, note: str = "",
    join_past: bool = False,
) -> int:  # fmt: skip
    """Save a version and return its number; with `join_past` a worker applies it to all who are known.

    Raises:
        BadInput: the rules cannot be read, or the note is too long.
    """
    rules = read_person_rules(given)
    if len(note) > LONGEST_NOTE:
        raise BadInput(f"Make the note shorter: at most {LONGEST_NOTE} characters.")
    take_turn(session, "persons", company_id)
    number = current_rules(session, company_id).number + 1
    session.add(
        PersonRulesRow(
            company_id=company_id, id=new_id(now), number=number, rules=rules.model_dump(), saved_at=now,
            saved_by=by, note=note, doing="join" if join_past else "", due_at=now if join_past else None,
            asked_by=by,
        )
    )  # fmt: skip
    session.flush()
    audit.note(session, company_id, by, "person_rules.save", str(number), now, join_past=join_past)
    return number


def ask_apart(session: Session, company_id: UUID, number: int, now: datetime, *, by: str) -> None:
    """Let a worker take apart whom a version joined: each as by hand, so that no rule joins them again.

    Raises:
        NotFound: there is no such version.
        Conflict: it is the one that holds and still joins; save other rules first.
    """
    take_turn(session, "persons", company_id)
    row = session.scalars(
        select(PersonRulesRow).where(PersonRulesRow.company_id == company_id, PersonRulesRow.number == number)
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such version of the rules.")
    if row.doing == "join":
        raise Conflict("This version is still joining; try again when it is done.")
    row.doing, row.due_at, row.asked_by = "part", now, by
    audit.note(session, company_id, by, "person_rules.part", str(number), now)


def consider(session: Session, company_id: UUID, sign: Sign, now: datetime, *, by: str = "") -> UUID | None:
    """Do with two persons what the rules say; whoever calls holds the turn.

    Returns who both are now; None: they stay two (for now, where somebody is asked).
    """
    return follow(session, company_id, sign, current_rules(session, company_id), now, by=by)


def follow(
    session: Session, company_id: UUID, sign: Sign, held: Held, now: datetime, *, by: str = ""
) -> UUID | None:
    """Do what these rules say with two persons; as `consider`."""
    rules = held.rules
    one, other = (session.get(Person, (company_id, id_)) for id_ in (sign.one, sign.other))
    if one is None or other is None or one.id == other.id:
        return None
    if sign.via != "key" and getattr(rules, sign.via) == "off":
        return None
    keys = keys_by_person(session, company_id, (one.id, other.id))
    other_ids = have_other_ids(keys.get(one.id, {}), keys.get(other.id, {}))
    does = decided(rules, sign.via, shared_by=sign.shared_by, other_ids=other_ids)
    if does == "off" or are_apart(session, company_id, Pair(one.id, other.id)):
        return None
    if does == "ask":
        _suggest(session, company_id, sign, now)
        return None
    both = bind(Known(one.id, one.created_at), Known(other.id, other.created_at))
    if both.keep is None or both.absorb is None:
        return None
    join(
        session,
        company_id,
        Pair(both.keep.id, both.absorb.id),
        sign.via,
        now,
        by=by,
        rules_number=held.number,
    )
    return both.keep.id


def try_rules(session: Session, company_id: UUID, rules: PersonRules) -> Tried:
    """Return what the rules would do to all who are known now; nothing is stored."""
    signs = find_signs(session, company_id, rules)
    keys = keys_by_person(session, company_id, {id_ for sign in signs for id_ in (sign.one, sign.other)})
    apart = _told_apart(session, company_id)
    pairs = {pair for sign in signs if (pair := frozenset((sign.one, sign.other))) in apart}
    return Tried(outlook(rules, signs, keys, pairs), len(signs) == MOST_SIGNS)


def find_signs(session: Session, company_id: UUID, rules: PersonRules) -> list[Sign]:
    """Return two persons each of whom a sign the rules ask for says that they are one, in order.

    Pairs whose sign is of more browsers than the rules allow come last: they take no other pair's place.
    """
    asked = {
        "company_id": company_id, "sure": SURE_ENOUGH, "most": MOST_SIGNS,
        "with_emails": rules.email != "off", "with_phones": rules.phone != "off",
        "with_calls": rules.call != "off", "hubs": HUBS,
        "most_email": rules.most("email"), "most_number": rules.most("phone"),
    }  # fmt: skip
    return [Sign(row.one, row.other, row.via, row.browsers) for row in session.execute(_SIGNS, asked)]


def keys_by_person(session: Session, company_id: UUID, ids: Collection[UUID]) -> dict[UUID, Keys]:
    """Return the hashes of each person's CRM ids by system."""
    rows = session.execute(
        select(PersonKey.person_id, PersonKey.system, PersonKey.key_hash).where(
            PersonKey.company_id == company_id, one_of(PersonKey.person_id, ids)
        )
    )
    found: dict[UUID, dict[str, set[bytes]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        found[row.person_id][row.system].add(row.key_hash)
    return {id_: {name: frozenset(all_) for name, all_ in of.items()} for id_, of in found.items()}


def _told_apart(session: Session, company_id: UUID) -> set[frozenset[UUID]]:
    """Return the pairs somebody said are two, each as the person it is part of now (see `are_apart`)."""
    refused = session.execute(
        select(PersonSuggestion.one_id, PersonSuggestion.other_id).where(
            PersonSuggestion.company_id == company_id, PersonSuggestion.decision == "apart"
        )
    ).all()
    pairs = select(PersonJoin.kept_id, PersonJoin.absorbed_id).where(PersonJoin.company_id == company_id)
    undone = session.execute(
        pairs.where(PersonJoin.undone_at.is_not(None), PersonJoin.via != "hand").distinct()
    ).all()
    if not refused and not undone:
        return set()
    into = {
        row.absorbed_id: row.kept_id for row in session.execute(pairs.where(PersonJoin.undone_at.is_(None)))
    }
    return {frozenset((_end(into, one), _end(into, other))) for one, other in (*refused, *undone)}


def _end(into: Mapping[UUID, UUID], id_: UUID) -> UUID:
    seen = {id_}
    while (following := into.get(id_)) is not None and following not in seen:
        seen.add(following)
        id_ = following
    return id_


def _suggest(session: Session, company_id: UUID, sign: Sign, now: datetime) -> None:
    first, second = sorted((sign.one, sign.other))
    row = insert(PersonSuggestion).values(
        company_id=company_id, id=new_id(now), one_id=first, other_id=second, via=sign.via, found_at=now,
        decision="open",
    )  # fmt: skip
    session.execute(row.on_conflict_do_nothing())

"""By which rules two persons are joined: read, told in words, decided, and tried on pairs. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calltrack.journeys.rules import CROWD, MOST_BROWSERS
from calltrack.kernel.errors import BadInput

Does = Literal["join", "ask", "off"]
Via = Literal["key", "call", "email", "phone"]
VIAS: Final[dict[Via, str]] = {
    "key": "one CRM id",
    "call": "a call from the one's number, surely made in the other's browser",
    "email": "one e-mail address typed in browsers of both",
    "phone": "the one's number typed in a browser of the other",
}
_WEAKER: Final = ("join", "ask", "off")
_Most = Annotated[int | None, Field(ge=1, le=1000)]


class PersonRules(BaseModel):
    """What each sign does to two persons, and what keeps them apart all the same.

    key, call, email, phone: as in `VIAS`. `other_crm_id`: what happens at most where both have ids in one CRM
    and none in common (a shared CRM id is never held up so). `most_by_email`, `most_by_number`: an address or
    a number of more browsers than that joins nobody; null: however many, but for a number typed in a crowd
    of them: anybody can type anybody's. `browsers_by_*`: whether a browser
    that is nobody's becomes a person's by what was typed in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    key: Does = "join"
    call: Does = "join"
    email: Does = "off"
    phone: Does = "off"
    other_crm_id: Does = "join"
    most_by_email: _Most = MOST_BROWSERS
    most_by_number: _Most = None
    browsers_by_email: bool = True
    browsers_by_phone: bool = True

    def most(self, via: Via) -> int | None:
        """Return of how many browsers a sign may be."""
        if via == "phone" and self.most_by_number is None:
            return CROWD
        return self.most_by_email if via == "email" else self.most_by_number


DEFAULT: Final = PersonRules()


def read_person_rules(given: Any) -> PersonRules:
    """Return the rules; what is left out is as every company begins.

    Raises:
        BadInput: they cannot be read; the text says where.
    """
    try:
        return PersonRules.model_validate(given)
    except ValidationError as problem:
        error = problem.errors(include_url=False)[0]
        place = ".".join(str(step) for step in error["loc"]) or "the rules"
        raise BadInput(f"The rules cannot be read at {place}: {error['msg']}.") from None


def decided(rules: PersonRules, via: Via, *, shared_by: int, other_ids: bool) -> Does:
    """Return what becomes of two persons.

    Args:
        rules: the rules that hold.
        via: the sign that both are one.
        shared_by: of how many browsers the sign is.
        other_ids: both have ids in one CRM, and none in common.
    """
    does: Does = getattr(rules, via)
    if via == "key":
        return does
    most = rules.most(via)
    if most is not None and shared_by > most:
        return "off"
    return max(does, rules.other_crm_id, key=_WEAKER.index) if other_ids else does


@dataclass(frozen=True)
class Sign:
    """Two persons of whom something says that they are one; `shared_by`: of how many browsers it is."""

    one: UUID
    other: UUID
    via: Via
    shared_by: int


Keys = Mapping[str, frozenset[bytes]]


@dataclass(frozen=True)
class Outlook:
    """What rules would do to the past."""

    joined: tuple[Sign, ...]
    asked: tuple[Sign, ...]
    left: int
    """Pairs with a sign that stay two: by a limit, by other CRM ids, or because somebody took them apart."""

    @property
    def persons_fewer(self) -> int:
        """How many persons become part of another one."""
        return len(self.joined)


def have_other_ids(one: Keys, other: Keys) -> bool:
    """Tell whether both have ids in one CRM, and none in common."""
    both = [one[system] & other[system] for system in one.keys() & other.keys()]
    return bool(both) and not any(both)


def outlook(
    rules: PersonRules, signs: Iterable[Sign], keys: Mapping[UUID, Keys],
    apart: Collection[frozenset[UUID]] = (),
) -> Outlook:  # fmt: skip
    """Return what the rules would do to these pairs, in their order: whoever is joined brings its CRM ids.

    `apart`: pairs somebody said are two; whoever is joined with one of them counts as that one.
    """
    groups: dict[UUID, _Group] = {}
    parted: dict[UUID, set[UUID]] = defaultdict(set)
    for pair in apart:
        for id_ in pair:
            parted[id_] |= pair - {id_}
    joined, asked, left = [], dict[frozenset[UUID], Sign](), 0
    for sign in signs:
        few, many = sorted(
            (groups.setdefault(id_, _Group({id_}, id_, keys.get(id_, {}))) for id_ in (sign.one, sign.other)),
            key=lambda group: len(group.members),
        )
        if few is many:
            continue
        other_ids = have_other_ids(few.keys, many.keys)
        does = decided(rules, sign.via, shared_by=sign.shared_by, other_ids=other_ids)
        if does == "off" or any(parted[id_] & many.members for id_ in few.members if id_ in parted):
            left += 1
        elif does == "ask":
            asked.setdefault(frozenset((few.first, many.first)), sign)
        else:
            joined.append(sign)
            many.take(few)
            groups |= dict.fromkeys(few.members, many)
    return Outlook(tuple(joined), tuple(asked.values()), left)


@dataclass
class _Group:
    """Persons who become one: which, the smallest id of theirs, and their CRM ids."""

    members: set[UUID]
    first: UUID
    keys: Keys

    def take(self, other: "_Group") -> None:
        """Become one with another, the smaller one: so nobody moves often, however many join."""
        self.members |= other.members
        self.first = min(self.first, other.first)
        names = {*self.keys, *other.keys}
        self.keys = {
            name: self.keys.get(name, frozenset()) | other.keys.get(name, frozenset()) for name in names
        }

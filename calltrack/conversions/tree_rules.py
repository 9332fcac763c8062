"""The rule tree of a company: ordered rules over the facts of a call, the first that fits decides.

A tree is plain data (stored as JSON, checked by these classes). Facts that are not known (no key was asked
for, no transcript was made) fit no condition that asks for them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from calltrack.accounts.rules import CompanySettings
from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import LARGEST_MINOR, currency_code

MOST_RULES, MOST_PARTS, DEEPEST = 50, 30, 4
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Mark = Literal["lead", "purchase", "nothing"]
Texts = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(min_length=1, max_length=50)
]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of one call when it is judged.

    told: the outcome somebody set (`purchase`, `lead`, `none`; empty: nobody did). earlier: when the same
    person was counted before. Facts that may be missing are None: nobody asked, nobody wrote it down.
    """

    started_at: datetime
    answered: bool
    talk_seconds: int
    is_withheld: bool = False
    told: str = ""
    keys: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    transcript: str | None = None
    source: str = ""
    medium: str = ""
    campaign: str = ""
    location: str = ""
    number: str = ""
    pool: str = ""
    timezone: str = "UTC"
    earlier: tuple[datetime, ...] = ()
    is_spam: bool = False


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Answered(_Part):
    """A person answered the call, or nobody did."""

    fact: Literal["answered"]
    yes: bool = True


class Talk(_Part):
    """They talked at least or at most so many seconds; nobody answered: 0."""

    fact: Literal["talk"]
    at_least: Annotated[int, Field(ge=0, le=86_400)] | None = None
    at_most: Annotated[int, Field(ge=0, le=86_400)] | None = None

    @model_validator(mode="after")
    def _has_a_limit(self) -> "Talk":
        if self.at_least is None and self.at_most is None:
            raise ValueError("talk needs at_least or at_most")
        return self


class Told(_Part):
    """Somebody set one of these outcomes."""

    fact: Literal["outcome"]
    any_of: Annotated[tuple[Literal["purchase", "lead", "none"], ...], Field(min_length=1)]


class Words(_Part):
    """The fact is one of these words, whatever their case; `key`, `tag` and `keyword`: one of them occurs."""

    fact: Literal["key", "tag", "keyword", "source", "medium", "campaign", "location", "number", "pool"]
    any_of: Texts


class Person(_Part):
    """The same person was not counted within so many days before (first_time), or was (returning)."""

    fact: Literal["first_time", "returning"]
    days: Annotated[int, Field(ge=1, le=365)]


class Hours(_Part):
    """The call began on one of these weekdays between two times, in the company's time zone.

    `until` itself is not within; an `until` before `since` runs past midnight and counts to the day it began.
    """

    fact: Literal["hours"]
    days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=7)] = DAYS  # type: ignore[assignment]  # all
    since: time = time(0)
    until: time | None = None

    @field_validator("since", "until")
    @classmethod
    def _is_a_plain_minute(cls, moment: time | None) -> time | None:
        if moment and moment.tzinfo:
            raise ValueError("times are in the company's time zone; leave the offset away")
        return moment


class Spam(_Part):
    """The call is marked as nuisance, or is not."""

    fact: Literal["spam"]
    yes: bool = True


Leaf = Annotated[Answered | Talk | Told | Words | Person | Hours | Spam, Field(discriminator="fact")]


class AllOf(_Part):
    """Every part holds; an empty list holds always."""

    all: Annotated[tuple["Condition", ...], Field(max_length=MOST_PARTS)]


class AnyOf(_Part):
    """At least one part holds."""

    any: Annotated[tuple["Condition", ...], Field(min_length=1, max_length=MOST_PARTS)]


class Not(_Part):
    """The part does not hold."""

    not_: Annotated["Condition", Field(alias="not")]


Condition = Leaf | AllOf | AnyOf | Not
for _group in (AllOf, AnyOf, Not):
    _group.model_rebuild()


class Value(_Part):
    """What the conversion is worth: nothing said, a fixed amount, or what the outcome says."""

    kind: Literal["none", "fixed", "outcome"] = "none"
    minor: Annotated[int, Field(ge=0, le=LARGEST_MINOR, description="In minor units (cents).")] | None = None
    currency: Annotated[str | None, Field(description="ISO 4217; the company's own if left out.")] = None

    @model_validator(mode="after")
    def _says_how_much(self) -> "Value":
        if (self.kind == "fixed") != (self.minor is not None):
            raise ValueError("minor is the amount of a fixed value, and of no other")
        if self.currency is not None:
            if self.kind != "fixed":
                raise ValueError("only a fixed value has a currency")
            try:
                currency_code(self.currency)
            except BadInput as problem:
                raise ValueError(str(problem)) from None
        return self


class Rule(_Part):
    """When the condition holds, the call is marked so."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$", description="Stays the same when it is moved.")]
    name: Annotated[str, Field(max_length=80)] = ""
    when: Condition
    mark: Mark
    value: Value = Value()

    @model_validator(mode="after")
    def _is_possible(self) -> "Rule":
        if depth_of(self.when) > DEEPEST:
            raise ValueError(f"conditions may be nested {DEEPEST} deep at most")
        if self.mark == "nothing" and self.value.kind != "none":
            raise ValueError("a call that is nothing has no value")
        if self.mark == "lead" and self.value.kind == "outcome":
            raise ValueError("an outcome names values of purchases; give a lead a fixed value or none")
        if self.mark == "purchase" and self.value.kind == "none":
            raise ValueError("a purchase needs a value: a fixed one, or the outcome's")
        return self


class Tree(_Part):
    """All rules of a company, the first that fits decides; where none fits the call is nothing."""

    rules: Annotated[tuple[Rule, ...], Field(max_length=MOST_RULES)]

    @model_validator(mode="after")
    def _names_each_once(self) -> "Tree":
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) != len(ids):
            raise ValueError("two rules have the same id")
        return self


@dataclass(frozen=True)
class Verdict:
    """What the tree makes of a call; `rule` is None where no rule fits."""

    mark: Mark
    rule: Rule | None
    value_minor: int | None = None
    currency: str | None = None


def read_tree(stored: Any) -> Tree:
    """Read a tree from plain data; raises BadInput naming the first thing that is wrong with it."""
    try:
        return Tree.model_validate(stored)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = [str(part) for part in first["loc"]]
        where = "".join(f" {int(part) + 1}" if part.isdigit() else f" {part}" for part in place[:2])
        raise BadInput(f"The rules are not right:{where or ' the tree'}: {first['msg']}.") from None


def default_tree(limits: CompanySettings) -> Tree:
    """Return the tree of a company that wrote none: answered, long enough, the caller's first in a while."""
    parts = (
        Answered(fact="answered"),
        Talk(fact="talk", at_least=limits.lead_min_talk_seconds),
        Person(fact="first_time", days=limits.lead_window_days),
    )
    return Tree(rules=(Rule(id="talk", name="A talk with a new caller", when=AllOf(all=parts), mark="lead"),))


def judge(tree: Tree, facts: Facts) -> Verdict:
    """Return what the first rule that fits makes of the call; no rule: nothing."""
    if is_set_aside(tree, facts):
        return Verdict("nothing", None)
    for rule in tree.rules:
        if holds(rule.when, facts):
            return Verdict(rule.mark, rule, rule.value.minor, rule.value.currency)
    return Verdict("nothing", None)


def is_set_aside(tree: Tree, facts: Facts) -> bool:
    """Tell whether a call is nothing because it is marked as nuisance.

    Somebody's own word counts more; a tree that asks about the mark itself decides itself.
    """
    return facts.is_spam and facts.told in ("", "none") and "spam" not in facts_asked(tree)


def holds(condition: Condition, facts: Facts) -> bool:
    """Tell whether a condition fits the facts of a call."""
    if isinstance(condition, AllOf):
        return all(holds(part, facts) for part in condition.all)
    if isinstance(condition, AnyOf):
        return any(holds(part, facts) for part in condition.any)
    if isinstance(condition, Not):
        return not holds(condition.not_, facts)
    if isinstance(condition, Answered):
        return facts.answered is condition.yes
    if isinstance(condition, Spam):
        return facts.is_spam is condition.yes
    if isinstance(condition, Talk):
        long_enough = condition.at_least is None or facts.talk_seconds >= condition.at_least
        return long_enough and (condition.at_most is None or facts.talk_seconds <= condition.at_most)
    if isinstance(condition, Told):
        return facts.told in condition.any_of
    if isinstance(condition, Person):
        is_known = last_before(facts, condition.days) is not None
        return is_known is (condition.fact == "returning")
    if isinstance(condition, Hours):
        return _is_within(condition, facts.started_at.astimezone(ZoneInfo(facts.timezone)))
    return _says(condition, facts)


def last_before(facts: Facts, days: int) -> datetime | None:
    """Return when the person was last counted within so many days before; a withheld caller never was."""
    if facts.is_withheld:
        return None
    window = timedelta(days=days)
    recent = [at for at in facts.earlier if timedelta(0) <= facts.started_at - at < window]
    return max(recent, default=None)


def parts_of(condition: Condition) -> Sequence[Condition]:
    """Return the parts a condition is made of; a plain one has none."""
    if isinstance(condition, AllOf):
        return condition.all
    if isinstance(condition, AnyOf):
        return condition.any
    return (condition.not_,) if isinstance(condition, Not) else ()


def depth_of(condition: Condition) -> int:
    """Return how deep conditions are nested; a plain one: 0."""
    parts = parts_of(condition)
    return 1 + max((depth_of(part) for part in parts), default=0) if parts else 0


def window_of(tree: Tree) -> timedelta:
    """Return how far back the tree looks at a person's earlier conversions; zero: not at all."""

    def days(condition: Condition) -> int:
        own = condition.days if isinstance(condition, Person) else 0
        return max([own, *(days(part) for part in parts_of(condition))])

    return timedelta(days=max((days(rule.when) for rule in tree.rules), default=0))


def facts_asked(tree: Tree) -> set[str]:
    """Return the names of the facts that the tree asks for."""

    def asked(condition: Condition) -> set[str]:
        own = {condition.fact} if not isinstance(condition, AllOf | AnyOf | Not) else set()
        return own.union(*(asked(part) for part in parts_of(condition)))

    return {fact for rule in tree.rules for fact in asked(rule.when)}


def _says(condition: Words, facts: Facts) -> bool:
    wanted = {word.casefold() for word in condition.any_of}
    if condition.fact == "keyword":
        text = f" {facts.transcript or ''} ".casefold()
        return any(word in text for word in wanted)
    known: Collection[str] | None
    known = {"key": facts.keys, "tag": facts.tags}.get(condition.fact) or ()
    if condition.fact not in ("key", "tag"):
        known = (str(getattr(facts, condition.fact)),)
    return any(word.casefold() in wanted for word in known if word)


def _is_within(hours: Hours, local: datetime) -> bool:
    now, day = local.time(), local.weekday()
    until = hours.until or time(0)
    if until > hours.since:
        return DAYS[day] in hours.days and hours.since <= now < until
    if now >= hours.since:
        return DAYS[day] in hours.days
    return now < until and DAYS[day - 1] in hours.days

"""The rules that join persons, tried on the past, taken back, and the suggestions they make."""

from datetime import datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field

from calltrack.api.access import needs
from calltrack.journeys.person_rules import Sign, read_person_rules
from calltrack.journeys.rule_joining import ask_apart, save_person_rules, try_rules, versions
from calltrack.journeys.suggestions import decide, suggestions
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services

EXAMPLES = 20


class JoiningVersion(BaseModel):
    """A version of the rules; number 0 is what every company begins with."""

    number: int
    rules: dict[str, Any]
    saved_at: datetime | None
    saved_by: str
    note: str
    doing: Annotated[str, Field(description="join or part while a worker does so, else empty.")]
    joined: Annotated[int, Field(description="Persons it joined who are not taken apart again.")]


class JoiningVersions(BaseModel):
    """Versions, newest first: the first one holds."""

    versions: list[JoiningVersion]


class JoiningGiven(BaseModel):
    """New rules."""

    rules: Annotated[dict[str, Any], Field(description="See docs/journeys.md.")]
    note: Annotated[str, Field(max_length=200)] = ""
    join_past: Annotated[bool, Field(description="Join all who are known already, in the background.")] = (
        False
    )


class JoiningTried(BaseModel):
    """Rules to try."""

    rules: dict[str, Any]


class SignShape(BaseModel):
    """Two persons, what says that they are one, and of how many browsers that is."""

    one_id: str
    other_id: str
    via: Annotated[str, Field(description="key, call, email or phone.")]
    shared_by: int


class OutlookShape(BaseModel):
    """What the rules would do to all who are known; nothing was changed."""

    persons_fewer: Annotated[int, Field(description="So many would become part of another person.")]
    asked: int
    left: Annotated[int, Field(description="Pairs with a sign that would stay two.")]
    is_cut: Annotated[bool, Field(description="There are more pairs than were looked at.")]
    examples: list[SignShape]


class JoiningNumber(BaseModel):
    """A version's number."""

    number: int


class SuggestionShape(BaseModel):
    """Two who may be one person."""

    id: str
    one_id: str
    other_id: str
    via: str
    found_at: datetime


class SuggestionList(BaseModel):
    """Open suggestions, newest first, at most 200."""

    suggestions: list[SuggestionShape]


class DecisionGiven(BaseModel):
    """What both are."""

    decision: Literal["join", "apart"]


class DecisionShape(BaseModel):
    """The join, by which it can be undone; null: they stay two."""

    join_id: str | None


def person_rules_of(services: Services) -> APIBlueprint:
    """Return the routes of rules that join persons."""
    blueprint = APIBlueprint(
        "api_person_rules", __name__, url_prefix="/api/v1/person-rules", tag="Persons"
    )  # fmt: skip
    _add_rules(blueprint, services)
    _add_suggestions(blueprint, services)
    return blueprint


def _add_rules(blueprint: APIBlueprint, services: Services) -> None:
    """List, save, try, take back."""

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(JoiningVersions)
    def list_person_rules() -> dict[str, Any]:
        """List the versions of the rules that join persons, newest first."""
        with services.db.tenant(g.asker.company_id) as session:
            found = versions(session, g.asker.company_id, 50)
        return {"versions": [vars(one) | {"rules": one.rules.model_dump()} for one in found]}

    @blueprint.post("")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(JoiningGiven, arg_name="given")
    @blueprint.output(JoiningNumber, status_code=201)
    def save_joining(given: JoiningGiven) -> tuple[dict[str, int], int]:
        """Save a version; it holds from now on, and for all who are known where that is asked."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            number = save_person_rules(
                session, company_id, given.rules, services.clock(), by=g.asker.name, note=given.note,
                join_past=given.join_past,
            )  # fmt: skip
        services.nudges.wake("join_persons", str(company_id))
        return {"number": number}, 201

    @blueprint.post("/preview")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(JoiningTried, arg_name="given")
    @blueprint.output(OutlookShape)
    def try_joining(given: JoiningTried) -> dict[str, Any]:
        """Try rules on all who are known: how many would be joined, and examples."""
        rules = read_person_rules(given.rules)
        with services.db.tenant(g.asker.company_id) as session:
            tried = try_rules(session, g.asker.company_id, rules)
        seen = tried.outlook
        return {
            "persons_fewer": seen.persons_fewer, "asked": len(seen.asked), "left": seen.left,
            "is_cut": tried.is_cut, "examples": [_sign(one) for one in seen.joined[:EXAMPLES]],
        }  # fmt: skip

    @blueprint.post("/<version>/undo")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.output(JoiningNumber, status_code=202)
    def undo_version(version: str) -> tuple[dict[str, int], int]:
        """Take apart whom a version joined, in the background; no rule joins them again."""
        if not version.isdecimal() or len(version) > 6:
            raise NotFound(f"There is no version {version[:20]!r}; `GET /api/v1/person-rules` lists them.")
        number = int(version)
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            ask_apart(session, company_id, number, services.clock(), by=g.asker.name)
        services.nudges.wake("join_persons", str(company_id))
        return {"number": number}, 202


def _add_suggestions(blueprint: APIBlueprint, services: Services) -> None:
    """List suggestions, and decide."""

    @blueprint.get("/suggestions")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(SuggestionList)
    def list_suggestions() -> dict[str, Any]:
        """List two by two who may be one person, newest first."""
        with services.db.tenant(g.asker.company_id) as session:
            found = suggestions(session, g.asker.company_id, 200)
        ids = ("id", "one_id", "other_id")
        return {"suggestions": [vars(one) | {name: str(getattr(one, name)) for name in ids} for one in found]}

    @blueprint.post("/suggestions/<suggestion_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.input(DecisionGiven, arg_name="given")
    @blueprint.output(DecisionShape)
    def decide_pair(suggestion_id: str, given: DecisionGiven) -> dict[str, Any]:
        """Join both, or say that they are two: then no rule joins them."""
        company_id, now = g.asker.company_id, services.clock()
        with services.db.tenant(company_id) as session:
            made = decide(
                session, company_id, parse_id(suggestion_id), given.decision, now, by=g.asker.name
            )  # fmt: skip
        for job in ("handle_facts", "keep_journeys"):
            services.nudges.wake(job, str(company_id))
        return {"join_id": str(made) if made else None}


def _sign(one: Sign) -> dict[str, Any]:
    return {
        "one_id": str(one.one), "other_id": str(one.other), "via": one.via, "shared_by": one.shared_by,
    }  # fmt: skip

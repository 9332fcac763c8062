"""The rules that make calls leads and purchases: read them, try them on the past, replace them."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field

from calltrack.api.access import needs
from calltrack.conversions.dry_run import DAYS, MOST_DAYS, DryRun, dry_run
from calltrack.conversions.names import names_of
from calltrack.conversions.tree_rules import Tree, read_tree
from calltrack.conversions.tree_words import tree_sentences
from calltrack.conversions.versions import MOST_PAST_DAYS, Rulebook, rulebook, save_rules
from calltrack.wiring import Services

RULES = Field(
    description="Ordered rules, the first that fits decides. Each: id, name, when (a condition), mark (lead,"
    " purchase, nothing), value ({kind: none|fixed|outcome, minor, currency}). A condition is a fact"
    ' ({"fact": "talk", "at_least": 60}) or {"all": [...]}, {"any": [...]}, {"not": ...}.',
    max_length=50,
)


class RulesShape(BaseModel):
    """The rules that judge calls from now on."""

    version: Annotated[int, Field(description="0: nobody wrote rules; they follow from the settings.")]
    applies_since: Annotated[datetime | None, Field(description="Calls from then on are judged by it.")]
    rules: Annotated[list[dict[str, Any]], RULES]
    sentences: Annotated[list[str], Field(description="The same in plain sentences.")]


class NewRules(BaseModel):
    """Rules to save as a new version."""

    rules: Annotated[list[dict[str, Any]], RULES]
    past_days: Annotated[
        int,
        Field(description="Judge calls of so many past days again; 0: from now on.", ge=0, le=MOST_PAST_DAYS),
    ] = 0
    note: Annotated[str, Field(max_length=300)] = ""
    expected_version: Annotated[
        int | None, Field(description="Refuse if somebody saved another version since this one.", ge=0)
    ] = None


class Trial(BaseModel):
    """Rules to try on the past."""

    rules: Annotated[list[dict[str, Any]], RULES]
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = DAYS


class ChangeShape(BaseModel):
    """A call that these rules would mark otherwise."""

    call_id: str
    started_at: datetime
    before: str
    after: str
    reason: str


class TrialShape(BaseModel):
    """What the rules would have made of the past calls; nothing was changed."""

    sentence: str
    days: int
    calls: int
    marked_now: int
    marked_then: int
    changed: Annotated[int, Field(description="How many calls differ; at most 200 are listed.")]
    changes: list[ChangeShape]


def rules_of(services: Services) -> APIBlueprint:
    """Return the routes of the rules."""
    blueprint = APIBlueprint(
        "api_conversion_rules", __name__, url_prefix="/api/v1/conversion-rules", tag="Conversion rules"
    )

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(RulesShape)
    def read_rules() -> dict[str, Any]:
        """Read the rules that make calls leads and purchases."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            return _shape(rulebook(session, company_id), names_of(session, company_id))

    @blueprint.put("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(NewRules, arg_name="told")
    @blueprint.output(RulesShape)
    def put_rules(told: NewRules) -> dict[str, Any]:
        """Save new rules; with past_days, past calls are judged again and adjusted, never counted twice."""
        company_id = g.asker.company_id
        tree = read_tree({"rules": told.rules})
        with services.db.tenant(company_id) as session:
            save_rules(
                session, company_id, tree, g.asker.name, services.clock(),
                past_days=told.past_days, note=told.note, expected=told.expected_version,
            )  # fmt: skip
            shape = _shape(rulebook(session, company_id), names_of(session, company_id))
        services.nudges.wake("handle_facts", str(company_id))
        return shape

    @blueprint.post("/dry-run")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(Trial, arg_name="told")
    @blueprint.output(TrialShape)
    def try_rules(told: Trial) -> dict[str, Any]:
        """Tell what rules would have made of the past days' calls; changes nothing."""
        tree = read_tree({"rules": told.rules})
        with services.db.tenant(g.asker.company_id) as session:
            return _trial(dry_run(session, g.asker.company_id, tree, services.clock(), told.days))

    return blueprint


def _shape(book: Rulebook, names: dict[str, str]) -> dict[str, Any]:
    newest = book.newest
    return {
        "version": newest.number,
        "applies_since": newest.applies_since,
        "rules": _plain(newest.tree),
        "sentences": list(tree_sentences(newest.tree, book.currency, names)),
    }


def _plain(tree: Tree) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = tree.model_dump(mode="json", by_alias=True, exclude_none=True)["rules"]
    return rules


def _trial(seen: DryRun) -> dict[str, Any]:
    return {
        "sentence": seen.sentence,
        "days": seen.days,
        "calls": seen.calls,
        "marked_now": seen.marked_now,
        "marked_then": seen.marked_then,
        "changed": seen.changed,
        "changes": [
            {
                "call_id": str(one.call_id),
                "started_at": one.started_at,
                "before": one.before,
                "after": one.after,
                "reason": one.reason,
            }
            for one in seen.changes
        ],
    }

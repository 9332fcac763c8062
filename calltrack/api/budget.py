"""Budget advice, its limits and record, and other splits tried.

Budgets at platforms are changed by a person on the page only: no key does that.
"""

from typing import Any

from apiflask import APIBlueprint
from flask import g

from calltrack.api.access import needs
from calltrack.api.budget_shapes import (
    AdviceShape,
    ConstraintsShape,
    LimitShape,
    RecordShape,
    TriedShape,
    WishedShape,
)
from calltrack.budgets.keeping import HUNDREDTHS, Kept, Limit, keep, kept_by
from calltrack.budgets.making import advise_now
from calltrack.budgets.queries import AdviceView, advice_now
from calltrack.budgets.record import past_advice
from calltrack.budgets.trying import try_split
from calltrack.budgets.units import units_of
from calltrack.budgets.weekly import campaigns_of
from calltrack.kernel.errors import BadFields, NotFound
from calltrack.wiring import Services


def budget_of(services: Services) -> APIBlueprint:
    """Return the routes."""
    blueprint = APIBlueprint("api_budget", __name__, url_prefix="/api/v1/budget", tag="Budget")

    @blueprint.get("/advice")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(AdviceShape)
    def read_budget_advice() -> dict[str, Any]:
        """Read the newest advice: what to cut, what to raise, how sure that is and why."""
        with services.db.tenant(g.asker.company_id) as session:
            return _advice(advice_now(session, g.asker.company_id))

    @blueprint.post("/advice")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(AdviceShape)
    def make_budget_advice() -> dict[str, Any]:
        """Make the advice anew from what is known now; equal inputs give the same one."""
        said = advise_now(services, g.asker.company_id)
        with services.db.tenant(g.asker.company_id) as session:
            return _advice(advice_now(session, g.asker.company_id), said)

    @blueprint.post("/what-if")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.input(WishedShape, arg_name="wished")
    @blueprint.output(TriedShape)
    def try_budget_split(wished: WishedShape) -> dict[str, Any]:
        """Say what a week with another split would bring; nothing is stored."""
        with services.db.tenant(g.asker.company_id) as session:
            now = services.clock()
            found = try_split(session, g.asker.company_id, wished.amounts, now, strict=True)
        if found is None:
            raise NotFound("There is no spend with conversions to work this out from yet.")
        return found

    _add_constraints(blueprint, services)

    @blueprint.get("/record")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(RecordShape)
    def read_budget_record() -> dict[str, Any]:
        """Read past advice against what happened in the week after it."""
        with services.db.tenant(g.asker.company_id) as session:
            rows = past_advice(session, g.asker.company_id)
        return {
            "advice": [
                {
                    "id": str(row.id),
                    "week": row.week,
                    "made_at": row.made_at,
                    "recommended": row.result["recommended"],
                    "p_gain": row.result["p_gain"],
                    "after": {
                        "week": row.after_week,
                        "followed": row.after["followed"],
                        "word": row.after["word"],
                        "spend_minor": row.after["spend"],
                        "conversions": row.after["conversions"],
                        "value_minor": row.after["value"],
                    }
                    if row.after
                    else None,
                }
                for row in rows
            ]
        }

    return blueprint


def _add_constraints(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.get("/constraints")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(ConstraintsShape)
    def read_budget_constraints() -> dict[str, Any]:
        """Read what advice has to keep to."""
        return _constraints(services)

    @blueprint.put("/constraints")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(ConstraintsShape, arg_name="wanted")
    @blueprint.output(ConstraintsShape)
    def change_budget_constraints(wanted: ConstraintsShape) -> dict[str, Any]:
        """Replace what advice has to keep to; advice is made anew."""
        with services.db.tenant(g.asker.company_id) as session:
            keys = {unit.id: unit.key for unit in units_of(campaigns_of(session, g.asker.company_id))}
            if unknown := sorted(set(wanted.budgets) - set(keys)):
                raise BadFields(
                    f"There is no budget {unknown[0][:40]!r}; the advice lists their ids.",
                    {"budgets": "An id is unknown."},
                )
            limits = {
                keys[id_]: Limit(floor=one.floor_minor, cap=one.cap_minor, locked=one.locked)
                for id_, one in wanted.budgets.items()
            }
            kept = Kept(
                counts=wanted.counts,
                total_minor=wanted.total_minor,
                most_change=round(wanted.most_change * HUNDREDTHS),
                late_share=round(wanted.late_share * HUNDREDTHS),
                limits=limits,
            )
            keep(session, g.asker.company_id, kept, services.clock(), by=g.asker.name)
        advise_now(services, g.asker.company_id)
        return _constraints(services)


def _advice(found: AdviceView | None, said: str = "") -> dict[str, Any]:
    if found is None:
        raise NotFound(said or "There is no advice yet: it needs spend that is matched with campaigns.")
    return found.result | {"id": str(found.id), "made_at": found.made_at}


def _constraints(services: Services) -> dict[str, Any]:
    with services.db.tenant(g.asker.company_id) as session:
        kept = kept_by(session, g.asker.company_id)
        units = units_of(campaigns_of(session, g.asker.company_id))
    limits = {
        unit.id: LimitShape(floor_minor=one.floor, cap_minor=one.cap, locked=one.locked).model_dump()
        for unit in units
        for one in [next((kept.limits[key] for key in unit.keys if key in kept.limits), None)]
        if one is not None
    }
    return {
        "counts": kept.counts,
        "total_minor": kept.total_minor,
        "most_change": kept.most_change / HUNDREDTHS,
        "late_share": kept.late_share / HUNDREDTHS,
        "budgets": limits,
    }

"""Monthly budgets over the API: spent so far, forecast with interval, alert."""

from typing import Any

from apiflask import APIBlueprint
from flask import g

from calltrack.api.access import needs
from calltrack.api.budget_shapes import PaceForm, PaceShape, PacesShape
from calltrack.budgets.months import PaceRow, add_pace, change_pace, paces, remove_pace
from calltrack.budgets.pace_alert import tell_pace
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services


def pacing_of(services: Services) -> APIBlueprint:
    """Return the routes of monthly budgets."""
    blueprint = APIBlueprint("api_pacing", __name__, url_prefix="/api/v1/budget/pacing", tag="Budget")

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(PacesShape)
    def read_pacing() -> dict[str, Any]:
        """List the monthly budgets: spent so far, forecast with interval, alert."""
        with services.db.tenant(g.asker.company_id) as session:
            rows = paces(session, g.asker.company_id, services.clock())
        return {"budgets": [_pace(row) for row in rows]}

    @blueprint.post("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[409])
    @blueprint.input(PaceForm, arg_name="wanted")
    @blueprint.output(PaceShape, status_code=201)
    def add_pacing(wanted: PaceForm) -> dict[str, Any]:
        """Watch a monthly budget; owners are told when it will be missed."""
        company_id, now = g.asker.company_id, services.clock()
        with services.db.tenant(company_id) as session:
            id_ = add_pace(
                session, company_id, wanted.name, wanted.amount_minor, wanted.campaigns, now,
                by=g.asker.name,
            )  # fmt: skip
            rows = paces(session, company_id, now)
        tell_pace(services, company_id)
        return _pace(next(row for row in rows if row.id == id_))

    @blueprint.put("/<pace_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.input(PaceForm, arg_name="wanted")
    @blueprint.output(PaceShape)
    def change_pacing(pace_id: str, wanted: PaceForm) -> dict[str, Any]:
        """Replace a monthly budget's name, amount and campaigns, from the present month on."""
        company_id, now, id_ = g.asker.company_id, services.clock(), parse_id(pace_id)
        with services.db.tenant(company_id) as session:
            change_pace(
                session, company_id, id_, wanted.name, wanted.amount_minor, wanted.campaigns, now,
                by=g.asker.name,
            )  # fmt: skip
            rows = paces(session, company_id, now)
        tell_pace(services, company_id)
        return _pace(next(row for row in rows if row.id == id_))

    @blueprint.delete("/<pace_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output({}, status_code=204)
    def remove_pacing(pace_id: str) -> str:
        """Watch a monthly budget no more."""
        with services.db.tenant(g.asker.company_id) as session:
            remove_pace(session, g.asker.company_id, parse_id(pace_id), services.clock(), by=g.asker.name)
        tell_pace(services, g.asker.company_id)
        return ""

    return blueprint


def _pace(row: PaceRow) -> dict[str, Any]:
    forecast = row.found.forecast
    return {
        "id": str(row.id),
        "name": row.name,
        "campaigns": list(row.campaigns),
        "month": row.month.first,
        "known_until": row.month.known,
        "budget_minor": row.found.budget,
        "spent_minor": row.found.spent,
        "even_by_now_minor": row.found.by_now,
        "forecast_minor": {name: round(getattr(forecast, name)) for name in ("mean", "low", "high")},
        "alert": row.found.alert,
        "text": row.text,
        "spent_by_day_minor": list(row.spent_by_day),
        "costs_without_rate": row.without_rate,
    }

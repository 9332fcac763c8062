"""Mount the API on the app of the web surface."""

from typing import Any

from apiflask import APIBlueprint, APIFlask, HTTPError
from flask import Flask, Response, jsonify
from flask.sansio.blueprints import Blueprint

from calltrack.api.attribution_models import attribution_models_of
from calltrack.api.audiences import audiences_of
from calltrack.api.blocked_callers import blocked_of, spam_of
from calltrack.api.budget import budget_of
from calltrack.api.budget_tests import budget_tests_of
from calltrack.api.calibration import calibration_of, judgings_of
from calltrack.api.call_backs import call_backs_of
from calltrack.api.call_flows import call_flows_of
from calltrack.api.calls import calls_of
from calltrack.api.conversion_rules import rules_of
from calltrack.api.conversions import conversions_of
from calltrack.api.credit import credit_of
from calltrack.api.crm import crm_of
from calltrack.api.crm_hook import hook_of
from calltrack.api.deliveries import deliveries_of
from calltrack.api.destinations import answers_api_of, destinations_of, notices_of
from calltrack.api.erasures import erasures_of
from calltrack.api.journeys import journeys_of
from calltrack.api.messages import messages_of
from calltrack.api.number_mending import number_mending_of
from calltrack.api.number_orders import orders_of as number_orders_of
from calltrack.api.numbers import numbers_of
from calltrack.api.outcome_imports import imports_of
from calltrack.api.outcome_links import links_of
from calltrack.api.pacing import pacing_of
from calltrack.api.people import care_of, missed_of, tags_of
from calltrack.api.person_rules import person_rules_of
from calltrack.api.persons import persons_of, touchpoints_of
from calltrack.api.phone_systems import phone_systems_of
from calltrack.api.pool_advice import pool_advice_of
from calltrack.api.pools import pools_of
from calltrack.api.report_mails import report_mails_of
from calltrack.api.reports import reports_of
from calltrack.api.segments import segments_of
from calltrack.api.spend import spend_of
from calltrack.api.spend_files import spend_files_of
from calltrack.api.story import story_of
from calltrack.api.visits import visits_of
from calltrack.api.webhooks import add_webhooks
from calltrack.wiring import Services

SPEC_PATH = "/api/v1/openapi.json"
# What to do where no single field is wrong.
NEXT_STEPS = {
    400: "What was sent cannot be read or stored; check its form, its nesting and its characters.",
    404: f"Nothing is at this address; {SPEC_PATH} lists all there is.",
    405: f"This address takes another method; {SPEC_PATH} says which.",
    413: "Too much at once: send fewer rows, or a file in smaller parts.",
    415: "Send JSON with the header Content-Type: application/json.",
}


class _DescribedApp(APIFlask):
    """Takes the pages' blueprints, too: they are no part of the description."""

    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Add a blueprint; a plain one lacks the mark the description asks for."""
        if not isinstance(blueprint, APIBlueprint):
            blueprint.enable_openapi = False  # type: ignore[attr-defined]  # APIFlask reads it of every one
        super().register_blueprint(blueprint, **options)


def new_app(name: str) -> APIFlask:
    """Return a Flask app that also describes its API; errors stay problem documents of our own."""
    app = _DescribedApp(
        name,
        title="calltrack API",
        version="1",
        spec_path=SPEC_PATH,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]  # Flask takes None; APIFlask only says otherwise
    )
    app.error_processor(_explain)
    app.spec_processor(add_webhooks)
    app.config["OPENAPI_VERSION"] = "3.1.0"
    app.security_schemes = {
        "ApiKey": {"type": "http", "scheme": "bearer", "description": "An API key of the company."}
    }
    return app


def _explain(problem: HTTPError) -> tuple[Response, int]:
    """Answer what does not fit the description as a problem document that names each field."""
    fields = {
        name: messages
        for place in (problem.detail or {}).values()
        if isinstance(place, dict)
        for name, messages in place.items()
    }
    detail = "Change the fields named here." if fields else NEXT_STEPS.get(problem.status_code, "")
    answer = jsonify(
        status=problem.status_code,
        title=problem.message,
        detail=detail
        or "Send the request in another way; the description of the API is at " + SPEC_PATH + ".",
        fields=fields,
    )
    answer.mimetype = "application/problem+json"
    return answer, problem.status_code


def register(app: Flask, services: Services) -> None:
    """Add every resource of the API."""
    for blueprint_of in (
        attribution_models_of,
        calibration_of,
        judgings_of,
        audiences_of,
        budget_of,
        pacing_of,
        budget_tests_of,
        calls_of,
        call_flows_of,
        story_of,
        blocked_of,
        spam_of,
        care_of,
        call_backs_of,
        missed_of,
        erasures_of,
        tags_of,
        messages_of,
        visits_of,
        conversions_of,
        rules_of,
        deliveries_of,
        destinations_of,
        answers_api_of,
        notices_of,
        numbers_of,
        number_orders_of,
        number_mending_of,
        pool_advice_of,
        pools_of,
        reports_of,
        report_mails_of,
        credit_of,
        phone_systems_of,
        crm_of,
        links_of,
        imports_of,
        spend_of,
        spend_files_of,
        persons_of,
        touchpoints_of,
        journeys_of,
        person_rules_of,
        segments_of,
    ):
        app.register_blueprint(blueprint_of(services))
    app.register_blueprint(hook_of(services))

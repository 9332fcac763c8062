"""Mount the API on the app of the web surface."""

from typing import Any

from apiflask import APIBlueprint, APIFlask, HTTPError
from flask import Flask, Response, jsonify
from flask.sansio.blueprints import Blueprint

from calltrack.api.audiences import audiences_of
from calltrack.api.calls import calls_of
from calltrack.api.conversion_rules import rules_of
from calltrack.api.conversions import conversions_of
from calltrack.api.crm import crm_of
from calltrack.api.crm_hook import hook_of
from calltrack.api.deliveries import deliveries_of
from calltrack.api.destinations import answers_api_of, destinations_of, notices_of
from calltrack.api.numbers import numbers_of
from calltrack.api.outcome_imports import imports_of
from calltrack.api.outcome_links import links_of
from calltrack.api.visits import visits_of
from calltrack.wiring import Services

SPEC_PATH = "/api/v1/openapi.json"


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
    answer = jsonify(
        status=problem.status_code,
        title=problem.message,
        detail="Change the fields named here.",
        fields=fields,
    )
    answer.mimetype = "application/problem+json"
    return answer, problem.status_code


def register(app: Flask, services: Services) -> None:
    """Add every resource of the API."""
    for blueprint_of in (
        audiences_of,
        calls_of,
        visits_of,
        conversions_of,
        rules_of,
        deliveries_of,
        destinations_of,
        answers_api_of,
        notices_of,
        numbers_of,
        crm_of,
        links_of,
        imports_of,
    ):
        app.register_blueprint(blueprint_of(services))
    app.register_blueprint(hook_of(services))

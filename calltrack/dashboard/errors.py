"""Failures of use cases as pages: what happened and the next step."""

from flask import Blueprint, Response

from calltrack.accounts.passwords import TooBusy
from calltrack.dashboard.security import error_page
from calltrack.kernel.errors import BadInput, Conflict, NotAllowed, NotFound
from calltrack.telephony import carrier


def explain_errors(blueprint: Blueprint) -> None:
    """Let the blueprint turn the kernel's failures into pages."""
    blueprint.errorhandler(NotFound)(_not_found)
    blueprint.errorhandler(BadInput)(_bad_input)
    blueprint.errorhandler(NotAllowed)(_not_allowed)
    blueprint.errorhandler(Conflict)(_conflict)
    blueprint.errorhandler(TooBusy)(_too_busy)
    blueprint.errorhandler(carrier.Retry)(_carrier_unwell)
    blueprint.errorhandler(carrier.Refused)(_carrier_refused)


def _not_found(problem: NotFound) -> Response:
    return error_page(404)


def _bad_input(problem: BadInput) -> Response:
    return error_page(400, advice=str(problem))


def _not_allowed(problem: NotAllowed) -> Response:
    return error_page(403, "This was not done", str(problem))


def _conflict(problem: Conflict) -> Response:
    return error_page(409, "This does not fit what is stored", str(problem))


def _too_busy(problem: TooBusy) -> Response:
    answer = error_page(503, "A moment, please", str(problem))
    answer.headers["Retry-After"] = "5"
    return answer


def _carrier_unwell(problem: carrier.Retry) -> Response:
    return error_page(503, "The carrier does not answer", problem.words)


def _carrier_refused(problem: carrier.Refused) -> Response:
    return error_page(409, "The carrier refused it", problem.words)

"""The Data Manager twin and its sign-in over HTTP."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from calltrack.sandbox.platforms import audience_twins, data_manager, oauth
from calltrack.sandbox.platforms.accounts import ACTION_NAMES
from calltrack.sandbox.platforms.twin import Desk, Twin, as_json


def _add(pages: Blueprint, desk: Desk) -> None:
    def authorized(answer: Callable[[], data_manager.Answer]) -> Response:
        if not oauth.is_valid(request.headers.get("authorization", ""), desk.now()):
            message = "Request had invalid authentication credentials."
            return _google(data_manager.error(401, "ACCESS_TOKEN_EXPIRED", message))
        return _google(answer())

    @pages.post("/datamanager/v1/events:ingest")
    def ingest() -> Response:
        """Take events."""

        def take() -> data_manager.Answer:
            return data_manager.ingest(desk.journal, desk.faults.modes, request.get_data(), desk.now())

        return desk.answer("datamanager", lambda: authorized(take), _refusal)

    @pages.get("/datamanager/v1/requestStatus:retrieve")
    def status() -> Response:
        """Say what became of a request."""
        wanted = request.args.get("requestId", "")

        def look() -> data_manager.Answer:
            lists = audience_twins.RECEIPTS.verdict(wanted, desk.faults.modes, desk.now())
            return lists or data_manager.status(desk.journal, desk.faults.modes, wanted, desk.now())

        return desk.answer("status", lambda: authorized(look), _refusal)

    @pages.post("/oauth/token")
    def token() -> Response:
        """Trade a refresh token for an access token."""

        def trade() -> Response:
            status, body = oauth.grant(request.form.to_dict(), desk.now())
            return as_json(body, status)

        return desk.answer("oauth", trade, _oauth_refusal)


def _refusal(status: int, reason: str) -> Response:
    said = "The request is too large." if status == 413 else "The fault script says so."
    return _google(data_manager.error(status, reason, said))


def _oauth_refusal(status: int, reason: str) -> Response:
    return as_json({"error": reason or "temporarily_unavailable"}, status)


def _google(answer: data_manager.Answer) -> Response:
    return as_json(answer.body, answer.status)


GOOGLE_DATA_MANAGER = Twin(
    data_manager.PLATFORM, "Google Ads", ("datamanager", "status", "oauth"), _add, ACTION_NAMES
)

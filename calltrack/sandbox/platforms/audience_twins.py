"""Customer lists at the twins of Google, Meta and Microsoft, over HTTP; and the sets for tests to compare."""

from flask import Blueprint, Response, request

from calltrack.sandbox.platforms import (
    audience_google,
    audience_meta,
    audience_microsoft,
    meta,
    microsoft,
    oauth,
)
from calltrack.sandbox.platforms.audience_sets import MemberSets
from calltrack.sandbox.platforms.data_manager import Answer, error
from calltrack.sandbox.platforms.twin import Desk, Twin, as_json

RECEIPTS = audience_google.Receipts()


def _add(pages: Blueprint, desk: Desk) -> None:
    sets = MemberSets(None if desk.folder is None else desk.folder / "audiences.jsonl")
    _add_google(pages, desk, sets)
    _add_meta(pages, desk, sets)
    _add_microsoft(pages, desk, sets)

    @pages.get("/platforms/audiences")
    def audiences() -> Response:
        """Who is in which list."""
        return as_json({"lists": sets.shown()})

    @pages.delete("/platforms/audiences")
    def forget_audiences() -> Response:
        """Empty every list."""
        sets.clear()
        return Response(status=204)


def _add_google(pages: Blueprint, desk: Desk, sets: MemberSets) -> None:
    @pages.post("/datamanager/v1/audienceMembers:<verb>")
    def google_members(verb: str) -> Response:
        """Take or remove members."""
        if verb not in ("ingest", "remove"):
            return _google(error(404, "NOT_FOUND", "No such method."))

        def take() -> Response:
            if not oauth.is_valid(request.headers.get("authorization", ""), desk.now()):
                return _google(error(401, "ACCESS_TOKEN_EXPIRED", "Invalid authentication credentials."))
            action = "add" if verb == "ingest" else "remove"
            answer = audience_google.take(sets, RECEIPTS, action, request.get_data(), desk.now())
            _count(desk, answer)
            return _google(answer)

        said = "The fault script says so."
        return desk.answer(
            "google_audiences", take, lambda status, reason: _google(error(status, reason, said))
        )


def _add_meta(pages: Blueprint, desk: Desk, sets: MemberSets) -> None:
    @pages.route("/meta/<version>/<audience>/users", methods=["POST", "DELETE"])
    def meta_users(version: str, audience: str) -> Response:
        """Take or remove people of a custom audience."""

        def take() -> Response:
            action = "add" if request.method == "POST" else "remove"
            refusal = meta.refusal_for(audience, desk.now())
            return refusal or audience_meta.take(desk, sets, audience, action, request.get_data())

        return desk.answer("meta_audiences", take, lambda status, reason: meta.worded(desk, status, reason))


def _add_microsoft(pages: Blueprint, desk: Desk, sets: MemberSets) -> None:
    @pages.post("/microsoft/CampaignManagement/v13/CustomerListUserData/Apply")
    def microsoft_list() -> Response:
        """Take or remove items of a customer list."""

        def take() -> Response:
            return microsoft.refusal_for(desk.now()) or audience_microsoft.take(sets, request.get_data())

        return desk.answer("microsoft_audiences", take, microsoft.refuse)


def _count(desk: Desk, answer: Answer) -> None:
    with desk.journal.lock:
        desk.journal.counts["audiences.requests"] += 1
        desk.journal.counts["audiences.counted" if answer.status == 200 else "audiences.refused"] += 1


def _google(answer: Answer) -> Response:
    return as_json(answer.body, answer.status)


AUDIENCES = Twin(
    "audiences", "Customer lists", ("google_audiences", "meta_audiences", "microsoft_audiences"), _add
)

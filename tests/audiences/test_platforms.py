"""Each platform's requests to the letter, its answers to classes, and the whole way at its twin."""

import hashlib
import json
from typing import Any

import pytest

from calltrack.destinations.audience_base import Action, Batch
from calltrack.destinations.audience_google import GoogleAudience
from calltrack.destinations.audience_meta import MetaAudience
from calltrack.destinations.audience_microsoft import MicrosoftAudience
from calltrack.destinations.audience_platforms import PLATFORMS
from calltrack.destinations.google_settings import GoogleDataManagerSettings
from calltrack.destinations.meta_settings import MetaSettings
from calltrack.destinations.microsoft_settings import MicrosoftSettings
from calltrack.destinations.outcomes import Class
from calltrack.infra.http import HttpAnswer
from calltrack.sandbox.platforms import accounts
from tests.audiences.world import World, named

ORIGIN = "http://127.0.0.1:9"
PHONE = "+393471234567"
WITH_PLUS = hashlib.sha256(b"+393471234567").hexdigest()
DIGITS = hashlib.sha256(b"393471234567").hexdigest()
GOOGLE = GoogleDataManagerSettings.load(accounts.google_settings(ORIGIN), sandbox=True)
META = MetaSettings.load(accounts.meta_settings(ORIGIN), sandbox=True)
MICROSOFT = MicrosoftSettings.load(accounts.microsoft_settings(ORIGIN), sandbox=True)


def batch(action: Action = "add") -> Batch:
    return Batch(action, "777001", 42)


def body(request: Any) -> Any:
    return json.loads(request.body)


def test_google_takes_hashes_with_plus_consent_and_terms() -> None:
    platform = GoogleAudience()
    member = platform.freeze(PHONE, GOOGLE)
    assert member is not None
    added = platform.request(batch(), [member], GOOGLE, "token")
    assert added.url == f"{ORIGIN}/sandbox/datamanager/v1/audienceMembers:ingest"
    assert added.headers["authorization"] == "Bearer token"
    assert body(added) == {
        "destinations": [
            {"operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": GOOGLE.customer_id},
             "productDestinationId": "777001"}
        ],
        "audienceMembers": [{"userData": {"userIdentifiers": [{"phoneNumber": WITH_PLUS}]}}],
        "encoding": "HEX",
        "consent": {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"},
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
    }  # fmt: skip
    removed = platform.request(batch("remove"), [member], GOOGLE, "token")
    assert removed.url.endswith("/audienceMembers:remove")
    assert set(body(removed)) == {"destinations", "audienceMembers", "encoding"}


def test_meta_takes_hashes_of_digits_and_a_session() -> None:
    platform = MetaAudience()
    member = platform.freeze(PHONE, META)
    assert member is not None
    added = platform.request(batch(), [member, member], META, None)
    assert (added.method, added.url) == ("POST", f"{ORIGIN}/sandbox/meta/v26.0/777001/users")
    assert body(added) == {
        "payload": {"schema": ["PHONE_SHA256"], "data": [[DIGITS], [DIGITS]]},
        "session": {"session_id": 42, "batch_seq": 1, "last_batch_flag": True, "estimated_num_total": 2},
    }
    assert platform.request(batch("remove"), [member], META, None).method == "DELETE"
    assert META.access_token.get_secret_value() not in added.url


def test_microsoft_takes_one_kind_of_item_and_the_terms() -> None:
    platform = MicrosoftAudience()
    member = platform.freeze(PHONE, MICROSOFT)
    assert member is not None
    request = platform.request(batch("remove"), [member], MICROSOFT, "token")
    assert request.url == f"{ORIGIN}/sandbox/microsoft/CampaignManagement/v13/CustomerListUserData/Apply"
    assert request.headers["customeraccountid"] == MICROSOFT.account_id
    expected = WITH_PLUS if MICROSOFT.phone_form == "with_plus" else DIGITS
    assert body(request) == {
        "CustomerListUserData": {
            "AudienceId": "777001", "ActionType": "Remove", "CustomerListItemSubType": "Phone",
            "CustomerListItems": [expected], "AcceptCustomerMatchTerm": True,
        }
    }  # fmt: skip


@pytest.mark.parametrize("kind", PLATFORMS)
@pytest.mark.parametrize("phone", ["", "0347", "+39 (0)6 1234567", "abc", "+"])
def test_what_is_no_number_is_never_hashed(kind: str, phone: str) -> None:
    settings = {"google_data_manager": GOOGLE, "meta": META, "microsoft": MICROSOFT}[kind]
    assert PLATFORMS[kind].freeze(phone, settings) is None


def violation(field: str, reason: str) -> dict[str, Any]:
    return {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "", "details": [
        {"@type": "x/google.rpc.BadRequest", "fieldViolations": [{"field": field, "reason": reason}]}
    ]}}  # fmt: skip


A, C, D, L, R, S, U = (
    Class.AGAIN, Class.CONFIG, Class.DONE, Class.LATER, Class.ROW, Class.SPLIT, Class.UNKNOWN,
)  # fmt: skip
ANSWERS: list[tuple[str, int, Any, tuple[Class, ...]]] = [
    ("google_data_manager", 200, {"requestId": "r"}, (Class.ACCEPTED,) * 2),
    ("google_data_manager", 200, "<html>", (U, U)),
    ("google_data_manager", 400, violation("audience_members[1].user_data", "INVALID_SHA256_FORMAT"), (A, R)),
    ("google_data_manager", 400, violation("audienceMembers[0]", "INVALID_AUDIENCE_MEMBER"), (R, A)),
    ("google_data_manager", 400, violation("destinations[0]", "INVALID_USER_LIST_ID"), (C, C)),
    ("google_data_manager", 400, violation("x", "TERMS_AND_CONDITIONS_NOT_SIGNED"), (C, C)),
    ("google_data_manager", 400, violation("x", "NOT_ALLOWLISTED"), (C, C)),
    ("google_data_manager", 403, {}, (C, C)),
    ("google_data_manager", 401, {}, (C, C)),
    ("google_data_manager", 429, {}, (L, L)),
    ("google_data_manager", 503, {}, (L, L)),
    ("meta", 200, {"num_received": 2, "num_invalid_entries": 0}, (D, D)),
    ("meta", 200, {"num_received": 2, "num_invalid_entries": 1}, (D, D)),
    ("meta", 200, {"num_received": 2, "num_invalid_entries": 2}, (R, R)),
    ("meta", 200, "?", (U, U)),
    ("meta", 400, {"error": {"code": 100, "error_subcode": 1713230}}, (C, C)),
    ("meta", 400, {"error": {"code": 100, "error_subcode": 33}}, (C, C)),
    ("meta", 401, {"error": {"code": 190, "error_subcode": 463}}, (C, C)),
    ("meta", 403, {"error": {"code": 200}}, (C, C)),
    ("meta", 400, {"error": {"code": 80003}}, (L, L)),
    ("meta", 400, {"error": {"code": 100, "message": "odd"}}, (S, S)),
    ("meta", 500, {"error": {"code": 2, "is_transient": True}}, (L, L)),
    ("microsoft", 200, {"PartialErrors": []}, (D, D)),
    (
        "microsoft",
        200,
        {"PartialErrors": [{"Code": 5691, "ErrorCode": "PhoneIsNotHashed", "Index": 1}]},
        (D, R),
    ),
    ("microsoft", 400, {"OperationErrors": [{"Code": 1, "ErrorCode": "InvalidAudienceId"}]}, (C, C)),
    (
        "microsoft",
        400,
        {"OperationErrors": [{"Code": 1, "ErrorCode": "CustomerMatchTermNotAccepted"}]},
        (C, C),
    ),
    ("microsoft", 401, {"Errors": [{"Code": 105, "ErrorCode": "InvalidCredentials"}]}, (C, C)),
    ("microsoft", 429, {"Errors": [{"Code": 117, "ErrorCode": "CallRateExceeded"}]}, (L, L)),
    ("microsoft", 500, {"Errors": [{"Code": 0, "ErrorCode": "InternalError"}]}, (L, L)),
    ("microsoft", 200, "?", (U, U)),
]


@pytest.mark.parametrize(("kind", "status", "answer", "classes"), ANSWERS)
def test_each_answer_has_its_class(kind: str, status: int, answer: Any, classes: tuple[Class, ...]) -> None:
    raw = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
    read = PLATFORMS[kind].read(batch(), HttpAnswer(status, {}, raw), 2)
    assert tuple(one.class_ for one in read.outcomes) == classes
    for one in read.outcomes:
        assert "conversion" not in one.message
        assert one.hint or one.class_ not in (C,)


@pytest.mark.parametrize("kind", ["meta", "microsoft"])
def test_the_whole_way_at_the_platforms_that_answer_at_once(world: World, kind: str) -> None:
    people = [world.crowd.person() for _ in range(3)]
    for one in people:
        world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    settings = {"meta": accounts.meta_settings, "microsoft": accounts.microsoft_settings}[kind](world.origin)
    audience, destination = world.audience("customers"), world.connect(kind, dict(settings))
    place = world.place(audience, destination)
    world.faults("503", "drop-after-processing", target=f"{kind}_audiences")
    for _ in range(3):
        world.settle(place)
        world.later(minutes=2)
    form = "meta" if MICROSOFT.phone_form == "digits" else kind
    assert world.at_twin(kind) == {named(one.phone, form) for one in people}
    assert {row.state for row in world.entries(place)} == {"settled"}
    world.erase(people[0].id)
    world.settle(place)
    assert world.at_twin(kind) == {named(one.phone, form) for one in people[1:]}
    assert world.list_row(place).last_confirmed_at is not None


@pytest.mark.parametrize("kind", ["meta", "microsoft"])
def test_a_list_that_is_not_there_pauses_with_the_next_step(world: World, kind: str) -> None:
    one = world.crowd.person()
    world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now())
    world.crowd.store()
    settings = {"meta": accounts.meta_settings, "microsoft": accounts.microsoft_settings}[kind](world.origin)
    place = world.place(world.audience("customers"), world.connect(kind, dict(settings)), "404001")
    world.settle(place)
    assert world.list_row(place).status == "paused"
    assert "copy" in world.list_row(place).status_reason


@pytest.mark.parametrize("kind", PLATFORMS)
def test_a_list_is_named_by_digits(kind: str) -> None:
    assert PLATFORMS[kind].list_id(" 123 456 ") == "123456"
    with pytest.raises(ValueError, match="digits only"):
        PLATFORMS[kind].list_id("my list")

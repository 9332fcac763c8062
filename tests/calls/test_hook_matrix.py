"""Every voice route against every forgery: taken from the address map, so a new route is in it by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from calltrack.calls.desk import Desk
from calltrack.calls.outbound.tokens import Errand, write_token
from calltrack.kernel.ids import new_id
from calltrack.sandbox.carrier.signing import sign
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.calls.conftest import CALLER, new_call_sid
from tests.calls.rows import as_plain, calls_of, count_events, facts_of, stored_call

METHODS = ("GET", "POST")
# Hooks about the business's leg: there "To" is the line that was rung, not the number dialled.
ABOUT_A_LEG = ("whisper", "leg", "recording", "transcription")


def is_begun_by_us(rule: Rule) -> bool:
    """Hooks about messages we send and calls we begin: there "From" is our number."""
    return "/out/" in rule.rule or "/sms/" in rule.rule


@dataclass(frozen=True)
class Forgery:
    """One way to be somebody else: what is signed, by whom, and what is sent."""

    name: str
    token: str = "mine"
    account: str = "mine"
    dialled: str = "mine"
    signature: str | None = None
    signs: str = "this address"
    changed: bool = False


FORGERIES = (
    Forgery("no signature", signature=""),
    Forgery("a made-up signature", signature="AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    Forgery("a signature that is no ASCII", signature="ü"),
    Forgery("another tenant's valid signature", token="theirs"),
    Forgery("another tenant's signature and account", token="theirs", account="theirs"),
    Forgery("another tenant's everything, at my address", token="theirs", account="theirs", dialled="theirs"),
    Forgery("my token, another tenant's account", account="theirs"),
    Forgery("a field changed after signing", changed=True),
    Forgery("signed for another hook", signs="another hook"),
    Forgery("signed for another origin", signs="another origin"),
    Forgery("an empty token", token="empty"),
)


@dataclass(frozen=True)
class Rig:
    client: FlaskClient
    services: Services
    mine: Company
    theirs: Company

    def rules(self) -> Iterator[Rule]:
        for rule in self.client.application.url_map.iter_rules():
            if rule.rule.startswith("/voice"):
                yield rule

    def path(self, rule: Rule) -> str:
        """Return an address of the route at my first number; parts we do not know hold a word."""
        errand = Errand(id=new_id(), kind="score", language="it-IT")
        values = dict.fromkeys(rule.arguments, "0") | {
            "number_hex": self.mine.number_ids[0].hex,
            "message_hex": new_id().hex,
            "token": write_token(self.services.vault, self.mine.id, errand),
        }
        wanted = {name: values[name] for name in rule.arguments}
        return str(self.client.application.url_map.bind("localhost").build(rule.endpoint, wanted))

    def fields(self, rule: Rule, sid: str, whose: Company, dialled: Company) -> dict[str, str]:
        is_leg = rule.rule.endswith(ABOUT_A_LEG)
        ours = {"From": dialled.numbers[0], "To": CALLER} if is_begun_by_us(rule) else {}
        return {
            "CallSid": sid, "AccountSid": whose.account_sid, "From": CALLER, "CallStatus": "in-progress",
            "To": self.mine.target if is_leg else dialled.numbers[0], "DialCallStatus": "no-answer",
            "DialBridged": "false", "Digits": "1", "RecordingSid": "RE" + sid[2:], "SequenceNumber": "0",
            "RecordingUrl": "https://api.twilio.com/r", "RecordingStatus": "completed", "CallDuration": "3",
            "TranscriptionSid": "GT" + sid[2:], "TranscriptionEvent": "transcription-content",
            "SequenceId": "1",
            "Final": "true", "Track": "inbound_track", "LanguageCode": "it-IT",
            "TranscriptionData": '{"transcript": "Buongiorno", "confidence": 0.9}',
            "MessageSid": "SM" + sid[2:], "MessageStatus": "delivered", "Body": "Buongiorno", "NumMedia": "0",
        } | ours  # fmt: skip

    def send(self, method: str, path: str, fields: dict[str, str], signature: str | None) -> TestResponse:
        headers = {} if signature == "" else {"X-Twilio-Signature": signature or ""}
        if method == "GET":
            return self.client.get(f"{path}?{urlencode(fields)}", headers=headers)
        return self.client.post(path, data=fields, headers=headers)

    def signature(self, method: str, path: str, fields: dict[str, str], token: str, origin: str = "") -> str:
        base = origin or self.services.settings.base_url
        if method == "GET":
            return sign(f"{base}{path}?{urlencode(fields)}", {}, token)
        return sign(base + path, fields, token)

    def nothing_is_stored(self) -> bool:
        return not any(
            calls_of(self.services, one.id)
            or count_events(self.services, one.id)
            or facts_of(self.services, one.id)
            for one in (self.mine, self.theirs)
        )


@pytest.fixture
def rig(voice: FlaskClient, services: Services, desk: Desk, company: Company) -> Rig:
    theirs = make_company(services)
    desk.routes.refresh(5, gap=0)
    return Rig(voice, services, company, theirs)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda one: one.name)
@pytest.mark.parametrize("method", METHODS)
def test_no_route_takes_a_forged_request(rig: Rig, method: str, forgery: Forgery) -> None:
    who = {"mine": rig.mine, "theirs": rig.theirs}
    tokens = {"mine": rig.mine.auth_token, "theirs": rig.theirs.auth_token, "empty": ""}
    tried = 0
    for rule in rig.rules():
        path = rig.path(rule)
        fields = rig.fields(rule, new_call_sid(), who[forgery.account], who[forgery.dialled])
        signed_path = path + "/other" if forgery.signs == "another hook" else path
        origin = "https://elsewhere.test" if forgery.signs == "another origin" else ""
        signature = forgery.signature
        if signature is None:
            signature = rig.signature(method, signed_path, fields, tokens[forgery.token], origin)
        sent = fields | {"From": "+393470000000"} if forgery.changed else fields
        answer = rig.send(method, path, sent, signature)
        if rule.rule == "/voice/incoming" and forgery.token == forgery.account == "theirs":
            # Their own account asks about a number it does not own, or owns: it learns nothing of mine.
            assert rig.mine.target not in answer.get_data(as_text=True)
            if forgery.dialled == "theirs":
                continue
        else:
            assert answer.status_code == 403, (rule.rule, answer.status_code)
            assert answer.data == b"", rule.rule
        tried += 1
        assert not calls_of(rig.services, rig.mine.id), rule.rule
        assert not count_events(rig.services, rig.mine.id), rule.rule
    assert tried >= len(list(rig.rules())) - 1
    assert forgery.dialled == "theirs" or rig.nothing_is_stored()


@pytest.mark.parametrize("method", METHODS)
def test_a_number_that_was_not_dialled_is_refused_on_every_route_about_the_call(
    rig: Rig, method: str
) -> None:
    other = [*rig.mine.numbers[1:2], rig.theirs.numbers[0], "+390699999999"]
    for rule in rig.rules():
        if rule.rule.endswith((*ABOUT_A_LEG, "/incoming")):
            continue
        for dialled in other:
            path = rig.path(rule)
            fields = rig.fields(rule, new_call_sid(), rig.mine, rig.mine)
            fields |= {"From" if is_begun_by_us(rule) else "To": dialled}
            signature = rig.signature(method, path, fields, rig.mine.auth_token)
            assert rig.send(method, path, fields, signature).status_code == 403, (rule.rule, dialled)
    assert rig.nothing_is_stored()


@pytest.mark.parametrize("method", METHODS)
def test_a_replay_is_a_no_op_on_every_route(rig: Rig, method: str) -> None:
    """The signature holds no time: whoever recorded a request may send it again, and nothing happens."""
    for rule in rig.rules():
        sid, path = new_call_sid(), rig.path(rule)
        fields = rig.fields(rule, sid, rig.mine, rig.mine)
        signature = rig.signature(method, path, fields, rig.mine.auth_token)
        first = rig.send(method, path, fields, signature)
        assert first.status_code < 300, (rule.rule, first.status_code)
        before = _everything(rig, sid)
        for _ in range(3):
            again = rig.send(method, path, fields, signature)
            assert (again.status_code, again.data) == (first.status_code, first.data), rule.rule
        assert _everything(rig, sid) == before, rule.rule


def test_every_route_answers_both_methods_and_no_other(rig: Rig) -> None:
    rules = list(rig.rules())
    assert len(rules) >= 10
    for rule in rules:
        assert (rule.methods or set()) - {"HEAD"} == set(METHODS), rule.rule


def _everything(rig: Rig, sid: str) -> object:
    calls = calls_of(rig.services, rig.mine.id)
    known = {call.call_sid for call in calls}
    story = as_plain(stored_call(rig.services, rig.mine.id, sid)) if sid in known else None
    facts = facts_of(rig.services, rig.mine.id)
    return (len(calls), count_events(rig.services, rig.mine.id), facts, story)

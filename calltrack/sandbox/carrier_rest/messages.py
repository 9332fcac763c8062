"""Messages: sent with their reports of delivery, and received by our hooks."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from flask import Blueprint, Response, request

from calltrack.sandbox.carrier import pool
from calltrack.sandbox.carrier.parameters import country_of
from calltrack.sandbox.carrier.wire import Answer, Wire
from calltrack.sandbox.carrier_rest.answers import Refusal, as_json, in_time, missing, page
from calltrack.sandbox.carrier_rest.desk import Desk
from calltrack.sandbox.carrier_rest.forms import posted
from calltrack.sandbox.carrier_rest.numbers import owned_by
from calltrack.sandbox.carrier_rest.records import Record, new_sid, rfc_2822, shown
from calltrack.sandbox.carrier_rest.stock import area_of

LIST = "/2010-04-01/Accounts/<account>/Messages.json"
ONE = "/2010-04-01/Accounts/<account>/Messages/<sid>.json"
KIND = "message"
FINAL = frozenset(("delivered", "undelivered", "failed"))
STOPPED = "stopped"
LONGEST = 1600
STOP_WORDS = frozenset(("stop", "stopall", "unsubscribe", "cancel", "end", "quit"))
START_WORDS = frozenset(("start", "yes", "unstop"))


class Post:
    """Carries messages: beside the request that sent them, one after the other for each message."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._http = pool(8)
        self._beside = ThreadPoolExecutor(4, thread_name_prefix="message")

    def deliver(self, sid: str, token: str, callback: str) -> None:
        """Report sent and delivered, or how else it ends for this number."""
        self._beside.submit(self._deliver, sid, token, callback)

    def close(self) -> None:
        """Carry what is under way, and no more."""
        self._beside.shutdown(wait=True)
        self._http.close()

    def _deliver(self, sid: str, token: str, callback: str) -> None:
        record = self._desk.records.get(KIND, sid)
        if record is None:
            return
        end, code = self._desk.behaviour.message_ends.get(record["to"], ("delivered", None))
        if end == "queued":
            return  # It waits for ever.
        for status in ("sent", end) if end != "failed" else (end,):

            def settle(row: Record, status: str = status) -> None:
                row["status"] = status
                row["error_code"] = code if status in ("undelivered", "failed") else None
                if status == "sent":
                    row |= {"date_sent": rfc_2822(datetime.now(UTC)), "price": "-0.00790"}

            changed = self._desk.records.change(KIND, sid, settle)
            if callback and changed is not None:
                self.send(callback, "POST", of_report(changed), token)

    def send(self, url: str, method: str, fields: Mapping[str, str], token: str) -> Answer:
        """Ask or tell one of our hooks, signed."""
        return Wire(self._http, token, lambda *_: None, self._desk.via).send(url, method, fields, "message")


def add(pages: Blueprint, desk: Desk) -> Post:
    """Add the messages to the twin; return what plays received ones."""
    post = Post(desk)

    @pages.get(LIST)
    @desk.answers("messages")
    def listed(account: str) -> Response:
        """List messages, newest first."""
        wanted = {"To": "to", "From": "from"}
        rows = [
            row
            for row in in_time(desk.records.all(KIND), "DateSent")
            if row["account_sid"] == account
            and (
                row["date_sent"] is not None or not any(name.startswith("DateSent") for name in request.args)
            )
            and all(request.args.get(name, row[part]) == row[part] for name, part in wanted.items())
        ]
        return page("messages", rows, f"/2010-04-01/Accounts/{account}/Messages.json")

    @pages.post(LIST)
    @desk.answers("messages")
    def sent(account: str) -> Response:
        """Take a message; its delivery is reported later."""
        given = posted({"StatusCallback": "callback"})
        record = _checked(desk, account)
        desk.records.put(KIND, record["sid"], record)
        post.deliver(record["sid"], desk.auth_token(account), given.get("callback", ""))
        return as_json(shown(record), 201)

    @pages.get(ONE)
    @desk.answers("messages")
    def fetched(account: str, sid: str) -> Response:
        """Show one message."""
        record = desk.records.get(KIND, sid)
        if record is None or record["account_sid"] != account:
            raise missing(f"/2010-04-01/Accounts/{account}/Messages/{sid}.json")
        return as_json(shown(record))

    @pages.delete(ONE)
    @desk.answers("messages")
    def deleted(account: str, sid: str) -> Response:
        """Delete a message; one that is still on its way is kept."""
        record = desk.records.get(KIND, sid)
        if record is None or record["account_sid"] != account:
            raise missing(f"/2010-04-01/Accounts/{account}/Messages/{sid}.json")
        if record["status"] not in (*FINAL, "received"):
            raise Refusal(409, 20009, "Cannot delete message because delivery has not been completed.")
        desk.records.drop(KIND, sid)
        return Response(status=204)

    return post


def receive(desk: Desk, post: Post, from_: str, to: str, text: str) -> tuple[Record, Answer | None]:
    """Play a message somebody sends to one of our numbers; return it and what its hook answered.

    Raises LookupError when the number belongs to nobody here.
    """
    number = next((row for row in desk.records.all("number") if row["phone_number"] == to), None)
    if number is None:
        raise LookupError(f"{to} is not a number of this carrier")
    account = number["account_sid"]
    record = _new(account, from_, to, text, "inbound")
    desk.records.put(KIND, record["sid"], record)
    word = text.strip().lower()
    if word in STOP_WORDS:
        desk.records.put(STOPPED, f"{to}/{from_}", {})
    elif word in START_WORDS:
        desk.records.drop(STOPPED, f"{to}/{from_}")
    application = desk.records.get("application", number["sms_application_sid"] or "")
    hooks = application or number
    if not hooks["sms_url"]:
        return record, None
    fields = of_inbound(record, word)
    method = "GET" if hooks["sms_method"] == "GET" else "POST"
    answer = post.send(hooks["sms_url"], method, fields, desk.auth_token(account))
    if not answer.is_ok and hooks["sms_fallback_url"]:
        told = {**fields, "ErrorCode": str(answer.error_code), "ErrorUrl": hooks["sms_url"]}
        answer = post.send(hooks["sms_fallback_url"], "POST", told, desk.auth_token(account))
    return record, answer


def of_report(record: Record) -> dict[str, str]:
    """Return the fields of a report of delivery."""
    fields = {
        **_ids(record),
        "MessageStatus": record["status"],
        "SmsStatus": record["status"],
        "To": record["to"],
        "From": record["from"],
        "ApiVersion": "2010-04-01",
    }
    if record["error_code"] is not None:
        fields["ErrorCode"] = str(record["error_code"])
    return fields


def of_inbound(record: Record, word: str) -> dict[str, str]:
    """Return the fields of a received message, empty ones included."""
    fields = {
        **_ids(record),
        "MessagingServiceSid": "",
        "From": record["from"],
        "To": record["to"],
        "Body": record["body"],
        "NumMedia": "0",
        "NumSegments": record["num_segments"],
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
    }
    for side, number in (("From", record["from"]), ("To", record["to"])):
        fields |= {f"{side}{place}": "" for place in ("City", "State", "Zip")}
        fields[f"{side}Country"] = country_of(number)
    if word in STOP_WORDS:
        fields["OptOutType"] = "STOP"
    elif word in START_WORDS:
        fields["OptOutType"] = "START"
    return fields


def _ids(record: Record) -> dict[str, str]:
    sid = record["sid"]
    return {"MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": record["account_sid"]}


def _checked(desk: Desk, account: str) -> Record:
    """Read what is to be sent, or say why it cannot be."""
    to, from_ = request.form.get("To", ""), request.form.get("From", "")
    text = request.form.get("Body", "")
    if not to:
        raise Refusal(400, 21604, "A 'To' phone number is required.")
    if not to.startswith("+") or not to[1:].isdigit():
        raise Refusal(400, 21211, f"Invalid 'To' Phone Number: {to[:20]}")
    if not from_:
        raise Refusal(400, 21603, "A 'From' phone number is required.")
    if not text:
        raise Refusal(400, 21602, "Message body is required.")
    if len(text) > LONGEST:
        raise Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    number = next((row for row in owned_by(desk, account) if row["phone_number"] == from_), None)
    if number is None or not number["capabilities"]["sms"]:
        raise Refusal(400, 21606, f"The From phone number {from_[:20]} cannot send messages")
    if desk.records.get(STOPPED, f"{from_}/{to}") is not None:
        raise Refusal(400, 21610, "Attempt to send to unsubscribed recipient")
    area = area_of(to)
    if to in desk.behaviour.landlines or (area is not None and not area.sms):
        raise Refusal(400, 21614, f"'To' number is not a valid mobile number: {to}")
    return _new(account, from_, to, text, "outbound-api")


def _new(account: str, from_: str, to: str, text: str, direction: str) -> Record:
    sid, now = new_sid("SM"), rfc_2822(datetime.now(UTC))
    inbound = direction == "inbound"
    plain = text.isascii()
    single, part = (160, 153) if plain else (70, 67)
    segments = 1 if len(text) <= single else -(-len(text) // part)
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": text,
        "date_created": now,
        "date_sent": now if inbound else None,
        "date_updated": now,
        "direction": direction,
        "error_code": None,
        "error_message": None,
        "from": from_,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": str(segments),
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": "received" if inbound else "queued",
        "subresource_uris": {},
        "to": to,
        "uri": f"/2010-04-01/Accounts/{account}/Messages/{sid}.json",
    }

"""Calls: all the simulator plays, listed, fetched, begun, led elsewhere and ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from flask import Blueprint, Response, request

from calltrack.sandbox.carrier.orders import Order
from calltrack.sandbox.carrier.outbound import OutboundCall
from calltrack.sandbox.carrier.script import CallScript, LegScript, SimulatedNumber
from calltrack.sandbox.carrier_rest.answers import Refusal, as_json, in_time, missing, page
from calltrack.sandbox.carrier_rest.desk import Desk
from calltrack.sandbox.carrier_rest.forms import posted
from calltrack.sandbox.carrier_rest.numbers import owned_by
from calltrack.sandbox.carrier_rest.records import AT, Record, rfc_2822, shown

LIST = "/2010-04-01/Accounts/<account>/Calls.json"
ONE = "/2010-04-01/Accounts/<account>/Calls/<sid>.json"
KIND = "call"
OVER = frozenset(("completed", "busy", "failed", "no-answer", "canceled"))
PER_MINUTE = {"inbound": 0.0085, "outbound-dial": 0.014, "outbound-api": 0.014}
PHONE = LegScript(ring_seconds=3, talk_seconds=60)
FIELDS = {"Url": "url", "Method": "method", "FallbackUrl": "fallback", "StatusCallback": "report"}


def add(pages: Blueprint, desk: Desk) -> None:
    """Add the calls to the twin."""

    @pages.get(LIST)
    @desk.answers("calls")
    def listed(account: str) -> Response:
        """List calls and legs, newest first."""
        wanted = {"To": "to", "From": "from", "Status": "status", "ParentCallSid": "parent_call_sid"}
        rows = [
            row
            for row in in_time(desk.records.all(KIND), "StartTime")
            if row["account_sid"] == account
            and all(request.args.get(name, row[part]) == row[part] for name, part in wanted.items())
        ]
        return page("calls", rows, f"/2010-04-01/Accounts/{account}/Calls.json")

    @pages.post(LIST)
    @desk.answers("calls")
    def begun(account: str) -> Response:
        """Ring somebody; the answer comes at once, the call goes on behind it."""
        return as_json(shown(_begin(desk, account)), 201)

    @pages.get(ONE)
    @desk.answers("calls")
    def fetched(account: str, sid: str) -> Response:
        """Show one call or leg."""
        return as_json(shown(_own(desk, account, sid)))

    @pages.post(ONE)
    @desk.answers("calls")
    def changed(account: str, sid: str) -> Response:
        """Lead a call to another document, or end it."""
        record = _own(desk, account, sid)
        given = posted(FIELDS)
        status = request.form.get("Status", "")
        if status and status not in ("completed", "canceled"):
            raise Refusal(400, 20001, f"Status cannot be {status[:20]!r}")
        url = None if status else given.get("url")
        if not status and not url:
            raise Refusal(400, 20001, "Give Url or Status")
        _order(desk, record, url, given.get("method", "POST"))
        return as_json(shown(_own(desk, account, sid)))


def observe(desk: Desk, kind: Literal["call", "leg"], fields: Mapping[str, str], at: datetime) -> None:
    """Keep how a call or leg of the simulator stands."""
    sid = fields["CallSid"]
    with desk.records.lock:
        record = desk.records.get(KIND, sid) or _new(fields, at)
        status = fields["CallStatus"]
        if record["status"] in OVER:
            return
        record["status"] = "ringing" if status == "initiated" else status
        if kind == "leg":
            record["parent_call_sid"] = fields["ParentCallSid"]
        if "CallDuration" in fields:
            _end(record, fields, at)
        desk.records.put(KIND, sid, record)


def _end(record: Record, fields: Mapping[str, str], at: datetime) -> None:
    """A leg that nobody took has no length and costs nothing."""
    record["end_time"] = rfc_2822(at)
    if record["status"] == "completed":
        minutes = int(fields.get("Duration") or 0)
        record["duration"] = fields["CallDuration"]
        record["price"] = f"-{minutes * PER_MINUTE.get(record['direction'], 0.014):.5f}"
    else:
        record["duration"] = "0"


def _new(fields: Mapping[str, str], at: datetime) -> Record:
    account, sid = fields["AccountSid"], fields["CallSid"]
    uri = f"/2010-04-01/Accounts/{account}/Calls/{sid}"
    return {
        "account_sid": account,
        "annotation": None,
        "answered_by": None,
        "api_version": "2010-04-01",
        "caller_name": None,
        "date_created": rfc_2822(at),
        "date_updated": rfc_2822(at),
        "direction": fields["Direction"],
        "duration": None,
        "end_time": None,
        "forwarded_from": fields.get("ForwardedFrom"),
        "from": fields["From"],
        "from_formatted": fields["From"],
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": None,
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": sid,
        "start_time": rfc_2822(at),
        "status": "queued",
        "stir_verstat": fields.get("StirVerstat"),
        "subresource_uris": {"recordings": f"{uri}/Recordings.json"},
        "to": fields["To"],
        "to_formatted": fields["To"],
        "trunk_sid": None,
        "uri": f"{uri}.json",
        AT: at.timestamp(),
    }


def _begin(desk: Desk, account: str) -> Record:
    given = posted(FIELDS)
    to, from_ = request.form.get("To", ""), request.form.get("From", "")
    if not to.startswith("+") or not to[1:].isdigit():
        raise Refusal(400, 21211, f"The phone number {to[:20]} is not a valid phone number")
    if from_ not in {row["phone_number"] for row in owned_by(desk, account)}:
        raise Refusal(400, 21210, f"{from_[:20]} is not a phone number of this account, nor verified")
    document = request.form.get("Twiml", "")
    if not given.get("url") and not document:
        raise Refusal(400, 21205, "Url parameter is required.")
    ring = request.form.get("Timeout", 60, type=int)
    if not 5 <= ring <= 600:
        raise Refusal(400, 20001, "Timeout must be between 5 and 600")
    events = frozenset(request.form.getlist("StatusCallbackEvent")) or frozenset(("completed",))
    behaviour = desk.behaviour
    script = CallScript(
        from_=from_,
        to=to,
        direction="outbound-api",
        legs=dict(behaviour.phones),
        digits=behaviour.digits.get(to, ()),
        talk_seconds=PHONE.talk_seconds,
        speed=behaviour.speed,
        timestamps="wall",
    )
    callee = SimulatedNumber(
        e164=to,
        voice_url=given.get("url", ""),
        voice_fallback_url=given.get("fallback"),
        status_callback=given.get("report"),
        account_sid=account,
        voice_method="GET" if given.get("method") == "GET" else "POST",
    )
    phone = behaviour.phones.get(to, PHONE)
    kind = partial(OutboundCall, phone=phone, ring_seconds=ring, events=events, document=document)
    journal = desk.board.start(script, callee, desk.auth_token(account), kind)
    fields = {
        "CallSid": journal.call_sid,
        "AccountSid": account,
        "Direction": "outbound-api",
        "From": from_,
        "To": to,
    }
    with desk.records.lock:
        begun = desk.records.get(KIND, journal.call_sid)
        return begun or desk.records.put(KIND, journal.call_sid, _new(fields, datetime.now(UTC)))


def _order(desk: Desk, record: Record, url: str | None, method: str) -> None:
    """Tell the simulator; 21220 for what is over, or not answered yet and shall go elsewhere."""
    refused = Refusal(400, 21220, "Call is not in-progress. Cannot redirect.")
    if record["status"] in OVER or (url is not None and record["status"] != "in-progress"):
        raise refused
    if url is not None and record["parent_call_sid"]:
        raise Refusal(400, 20001, "The sandbox leads only whole calls elsewhere, not a leg to the business")
    journal = desk.board.find(record["parent_call_sid"] or record["sid"])
    orders = None if journal is None else journal.orders
    if orders is None or not orders.give(Order(record["sid"], url, method)):
        raise refused


def _own(desk: Desk, account: str, sid: str) -> Record:
    record = desk.records.get(KIND, sid)
    if record is None or record["account_sid"] != account:
        raise missing(f"/2010-04-01/Accounts/{account}/Calls/{sid}.json")
    return record

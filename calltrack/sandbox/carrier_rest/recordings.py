"""Recordings: listed, played in parts, paused while the call goes on, deleted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Blueprint, Response, request

from calltrack.sandbox.carrier_rest import sound
from calltrack.sandbox.carrier_rest.answers import Refusal, as_json, in_time, missing, page
from calltrack.sandbox.carrier_rest.desk import Desk
from calltrack.sandbox.carrier_rest.records import AT, Record, rfc_2822, shown

BASE = "/2010-04-01/Accounts/<account>/Recordings"
OF_CALL = "/2010-04-01/Accounts/<account>/Calls/<call>/Recordings"
KIND = "recording"
CURRENT = "Twilio.CURRENT"
LIVE = ("in-progress", "paused")
CHANGES = {"paused": "paused", "in-progress": "in-progress", "stopped": "stopped"}


def add(pages: Blueprint, desk: Desk) -> None:
    """Add the recordings to the twin."""
    _add_list(pages, desk)
    _add_one(pages, desk)

    @pages.post(f"{OF_CALL}/<sid>.json")
    @desk.answers("recordings")
    def changed(account: str, call: str, sid: str) -> Response:
        """Pause, resume or stop a recording of a call that goes on."""
        wanted = CHANGES.get(request.form.get("Status", ""))
        if wanted is None:
            raise Refusal(400, 20001, f"Status must be one of {', '.join(CHANGES)}")
        with desk.records.lock:
            live = [
                row
                for row in desk.records.all(KIND)
                if row["call_sid"] == call and row["status"] in LIVE and sid in (CURRENT, row["sid"])
            ]
            if not live or live[0]["account_sid"] != account:
                raise Refusal(404, 20404, f"The call {call} has no recording that runs")
            record = {**live[0], "status": wanted, "_pause": request.form.get("PauseBehavior", "silence")}
            return as_json(shown(desk.records.put(KIND, record["sid"], record)))


def _add_list(pages: Blueprint, desk: Desk) -> None:
    @pages.get(f"{BASE}.json")
    @desk.answers("recordings")
    def listed(account: str) -> Response:
        """List recordings, newest first."""
        call = request.args.get("CallSid", "")
        rows = [
            row
            for row in in_time(desk.records.all(KIND), "DateCreated")
            if row["account_sid"] == account and (not call or row["call_sid"] == call)
        ]
        return page("recordings", rows, f"/2010-04-01/Accounts/{account}/Recordings.json")

    @pages.get(f"{OF_CALL}.json")
    @desk.answers("recordings")
    def listed_of_call(account: str, call: str) -> Response:
        """List the recordings of one call."""
        rows = [
            row for row in desk.records.all(KIND) if row["account_sid"] == account and row["call_sid"] == call
        ]
        return page("recordings", rows, f"/2010-04-01/Accounts/{account}/Calls/{call}/Recordings.json")


def _add_one(pages: Blueprint, desk: Desk) -> None:
    @pages.get(f"{BASE}/<sid>.json")
    @desk.answers("recordings")
    def fetched(account: str, sid: str) -> Response:
        """Show one recording."""
        return as_json(shown(_own(desk, account, sid)))

    @pages.delete(f"{BASE}/<sid>.json")
    @desk.answers("recordings")
    def deleted(account: str, sid: str) -> Response:
        """Delete sound and record."""
        _own(desk, account, sid)
        desk.records.drop(KIND, sid)
        return Response(status=204)

    @pages.get(f"{BASE}/<sid>.mp3")
    @desk.answers("recordings")
    def as_mp3(account: str, sid: str) -> Response:
        """Play a recording as MP3."""
        seconds, channels = _length(_own(desk, account, sid))
        return _part(sound.mp3(seconds, channels), "audio/mpeg")

    @pages.get(f"{BASE}/<sid>.wav")
    @desk.answers("recordings")
    def as_wav(account: str, sid: str) -> Response:
        """Play a recording as WAV."""
        seconds, channels = _length(_own(desk, account, sid))
        return _part(sound.wav(seconds, channels), "audio/x-wav")


def observe(desk: Desk, fields: Mapping[str, str], at: datetime) -> None:
    """Keep a recording of the simulator."""
    account, sid = fields["AccountSid"], fields["RecordingSid"]
    uri = f"/2010-04-01/Accounts/{account}/Recordings/{sid}"
    before = desk.records.get(KIND, sid) or {}
    desk.records.put(
        KIND,
        sid,
        {
            "account_sid": account,
            "api_version": "2010-04-01",
            "call_sid": fields["CallSid"],
            "channels": int(fields["RecordingChannels"]),
            "conference_sid": None,
            "date_created": before.get("date_created") or rfc_2822(datetime.now(UTC)),
            "date_updated": rfc_2822(datetime.now(UTC)),
            "duration": fields.get("RecordingDuration"),
            "encryption_details": None,
            "error_code": None,
            "media_url": f"https://api.twilio.com{uri}",
            "price": "-0.00250" if fields["RecordingStatus"] == "completed" else None,
            "price_unit": "USD",
            "sid": sid,
            "source": fields["RecordingSource"],
            "start_time": rfc_2822(at),
            "status": fields["RecordingStatus"],
            "track": "both",
            "uri": f"{uri}.json",
            AT: at.timestamp(),
        },
    )


def _own(desk: Desk, account: str, sid: str) -> Record:
    record = desk.records.get(KIND, sid)
    if record is None or record["account_sid"] != account:
        raise missing(f"/2010-04-01/Accounts/{account}/Recordings/{sid}")
    return record


def _length(record: Record) -> tuple[int, int]:
    """Return seconds and channels of a finished recording; two channels only where asked and kept."""
    if record["status"] != "completed":
        raise Refusal(404, 20404, "The recording is not finished yet")
    both = request.args.get("RequestedChannels") == "2" and record["channels"] == 2
    return int(record["duration"] or 0), 2 if both else 1


def _part(whole: bytes, content_type: str) -> Response:
    """Answer the range asked for, or all."""
    headers = {"Accept-Ranges": "bytes"}
    asked = request.headers.get("Range", "")
    if not asked:
        return Response(whole, 200, headers, content_type=content_type)
    found = re.fullmatch(r"bytes=([0-9]*)-([0-9]*)", asked.strip())
    if found is None or found.groups() == ("", ""):
        return Response(whole, 200, headers, content_type=content_type)
    first, last = found.groups()
    start = int(first) if first else max(0, len(whole) - int(last))
    end = min(int(last) if first and last else len(whole) - 1, len(whole) - 1)
    if start >= len(whole) or end < start:
        headers["Content-Range"] = f"bytes */{len(whole)}"
        return Response(b"", 416, headers, content_type=content_type)
    headers["Content-Range"] = f"bytes {start}-{end}/{len(whole)}"
    return Response(whole[start : end + 1], 206, headers, content_type=content_type)

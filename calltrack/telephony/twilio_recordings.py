"""Recordings at Twilio: listed, streamed, deleted, paused; and what Twilio knows of a telephone number."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal, cast

from calltrack.telephony import carrier as c
from calltrack.telephony import twilio_read as read
from calltrack.telephony.carrier_errors import Refused
from calltrack.telephony.twilio_http import TwilioHttp

PAGE = 200
CURRENT = "Twilio.CURRENT"
"""Twilio's name for the recording that runs now."""


class TwilioRecordings:
    """The part of `Carrier` that deals with recordings and look-ups."""

    _client: Any
    _http: TwilioHttp
    account_sid: str

    def list_recordings(
        self, call_sid: str | None = None, since: datetime | None = None
    ) -> Iterator[c.CarrierRecording]:
        """See `Carrier`."""
        given: dict[str, Any] = {}
        if call_sid is not None:
            given["call_sid"] = call_sid
        if since is not None:
            given["date_created_after"] = since.astimezone(UTC)
        return map(read.recording, self._client.recordings.stream(page_size=PAGE, **given))

    def open_recording(
        self,
        sid: str,
        *,
        byte_range: str | None = None,
        channels: Literal[1, 2] = 1,
        format_: Literal["mp3", "wav"] = "mp3",
    ) -> c.RecordingStream:
        """See `Carrier`."""
        if not (sid.isalnum() and sid.isascii()):
            raise Refused("A recording's SID is RE followed by letters and digits.")
        url = (
            f"https://api.twilio.com/2010-04-01/Accounts/{self.account_sid}/Recordings/{sid}.{format_}"
            f"?RequestedChannels={channels}"
        )
        # Compressed on the way, the lengths and ranges told would not be those of the sound.
        headers = {"Accept-Encoding": "identity"}
        if byte_range is not None:
            headers["Range"] = byte_range
        status, told, chunks, close = self._http.open_stream(url, headers, self._client.auth)
        length = told.get("Content-Length", "")
        return c.RecordingStream(
            status=cast(Literal[200, 206, 416], status),
            content_type=told.get("Content-Type") or f"audio/{'mpeg' if format_ == 'mp3' else 'x-wav'}",
            length=int(length) if length.isdigit() else None,
            content_range=told.get("Content-Range"),
            chunks=chunks,
            close=close,
        )

    def delete_recording(self, sid: str) -> None:
        """See `Carrier`."""
        self._client.recordings(sid).delete()

    def pause_recording(self, call_sid: str, *, keep_silence: bool = False) -> None:
        """See `Carrier`."""
        self._client.calls(call_sid).recordings(CURRENT).update(
            status="paused", pause_behavior="silence" if keep_silence else "skip"
        )

    def resume_recording(self, call_sid: str) -> None:
        """See `Carrier`."""
        self._client.calls(call_sid).recordings(CURRENT).update(status="in-progress")

    def stop_recording(self, call_sid: str) -> None:
        """See `Carrier`."""
        self._client.calls(call_sid).recordings(CURRENT).update(status="stopped")

    def look_up(self, e164: str, *, line_type: bool = False, caller_name: bool = False) -> c.LookedUp:
        """See `Carrier`."""
        wanted = [
            name
            for name, asked in (("line_type_intelligence", line_type), ("caller_name", caller_name))
            if asked
        ]
        given = {"fields": ",".join(wanted)} if wanted else {}
        return read.looked_up(self._client.lookups.v2.phone_numbers(e164).fetch(**given), e164)

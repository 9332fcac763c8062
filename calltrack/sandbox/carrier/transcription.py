"""A transcription while a call goes on: what both sides say, told sentence by sentence."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

from calltrack.sandbox.carrier import parameters
from calltrack.sandbox.carrier.line import Line

TRACKS = {"caller": "inbound_track", "business": "outbound_track"}


class Transcription:
    """One `<Start><Transcription>` of one call; its reports are numbered through."""

    def __init__(self, line: Line, verb: ET.Element, base: str) -> None:
        """Take the verb and the address of its document; the reports begin with `start`."""
        self._line = line
        self._url = line.absolute(base, verb.get("statusCallbackUrl") or "")
        self._method = verb.get("statusCallbackMethod") or "POST"
        self._language = verb.get("languageCode") or "en-US"
        self._sid = parameters.new_sid("GT")
        self._sequence = 0

    def start(self) -> None:
        """Tell that it begins."""
        self._tell("transcription-started", {})

    def talk(self) -> None:
        """Tell what the script says was said, word by word as in a call that goes well."""
        for speaker, text in self._line.script.said:
            data = json.dumps({"transcript": text, "confidence": 0.92}, ensure_ascii=False)
            said = {"TranscriptionData": data, "Final": "true", "Track": TRACKS[speaker]}
            self._tell("transcription-content", said)

    def stop(self) -> None:
        """Tell that it is over."""
        self._tell("transcription-stopped", {})

    def _tell(self, event: str, more: dict[str, str]) -> None:
        self._sequence += 1
        fields = {
            "TranscriptionEvent": event,
            "TranscriptionSid": self._sid,
            "CallSid": self._line.journal.call_sid,
            "AccountSid": self._line.number.account_sid,
            "SequenceId": str(self._sequence),
            "Timestamp": self._line.told_time().isoformat(),
            "LanguageCode": self._language,
            **more,
        }
        self._line.report(self._url, self._method, fields, "transcription")

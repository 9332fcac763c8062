"""Twilio: signed forms become events, call plans become TwiML.

Every name that is Twilio's own stays in this folder.
"""

from calltrack.telephony.twilio_forms import dialled_number, parse, parse_transcript
from calltrack.telephony.twilio_signature import is_signed, raw_target
from calltrack.telephony.twilio_twiml import CONTENT_TYPE, for_lookups, for_reports, render

__all__ = [
    "CONTENT_TYPE",
    "dialled_number",
    "for_lookups",
    "for_reports",
    "is_signed",
    "parse",
    "parse_transcript",
    "raw_target",
    "render",
]

"""A carrier that plays calls against voice hooks over HTTP, as Twilio does.

    number = SimulatedNumber(e164="+390687650001", voice_url="http://127.0.0.1:8080/voice/0f3a", ...)
    journal = play(CallScript(from_="+393331234567", to=number.e164), number, auth_token)

It signs with its own code and reads TwiML with its own interpreter, so that it finds our mistakes.
"""

from calltrack.sandbox.carrier.call import play
from calltrack.sandbox.carrier.journal import CallJournal, Entry
from calltrack.sandbox.carrier.script import (
    WITHHELD,
    CallScript,
    LegScript,
    RoomScript,
    SimulatedNumber,
    Switches,
)
from calltrack.sandbox.carrier.switchboard import Switchboard
from calltrack.sandbox.carrier.wire import pool

__all__ = [
    "WITHHELD",
    "CallJournal",
    "CallScript",
    "Entry",
    "LegScript",
    "RoomScript",
    "SimulatedNumber",
    "Switchboard",
    "Switches",
    "play",
    "pool",
]

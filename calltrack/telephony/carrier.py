"""What a carrier can do for us: the one interface between the product and whoever owns the telephone lines.

`telephony/twilio_client.py` does it with Twilio's own client. Get one for a company by
`accounts.carrier.carrier_for`, or by `services.carriers.open(account_sid, auth_token)`. Every method is
one or more requests over the network: call none inside a database transaction. They raise only

    Retry     unwell or busy; `.maybe_done` says whether it may have happened all the same
    Refused   no, and `.words` say what a person must change first
    NotFound  it is not there (any more)
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, Protocol

from calltrack.telephony.carrier_calls import (
    ALL_EVENTS,
    CallOrder,
    CarrierCall,
    CarrierMessage,
    CarrierRecording,
    LegEvent,
    LookedUp,
    MessageOrder,
    MessageStatus,
    RecordingStream,
)
from calltrack.telephony.carrier_errors import CarrierError, NotFound, Refused, Retry
from calltrack.telephony.carrier_numbers import (
    Application,
    ApplicationHooks,
    Bundle,
    CarrierAddress,
    NumberChange,
    NumberOrder,
    NumberPrice,
    NumberSearch,
    NumberType,
    OfferedNumber,
    OwnedNumber,
    Regulation,
)

__all__ = [
    "ALL_EVENTS",
    "Application",
    "ApplicationHooks",
    "Bundle",
    "CallOrder",
    "Carrier",
    "CarrierAddress",
    "CarrierCall",
    "CarrierError",
    "CarrierMessage",
    "CarrierRecording",
    "LegEvent",
    "LookedUp",
    "MessageOrder",
    "MessageStatus",
    "NotFound",
    "NumberChange",
    "NumberOrder",
    "NumberPrice",
    "NumberSearch",
    "NumberType",
    "OfferedNumber",
    "OwnedNumber",
    "RecordingStream",
    "Refused",
    "Regulation",
    "Retry",
]


class Carrier(Protocol):
    """One account at a carrier."""

    @property
    def account_sid(self) -> str:
        """The account whose numbers, calls and messages these are."""
        ...

    def check(self) -> str:
        """Return the account's name and state in words; Refused when sid and token do not fit."""
        ...

    # Numbers

    def search_numbers(self, search: NumberSearch) -> list[OfferedNumber]:
        """Return numbers for sale, `search.most` of them at most; an empty list when nothing fits."""
        ...

    def buy_number(self, order: NumberOrder) -> OwnedNumber:
        """Buy one number and lead it to an application.

        After `Retry` with `maybe_done`, ask `number_by_e164` before buying again.
        """
        ...

    def number_by_e164(self, e164: str) -> OwnedNumber | None:
        """Return the account's own number; None when the account does not have it."""
        ...

    def list_numbers(self) -> Iterator[OwnedNumber]:
        """Yield every number of the account, page after page."""
        ...

    def update_number(self, sid: str, change: NumberChange) -> OwnedNumber:
        """Change an owned number and return it as it is now."""
        ...

    def release_number(self, sid: str) -> None:
        """Give a number back: at once, for good, without refund. NotFound when it is gone already."""
        ...

    def ensure_application(self, name: str, hooks: ApplicationHooks) -> Application:
        """Return the application of that name with exactly these hooks: found, corrected or made."""
        ...

    def regulations(self, country: str, type_: NumberType) -> list[Regulation]:
        """Return what the law asks for such numbers; an empty list when it asks nothing."""
        ...

    def addresses(self) -> Iterator[CarrierAddress]:
        """Yield the account's addresses."""
        ...

    def bundles(self, country: str | None = None, type_: NumberType | None = None) -> Iterator[Bundle]:
        """Yield the account's bundles of papers, of every state."""
        ...

    def prices(self, country: str) -> list[NumberPrice]:
        """Return the monthly rents of a country's numbers."""
        ...

    # Calls

    def list_calls(
        self,
        since: datetime,
        until: datetime | None = None,
        *,
        to: str | None = None,
        from_: str | None = None,
    ) -> Iterator[CarrierCall]:
        """Yield every leg that began in [since, until), page after page, newest first.

        A call that was only just begun may appear some seconds later.
        """
        ...

    def legs_of(self, call_sid: str) -> list[CarrierCall]:
        """Return the legs to the business of one call."""
        ...

    def fetch_call(self, call_sid: str) -> CarrierCall:
        """Return one leg as the carrier knows it now."""
        ...

    def start_call(self, order: CallOrder) -> CarrierCall:
        """Begin a call and return it at once, mostly still `ringing`."""
        ...

    def redirect_call(self, call_sid: str, url: str) -> CarrierCall:
        """Let a call go on with what `url` answers; Refused (21220) when it is over."""
        ...

    def hang_up(self, call_sid: str) -> CarrierCall:
        """End a call or leg, ringing or joined; Refused (21220) when it is over."""
        ...

    # Messages

    def send_message(self, order: MessageOrder) -> CarrierMessage:
        """Send a text message and return it at once, mostly still `queued`."""
        ...

    def fetch_message(self, sid: str) -> CarrierMessage:
        """Return one message as the carrier knows it now."""
        ...

    def delete_message(self, sid: str) -> None:
        """Delete a message's text and record; Refused while it is still on its way."""
        ...

    def list_messages(
        self, since: datetime, *, to: str | None = None, from_: str | None = None
    ) -> Iterator[CarrierMessage]:
        """Yield the messages sent or received since then, newest first.

        Those that still wait to be sent are certain to be among them only with `to` or `from_`.
        """
        ...

    # Recordings

    def list_recordings(
        self, call_sid: str | None = None, since: datetime | None = None
    ) -> Iterator[CarrierRecording]:
        """Yield recordings, of one call or of all since a moment."""
        ...

    def open_recording(
        self,
        sid: str,
        *,
        byte_range: str | None = None,
        channels: Literal[1, 2] = 1,
        format_: Literal["mp3", "wav"] = "mp3",
    ) -> RecordingStream:
        """Open the sound; `byte_range` is the browser's header such as `bytes=0-1023`, passed on as it is.

        Close the answer. NotFound when it was deleted or is not ready yet.
        """
        ...

    def delete_recording(self, sid: str) -> None:
        """Delete a recording at the carrier. NotFound when it is gone already."""
        ...

    def pause_recording(self, call_sid: str, *, keep_silence: bool = False) -> None:
        """Stop writing for a while (card data); with `keep_silence` the gap is kept as silence."""
        ...

    def resume_recording(self, call_sid: str) -> None:
        """Go on writing."""
        ...

    def stop_recording(self, call_sid: str) -> None:
        """End the recording of a call that goes on."""
        ...

    # Telephone numbers of others

    def look_up(self, e164: str, *, line_type: bool = False, caller_name: bool = False) -> LookedUp:
        """Return what is known of a number; validity is free, line type and name cost money."""
        ...

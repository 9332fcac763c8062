"""Calls and text messages at Twilio: listed, begun, changed, sent."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from calltrack.telephony import carrier as c
from calltrack.telephony import twilio_read as read

PAGE = 200
SLACK = timedelta(days=1)
"""How far out of order a list that is newest first may be."""


class TwilioCalls:
    """The part of `Carrier` that deals with calls and messages."""

    _client: Any

    def list_calls(
        self,
        since: datetime,
        until: datetime | None = None,
        *,
        to: str | None = None,
        from_: str | None = None,
    ) -> Iterator[c.CarrierCall]:
        """See `Carrier`."""
        given: dict[str, Any] = {"start_time_after": since.astimezone(UTC), **_parties(to, from_)}
        if until is not None:
            given["start_time_before"] = until.astimezone(UTC)
        for one in self._client.calls.stream(page_size=PAGE, **given):
            found = read.call(one)
            # Twilio filters by whole seconds, and some accounts by whole days.
            began = found.started_at or found.created_at
            if began is None or (began >= since.replace(microsecond=0) and (until is None or began < until)):
                yield found

    def legs_of(self, call_sid: str) -> list[c.CarrierCall]:
        """See `Carrier`."""
        return [read.call(one) for one in self._client.calls.stream(parent_call_sid=call_sid, page_size=PAGE)]

    def fetch_call(self, call_sid: str) -> c.CarrierCall:
        """See `Carrier`."""
        return read.call(self._client.calls(call_sid).fetch())

    def start_call(self, order: c.CallOrder) -> c.CarrierCall:
        """See `Carrier`."""
        given: dict[str, Any] = {"timeout": order.ring_seconds}
        if order.fallback_url is not None:
            given |= {"fallback_url": order.fallback_url, "fallback_method": "POST"}
        if order.status_callback is not None:
            given |= {
                "status_callback": order.status_callback,
                "status_callback_method": "POST",
                "status_callback_event": list(order.status_events),
            }
        if order.most_seconds is not None:
            given["time_limit"] = order.most_seconds
        begun = self._client.calls.create(
            to=order.to, from_=order.from_, url=order.url, method="POST", **given
        )
        return read.call(begun)

    def redirect_call(self, call_sid: str, url: str) -> c.CarrierCall:
        """See `Carrier`."""
        return read.call(self._client.calls(call_sid).update(url=url, method="POST"))

    def hang_up(self, call_sid: str) -> c.CarrierCall:
        """See `Carrier`."""
        # "completed" also ends what still rings; "canceled" would leave a joined call alone.
        return read.call(self._client.calls(call_sid).update(status="completed"))

    def send_message(self, order: c.MessageOrder) -> c.CarrierMessage:
        """See `Carrier`."""
        given = {} if order.status_callback is None else {"status_callback": order.status_callback}
        sent = self._client.messages.create(to=order.to, from_=order.from_, body=order.text, **given)
        return read.message(sent)

    def fetch_message(self, sid: str) -> c.CarrierMessage:
        """See `Carrier`."""
        return read.message(self._client.messages(sid).fetch())

    def delete_message(self, sid: str) -> None:
        """See `Carrier`."""
        self._client.messages(sid).delete()

    def list_messages(
        self, since: datetime, *, to: str | None = None, from_: str | None = None
    ) -> Iterator[c.CarrierMessage]:
        """See `Carrier`."""
        parties = _parties(to, from_)
        # What waits to be sent has no date of sending yet: by that date it would not be found.
        given = parties or {"date_sent_after": since.astimezone(UTC)}
        for one in self._client.messages.stream(page_size=PAGE, **given):
            found = read.message(one)
            began = found.created_at or found.sent_at
            if began is None or began >= since.replace(microsecond=0):
                yield found
            elif began < since - SLACK:
                return


def _parties(to: str | None, from_: str | None) -> dict[str, Any]:
    return {name: value for name, value in (("to", to), ("from_", from_)) if value is not None}

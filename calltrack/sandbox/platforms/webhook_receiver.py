"""The twin of a customer's own server: checks signatures with the reference library, counts each id once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
from flask import Blueprint, Response, request
from standardwebhooks import Webhook, WebhookVerificationError

from calltrack.sandbox.platforms.accounts import WEBHOOK_SECRET
from calltrack.sandbox.platforms.journal import Effect, Journal, Seen
from calltrack.sandbox.platforms.twin import Desk, Twin, as_json

PLATFORM: Final = "webhook"
NEEDED: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


class _Data(msgspec.Struct):
    id: str = ""
    value: str | None = None
    currency: str | None = None
    occurred_at: str = ""
    click_ids: dict[str, str] = {}


class _Message(msgspec.Struct):
    type: str = ""
    data: _Data = msgspec.field(default_factory=_Data)


def receive(
    journal: Journal, secret: str, name: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> tuple[int, dict[str, str]]:
    """Take one message: 401 without a valid signature, 204 otherwise, also for one that came before."""
    sent = {key: headers.get(key, "") for key in NEEDED}
    try:
        Webhook(secret).verify(body, sent, json_parse=False)
        message = msgspec.json.decode(body, type=_Message)
    except (WebhookVerificationError, ValueError) as fault:
        with journal.lock:
            journal.counts["webhook.refused"] += 1
        unsigned = isinstance(fault, WebhookVerificationError)
        return (401 if unsigned else 400), {"error": str(fault)}
    if message.type == "test":
        with journal.lock:
            journal.counts["webhook.tests"] += 1
        return 204, {}
    _count(journal, name, sent["webhook-id"], message, now.timestamp())
    return 204, {}


def _count(journal: Journal, name: str, message_id: str, message: _Message, at: float) -> None:
    data = message.data
    value = float(data.value) if data.value is not None else None
    click = next(iter(data.click_ids.values()), "")
    effect = Effect(
        platform=PLATFORM,
        target=f"{name}/{message.type}",
        id=message_id,
        click=click,
        occurred_at=data.occurred_at,
        first_at=at,
        changed_at=at,
        currency=data.currency or "",
        values=(value,),
    )
    with journal.lock:
        outcome = journal.apply(effect)
        journal.counts["webhook.requests"] += 1
        journal.counts[f"webhook.{outcome}"] += 1
        journal.recent.append(
            Seen(at, PLATFORM, effect.target, message_id, click, value, effect.currency, outcome)
        )
        journal.write([journal.known(PLATFORM, effect.target, message_id) or effect])


def _add(pages: Blueprint, desk: Desk) -> None:
    @pages.post("/webhook", defaults={"name": "receiver"})
    @pages.post("/webhook/<name>")
    def webhook(name: str) -> Response:
        """Take a signed message."""

        def take() -> Response:
            headers = {key.lower(): value for key, value in request.headers.items()}
            status, body = receive(
                desk.journal, WEBHOOK_SECRET, name[:60], headers, request.get_data(), desk.now()
            )
            return Response(status=204) if status == 204 else as_json(body, status)

        return desk.answer("webhook", take, lambda status, reason: as_json({"error": reason}, status))


WEBHOOK = Twin(PLATFORM, "Webhook receiver", ("webhook",), _add)

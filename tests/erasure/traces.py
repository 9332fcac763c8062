"""Looks for a telephone number in every table: in clear, hashed in any form, and inside every seal."""

import hashlib
import json
from typing import Any

from sqlalchemy import select

from calltrack.calls.guard.shared import shared_hash
from calltrack.infra.crypto import FORMAT, Unreadable
from calltrack.models import Base
from calltrack.wiring import Services
from tests.builders import Company

# Every place a value is sealed for. A seal that none of them opens is a new one: write it here.
PLACES = (
    "call.caller", "call_event.event", "call_note.text", "transcript.spoken", "person_caller.phone",
    "message_thread.party", "message.body", "contact.sealed", "outcome_inbox.payload", "outcome_import.lines",
    "outcome_import.results", "blocked_caller.caller", "carrier_report", "outbound_call.to_number",
    "own_phone.phone", "audience_entry.identifier", "erasure.numbers", "carrier_account.auth_token",
    "destination.secrets", "outcome_door.hook_token", "outcome_door.link_secret",
    "sip_login.password",
)  # fmt: skip
# Columns of bytes that hold no seal, or the key of a file.
PLAIN = {
    "api_key.secret_hash", "kept_recording.file_key", "idempotency_key.request_hash", "delivery.payload",
}  # fmt: skip


def traces(services: Services, company: Company, number: str) -> set[str]:
    """Return the columns (`table.column`) in which a company's rows still tell the number."""
    found = set()
    vault = services.vault
    hashes = {vault.look_up(company.id, number), shared_hash(vault, number)}
    digests = {hashlib.sha256(form.encode()).hexdigest() for form in (number, number.lstrip("+"))}
    needles = {number.lstrip("+")[2:], *digests}
    with services.db.tenant(company.id) as session:
        for table in Base.metadata.sorted_tables:
            if "company_id" not in table.c and table.name != "spam_report":
                continue
            for row in session.execute(select(table)).mappings():
                for name, value in row.items():
                    if _tells(services, company, f"{table.name}.{name}", value, hashes, needles):
                        found.add(f"{table.name}.{name}")
    return found


def _tells(
    services: Services, company: Company, where: str, value: Any, hashes: set[bytes], needles: set[str]
) -> bool:
    if isinstance(value, bytes):
        if value in hashes:
            return True
        opened = _opened(services, company, value)
        if opened is None and value[:1] == FORMAT and len(value) != 32 and where not in PLAIN:
            raise AssertionError(f"nobody knows how to open {where}; add its place to PLACES")
        text = opened if opened is not None else value.decode("latin-1")
    else:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
    close = text.translate(str.maketrans("", "", " -./()"))
    return any(needle in close for needle in needles)


def _opened(services: Services, company: Company, value: bytes) -> str | None:
    for place in PLACES:
        try:
            return services.vault.open_bytes(company.id, place, value).decode()
        except Unreadable:
            continue
    return None

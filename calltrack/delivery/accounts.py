"""Connecting, changing, pausing and removing destinations; secrets are sealed apart from the settings."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.rules import display_name
from calltrack.delivery.model import DestinationAccount
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.settings import DestinationSettings
from calltrack.infra import outbox
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadFields, BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id

PLACE = "destination.secrets"
ITSELF = "calltrack"

# What waits for its time keeps waiting; what could go now waits for a person.
_PARK = text(
    """
    UPDATE delivery SET state = 'parked', due_at = NULL, explanation = :explanation
    WHERE company_id = :company_id AND destination_id = :destination_id
      AND state IN ('pending', 'unknown') AND due_at <= :now
    """
)
_UNPARK = text(
    """
    UPDATE delivery SET state = 'pending', due_at = planned_at, explanation = :explanation
    WHERE company_id = :company_id AND destination_id = :destination_id AND state = 'parked' AND NOT is_demo
    """
)
_WITHHOLD = text(
    """
    UPDATE delivery SET state = 'withheld', due_at = NULL, lease_token = NULL, settled_at = :now,
                        explanation = :explanation
    WHERE company_id = :company_id AND destination_id = :destination_id
      AND state IN ('pending', 'unknown', 'parked') AND NOT is_demo
    """
)


def connect_destination(
    session: Session,
    vault: Vault,
    company_id: UUID,
    kind: str,
    name: str,
    settings: Mapping[str, Any],
    now: datetime,
    *,
    sandbox: bool = False,
    by: str = ITSELF,
) -> UUID:
    """Connect a destination; it hears of every conversion from now on, of none before.

    Raises:
        BadInput: there is no such kind, or a setting is missing or wrong; the text names each field.
    """
    checked = _read(kind, settings, sandbox=sandbox)
    row = DestinationAccount(
        company_id=company_id,
        id=new_id(now),
        kind=kind,
        name=display_name(name),
        settings=checked.plain(),
        secrets=vault.seal(company_id, PLACE, json.dumps(checked.secrets())),
        status="active",
        status_changed_at=now,
        created_at=now,
    )
    session.add(row)
    session.flush()
    audit.note(session, company_id, by, "destination.connected", str(row.id), now, kind=kind, name=row.name)
    return row.id


def change_destination(
    session: Session,
    vault: Vault,
    company_id: UUID,
    destination_id: UUID,
    name: str,
    settings: Mapping[str, Any],
    now: datetime,
    *,
    sandbox: bool = False,
    by: str = ITSELF,
) -> None:
    """Replace name and settings; secrets that are missing or empty stay as they are, None clears one.

    What was planned but never tried goes out by the new settings.

    Raises:
        NotFound: the company has no such destination.
        BadInput: a setting is missing or wrong; the text names each field.
    """
    row = _take(session, company_id, destination_id)
    stored = _secrets(vault, row)
    names = DESTINATIONS[row.kind].Settings.secret_names()
    given = {key: value for key, value in settings.items() if key not in names or value != ""}
    checked = _read(row.kind, {**stored, **given}, sandbox=sandbox)
    changed = [key for key, value in checked.plain().items() if row.settings.get(key) != value]
    changed += [key for key in sorted(names) if stored.get(key) != checked.secrets().get(key)]
    row.name, row.settings = display_name(name), checked.plain()
    if checked.secrets() != stored:
        row.secrets = vault.seal(company_id, PLACE, json.dumps(checked.secrets()))
    if changed:
        row.settings_changed_at = now
        row.held_until, row.unwell, row.failing_since = None, 0, None
    outbox.record(session, company_id, "destination.changed", destination_id, now)
    audit.note(session, company_id, by, "destination.changed", str(destination_id), now, fields=changed)


def rotate_secret(
    session: Session,
    vault: Vault,
    company_id: UUID,
    destination_id: UUID,
    now: datetime,
    *,
    sandbox: bool = False,
    by: str = ITSELF,
) -> str:
    """Make a new signing secret and return it; the old one signs beside it until the class's date.

    Raises:
        NotFound: the company has no such destination.
        Conflict: this kind of destination has no secret that may be changed so.
    """
    row = _take(session, company_id, destination_id)
    fresh = open_settings(vault, row).rotated(now)
    if row.status == "removed" or not fresh:
        raise Conflict("This destination has no secret of its own to change.")
    checked = _read(row.kind, {**row.settings, **_secrets(vault, row), **fresh}, sandbox=sandbox)
    row.settings = checked.plain()
    row.secrets = vault.seal(company_id, PLACE, json.dumps(checked.secrets()))
    audit.note(session, company_id, by, "destination.secret_rotated", str(destination_id), now)
    return str(fresh["secret"])


def pause(
    session: Session, company_id: UUID, destination_id: UUID, reason: str, now: datetime, *, by: str = ITSELF
) -> bool:
    """Stop sending: what is due is parked and waits; tells whether the destination was active.

    Raises:
        NotFound: the company has no such destination.
    """
    row = _take(session, company_id, destination_id)
    if row.status != "active":
        return False
    row.status, row.status_reason, row.status_changed_at = "paused", reason, now
    session.flush()
    session.execute(
        _PARK,
        {"company_id": company_id, "destination_id": destination_id, "now": now, "explanation": reason},
    )
    outbox.record(session, company_id, "destination.paused", destination_id, now)
    audit.note(session, company_id, by, "destination.paused", str(destination_id), now, reason=reason)
    return True


def resume(
    session: Session, company_id: UUID, destination_id: UUID, now: datetime, *, by: str = ITSELF
) -> None:
    """Send again: everything parked is due at once, oldest first.

    Raises:
        NotFound: the company has no such destination.
        Conflict: it was removed.
    """
    row = _take(session, company_id, destination_id)
    if row.status == "removed":
        raise Conflict("This destination was removed; connect it anew.")
    if row.status == "paused":
        row.status, row.status_reason, row.status_changed_at = "active", "", now
        audit.note(session, company_id, by, "destination.resumed", str(destination_id), now)
    row.held_until, row.unwell, row.failing_since = None, 0, None
    session.flush()
    session.execute(
        _UNPARK,
        {
            "company_id": company_id,
            "destination_id": destination_id,
            "explanation": "The destination was resumed; it is sent next.",
        },
    )
    outbox.record(session, company_id, "destination.changed", destination_id, now)


def remove(
    session: Session, vault: Vault, company_id: UUID, destination_id: UUID, now: datetime, *, by: str = ITSELF
) -> None:
    """Disconnect for good: nothing more is sent, what waited is withheld, the secrets are erased.

    Raises:
        NotFound: the company has no such destination.
    """
    row = _take(session, company_id, destination_id)
    if row.status == "removed":
        return
    row.status, row.status_reason, row.status_changed_at = "removed", "", now
    row.secrets = vault.seal(company_id, PLACE, "{}")
    session.flush()
    session.execute(
        _WITHHOLD,
        {
            "company_id": company_id,
            "destination_id": destination_id,
            "now": now,
            "explanation": "The destination was removed before this was sent.",
        },
    )
    audit.note(session, company_id, by, "destination.removed", str(destination_id), now)


def set_access_until(
    session: Session, company_id: UUID, destination_id: UUID, until: datetime | None
) -> None:
    """Note when the access that a person gave by signing in ends by itself."""
    _take(session, company_id, destination_id).access_until = until


def keep_refresh_token(
    session: Session, vault: Vault, company_id: UUID, destination_id: UUID, refresh_token: str
) -> None:
    """Put the new refresh token in place of the stored one; a destination without one is left alone."""
    row = _take(session, company_id, destination_id)
    stored = _secrets(vault, row)
    if "refresh_token" in stored and row.status != "removed":
        row.secrets = vault.seal(company_id, PLACE, json.dumps({**stored, "refresh_token": refresh_token}))


def open_settings(vault: Vault, row: DestinationAccount) -> DestinationSettings:
    """Return the settings of a connected destination, secrets included; they were checked when stored."""
    return DESTINATIONS[row.kind].Settings.load({**row.settings, **_secrets(vault, row)}, sandbox=True)


def _take(session: Session, company_id: UUID, destination_id: UUID) -> DestinationAccount:
    row = session.get(DestinationAccount, (company_id, destination_id), with_for_update=True)
    if row is None:
        raise NotFound("There is no such destination.")
    return row


def _secrets(vault: Vault, row: DestinationAccount) -> dict[str, str]:
    opened: dict[str, str] = json.loads(vault.open(row.company_id, PLACE, row.secrets))
    return opened


def _read(kind: str, settings: Mapping[str, Any], *, sandbox: bool) -> DestinationSettings:
    if kind not in DESTINATIONS:
        raise BadInput(f"There is no destination {kind[:64]!r}; choose one of {', '.join(DESTINATIONS)}.")
    model = DESTINATIONS[kind].Settings
    try:
        return model.load(settings, sandbox=sandbox)
    except ValidationError as problem:
        sentences = [(_field_of(error), _in_words(model, error)) for error in problem.errors()]
        text = "; ".join(words for _, words in sentences) + "."
        raise BadFields(text, {name: f"{words}." for name, words in reversed(sentences)}) from None


def _field_of(error: Any) -> str:
    return str(error["loc"][0]) if error["loc"] else ""


def _in_words(model: type[DestinationSettings], error: Any) -> str:
    """Say what is wrong with one field under the name people know it by, never with what they wrote."""
    name = _field_of(error)
    info = model.model_fields.get(name)
    label = (info.title or name.replace("_", " ").capitalize()) if info else name[:64]
    if error["type"] == "missing":
        return f"{label} is needed"
    if error["type"] == "extra_forbidden":
        return f"There is no setting {label!r}"
    if error["type"].startswith(("datetime", "date_")):
        return f"{label}: write a day and time such as 2026-11-22T14:30Z"
    problem = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{label}: {problem}" if label else problem

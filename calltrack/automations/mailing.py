"""Mails about single calls and messages: short, with a link, and one message id for each."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.accounts.queries import members
from calltrack.infra.mail import send_mail
from calltrack.wiring import Services


def can_mail(services: Services) -> bool:
    """Tell whether this installation has a mail server."""
    return bool(services.settings.smtp_url.get_secret_value())


def mail(services: Services, to: Sequence[str], subject: str, body: str, name: str) -> None:
    """Send one mail; the same `name` means the same message.

    Raises:
        MailNotSent: the server did not take it.
    """
    settings = services.settings
    host = settings.mail_from.rpartition("@")[2].strip(">")
    server = settings.smtp_url.get_secret_value()
    send_mail(server, settings.mail_from, to, subject, body, f"<{name}@{host}>", services.clock())


def members_of(session: Session, company_id: UUID, roles: Sequence[str]) -> list[str]:
    """Return the addresses of the active members of these roles."""
    return sorted(one.email for one in members(session, company_id) if one.role in roles and one.is_active)

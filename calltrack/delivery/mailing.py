"""Tells a company's owners by e-mail of what needs somebody; a fact carries it, so it is never lost."""

from typing import Final
from uuid import UUID

from calltrack.accounts.queries import company, members
from calltrack.delivery.model import Notice
from calltrack.infra.mail import send_mail
from calltrack.wiring import Services

# Informative, but somebody said that they want to hear of it.
ASKED_FOR: Final = ("segment.filled",)
FOOT: Final = "You get this because you are an owner of {name} at calltrack."


def mail_notice(services: Services, company_id: UUID, notice_id: UUID) -> None:
    """Mail a notice to the owners once; not what is over, nor what only informs and nobody asked for.

    Running it again sends nothing. A worker that dies between the hand-over and the note that it was done
    sends the same message once more, under the same message id.

    Raises:
        MailNotSent: the mail server did not take it; the fact is tried again later.
    """
    settings, now = services.settings, services.clock()
    server = settings.smtp_url.get_secret_value()
    if not server:
        return
    with services.db.tenant(company_id) as session:
        row, owner_of = session.get(Notice, (company_id, notice_id)), company(session, company_id)
        to = sorted(
            one.email for one in members(session, company_id) if one.role == "owner" and one.is_active
        )
    if row is None or owner_of is None or not to:
        return
    if row.level != "action" and row.kind not in ASKED_FOR:
        return
    if row.resolved_at is not None or row.mailed_at is not None:
        return
    host = settings.mail_from.rpartition("@")[2].strip(">")
    page = f"{settings.base_url}/app/{company_id.hex}/notices"
    text = f"{row.text}\n\n{page}\n\n{FOOT.format(name=owner_of.name)}\n"
    subject = f"{owner_of.name}: {row.text.split('. ')[0].rstrip('.')}"
    send_mail(server, settings.mail_from, to, subject, text, f"<notice-{notice_id.hex}@{host}>", now)
    with services.db.tenant(company_id) as session:
        session.get_one(Notice, (company_id, notice_id)).mailed_at = now

"""Tells owners that calls are put through to another number: by notice, and by mail."""

from typing import Final
from uuid import UUID

from calltrack.accounts.forwarding import FLOW_PHONES
from calltrack.accounts.model import AuditEntry
from calltrack.accounts.queries import company, members
from calltrack.delivery.notices import Problem, raise_and_resolve
from calltrack.infra.mail import send_mail
from calltrack.kernel.phone import pretty
from calltrack.wiring import Services

KIND: Final = "forwarding.changed"
FOOT: Final = "You get this because you are an owner of {name} at calltrack."


def tell_of_forwarding(services: Services, company_id: UUID, entry_id: UUID) -> None:
    """Raise a notice of a changed forwarding number and mail it to the owners.

    Running it again raises none twice; a second mail carries the same message id.

    Raises:
        MailNotSent: the mail server did not take it; the fact is tried again later.
    """
    now, settings = services.clock(), services.settings
    with services.db.tenant(company_id) as session:
        entry, owner_of = session.get(AuditEntry, (company_id, entry_id)), company(session, company_id)
        if entry is None or owner_of is None:
            return
        text = sentence(entry)
        raise_and_resolve(session, company_id, [Problem(KIND, entry_id.hex, "info", text)], now, kinds=())
        to = sorted(
            one.email for one in members(session, company_id) if one.role == "owner" and one.is_active
        )
    server = settings.smtp_url.get_secret_value()
    if not server or not to:
        return
    host = settings.mail_from.rpartition("@")[2].strip(">")
    page = f"{settings.base_url}/app/{company_id.hex}/{_page(entry)}"
    body = f"{text}\n\n{page}\n\n{FOOT.format(name=owner_of.name)}\n"
    what = "rings new phones" if entry.action == FLOW_PHONES else "go to another number"
    told = f"call flow “{entry.subject}”" if entry.action == FLOW_PHONES else f"calls to {entry.subject}"
    subject = f"{owner_of.name}: {told} {what}"
    send_mail(server, settings.mail_from, to, subject, body, f"<forwarding-{entry_id.hex}@{host}>", now)


def sentence(entry: AuditEntry) -> str:
    """Return what happened, and what to do if it was not meant."""
    if entry.action == FLOW_PHONES:
        phones = ", ".join(pretty(one) if one.startswith("+") else one for one in entry.detail["phones"])
        return (
            f"The call flow “{entry.subject}” puts calls through to {phones}, where none went before; "
            f"{entry.actor} published it. If that was not meant, bring an earlier version back and give that "
            "person a new password."
        )
    before, after = (pretty(entry.detail.get(name, "")) for name in ("before", "forward_to"))
    return (
        f"Calls to {entry.subject} are put through to {after} now, no longer to {before}; {entry.actor} "
        "changed it. If that was not meant, change it back and give that person a new password."
    )


def _page(entry: AuditEntry) -> str:
    return f"flows/{entry.detail['flow_id']}" if entry.action == FLOW_PHONES else "settings/locations"

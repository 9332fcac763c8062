"""Tells the location of a received message: by mail, and by a message to its mobile."""

from typing import Final
from uuid import UUID

from calltrack.accounts.model import Company, Location
from calltrack.automations.mailing import can_mail, mail
from calltrack.kernel.phone import masked, pretty
from calltrack.messages.model import Message, MessageThread
from calltrack.messages.queries import contacts
from calltrack.messages.service import PARTY_PLACE, TEXT_PLACE, Draft, queue
from calltrack.numbers.model import TrackingNumber
from calltrack.wiring import Services

BY: Final = "forwarding"
LONGEST: Final = 1_200


def forward_message(services: Services, company_id: UUID, message_id: UUID) -> None:
    """Forward a received message to its location's contact; running it again sends no second one.

    What the location's own mobile writes is not sent back to it.

    Raises:
        MailNotSent: the mail server did not take it; the fact is tried again later.
    """
    now, vault = services.clock(), services.vault
    with services.db.tenant(company_id) as session:
        row = session.get(Message, (company_id, message_id))
        if row is None:
            return
        number = session.get_one(TrackingNumber, (company_id, row.number_id))
        location = session.get_one(Location, (company_id, number.location_id))
        thread = session.get_one(MessageThread, (company_id, row.thread_id))
        company = session.get_one(Company, company_id).name
        sender, text = (
            vault.open(company_id, PARTY_PLACE, thread.party),
            vault.open(company_id, TEXT_PLACE, row.body),
        )
        contact = contacts(session, company_id).get(location.id)
        if contact is None or contact.mobile == sender:
            return
        if contact.mobile:
            words = f"{pretty(sender)} > {location.name}: {text}"[:LONGEST]
            draft = Draft(
                kind="forward", to=contact.mobile, number_id=number.id, text=words, by=BY,
                once=f"forward:{message_id.hex}",
            )  # fmt: skip
            queue(session, vault, company_id, draft, now)
        place, email = location.name, contact.email
        page = f"{services.settings.base_url}/app/{company_id.hex}/messages/{thread.id.hex}"
    services.nudges.wake("send_messages", str(company_id))
    if email and can_mail(services):
        body = f"{masked(sender)} wrote to {place}:\n\n{text}\n\nAnswer on the page of messages:\n{page}\n"
        mail(services, [email], f"{company}: message for {place}", body, f"message-{message_id.hex}")

"""A mail of who entered a segment: how many, and a link to each; numbers stand on the pages only."""

from typing import Final
from uuid import UUID

from sqlalchemy import select, update

from calltrack.accounts.queries import company
from calltrack.automations.mailing import can_mail, mail, members_of
from calltrack.infra.rows import one_of
from calltrack.stages.model import SegmentMember, SegmentRow
from calltrack.wiring import Services

WHO: Final = {"owners": ("owner",), "managers": ("owner", "manager")}
NAMED: Final = 20


def tell_entered(services: Services, company_id: UUID, segment_id: UUID) -> None:
    """Mail who entered the segment and was not told of; running it again sends nothing.

    A worker that dies between the hand-over and the note that it was done sends the same message once more,
    under the same message id, unless more persons have entered meanwhile.

    Raises:
        MailNotSent: the mail server did not take it; the fact is tried again later.
    """
    with services.db.tenant(company_id) as session:
        row, owner_of = session.get(SegmentRow, (company_id, segment_id)), company(session, company_id)
        mine = (
            SegmentMember.company_id == company_id, SegmentMember.segment_id == segment_id,
            SegmentMember.told_at.is_(None),
        )  # fmt: skip
        entered = session.execute(
            select(SegmentMember.person_id, SegmentMember.entered_at)
            .where(*mine)
            .order_by(SegmentMember.entered_at, SegmentMember.person_id)
        ).all()
        to = members_of(session, company_id, WHO.get(row.tell_to, ())) if row else []
    if row is None or owner_of is None or not entered:
        return
    if to and can_mail(services):
        count = len(entered)
        who = f"{count} {'person' if count == 1 else 'persons'} entered the segment “{row.name}”"
        at = f"{services.settings.base_url}/app/{company_id.hex}/journeys/persons"
        links = [f"{at}/{one.person_id.hex}" for one in entered[:NAMED]]
        more = [f"and {count - NAMED} more:"] if count > NAMED else ["Everybody in it:"]
        body = "\n".join([f"{who}:", "", *links, "", *more, f"{at}?segment={segment_id.hex}", ""])
        name = f"entered-{segment_id.hex}-{entered[-1].person_id.hex}-{entered[-1].entered_at:%Y%m%d%H%M%S}"
        mail(services, to, f"{owner_of.name}: {who}", body, name)
    ids = [one.person_id for one in entered]
    with services.db.tenant(company_id) as session:
        session.execute(
            update(SegmentMember)
            .where(*mine, one_of(SegmentMember.person_id, ids))
            .values(told_at=services.clock())
        )

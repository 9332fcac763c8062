"""Which static numbers are all that stands for a campaign: what it cost is then what the number cost."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from calltrack.kernel.origin import words_of
from calltrack.numbers.uses import static_origins
from calltrack.reports.asking import Stretch

_WORDS: Final = ("sources", "mediums", "campaigns")
# A campaign of two static numbers, of visits, or of calls to another number is not told apart by number.
_ELSEWHERE: Final = text(
    """
    SELECT own.key FROM unnest(:keys, :sources, :mediums, :campaigns, :numbers)
        AS own (key, source, medium, campaign, number)
    WHERE EXISTS (
        SELECT FROM report_day d
        WHERE d.company_id = :company_id AND d.dimension IN ('campaign', 'number')
            AND d.day BETWEEN :since AND :until
            AND (d.source, d.medium, d.campaign) = (own.source, own.medium, own.campaign)
            AND CASE d.dimension WHEN 'campaign' THEN d.visits > 0
                ELSE d.calls > 0 AND d.detail <> own.number END
    )
    """
).bindparams(*(bindparam(name, type_=ARRAY(Text())) for name in ("keys", *_WORDS, "numbers")))


def numbers_alone(session: Session, company_id: UUID, keys: Collection[str], over: Stretch) -> dict[str, str]:
    """Return the campaigns of these that one static number alone stood for, and its id in hex."""
    if not keys:
        return {}
    own = {
        key: ids[0].hex
        for key, ids in static_origins(session, company_id).items()
        if key in keys and len(ids) == 1
    }
    if not own:
        return {}
    given = {
        "company_id": company_id, "since": over.since, "until": over.until, "keys": list(own),
        "numbers": list(own.values()),
        **dict(zip(_WORDS, map(list, zip(*map(words_of, own), strict=True)), strict=True)),
    }  # fmt: skip
    elsewhere = set(session.scalars(_ELSEWHERE, given))
    return {key: number for key, number in own.items() if key not in elsewhere}

"""One-click links: the person who answered says what a call brought, without a login.

A link names one call of one company, ends by itself, and is worth nothing once the company renews its secret.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from itsdangerous import BadSignature, TimestampSigner

from calltrack.kernel.errors import NotFound

LASTS = timedelta(days=14)
SALT = b"outcome-link"
_GONE = "This link does not work any more. Ask for a new one, or open the call in calltrack."


@dataclass(frozen=True)
class Named:
    """What a link names; nothing is proved until `read_link` has checked the signature."""

    company_id: UUID
    call_id: UUID


class _Signer(TimestampSigner):
    """Signs with the time it is told, so that tests and clocks agree."""

    now: datetime

    def get_timestamp(self) -> int:
        """Return the told time in whole seconds."""
        return int(self.now.timestamp())


def sign_link(key: str, secret: str, company_id: UUID, call_id: UUID, now: datetime) -> str:
    """Return the token of a link.

    Args:
        key: the installation's SECRET_KEY.
        secret: the company's own secret of links (`doors.link_secret`).
        company_id: whose call it is.
        call_id: the call.
        now: when the link begins; it lasts fourteen days.
    """
    named = base64.urlsafe_b64encode(company_id.bytes + call_id.bytes).rstrip(b"=")
    return _signer(key, secret, now).sign(named).decode()


def named_by(token: str) -> Named:
    """Return what a token names, unproved; raises NotFound when it can be no token of ours."""
    raw = token.partition(".")[0]
    try:
        both = base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        both = b""
    if len(token) > 200 or len(both) != 32:
        raise NotFound(_GONE)
    return Named(UUID(bytes=both[:16]), UUID(bytes=both[16:]))


def read_link(key: str, secret: str, token: str, now: datetime) -> Named:
    """Return what a link names; raises NotFound when it is forged, too old or taken back."""
    try:
        _signer(key, secret, now).unsign(token, max_age=int(LASTS.total_seconds()))
    except BadSignature:
        raise NotFound(_GONE) from None
    return named_by(token)


def _signer(key: str, secret: str, now: datetime) -> _Signer:
    signer = _Signer(key, salt=SALT + b"/" + secret.encode())
    signer.now = now
    return signer

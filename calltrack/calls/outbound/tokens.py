"""What travels in the address of a call we begin: hooks ask no database, and addresses show no number."""

import base64
import binascii
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import msgspec

from calltrack.infra.crypto import Unreadable, Vault
from calltrack.kernel.errors import BadInput

PLACE = "outbound_call.address"
LONGEST = 700
OutboundKind = Literal["back", "score", "verify"]


@dataclass(frozen=True, kw_only=True)
class Errand:
    """What a call we begin is for.

    language: of what is said, such as it-IT. to: the caller to ring (back). code: what is said (verify).
    name: the company's, as it is said.
    """

    id: UUID
    kind: OutboundKind
    language: str
    to: str = ""
    code: str = ""
    name: str = ""


def write_token(vault: Vault, company_id: UUID, errand: Errand) -> str:
    """Return the errand as a part of an address."""
    sealed = vault.seal(company_id, PLACE, msgspec.json.encode(errand).decode())
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def read_errand(vault: Vault, company_id: UUID, token: str) -> Errand:
    """Read what `write_token` wrote for this company; raises BadInput for anything else."""
    try:
        if len(token) > LONGEST:
            raise ValueError
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(vault.open(company_id, PLACE, sealed), type=Errand)
    except (ValueError, binascii.Error, Unreadable, msgspec.MsgspecError):
        raise BadInput("This address names no call of ours") from None

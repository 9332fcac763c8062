"""Personal data at rest: AES-256-GCM under a key per tenant, and a keyed hash beside it for look-ups.

The tenant's keys are derived from the master key with HKDF-SHA256 (RFC 5869) over the company id, so a
cipher text moved to another company, column or row cannot be opened (the place is authenticated).
"""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMAT = b"\x01"


class Unreadable(Exception):
    """A cipher text was moved, changed, or belongs to another key."""


@dataclass(frozen=True)
class _Keys:
    seal: AESGCM
    look_up: bytes


class Vault:
    """Seals and opens personal values of tenants. Safe to share between threads."""

    def __init__(self, master_key: bytes) -> None:
        """Take the 32-byte master key; raises ValueError when it has another length."""
        if len(master_key) != 32:
            raise ValueError("ENCRYPTION_KEY must be 32 bytes in base64; make one with: calltrack new-key")
        self._master = master_key
        self._keys = lru_cache(maxsize=4096)(self._derive)
        self._server_keys = lru_cache(maxsize=16)(self._derive_for_server)

    def seal(self, company_id: UUID, place: str, value: str) -> bytes:
        """Encrypt a value for one place, such as `call.caller`."""
        return self.seal_bytes(company_id, place, value.encode())

    def seal_bytes(self, company_id: UUID, place: str, value: bytes) -> bytes:
        """Encrypt bytes, such as the key of a file, for one place."""
        nonce = os.urandom(12)
        return FORMAT + nonce + self._keys(company_id).seal.encrypt(nonce, value, place.encode())

    def open(self, company_id: UUID, place: str, sealed: bytes) -> str:
        """Decrypt what `seal` made for the same company and place; raises Unreadable otherwise."""
        return self.open_bytes(company_id, place, sealed).decode()

    def open_bytes(self, company_id: UUID, place: str, sealed: bytes) -> bytes:
        """Decrypt what `seal_bytes` made for the same company and place; raises Unreadable otherwise."""
        if sealed[:1] != FORMAT:
            raise Unreadable("unknown cipher format")
        try:
            return self._keys(company_id).seal.decrypt(sealed[1:13], sealed[13:], place.encode())
        except InvalidTag:
            raise Unreadable(f"a sealed {place} does not belong here") from None

    def look_up(self, company_id: UUID, value: str) -> bytes:
        """Return the 32-byte keyed hash under which a value is found again within one company."""
        # Not kept: what is looked up are people's numbers, and making the hash again takes microseconds.
        return hmac.digest(self._keys(company_id).look_up, value.encode(), "sha256")

    def look_up_anywhere(self, purpose: str, value: str) -> bytes:
        """Return the keyed hash of a value that is the same in every company of this server.

        `purpose` keeps uses apart: hashes of two purposes cannot be compared.
        """
        return hmac.digest(self._server_keys(purpose), value.encode(), "sha256")

    def _derive_for_server(self, purpose: str) -> bytes:
        info = b"calltrack/server/" + purpose.encode()
        return HKDF(SHA256(), 32, salt=None, info=info).derive(self._master)

    def _derive(self, company_id: UUID) -> _Keys:
        material = HKDF(SHA256(), 64, salt=None, info=b"calltrack/tenant/" + company_id.bytes).derive(
            self._master
        )
        return _Keys(AESGCM(material[:32]), material[32:])


def token_hash(token: str) -> bytes:
    """Return the SHA-256 of a random token of at least 112 bits (sessions, API keys)."""
    return hashlib.sha256(token.encode()).digest()


def new_token(bytes_: int = 24) -> str:
    """Return a random URL-safe token (24 bytes: 192 bits)."""
    return base64.urlsafe_b64encode(os.urandom(bytes_)).rstrip(b"=").decode()

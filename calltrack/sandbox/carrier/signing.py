"""Signatures as the carrier makes them, written from its documentation and not from our own check."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit


def sign(url: str, fields: Mapping[str, str], auth_token: str) -> str:
    """Return the X-Twilio-Signature of a form post (or of a GET, with no fields)."""
    text = signed_address(url) + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def signed_address(url: str) -> str:
    """Return the address as it is signed: no fragment, no user, and for https no port."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "https" and parts.port is not None:
        host = host.rpartition(":")[0]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))

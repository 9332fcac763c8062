"""Was this request sent by the carrier? The check Twilio documents, on the raw request target."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import (
    HMAC_SHA1,
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

PLAIN_PATH = re.compile(r"/[A-Za-z0-9/._~-]*")
FORM = "application/x-www-form-urlencoded"


def is_signed(
    environ: Mapping[str, Any], form: Mapping[str, str], body: bytes, base_url: str, tokens: Iterable[str]
) -> bool:
    """Tell whether one of the auth tokens signed exactly this request; garbage is simply not signed.

    `environ` is the WSGI environment, `form` the parsed POST fields (a MultiDict keeps repeated ones),
    `base_url` the public origin without a trailing slash, as the carrier knows it.
    Only HMAC-SHA1 counts, because the sender must not choose how our auth token is used.
    """
    target = raw_target(environ)
    signature = str(environ.get(_environ_name(SIGNATURE_HEADER)) or "")
    settings = str(environ.get(_environ_name(SIGNATURE_SETTINGS_HEADER)) or "")
    if target is None or not signature.isascii() or not signature:
        return False
    if get_signature_algorithm(settings).upper() != HMAC_SHA1:
        return False
    fields = _signed_fields(environ, target, form, body)
    if fields is None:
        return False
    url = base_url.rstrip("/") + target
    return any(_matches(token, url, fields, signature) for token in tokens if token)


def raw_target(environ: Mapping[str, Any]) -> str | None:
    """Return path and query as they stood on the wire, or None when that cannot be known.

    Servers that do not hand on the raw target (Granian) leave the decoded path; it is taken only where
    decoding cannot have changed it.
    """
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if target is None:
        path = f"{environ.get('SCRIPT_NAME') or ''}{environ.get('PATH_INFO') or ''}"
        query = environ.get("QUERY_STRING") or ""
        target = (f"{path}?{query}" if query else path) if PLAIN_PATH.fullmatch(path) else ""
    if not isinstance(target, str) or not target.isascii() or not target.isprintable():
        return None
    return target if target.startswith("/") and not target.startswith("//") else None


def _signed_fields(
    environ: Mapping[str, Any], target: str, form: Mapping[str, str], body: bytes
) -> Mapping[str, str] | str | None:
    """Return what the signature covers beside the address; None when part of the body is not covered."""
    if form:
        return form
    if not body:
        return {}
    if "bodySHA256" in parse_qs(urlsplit(target).query):
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            return None
    content_type = str(environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
    return {} if content_type == FORM else None


def _matches(token: str, url: str, fields: Mapping[str, str] | str, signature: str) -> bool:
    try:
        return bool(RequestValidator(token).validate(url, fields, signature, HMAC_SHA1))
    except (ValueError, TypeError):  # A base address or a field the library cannot read: not signed.
        return False


def _environ_name(header: str) -> str:
    return "HTTP_" + header.upper().replace("-", "_")

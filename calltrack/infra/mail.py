"""Sends one plain-text message, with files, over SMTP; the server's address says how: smtp:// or smtps://.

smtp:// takes STARTTLS where the server offers it, and insists on it when a password is to be sent anywhere
but to this machine. Every wait is bounded.
"""

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from typing import Final
from urllib.parse import unquote, urlsplit

SECONDS: Final = 6.0
LOCAL: Final = ("localhost", "127.0.0.1", "::1")


class MailNotSent(Exception):
    """The message was not taken; the text says why, without addresses or passwords."""


@dataclass(frozen=True)
class Attached:
    """A file that goes with a message; `kind` is its media type."""

    name: str
    kind: str
    content: bytes


def send_mail(
    server: str,
    sender: str,
    to: Sequence[str],
    subject: str,
    text: str,
    message_id: str,
    at: datetime,
    *,
    attached: Sequence[Attached] = (),
    headers: Mapping[str, str] | None = None,
) -> None:
    """Hand the message over for all recipients at once; the same message id means the same message.

    Raises:
        MailNotSent: the server could not be reached, or refused it for every recipient.
    """
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, ", ".join(to), _one_line(subject)
    message["Message-ID"], message["Date"] = message_id, format_datetime(at)
    message["Auto-Submitted"] = "auto-generated"
    for name, value in (headers or {}).items():
        message[name] = value
    message.set_content(text)
    for file in attached:
        main, _, sub = file.kind.partition("/")
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    try:
        with _connect(server) as connection:
            connection.send_message(message, sender, list(to))
    except (OSError, smtplib.SMTPException) as problem:
        code = getattr(problem, "smtp_code", None)
        raise MailNotSent(f"{type(problem).__name__}{f' {code}' if code else ''}") from None


def _connect(server: str) -> smtplib.SMTP:
    parts = urlsplit(server)
    host, context = parts.hostname or "", _certificates()
    if parts.scheme == "smtps":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=SECONDS, context=context)
    else:
        connection = smtplib.SMTP(host, parts.port or 25, timeout=SECONDS)
    try:
        connection.ehlo()
        if parts.scheme == "smtp" and connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
        elif parts.scheme == "smtp" and parts.username and host not in LOCAL:
            raise smtplib.SMTPNotSupportedError("no TLS")
        if parts.username:
            connection.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        connection.close()
        raise
    return connection


@cache
def _certificates() -> ssl.SSLContext:
    """Read the machine's certificates once: it takes longer than most mails."""
    return ssl.create_default_context()


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]

"""All settings: one frozen object, read once at boot, which names everything that is missing or wrong."""

import base64
import binascii
import ipaddress
import json
import os
import re
import secrets
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# The documented sandbox pair: only the demo uses it, the carrier simulator signs with it.
SANDBOX_ACCOUNT_SID = "AC5a11db0c5a11db0c5a11db0c5a11db0c"
SANDBOX_AUTH_TOKEN = "sandbox-token-of-the-demo-carrier"  # noqa: S105 - not a secret: documented, loopback only

# Where the sandbox's carrier answers what the product asks Twilio.
SANDBOX_CARRIER_PATH = "/sandbox/carrier"

# The application the sandbox's identity server knows.
SANDBOX_OAUTH = ("sandbox-client", "sandbox-client-secret")

# Who signs in to the demo company; shown on the demo's first page.
DEMO_EMAIL = "demo@calltrack.test"
DEMO_PASSWORD = "try-calltrack"  # noqa: S105 - not a secret: documented, demo only


class Settings(BaseSettings):
    """Every setting of calltrack; the field's description is its sentence in docs/configuration.md."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=False, env_ignore_empty=True, populate_by_name=True
    )

    mode: Literal["production", "demo"] = Field(
        "production", alias="CALLTRACK_MODE", description="`demo` adds the sandbox and the demo company."
    )
    data_dir: Path = Field(
        Path("var"),
        alias="DATA_DIR",
        description="Folder of embedded services, secrets, spool and route table.",
    )
    port: int = Field(
        8000, alias="PORT", ge=1, le=65535, description="Port the process listens on (loopback)."
    )
    public_base_url: str = Field(
        "",
        alias="PUBLIC_BASE_URL",
        description="Origin under which browsers and the carrier reach calltrack; signatures depend on it.",
    )
    database_url: str = Field(
        "", alias="DATABASE_URL", description="PostgreSQL 15 or newer, logging in as the app's role."
    )
    database_owner_url: str = Field(
        "", alias="DATABASE_OWNER_URL", description="Login that owns the tables; only migrations use it."
    )
    database_system_url: str = Field(
        "",
        alias="DATABASE_SYSTEM_URL",
        description="Login of the system role that finds due work of all companies.",
    )
    redis_url: str = Field(
        "", alias="REDIS_URL", description="Redis for nudges to workers; it may be flushed."
    )
    encryption_key: SecretStr = Field(
        SecretStr(""), alias="ENCRYPTION_KEY", description="32 bytes in base64; seals personal data at rest."
    )
    secret_key: SecretStr = Field(
        SecretStr(""), alias="SECRET_KEY", description="At least 32 characters; signs cookies and links."
    )
    twilio_account_sid: str = Field(
        "",
        alias="TWILIO_ACCOUNT_SID",
        description="Carrier account of the demo company (default: sandbox pair).",
    )
    twilio_auth_token: SecretStr = Field(
        SecretStr(""),
        alias="TWILIO_AUTH_TOKEN",
        description="Token of that account; checks the hooks' signatures.",
    )
    twilio_api_base: str = Field(
        "",
        alias="TWILIO_API_BASE",
        description="Server asked instead of Twilio's own, such as http://127.0.0.1:18090; on this machine "
        "only (in the demo the sandbox's carrier, unless set).",
    )
    twilio_api_base_elsewhere: bool = Field(
        False,
        alias="TWILIO_API_BASE_ELSEWHERE",
        description="`true` allows TWILIO_API_BASE to be another machine, by https only: it gets the auth "
        "tokens.",
    )
    transcribe_command: str = Field(
        "",
        alias="TRANSCRIBE_COMMAND",
        description="Program that reads a WAV file on its standard input and prints a transcript as JSON "
        "(see docs/calls.md); without it there are no transcripts by this server.",
    )
    transcribe_seconds: float = Field(
        1800,
        alias="TRANSCRIBE_SECONDS",
        gt=0,
        description="How long that program may take for one recording.",
    )
    visits_kept_months: int = Field(
        0, alias="VISITS_KEPT_MONTHS", ge=0,
        description="After so many months (4 or more) visits and page views are dropped with their month, "
        "of all companies; 0 keeps them.",
    )  # fmt: skip
    google_status_after_seconds: float = Field(
        1800, alias="GOOGLE_STATUS_AFTER_SECONDS", gt=0,
        description="How long after an upload Google is first asked for its verdict.",
    )  # fmt: skip
    oauth_google_client_id: str = Field(
        "", alias="OAUTH_GOOGLE_CLIENT_ID", description="OAuth client for signing in with Google."
    )
    oauth_google_client_secret: SecretStr = Field(
        SecretStr(""), alias="OAUTH_GOOGLE_CLIENT_SECRET", description="Its secret."
    )
    oauth_microsoft_client_id: str = Field(
        "", alias="OAUTH_MICROSOFT_CLIENT_ID", description="Entra application for signing in with Microsoft."
    )
    oauth_microsoft_client_secret: SecretStr = Field(
        SecretStr(""), alias="OAUTH_MICROSOFT_CLIENT_SECRET", description="Its secret."
    )
    oauth_meta_client_id: str = Field(
        "", alias="OAUTH_META_CLIENT_ID", description="Meta app for signing in with Meta."
    )
    oauth_meta_client_secret: SecretStr = Field(
        SecretStr(""), alias="OAUTH_META_CLIENT_SECRET", description="Its secret."
    )
    oauth_linkedin_client_id: str = Field(
        "", alias="OAUTH_LINKEDIN_CLIENT_ID", description="LinkedIn app for signing in with LinkedIn."
    )
    oauth_linkedin_client_secret: SecretStr = Field(
        SecretStr(""), alias="OAUTH_LINKEDIN_CLIENT_SECRET", description="Its secret."
    )
    oauth_tiktok_client_id: str = Field(
        "", alias="OAUTH_TIKTOK_CLIENT_ID", description="TikTok app for signing in with TikTok."
    )
    oauth_tiktok_client_secret: SecretStr = Field(
        SecretStr(""), alias="OAUTH_TIKTOK_CLIENT_SECRET", description="Its secret."
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        alias="SMTP_URL",
        description="Mail server for notices to owners, such as smtp://user:password@mail.example.com:587; "
        "without it nothing is mailed.",
    )
    mail_from: str = Field(
        "", alias="MAIL_FROM", description="Sender of these mails, such as calltrack@example.com."
    )
    static_answers_dir: str = Field(
        "",
        alias="STATIC_ANSWERS_DIR",
        description="Folder kept full of answers that a plain web server gives while calltrack is down.",
    )
    voice_fallback_origin: str = Field(
        "",
        alias="VOICE_FALLBACK_ORIGIN",
        description="Origin on another machine that serves these answers; numbers fall back to it.",
    )
    local_origin: str = Field(
        "",
        alias="LOCAL_ORIGIN",
        description="Demo only: the front door on this machine, which the sandbox calls.",
    )
    trusted_proxies: str = Field(
        "127.0.0.0/8, ::1",
        alias="TRUSTED_PROXIES",
        description="Networks of your own proxies and CDN: X-Forwarded-For and the region are believed from "
        "them only.",
    )
    region_header: str = Field(
        "",
        alias="REGION_HEADER",
        description="Header in which your proxy or CDN names the visitor's region (ISO 3166-2: `US-CA` or "
        "`CA`), such as CF-Region-Code; without it no visit has a region.",
    )
    country_header: str = Field(
        "",
        alias="COUNTRY_HEADER",
        description="Header with the country of that region, where the other one has `CA` only, such as "
        "CF-IPCountry.",
    )
    worker_count: int = Field(1, alias="WORKER_COUNT", ge=1, le=64, description="Worker processes to start.")

    @field_validator("public_base_url", "voice_fallback_origin")
    @classmethod
    def _origin_only(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value.rstrip("/"))
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("write an origin such as https://calls.example.com")
        return value.rstrip("/")

    @field_validator("database_url", "database_owner_url", "database_system_url")
    @classmethod
    def _postgres_only(cls, value: str) -> str:
        if not value:
            return value
        scheme, found, rest = value.partition("://")
        if not found or scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
            raise ValueError("write a PostgreSQL address such as postgresql://user:password@host/name")
        return f"postgresql+psycopg://{rest}"

    @model_validator(mode="after")
    def _carrier_base_here(self) -> Self:
        """Refuse a base that would send auth tokens to another machine unasked, or in the clear."""
        base = self.twilio_api_base
        if not base:
            return self
        parts = urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("TWILIO_API_BASE: write an address such as http://127.0.0.1:18090")
        if parts.username or parts.password:
            raise ValueError("TWILIO_API_BASE: leave user and password out; each account has its own")
        if is_loopback(parts.hostname):
            return self
        if not self.twilio_api_base_elsewhere:
            raise ValueError(
                "TWILIO_API_BASE names another machine, which would get the auth tokens of all accounts. "
                "Use an address of this machine, or set TWILIO_API_BASE_ELSEWHERE=true if you mean it"
            )
        if parts.scheme != "https":
            raise ValueError("TWILIO_API_BASE: another machine is asked by https only")
        return self

    @field_validator("redis_url")
    @classmethod
    def _redis_only(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("write a Redis address such as redis://host:6379/0")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _mail_server_only(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        try:
            parts = urlsplit(text)
            is_server = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_server = False
        if text and not is_server:
            raise ValueError("write a mail server such as smtp://user:password@mail.example.com:587")
        return value

    @field_validator("mail_from")
    @classmethod
    def _mail_address_only(cls, value: str) -> str:
        if value and not re.fullmatch(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+", value):
            raise ValueError("write an address such as calltrack@example.com")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks_only(cls, value: str) -> str:
        for network in networks_in(value):
            if network.prefixlen == 0:
                raise ValueError(f"{network} would believe everybody; name your own proxies' networks")
        return value

    @field_validator("region_header", "country_header")
    @classmethod
    def _header_only(cls, value: str) -> str:
        if value and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", value):
            raise ValueError("write a header's name such as CF-Region-Code")
        return value

    @property
    def proxies(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks whose word is taken for who asks, and from where."""
        return networks_in(self.trusted_proxies)

    @property
    def base_url(self) -> str:
        """The public origin; loopback on our own port where none is set."""
        return self.public_base_url or f"http://127.0.0.1:{self.port}"

    @property
    def is_demo(self) -> bool:
        """Whether the sandbox and the demo company belong to this run."""
        return self.mode == "demo"

    @property
    def system_url(self) -> str:
        """Login of the system role; derived from DATABASE_URL where it has no address of its own."""
        return self.database_system_url or as_role(
            self.database_owner_url or self.database_url, "calltrack_system"
        )

    @property
    def app_url(self) -> str:
        """Login of the app's role: DATABASE_URL itself once an owner's address stands beside it."""
        return self.database_url if self.database_owner_url else as_role(self.database_url, "calltrack_app")

    @property
    def owner_url(self) -> str:
        """Login for migrations."""
        return self.database_owner_url or self.database_url

    @property
    def carrier_base(self) -> str:
        """Server asked instead of Twilio's own; empty for Twilio itself, which no demo asks unless told."""
        if self.twilio_api_base or not self.is_demo:
            return self.twilio_api_base
        return f"{self.local_origin or f'http://127.0.0.1:{self.port}'}{SANDBOX_CARRIER_PATH}"

    def oauth_app(self, provider: str) -> tuple[str, str]:
        """Return id and secret of the application registered at a sign-in provider; empty where none is.

        The demo's sandbox knows one documented pair.
        """
        client_id: str = getattr(self, f"oauth_{provider}_client_id")
        secret: SecretStr = getattr(self, f"oauth_{provider}_client_secret")
        if self.is_demo and not client_id:
            return SANDBOX_OAUTH
        return client_id, secret.get_secret_value()

    def master_key(self) -> bytes:
        """Return the 32 bytes behind ENCRYPTION_KEY."""
        return base64.b64decode(self.encryption_key.get_secret_value())


REQUIRED = {
    "database_url": "DATABASE_URL: an address such as postgresql://user:password@host/name",
    "redis_url": "REDIS_URL: an address such as redis://host:6379/0",
    "encryption_key": "ENCRYPTION_KEY: make one with `calltrack new-key`",
    "secret_key": "SECRET_KEY: make one with `calltrack new-key`",
}


def networks_in(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Return the networks of a list with commas.

    Raises:
        ValueError: one is none; the sentence names it.
    """
    found = []
    for one in filter(None, map(str.strip, text.split(","))):
        try:
            found.append(ipaddress.ip_network(one))
        except ValueError as problem:
            raise ValueError(f"{problem}; write networks such as 127.0.0.1, 173.245.48.0/20") from None
    return tuple(found)


def is_loopback(host: str) -> bool:
    """Whether a host of an address is this machine by number, or by its name `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def as_role(url: str, role: str) -> str:
    """Return the address with `SET ROLE` at connection time, for a login that may act as that role."""
    return f"{url}{'&' if '?' in url else '?'}options=-c%20role%3D{role}" if url else ""


def read_settings(**given: object) -> Settings:
    """Read the environment (`given` wins); stops the program with one sentence per wrong setting."""
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks each value
    except ValidationError as problem:
        # A rule over several settings has no place of its own; its sentence names them.
        lines = [f"  {': '.join([*map(str, error['loc'][:1]), error['msg']])}" for error in problem.errors()]
        raise SystemExit("These settings are wrong:\n" + "\n".join(lines)) from None


def require_complete(settings: Settings) -> Settings:
    """Stop the program when a serving process lacks a setting; all that is missing is named at once."""
    missing = [hint for name, hint in REQUIRED.items() if not _plain(getattr(settings, name))]
    try:
        if settings.encryption_key.get_secret_value() and len(settings.master_key()) != 32:
            missing.append("ENCRYPTION_KEY must be 32 bytes in base64; make one with `calltrack new-key`")
    except (binascii.Error, ValueError):
        missing.append("ENCRYPTION_KEY is not base64; make one with `calltrack new-key`")
    if 0 < len(settings.secret_key.get_secret_value()) < 32:
        missing.append("SECRET_KEY is too short (32 characters at least); make one with `calltrack new-key`")
    if settings.smtp_url.get_secret_value() and not settings.mail_from:
        missing.append("MAIL_FROM: the sender of the mails that go through SMTP_URL")
    if missing:
        raise SystemExit("Set these variables first (see docs/configuration.md):\n  " + "\n  ".join(missing))
    return settings


def secrets_of(data_dir: Path) -> dict[str, str]:
    """Return this installation's own secrets, made at random and kept in the data folder (mode 0600)."""
    path = data_dir / "secrets.json"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        fresh = {"ENCRYPTION_KEY": new_key(), "SECRET_KEY": new_key()}
        draft = path.with_suffix(f".{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(fresh, file)
        draft.rename(path)
    kept: dict[str, str] = json.loads(path.read_text())
    return kept


def new_key() -> str:
    """Return 32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value

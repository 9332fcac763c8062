"""The settings of a destination: one pydantic model per platform; forms and API schema are drawn from it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import NoneType
from typing import Any, ClassVar, Final, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

_SECRET: Final = re.compile(r"[\x21-\x7e]{1,8000}")


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a settings form."""

    name: str
    label: str
    help: str
    required: bool
    secret: bool
    choices: tuple[str, ...]
    default: object
    kind: str
    """text, number, checkbox or choice."""


class DestinationSettings(BaseModel):
    """What an owner fills in to connect an account. Secrets are `SecretStr`: they print as stars.

    What holds for every platform stands here: an empty text is nothing where a field may be left out, a
    secret is one word of ASCII, a moment without a time zone is UTC. A field made by `only_in_sandbox` may
    differ from its default only when loaded with `sandbox=True`: it points a destination at the twins, and
    must not be a way to send tokens to a stranger's server.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object, info: ValidationInfo) -> object:
        types = _types_of(cls.model_fields[info.field_name or ""])
        if not isinstance(value, str) or not (NoneType in types or SecretStr in types):
            return value
        return value.strip() or (None if NoneType in types else "")

    @field_validator("*")
    @classmethod
    def _secret_is_one_word(cls, value: object) -> object:
        if isinstance(value, SecretStr) and not _SECRET.fullmatch(value.get_secret_value()):
            raise ValueError("must not be empty and holds no spaces: paste it as the platform shows it")
        return value

    @field_validator("*")
    @classmethod
    def _moment_has_a_zone(cls, value: object) -> object:
        naive = isinstance(value, datetime) and value.tzinfo is None
        return value.replace(tzinfo=UTC) if naive and isinstance(value, datetime) else value

    @model_validator(mode="after")
    def _stays_at_the_platform(self, info: ValidationInfo) -> Self:
        fields = {name: field for name, field in type(self).model_fields.items() if _is_sandbox_only(field)}
        moved = [name for name, field in fields.items() if getattr(self, name) != field.default]
        if moved and not (info.context or {}).get("sandbox"):
            raise ValueError(f"{' and '.join(moved)} can be changed in the sandbox only")
        for name in moved:
            if urlsplit(getattr(self, name)).scheme not in ("http", "https"):
                raise ValueError(f"{name} must be an http or https address")
        return self

    @classmethod
    def load(cls, values: Mapping[str, Any], *, sandbox: bool = False) -> Self:
        """Check the values and return the settings; raises pydantic's ValidationError, naming each field."""
        return cls.model_validate(dict(values), context={"sandbox": sandbox})

    @classmethod
    def secret_names(cls) -> frozenset[str]:
        """Return the names of the fields that must be stored encrypted and never shown again."""
        return frozenset(name for name, info in cls.model_fields.items() if _is_secret(info))

    def plain(self) -> dict[str, Any]:
        """Return the values that may be stored and shown as they are."""
        return self.model_dump(mode="json", exclude=set(self.secret_names()))

    def secrets(self) -> dict[str, str]:
        """Return the secret values in the clear: for the encrypted column and nothing else."""
        values = {name: getattr(self, name) for name in self.secret_names()}
        return {name: value.get_secret_value() for name, value in values.items() if value is not None}

    @classmethod
    def fresh_secrets(cls) -> dict[str, str]:
        """Return newly made values for the secrets that both sides may choose freely; none by default."""
        return {}

    def rotated(self, now: datetime) -> dict[str, Any]:
        """Return the values that a change of the signing `secret` replaces; empty where there is none."""
        return {}

    @classmethod
    def form(cls) -> list[FormField]:
        """Return the fields to draw, in order; the ones that exist for the sandbox only are left out."""
        return [
            _form_field(name, info) for name, info in cls.model_fields.items() if not _is_sandbox_only(info)
        ]


class SettingsByKind(DestinationSettings):
    """Settings that name one thing for leads and one for purchases, and at least one of the two.

    A subclass has the two fields, says in `by_kind` which they are, and in `named` what they name.
    """

    by_kind: ClassVar[Mapping[str, str]]
    named: ClassVar[str] = "an event"

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if all(getattr(self, field) is None for field in self.by_kind.values()):
            raise ValueError(f"name {self.named} for leads, for purchases, or both")
        return self

    def name_for(self, kind: str) -> str | None:
        """Return what conversions of this kind, lead or purchase, count as; None: they are not sent."""
        name: str | None = getattr(self, self.by_kind[kind])
        return name


def only_in_sandbox(address: str) -> Any:
    """Return a field that holds the platform's address and may be changed in the sandbox only."""
    return Field(address, json_schema_extra={"sandbox": True})


def when_unknown() -> Any:
    """Return the field that says what to do where nobody knows what the visitor allowed."""
    return Field(
        "by_region",
        title="When the visitor's consent is unknown",
        description="The law asks for consent in the EEA, the UK and Switzerland.",
    )


def _types_of(info: FieldInfo) -> tuple[Any, ...]:
    return (info.annotation, *get_args(info.annotation))


def _is_secret(info: FieldInfo) -> bool:
    return SecretStr in _types_of(info)


def _is_sandbox_only(info: FieldInfo) -> bool:
    return isinstance(info.json_schema_extra, dict) and bool(info.json_schema_extra.get("sandbox"))


def _form_field(name: str, info: FieldInfo) -> FormField:
    types = _types_of(info)
    choices = tuple(value for value in get_args(info.annotation) if isinstance(value, str))
    kind = "choice" if choices else "checkbox" if bool in types else "number" if int in types else "text"
    default = None if info.is_required() or _is_secret(info) else info.default
    return FormField(
        name=name,
        label=info.title or name.replace("_", " ").capitalize(),
        help=info.description or "",
        required=info.is_required(),
        secret=_is_secret(info),
        choices=choices,
        default=default,
        kind=kind,
    )

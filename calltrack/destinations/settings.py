"""The settings of a destination: one pydantic model per platform; forms and API schema are drawn from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, get_args

from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic.fields import FieldInfo


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

    A field marked `sandbox` may differ from its default only when loaded with `sandbox=True`: it points a
    destination at the twins, and must not be a way to send tokens to a stranger's server.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True
    )

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

"""Who asks: an API key in the Authorization header, and what its role may do."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from flask import g, request
from werkzeug.exceptions import Unauthorized

from calltrack.accounts.api_keys import authenticate_api_key
from calltrack.accounts.rules import Role, may
from calltrack.kernel.errors import NotAllowed
from calltrack.wiring import Services


@dataclass(frozen=True)
class Asker:
    """The company a request speaks for, and the key that says so."""

    company_id: UUID
    role: str
    key_id: UUID

    @property
    def name(self) -> str:
        """Return how audit entries and conversions name this key."""
        return f"api key {self.key_id.hex[-8:]}"


def needs(services: Services, role: Role) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only keys of at least this role call the view; `g.asker` says who asks."""

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            g.asker = _asker(services)
            if not may(g.asker.role, role):
                raise NotAllowed(
                    f"This key's role is {g.asker.role}; the call needs {role}. Make another key."
                )
            return view(*args, **kwargs)

        return guarded

    return guard


def _asker(services: Services) -> Asker:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized(
            "Send an API key: `Authorization: Bearer ctk_...` (make one under Settings, API keys)."
        )
    try:
        return Asker(*authenticate_api_key(services, key.strip()))
    except NotAllowed as problem:
        raise Unauthorized(str(problem)) from None

"""Sign-ins at ad platforms that are under way, or done and not yet part of a destination."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class SignInRequest(Base):
    """One person on the way to a provider and back."""

    __tablename__ = "sign_in_request"
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str]
    # The kind of destination to connect, or (with its id) the connected one to renew.
    kind: Mapped[str]
    destination_id: Mapped[UUID | None]
    # Who began it; nobody else may end it.
    by: Mapped[str]
    # Seals the PKCE verifier (place `sign_in.verifier`).
    verifier: Mapped[bytes]
    # Seals what it brought, as JSON (place `sign_in.granted`); empty until then and after use.
    granted: Mapped[bytes]
    # When the granted access ends by itself; None: not before it is withdrawn.
    access_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
